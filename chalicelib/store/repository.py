"""DuckDBWellProductionRepository: stage rows, merge them into a store. All files are on local disk.

The SQL stands in well_production.sql; this file fills its lists of columns and binds its values.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import PublishRefused, SourceInvalid, WarehouseCorrupt

from .batch import LONGEST_ROW, Batch, placed_row
from .columns import COLUMNS, KEY, REJECTION_REASONS, VALUES, VOLUMES
from .local_duckdb import local_config, raise_if_full, raise_if_unreadable
from .schema import prepare_store
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONG_ROW = 1 << 15  # bytes; DuckDB holds the text of 2,048 rows at once where it takes them whole
STAGING_MB = 128  # a batch needs less; with more, DuckDB keeps what nobody reads before the merge
STORAGE_VERSION = "v1.4.0"  # the oldest DuckDB that opens a published file


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What `import_runs` keeps of an import besides its counts. Times are epoch seconds."""

    job_id: str
    fence: int
    source: str
    triggered_by: str
    started_at: float
    expected_records: int | None


@dataclass(frozen=True, kw_only=True)
class MergeResult:
    new_records: int
    updated_records: int
    duplicate_records: int
    failed_records: int
    stored_records: int
    warnings: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """What became of the rows that were staged."""
        staged = ("new_records", "updated_records", "duplicate_records", "failed_records")
        return {name: getattr(self, name) for name in staged}


