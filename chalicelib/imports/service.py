"""WellProductionImportService: pages → batches → checkpoints → merge → a published snapshot.

Nothing of an import is visible before its last step. Until then there are files on the worker's own
disk, and in the warehouse segments and a snapshot that nothing points at.
"""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ImportFailed, PublishRefused, SourceColumns, WorkerTimeSpent
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.job import Job, Phase
from chalicelib.jobs.parts import PartTable
from chalicelib.lake.spark import SparkAsked
from chalicelib.odata.reading import Way
from chalicelib.odata.survey import Survey
from chalicelib.store.outcome import Looks, MergeResult, RunFacts
from chalicelib.store.period import RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.warehouse.names import segment_names

from .checkpoints import Checkpoints, CheckpointsOfJob
from .completeness import Completeness
from .fetching import EARLY_ROWS, OPEN_BYTES, Fetching, HandOver
from .fields import SourceFields
from .going_on import lets_a_retry_go_on
from .heap import give_back_memory
from .judgement import Judgement
from .partial import is_partial
from .planning import Planning
from .prefetch import Prefetch
from .progress import Progress
from .publication import FilePublication, Publication, merge_seconds
from .repeats import judge_repeats, judge_repeats_as_before
from .resuming import Resuming, Start
from .seal import NO_SEAL
from .segments import Segments
from .source_calls import SourceCalls
from .source_facts import Facts, with_facts
from .time_budget import TimeBudget
from .watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from chalicelib.jobs.lock import Claim, Snapshot
    from chalicelib.jobs.manager import JobManager
    from chalicelib.odata.cursor import Cursor
    from chalicelib.settings import Settings
    from chalicelib.sources.reader import SourceReader
    from chalicelib.store.settle import Settled
    from chalicelib.warehouse.names import Warehouse

    from .part_reading import PartsReading

    NewRepository = Callable[..., DuckDBWellProductionRepository]

# Runs of segments in a part: each attempt adds one, and the item that names them must not grow with
# the import.
MOST_RUNS = 32
SWEPT_SECONDS = 120.0  # within which the sweeper has looked at an execution

log = logging.getLogger(__name__)


