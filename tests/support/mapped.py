"""Rows of a source as its definition makes ours of them: read and staged by a real DuckDB."""

from __future__ import annotations

import csv
import json
from itertools import count
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.sources.definition import definition_of
from chalicelib.sources.expressions import reading_of
from chalicelib.sources.overlay import settings_of
from chalicelib.store.batch import Batch
from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.table import Table

from .sources import settings
from .staging import as_dicts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chalicelib.sources.definition import Definition
    from chalicelib.store.row_reading import RowReading

STACK = settings(source_reach="anywhere")
KEY: dict[str, Any] = {
    "field_code": {"value": "F"},
    "well_code": "Well",
    "production_period": "Month",
}
OF_KEY = {"Well": "W", "Month": "2024-01-01"}


class Mapped:
    """A scratch store for many definitions. What is staged of each is read back, and gone."""

    def __init__(self, directory: Path, period: str = "month") -> None:
        self._directory = directory
        self._period = period
        source = RowSource(period=Period(period))
        self._repository = DuckDBWellProductionRepository(
            directory=directory / "store", memory_mb=256, source=source
        )
        self._connection = duckdb.connect()
        self._numbers = count()
        self.passed_over = 0

    def close(self) -> None:
        self._repository.close()

    def json(self, columns: dict[str, Any], *rows: Any, **definition: Any) -> list[dict[str, Any]]:
        """Of rows as they stand in JSON: objects, or texts of them.
        Those that are passed over are left out.
        """
        settings = settings_of(self._definition(columns, definition), STACK)
        texts = [row if isinstance(row, str) else json.dumps(OF_KEY | row) for row in rows]
        names = list(dict.fromkeys(name for text in texts for name in json.loads(text)))
        batch = Batch(self._directory / f"batch-{next(self._numbers)}.ndjson")
        batch.append(1, [text.encode() for text in texts])
        return self._staged(batch, reading_of(settings, names))

    def csv(
        self,
        columns: dict[str, Any],
        names: Sequence[str],
        *rows: Sequence[str],
        file: str = "a.csv",
        kinds: tuple[str, ...] = (),
        **definition: Any,
    ) -> list[dict[str, Any]]:
        """Of a piece of a file."""
        settings = settings_of(self._definition(columns, definition), STACK)
        path = self._directory / f"piece-{next(self._numbers)}.csv"
        with path.open("w", encoding="utf-8", newline="") as piece:
            csv.writer(piece, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC).writerows(
                [[None if value == "" else value for value in row] for row in rows]
            )
        table = Table(
            path=path,
            format="csv",
            names=tuple(names),
            rows=len(rows),
            first_row=0,
            file=file,
            sheet="S",
            kinds=kinds,
        )
        return self._staged(Batch.of_table(table, 1), reading_of(settings, names, table))

    def _staged(self, batch: Batch, reading: RowReading) -> list[dict[str, Any]]:
        before = self._repository.passed_over_rows
        segment = self._repository.stage(batch, reading)
        self.passed_over = self._repository.passed_over_rows - before
        found = as_dicts(self._connection.execute("SELECT * FROM read_parquet(?)", [str(segment)]))
        batch.path.unlink()
        return [row for row in found if row["problem"] != "PASSED OVER"]

    def _definition(self, columns: dict[str, Any], told: dict[str, Any]) -> Definition:
        whole = {
            "name": "a",
            "kind": "files",
            "url": "/a",
            "period": self._period,
            "columns": KEY | columns,
        }
        return definition_of(whole | told)
