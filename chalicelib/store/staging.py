"""Staging: the rows of a batch go into the table `staged`, in the order of their arrival.

The memory that it takes hangs neither on how many rows are rejected nor on how long they are.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import OutOfMemory, SourceInvalid

from .batch import LONGEST_ROW, RAW_BYTES, Batch, Pieces
from .columns import COLUMNS
from .local_duckdb import is_of_the_disk
from .well_production import WellProductionSql, field_lists, filled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SHORT_ROW = 1 << 10  # bytes; DuckDB takes 2,048 rows of a file at a time, and several times their text in memory
LONG_ROW = 1 << 15  # bytes; from here on Python finds the fields of a row
STAGING_MB = 128  # a batch needs less; with more, DuckDB keeps what nobody reads before the merge
DOUBTFUL = "doubtful row"  # what sound_rows says of a row that may not be sound


class Staging:
    """On a scratch database of `memory_mb`. Until `end` it is held to less, and to one thread. Every method raises
    ScratchFull and OutOfMemory.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: WellProductionSql, *, memory_mb: int) -> None:
        self._connection = connection
        self._sql = sql
        self._memory_mb = memory_mb
        self._usual_mb = min(memory_mb, STAGING_MB)
        self._expects_rejects = False
        self.rows = self.rejected_rows = 0
        connection.execute("SET threads = 1")  # with more, a batch is put together twice
        self._limit_memory(self._usual_mb)
        sql.run("create_staged")

    def end(self) -> None:
        """The merge takes all the memory and all the threads."""
        self._connection.execute("RESET threads")
        self._limit_memory(self._memory_mb)

    # -- a batch into the table ---------------------------------------------------------------

    def stage(self, batch: Batch, mapping: Mapping[str, str]) -> None:
        """Bad rows stay among the others, with their reason, place and text. Raises SourceInvalid when DuckDB cannot
        read what a JSON parser could.
        """
        fields = [mapping.get(column.name, f"absent {column.name}") for column in COLUMNS]
        if batch.longest_row > LONGEST_ROW:
            self._stage_readable(batch, fields)
            return
        try:
            self._stage(batch, fields)
        except duckdb.Error:
            self._stage_readable(batch, fields)

    def _stage(self, batch: Batch, fields: list[str]) -> None:
        """After a batch with rejected rows the next one is likely to have some too."""
        if self._expects_rejects or not self._stage_sound(batch, fields):
            self._stage_checked(batch, fields)
        rejected_before = self.rejected_rows
        self._count()
        self._expects_rejects = self.rejected_rows > rejected_before

    def _stage_sound(self, batch: Batch, fields: list[str]) -> bool:
        """Whether all rows are sound, and staged; otherwise none is."""
        rows = filled("sound_rows", field_lists(fields))
        try:
            self._sql.run("stage", {"rows": rows}, files=[str(batch.sealed())], fields=_as_text(fields))
        except OutOfMemory:
            return False
        except duckdb.InvalidInputException as exc:
            if DOUBTFUL not in str(exc):
                raise
            return False
        return True

    def _stage_checked(self, batch: Batch, fields: list[str]) -> None:
        rows = filled("checked_rows", field_lists(fields))
        self._read("stage", batch, {"rows": rows}, fields=_as_text(fields), raw_bytes=RAW_BYTES, **_places(batch))

    def _stage_readable(self, batch: Batch, fields: list[str]) -> None:
        """DuckDB refuses a whole file for one broken row: take the broken rows out and stage the rest."""
        with Pieces(batch.path.with_suffix(".unreadable")) as unreadable:
            readable = batch.split_unreadable(unreadable, fields)
            try:
                if readable.rows:
                    self._stage(readable, fields)
                if files := unreadable.sealed():
                    self._sql.run("stage_unreadable", files=files)
                self._count()
            except duckdb.Error as exc:
                if is_of_the_disk(exc):
                    raise
                raise _unread(batch, exc) from exc
            finally:
                readable.path.unlink(missing_ok=True)

    def _count(self) -> None:
        _, self.rows, self.rejected_rows = self._sql.one("staged_range")

    # -- segments -----------------------------------------------------------------------------

    def export(self, path: Path, *, first: int) -> None:
        """The rows from number `first` on, in their order, as one Parquet file."""
        # Otherwise DuckDB measures a row group by its rows alone, whose texts may be long. One thread keeps the order.
        self._connection.execute("SET preserve_insertion_order = false")
        try:
            self._sql.run("export_segment", {"first": str(first), "path": str(path).replace("'", "''")})
        finally:
            self._connection.execute("SET preserve_insertion_order = true")

    def load(self, path: Path) -> None:
        """Stage again what a segment holds."""
        self._sql.run("load_segment", file=str(path))
        self._count()

    # -- what else is read out of a batch -----------------------------------------------------

    def change_times(self, batch: Batch, field: str) -> tuple[float | None, int]:
        """The latest moment that the field holds in the batch, epoch seconds, and in how many rows it holds none.
        (None, 0) when DuckDB cannot read the batch.
        """
        try:
            ((microseconds, undated),) = self._read("change_times", batch, fields=_as_text([field]))
        except duckdb.Error:
            return None, 0
        return None if microseconds is None else float(microseconds / 1_000_000), undated

    def field_names(self, batch: Batch) -> list[str]:
        """All field names that occur in the batch; none when a row of it is unreadable."""
        if batch.longest_row > LONG_ROW:
            return batch.field_names()
        try:
            return [name for (name,) in self._read("field_names", batch)]
        except OutOfMemory:
            return batch.field_names()
        except duckdb.Error:
            return []

    # -- memory -------------------------------------------------------------------------------

    def _read(
        self, name: str, batch: Batch, lists: Mapping[str, str] | None = None, **values: Any
    ) -> list[tuple[Any, ...]]:
        """What a statement answers that reads the batch. Longer rows are read in pieces, and with all the memory that
        there is when one is too much alone.
        """
        if batch.longest_row <= SHORT_ROW:
            with suppress(OutOfMemory):
                return self._sql.rows(name, lists, files=[str(batch.sealed())], **values)
        with batch.pieces() as files:
            with suppress(OutOfMemory):
                return self._sql.rows(name, lists, files=files, **values)
            with self._all_memory():
                return self._sql.rows(name, lists, files=files, **values)

    @contextmanager
    def _all_memory(self) -> Iterator[None]:
        self._limit_memory(self._memory_mb)
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # what is in use stays in use
                self._limit_memory(self._usual_mb)

    def _limit_memory(self, megabytes: int) -> None:
        self._connection.execute(f"SET memory_limit = '{megabytes}MB'")


def _as_text(fields: list[str]) -> dict[str, str]:
    return dict.fromkeys(fields, "VARCHAR")


def _places(batch: Batch) -> dict[str, str]:
    """The runs of the batch, as texts: a bound list costs DuckDB a quarter of a millisecond for each of its items."""
    columns = {
        "pages": [run.page for run in batch.runs],
        "firsts": [run.position for run in batch.runs],
        "counts": [run.rows for run in batch.runs],
    }
    return {name: str(numbers) for name, numbers in columns.items()}


def _unread(batch: Batch, exc: duckdb.Error) -> SourceInvalid:
    pages = f"{batch.runs[0].page} to {batch.runs[-1].page}"
    first_line = str(exc).partition("\n")[0][:200]
    return SourceInvalid(
        f"Pages {pages} of the source hold rows that cannot be read: {first_line}", page=batch.runs[0].page
    )
