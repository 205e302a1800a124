"""What the API answers, made up for the tests of its clients."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from clients.api.answers import Export
from support.scripted_source import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.api.client import WellheadClient

    Connected = Callable[..., WellheadClient]


CONTENT = os.urandom(3_000_000)
JOB_ID = "01a205e6-9c31-771e-8a7b-50943f1a777c"


def success(data: Any, **headers: str) -> Answer:
    body = json.dumps(
        {"success": True, "data": data, "message": "", "request_id": "r-1", "timestamp": ""}
    )
    return Answer(
        body.encode(), headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def failure(
    status: int, code: str, *, headers: dict[str, str] | None = None, **error: Any
) -> Answer:
    told = {"code": code, "message": "No.", "retryable": False, **error}
    body = json.dumps({"success": False, "error": told, "request_id": "r-1", "timestamp": ""})
    return Answer(body.encode(), status, headers or {})


def job(status: str = "RUNNING", **fields: Any) -> dict[str, Any]:
    return {"job_id": JOB_ID, "status": status, "created_at": 1.0, **fields}


def export_of(url: str, content: bytes = CONTENT, **facts: Any) -> Export:
    known = {"name": "n", "rows": 1, "job_id": JOB_ID, "created_at": None, "expires_at": None}
    sha256 = hashlib.sha256(content).hexdigest()
    return Export(**{**known, "url": url, "bytes": len(content), "sha256": sha256, **facts})
