"""The fields of a job as its annotations declare them (jobs/job.py):
for the schema, for the table in docs/workflow.md and for the client's class.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from chalicelib.jobs import job_types
from chalicelib.jobs.event import Event
from chalicelib.jobs.finding import Finding
from chalicelib.jobs.job import Derived, Job, new_job
from chalicelib.jobs.job_types import Shape

from .schema import UNIONS, schema_of
from .words import without_links

LONG = ("events", "diff")  # of a job that stands in a list they are left out
# Values that a job holds, and shows as objects.
_SHAPES = {
    Event: Shape("object", of="JobEvent", unfolds=False),
    Finding: Shape("object", of="JobFinding"),
}
_UNITS = {str: "text", int: "number", bool: "true or false"}
_UNITS_IN_WORDS = {"epoch s": "epoch seconds", "s": "seconds", "rows": "rows"}
_OF_OTHER_NAME = {"source": "source_name"}


@dataclass(frozen=True, kw_only=True)
class JobField:
    """`kind` is the type without null, of a list that of its members."""

    name: str
    kind: Any
    shape: Shape
    words: str
    is_list: bool
    is_nullable: bool

    @property
    def unit(self) -> str:
        unit = "list" if self.is_list else self.shape.unit
        if self.is_nullable:
            return f"{unit} or null"
        return unit

    @property
    def description(self) -> str:
        words = without_links(self.words)
        unit = _UNITS_IN_WORDS.get(self.shape.unit)
        if unit:
            return f"{unit}: {words}"
        return words

    @property
    def schema(self) -> dict[str, Any]:
        hint: Any = Annotated[self.kind, self.shape]
        if self.is_list:
            hint = list[hint]
        if self.is_nullable:
            hint = hint | None
        return {**schema_of(hint), "description": self.description}


def job_fields() -> list[JobField]:
    """In the order of the view. Raises KeyError for one that is shown and has no words."""
    names = vars(job_types)
    hints = get_type_hints(Job, localns=names, include_extras=True)
    hints |= get_type_hints(Derived, localns=names, include_extras=True)
    shown = new_job(now=0.0, triggered_by="", parameters={}).view(now=0.0)
    return [field_of(name, hints[_OF_OTHER_NAME.get(name, name)]) for name in shown]


def field_of(name: str, hint: Any) -> JobField:
    """Raises KeyError for an annotation without words."""
    if get_origin(hint) is not Annotated:
        raise KeyError(f"a job shows {name}, and its annotation has no words")
    kind, *said = get_args(hint)
    parts = get_args(kind) if get_origin(kind) in UNIONS else (kind,)
    [kind] = [part for part in parts if part is not type(None)]
    is_list = get_origin(kind) is list
    if is_list:
        [kind] = get_args(kind)
    # Of a field that may be null, and of a list, the shape is inside.
    if get_origin(kind) is Annotated:
        kind, *inside = get_args(kind)
        said += inside
    [words] = [each for each in said if isinstance(each, str)]
    shapes = [each for each in said if isinstance(each, Shape)]
    shape = shapes[0] if shapes else _shape_of(kind)
    return JobField(
        name=name,
        kind=kind,
        shape=shape,
        words=words,
        is_list=is_list,
        is_nullable=len(parts) > 1,
    )


def _shape_of(kind: Any) -> Shape:
    if kind in _SHAPES:
        return _SHAPES[kind]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return Shape("text")
    return Shape(_UNITS[kind])
