"""The types that the console's scripts are checked with, as they are made of the OpenAPI document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from chalicelib.api.document import FILE
from infra.openapi.typescript import type_of, typescript

if TYPE_CHECKING:
    from infra.openapi.typescript import Schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "number"),
        ({"type": ["string", "null"], "format": "uuid"}, "string | null"),
        ({"type": ["string", "null"], "enum": ["FETCHING", None]}, '"FETCHING" | null'),
        ({"const": True}, "true"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Job"}}, "(Job)[]"),
        ({"type": ["array", "null"], "items": {"type": "string"}}, "(string)[] | null"),
        ({"anyOf": [{"$ref": "#/components/schemas/Job"}, {"type": "null"}]}, "Job | null"),
        ({"type": "string", "anyOf": [{"format": "date"}, {"pattern": "[0-9]{4}"}]}, "string"),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            "{ [name: string]: number }",
        ),
        ({"type": "object"}, "{ [name: string]: any }"),
        (
            {
                "type": "object",
                "required": ["a"],
                "properties": {"a": {"type": "boolean"}, "b": {"type": "string"}},
            },
            '{ "a": boolean; "b"?: string }',
        ),
        ({"description": "anything"}, "any"),
    ],
)
def test_a_schema_becomes_the_type_of_what_it_allows(schema: Schema, expected: str) -> None:
    assert type_of(schema) == expected


def test_a_route_answers_with_the_type_of_its_data() -> None:
    text = typescript(json.loads(FILE.read_text("utf-8")))

    assert '"GET wells/import/status/{job_id}": Job;' in text
    assert (
        '"GET wells/production": ProductionPage;' in text
    )  # not a file of it, for which nobody asks here
    assert '"POST wells/sql": SqlAnswer;' in text
    assert "openapi.json" not in text  # it has no envelope
