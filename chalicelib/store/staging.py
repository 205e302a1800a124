"""Staging: the rows of a batch become a segment, a Parquet file on local disk, in
the order of their arrival.

The segments are all that is staged: the merge reads them where they lie, and a checkpoint stores
the same files. The memory that it takes hangs neither on how many rows are rejected nor on how long
they are. The segments of several parts of a source come as they are filled; the merge reads part
after part, which is the source's order.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate, count
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import OutOfMemory, SourceInvalid

from .batch import LONGEST_ROW, RAW_BYTES, Batch, Pieces
from .local_duckdb import is_of_the_disk, quoted
from .places import Places
from .well_production import PASSED_OVER, USUAL, WellProductionSql, filled, reading_lists

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from .grain import Grain
    from .row_reading import RowReading
    from .table import Table

# bytes; DuckDB takes 2,048 rows of a file at a time, and several times their text in memory
SHORT_ROW = 1 << 10
LONG_ROW = 1 << 15  # bytes; from here on Python finds the fields of a row
STAGING_MB = 128  # a batch needs less; with more, DuckDB keeps what nobody reads before the merge
# segments, and rows of one: so many so small ones become one before the merge
MANY, SMALL_ROWS = 100, 10_000
NO_FIELD = "none"  # DuckDB reads no JSON without any
DOUBTFUL = "doubtful row"  # what sound_rows says of a row that may not be sound
# What is sound is short. Of what is rejected up to 4 KB are kept, and 2,048 rows come at a time.
SHORT_TEXTS = {"compression": "lz4", "row_group": "16MB"}
LONG_TEXTS = {"compression": "zstd", "row_group": "2MB"}


@dataclass(frozen=True, kw_only=True)
class _Segment:
    """`pages` is the text of its Places, `part` the number of the source's
    part that its rows are of.
    """

    path: Path
    part: int
    rows: int
    pages: str


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
        self._numbers = count()
        self._segments: list[_Segment] = []
        self.rows = self.rejected_rows = self.passed_over_rows = self.bytes = 0
        self._grain = USUAL
        sql.run("create_sums")
        self._begin()

    def _begin(self) -> None:
        self._is_at_end = False
        self._connection.execute("SET threads = 1")  # with more, a batch is put together twice
        # one thread keeps it, in groups of some bytes
        self._connection.execute("SET preserve_insertion_order = false")
        self._limit_memory(self._usual_mb)

    def end(self) -> None:
        """All segments are the view `staged`. The merge takes all the
        memory and all the threads.
        """
        self._segments.sort(key=lambda segment: segment.part)
        if len(self._segments) > MANY and self.rows < SMALL_ROWS * len(self._segments):
            self._join_small()
        self._connection.execute("RESET threads")
        self._connection.execute("SET preserve_insertion_order = true")
        self._limit_memory(self._memory_mb)
        self._is_at_end = True
        files = ", ".join(f"'{quoted(segment.path)}'" for segment in self._segments)
        is_taken = f"problem IS DISTINCT FROM '{PASSED_OVER}'" if self.passed_over_rows else "TRUE"
        first_rows = [0, *accumulate(segment.rows for segment in self._segments)][:-1]
        lists = {"files": f"[{files}]", "first_rows": f"{first_rows}", "is_taken": is_taken}
        self._sql.run("show_segments" if self._segments else "show_no_segments", lists)

    # -- segments -----------------------------------------------------------------------------

    @property
    def places(self) -> Places:
        """Of all rows, in the order of the view `staged`."""
        return _places_in(self._segments)

    def stage(
        self, batch: Batch, reading: RowReading, grain: Grain = USUAL, *, part: int = 0
    ) -> Path:
        """The segment of the batch. Bad rows stay among the others, with their reason, place and
        text. Raises SourceInvalid when DuckDB cannot read what a JSON parser could.
        """
        if self._is_at_end:
            self._begin()
        self._grain = grain
        path = self._directory / f"staged-{next(self._numbers)}.parquet"
        try:
            if batch.longest_row > LONGEST_ROW:
                self._write_readable(batch, reading, path)
            else:
                try:
                    self._write(batch, reading, path)
                except duckdb.Error as exc:
                    if batch.table:
                        raise _told_of_table(batch.table, exc) from exc
                    self._write_readable(batch, reading, path)
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
        self._segments.append(_Segment(path=path, part=part, rows=rows, pages=pages))
        self.rows += rows
        self.bytes += path.stat().st_size
        self.rejected_rows += rejected
        self.passed_over_rows += passed_over
        # after a batch with rejected rows the next one is likely to have some
        self._expects_rejects = rejected > 0

    def _join_small(self) -> None:
        """The merge opens each file some ten times: thousands of small ones, of a slow
        source, would take a minute.
        """
        path = self._directory / f"staged-{next(self._numbers)}.parquet"
        places = self.places
        self._begin()
        self._join([segment.path for segment in self._segments], path, places)
        self._segments = [_Segment(path=path, part=0, rows=self.rows, pages=places.text())]
        self.bytes = path.stat().st_size

    def join(self, path: Path, *, part: int = 0) -> None:
        """All that is staged of the part, as one segment."""
        self._begin()
        segments = [segment for segment in self._segments if segment.part == part]
        self._join([segment.path for segment in segments], path, _places_in(segments))

    # -- a batch into a segment ---------------------------------------------------------------

    def _write(self, batch: Batch, reading: RowReading, path: Path) -> None:
        has_unreadable = bool(batch.table and batch.table.unreadable)
        if self._expects_rejects or has_unreadable or not self._write_sound(batch, reading, path):
            self._write_checked(batch, reading, path)

    def _write_sound(self, batch: Batch, reading: RowReading, path: Path) -> bool:
        """Whether all rows are sound, and written."""
        rows = filled("sound_rows", reading_lists(reading, self._grain, batch.table))
        lists = _segment(path, rows, _places_of(batch)) | SHORT_TEXTS
        try:
            self._sql.run("write_segment", lists, **self._names(batch, reading))
        except OutOfMemory:
            return False
        except duckdb.InvalidInputException as exc:
            if DOUBTFUL not in str(exc):
                raise
            return False
        return True

    def _write_checked(self, batch: Batch, reading: RowReading, path: Path) -> None:
        rows = filled("checked_rows", reading_lists(reading, self._grain, batch.table))
        lists = _segment(path, rows, _places_of(batch)) | LONG_TEXTS
        values = {**self._names(batch, reading), "raw_bytes": RAW_BYTES, **_places(batch)}
        if batch.table:
            with self._all_memory():
                self._sql.run("write_segment", lists, **values)
        else:
            del values["files"]  # they may be pieces of it
            self._read("write_segment", batch, lists, **values)

    def _write_readable(self, batch: Batch, reading: RowReading, path: Path) -> None:
        """DuckDB refuses a whole file for one broken row: take the broken
        rows out and write the rest.
        """
        parts = [path.with_suffix(".readable"), path.with_suffix(".broken")]
        with Pieces(batch.path.with_suffix(".unreadable")) as unreadable:
            readable = batch.split_unreadable(unreadable, reading.fields)
            try:
                if readable.rows:
                    self._write(readable, reading, parts[0])
                if files := unreadable.seal():
                    rows = filled("unreadable_rows")
                    self._sql.run(
                        "write_segment",
                        _segment(parts[1], rows, Places()) | LONG_TEXTS,
                        files=files,
                    )
                self._join([part for part in parts if part.exists()], path, _places_of(readable))
            except duckdb.Error as exc:
                if is_of_the_disk(exc):
                    raise
                raise _unread(batch, exc) from exc
            finally:
                for part in (readable.path, *parts):
                    part.unlink(missing_ok=True)

    def _join(self, parts: list[Path], path: Path, places: Places) -> None:
        lists = _segment(path, filled("segment_rows"), places) | LONG_TEXTS
        self._sql.run("write_segment", lists, files=[str(part) for part in parts])

    def _names(self, batch: Batch, reading: RowReading) -> dict[str, Any]:
        """The file and the fields that are read, as text. A table knows its own."""
        if batch.table:
            return {}
        return {
            "files": [str(batch.seal())],
            "fields": _as_text([*reading.fields, *self._grain.fields] or [NO_FIELD]),
        }

    # -- what else is read out of a batch -----------------------------------------------------

    def change_times(self, batch: Batch, field: str) -> tuple[float | None, int]:
        """The latest moment that the field holds in the batch, epoch seconds, and in how many rows
        it holds none. (None, 0) when DuckDB cannot read the batch.
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
        """What a statement answers that reads the batch. Longer rows are read in pieces, and with
        all the memory that there is when one is too much alone.
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


def _segment(path: Path, rows: str, places: Places) -> dict[str, str]:
    return {"path": quoted(path), "rows": rows, "pages": places.text()}


def _places_in(segments: Iterable[_Segment]) -> Places:
    """Of the rows of these segments, one after the other."""
    places, first_row = Places(), 0
    for segment in segments:
        places.add_text(first_row, segment.pages)
        first_row += segment.rows
    return places


def _places_of(batch: Batch) -> Places:
    """Of the rows in the batch's own segment."""
    places = Places()
    places.add(0, batch.runs)
    return places


