"""Where a test's warehouse lies."""

from __future__ import annotations

import uuid
from typing import Any

from botocore.config import Config

from support.aws_session import new_session
from support.coordination import KEYS

HUNTER2 = KEYS.secret_access_key  # stands for a secret, in the place and in the credentials


def s3_client(url: str) -> Any:
    return new_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEYS.access_key_id,
        aws_secret_access_key=KEYS.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
    )


def own_prefix() -> str:
    """The bucket of the local S3 lives as long as the process."""
    return f"s3://wellhead-local/{uuid.uuid4()}/wells"
