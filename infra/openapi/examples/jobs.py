"""A job on its way, at its end, held and cancelled; its log."""

from __future__ import annotations

from typing import Any

from chalicelib.jobs.job import new_job
from infra.openapi.errors import JOB_ID, OTHER_ID, SNAPSHOT

from .facts import CREATED, success

# What a job shows before anything has happened to it; an example names what is otherwise.
_NEW = new_job(now=CREATED, triggered_by="laptop", parameters={}, source_name="default")

_SUMMARY: dict[str, Any] = {
    **_NEW.summary(CREATED),
    "job_id": JOB_ID,
    "status": "COMPLETED",
    "started_at": 1795395330.4196947,
    "completed_at": 1795395333.4439785,
    "heartbeat_at": 1795395333.3111465,
    "attempt": 1,
    "progress_percentage": 100.0,
    "expected_records": 50000,
    "fetched_records": 50000,
    "new_records": 49983,
    "duplicate_records": 5,
    "failed_records": 12,
    "stats": {"pages": 5, "bytes": 26892689, "http_retries": 0},
    "completeness": {
        "state": "proved",
        "reason": "",
        "announced": 50000,
        "counted_again": None,
        "delivered": 50000,
    },
    "total_records": 50000,
    "execution_time_seconds": 3.024,
    "records_per_second": 16534.4,
}

_NEW_VIEW: dict[str, Any] = {**_NEW.view(CREATED), "job_id": JOB_ID}

_EVENTS = [
    {"at": CREATED, "event": "created", "by": "laptop"},
    {"at": 1795395330.4196947, "event": "claimed", "attempt": 1},
    {"at": 1795395332.4619026, "event": "merging"},
    {"at": 1795395333.2110955, "event": "checking"},
    {"at": 1795395333.3110955, "event": "publishing"},
    {"at": 1795395333.4439785, "event": "completed", "records": 50000},
]

_DIFF: dict[str, Any] = {
    "new": 49983,
    "updated": 0,
    "unchanged": 0,
    "rejected": 12,
    "withdrawn": 0,
    "covered": 0,
    "is_first": True,
    "nulled": {},
    "sums": {},
    "fields": [],
    "examples": {},
    "absent": {},
}

_NULLED: dict[str, Any] = {
    "check": "NULLED",
    "limit": "5 % of the stored values of a column, and 100; or half of all there are",
    "found": "1,000 of 1,000 values of oil_production_kbd",
    "message": "Stored values would turn null: 1,000 of 1,000 of oil_production_kbd.",
    "fingerprint": "NULLED oil_production_kbd=1000",
    "examples": [
        {
            "field_code": 1001,
            "well_code": 770010000200,
            "production_period": "2024-01-01",
            "oil_production_kbd": 0.027957,
        }
    ],
    "holds": True,
    "can_be_accepted": True,
}

_HELD: dict[str, Any] = {
    **_SUMMARY,
    "status": "FAILED",
    "phase": "CHECKING",
    "progress_percentage": 95.0,
    "expected_records": 1000,
    "fetched_records": 1000,
    **dict.fromkeys(
        ("new_records", "updated_records", "duplicate_records", "failed_records", "total_records"),
        0,
    ),
    "completeness": {**_SUMMARY["completeness"], "announced": 1000, "delivered": 1000},
    "diff": {
        **_DIFF,
        "new": 0,
        "updated": 1000,
        "rejected": 0,
        "is_first": False,
        "nulled": {"oil_production_kbd": {"nulled": 1000, "stored": 1000, "in_store": 1000}},
        "sums": {"oil_production_kbd": {"before": 866.7, "after": 0.0}},
        "fields": [
            {
                "code": 1001,
                "name": "Ruskengate",
                "column": "oil_production_kbd",
                "before": 866.7,
                "after": 0.0,
            }
        ],
        "examples": {"NULLED": _NULLED["examples"]},
    },
    "findings": [_NULLED],
    "accept_until": CREATED + 604804.3,
    "error": {
        "code": "HELD",
        "message": "The import is held by NULLED. The published data is as it was. Look at the findings, then accept "
        "or discard the job.",
        "retryable": False,
        "phase": "CHECKING",
        "page": None,
        "attempt": 1,
    },
    "events": [
        *_EVENTS[:4],
        {"at": 1795395333.3, "event": "checkpoint", "page": 2, "records": 1000},
        {"at": 1795395333.4, "event": "failed", "code": "HELD"},
    ],
}

_ACCEPTED = {"job_id": JOB_ID, "status": "PENDING", "created_at": CREATED, "source": "default"}

_STARTED = "The import has been started. Follow it at the address in Location."

ACCEPTED = success(_ACCEPTED, _STARTED)

RETRIED = success({**_ACCEPTED, "retry_of": OTHER_ID}, _STARTED)

ACCEPTING = success(
    {
        **_NEW_VIEW,
        "retry_of": OTHER_ID,
        "accepted": [_NULLED["fingerprint"]],
        "accepted_by": "laptop",
        "events": [_EVENTS[0]],
    },
    "The findings are accepted. The import that publishes is at the address in Location.",
)

ROLLING_BACK = success(
    {
        **_NEW_VIEW,
        "source": None,
        "rollback_to": SNAPSHOT,
        "events": [_EVENTS[0]],
    },
    "The rollback is accepted. Follow it at the address in Location.",
)

DISCARDED = success(
    {**_HELD, "discarded_at": CREATED + 3600, "discarded_by": "laptop"},
    "The import is discarded. The published data is as it was.",
)

JOB = success(
    {**_NEW_VIEW, **_SUMMARY, "diff": _DIFF, "events": _EVENTS},
    "The import is complete: 50,000 rows, 49,983 of them new.",
)

JOBS = success(
    {"jobs": [_SUMMARY], "next_cursor": "AaIF5pwxdx6LelCUPxp3fA"}, "The jobs, newest first."
)

CANCELLED = success(
    {
        **_NEW_VIEW,
        "status": "CANCELLED",
        "completed_at": 1795395330.1,
        "events": [_EVENTS[0], {"at": 1795395330.1, "event": "cancelled"}],
    },
    "The import was stopped.",
)

LOG = success(
    {
        "job_id": JOB_ID,
        "lines": [
            {
                "at": 1795395330.424,
                "level": "INFO",
                "text": "attempt 1 has claimed the job",
                "attempt": 1,
                "fence": 1,
            },
            {
                "at": 1795395330.871,
                "level": "WARNING",
                "text": "the source is asked again (code SOURCE_UNAVAILABLE, page 2)",
                "attempt": 1,
                "fence": 1,
            },
            {
                "at": 1795395333.02,
                "level": "INFO",
                "text": "rows are rejected (reason NOT_A_NUMBER, rows 12)",
                "attempt": 1,
                "fence": 1,
            },
            {
                "at": 1795395333.444,
                "level": "INFO",
                "text": "the job is COMPLETED",
                "attempt": 1,
                "fence": 1,
            },
        ],
    },
    "What was logged of the job last.",
)
