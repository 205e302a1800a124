"""The tables of the documents that the code declares: they stand between two marks, and
`make openapi` writes them.

    <!-- routes: written by `make openapi` -->
    | route | for | does | answers |
    <!-- end -->
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.routes.table import ROUTES

from .job_fields import job_fields
from .schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chalicelib.routes.route import Route

    Row = tuple[str, ...]

DOCS = Path(__file__).parents[2] / "docs"


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


TABLES: Mapping[str, Mapping[str, Callable[[], list[Row]]]] = {
    "api.md": {"routes": route_rows},
    "workflow.md": {"fields of a job": job_rows},
}


def tabled(document: str, tables: Mapping[str, Callable[[], list[Row]]]) -> str:
    """The document with its tables as the code has them. Raises ValueError for one without marks."""
    for name, rows in tables.items():
        marks = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*?(<!-- end -->\n)", re.DOTALL)
        if not marks.search(document):
            raise ValueError(f"there are no marks for the table of {name}")
        lines = "".join(f"{line}\n" for line in _lines(rows()))
        document = marks.sub(lambda mark, lines=lines: f"{mark[1]}{lines}{mark[2]}", document)
    return document


def _lines(rows: Iterable[Row]) -> list[str]:
    heading, *body = rows
    ruler = ("---",) * len(heading)
    lines = []
    for row in (heading, *body):
        cells = [cell.replace("|", "\\|") for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    return [lines[0], f"|{'|'.join(ruler)}|", *lines[1:]]