class WellProductionImportService:
    """One claimed import. `job` is always the newest state, also when `run` raises.

    `remaining` tells the seconds left of the worker's time budget.
    """

    def __init__(
        self,
        *,
        claim: Claim,
        settings: Settings,
        job_manager: JobManager,
        source: SourceReader,
        warehouse: Warehouse,
        directory: Path,
        remaining: Callable[[], float],
        clock: Callable[[], float] = time.time,
        new_repository: NewRepository = DuckDBWellProductionRepository,
        prefetch: Callable[..., AbstractContextManager[Iterable[Any]]] = Prefetch,
        most_runs: int = MOST_RUNS,
        new_publication: Callable[..., Publication] = FilePublication,
        open_bytes: int = OPEN_BYTES,
        early_rows: int = EARLY_ROWS,
        keep_log: Callable[..., None] = lambda **_: None,
    ) -> None:
        self._claim = claim
        self._settings = settings
        self._job_manager = job_manager
        self._source = source
        self._directory = directory
        self._budget = TimeBudget(remaining)
        self._clock = clock
        self._new_repository = new_repository
        self._prefetch = prefetch
        self._most_runs = most_runs
        self._open_bytes = open_bytes
        self._early_rows = early_rows
        self._progress = Progress(
            claim=claim,
            job_manager=job_manager,
            lease_seconds=settings.lease_seconds,
            clock=clock,
            keep_log=keep_log,
        )
        self._fields = SourceFields(survey=Survey(), settings=settings)
        self._watermark = Watermark(settings)
        self._segments = partial(_segments_of, warehouse, directory, claim)
        self._publication = new_publication(warehouse=warehouse, directory=directory, claim=claim)
        self._calls = SourceCalls(
            source=source, progress=self._progress, claim=claim, prefetch=prefetch
        )
        self._fetching: Fetching | None = None

    @property
    def job(self) -> Job:
        return self._progress.job

    def run(self) -> Job:
        """The completed job. Raises HandOver, LeaseLost, CancelRequested, StateUnavailable,
        ImportFailed; of its kinds Held, when all that was fetched stands in a checkpoint and
        somebody's word is waited for.
        """
        repository = self._new_repository(
            directory=self._directory,
            memory_mb=self._settings.memory_mb,
            source=RowSource.of(self._settings),
        )
        try:
            parts = self._resume(repository)
            start = parts.cursor  # equal to `end` where nothing is left to be fetched
            fetching = self._fetching_of(parts, repository)
            self._fetching = fetching
            fetching.run()
            end = parts.cursor
            settled = self._settle(repository, end)
            # Read once: this is the snapshot that is merged into and judged by. The end of the job
            # moves the pointer only if it still names it.
            base = self._job_manager.current_snapshot()
            self._check(fetching, start, end, base)
            merged = self._merge(repository, end, base, settled)
            judgement = self._judge(end, base, merged)
            if judgement.hold:
                self._hold(fetching, merged, is_stored=end == start)
                raise judgement.hold
            snapshot = self._publish(repository, merged, base, judgement)
            self._finish(parts, snapshot, base, merged)
        except WorkerTimeSpent as exc:
            raise HandOver from exc
        except SparkAsked:
            self._wait_for_spark(merged)
            raise
        except ImportFailed as exc:
            if self._fetching and lets_a_retry_go_on(exc):
                self._fetching.keep_rows()
            raise
        finally:
            self._calls.note_connection()
            self._progress.change(waiting=None)
            repository.close()
            self._source.close()
            shutil.rmtree(self._directory, ignore_errors=True)
        return self.job

    def plan(self) -> list[int]:
        """The parts that are still to be read, for workers beside each other, after whose last one
        `run` goes on; none where one worker has all to do. Raises what `run` does.
        """
        try:
            if self.job.accepted_by:
                return []
            items = self._resuming().plan(at_once=self.at_once)
            return [item.number for item in items if not item.is_done]
        except WorkerTimeSpent as exc:
            raise HandOver from exc
        finally:
            self._calls.note_connection()
            self._source.close()

    @property
    def at_once(self) -> int:
        """How many workers may read the parts."""
        return min(self._settings.workers, self._source.most_workers)

    @property
    def _threads(self) -> int:
        """How many parts this worker reads by itself."""
        return min(self._settings.workers, self._source.most_at_once)

    # -- where to begin, and fetching ---------------------------------------------------------

    @cached_property
    def _planning(self) -> Planning:
        return Planning(
            claim=self._claim,
            table=PartTable(table=self._job_manager.table, clock=self._clock),
            progress=self._progress,
            settings=self._settings,
            directory=self._directory,
            segments=self._segments,
        )

    def _resume(self, repository: DuckDBWellProductionRepository) -> PartsReading:
        start: Start = self._resuming().resume(repository, at_once=self._threads)
        self._fields = start.fields
        return start.parts

    def _resuming(self) -> Resuming:
        return Resuming(
            settings=self._settings,
            source=self._source,
            calls=self._calls,
            planning=self._planning,
            progress=self._progress,
            watermark=self._watermark,
            base=self._job_manager.current_snapshot,
            segments=self._segments,
            directory=self._directory,
            clock=self._clock,
            most_runs=self._most_runs,
        )

    def _fetching_of(
        self, parts: PartsReading, repository: DuckDBWellProductionRepository
    ) -> Fetching:
        return Fetching(
            parts,
            source=self._source,
            fields=self._fields,
            repository=repository,
            checkpoints=self._checkpoints(),
            progress=self._progress,
            budget=self._budget,
            settings=self._settings,
            directory=self._directory,
            clock=self._clock,
            beat=self._calls.beat,
            prefetch=self._prefetch,
            base=self._job_manager.current_snapshot,
            threads=self._threads,
            open_bytes=self._open_bytes,
            early_rows=self._early_rows,
        )

    def _checkpoints(self) -> Checkpoints:
        checkpoint = self.job.checkpoint
        if checkpoint and checkpoint.plan:
            return self._planning.checkpoints(checkpoint)
        return CheckpointsOfJob(progress=self._progress, source_url=self._settings.source_url)

    # -- settling -----------------------------------------------------------------------------

    def _settle(self, repository: DuckDBWellProductionRepository, end: Cursor) -> Settled:
        """What becomes of several rows of one key, and which of them show that the reading went
        wrong. Raises HandOver when they do, and the source can be read by keys.
        """
        seconds = merge_seconds(None, rows=end.delivered)
        self._progress.report(self._settings.lease_seconds + seconds)
        give_back_memory()  # of the pages, before DuckDB takes all that it may
        grain = self._fields.grain()
        settled = repository.settle(grain)
        if self.job.accepted_by:
            return judge_repeats_as_before(settled, end.reading, self.job.accepted)

        def is_steady() -> bool | None:  # asked only where the rows leave a doubt
            question = partial(self._source.is_steady, end, self._fields.survey)
            return self._calls.ask(question)

        settled = judge_repeats(
            settled, end.reading, is_unique=grain.is_unique, is_steady=is_steady
        )
        if settled.repeated_keys:
            self._read_again_by_keys(settled.repeated_keys)
        return settled

    def _read_again_by_keys(self, repeated: int) -> None:
        """Where the source can be asked by keys, the next worker begins at the first page:
        its segments have names of their own. Raises HandOver.
        """
        try:
            key = self._fields.key(Way.KEYS)
        except SourceColumns:
            return  # several rows share what is known of the key
        question = partial(self._source.survey_by_keys, self._fields.survey, key)
        survey = self._calls.ask(question)
        if survey is None:
            return
        self._fields.survey = survey
        first = self._resuming().first_cursor(self._fields, Way.KEYS)
        checkpoint = Checkpoint(
            cursor=first.to_attributes(self._settings.source_url),
            source=self._fields.fingerprint().to_attributes(),
            seal=NO_SEAL,
        )
        self._progress.count_seconds()
        self._progress.change(
            checkpoint=checkpoint, fetched_records=0, failed_records=0, parts=None
        )
        self._progress.note("reads again by keys", repeated_keys=repeated)
        raise HandOver

    # -- merging ------------------------------------------------------------------------------

    def _check(self, fetching: Fetching, start: Cursor, end: Cursor, base: Snapshot | None) -> None:
        """Whether the base has what was not asked for, and the worker the time to merge. One that
        has fetched nothing merges all the same: the next one would have no more time. Raises
        PublishRefused, HandOver.
        """
        self._watermark.check(base, end.changed_since)
        seconds = self._publication.merge_seconds(base, rows=end.delivered)
        has_fetched = end != start
        if has_fetched and not self._budget.suffices(seconds):
            fetching.hand_over()

    def _merge(
        self,
        repository: DuckDBWellProductionRepository,
        end: Cursor,
        base: Snapshot | None,
        settled: Settled,
    ) -> MergeResult:
        """What became of the rows staged, merged with the base's."""
        seconds = self._publication.merge_seconds(base, rows=end.delivered)
        self._progress.enter(Phase.MERGING, seconds=seconds)
        looks = Looks(
            now=self._clock(),
            warnings=self._source_warnings(end) | settled.warnings,
            without_field=self._fields.doubtful_columns(),
            is_renamed=self._fields.is_renamed,
            withdraws=self._withdraws(end, settled),
        )
        merged = self._publication.merge(
            repository, base, self._run_facts(end), looks, rows=end.delivered
        )
        merged = replace(merged, settled=settled)
        if merged.rejects:
            self._progress.set_stats(rejects=merged.rejects)
        self._count_rows(merged, end)
        for reason, count in repository.rejected_by_reason().items():
            log.info("rows are rejected", extra={"reason": reason, "rows": count})
        return merged

    def _withdraws(self, end: Cursor, settled: Settled) -> bool:
        """Whether stored rows that did not come are withdrawn. Only an import that is proved to
        have all rows tells which ones the source has no more. One that is proved although it lacks
        a few, which may have gone while it read, does not.
        """
        if self._settings.source_missing != "withdraw" or not self._is_of_all(end):
            return False
        completeness = Completeness.after(end, settled)
        return completeness.is_proved and not completeness.missing

    def _is_of_all(self, end: Cursor) -> bool:
        if is_partial(self.job.parameters):
            return False
        return end.is_of_all

    def _run_facts(self, end: Cursor) -> RunFacts:
        return RunFacts(
            job_id=self.job.job_id,
            fence=self._claim.fence,
            source=self._settings.source_url.partition("?")[0],
            triggered_by=self.job.triggered_by,
            started_at=self.job.started_at or self.job.created_at,
            expected_records=self.job.expected_records,
            is_full=self._is_of_all(end),
        )

    def _source_warnings(self, end: Cursor) -> dict[str, int]:
        missing = abs(end.expected - end.delivered) if end.expected is not None else 0
        unknown = len(self._fields.unknown()) or self._warning_count("UNKNOWN_FIELDS")
        counts = {
            # One, where as many came as were counted at first, and another page counted others.
            "SOURCE_CHANGED": missing or int(end.recounted),
            "UNKNOWN_FIELDS": unknown,
            "WITHOUT_CHANGE_TIME": self._fields.undated,
            "LOCAL_MIDNIGHT": self._fields.local_midnights,
        }
        return {rule: count for rule, count in counts.items() if count}

    def _warning_count(self, rule: str) -> int:
        """As the held import counted it, where this one publishes its rows."""
        warnings = [warning for warning in self.job.warnings if warning["rule"] == rule]
        return sum(warning["count"] for warning in warnings)

    def _count_rows(self, merged: MergeResult, end: Cursor) -> None:
        """Every row that the source delivered must be accounted for. Raises PublishRefused."""
        self._progress.change(**merged.counts, withdrawn_records=merged.withdrawn_records)
        accounted = self.job.total_records
        if accounted != end.delivered:
            raise PublishRefused(
                f"The source delivered {end.delivered:,} rows and {accounted:,} are accounted for, "
                "so nothing was published. Start the import again."
            )

    # -- checking -----------------------------------------------------------------------------

    def _judge(self, end: Cursor, base: Snapshot | None, merged: MergeResult) -> Judgement:
        self._progress.enter(Phase.CHECKING, seconds=merge_seconds(None, rows=end.delivered))
        judgement = Judgement.of(merged, end, base, self.job, self._settings)
        self._progress.change(**judgement.to_job())
        return judgement

    def _hold(self, fetching: Fetching, merged: MergeResult, *, is_stored: bool) -> None:
        """All that was fetched stands in a checkpoint before the job ends:
        that is what can be accepted.
        """
        if not is_stored or self.job.checkpoint is None:
            fetching.checkpoint()
        self._progress.hold(merged.warnings)

    # -- publishing ---------------------------------------------------------------------------

    def _publish(
        self,
        repository: DuckDBWellProductionRepository,
        merged: MergeResult,
        base: Snapshot | None,
        judgement: Judgement,
    ) -> Snapshot:
        """A new snapshot, which nothing points at yet."""
        seconds = self._publication.publish_seconds()
        self._progress.enter(Phase.PUBLISHING, seconds=seconds)
        beat = partial(self._progress.report, self._settings.lease_seconds + seconds)
        snapshot = self._publication.publish(repository, merged, beat=beat)
        facts = self._facts_to_publish(base, judgement)
        return with_facts(snapshot, base, self._settings, facts, at=self._clock())

    def _facts_to_publish(self, base: Snapshot | None, judgement: Judgement) -> Facts:
        """What the next import of this source needs to know:
        what it need not ask for any more, and what somebody has accepted.
        """
        is_whole = judgement.completeness.is_proved
        began = self.job.reading_since or self.job.started_at or self._clock()
        facts = self._watermark.mark(
            base, self._fields.changed_until, began, self.job, is_whole=is_whole
        )
        if self._settings.is_of_files:
            # Files that came while these were read are for the next import.
            is_known = is_whole and self._fields.files_are_as_read
            facts = self._watermark.mark_files(base, self._source.marks, is_whole=is_known)
        return replace(facts, accepted=judgement.carried or None)

    def _wait_for_spark(self, merged: MergeResult) -> None:
        """With a lease until the sweeper looks after it:
        it is that of an execution that goes on.
        """
        self._progress.count_seconds()
        records = merged.new_records + merged.updated_records + merged.withdrawn_records
        seconds = self._settings.lease_seconds + SWEPT_SECONDS
        self._progress.note("waits for spark", lease_seconds=seconds, records=records)

    def _finish(
        self, parts: PartsReading, snapshot: Snapshot, base: Snapshot | None, merged: MergeResult
    ) -> None:
        """The end of the job moves the pointer to the snapshot."""
        base_name = base.name if base else None
        self._progress.complete(snapshot, base=base_name, warnings=merged.warnings)
        runs = [*self.job.segments, *parts.stored_segments]
        self._publication.follow(snapshot, segments=segment_names(runs))


def _segments_of(warehouse: Warehouse, directory: Path, claim: Claim, part: int) -> Segments:
    return Segments(warehouse=warehouse, directory=directory, claim=claim, part=part)
