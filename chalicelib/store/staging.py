"""Staging: the rows of a batch become a segment, a Parquet file on local disk, in
the order of their arrival.

The segments are all that is staged: the merge reads them where they lie, and a checkpoint stores
the same files. The memory that it takes hangs neither on how many rows are rejected nor on how long
they are. The segments of several parts of a source come as they are filled; the merge reads part
after part, which is the source's order.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import OutOfMemory, SourceInvalid

from .batch import LONGEST_ROW, RAW_BYTES, Batch, Pieces
from .local_duckdb import is_of_the_disk
from .places import Places
from .row_reading import DOUBTFUL_DATE
from .segment import (
    LONG_TEXTS,
    SHORT_TEXTS,
    Segment,
    place_values,
    places_in,
    places_of,
    show_lists,
    write_lists,
)
from .well_production import USUAL, WellProductionSql, fill, reading_lists

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from .grain import Grain
    from .row_reading import RowReading
    from .table import Table

# Bytes. DuckDB takes 2,048 rows of a file at a time, and several times their text in memory.
SHORT_ROW = 1 << 10
LONG_ROW = 1 << 15  # bytes; from here on Python finds the fields of a row
STAGING_MB = 128  # a batch needs less; with more, DuckDB keeps what nobody reads before the merge
# More segments than this, with fewer rows each on average, become one before the merge.
MANY, SMALL_ROWS = 100, 10_000
NO_FIELD = "none"  # DuckDB reads no JSON without any
DOUBTFUL = "doubtful row"  # what sound_rows says of a row that may not be sound


class Staging:
    """On a scratch connection of `memory_mb`; segments are written to `directory`. Until `end` it
    is held to less memory, and to one thread. Every method raises ScratchFull and OutOfMemory.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        sql: WellProductionSql,
        *,
        directory: Path,
        memory_mb: int,
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._directory = directory
        self._memory_mb = memory_mb
        self._usual_mb = min(memory_mb, STAGING_MB)
        self._expects_rejects = False
        self._has_iso_dates = True  # until a batch has shown another form
        self._numbers = count()
        self._segments: list[Segment] = []
        self.rows = self.rejected_rows = self.passed_over_rows = self.bytes = 0
        self._grain = USUAL
        sql.run("create_sums")
        self._begin()

    def _begin(self) -> None:
        self._is_at_end = False
        self._connection.execute("SET threads = 1")  # with more, a batch is put together twice
        # Only so may a row group have a size in bytes; one thread keeps the order all the same.
        self._connection.execute("SET preserve_insertion_order = false")
        self._limit_memory(self._usual_mb)

    def end(self) -> None:
        """All segments are the view `staged`.
        The merge takes all the memory and all the threads.
        """
        self._segments.sort(key=lambda segment: segment.part)
        segments = len(self._segments)
        if segments > MANY and self.rows < SMALL_ROWS * segments:
            self._join_small()
        self._connection.execute("RESET threads")
        self._connection.execute("SET preserve_insertion_order = true")
        self._limit_memory(self._memory_mb)
        self._is_at_end = True
        lists = show_lists(self._segments, has_passed_over=self.passed_over_rows > 0)
        self._sql.run("show_segments" if self._segments else "show_no_segments", lists)

    # -- segments -----------------------------------------------------------------------------

    @property
    def places(self) -> Places:
        """Of all rows, in the order of the view `staged`."""
        return places_in(self._segments)

    def stage(
        self, batch: Batch, reading: RowReading, grain: Grain = USUAL, *, part: int = 0
    ) -> Path:
        """The segment of the batch. Bad rows stay among the others, with their reason,
        place and text. Raises SourceInvalid when DuckDB cannot read what a JSON parser could.
        """
        if self._is_at_end:
            self._begin()
        self._grain = grain
        path = self._new_path()
        try:
            self._write_all(batch, reading, path)
            self.load(path, part=part)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def load(self, path: Path, *, part: int = 0) -> None:
        """Take the segment for staged; it stays where it is."""
        ((pages,),) = self._sql.rows("segment_pages", file=str(path))
        ((rows, not_sound, passed_over),) = self._sql.rows("count_segment", file=str(path))
        rejected = not_sound - passed_over
        self._segments.append(Segment(path=path, part=part, rows=rows, pages=pages))
        self.rows += rows
        self.bytes += path.stat().st_size
        self.rejected_rows += rejected
        self.passed_over_rows += passed_over
        # After a batch with rejected rows the next one is likely to have some.
        self._expects_rejects = rejected > 0

    def _join_small(self) -> None:
        """The merge opens each file some ten times:
        thousands of small ones, of a slow source, would take a minute.
        """
        path = self._new_path()
        places = self.places
        self._begin()
        self._join([segment.path for segment in self._segments], path, places)
        self._segments = [Segment(path=path, part=0, rows=self.rows, pages=places.text())]
        self.bytes = path.stat().st_size

    def join(self, path: Path, *, part: int = 0) -> None:
        """All that is staged of the part, as one segment."""
        self._begin()
        segments = [segment for segment in self._segments if segment.part == part]
        paths = [segment.path for segment in segments]
        self._join(paths, path, places_in(segments))

    def _new_path(self) -> Path:
        number = next(self._numbers)
        return self._directory / f"staged-{number}.parquet"

    # -- a batch into a segment ---------------------------------------------------------------

    def _write_all(self, batch: Batch, reading: RowReading, path: Path) -> None:
        """The rows as one piece, or, where DuckDB takes them not so,
        the readable ones of them and the others as texts.
        """
        if batch.longest_row > LONGEST_ROW:
            self._write_readable(batch, reading, path)
            return
        try:
            self._write(batch, reading, path)
        except duckdb.Error as exc:
            if batch.table:
                raise _error_of_table(batch.table, exc) from exc
            self._write_readable(batch, reading, path)

    def _write(self, batch: Batch, reading: RowReading, path: Path) -> None:
        """DuckDB plans a statement anew for each batch, and one that knows all forms of dates takes
        it several times as long: it comes with the first date that is no ISO one, and most sources
        have none.
        """
        if self._has_iso_dates:
            self._has_iso_dates = self._write_iso_dates(batch, reading, path)
        if not self._has_iso_dates:
            self._write_rows(batch, reading, path)

    def _write_iso_dates(self, batch: Batch, reading: RowReading, path: Path) -> bool:
        """Whether no date has another form, and the rows are written."""
        try:
            self._write_rows(batch, reading.of_iso_dates, path)
        except duckdb.InvalidInputException as exc:
            if DOUBTFUL_DATE not in str(exc):
                raise
            return False
        return True

    def _write_rows(self, batch: Batch, reading: RowReading, path: Path) -> None:
        """Sound rows in the quick way. What that takes for doubtful is read once more and checked,
        which costs several times as much.
        """
        has_unreadable = bool(batch.table and batch.table.unreadable)
        is_doubtful = self._expects_rejects or has_unreadable
        if is_doubtful or not self._write_sound(batch, reading, path):
            self._write_checked_rows(batch, reading, path)

    def _write_sound(self, batch: Batch, reading: RowReading, path: Path) -> bool:
        """Whether all rows are sound, and written."""
        rows = fill("sound_rows", reading_lists(reading, self._grain, batch.table))
        lists = write_lists(path, rows, places_of(batch)) | SHORT_TEXTS
        try:
            self._sql.run("write_segment", lists, **self._names(batch, reading))
        except OutOfMemory:
            return False
        except duckdb.InvalidInputException as exc:
            if DOUBTFUL not in str(exc):
                raise
            return False
        return True

    def _write_checked_rows(self, batch: Batch, reading: RowReading, path: Path) -> None:
        rows = fill("checked_rows", reading_lists(reading, self._grain, batch.table))
        lists = write_lists(path, rows, places_of(batch)) | LONG_TEXTS
        values = {**self._names(batch, reading), "raw_bytes": RAW_BYTES, **place_values(batch)}
        if batch.table:
            with self._all_memory():
                self._sql.run("write_segment", lists, **values)
        else:
            del values["files"]  # they may be pieces of it
            self._ask("write_segment", batch, lists, **values)

    def _write_readable(self, batch: Batch, reading: RowReading, path: Path) -> None:
        """DuckDB refuses a whole file for one broken row:
        take the broken rows out and write the rest.
        """
        of_readable = path.with_suffix(".readable")
        of_broken = path.with_suffix(".broken")
        with Pieces(batch.path.with_suffix(".unreadable")) as unreadable:
            readable = batch.split_unreadable(unreadable, reading.fields)
            try:
                if readable.rows:
                    self._write(readable, reading, of_readable)
                if files := unreadable.seal():
                    rows = fill("unreadable_rows")
                    lists = write_lists(of_broken, rows, Places()) | LONG_TEXTS
                    self._sql.run("write_segment", lists, files=files)
                parts = [part for part in (of_readable, of_broken) if part.exists()]
                self._join(parts, path, places_of(readable))
            except duckdb.Error as exc:
                if is_of_the_disk(exc):
                    raise
                raise _error_of_batch(batch, exc) from exc
            finally:
                for part in (readable.path, of_readable, of_broken):
                    part.unlink(missing_ok=True)

    def _join(self, parts: list[Path], path: Path, places: Places) -> None:
        lists = write_lists(path, fill("segment_rows"), places) | LONG_TEXTS
        files = [str(part) for part in parts]
        self._sql.run("write_segment", lists, files=files)

    def _names(self, batch: Batch, reading: RowReading) -> dict[str, Any]:
        """The file and the fields that are read. A table knows its own."""
        if batch.table:
            return {}
        fields = [*reading.fields, *self._grain.fields] or [NO_FIELD]
        kind = "JSON" if reading.as_json else "VARCHAR"
        return {"files": [str(batch.seal())], "fields": dict.fromkeys(fields, kind)}

    # -- what else is read out of a batch -----------------------------------------------------

    def change_times(self, batch: Batch, field: str) -> tuple[float | None, int]:
        """The latest moment that the field holds in the batch, epoch seconds,
        and in how many rows it holds none. (None, 0) when DuckDB cannot read the batch.
        """
        try:
            ((microseconds, undated),) = self._ask("change_times", batch, fields=_as_text([field]))
        except duckdb.Error:
            return None, 0
        if microseconds is None:
            return None, undated
        return float(microseconds / 1_000_000), undated

    def field_names(self, batch: Batch) -> list[str]:
        """All field names that occur in the batch; none when a row of it is unreadable."""
        if batch.longest_row > LONG_ROW:
            return batch.field_names()
        try:
            answer = self._ask("field_names", batch)
            return [name for (name,) in answer]
        except OutOfMemory:
            return batch.field_names()
        except duckdb.Error:
            return []

    # -- memory -------------------------------------------------------------------------------

    def _ask(
        self, name: str, batch: Batch, lists: Mapping[str, str] | None = None, **values: Any
    ) -> list[tuple[Any, ...]]:
        """What a statement answers that reads the batch. Longer rows are read in pieces,
        and with all the memory that there is when one is too much alone.
        """
        if batch.longest_row <= SHORT_ROW:
            with suppress(OutOfMemory):
                return self._sql.rows(name, lists, files=[str(batch.seal())], **values)
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


def _as_text(fields: Iterable[str]) -> dict[str, str]:
    return dict.fromkeys(fields, "VARCHAR")


def _error_of_table(table: Table, exc: duckdb.Error) -> Exception:
    """A table comes in rows that are known to be rows,
    so what DuckDB does not take of it is no matter of single ones.
    """
    if is_of_the_disk(exc):
        return exc
    row = table.first_row + 1
    return SourceInvalid(
        f"The rows of {table.file} from row {row} on cannot be read: {_first_line(exc)}"
    )


def _error_of_batch(batch: Batch, exc: duckdb.Error) -> SourceInvalid:
    first = batch.runs[0].page
    last = batch.runs[-1].page
    return SourceInvalid(
        f"Pages {first} to {last} of the source hold rows that cannot be read: {_first_line(exc)}",
        page=first,
    )


def _first_line(exc: duckdb.Error) -> str:
    line, _, _ = str(exc).partition("\n")
    return line[:200]
