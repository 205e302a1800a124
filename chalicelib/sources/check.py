"""SourceCheck: what an import would find at the source.
It reads the first rows, and stores nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceColumns, SourceKey
from chalicelib.odata.cursor import Page
from chalicelib.odata.reading import Way
from chalicelib.store.columns import COLUMNS, KEY

from .column_rules import ColumnRule
from .first_rows import FirstRows, read_first_rows
from .mapping import match_fields, rules_of, unknown_fields
from .plausibility import judge_rows
from .units import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.odata.survey import Survey
    from chalicelib.settings import Settings
    from chalicelib.store.columns import Column

    from .reader import SourceReader
    from .units import Unit

LONGEST_EXAMPLE = 40  # characters


@dataclass(frozen=True, kw_only=True)
class FoundColumn:
    """`unit` is ours, `source_unit` that of the source. `example` is what the source writes,
    `stored` the same as it would be stored. Empty when the source has nothing for the column.
    """

    name: str
    unit: str
    field: str = ""
    type: str = ""
    source_unit: str = ""
    example: str = ""
    stored: str = ""
    empty: float | None = None  # share of the rows that were looked at, 0 to 1


@dataclass(frozen=True, kw_only=True)
class SourceCheck:
    """`problems` are what must be mended before an import can succeed, `hints` what looks odd;
    `problem` is the first of the former.
    """

    problems: list[str]
    hints: list[str]
    columns: list[FoundColumn]
    unknown: list[str] = field(default_factory=list)
    version: int
    is_described: bool  # by $metadata
    paging: str
    rows: int  # of the first page
    expected: int | None  # rows in all, if the source counts
    fields: list[str] = field(default_factory=list)
    sample: Sequence[Mapping[str, Any]] = ()  # rows as they are written
    kinds: Mapping[str, str] = field(default_factory=dict)
    looked_at: int = 0
    sound: int = 0
    skipped: int = 0
    period: str = ""  # from when to when

    @property
    def problem(self) -> str:
        return self.problems[0] if self.problems else ""


def check_source(source: SourceReader, settings: Settings) -> SourceCheck:
    """Raises SourceError when the source does not answer as it should."""
    survey = source.survey(with_types=True)
    described = survey.entity.types if survey.entity else ()
    fields = survey.fields or list(described)

    problems: list[str] = []
    rules: dict[str, ColumnRule] = {}
    try:
        rules = _rules_even_so(fields, settings)
        rules = rules_of(fields, settings.definition, settings.source_columns)
    except SourceColumns as exc:
        problems.append(exc.message)

    key: list[str] = []
    if not problems:
        mapped = [column for column in KEY if column in rules]
        key = [name for column in mapped for name in rules[column].sources]
    cursor = source.first_cursor(key, survey)
    page = Page(number=1, rows=[], next=cursor)
    rows = FirstRows()
    can_stage = not problems  # without their columns, rows can only be shown as they are written
    try:
        page, rows = read_first_rows(source, page, survey, settings, fields, can_stage=can_stage)
    except SourceKey as exc:
        problems.append(exc.message)
    except SourceColumns as exc:  # of another file than the first
        problems.append(exc.message)

    look = rows.look
    problems_of_rows, hints = judge_rows(look, rules, settings, rows.periods)
    return SourceCheck(
        problems=[*problems, *problems_of_rows],
        hints=hints,
        columns=_columns(rules, survey, rows),
        unknown=_unknown(fields, rules, settings),
        version=survey.version,
        is_described=survey.entity is not None,
        paging=_paging(page, settings),
        rows=page.table.rows if page.table else rows.first_rows,
        expected=page.next.expected,
        fields=list(fields),
        sample=rows.sample,
        kinds=rows.kinds,
        looked_at=look.rows + rows.skipped,
        sound=look.sound,
        skipped=rows.skipped,
        period=f"{look.first} to {look.last}" if look.first else "",
    )


# -- what is shown ------------------------------------------------------------------------------


def _rules_even_so(fields: list[str], settings: Settings) -> dict[str, ColumnRule]:
    """What can be shown though something is missing.
    Raises SourceColumns when a match is ambiguous.
    """
    field_of = match_fields(fields, settings.source_columns)
    named = {column: ColumnRule(column=column, field=name) for column, name in field_of.items()}
    if settings.definition is None:
        return named
    return named | dict(settings.definition.columns)


def _columns(
    rules: Mapping[str, ColumnRule], survey: Survey, first_rows: FirstRows
) -> list[FoundColumn]:
    return [_column(column, rules.get(column.name), survey, first_rows) for column in COLUMNS]


def _column(
    column: Column, rule: ColumnRule | None, survey: Survey, first_rows: FirstRows
) -> FoundColumn:
    unit = column.comment.partition("(")[2].rstrip(")")
    if rule is None:
        return FoundColumn(name=column.name, unit=unit)

    names = rule.sources
    field_type = survey.type_of(names[0]) if len(names) == 1 else None
    written = [first_rows.written.get(name, survey.values.get(name)) for name in names]
    stored = first_rows.stored.get(column.name)
    nulls = first_rows.look.nulls.get(column.name)
    sound = first_rows.look.sound
    return FoundColumn(
        name=column.name,
        unit=unit,
        field=", ".join(names) or f'"{rule.value}"',
        type=field_type or "",
        source_unit=_unit_text(rule.unit),
        example=" | ".join(map(_example_text, written)),
        stored=_example_text(stored),
        empty=nulls / sound if nulls is not None and sound else None,
    )


def _unit_text(unit: Unit | None) -> str:
    """bbl, or bbl/d of a rate."""
    if unit is None:
        return ""
    return f"{unit.name}/d" if unit.rate is Rate.DAY else unit.name


def _example_text(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    if len(text) <= LONGEST_EXAMPLE:
        return text
    return text[: LONGEST_EXAMPLE - 1] + "…"


def _unknown(fields: list[str], rules: Mapping[str, ColumnRule], settings: Settings) -> list[str]:
    used = {name for rule in rules.values() for name in rule.all_fields}
    used |= {*settings.source_primary_key, settings.source_order_by, settings.source_changed}
    definition = settings.definition
    if definition is not None:
        choices = (*definition.where, *definition.skip)
        used |= {choice.field for choice in choices}
    # Without those that Wellhead keeps itself, such as updated_at.
    unknown = unknown_fields(fields, {})
    return [name for name in unknown if name not in used]


def _paging(page: Page, settings: Settings) -> str:
    if settings.definition is not None and settings.definition.kind == "files":
        return "file by file"
    if page.next.way == Way.KEYS:
        return f"by key ({', '.join(page.next.order)})"
    if page.next.by_link:
        return "by the source's next links"
    if page.next.url:
        return "by $skip"
    return "one page"
