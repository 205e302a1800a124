"""SourceCheck: what an import would find at the source. It asks for the first rows and one page, and stores nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.errors import SourceColumns, SourceKey
from chalicelib.odata.cursor import Page
from chalicelib.odata.reading import Way
from chalicelib.store.columns import COLUMNS, KEY

from .mapping import map_columns, match_fields, unknown_fields

if TYPE_CHECKING:
    from chalicelib.odata.adapter import ExternalApiAdapter
    from chalicelib.odata.survey import Survey
    from chalicelib.settings import Settings

LONGEST_EXAMPLE = 40  # characters


@dataclass(frozen=True, kw_only=True)
class FoundColumn:
    """`field`, `type` and `example` are empty when the source has nothing for the column."""

    name: str
    unit: str
    field: str = ""
    type: str = ""
    example: str = ""


@dataclass(frozen=True, kw_only=True)
class SourceCheck:
    """`problem` says what to do before an import can succeed; empty when nothing is in its way."""

    problem: str
    columns: list[FoundColumn]
    unknown: list[str] = field(default_factory=list)
    version: int
    is_described: bool  # by $metadata
    paging: str
    rows: int  # of the first page
    expected: int | None  # rows in all, if the source counts


def check_source(source: ExternalApiAdapter, settings: Settings) -> SourceCheck:
    """Raises SourceError when the source does not answer as it should."""
    survey = source.survey(with_types=True)
    fields = survey.fields or list(survey.entity.types if survey.entity else ())
    problem, mapping = "", {}
    try:
        mapping = match_fields(fields, settings.source_columns)
        map_columns(fields, settings.source_columns)
    except SourceColumns as exc:
        problem = exc.message
    key = [] if problem else [mapping[name] for name in KEY]
    page = Page(number=1, rows=[], next=source.first_cursor(key, survey))
    try:
        page = next(source.pages(page.next, survey))
    except SourceKey as exc:
        problem = problem or exc.message
    return SourceCheck(
        problem=problem,
        columns=_columns(mapping, survey),
        unknown=unknown_fields(fields, mapping),
        version=survey.version,
        is_described=survey.entity is not None,
        paging=_paging(page),
        rows=len(page.rows),
        expected=page.next.expected,
    )


def _columns(mapping: dict[str, str], survey: Survey) -> list[FoundColumn]:
    found = []
    for column in COLUMNS:
        name = mapping.get(column.name, "")
        example = str(survey.values.get(name, ""))[:LONGEST_EXAMPLE]
        kind = (name and survey.type_of(name)) or ""
        unit = column.comment.partition("(")[2].rstrip(")")
        found.append(FoundColumn(name=column.name, unit=unit, field=name, type=kind, example=example))
    return found


def _paging(page: Page) -> str:
    if page.next.way == Way.KEYS:
        return f"by key ({', '.join(page.next.order)})"
    if page.next.by_link:
        return "by the source's next links"
    if page.next.url:
        return "by $skip"
    return "one page"