def _places(batch: Batch) -> dict[str, Any]:
    """The runs of the batch, as texts: a bound list costs DuckDB a quarter of a millisecond for
    each of its items. A table is one run.
    """
    if batch.table:
        unreadable = batch.table.unreadable
        texts = [row.raw.decode("utf-8", "replace") for row in unreadable]
        told = {"unreadable_rows": [row.row for row in unreadable], "unreadable_texts": texts}
        return {"page": batch.runs[0].page, **(told if unreadable else {})}
    columns = {
        "pages": [run.page for run in batch.runs],
        "firsts": [run.position for run in batch.runs],
        "counts": [run.rows for run in batch.runs],
    }
    return {name: str(numbers) for name, numbers in columns.items()}


def _told_of_table(table: Table, exc: duckdb.Error) -> Exception:
    """Its rows have been told apart before, so what DuckDB does not take is
    no matter of single rows.
    """
    if is_of_the_disk(exc):
        return exc
    first_line = str(exc).partition("\n")[0][:200]
    return SourceInvalid(
        f"The rows of {table.file} from row {table.first_row + 1} on cannot be read: {first_line}"
    )


def _unread(batch: Batch, exc: duckdb.Error) -> SourceInvalid:
    pages = f"{batch.runs[0].page} to {batch.runs[-1].page}"
    first_line = str(exc).partition("\n")[0][:200]
    return SourceInvalid(
        f"Pages {pages} of the source hold rows that cannot be read: {first_line}",
        page=batch.runs[0].page,
    )
