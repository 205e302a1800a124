"""A source, its definition, and what helps to write one."""

from __future__ import annotations

from typing import Any

from infra.openapi.errors import JOB_ID

from .facts import CREATED, success

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

NEW_SOURCE = success(
    {
        **_DEFINED,
        **dict.fromkeys(("next_due", "last_due", "last_due_job_id")),
        **dict.fromkeys(("schedule", "timezone", "fresh_for"), ""),
        "version": 1,
        "is_default": False,
        "updated_at": CREATED,
        "definition": {
            "kind": "odata",
            "url": "https://data.example.org/odata/Production",
            "period": "month",
            "name": "north-sea",
        },
    },
    "The source north-sea has version 1.",
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
