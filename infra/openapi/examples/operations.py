"""What the routes of an operator have answered with."""

from __future__ import annotations

from typing import Any

from infra.openapi.errors import JOB_ID, OTHER_ID, SNAPSHOT

from .facts import CREATED, SHA256, success

_BEGUN = "It is begun. See the address in Location for what comes of it."
_PENDING: dict[str, Any] = {
    "check_id": "c02841a6-d267-491c-a25d-020a5d70712a",
    "status": "PENDING",
    "created_at": CREATED,
    "error": None,
    "result": None,
}
_DONE = {**_PENDING, "status": "DONE"}
_KEPT: dict[str, Any] = {
    "name": SNAPSHOT,
    "job_id": JOB_ID,
    "fence": 1,
    "published_at": 1795395333.443,
    "triggered_by": "laptop",
    "rollback_to": None,
    "rows": 49983,
    "bytes": 2109440,
    "sha256": SHA256,
    "store": "file",
    "is_current": True,
    "is_there": True,
}
STATUS = success(
    {
        "version": "0.1.0",
        "is_healthy": True,
        "checks": {"settings": "ok", "table": "ok", "warehouse": "ok", "query_function": "ok"},
        "lock": {
            "fence": 1,
            "job_id": None,
            "since": None,
            "holder": None,
            "lease_until": None,
            "is_over": False,
        },
        "running": None,
        "snapshot": {**_KEPT, "is_there": None},
        "sweeper": {"at": 1795395372.118},
        "last_failures": [
            {
                "job_id": OTHER_ID,
                "source": "default",
                "rollback_to": None,
                "completed_at": 1795391700.25,
                "code": "SOURCE_UNREACHABLE",
                "message": "The source cannot be reached. Check its address, and that it runs.",
            }
        ],
    },
    "All that the API needs answers. The lock is free.",
)
SNAPSHOTS = success({"snapshots": [_KEPT]}, "The snapshots that are kept, newest first.")
BEGUN = success(_PENDING, _BEGUN)
VERIFIED = success(
    {
        **_DONE,
        "result": {
            "is_right": True,
            "looked_at": 3,
            "wrong": 0,
            "seconds": 0.412,
            "files": [
                {
                    "name": SNAPSHOT,
                    "kind": "snapshot",
                    "bytes": 2109440,
                    "rows": 49983,
                    "problems": [],
                    "seconds": 0.371,
                },
                {
                    "name": "wells.duckdb",
                    "kind": "stable name",
                    "bytes": 2109440,
                    "rows": 49983,
                    "problems": [],
                    "seconds": 0.03,
                },
                {
                    "name": "owner.json",
                    "kind": "owner",
                    "bytes": None,
                    "rows": None,
                    "problems": [],
                    "seconds": 0.004,
                },
            ],
        },
    },
    "The report is DONE.",
)
DRILLED = success(
    {
        **_DONE,
        "result": {
            "is_right": True,
            "snapshot": SNAPSHOT,
            "is_current": False,
            "published_at": 1795395333.443,
            "restored_as": "drills/1795395400-c02841a6-d267-491c-a25d-020a5d70712a.duckdb",
            "rows": 49983,
            "bytes": 2109440,
            "problems": [],
            "steps": [
                {"step": "fetch", "seconds": 0.016},
                {"step": "restore", "seconds": 0.021},
                {"step": "verify", "seconds": 0.352},
                {"step": "remove", "seconds": 0.001},
            ],
            "seconds": 0.391,
        },
    },
    "The report is DONE.",
)
RESTORED = success(
    {
        **_DONE,
        "result": {
            "snapshot": SNAPSHOT,
            "rows": 49983,
            "bytes": 2109440,
            "sha256": SHA256,
            "is_restored": True,
            "version": "c1PdVnCk3Vh8",
        },
    },
    "The report is DONE.",
)