class DuckDBWellProductionRepository:
    """One import's scratch database in `directory`, which belongs to this import alone."""

    def __init__(self, *, directory: Path, memory_mb: int) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._connection = duckdb.connect(directory / "scratch.duckdb", config=local_config(directory, memory_mb))
        for name in _SQL:
            if name.startswith("macro_"):
                self._run(name)
        self._connection.execute("PRAGMA disable_checkpoint_on_shutdown")  # nobody opens the scratch file again
        self._memory_mb = memory_mb
        self._connection.execute("SET threads = 1")  # until the merge: with more, a batch is put together twice
        self._connection.execute(f"SET memory_limit = '{min(memory_mb, STAGING_MB)}MB'")  # until the merge too
        self._connection.execute("SET enable_external_file_cache = false")  # it mixes files that follow under one path
        self._run("create_staged")
        self._exported = self._staged = self.rejected_rows = 0

    def close(self) -> None:
        self._connection.close()

    def stage(self, batch: Batch, mapping: Mapping[str, str]) -> None:
        """Read the batch into the staging table; bad rows stay there with their reason, place and text.

        Raises SourceInvalid when DuckDB cannot read what a JSON parser could, ScratchFull.
        """
        if batch.longest_row > LONGEST_ROW:
            self._stage_readable(batch, mapping)
            return
        try:
            self._stage(batch, mapping)
        except duckdb.Error as exc:
            raise_if_full(exc)
            self._stage_readable(batch, mapping)

    def _stage(self, batch: Batch, mapping: Mapping[str, str]) -> None:
        sources = [mapping.get(column.name, f"absent {column.name}") for column in COLUMNS]
        names = ", ".join('"' + source.replace('"', '""') + '"' for source in sources)
        self._run("stage", {"source_fields": names}, file=str(batch.sealed()), fields=dict.fromkeys(sources, "VARCHAR"))
        self._examine_doubtful(batch, sources)
        self._count_staged()

    def _stage_readable(self, batch: Batch, mapping: Mapping[str, str]) -> None:
        """DuckDB refuses a whole file for one broken row: take the broken rows out and stage the rest."""
        unreadable = batch.path.with_suffix(".unreadable")
        readable = batch.split_unreadable(unreadable, set(mapping.values()))
        try:
            if readable.rows:
                self._stage(readable, mapping)
            self._run("stage_unreadable", file=str(unreadable))
            self._count_staged()
        except duckdb.Error as exc:
            raise_if_full(exc)
            pages = f"{batch.runs[0].page} to {batch.runs[-1].page}"
            raise SourceInvalid(
                f"Pages {pages} of the source hold rows that cannot be read: {_first_line(exc)}",
                page=batch.runs[0].page,
            ) from exc
        finally:
            readable.path.unlink(missing_ok=True)
            unreadable.unlink(missing_ok=True)

    def _examine_doubtful(self, batch: Batch, sources: list[str]) -> None:
        """Few rows, if any: they are read again from their own text, which a rejected row keeps."""
        doubtful = {row for (row,) in self._run("doubtful", first=self._staged).fetchall()}
        if not doubtful:
            return
        placed = batch.path.with_suffix(".placed")
        with placed.open("wb") as file:
            for row, (page, position, line) in enumerate(batch.lines(), start=self._staged):
                if row in doubtful:
                    file.write(placed_row(page, position, line, staged_row=row, whole=True))
        self._run("examine", {"problems_found": _problems(sources)}, file=str(placed))
        placed.unlink()

    def _count_staged(self) -> None:
        _, self._staged, self.rejected_rows = self._one("staged_range")

    def change_times(self, batch: Batch, field: str) -> tuple[float | None, int]:
        """The latest moment that the field holds in the batch, epoch seconds, and in how many rows it holds none.
        (None, 0) when DuckDB cannot read the batch.
        """
        try:
            found = self._run("change_times", file=str(batch.sealed()), fields={field: "VARCHAR"})
            ((microseconds, undated),) = found.fetchall()
        except duckdb.Error:
            return None, 0
        return None if microseconds is None else float(microseconds / 1_000_000), undated

    def export_segment(self, path: Path) -> int:
        """The rows staged since the last segment, as one Parquet file; how many there are."""
        first, self._exported = self._exported, self._staged
        if self._exported > first:
            self._run("export_segment", {"first": str(first), "path": _quoted(path)})
        return self._exported - first

    def export_all(self, path: Path) -> int:
        """As export_segment, and the rows of the segments before it as well."""
        self._exported = 0
        return self.export_segment(path)

    def load_segment(self, path: Path) -> bool:
        """Stage again what a segment holds. False, and nothing is staged, when DuckDB cannot read it. Raises
        ScratchFull.
        """
        try:
            self._run("load_segment", file=str(path))
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as exc:
            raise_if_full(exc)
            return False
        self._count_staged()
        self._exported = self._staged
        return True

    def field_names(self, batch: Batch) -> list[str]:
        """All field names that occur in the batch; none when a row of it is unreadable."""
        if batch.longest_row > LONG_ROW:
            return batch.field_names()
        try:
            return [name for (name,) in self._run("field_names", file=str(batch.sealed())).fetchall()]
        except duckdb.Error:
            return []

    def merge(self, store: Path, facts: RunFacts, *, now: float, warnings: dict[str, int]) -> MergeResult:
        """Merge all that is staged into the store, a database file that nobody else has open, or a new one.

        `warnings` are added to those found here. One transaction, then CHECKPOINT and close. Raises
        WarehouseTooNew, WarehouseCorrupt, ScratchFull.
        """
        is_new = not store.exists()
        self._connection.execute("RESET threads")
        self._connection.execute(f"SET memory_limit = '{self._memory_mb}MB'")
        with self._attached(store):
            prepare_store(self._connection, is_new=is_new)
            for statement in ("pick_latest", "match_stored", "pick_revised"):
                self._run(statement)
            found = {**warnings, **self._count_warnings(now)}
            self._connection.execute("BEGIN")
            result = self._write_outcome(facts, now, found)
            self._connection.execute("COMMIT")
            self._connection.execute("CHECKPOINT wells")
        return result

    def _write_outcome(self, facts: RunFacts, now: float, warnings: dict[str, int]) -> MergeResult:
        result = self._count_outcome(warnings)
        self._run("keep_history", now=now, job_id=facts.job_id)
        self._run("delete_revised")
        self._run("insert_revised", now=now)
        self._run("insert_new", now=now)
        reasons, sentences = list(REJECTION_REASONS), list(REJECTION_REASONS.values())
        self._run("insert_rejected", job_id=facts.job_id, now=now, reasons=reasons, sentences=sentences)
        values: dict[str, Any] = {**vars(facts), **result.counts, "now": now, "warnings": json.dumps(warnings)}
        self._run("insert_run", **values)
        return result

    def _count_outcome(self, warnings: dict[str, int]) -> MergeResult:
        staged, failed, distinct_keys, known_keys, updated, stored = self._one("count_outcome")
        new = distinct_keys - known_keys
        return MergeResult(
            new_records=new,
            updated_records=updated,
            duplicate_records=staged - failed - new - updated,
            failed_records=failed,
            stored_records=stored + new,
            warnings=warnings,
        )

    def _count_warnings(self, now: float) -> dict[str, int]:
        today = datetime.fromtimestamp(now, UTC).date().isoformat()
        counted = self._run("count_warnings", today=today)
        names = [column[0] for column in counted.description or []]
        return {name: count for name, count in zip(names, counted.fetchall()[0], strict=True) if count}

    def rejected_by_reason(self) -> dict[str, int]:
        return dict(self._run("count_rejected").fetchall())

    def verify(self, store: Path, *, rows: int) -> None:
        """Read a finished store back, every value of it: it must hold `rows` rows and no key twice. Raises
        PublishRefused, ScratchFull.
        """
        try:
            with self._attached(store, read_only=True):
                for (table,) in self._run("stored_tables").fetchall():
                    self._run("read_all", {"table": table}).fetchall()
                stored, repeated = self._one("count_stored")
        except WarehouseCorrupt as exc:
            raise PublishRefused(
                "The new database is not what was written, a part of it cannot be read back, so it was not published. "
                "Start the import again; if it stays, check the function's disk."
            ) from exc
        if (stored, repeated) != (rows, 0):
            raise PublishRefused(
                f"The new database holds {stored:,} rows and {repeated:,} keys twice instead of {rows:,} rows and "
                "none, so it was not published. Start the import again."
            )

    @contextmanager
    def _attached(self, store: Path, *, read_only: bool = False) -> Iterator[None]:
        options = "READ_ONLY" if read_only else f"STORAGE_VERSION '{STORAGE_VERSION}'"
        try:
            self._connection.execute(f"ATTACH '{_quoted(store)}' AS wells ({options})")
            yield
            self._connection.execute("DETACH DATABASE wells")
        except BaseException as exc:
            for statement in ("ROLLBACK", "DETACH DATABASE IF EXISTS wells"):
                with suppress(duckdb.Error):  # what failed first is what is told
                    self._connection.execute(statement)
            if isinstance(exc, duckdb.Error):
                raise_if_full(exc)
                raise_if_unreadable(exc)
            raise

    def _run(self, name: str, lists: Mapping[str, str] | None = None, **values: Any) -> duckdb.DuckDBPyConnection:
        """Raises ScratchFull, whatever is done while the disk is full."""
        text = _SQL[name].format_map({**_LISTS, **(lists or {})})
        try:
            return self._connection.execute(text, values) if values else self._connection.execute(text)
        except duckdb.Error as exc:
            raise_if_full(exc)
            raise

    def _one(self, name: str) -> tuple[Any, ...]:
        """The one row of a statement. All of it is fetched: a result left open blocks what follows."""
        (row,) = self._run(name).fetchall()
        return tuple(row)


