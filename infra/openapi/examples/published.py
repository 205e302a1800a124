"""What is published, where it can be read, and a statement that reads it."""

from __future__ import annotations

from infra.openapi.errors import JOB_ID, SNAPSHOT

from .facts import NAMED, SHA256, success
from .rows import MADE_AT

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
            "merged_at": MADE_AT,
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

SQL_STATEMENT = "SELECT field_name, count(*) AS wells FROM wells GROUP BY ALL ORDER BY ALL"

SQL_ANSWER = success(
    {
        "columns": [{"name": "field_name", "type": "VARCHAR"}, {"name": "wells", "type": "BIGINT"}],
        "rows": [["Akuvik", 4], ["Ashwick South", 6]],
        "cut": "rows",
        "snapshot": NAMED,
    },
    "The first 2 rows: the limit of rows is reached.",
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
