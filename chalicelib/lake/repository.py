"""LakeRepository: the same merge as into a file, of which the lake keeps the rows.

What an import meets is read from the lake, in the state that is published; it is settled,
compared and judged by the statements of the store, and nothing is committed before that. Then
each table takes its rows in one commit, which also says who made it: after an error that
alone tells what has happened, because DuckDB sends a commit again when no answer came, and
reports the refusal of its own.
"""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import (
    AdoptsInFile,
    FullImportFirst,
    ImportFailed,
    LakeMoved,
    LakeUnavailable,
    PublishRefused,
)
from chalicelib.store.columns import KEY
from chalicelib.store.local_duckdb import exhaustion_told, local_config, quoted
from chalicelib.store.repository import DuckDBWellProductionRepository, Looks
from chalicelib.store.schema import prepare_store, refuse_other_periods
from chalicelib.store.well_production import USUAL, VALUES_DIFFER, filled

from .connection import attach_lake, lake_errors
from .delta import STATEMENTS, STORED, TARGET, delta_rows, merge_lists, merge_of, new_rows
from .extensions import lake_config
from .settling import FACTS, TRIES, Maker, settle_lake, settle_table
from .spark import STAGING, Mark, Order, staged_upon
from .tables import BY_YEAR, at, make_tables
from .versions import HISTORY, PRODUCTION, REJECTS, RUNS, TABLES, Versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from botocore.session import Session

    from chalicelib.store.local_duckdb import Config
    from chalicelib.store.repository import MergeResult, RunFacts

    from .catalog import Catalog, Head

