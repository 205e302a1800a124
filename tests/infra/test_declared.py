"""What is written out of the code: the tables of the documents, the fields of a job, the types of
the client.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Annotated

import pytest

from chalicelib.jobs.job_types import Epoch, Rows, Waiting
from clients.api.answers import Job
from infra.openapi.job_fields import field_of, job_fields
from infra.openapi.layout import WIDTH, laid_out
from infra.openapi.pages import with_parts
from infra.openapi.tables import table_lines

ROWS: list[tuple[str, ...]] = [("a", "b"), ("1", "x|y")]
PAGE = "before\n<!-- t: written -->\n| old |\n<!-- end -->\nafter\n"


def test_a_table_stands_between_its_marks_and_nothing_else_changes() -> None:
    written = with_parts(PAGE, {"t": table_lines(ROWS)})

    assert written == (
        "before\n<!-- t: written -->\n| a | b |\n|---|---|\n| 1 | x\\|y |\n<!-- end -->\nafter\n"
    )
    assert with_parts(written, {"t": table_lines(ROWS)}) == written


def test_a_document_without_the_marks_of_its_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="no marks for u"):
        with_parts(PAGE, {"u": table_lines(ROWS)})


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"a": [], "b": {"c": None}}, ['{"a": [], "b": {"c": null}}']),
        ("x" * WIDTH, [f'"{"x" * WIDTH}"']),
        (
            {"a": 1, "long": ["x" * 50, "y" * 50], "z": 2},
            [
                '{"a": 1,',
                f' "long": ["{"x" * 50}",',
                f'          "{"y" * 50}"],',
                ' "z": 2}',
            ],
        ),
    ],
)
def test_an_example_is_broken_at_commas(value: object, lines: list[str]) -> None:
    assert laid_out(value) == lines
    assert json.loads("\n".join(lines)) == value


@pytest.mark.parametrize(
    ("hint", "unit", "schema"),
    [
        (Annotated[Epoch | None, "w"], "epoch s or null", {"type": ["number", "null"]}),
        (Annotated[Rows, "w"], "rows", {"type": "integer"}),
        (Annotated[list[str], "w"], "list", {"type": "array", "items": {"type": "string"}}),
        (
            Annotated[Waiting | None, "[w](w.md)"],
            "object or null",
            {"anyOf": [{"$ref": "#/components/schemas/JobWaiting"}, {"type": "null"}]},
        ),
    ],
)
def test_a_field_is_what_its_annotation_says(hint: object, unit: str, schema: object) -> None:
    field = field_of("f", hint)

    described = field.schema
    assert described.pop("description").endswith("w")
    assert (field.unit, described) == (unit, schema)


def test_a_field_that_is_shown_needs_words() -> None:
    with pytest.raises(KeyError, match="a job shows secret"):
        field_of("secret", int)


def test_the_client_has_every_field_of_a_job() -> None:
    ours = {each.name for each in job_fields()}

    assert {each.name for each in fields(Job)} - {"raw"} == ours
