"""JSON Schema of the classes of answers."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest

from chalicelib.jobs.finding import Finding
from chalicelib.jobs.job import Phase
from chalicelib.jobs.job_types import Shape
from chalicelib.store.columns import SHOWN
from infra.openapi.answers.kinds import Day, Moment, Uuid
from infra.openapi.schema import object_schema, schema_of, with_members
from infra.openapi.schemas import SCHEMAS

NULL = {"type": "null"}
PHASES = ["FETCHING", "MERGING", "CHECKING", "PUBLISHING"]


class _Inner(TypedDict):
    """Said
    in two lines.
    """

    count: Annotated[int, "how many, see [there](there.md)"]


@with_members({"source": str})
class Outer(TypedDict):
    inner: _Inner | None
    later: NotRequired[Annotated[float, "when"]]


INNER = {
    "type": "object",
    "required": ["count"],
    "properties": {"count": {"type": "integer", "description": "how many, see there"}},
    "description": "Said in two lines.",
}
OUTER = {"$ref": "#/components/schemas/Outer"}


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str | None, {"type": ["string", "null"]}),
        (int | str, {"type": ["integer", "string"]}),
        (Day | None, {"type": ["string", "null"], "format": "date"}),
        (Phase, {"type": "string", "enum": PHASES}),
        (Phase | None, {"type": ["string", "null"], "enum": [*PHASES, None]}),
        (Literal["a", "b"] | None, {"type": ["string", "null"], "enum": ["a", "b", None]}),
        (Literal[True], {"const": True}),
        (list[Uuid], {"type": "array", "items": {"type": "string", "format": "uuid"}}),
        (dict[str, Any], {"type": "object", "additionalProperties": True}),
        (dict[str, Outer], {"type": "object", "additionalProperties": OUTER}),
        (Outer, OUTER),
        (Outer | None, {"anyOf": [OUTER, NULL]}),
        (Outer | Uuid | None, {"anyOf": [OUTER, {"type": "string", "format": "uuid"}, NULL]}),
        (Annotated[_Inner | None, "w"], {"anyOf": [INNER, NULL], "description": "w"}),
        (
            Annotated[Finding, Shape("object", of="JobFinding")],
            {"$ref": "#/components/schemas/JobFinding"},
        ),
    ],
)
def test_a_type_is_a_schema(hint: object, schema: object) -> None:
    assert schema_of(hint) == schema


def test_a_class_is_an_object_with_what_a_table_adds_first() -> None:
    assert object_schema(Outer) == {
        "type": "object",
        "required": ["source", "inner"],
        "properties": {
            "source": {"type": "string"},
            "inner": {"anyOf": [INNER, NULL]},
            "later": {"type": "number", "description": "when"},
        },
    }


def test_what_json_has_no_form_for_is_an_error() -> None:
    with pytest.raises(KeyError):
        schema_of(bytes)


def test_types_of_the_same_unit_are_not_mixed_up() -> None:
    """Python keeps one of two Annotated types that are equal."""
    assert schema_of(Day) == {"type": "string", "format": "date"}
    assert schema_of(Moment) == {"type": "string", "format": "date-time"}


def test_the_rows_have_the_columns_of_the_data() -> None:
    properties = SCHEMAS["Production"]["properties"]

    assert tuple(properties) == (*SHOWN, "created_at", "updated_at")
    assert properties["field_code"]["maxLength"] == 100
    assert properties["oil_production_kbd"]["type"] == ["number", "null"]
