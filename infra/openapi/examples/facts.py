"""What all examples have: one time, one snapshot, and the envelope."""

from __future__ import annotations

from typing import Any

from infra.openapi.errors import JOB_ID, SNAPSHOT, STAMP

CREATED = 1795395329.073538

NAMED = {"name": SNAPSHOT, "fence": 1, "job_id": JOB_ID}

SHA256 = "fe7c4b5b30cf7fed6ca6f0b61e367d7759c94951d35c429aa65c9650db31a0f0"


def success(data: Any, message: str) -> dict[str, Any]:
    return {
        "success": True,
        "data": data,
        "message": message,
        **STAMP,
    }
