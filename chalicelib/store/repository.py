"""DuckDBWellProductionRepository: the rows of a scratch database are merged into a store.

The SQL stands in well_production.sql; this file fills its lists of columns and binds its values.
"""

from __future__ import annotations

import json
import math
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chalicelib.errors import PublishRefused, WarehouseCorrupt

from .adopt import adopt, adoption_of
from .attaching import attach_store, compact_file, copy_compactly, take_compact
from .batch import RAW_BYTES
from .codes import match_codes
from .columns import REJECTION_REASONS
from .deletions import MEMORY_SHARE, Deletions, find_deletions, keep_row_groups, must_be_rewritten
from .diff import Changes
from .diff_queries import take_diff
from .outcome import Looks, MergeResult
from .parts import Part
from .read_back import Written, read_back
from .room import UPGRADED, ask_for_room, free_room, room_of_merge
from .schema import SCHEMA_VERSION, STORE, prepare_store, read_version
from .scratch import Scratch
from .well_production import USUAL, fill
from .withdrawal import Withdrawal, find_withdrawn_rows, prepare_withdrawal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from .adopt import Adoption
    from .outcome import RunFacts
    from .period import RowSource
    from .settle import Settled

MILLISECONDS = 1_000  # of a second
BETWEEN_MERGES = 1 / MILLISECONDS  # seconds at least
# A quarter and some days: people look into them at the quarter's end.
REJECTS_KEPT_SECONDS = 100 * 86_400
# Of a file's blocks. With more of them free it is copied into a smaller file, because every import
# moves all of them.
LOOSE_SHARE = 0.25
LEAST_BLOCKS = 64  # of 256 KB: nobody gains anything by a copy of less than 16 MB


