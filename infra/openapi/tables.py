"""The tables of the documents that the code declares."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.queries.query import QUERIES
from chalicelib.routes.table import ROUTES
from chalicelib.store.columns import COLUMNS, SHOWN, Kind

from .defaults import defaults_of
from .job_fields import job_fields
from .schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chalicelib.routes.route import Route
    from chalicelib.store.columns import Column

    Row = tuple[str, ...]

_MINUS = "\N{MINUS SIGN}"


def route_rows() -> list[Row]:
    rows: list[Row] = [("route", "for", "does", "answers")]
    for route, _ in ROUTES:
        does = route.summary
        if route.section:
            does = f"[{does}](#{route.section})"
        caller = f"`{route.role}`" if route.role else "everybody"
        rows.append((f"`{route.method} {route.path}`", caller, does, _answer(route)))
    return rows


def _answer(route: Route) -> str:
    statuses = f"{route.status}, 304" if route.is_conditional else str(route.status)
    return f"{statuses}: {route.answer}"


def job_rows() -> list[Row]:
    rows: list[Row] = [("field", "type, unit", "meaning")]
    for each in job_fields():
        words = each.words
        if each.shape.of and each.shape.unfolds:
            has = "Each has" if each.is_list else "It has"
            words = f"{words}. {has} {_members(each.shape.of)}"
        rows.append((f"`{each.name}`", each.unit, words))
    return rows


def _members(schema: str) -> str:
    """Those of an object, each with what is said of it."""
    members = []
    for name, member in SCHEMAS[schema]["properties"].items():
        meaning = member.get("description")
        members.append(f"`{name}` ({meaning})" if meaning else f"`{name}`")
    return ", ".join(members)


def parameter_rows(*ids: str) -> list[Row]:
    """Of these routes; of all questions to the data without any. One that is another elsewhere has
    a line for each.
    """
    of: dict[tuple[str, str, str, str], list[str]] = {}
    for route, _ in ROUTES:
        if route.id not in ids if ids else not route.question:
            continue
        defaults = defaults_of(route)
        for name, parameter in route.parameters.items():
            default = defaults.get(name, parameter.schema.get("default", ""))
            words = (name, parameter.meaning, parameter.allowed, _in_words(default))
            of.setdefault(words, []).append(route.question)
    asked = [name for question in QUERIES.values() for name in question]
    order = list(dict.fromkeys([*asked, *(name for name, *_ in of)]))
    lines = sorted(of.items(), key=lambda line: order.index(line[0][0]))
    if ids:
        return [
            ("parameter", "meaning", "must be", "default"),
            *((f"`{name}`", *words) for (name, *words), _ in lines),
        ]
    return [
        ("parameter", "of", "meaning", "must be", "default"),
        *((f"`{name}`", ", ".join(each), *words) for (name, *words), each in lines),
    ]


def _in_words(default: Any) -> str:
    if default == "":
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int):
        return f"{default:,}"
    return f"`{default}`"


# What we add to the columns: type, role, meaning.
_OURS = {
    "source": (
        "VARCHAR",
        "key, ours",
        "name of the source, by [`WELLHEAD_SOURCE_NAME`](configuration.md#the-name-of-the-source-and-its-periods)",
    ),
    "period_days": (
        "SMALLINT",
        "ours",
        "calendar days of the period (days): 1, 28 to 31, 90 to 92, 365 or 366",
    ),
    "source_rows": ("INTEGER", "ours", "rows of the source in this one (rows)"),
    "created_at": ("TIMESTAMPTZ", "ours", "first seen by an import"),
    "updated_at": ("TIMESTAMPTZ", "ours", "last changed by an import"),
}


def column_rows() -> list[Row]:
    columns = {column.name: column for column in COLUMNS}
    rows: list[Row] = [("column", "type", "role", "unit and meaning", "accepted")]
    for name in (*SHOWN, "created_at", "updated_at"):
        if name in _OURS:
            rows.append((f"`{name}`", *_OURS[name], ""))
            continue
        column = columns[name]
        meaning = f"{column.comment}; {column.note}" if column.note else column.comment
        rows.append((f"`{name}`", column.type, column.role, meaning, _values_of(column)))
    return rows


def _values_of(column: Column) -> str:
    if column.kind is Kind.CODE:
        return "a code"
    if column.kind is Kind.DAY:
        return f"a date in the years {column.low} to {column.high}"
    if column.kind is Kind.WORDS:
        return "text"
    return f"{_MINUS}{-column.low:,} to {column.high:,}"


TABLES: Mapping[str, Mapping[str, Callable[[], list[Row]]]] = {
    "api.md": {
        "routes": route_rows,
        "parameters of a trigger": partial(parameter_rows, "trigger"),
        "parameters of the list of jobs": partial(parameter_rows, "listJobs"),
        "parameters of the data": parameter_rows,
    },
    "data.md": {"columns": column_rows},
    "workflow.md": {"fields of a job": job_rows},
}


def table_lines(rows: Iterable[Row]) -> list[str]:
    heading, *body = rows
    ruler = ("---",) * len(heading)
    lines = []
    for row in (heading, *body):
        cells = [cell.replace("|", "\\|") for cell in row]
        line = f"| {' | '.join(cells)} |"
        lines.append(line.replace("|  |", "| |"))
    return [lines[0], f"|{'|'.join(ruler)}|", *lines[1:]]
