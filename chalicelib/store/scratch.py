"""Scratch: the database on local disk in which one import stages its rows and settles them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from .attaching import attach
from .local_duckdb import exhaustion_errors, local_config
from .look import Look, look_at
from .parts import ROWS_PER_MB, Part, split
from .period import RowSource
from .settle import Settled, settle
from .staging import Staging
from .well_production import USUAL, WellProductionSql

if TYPE_CHECKING:
    from pathlib import Path

    from .batch import Batch
    from .grain import Grain
    from .local_duckdb import Config
    from .row_reading import RowReading
    from .table import Table


class Scratch:
    """In `directory`, which belongs to this import alone; its rows are the `source`'s.
    They are merged in parts of `part_rows`, or of as many as fit the memory.
    """

    def __init__(
        self,
        *,
        directory: Path,
        memory_mb: int,
        source: RowSource | None = None,
        part_rows: int | None = None,
    ) -> None:
        self._directory = directory
        self._source = source or RowSource()
        directory.mkdir(parents=True, exist_ok=True)
        self._connection = duckdb.connect(config=self._config(directory, memory_mb))
        attach(self._connection, directory / "scratch.duckdb", "scratch")
        self._connection.execute("USE scratch")
        # Nobody opens the scratch file again.
        self._connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        # DuckDB would mix two files that have one path, one after the other.
        self._connection.execute("SET enable_external_file_cache = false")
        self._source.period.define(self._connection)
        self._sql = WellProductionSql(self._connection)
        self._staging = Staging(
            self._connection, self._sql, directory=directory, memory_mb=memory_mb
        )
        self._settled: Settled | None = None
        self._parts = [Part()]
        self._part_rows = part_rows or memory_mb * ROWS_PER_MB

    @staticmethod
    def _config(directory: Path, memory_mb: int) -> Config:
        return local_config(directory, memory_mb)

    @property
    def rejected_rows(self) -> int:
        """Of all that is staged."""
        return self._staging.rejected_rows

    @property
    def passed_over_rows(self) -> int:
        """Of all that is staged, those that the source's definition does not mean."""
        return self._staging.passed_over_rows

    @property
    def staged_bytes(self) -> int:
        """Of the segments on local disk, of earlier workers too."""
        return self._staging.bytes

    def close(self) -> None:
        self._connection.close()

    def stage(
        self, batch: Batch, reading: RowReading, grain: Grain = USUAL, *, part: int = 0
    ) -> Path:
        """The segment that the rows of the batch are in now; bad rows are among them with their
        reason, place and text. It stays on local disk until the import has ended. The merge reads
        the parts in the order of their numbers.

        Raises SourceInvalid when DuckDB cannot read what a JSON parser could,
        ScratchFull, OutOfMemory.
        """
        self._settled = None
        return self._staging.stage(batch, reading, grain, part=part)

    def change_times(self, batch: Batch, field: str) -> tuple[float | None, int]:
        """The latest moment that the field holds in the batch, epoch seconds, and in how many rows
        it holds none. (None, 0) when DuckDB cannot read the batch. Raises ScratchFull, OutOfMemory.
        """
        return self._staging.change_times(batch, field)

    def field_names(self, batch: Batch) -> list[str]:
        """All field names that occur in the batch; none when a row of it is unreadable."""
        return self._staging.field_names(batch)

    def look(self) -> Look:
        """What is staged looks like that. More can be staged afterwards.
        Raises ScratchFull, OutOfMemory.
        """
        self._staging.end()
        return look_at(self._connection)

    def rows_of(self, table: Table, most: int) -> list[str]:
        """Its first rows, as JSON."""
        query = f"SELECT {table.row_text} FROM {table.relation} AS field LIMIT {most}"  # noqa: S608
        with exhaustion_errors():
            rows = self._connection.execute(query).fetchall()
        return [text for (text,) in rows]

    def load_segment(self, path: Path, *, part: int = 0) -> bool:
        """Take what a segment holds for staged; the file stays where it is.
        False, and nothing is staged, when DuckDB cannot read it. Raises ScratchFull, OutOfMemory.
        """
        self._settled = None
        try:
            self._staging.load(path, part=part)
        except (duckdb.Error, ValueError):  # no Parquet file, or one that does not tell its pages
            return False
        return True

    def join_segments(self, path: Path, *, part: int = 0) -> None:
        """All that is staged of the part, as one segment. Raises ScratchFull, OutOfMemory."""
        self._staging.join(path, part=part)

    def settle(self, grain: Grain) -> Settled:
        """Make one row of all those of a key, of everything that is staged.
        Raises ScratchFull, OutOfMemory.
        """
        self._staging.end()
        rows = self._staging.rows
        with exhaustion_errors():
            self._parts = split(self._connection, rows=rows, most=self._part_rows)
        self._settled = settle(
            self._connection, grain, self._staging.places, delivered=rows, parts=self._parts
        )
        return self._settled