class DuckDBWellProductionRepository(Scratch):
    """One import's scratch database, whose rows are merged into a store. What a merge deletes may
    cost whoever reads the store `most_deletions_mb` of memory: half of the merge's own, where that
    is not set.
    """

    def __init__(
        self,
        *,
        directory: Path,
        memory_mb: int,
        source: RowSource | None = None,
        part_rows: int | None = None,
        most_deletions_mb: float | None = None,
    ) -> None:
        super().__init__(
            directory=directory, memory_mb=memory_mb, source=source, part_rows=part_rows
        )
        if most_deletions_mb is None:
            most_deletions_mb = memory_mb * MEMORY_SHARE
        self._most_deletions_mb = most_deletions_mb
        self._is_rewritten = False
        self._written: Written | None = None
        self._changes = Changes(accepted=0, new=0, revised=0)

    def merge(
        self,
        store: Path,
        facts: RunFacts,
        *,
        now: float,
        warnings: dict[str, int],
        without_field: Sequence[str] = (),
        is_renamed: bool = False,
        withdraws: bool = False,
    ) -> MergeResult:
        """Merge all that is staged into the store, a database file that nobody
        else has open, or a new one.

        What is not settled yet is so by the usual grain. `warnings` are added to those found here;
        of the columns `without_field` the diff tells what is absent, wherever in the import where a
        field `is_renamed`. Stored rows that it did not bring are withdrawn where it `withdraws`,
        but not with an import that adopts some.

        One transaction, then CHECKPOINT and close. Raises WarehouseTooNew, WarehouseCorrupt,
        PeriodChanged, CodesAmbiguous, FullImportFirst, ScratchFull.
        """
        # What is compared and judged is read before BEGIN: nothing is written that is not known to
        # fit the disk, and an import that is held has changed nothing but this working copy.
        is_new = not store.exists()
        compact_file(store).unlink(missing_ok=True)  # of a merge that did not end
        settled = self._settled or self.settle(USUAL)
        adoption = None if is_new else self._upgrade(store, facts, now)
        with attach_store(self._connection, store):
            prepare_store(self._connection, is_new=is_new, source=self._source)
            looks = Looks(
                now=self._moment(now),
                warnings=warnings,
                without_field=without_field,
                is_renamed=is_renamed,
                withdraws=withdraws and adoption is None,
            )
            self._find_changes(is_first=is_new)
            self._check_room()
            result = self._compare(settled, looks)
            deletions = Deletions()
            if not is_new:
                deletions = self._find_deletions(result, withdraws=looks.withdraws)
            self._is_rewritten = self._must_be_rewritten(store, deletions)
            self._write(facts, looks.now, result, deletions)
            if self._is_rewritten or self._is_worth_a_copy(store):
                copy_compactly(self._connection, store, without_gone=self._is_rewritten)
        take_compact(store)
        return replace(result, adoption=adoption)

    def _must_be_rewritten(self, store: Path, deletions: Deletions) -> bool:
        return must_be_rewritten(
            deletions,
            most_mb=self._most_deletions_mb,
            size=store.stat().st_size,
            free=free_room(self._directory),
        )

    def _write(
        self, facts: RunFacts, now: float, result: MergeResult, deletions: Deletions
    ) -> None:
        with ExitStack() as while_written:
            # Where few rows are deleted, the row groups stay as they are, and with them most blocks
            # of the file, which then need not be read back.
            if deletions.deleted and not deletions.are_many:
                while_written.enter_context(keep_row_groups(self._connection))
            self._connection.execute("BEGIN")
            self._write_outcome(facts, now, result)
            self._connection.execute("COMMIT")
            self._written = self._written_facts(facts, result)
            self._connection.execute("CHECKPOINT wells")

    def _is_worth_a_copy(self, store: Path) -> bool:
        if not self._is_loose():
            return False
        return free_room(self._directory) > store.stat().st_size

    def _compare(
        self, settled: Settled, looks: Looks, *, whole: str = STORE, stored_rows: str | None = None
    ) -> MergeResult:
        """What becomes of the rows, which are matched; those to revise are picked. Nothing is
        written to the store. `whole` are all stored rows, as they stand after FROM, and
        `stored_rows` how many these are, as SQL.
        """
        withdrawal = self._find_withdrawn_rows(whole) if looks.withdraws else Withdrawal()
        self._pick_replaced_rows(withdrawal)
        of_rows = self._count_warnings(looks.now)
        warnings = {**looks.warnings, **settled.warnings, **of_rows}
        diff = take_diff(
            self._connection,
            self._source.name,
            settled,
            self._changes,
            now=looks.now,
            rejected=self._staging.rejected_rows + settled.failed_records,
            without_field=looks.without_field,
            is_renamed=looks.is_renamed,
            whole=whole,
            withdrawal=withdrawal,
        )
        lists = {"stored_rows": stored_rows} if stored_rows else {}
        result = self._count_outcome(warnings, settled, lists, withdrawal)
        if result.updated_records or result.withdrawn_records:
            self._pick_revised_rows()
        return replace(result, diff=diff)

    def _find_deletions(self, result: MergeResult, *, withdraws: bool) -> Deletions:
        stored_before = result.stored_records - result.new_records + result.withdrawn_records
        return find_deletions(self._connection, stored=stored_before, withdraws=withdraws)

    def _moment(self, now: float, *, runs: str = "wells.import_runs") -> float:
        """The moment of this import, after that of every import before, also where a clock went
        back: the history tells by these moments which values held when. `runs` are all imports, as
        they stand after FROM.

        It is rounded up to whole milliseconds, as answers show it: an import at 08:00:00.1224 gets
        the moment 08:00:00.123, and who asks for the values of that moment gets that import's.
        """
        (last,) = self._sql.one("last_merge", {"runs": runs})
        latest = now if last is None else max(now, last + BETWEEN_MERGES)
        milliseconds = round(latest * MILLISECONDS, 3)
        return math.ceil(milliseconds) / MILLISECONDS

    def _check_room(self) -> None:
        """Before anything is written:
        what becomes of each row is known, and how large the rows are. Raises ScratchFull.
        """
        new = self._changes.new
        revised = self._changes.revised
        needed = room_of_merge(
            self._staging.bytes, rows=self._staging.rows, new=new, revised=revised
        )
        ask_for_room(self._directory, needed, f"for {new:,} new rows and {revised:,} revised ones")

    def _find_changes(self, *, is_first: bool) -> None:
        """Where nothing is stored all rows are new, and none is noted."""
        if is_first:
            self._sql.run("change_none")
            (accepted, _, _) = self._sql.one("count_changed")
            self._changes = Changes(accepted=accepted, new=accepted, revised=0)
        else:
            self._match_stored_rows()
            self._count_changes()

    def _match_stored_rows(self) -> None:
        """`changed` are the rows that are new or have other values than the stored ones."""
        self._sql.run("change_none")
        for lists in self._lists_of_parts():
            self._sql.run("find_changed", lists, source_name=self._source.name)

    def _count_changes(self) -> None:
        accepted, new, revised = self._sql.one("count_changed")
        self._changes = Changes(accepted=accepted, new=new, revised=revised)

    def _find_withdrawn_rows(self, whole: str) -> Withdrawal:
        prepare_withdrawal(self._connection)
        parts = self._lists_of_parts()
        return find_withdrawn_rows(
            self._connection, source=self._source.name, parts=parts, whole=whole
        )

    def _pick_replaced_rows(self, withdrawal: Withdrawal) -> None:
        self._sql.run("replace_none")
        if withdrawal.rows:
            for lists in self._lists_of_parts():
                self._sql.run("pick_withdrawn", lists)
        if self._changes.revised:
            for lists in self._lists_of_parts():
                self._sql.run("pick_replaced", lists)

    def _pick_revised_rows(self) -> None:
        """The join keeps its right side in memory, which is the narrow one;
        DuckDB would turn the two about.
        """
        self._sql.run("revise_none")
        self._connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        for lists in self._lists_of_parts():
            self._sql.run("pick_revised", lists)
        self._connection.execute("RESET disabled_optimizers")

    def _lists_of_parts(self) -> Iterator[dict[str, str]]:
        for number, part in enumerate(self._parts):
            yield {
                "number": str(number),
                "is_accepted_of_part": part.condition("accepted"),
                "is_stored_of_part": part.condition("stored"),
            }

    def _upgrade(self, store: Path, facts: RunFacts, now: float) -> Adoption | None:
        """An older store becomes one of today, and adopted rows those of the source, in a
        file without the room of what was written anew: a file does not shrink, and each
        later import would copy it.
        """
        adoption = None
        with attach_store(self._connection, store):
            is_older = read_version(self._connection) < SCHEMA_VERSION
            if is_older:
                needed = UPGRADED * store.stat().st_size
                ask_for_room(self._directory, needed, "for another form of the stored rows")
            prepare_store(self._connection, is_new=False, source=self._source)
            moment = self._moment(now)
            is_adopted = adopt(
                self._connection,
                self._source,
                is_full=facts.is_full,
                now=moment,
                job_id=facts.job_id,
            )
            is_renamed = match_codes(
                self._connection, source=self._source.name, is_full=facts.is_full
            )
            if is_adopted:
                adoption = adoption_of(self._connection, self._source)
            if is_older or is_renamed or is_adopted:
                # Without a checkpoint its log would be taken for that of the file in its place.
                self._connection.execute("CHECKPOINT wells")
                copy_compactly(self._connection, store)
        take_compact(store)
        return adoption

    def _is_loose(self) -> bool:
        free, blocks = self._sql.one("count_blocks")
        is_large = blocks >= LEAST_BLOCKS
        return bool(is_large and free >= LOOSE_SHARE * blocks)

    def _write_outcome(self, facts: RunFacts, now: float, result: MergeResult) -> None:
        if result.withdrawn_records and not self._is_rewritten:
            self._sql.run("delete_withdrawn")
        if result.updated_records or result.withdrawn_records:
            self._revise(facts, now)
        if result.new_records:
            self._insert_new(now, is_in_order=result.settled.is_in_order)
        if result.failed_records:  # to find out that there are none takes DuckDB ten milliseconds
            self._insert_rejected_rows(facts, now)
        self._forget_rejected_rows(facts, now)
        self._insert_into_runs(facts, now, result)

    def _insert_rejected_rows(
        self, facts: RunFacts, now: float, lists: Mapping[str, str] | None = None
    ) -> None:
        self._sql.run(
            "insert_rejected",
            {"rejected": fill("rejected"), **(lists or {})},
            job_id=facts.job_id,
            now=now,
            reasons=list(REJECTION_REASONS),
            sentences=list(REJECTION_REASONS.values()),
            raw_bytes=RAW_BYTES,
        )

    def _forget_rejected_rows(
        self, facts: RunFacts, now: float, lists: Mapping[str, str] | None = None
    ) -> int:
        """How many rejected rows of earlier imports are deleted."""
        ((deleted,),) = self._sql.rows(
            "forget_rejected",
            lists,
            job_id=facts.job_id,
            now=now,
            kept_seconds=REJECTS_KEPT_SECONDS,
        )
        return int(deleted)

    def _insert_into_runs(
        self,
        facts: RunFacts,
        now: float,
        result: MergeResult,
        lists: Mapping[str, str] | None = None,
    ) -> None:
        counts = result.counts
        del counts["skipped_records"]  # the table of runs has no column for it
        warnings = json.dumps(result.warnings)
        self._sql.run(
            "insert_run", lists, now=now, warnings=warnings, **facts.to_columns(), **counts
        )

    def _revise(self, facts: RunFacts, now: float) -> None:
        self._sql.run("keep_history", now=now, job_id=facts.job_id)
        if not self._is_rewritten:
            self._sql.run("delete_revised")
        lists = {"revised_rows": fill("revised_rows")}
        self._sql.run("insert_revised", lists, now=now, source_name=self._source.name)

    def _insert_new(self, now: float, *, is_in_order: bool) -> None:
        """In the order of the key, so that a question about a well reads few row groups.
        Rows that arrived in that order keep it on one thread; on more, a join gives the order up.
        """
        are_some_known = self._changes.new < self._changes.accepted
        parts = [Part()] if is_in_order and not are_some_known else self._parts
        in_order = "" if is_in_order else fill("in_order")
        if is_in_order:
            self._connection.execute("SET threads = 1")
        for number, part in enumerate(parts):
            that_are_new = ""
            if are_some_known:
                that_are_new = fill("that_are_new", {"number": str(number)})
            lists = {
                "is_accepted_of_part": part.condition("accepted"),
                "that_are_new": that_are_new,
                "in_order": in_order,
            }
            lists["new_rows"] = fill("new_rows", lists)
            self._sql.run("insert_new", lists, now=now, source_name=self._source.name)
        self._connection.execute("RESET threads")

    def _count_outcome(
        self,
        warnings: dict[str, int],
        settled: Settled,
        lists: Mapping[str, str],
        withdrawal: Withdrawal,
    ) -> MergeResult:
        skipped = self._staging.passed_over_rows
        delivered = self._staging.rows - skipped
        failed = self._staging.rejected_rows + settled.failed_records
        new = self._changes.new
        updated = self._changes.revised
        (stored,) = self._sql.one("count_stored", lists)
        return MergeResult(
            new_records=new,
            updated_records=updated,
            duplicate_records=delivered - failed - new - updated,
            failed_records=failed,
            stored_records=stored + new - withdrawal.rows,
            warnings=warnings,
            settled=settled,
            rejects=self._count_problems() if failed else {},
            skipped_records=skipped,
            withdrawn_records=withdrawal.rows,
        )

    def _count_problems(self) -> dict[str, int]:
        return dict(self._sql.rows("count_problems"))

    def _count_warnings(self, now: float) -> dict[str, int]:
        moment = datetime.fromtimestamp(now, UTC)
        today = moment.date().isoformat()
        lists = {"delivered": str(self._staging.rows)}
        answer = self._sql.run("count_warnings", lists, today=today)
        rules = [column[0] for column in answer.description or []]
        (counts,) = answer.fetchall()
        by_rule = zip(rules, counts, strict=True)
        return {rule: count for rule, count in by_rule if count}

    def rejected_by_reason(self) -> dict[str, int]:
        return dict(self._sql.rows("count_rejected"))

    def _written_facts(self, facts: RunFacts, result: MergeResult) -> Written:
        return Written(
            job_id=facts.job_id,
            source=self._source.name,
            rows=result.new_records + result.updated_records,
            history=result.updated_records + result.withdrawn_records,
            is_all=self._changes.new == self._changes.accepted,
            all_history=self._sql.one("count_history")[0],
            rejected=result.failed_records,
            parts=self._parts,
        )

    def verify(self, store: Path, *, rows: int, unchanged: Collection[int] = frozenset()) -> None:
        """Read a finished store back: it must hold `rows` rows, no key twice, and what the merge
        wrote. Read is every block but those that are `unchanged`, which the caller has proved. A
        repository that has merged looks for repeated keys at those that it touched, any other one
        at all keys. Raises PublishRefused, ScratchFull, OutOfMemory.
        """
        try:
            with attach_store(self._connection, store, read_only=True):
                read_back(self._connection, rows=rows, written=self._written, unchanged=unchanged)
        except WarehouseCorrupt as exc:
            raise PublishRefused(
                "The new database is not what was written, a part of it cannot be read back, so it "
                "was not published. Start the import again; if it stays, check the function's disk."
            ) from exc
