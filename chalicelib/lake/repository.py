"""LakeRepository: the same merge as into a file, of which the lake keeps the rows.

What an import meets is read from the lake, in the state that is published; it is settled,
compared and judged by the statements of the store, and nothing is committed before that. Then
each table takes its rows in one commit, which also says who made it: after an error that
alone tells what has happened, because DuckDB sends a commit again when no answer came, and
reports the refusal of its own.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import (
    AdoptsInFile,
    FullImportFirst,
    ImportFailed,
    LakeMoved,
    PublishRefused,
)
from chalicelib.store.attaching import attach_store
from chalicelib.store.columns import KEY
from chalicelib.store.local_duckdb import exhaustion_errors, local_config
from chalicelib.store.older_columns import columns_of, with_nulls
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.schema import prepare_store, refuse_other_periods
from chalicelib.store.well_production import USUAL, fill

from .compared import Compared, refuse_other_count
from .connection import attach_lake, lake_errors, one_thread_transaction
from .delta import STORED, merge_lists, new_rows
from .extensions import lake_config
from .lake_sql import LakeSql
from .settling import TRIES, Maker, commit_after, settle_lake, settle_table
from .spark import MILLISECONDS, Order, staged_upon
from .spark_merge import SparkMerge
from .tables import BY_YEAR, at, prepare_tables
from .versions import HISTORY, PRODUCTION, REJECTS, RUNS, TABLES, Versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from botocore.session import Session

    from chalicelib.store.local_duckdb import Config
    from chalicelib.store.outcome import Looks, MergeResult, RunFacts

    from .catalog import Catalog, Head

OURS = {"store": "lake.wellhead", "order": f"year(production_period), {', '.join(KEY)}"}
LOOKED_AT = 2048  # rows of a source, for the length of its periods


class LakeRepository(DuckDBWellProductionRepository):
    """A repository whose rows go into the lake of the catalog."""

    def __init__(self, *, catalog: Catalog, session: Session, **details: Any) -> None:
        super().__init__(**details)
        self._catalog = catalog
        self._session = session
        self._lake_sql = LakeSql(self._connection, self._source.name)
        self._is_attached = False

    @staticmethod
    def _config(directory: Path, memory_mb: int) -> Config:
        return local_config(directory, memory_mb) | lake_config()

    def compare(self, base: Versions, facts: RunFacts, looks: Looks) -> Compared:
        """Settle the lake, and find out what becomes of all that is staged; nothing of it is
        written. Raises LeaseLost, LakeUnavailable, LakeMoved, LakeUnprepared, WarehouseTooNew,
        AdoptsInFile, PeriodChanged, ScratchFull, OutOfMemory.
        """
        settled = self._settled or self.settle(USUAL)
        self._attach_lake()
        head = settle_lake(self._catalog, base, fence=facts.fence)[PRODUCTION]
        now = looks.now
        staged = staged_upon(head, facts.job_id)
        if staged:
            now = staged.mark.moment / MILLISECONDS  # the rows that Spark has merged bear it
        with lake_errors():
            whole = self._whole(base)
            self._refuse_adopting(whole)
            self._refuse_other_periods(whole)
            self._meet(whole)
            if looks.withdraws:
                self._bring_missing(whole)
            self._check_room()  # on local disk: revised rows lie there too, new ones are sorted
            runs = at(RUNS, base.of(RUNS))
            looks = replace(looks, now=self._moment(now, runs=runs))
            result = self._compare(settled, looks, whole=whole, stored_rows=str(base.rows))
            if result.failed_records:
                self._insert_rejected_rows(facts, looks.now)
        return Compared(base=base, facts=facts, now=looks.now, result=result)

    def commit(
        self, compared: Compared, *, beat: Callable[[], object], staged: int | None = None
    ) -> Versions:
        """Write it, a commit a table. `beat` is called before each, and may stop it. Where Spark
        has `staged` a snapshot, production becomes that one. Raises LeaseLost, LakeMoved,
        LakeUnavailable, PublishRefused, ScratchFull, OutOfMemory.
        """
        write = {
            REJECTS: self._write_rejects,
            HISTORY: self._write_history,
            PRODUCTION: self._write_production,
            RUNS: self._write_runs,
        }
        snapshots: dict[str, int | None] = {}
        for table in TABLES:
            beat()
            if table == PRODUCTION and staged is not None:
                snapshots[table] = self._spark_merge().take(compared, staged)
            else:
                snapshots[table] = self._commit_table(table, compared, write[table])
        return _versions(snapshots, rows=compared.result.stored_records)

    # -- by Spark -----------------------------------------------------------------------------

    def spark_snapshot(self, compared: Compared) -> int | None:
        """The snapshot that Spark has made of just these rows; None before it has. Raises
        PublishRefused where it holds others than it should, LeaseLost, LakeUnavailable, LakeMoved.
        """
        return self._spark_merge().spark_snapshot(compared)

    def order(self, compared: Compared, delta: Path, place: str) -> Order:
        """What Spark is to do, after which `spark_snapshot` finds it. The rows are written to
        `delta`, which Spark will find at `place`, a URL. Raises LeaseLost, LakeUnavailable,
        LakeMoved, ScratchFull, OutOfMemory.
        """
        return self._spark_merge().order(compared, delta, place)

    def _spark_merge(self) -> SparkMerge:
        return SparkMerge(catalog=self._catalog, sql=self._lake_sql)

    # -- a file that moves into the lake ------------------------------------------------------

    def take(
        self,
        store: Path,
        facts: RunFacts,
        merged: MergeResult,
        *,
        now: float,
        beat: Callable[[], object],
    ) -> Versions:
        """All that a store holds, a file that an import was merged into,
        becomes what the lake holds. Raises as commit, and FullImportFirst, WarehouseTooNew.
        """
        nothing = Versions(snapshots={})
        compared = Compared(base=nothing, facts=facts, now=now, result=merged)
        attach_lake(self._connection, self._catalog, self._session)
        with attach_store(self._connection, store, read_only=True):
            if self._lake_sql.one("count_waiting")[0]:
                raise FullImportFirst(
                    "The published database has codes that were numbers, and a lake takes none of "
                    "these. Import everything into the file first: WELLHEAD_STORE=file, and a "
                    "trigger with full=true and no limits."
                )
            prepare_tables(self._connection, self._catalog)
            settle_lake(self._catalog, nothing, fence=facts.fence)
            snapshots = {}
            for table in TABLES:
                beat()
                take_table = partial(self._take_table, table)
                snapshots[table] = self._commit_table(table, compared, take_table)
        versions = _versions(snapshots, rows=merged.stored_records)
        self._check_rows(versions)
        return versions

    def _take_table(self, table: str, _: Compared) -> int:
        order = OURS["order"] if table in BY_YEAR else "ALL"
        ((written,),) = self._lake_sql.run("take_table", table=table, order=order)
        return int(written)

    def _check_rows(self, versions: Versions) -> None:
        head = self._catalog.head(PRODUCTION)
        expected = (versions.of(PRODUCTION), versions.rows)
        if head is None or (head.snapshot, head.rows) != expected:
            raise PublishRefused(
                f"The lake holds {head.rows if head else None} rows instead of {versions.rows:,}, "
                "so it was not published. Start the import again."
            )

    def check(self, versions: Versions) -> None:
        """Whether the lake holds what was written: so many rows, and each of the import's once.
        Raises PublishRefused, LakeUnavailable.
        """
        whole = at(PRODUCTION, versions.of(PRODUCTION))
        with lake_errors():
            bounds = self._lake_sql.bounds()
            rows, keys, accepted = self._lake_sql.one("count_written", whole=whole, **bounds)
        stored: int | None = versions.rows
        head = self._catalog.head(PRODUCTION)
        if head and head.snapshot == versions.of(PRODUCTION):  # and nobody has compacted it since
            stored = head.rows
        if (rows, keys, stored) != (accepted, accepted, versions.rows):
            raise PublishRefused(
                f"The lake holds {stored} rows instead of {versions.rows:,}, and of {accepted:,} "
                f"keys of this import {keys:,} in {rows:,} rows, so it was not published. "
                "Start the import again."
            )

    # -- comparing ----------------------------------------------------------------------------

    def _whole(self, base: Versions) -> str:
        """What stands after FROM for all stored rows.
        The snapshot may be older than a column that the tables have by now.
        """
        rows = at(PRODUCTION, base.of(PRODUCTION))
        columns = columns_of(self._connection, "wells.well_production")
        return with_nulls(self._connection, rows, columns)

    def _attach_lake(self) -> None:
        """The lake, and `wells`, a store for the rows that change."""
        if self._is_attached:
            return
        attach_lake(self._connection, self._catalog, self._session)
        with exhaustion_errors():
            self._connection.execute(f"ATTACH '{self._directory / 'changed.duckdb'}' AS wells")
            prepare_store(self._connection, is_new=True, source=self._source)
        prepare_tables(self._connection, self._catalog)
        self._is_attached = True

    def _refuse_adopting(self, whole: str) -> None:
        """To rename rows is to write all of them once more.
        It is done once in a source's life, and a file can do it. Raises AdoptsInFile.
        """
        adopted = self._source.adopts
        if adopted and self._lake_sql.one("has_rows_of", whole=whole, adopted=adopted)[0]:
            raise AdoptsInFile(
                f"The source {self._source.name} takes over the rows of {adopted}, and that is "
                "done only in a file. Set WELLHEAD_STORE=file, import everything of this source "
                "once, and set it back."
            )

    def _refuse_other_periods(self, whole: str) -> None:
        of_source = f"source = '{self._source.name}' LIMIT {LOOKED_AT}"  # a name of small letters
        some = f"(SELECT source, period_days FROM {whole} AS lake WHERE {of_source})"  # noqa: S608
        refuse_other_periods(self._connection, self._source, stored=some)

    def _meet(self, whole: str) -> None:
        """`changed` as _match_stored_rows makes it, and in `wells` those stored rows that change.

        The lake may have a hundred times the rows, so it is read once. Of a stored row that stays
        as it is nothing is brought but the number of the staged row that has its key.
        """
        changed = ", ".join(f"CASE WHEN revised THEN {name} END AS {name}" for name in STORED)
        bounds = self._lake_sql.bounds()
        has_rows = bounds["first"] != "NULL"
        # A second comparison begins with none of the rows that the first one has brought.
        for name in ("well_production", "rejected_rows"):
            self._connection.execute(f"DELETE FROM wells.{name}")  # noqa: S608  names of ours
        self._lake_sql.run("meet_none")
        for lists in self._lists_of_parts():
            if has_rows:
                self._lake_sql.run("meet", whole=whole, changed_columns=changed, **bounds, **lists)
        self._lake_sql.run("bring_changed")
        self._match_stored_rows()
        self._lake_sql.run("drop_unchanged")
        self._count_changes()
        # Each row that was brought to be revised has to be matched: none is lost on the way.
        if self._lake_sql.one("count_met")[0] != self._changes.revised:
            raise ImportFailed

    def _bring_missing(self, whole: str) -> None:
        """Into `wells`, the stored rows of the periods that came whose keys did not:
        some of them are withdrawn.
        """
        bounds = self._lake_sql.bounds()
        has_rows = bounds["first"] != "NULL"
        for lists in self._lists_of_parts():
            if has_rows:
                self._lake_sql.run("bring_missing", whole=whole, **bounds, **lists)

    # -- what each table takes: how many rows were written ------------------------------------

    def _write_rejects(self, compared: Compared) -> int:
        facts = compared.facts
        now = compared.now
        deleted = self._forget_rejected_rows(facts, now, OURS)
        ((inserted,),) = self._lake_sql.run("put_rejected")
        expected = compared.result.failed_records
        return deleted + refuse_other_count("rejected rows", inserted, expected)

    def _write_history(self, compared: Compared) -> int:
        expected = compared.result.updated_records + compared.result.withdrawn_records
        if not expected:
            return 0
        job_id = compared.facts.job_id
        ((inserted,),) = self._sql.rows("keep_history", OURS, now=compared.now, job_id=job_id)
        return refuse_other_count("replaced rows", inserted, expected)

    def _write_production(self, compared: Compared) -> int:
        result = compared.result
        written = 0
        if result.withdrawn_records:
            bounds = self._lake_sql.bounds("withdrawn_bounds")
            ((deleted,),) = self._lake_sql.run("delete_withdrawn", **bounds)
            written += refuse_other_count("withdrawn rows", deleted, result.withdrawn_records)
        if result.updated_records:
            revision = self._revision()
            ((updated,),) = self._lake_sql.run("merge_revised", now=compared.now, **revision)
            written += refuse_other_count("updated rows", updated, result.updated_records)
        if result.new_records:
            inserted = self._insert_all_new(compared.now)
            written += refuse_other_count("new rows", inserted, result.new_records)
        return written

    def _write_runs(self, compared: Compared) -> int:
        self._insert_into_runs(compared.facts, compared.now, compared.result, OURS)
        return 1

    def _revision(self) -> dict[str, str]:
        return {
            "revised_rows": fill("revised_rows"),
            **merge_lists(self._lake_sql.bounds("revised_bounds")),
        }

    def _insert_all_new(self, now: float) -> int:
        """By year and in the order of the key,
        so that few files are open at once, and a question reads little.
        """
        in_order = fill("in_order", OURS)
        lists = {**OURS, **new_rows(), "in_order": in_order}
        ((new,),) = self._sql.rows("insert_new", lists, now=now, source_name=self._source.name)
        return int(new)

    # -- one commit ---------------------------------------------------------------------------

    def _commit_table(
        self, table: str, compared: Compared, write: Callable[[Compared], int]
    ) -> int | None:
        """The snapshot of main afterwards.
        When somebody else was faster it is tried once more, upon what is published.
        """
        published = compared.base.of(table)
        fence = compared.facts.fence
        for _ in range(TRIES):
            head = settle_table(self._catalog, table, published, fence=fence)
            if not self._try_to_commit(table, head, compared, write):
                return head.snapshot
            snapshot = commit_after(self._catalog, table, head, compared.maker)
            if snapshot is not None:
                return snapshot
        raise LakeMoved

    def _try_to_commit(
        self,
        table: str,
        head: Head,
        compared: Compared,
        write: Callable[[Compared], int],
    ) -> bool:
        """Whether there was anything to write. Whether it is committed the table's properties tell,
        not DuckDB: it sends a commit whose answer is lost again, and reports the refusal of that.
        """
        with lake_errors(), one_thread_transaction(self._connection):
            if self._maker(table) != Maker.of(head.properties):
                return True  # somebody was faster
            if not write(compared):
                return False
            maker = compared.maker
            self._lake_sql.run(
                "set_properties",
                table=table,
                job=maker.job_id,
                fence=str(maker.fence),
                facts=compared.summary,
            )
            with suppress(duckdb.Error):
                self._connection.execute("COMMIT")
        return True

    def _maker(self, table: str) -> Maker:
        """As this transaction sees the table: with each commit the maker is another one,
        so its rows are those of the head that was settled.
        """
        rows = self._lake_sql.run("properties", table=table)
        return Maker.of(dict(rows))


def _versions(snapshots: Mapping[str, int | None], *, rows: int) -> Versions:
    """Of the tables that have a snapshot: one that holds nothing yet has none."""
    known = {table: snapshot for table, snapshot in snapshots.items() if snapshot is not None}
    return Versions(snapshots=known, rows=rows)
