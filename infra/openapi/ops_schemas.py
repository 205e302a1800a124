"""The schemas of what an operator asks for."""

from __future__ import annotations

from typing import Any

from chalicelib.api.ops import ALLOWED, SNAPSHOT
from chalicelib.sources.checks import CheckStatus

from .json_types import of_type

NUMBER, WHOLE, TEXT, TRUTH = ({"type": kind} for kind in ("number", "integer", "string", "boolean"))
_UUID = {"type": "string", "format": "uuid"}
_PROBLEMS = {
    "type": "array",
    "items": TEXT,
    "description": "a sentence for each thing that is not as it should be",
}


def _nullable(kind: str, description: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = {"type": [kind, "null"]}
    if description:
        schema["description"] = description
    return schema


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
    }


def _or_null(schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {
        "anyOf": [schema, {"type": "null"}],
        **({"description": description} if description else {}),
    }


def _list_of(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def _report(result: dict[str, Any]) -> dict[str, Any]:
    return _object(
        {
            "check_id": _UUID,
            "status": of_type(CheckStatus),
            "created_at": NUMBER,
            "error": _or_null(_object({"code": TEXT, "message": TEXT}), "why it FAILED"),
            "result": _or_null(result, "what was found, when DONE"),
        }
    )


_STEP = _object(
    {"step": {**TEXT, "enum": ["fetch", "restore", "verify", "remove"]}, "seconds": NUMBER}
)
_FILE = _object(
    {
        "name": TEXT,
        "kind": {**TEXT, "enum": ["snapshot", "stable name", "owner", "segments"]},
        "bytes": _nullable("integer"),
        "rows": _nullable("integer"),
        "problems": _PROBLEMS,
        "seconds": NUMBER,
    }
)

OPS_SCHEMAS: dict[str, Any] = {
    "OpsStatus": _object(
        {
            "version": TEXT,
            "is_healthy": TRUTH,
            "checks": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "as GET /health tells them",
            },
            "lock": _object(
                {
                    "fence": {**WHOLE, "description": "how many claims there were"},
                    "job_id": _nullable(
                        "string", "the job that has the lock; null while it is free"
                    ),
                    "since": _nullable("number"),
                    "holder": _nullable(
                        "string", "the worker of that job; null while it waits for one"
                    ),
                    "lease_until": _nullable("number"),
                    "is_over": {
                        **TRUTH,
                        "description": "the lease is over: the sweeper takes the job up",
                    },
                }
            ),
            "running": _or_null(
                {"$ref": "#/components/schemas/JobSummary"}, "the job that has the lock"
            ),
            "snapshot": _or_null(
                {"$ref": "#/components/schemas/KeptSnapshot"}, "what is published"
            ),
            "sweeper": _object(
                {"at": _nullable("number", "when it was last at work; null before the first time")}
            ),
            "last_failures": {
                "type": "array",
                "description": "the newest jobs that FAILED",
                "items": _object(
                    {
                        "job_id": _UUID,
                        "source": _nullable("string"),
                        "rollback_to": _nullable("string"),
                        "completed_at": _nullable("number"),
                        "code": _nullable("string"),
                        "message": _nullable("string"),
                    }
                ),
            },
        }
    ),
    "KeptSnapshot": _object(
        {
            "name": TEXT,
            "job_id": TEXT,
            "fence": WHOLE,
            "published_at": _nullable("number"),
            "triggered_by": _nullable("string"),
            "rollback_to": _nullable(
                "string", "the snapshot that it is a copy of, where a rollback published it"
            ),
            "rows": _nullable(
                "integer",
                "null of what was published before this was kept; so are bytes and sha256",
            ),
            "bytes": _nullable("integer"),
            "sha256": _nullable("string"),
            "store": {**TEXT, "enum": ["file", "iceberg"]},
            "is_current": TRUTH,
            "is_there": _nullable(
                "boolean", "whether the warehouse has its file; null where nobody looked"
            ),
        }
    ),
    "SnapshotList": _object({"snapshots": _list_of("KeptSnapshot")}),
    "NamedSnapshot": {
        "type": "object",
        "additionalProperties": False,
        "required": ["snapshot"],
        "properties": {"snapshot": {**TEXT, "pattern": f"^{SNAPSHOT}$", "description": ALLOWED}},
    },
    "VerificationRequest": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "all": {
                **TRUTH,
                "description": "every snapshot that is kept, and not the current one alone",
            }
        },
    },
    "Verification": _report(
        _object(
            {
                "is_right": TRUTH,
                "looked_at": WHOLE,
                "wrong": WHOLE,
                "seconds": NUMBER,
                "files": {
                    "type": "array",
                    "items": _FILE,
                    "description": "what is wrong first; 200 at most",
                },
            }
        )
    ),
    "Drill": _report(
        _object(
            {
                "is_right": TRUTH,
                "snapshot": {**TEXT, "description": "the backup that was restored"},
                "is_current": {**TRUTH, "description": "there was no older one"},
                "published_at": _nullable("number"),
                "restored_as": {**TEXT, "description": "where it stood meanwhile"},
                "rows": _nullable("integer"),
                "bytes": WHOLE,
                "problems": _PROBLEMS,
                "steps": {"type": "array", "items": _STEP},
                "seconds": NUMBER,
            }
        )
    ),
    "Restored": _report(
        _object(
            {
                "snapshot": TEXT,
                "rows": WHOLE,
                "bytes": WHOLE,
                "sha256": TEXT,
                "is_restored": {
                    **TRUTH,
                    "description": "false when it was there, and as it should be",
                },
                "version": _nullable("string", "the older version that it was made of"),
            }
        )
    ),
}
