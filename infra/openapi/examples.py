"""What the routes have answered with: an example of each `data`."""

from __future__ import annotations

from typing import Any

from chalicelib.jobs.job import new_job
from chalicelib.queries.changed import OF_A_CHANGE
from chalicelib.queries.cursor import Cursor, write_cursor
from chalicelib.store.columns import PROVENANCE, SHOWN
from infra.openapi.errors import JOB_ID, OTHER_ID, SNAPSHOT, STAMP

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


def _page(message: str, *rows: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    page = {
        "rows": list(rows),
        "next_cursor": cursor,
        "snapshot": NAMED,
    }
    return success(page, message)


def _cursor(of: str, **key: int | str) -> str:
    cursor = Cursor(key=key, snapshot=SNAPSHOT)
    return write_cursor(cursor, of=of)


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
    {**_SUMMARY, "diff": _DIFF, "events": _EVENTS},
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
HEALTH = success(
    {
        "version": "0.1.0",
        "checks": {"settings": "ok", "table": "ok", "warehouse": "ok", "query_function": "ok"},
    },
    "What the API needs answers.",
)

_WELL = {
    "source": "default",
    "field_code": "1001",
    "field_name": "Ruskengate",
    "well_code": "770010000200",
    "well_reference": "77-001-00002-00",
    "well_name": "Ruskengate B-02",
}
_RATES = {
    "oil_production_kbd": 0.027957,
    "gas_production_mmcfd": 0.038926,
    "liquids_production_kbd": 0.028462,
    "water_production_kbd": 0.024917,
}
_PAIRS = {
    "cut_water_kbd": 0.024917,
    "cut_liquids_kbd": 0.028462,
    "ratio_gas_mmcfd": 0.038926,
    "ratio_oil_kbd": 0.027957,
    **{name.replace("_production_", "_producing_"): rate for name, rate in _RATES.items()},
}
_VALUES = {
    **dict.fromkeys(name for name in SHOWN if name not in PROVENANCE),
    **_WELL,
    "production_period": "2024-01-01",
    "period_days": 31,
    "source_rows": 1,
    "days_on_production": 31.0,
    **_RATES,
}
_MADE_AT = "2026-11-23T04:24:39.511Z"
_PRODUCTION = {
    **dict.fromkeys(SHOWN),
    **_VALUES,
    "data_source": "SAMPLE MONTHLY REPORTS",
    "source_data": "Orrin Vale Energy|revision=0",
    "partition_0": "2024",
    "created_at": _MADE_AT,
    "updated_at": _MADE_AT,
}
_BEFORE = {name: _PRODUCTION[name] for name in OF_A_CHANGE}
_OF_A_WELL = {
    name: _WELL[name] for name in ("source", "field_code", "field_name", "well_code", "well_name")
}
_FIGURES = {
    "first_period": "2007-07-01",
    "last_period": "2020-04-01",
    "periods": 154,
    **{name: rate for name, rate in _RATES.items() if name != "liquids_production_kbd"},
    "oil_production_kb": 2_311.5,
    "gas_production_mmcf": 5_190.25,
    "water_production_kb": 804.75,
    "water_cut": 0.4668,
    "gas_oil_ratio": 1_392.4,
    "uptime": 0.9677,
}
_MORE = "1 row. Ask for the following ones with next_cursor."

PAGES = {
    "production": _page(
        _MORE,
        _PRODUCTION,
        cursor=_cursor(
            "production",
            source="default",
            field_code="1001",
            well_code="770010000200",
            production_period="2024-01-01",
        ),
    ),
    "revisions": _page("1 row.", {**_VALUES, "replaced_at": _MADE_AT, "job_id": JOB_ID}),
    "totals": _page(
        _MORE,
        {
            "source": "default",
            "production_period": "2024-01-01",
            "period_days": 31,
            "wells": 3,
            **_RATES,
            **_PAIRS,
        },
        cursor=_cursor("totals", source="default", production_period="2024-01-01", period_days=31),
    ),
    "wells": _page(
        "1 row.",
        {**_WELL, "first_period": "2007-07-01", "last_period": "2020-04-01", "periods": 154},
    ),
    "register": success(
        {
            "rows": [{**_WELL, **_FIGURES}],
            "next_cursor": _cursor("register wells oil_production_kbd ", place=1),
            "found": {"wells": 12, "fields": 1},
            "total": {"wells": 200_000, "fields": 5_000},
            "sources": [{"source": "default", "rows": 12}],
            "fields": [
                {
                    **{name: _WELL[name] for name in ("source", "field_code", "field_name")},
                    "rows": 12,
                }
            ],
            "snapshot": NAMED,
        },
        "12 of 200,000 wells and 1 of 5,000 fields are found.",
    ),
    "changes": _page(
        "1 row.",
        {
            "change": "updated",
            **_OF_A_WELL,
            "production_period": "2024-01-01",
            "period_days": 31,
            "before": _BEFORE,
            "after": {**_BEFORE, "oil_production_kbd": 0.6},
            "differs": ["oil_production_kbd"],
        },
    ),
    "fields": _page(
        "1 row.",
        {
            **{name: _WELL[name] for name in ("source", "field_code", "field_name")},
            "wells": 3,
            "first_period": "2006-06-01",
            "last_period": "2024-12-01",
            "well_periods": 402,
        },
    ),
    "rejects": _page(
        "1 row.",
        {
            "page": 1,
            "position": 900,
            "reason": "MISSING_KEY",
            "detail": "well_code: field, well and period identify a row",
            "raw": '{"field_code": 1002, "well_code": null}',
            "rejected_at": _MADE_AT,
        },
    ),
}
TOKENS = success(
    {
        "tokens": [
            {
                "name": "ada",
                "role": "operator",
                "created_at": 1795395300.0,
                "expires_at": 1803171300.0,
                "last_used_at": 1795395329.1,
                "previous_until": 1795481700.0,
            }
        ]
    },
    "The tokens of the API, by name, without what is secret.",
)
NEW_TOKEN = success(
    {
        "name": "ada",
        "role": "operator",
        "token": "wellhead_…",
        "expires_at": 1803171300.0,
        "previous_until": 1795481700.0,
    },
    "The name has a new token. It is shown this once: keep it.",
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
LIST_CSV = (
    "\ufeffsource;field_code;field_name;wells;first_period;last_period;well_periods\r\n"
    "default;1001;Ruskengate;3;2006-06-01;2024-12-01;402\r\n"
)
REJECTS_CSV = (
    "page,position,reason,detail,raw,rejected_at\r\n"
    '1,900,MISSING_KEY,well_code,"{""field_code"": 1002}",2026\r\n'
)
CHANGES_CSV = (
    "change,source,field_code,oil_production_kbd_before,oil_production_kbd_after\r\n"
    "updated,default,1001,0.5,0.6\r\n"
)
SUMMARY = success(
    {
        "rows": 49983,
        "wells": 478,
        "fields": 84,
        "first_period": "2006-06-01",
        "last_period": "2024-12-01",
        "wells_with_gaps": 325,
        "missing_periods": 1008,
        "missing_months": 1008,
        "replaced_rows": 0,
        "rejected_rows": 12,
        "sources": [
            {
                "source": "default",
                "period": "month",
                "rows": 49983,
                "first_period": "2006-06-01",
                "last_period": "2024-12-01",
                "wells": 478,
                "fields": 84,
                "wells_with_gaps": 325,
                "missing_periods": 1008,
                "missing_months": 1008,
                "replaced_rows": 0,
            }
        ],
        "last_import": {
            "job_id": JOB_ID,
            "source": "https://odata.example.com/v4/WellProduction",
            "triggered_by": "laptop",
            "started_at": "2026-11-23T04:24:37.771Z",
            "merged_at": _MADE_AT,
            "new_records": 49983,
            "updated_records": 0,
            "duplicate_records": 5,
            "failed_records": 12,
            "expected_records": 50000,
            "warnings": {},
        },
        "schema_version": 3,
        "storage_version": "v1.4.0",
        "snapshot": {**NAMED, "rows": 49983, "bytes": 2109440, "sha256": SHA256},
    },
    "49,983 rows of 478 wells are published.",
)
EXPORT = success(
    {
        "url": f"file:///srv/wellhead/warehouse/{SNAPSHOT}",
        "expires_at": None,
        "created_at": 1795407880.439536,
        "name": SNAPSHOT,
        "rows": 49983,
        "bytes": 2109440,
        "sha256": SHA256,
        "job_id": JOB_ID,
    },
    "The current database can be read from the address in url.",
)

SQL_STATEMENT = "SELECT field_name, count(*) AS wells FROM wells GROUP BY ALL ORDER BY ALL LIMIT 2"
SQL_ANSWER = success(
    {
        "columns": [{"name": "field_name", "type": "VARCHAR"}, {"name": "wells", "type": "BIGINT"}],
        "rows": [["Akuvik", 4], ["Ashwick South", 6]],
        "cut": None,
        "snapshot": NAMED,
    },
    "2 rows.",
)
SQL_CSV = "field_name,wells\r\nAkuvik,4\r\nAshwick South,6\r\n"
SQL_OFFER = success(
    {
        "off": None,
        "questions": [
            {
                "name": "wells-of-a-field",
                "title": "How many wells each field has",
                "explanation": "The fields by name.",
                "statement": SQL_STATEMENT,
            }
        ],
    },
    "Statements that ship with Wellhead, to run and to change.",
)

DEFINITION: dict[str, Any] = {
    "name": "north-sea",
    "kind": "odata",
    "url": "https://data.example.org/odata/Production",
    "secret": "ssm:/wellhead-dev/sources/north-sea",
    "period": "month",
    "schedule": "0 5 * * *",
    "timezone": "Europe/Oslo",
    "fresh_for": "26 h",
    "columns": {
        "field_code": "Field",
        "well_code": "Well",
        "production_period": {"field": "Month", "format": "%Y-%m"},
        "oil_production_kbd": {"field": "OilVolume", "unit": "Sm3"},
    },
}
_SCHEDULE: dict[str, Any] = {
    "next_due": CREATED + 90_000,
    "last_due": CREATED + 3600,
    "last_due_job_id": JOB_ID,
    "skipped": 0,
    "paused": None,
}
_DEFINED: dict[str, Any] = {
    "name": "north-sea",
    "version": 2,
    "is_default": True,
    "adopts": "",
    "kind": "odata",
    "period": "month",
    "schedule": "0 5 * * *",
    "timezone": "Europe/Oslo",
    "fresh_for": "26 h",
    "pause_after": 5,
    **_SCHEDULE,
    "stale_since": None,
    "created_at": CREATED,
    "created_by": "ada",
    "updated_at": CREATED + 3600,
    "updated_by": "ada",
    "is_of_settings": False,
}
_OF_SETTINGS: dict[str, Any] = {
    **_DEFINED,
    **dict.fromkeys(
        ("version", "created_at", "created_by", "updated_at", "updated_by", "pause_after")
    ),
    **dict.fromkeys(("next_due", "last_due", "last_due_job_id")),
    **dict.fromkeys(("schedule", "timezone", "fresh_for"), ""),
    "name": "default",
    "is_default": False,
    "is_of_settings": True,
}
SOURCES = success(
    {
        "sources": [
            {**_OF_SETTINGS, "last_import": None},
            {**_DEFINED, "last_import": {"job_id": JOB_ID, "at": CREATED + 4000}},
        ]
    },
    "The sources, by name.",
)
SOURCE = success({**_DEFINED, "definition": DEFINITION}, "The source north-sea has version 2.")
PAUSED = success(
    {
        "name": "north-sea",
        **_SCHEDULE,
        "next_due": None,
        "paused": {"at": CREATED + 5000, "by": "ada", "reason": "ada has paused it.", "code": None},
    },
    "The schedule of north-sea is paused.",
)
RESUMED = success({"name": "north-sea", **_SCHEDULE}, "The schedule of north-sea goes on.")
_CHECK: dict[str, Any] = {
    "check_id": "c02841a6-d267-491c-a25d-020a5d70712a",
    "status": "PENDING",
    "created_at": CREATED,
    "error": None,
    "result": None,
}
CHECK_STARTED = success(
    _CHECK,
    "The definition has no fault. What its source holds is looked at now; see the address in Location.",
)
CHECKED = success(
    {
        **_CHECK,
        "status": "DONE",
        "result": {
            "problems": [],
            "hints": [],
            "fields": ["Field", "Well", "Month", "OilVolume"],
            "unknown": [],
            "columns": [
                {
                    "name": "oil_production_kbd",
                    "unit": "thousand barrels per day",
                    "field": "OilVolume",
                    "type": "",
                    "source_unit": "Sm3",
                    "example": "1530.2",
                    "stored": "0.3105",
                    "empty": 0.0,
                }
            ],
            "rows_looked_at": 500,
            "sound": 500,
            "skipped": 0,
            "expected": 12000,
            "period": "2007-01-01 to 2016-12-01",
            "reading": "by the source's next links",
            "rows": [
                {"Field": "VOLVE", "Well": "15/9-F-1 C", "Month": "2014-04", "OilVolume": "1530.2"}
            ],
            "draft": None,
        },
    },
    "The check is DONE.",
)
NOTICES = success(
    {
        "notices": [
            {
                "key": "01a205bb-a53b-7b6c-bac8-cee37c9b7414",
                "kind": "import.completed",
                "at": 1795407881.2,
                "text": "The import of north-sea is complete: 50,000 rows, 49,983 new, 0 updated, 0 withdrawn, 12 "
                "rejected. (job 01a205bb-a53b-7b6c-bac8-cee37c9b7414)",
                "facts": {
                    "job_id": "01a205bb-a53b-7b6c-bac8-cee37c9b7414",
                    "source": "north-sea",
                    "status": "COMPLETED",
                    "total_records": 50000,
                },
                "state": "WAITING",
                "deliveries": [
                    {
                        "channel": "events",
                        "state": "SENT",
                        "attempts": 1,
                        "due_at": 1795408021.0,
                        "at": 1795407902.5,
                        "error": None,
                    },
                    {
                        "channel": "webhook",
                        "state": "WAITING",
                        "attempts": 1,
                        "due_at": 1795407931.7,
                        "at": None,
                        "error": "The receiver answered with HTTP 503.",
                    },
                ],
            }
        ]
    },
    "The last notices, newest first.",
)
NOTICE_KEY = success(
    {"key": "test-0c2d9b52-7c7e-4f0f-9f0e-0a6a0c2f9f11"},
    "A notice of the kind notice.test is on its way. What becomes of it, the list of notices tells.",
)
UNITS = success(
    {"liquid": ["bbl", "m3"], "gas": ["Mcf", "m3"], "days": ["day", "h"], "at": ["15 C"]},
    "The units that a definition may name.",
)
SOURCE_DELETED = success(
    {"name": "north-sea", "version": 2},
    "The source north-sea is deleted, and every version of its definition is kept. Its rows stay published under its "
    'name; a source with adopts = "north-sea" takes them over at its first full import.',
)
UPLOAD = success(
    {
        "url": "https://wellhead-dev-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com/",
        "fields": {
            "key": "uploads/north-sea/2024.csv",
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": "ASIAEXAMPLE/20261123/eu-central-1/s3/aws4_request",
            "x-amz-date": "20261123T042441Z",
            "x-amz-security-token": "…",
            "policy": "eyJleHBpcmF0aW9uIjogIjIwMjYtMTEtMjNUMDQ6Mzk6NDFaIiwgImNvbmRpdGlvbnMiOiBb…",
            "x-amz-signature": "5fc6f7a2f29b2a0c3fbb1a6d6f8a9b0c…",
        },
        "address": "s3://wellhead-dev-123456789012-eu-central-1/uploads/north-sea/2024.csv",
        "folder": "s3://wellhead-dev-123456789012-eu-central-1/uploads/north-sea/",
        "most_bytes": 1 << 30,
        "expires_at": 1795408781,
    },
    "Send the file to url, as a form of these fields with the file as the last one.",
)
PRESETS = success(
    {
        "presets": [
            {
                "name": "sodir",
                "title": "Norway: fields by month",
                "publisher": "Norwegian Offshore Directorate",
                "address": "https://factpages.sodir.no",
                "verified": True,
                "checked_against": "a file of the field Volve",
                "assumed": [],
                "definition": {"kind": "files", "period": "month"},
            }
        ]
    },
    "The mappings that ship with Wellhead.",
)