_SQL = named_statements(Path(__file__).with_name("well_production.sql"))
_LISTS = {
    "columns": ", ".join(column.name for column in COLUMNS),
    "columns_with_types": ", ".join(f"{column.name} {column.type}" for column in COLUMNS),
    "staged_columns": ", ".join(f"staged.{column.name}" for column in COLUMNS),
    "key": ", ".join(KEY),
    "volumes": ", ".join(VOLUMES),
    "values_differ": " OR ".join(f"staged.{name} IS DISTINCT FROM stored.{name}" for name in VALUES),
    "values": ", ".join(
        f"{'draft' if column.kind == 'number' else 'read'}_{column.kind}({column.name}) AS value_of_{column.name}"
        for column in COLUMNS
    ),
    "values_read": ", ".join(f"value_of_{column.name}" for column in COLUMNS),
    "all_sound": " AND ".join(
        f"(is_sound_{column.kind}({column.name}, value_of_{column.name}, {column.low}, {column.high}))"
        for column in COLUMNS
    ),
}


def _problems(sources: list[str]) -> str:
    """What is wrong with each column of a `row`, whose fields are named by `sources` in the order of COLUMNS."""
    found = []
    for column, source in zip(COLUMNS, sources, strict=True):
        # A JSON pointer (RFC 6901) takes any name, quotes and dots included.
        pointer = "'/" + source.replace("~", "~0").replace("/", "~1").replace("'", "''") + "'"
        field = f"'{column.name}', row ->> {pointer}, json_type(row, {pointer})"
        found.append(f"{column.kind}_problem({field}, {column.low}, {column.high})")
    return ", ".join(found)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _first_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0][:200]
