"""The schemas of what may be sent, made of the tables by which it is read."""

from __future__ import annotations

from typing import Any

from chalicelib.api.findings import FINDINGS
from chalicelib.api.import_request import ASKED, PARAMETERS
from chalicelib.api.ops import ALLOWED, SNAPSHOT
from chalicelib.api.source_request import FILE
from chalicelib.api.token_list import RENEWAL
from chalicelib.queries.query import QUERIES

from .words import without_links


def _request(properties: dict[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    if required:
        schema["required"] = list(required)
    return schema


REQUESTS: dict[str, Any] = {
    "Import": _request(
        {
            name: {**parameter.schema, "description": without_links(parameter.meaning)}
            for name, parameter in ASKED.items()
        }
    ),
    # As a job shows what it was asked for.
    "JobParameters": {
        "type": "object",
        "properties": {
            name: {"type": parameter.schema["type"]} for name, parameter in PARAMETERS.items()
        },
    },
    "Acceptance": FINDINGS,
    "SourceDefinition": {
        "type": "object",
        "description": "docs/sources.md explains every key",
        "additionalProperties": True,
    },
    "SentFile": FILE,
    "TokenRenewal": RENEWAL,
    "SqlStatement": _request(
        {
            name: {"description": parameter.meaning, **parameter.schema}
            for name, parameter in QUERIES["sql"].items()
        },
        required=("statement",),
    ),
    "NamedSnapshot": _request(
        {
            "snapshot": {
                "type": "string",
                "pattern": f"^{SNAPSHOT}$",
                "description": ALLOWED,
            }
        },
        required=("snapshot",),
    ),
    "VerificationRequest": _request(
        {
            "all": {
                "type": "boolean",
                "description": "every snapshot that is kept, and not only the current one",
            }
        }
    ),
}
