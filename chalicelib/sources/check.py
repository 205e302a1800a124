"""SourceCheck: what an import would find at the source.
It reads the first rows, and stores nothing.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceColumns, SourceKey
from chalicelib.odata.cursor import Page
from chalicelib.odata.reading import Way
from chalicelib.store.batch import Batch
from chalicelib.store.columns import COLUMNS, KEY
from chalicelib.store.look import Look
from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository

from .expressions import reading_of
from .mapping import match_fields, rules_of, unknown_fields
from .plausibility import judge_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.odata.survey import Survey
    from chalicelib.settings import Settings

    from .column_rules import ColumnRule
    from .reader import SourceReader

LONGEST_EXAMPLE = 40  # characters
LOOKED_AT = 20_000  # rows
MOST_PAGES = 20
EXAMPLES = 500  # rows among which one is shown
CHECK_MB = 256


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
    fields = survey.fields or list(survey.entity.types if survey.entity else ())
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
    first = Page(number=1, rows=[], next=source.first_cursor(key, survey))
    result = Looked()
    try:
        first, result = _read(source, first, survey, settings, fields, can_stage=not problems)
    except SourceKey as exc:
        problems.append(exc.message)
    except SourceColumns as exc:  # of another file than the first
        problems.append(exc.message)
    more, hints = judge_rows(result.look, rules, settings, result.periods)
    return SourceCheck(
        problems=[*problems, *more],
        hints=hints,
        columns=_columns(rules, survey, result),
        unknown=_unknown(fields, rules, settings),
        version=survey.version,
        is_described=survey.entity is not None,
        paging=_paging(first, settings),
        rows=first.table.rows if first.table else result.first_rows,
        expected=first.next.expected,
        fields=list(fields),
        sample=result.sample,
        kinds=result.kinds,
        looked_at=result.look.rows + result.skipped,
        sound=result.look.sound,
        skipped=result.skipped,
        period=f"{result.look.first} to {result.look.last}" if result.look.first else "",
    )


# -- reading the first rows ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Looked:
    """`written` are the fields of one row, and `stored` its columns; `periods` are some texts of
    the period, `sample` the first rows as they are written, and `kinds` what the format knows of
    their fields.
    """

    look: Look = field(default_factory=Look)
    stored: Mapping[str, Any] = field(default_factory=dict)
    written: Mapping[str, Any] = field(default_factory=dict)
    periods: Sequence[str] = ()
    sample: Sequence[Mapping[str, Any]] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    skipped: int = 0
    first_rows: int = 0


def _read(
    source: SourceReader,
    first: Page,
    survey: Survey,
    settings: Settings,
    fields: Sequence[str],
    *,
    can_stage: bool,
) -> tuple[Page, Looked]:
    """The first page, and a look at as many as it takes. Raises SourceError."""
    with tempfile.TemporaryDirectory(prefix="check-") as scratch:
        directory = Path(scratch)
        row_source = RowSource(name=settings.source_name, period=Period(settings.source_period))
        repository = DuckDBWellProductionRepository(
            directory=directory / "db", memory_mb=CHECK_MB, source=row_source
        )
        with closing(repository):
            reading = _Reading(repository, Batch(directory / "batch.ndjson"), settings, fields)
            for page in islice(source.pages(first.next, survey), MOST_PAGES):
                first = page if reading.taken == 0 else first
                reading.take(page, can_stage=can_stage)
                if reading.taken >= LOOKED_AT or not can_stage:
                    break
            return first, reading.result()


class _Reading:
    """Pages on their way into a scratch database,
    and one row as it was written and as it became.
    """

    def __init__(
        self,
        repository: DuckDBWellProductionRepository,
        batch: Batch,
        settings: Settings,
        fields: Sequence[str],
    ) -> None:
        self._repository = repository
        self._batch = batch
        self._settings = settings
        self._fields = fields
        self._stored: Mapping[str, Any] = {}
        self._written: Mapping[str, Any] = {}
        self._periods: list[str] = []
        self._sample: list[dict[str, Any]] = []
        self._kinds: dict[str, str] = {}
        self.taken = self._first_rows = 0

    def take(self, page: Page, *, can_stage: bool) -> None:
        is_first = self.taken == 0
        rows = list(page.rows)
        self.taken += page.table.rows if page.table else len(rows)
        self._first_rows = self.taken if is_first else self._first_rows
        if is_first:
            texts = (
                self._repository.rows_of(page.table, EXAMPLES) if page.table else rows[:EXAMPLES]
            )
            self._sample = [
                written_fields(text if isinstance(text, str) else bytes(text)) for text in texts
            ]
            self._kinds = (
                dict(zip(page.table.names, page.table.kinds, strict=False)) if page.table else {}
            )
        if not can_stage or not self.taken:
            return
        if page.table:
            self._repository.stage(
                Batch.of_table(page.table, page.number),
                reading_of(self._settings, self._fields, page.table),
            )
        else:
            self._batch.append(page.number, rows, first_row=page.first_row)
            self._repository.stage(self._batch, reading_of(self._settings, self._fields))
            self._batch.clear()
        if is_first:
            self._take_example()

    def _take_example(self) -> None:
        look = self._repository.look()
        name = self._period_field
        self._periods = []
        if name:
            self._periods = [str(row[name]) for row in self._sample if row.get(name)]
        self._stored = look.example
        if look.arrival is not None and look.arrival < len(self._sample):
            self._written = self._sample[look.arrival]

    @property
    def _period_field(self) -> str:
        rules = rules_of(self._fields, self._settings.definition, self._settings.source_columns)
        return rules["production_period"].field

    def result(self) -> Looked:
        look = self._repository.look() if self._stored or self.taken else Look()
        return Looked(
            look=look,
            stored=self._stored,
            written=self._written,
            periods=self._periods,
            sample=self._sample,
            kinds=self._kinds,
            skipped=self._repository.passed_over_rows,
            first_rows=self._first_rows,
        )


# -- what is shown ------------------------------------------------------------------------------


def _rules_even_so(fields: list[str], settings: Settings) -> dict[str, ColumnRule]:
    """What can be shown though something is missing.
    Raises SourceColumns when a match is ambiguous.
    """
    from .column_rules import ColumnRule

    found = match_fields(fields, settings.source_columns)
    named = {name: ColumnRule(column=name, field=column) for name, column in found.items()}
    if settings.definition is None:
        return named
    return named | dict(settings.definition.columns)


def _columns(rules: Mapping[str, ColumnRule], survey: Survey, result: Looked) -> list[FoundColumn]:
    found = []
    for column in COLUMNS:
        rule = rules.get(column.name)
        unit = column.comment.partition("(")[2].rstrip(")")
        if rule is None:
            found.append(FoundColumn(name=column.name, unit=unit))
            continue
        names = rule.sources
        written = [result.written.get(name, survey.values.get(name)) for name in names]
        stored = result.stored.get(column.name)
        source_unit = ""
        if rule.unit:
            is_of_a_day = rule.unit.rate == "a day"
            source_unit = rule.unit.name + ("/d" if is_of_a_day else "")
        nulls = result.look.nulls.get(column.name)
        sound = result.look.sound
        found.append(
            FoundColumn(
                name=column.name,
                unit=unit,
                field=", ".join(names) or f'"{rule.value}"',
                type=(len(names) == 1 and survey.type_of(names[0])) or "",
                source_unit=source_unit,
                example=" | ".join(_example_text(value) for value in written),
                stored=_example_text(stored),
                empty=nulls / sound if nulls is not None and sound else None,
            )
        )
    return found


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


def written_fields(text: str | bytes) -> dict[str, Any]:
    """Of a row as JSON; nothing when it is none."""
    try:
        row = json.loads(text)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
