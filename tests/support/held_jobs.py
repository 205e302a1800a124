"""An import that is held, as the API tells it."""

from __future__ import annotations

from typing import Any

from support.api_answers import JOB_ID, job

UNTIL = 1_796_000_000.0
NEXT_ID = "01a205e6-9c31-771e-8a7b-50943f1a7000"
REJECTED: dict[str, Any] = {
    "check": "REJECTED",
    "limit": "5 % of the rows, and 20",
    "found": "83 of 1,000 rows",
    "message": "83 of 1,000 rows cannot be stored.",
    "examples": [
        {
            "field_code": "007",
            "well_code": "NO 30/6-E-2 H",
            "reason": "NOT_A_NUMBER",
            "raw": '{"oil": "n/a"}',
        },
        {"field_code": "007", "well_code": None, "reason": "MISSING_KEY", "raw": "{}"},
    ],
    "can_be_accepted": True,
    "holds": True,
    "fingerprint": "f1",
}
NULLED: dict[str, Any] = {
    "check": "NULLED",
    "limit": 50,
    "found": 1000,
    "message": "Stored values would turn null: 1,000 of 1,000 of water_production_kbd.",
    "examples": [{"column": "water_production_kbd", "before": 1.5, "after": None}],
    "can_be_accepted": True,
    "holds": True,
    "fingerprint": "f2",
}
UNPROVED: dict[str, Any] = {
    "check": "COMPLETENESS_UNKNOWN",
    "limit": None,
    "found": None,
    "message": "The source does not tell how many rows it has.",
    "examples": [],
    "can_be_accepted": True,
    "holds": False,
    "fingerprint": "f3",
}

DIFF: dict[str, Any] = {
    "new": 0,
    "updated": 1000,
    "unchanged": 0,
    "rejected": 83,
    "is_first": False,
    "nulled": {"water_production_kbd": {"nulled": 1000, "stored": 1000}},
    "sums": {"water_production_kbd": {"before": 866.7, "after": 0.0}},
    "fields": [
        {
            "code": "007",
            "name": "Volve",
            "column": "water_production_kbd",
            "before": 800.5,
            "after": 0.0,
        }
    ],
    "examples": {},
}


def held(*findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Of the first two findings unless others are given."""
    error = {
        "code": "HELD",
        "message": "The import is held.",
        "retryable": False,
        "phase": "CHECKING",
        "attempt": 1,
    }
    facts = {
        "findings": list(findings or (REJECTED, NULLED)),
        "accept_until": UNTIL,
        "error": error,
        "diff": DIFF,
    }
    return job("FAILED", **facts | more)


def accepted(status: str = "COMPLETED", **more: Any) -> dict[str, Any]:
    """The import that an accept has started."""
    return job(status, retry_of=JOB_ID, accepted_by="ada", accepted=["f1", "f2"], **more) | {
        "job_id": NEXT_ID
    }
