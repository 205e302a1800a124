"""FirstRows: the first pages of a source in a scratch database, and what is seen of them there."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.store.batch import Batch
from chalicelib.store.look import Look
from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository

from .expressions import reading_of
from .mapping import rules_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.odata.cursor import Page
    from chalicelib.odata.survey import Survey
    from chalicelib.settings import Settings
    from chalicelib.store.table import Table

    from .reader import SourceReader

LOOKED_AT = 20_000  # rows
MOST_PAGES = 20
EXAMPLES = 500  # rows among which one is shown
CHECK_MB = 256


@dataclass(frozen=True, kw_only=True)
class FirstRows:
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


def read_first_rows(
    source: SourceReader,
    first: Page,
    survey: Survey,
    settings: Settings,
    fields: Sequence[str],
    *,
    can_stage: bool,
) -> tuple[Page, FirstRows]:
    """The first page, and a look at as many as it takes. Raises SourceError."""
    with tempfile.TemporaryDirectory(prefix="check-") as scratch:
        directory = Path(scratch)
        row_source = RowSource(name=settings.source_name, period=Period(settings.source_period))
        repository = DuckDBWellProductionRepository(
            directory=directory / "db", memory_mb=CHECK_MB, source=row_source
        )

        with closing(repository):
            reading = _ScratchReading(
                repository, Batch(directory / "batch.ndjson"), settings, fields
            )
            for page in islice(source.pages(first.next, survey), MOST_PAGES):
                first = page if reading.taken == 0 else first
                reading.take(page, can_stage=can_stage)
                if reading.taken >= LOOKED_AT or not can_stage:
                    break
            return first, reading.result()


class _ScratchReading:
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
        if is_first:
            self._first_rows = self.taken
            self._take_sample(rows, page.table)

        if not can_stage or not self.taken:
            return
        self._stage(page, rows)
        if is_first:
            self._take_example()

    def _take_sample(self, rows: list[Any], table: Table | None) -> None:
        if table is None:
            self._sample = [_written_fields(row) for row in rows[:EXAMPLES]]
            return

        first_rows = self._repository.rows_of(table, EXAMPLES)
        self._sample = [_written_fields(row) for row in first_rows]
        self._kinds = dict(zip(table.names, table.kinds, strict=False))

    def _stage(self, page: Page, rows: list[Any]) -> None:
        if page.table:
            batch = Batch.of_table(page.table, page.number)
            reading = reading_of(self._settings, self._fields, page.table)
            self._repository.stage(batch, reading)
            return

        self._batch.append(page.number, rows, first_row=page.first_row)
        self._repository.stage(self._batch, reading_of(self._settings, self._fields))
        self._batch.clear()

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

    def result(self) -> FirstRows:
        look = self._repository.look() if self._stored or self.taken else Look()
        return FirstRows(
            look=look,
            stored=self._stored,
            written=self._written,
            periods=self._periods,
            sample=self._sample,
            kinds=self._kinds,
            skipped=self._repository.passed_over_rows,
            first_rows=self._first_rows,
        )


def _written_fields(text: Any) -> dict[str, Any]:
    """Of a row as JSON, in a string or in something like bytes; nothing when it is no object."""
    try:
        row = json.loads(text if isinstance(text, str) else bytes(text))
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
