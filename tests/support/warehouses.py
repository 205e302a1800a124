"""Where a test's warehouse lies."""

from __future__ import annotations

import uuid
from typing import Any

import botocore.session
from botocore.config import Config

HUNTER2 = "hunter2"  # stands for a secret, in the place and in the credentials


def s3_client(url: str) -> Any:
    return botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="local",
        aws_secret_access_key=HUNTER2,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
    )


def own_prefix() -> str:
    """The bucket of the local S3 lives as long as the process."""
    return f"s3://wellhead-local/{uuid.uuid4()}/wells"