OURS = {"store": "lake.wellhead", "order": f"year(production_period), {', '.join(KEY)}"}
LOOKED_AT = 2048  # rows of a source, for the length of its periods
MILLISECONDS = 1_000


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What becomes of the rows of an import that is not written yet."""

    base: Versions
    facts: RunFacts
    now: float
    result: MergeResult


class LakeRepository(DuckDBWellProductionRepository):
    """A repository whose rows go into the lake of the catalog."""

    def __init__(self, *, catalog: Catalog, session: Session, **details: Any) -> None:
        super().__init__(**details)
        self._catalog = catalog
        self._session = session
        self._is_attached = False

    @staticmethod
    def _config(directory: Path, memory_mb: int) -> Config:
        return local_config(directory, memory_mb) | lake_config()

    def compare(self, base: Versions, facts: RunFacts, looks: Looks) -> Compared:
        """Settle the lake, and find out what becomes of all that is staged; nothing of it is
        written. Raises LeaseLost, LakeUnavailable, LakeMoved, LakeUnprepared, AdoptsInFile,
        PeriodChanged, ScratchFull, OutOfMemory.
        """
        settled = self._settled or self.settle(USUAL)
        self._attach_lake()
        head = settle_lake(self._catalog, base, fence=facts.fence)[PRODUCTION]
        staged = staged_upon(head, facts.job_id)
        # its rows bear that moment
        now = staged.mark.moment / MILLISECONDS if staged else looks.now
        whole = at(PRODUCTION, base.of(PRODUCTION))
        with self._told():
            self._refuse_adopting(whole)
            self._refuse_other_periods(whole)
            self._meet(whole)
            if looks.withdraws:
                self._bring_missing(whole)
            self._check_room()  # for what is revised lies here too, and what is new is sorted
            looks = replace(looks, now=self._moment(now, runs=at(RUNS, base.of(RUNS))))
            result = self._compare(settled, looks, whole=whole, stored_rows=str(base.rows))
            self._insert_rejected(facts, looks.now)
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
            RUNS: self._write_run,
        }
        snapshots: dict[str, int | None] = {}
        for table in TABLES:
            beat()
            if table == PRODUCTION and staged is not None:
                snapshots[table] = self._take_staged(compared, staged)
            else:
                snapshots[table] = self._commit_table(table, compared, write[table])
        written = {table: snapshot for table, snapshot in snapshots.items() if snapshot is not None}
        return Versions(snapshots=written, rows=compared.result.stored_records)

    # -- by Spark ---------------------------------------------------------------------------------

    def staged(self, compared: Compared) -> int | None:
        """The snapshot that Spark has made of just these rows; None before it has. Raises
        PublishRefused where it holds others than it should, LeaseLost, LakeUnavailable, LakeMoved.
        """
        head = self._settled_head(compared)
        found = staged_upon(head, compared.facts.job_id)
        if found is None or found.mark != self._mark(compared):
            return None
        if (rows := head.rows_of(found.snapshot)) != compared.result.stored_records:
            raise PublishRefused(
                f"Spark's merge would leave {rows} rows in the lake instead of "
                f"{compared.result.stored_records:,}, so nothing was published. Start the import "
                "again."
            )
        return found.snapshot

    def order(self, compared: Compared, delta: Path, place: str) -> Order:
        """What Spark is to do, after which `staged` finds it. The rows are written to `delta`,
        which Spark will find at `place`, a URL. Raises LeaseLost, LakeUnavailable, LakeMoved,
        ScratchFull, OutOfMemory.
        """
        with self._told():
            self._run("write_delta", path=quoted(delta), **self._delta(compared))
        head = self._settled_head(compared)
        if STAGING.items() - head.properties.items() and not self._catalog.set_properties(
            PRODUCTION, head, STAGING
        ):
            raise LakeMoved
        merge = merge_of("delta", self._bounds())
        mark = self._mark(compared).text()
        return Order(table=TARGET, base=head.snapshot, mark=mark, delta=place, merge=merge)

    def _settled_head(self, compared: Compared) -> Head:
        return settle_table(
            self._catalog, PRODUCTION, compared.base.of(PRODUCTION), fence=compared.facts.fence
        )

    def _mark(self, compared: Compared) -> Mark:
        with self._told():
            count, total = self._one("look_at_delta", **self._delta(compared))
        moment = round(compared.now * MILLISECONDS)
        return Mark(job_id=compared.facts.job_id, moment=moment, digest=f"{count}-{total}")

    def _delta(self, compared: Compared) -> dict[str, Any]:
        return {"delta": delta_rows(compared.result), "now": compared.now}

    def _take_staged(self, compared: Compared, staged: int) -> int:
        """Main becomes it, if it is what Spark began with, and says who made it. As ever that alone
        tells what has happened.
        """
        made = Maker(compared.facts.job_id, compared.facts.fence)
        told = made.stored() | {FACTS: _properties(made, compared)["facts"]}
        for _ in range(TRIES):
            head = self._settled_head(compared)
            if (
                staged not in head.snapshots
                or head.snapshots[staged].get("parent-snapshot-id") != head.snapshot
            ):
                raise LakeMoved
            with suppress(LakeUnavailable):  # the answer may be lost, and not what was asked for
                self._catalog.set_main(PRODUCTION, head, staged, told)
            after = self._catalog.head(PRODUCTION)
            if (
                after
                and Maker.of(after.properties) == made
                and after.snapshot not in (None, head.snapshot)
            ):
                return after.snapshot
        raise LakeMoved

    def take(
        self,
        store: Path,
        facts: RunFacts,
        merged: MergeResult,
        *,
        now: float,
        beat: Callable[[], object],
    ) -> Versions:
        """All that a store holds, a file that an import was merged into, becomes what the lake
        holds. Raises as commit, and FullImportFirst.
        """
        nothing = Versions(snapshots={})
        compared = Compared(base=nothing, facts=facts, now=now, result=merged)
        attach_lake(self._connection, self._catalog, self._session)
        with self._attached(store, read_only=True):
            if self._one("count_waiting")[0]:
                raise FullImportFirst(
                    "The published database has codes that were numbers, and a lake takes none of "
                    "these. Import everything into the file first: WELLHEAD_STORE=file, and a "
                    "trigger with full=true and no limits."
                )
            make_tables(self._connection, self._catalog)
            settle_lake(self._catalog, nothing, fence=facts.fence)
            snapshots = {}
            for table in TABLES:
                beat()
                snapshots[table] = self._commit_table(
                    table, compared, partial(self._take_table, table)
                )
        written = {table: snapshot for table, snapshot in snapshots.items() if snapshot is not None}
        versions = Versions(snapshots=written, rows=merged.stored_records)
        self._check_rows(versions)
        return versions

    def _take_table(self, table: str, _: Compared) -> int:
        ((taken,),) = self._run(
            "take_table", table=table, order=OURS["order"] if table in BY_YEAR else "ALL"
        )
        return int(taken)

    def _check_rows(self, versions: Versions) -> None:
        head = self._catalog.head(PRODUCTION)
        if head is None or (head.snapshot, head.rows) != (versions.of(PRODUCTION), versions.rows):
            raise PublishRefused(
                f"The lake holds {head.rows if head else None} rows instead of {versions.rows:,}, "
                "so it was not published. Start the import again."
            )

    def check(self, versions: Versions) -> None:
        """Whether the lake holds what was written: so many rows, and each of the import's once.
        Raises PublishRefused, LakeUnavailable.
        """
        whole = at(PRODUCTION, versions.of(PRODUCTION))
        with self._told():
            found, distinct, accepted = self._one("count_written", whole=whole, **self._bounds())
        head = self._catalog.head(PRODUCTION)
        stored = head.rows if head and head.snapshot == versions.of(PRODUCTION) else versions.rows
        if (found, distinct, stored) != (accepted, accepted, versions.rows):
            raise PublishRefused(
                f"The lake holds {stored} rows instead of {versions.rows:,}, and of {accepted:,} "
                f"keys of this import {distinct:,} in {found:,} rows, so it was not published. "
                "Start the import again."
            )

    # -- comparing --------------------------------------------------------------------------------

    def _attach_lake(self) -> None:
        """The lake, and `wells`, a store for the rows that change."""
        if self._is_attached:
            return
        attach_lake(self._connection, self._catalog, self._session)
        with exhaustion_told():
            self._connection.execute(f"ATTACH '{self._directory / 'changed.duckdb'}' AS wells")
            prepare_store(self._connection, is_new=True, source=self._source)
        make_tables(self._connection, self._catalog)
        self._is_attached = True

    def _refuse_adopting(self, whole: str) -> None:
        """To rename rows is to write them all anew. It is done once in a source's
        life, and a file can do it.
        """
        adopted = self._source.adopts
        if adopted and self._one("has_rows_of", whole=whole, adopted=adopted)[0]:
            raise AdoptsInFile(
                f"The source {self._source.name} takes over the rows of {adopted}, and that is "
                "done in a file alone. Set WELLHEAD_STORE=file, import everything of this source "
                "once, and set it back."
            )

    def _refuse_other_periods(self, whole: str) -> None:
        of_source = f"source = '{self._source.name}' LIMIT {LOOKED_AT}"  # a name of small letters
        some = f"(SELECT source, period_days FROM {whole} AS lake WHERE {of_source})"  # noqa: S608
        refuse_other_periods(self._connection, self._source, stored=some)

    def _meet(self, whole: str) -> None:
        """`changed` as _match_stored makes it, and in `wells` those stored rows that change."""
        changed = ", ".join(f"CASE WHEN revised THEN {name} END AS {name}" for name in STORED)
        bounds = self._bounds()
        for name in ("well_production", "rejected_rows"):
            self._connection.execute(f"DELETE FROM wells.{name}")  # noqa: S608  names of ours
        self._run("meet_none")
        for lists in self._lists_of_parts():
            if bounds["first"] != "NULL":
                self._run("meet", whole=whole, changed_columns=changed, **bounds, **lists)
        self._run("bring_changed")
        self._match_stored()
        self._run("drop_unchanged")
        self._count_changes()
        if self._one("count_met")[0] != self._changes.revised:
            raise ImportFailed

    def _bring_missing(self, whole: str) -> None:
        """Into `wells`, the stored rows of the periods that came whose keys did not:
        some of them are withdrawn.
        """
        bounds = self._bounds()
        for lists in self._lists_of_parts():
            if bounds["first"] != "NULL":
                self._run("bring_missing", whole=whole, **bounds, **lists)

    def _bounds(self, statement: str = "bounds") -> dict[str, str]:
        """Of the periods, as SQL."""
        first, last = self._one(statement)
        return {
            name: f"DATE '{day}'" if day else "NULL"
            for name, day in (("first", first), ("last", last))
        }

    # -- what each table takes: how many rows were written --------------------------------------------

    def _write_rejects(self, compared: Compared) -> int:
        facts, now = compared.facts, compared.now
        forgotten = self._forget_rejected(facts, now, OURS)
        ((put,),) = self._run("put_rejected")
        _refuse_another_number("rejected rows", put, compared.result.failed_records)
        return forgotten + int(put)

    def _write_history(self, compared: Compared) -> int:
        wanted = compared.result.updated_records + compared.result.withdrawn_records
        if not wanted:
            return 0
        ((kept,),) = self._sql.rows(
            "keep_history", OURS, now=compared.now, job_id=compared.facts.job_id
        )
        return _refuse_another_number("replaced rows", kept, wanted)

    def _write_production(self, compared: Compared) -> int:
        result, written = compared.result, 0
        if result.withdrawn_records:
            ((gone,),) = self._run("delete_withdrawn", **self._bounds("withdrawn_bounds"))
            written += _refuse_another_number("withdrawn rows", gone, result.withdrawn_records)
        if result.updated_records:
            ((revised,),) = self._run("merge_revised", now=compared.now, **self._revision())
            written += _refuse_another_number("updated rows", revised, result.updated_records)
        if result.new_records:
            new = self._insert_all_new(compared.now)
            written += _refuse_another_number("new rows", new, result.new_records)
        return written

    def _write_run(self, compared: Compared) -> int:
        self._insert_run(compared.facts, compared.now, compared.result, OURS)
        return 1

    def _revision(self) -> dict[str, str]:
        return {
            "revised_rows": filled("revised_rows"),
            **merge_lists(self._bounds("revised_bounds")),
        }

    def _insert_all_new(self, now: float) -> int:
        """By year and in the order of the key, so that few files are open at once, and
        a question reads little.
        """
        lists = {**OURS, **new_rows(), "in_order": filled("in_order", OURS)}
        ((new,),) = self._sql.rows("insert_new", lists, now=now, source_name=self._source.name)
        return int(new)

    # -- one commit -----------------------------------------------------------------------------------

    def _commit_table(
        self, table: str, compared: Compared, write: Callable[[Compared], int]
    ) -> int | None:
        """The snapshot of main afterwards. It is tried anew when somebody else was
        faster, on what is published.
        """
        made = Maker(compared.facts.job_id, compared.facts.fence)
        for _ in range(TRIES):
            head = settle_table(self._catalog, table, compared.base.of(table), fence=made.fence)
            if not self._try_to_commit(table, head, made, compared, write):
                return head.snapshot
            after = self._catalog.head(table)
            if after and Maker.of(after.properties) == made and after.snapshot != head.snapshot:
                return after.snapshot
        raise LakeMoved

    def _try_to_commit(
        self,
        table: str,
        head: Head,
        made: Maker,
        compared: Compared,
        write: Callable[[Compared], int],
    ) -> bool:
        """Whether anything was written. What becomes of it the table's
        properties tell, not DuckDB.
        """
        with self._told(), self._transaction():
            if self._maker(table) != Maker.of(head.properties):
                return True  # somebody was faster
            if not write(compared):
                return False
            self._run("set_properties", table=table, **_properties(made, compared))
            with suppress(duckdb.Error):
                self._connection.execute("COMMIT")
        return True

    def _maker(self, table: str) -> Maker:
        """As this transaction sees the table: with each commit the maker is another one, so its
        rows are those of the head that was settled.
        """
        return Maker.of(dict(self._run("properties", table=table)))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """On one thread, and in no order but that which is asked for: a MERGE of 500,000 rows takes
        200 MB so, and did not do with them on two.
        """
        for setting in ("threads = 1", "preserve_insertion_order = false"):
            self._connection.execute(f"SET {setting}")
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # it was committed, or refused
                self._connection.execute("ROLLBACK")
            self._connection.execute("SET preserve_insertion_order = true")
            self._connection.execute("RESET threads")

    # -- statements -----------------------------------------------------------------------------------

    def _run(self, name: str, **lists: Any) -> list[tuple[Any, ...]]:
        """`lists` that the statement names as $values are bound."""
        known = {"values_differ": VALUES_DIFFER, "key": ", ".join(KEY)}
        text = STATEMENTS[name].format_map({**known, **lists})
        bound = {"source_name": self._source.name, **lists}
        values = {key: value for key, value in bound.items() if f"${key}" in text}
        done = self._connection.execute(text, values) if values else self._connection.execute(text)
        return done.fetchall()

    def _one(self, name: str, **lists: Any) -> tuple[Any, ...]:
        (row,) = self._run(name, **lists)
        return row

    @contextmanager
    def _told(self) -> Iterator[None]:
        with lake_errors():
            yield


def _properties(made: Maker, compared: Compared) -> dict[str, str]:
    facts = {
        "source": compared.facts.source,
        **compared.result.counts,
        "rows": compared.result.stored_records,
    }
    return {"job": made.job_id, "fence": str(made.fence), "facts": json.dumps(facts)}


def _refuse_another_number(what: str, found: int, wanted: int) -> int:
    """Before it is committed. Raises PublishRefused."""
    if found != wanted:
        raise PublishRefused(
            f"The lake would have taken {found:,} {what} instead of {wanted:,}, so nothing was "
            "published. Start the import again."
        )
    return int(found)
