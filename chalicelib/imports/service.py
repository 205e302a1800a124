"""WellProductionImportService: pages → batches → checkpoints → merge → a published snapshot.

Nothing of an import is visible before its last step. Until then there are files on the worker's own
disk, and in the warehouse segments and a snapshot that nothing points at.
"""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ImportFailed, PublishRefused, SourceColumns, WorkerTimeSpent
from chalicelib.files.place import other_files
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.job import Job, Phase
from chalicelib.jobs.parts import MOST_PARTS, PartTable
from chalicelib.lake.spark import SparkAsked
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.reading import Way
from chalicelib.odata.survey import Survey
from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository, Looks, MergeResult, RunFacts
from chalicelib.warehouse.names import segment_names

from .accepted import load_accepted
from .checkpoints import CheckpointsOfJob
from .completeness import Completeness
from .fetching import OPEN_BYTES, Fetching, HandOver
from .fields import SourceFields
from .fingerprint import Fingerprint, is_of_this_form
from .going_on import lets_a_retry_go_on
from .judgement import Judgement
from .part_reading import PartReading, PartsReading
from .partial import is_partial
from .planning import Planning, joined_fingerprint
from .prefetch import Prefetch, run_beside
from .progress import Progress
from .publication import FilePublication, Publication, merge_seconds
from .repeats import judged, judged_before
from .seal import NO_SEAL
from .segments import Segments
from .source_facts import with_facts
from .time_budget import TimeBudget
from .watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from chalicelib.jobs.checkpoint import StoredCursor
    from chalicelib.jobs.lock import Claim, Snapshot
    from chalicelib.jobs.manager import JobManager
    from chalicelib.jobs.parts import Part
    from chalicelib.settings import Settings
    from chalicelib.sources.reader import SourceReader
    from chalicelib.store.settle import Settled
    from chalicelib.warehouse.names import Warehouse

PARTS_OF_A_THREAD = 2  # so that one which is done early takes another part
# of segments in a part: each attempt adds one, and the item that has them must
# not grow with the import
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
        new_repository: Callable[
            ..., DuckDBWellProductionRepository
        ] = DuckDBWellProductionRepository,
        prefetch: Callable[..., AbstractContextManager[Iterable[Any]]] = Prefetch,
        most_runs: int = MOST_RUNS,
        new_publication: Callable[..., Publication] = FilePublication,
        open_bytes: int = OPEN_BYTES,
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
        self._planning = Planning(
            claim=claim,
            table=PartTable(table=job_manager.table, clock=clock),
            progress=self._progress,
            settings=settings,
            directory=directory,
            segments=self._segments,
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
            directory=self._directory, memory_mb=self._settings.memory_mb, source=self._row_source()
        )
        try:
            parts = self._resume(repository)
            start = parts.cursor
            fetching = self._fetching = self._fetching_of(parts, repository)
            fetching.run()
            end = parts.cursor
            settled = self._settle(repository, end)
            base = self._job_manager.current_snapshot()
            self._check(fetching, start, end, base)
            merged = self._merge(repository, end, base, settled)
            judgement = self._judge(end, base, merged)
            if judgement.held:
                self._hold(fetching, merged, is_stored=end == start)
                raise judgement.held
            snapshot = self._publish(repository, merged, base, judgement)
            self._finish(parts, snapshot, base, merged)
        except WorkerTimeSpent as exc:
            raise HandOver from exc
        except SparkAsked:
            self._tell_that_spark_merges(merged)
            raise
        except ImportFailed as exc:
            if self._fetching and lets_a_retry_go_on(exc):
                self._fetching.keep_what_is_taken()
            raise
        finally:
            self._note_source()
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
            return (
                []
                if self.job.accepted_by
                else [item.number for item in self._planned() if not item.is_done]
            )
        except WorkerTimeSpent as exc:
            raise HandOver from exc
        finally:
            self._note_source()
            self._source.close()

    @property
    def at_once(self) -> int:
        """How many of them."""
        return min(self._settings.workers, self._source.most_workers)

    def _planned(self) -> Sequence[Part]:
        items = self._items()
        before = self._fingerprint_before(items)
        if before:
            before.refuse_other_settings(self._settings.source_id)
            return items
        self._fields = SourceFields(survey=self._survey(), settings=self._settings)
        self._progress.change(checkpoint=None, fetched_records=0, parts=None)
        parts = self._plan(self._first_cursor(), at_once=self.at_once)
        return [part.item for part in parts.parts if part.item]

    def _row_source(self) -> RowSource:
        settings = self._settings
        adopts = settings.definition.adopts if settings.definition else ""
        return RowSource(
            name=settings.source_name, period=Period(settings.source_period), adopts=adopts
        )

    # -- where to begin -----------------------------------------------------------------------

    def _resume(self, repository: DuckDBWellProductionRepository) -> PartsReading:
        """At the first page, or after the rows of the checkpoint. Raises
        SourceChangedSince, HeldRowsGone.
        """
        if self.job.accepted_by:
            return self._resume_accepted(repository)
        items = self._items()
        before = self._fingerprint_before(items)
        if before:
            # before the source is asked anything
            before.refuse_other_settings(self._settings.source_id)
        self._fields = SourceFields(survey=self._survey(before), settings=self._settings)
        parts = self._load(repository, items, before) if before else None
        if before is None or parts is None:
            self._progress.change(checkpoint=None, fetched_records=0, parts=None)
            return self._plan(self._first_cursor(), at_once=self._threads)
        self._fields.go_on_from(parts.cursor, before)
        self._tell_resumed(parts)
        return parts

    def _resume_accepted(self, repository: DuckDBWellProductionRepository) -> PartsReading:
        parts, before = load_accepted(self.job, repository, self._items(), planning=self._planning)
        self._fields.take_over(parts.cursor, before)
        self._tell_resumed(parts)
        return parts

    def _tell_resumed(self, parts: PartsReading) -> None:
        cursor = parts.cursor
        self._progress.set_stats(pages=parts.pages, bytes=cursor.bytes)
        # workers of parts count none
        if "fetching_seconds" not in self.job.stats and self.job.started_at:
            self._progress.add_seconds("fetching_seconds", self._clock() - self.job.started_at)
        self._progress.change(fetched_records=cursor.delivered, expected_records=cursor.expected)
        self._progress.note("resumed", page=cursor.page, records=cursor.delivered)

    def _items(self) -> list[Part]:
        """Of the parts that the checkpoint names; none where it names no plan, or
        they are of no use any more.
        """
        plan = self.job.checkpoint.plan if self.job.checkpoint else None
        return self._planning.items(plan) if plan else []

    def _fingerprint_before(self, items: Sequence[Part]) -> Fingerprint | None:
        """None without a checkpoint. An older one proves neither its segments nor its source, or
        its rows have another form than those of today: all begins anew.
        """
        checkpoint = self.job.checkpoint
        if checkpoint is None:
            return None
        is_lost = checkpoint.plan is not None and not items
        if checkpoint.seal is None or is_lost or not is_of_this_form(checkpoint.source):
            self._tell_loss(checkpoint.cursor["delivered"], None)
            return None
        return joined_fingerprint(
            [checkpoint.source or {}, *(item.checkpoint.source or {} for item in items)]
        )

    def _load(
        self, repository: DuckDBWellProductionRepository, items: Sequence[Part], before: Fingerprint
    ) -> PartsReading | None:
        """From the last places on that are proved, the rows before them staged; None
        when that is the beginning.
        """
        named = self.job.checkpoint
        if named is None:
            return None
        if items:
            return self._load_parts(repository, named, items, before)
        segments = self._segments(0)
        proved = segments.load(repository, named, beat=self._progress.beat)
        if proved != named:
            self._tell_loss(named.cursor["delivered"], proved.cursor if proved else None)
        if proved is None:
            return None
        joined = self._joined(repository, segments, proved)
        self._progress.change(checkpoint=joined)
        if joined != proved:
            self._progress.report()
        return self._as_one(Cursor.restored(joined.cursor, self._settings.source_url), segments)

    def _load_parts(
        self,
        repository: DuckDBWellProductionRepository,
        named: Checkpoint,
        items: Sequence[Part],
        before: Fingerprint,
    ) -> PartsReading:
        first = Cursor.restored(named.cursor, self._settings.source_url).at_start()

        def at_start(like: Cursor) -> Cursor:
            if not self._fields.are_its_files(before):  # the part would be cut out of other files
                raise other_files()
            return self._source.part(first, self._fields.survey, like=like)

        join = partial(self._joined, repository)
        parts = self._planning.load(named, items, repository, at_start=at_start, join=join)
        told = sum(item.delivered for item in items)
        if parts.cursor.delivered != told:
            self._tell_loss(told, asdict(parts.cursor))
        # others may have read them
        counted = replace(named, cursor=parts.cursor.stored(self._settings.source_url))
        self._progress.change(parts={"count": len(items), "done": parts.done}, checkpoint=counted)
        return parts

    def _joined(
        self, repository: DuckDBWellProductionRepository, segments: Segments, loaded: Checkpoint
    ) -> Checkpoint:
        """One segment in place of too many that were loaded; these stay until the table names it,
        and go when the job has ended.
        """
        if len(loaded.segments) < self._most_runs:
            return loaded
        seconds = self._settings.lease_seconds + merge_seconds(
            None, rows=loaded.cursor["delivered"]
        )
        self._progress.report(seconds)
        return segments.join(repository, loaded)

    def _tell_loss(self, named: int, proved: StoredCursor | None) -> None:
        """That rows which had been fetched, of the named number, are fetched once more."""
        kept = proved["delivered"] if proved else 0
        page = proved["page"] if proved else 1
        self._progress.note("gone back", page=page, records=kept, lost_records=named - kept)

    def _plan(self, first: Cursor, *, at_once: int) -> PartsReading:
        """The parts of all rows, where these can be cut and more than one
        part may be read at once.
        """
        if at_once == 1:
            return self._as_one(first, self._segments(0))
        most = min(MOST_PARTS, PARTS_OF_A_THREAD * at_once)
        ask = partial(self._source.parts, first, self._fields.survey, most=most)
        cursors = run_beside(ask, while_waiting=self._beat, prefetch=self._prefetch)
        if len(cursors) == 1:
            return self._as_one(cursors[0], self._segments(0))
        return self._planning.plan(first, cursors, self._fields.fingerprint())

    @property
    def _threads(self) -> int:
        return min(self._settings.workers, self._source.most_at_once)

    def _as_one(self, cursor: Cursor, segments: Segments) -> PartsReading:
        return PartsReading(parts=[PartReading.of(cursor, segments, self._directory)])

    def _survey(self, before: Fingerprint | None = None) -> Survey:
        checkpoint = self.job.checkpoint
        is_by_keys = checkpoint is not None and checkpoint.cursor.get("way") == Way.KEYS
        with_types = is_by_keys or is_partial(self.job.parameters)

        def survey() -> Survey:
            if before:
                self._source.go_back(before.files)
            return self._source.survey(with_types=with_types)

        return run_beside(survey, while_waiting=self._beat, prefetch=self._prefetch)

    def _beat(self) -> None:
        self._note_source()
        self._progress.beat()

    def _note_source(self) -> None:
        """What only the connection knows; the next report stores it."""
        retries = self._claim.job.stats.get("http_retries", 0) + self._source.retries
        self._progress.set_stats(http_retries=retries)
        self._progress.change(waiting=self._source.waiting)

    def _first_cursor(self, way: str = "") -> Cursor:
        """Of all rows, or of those changed since the published snapshot's watermark."""
        since = None
        if self._settings.source_changed:
            since = self._watermark.since(self._job_manager.current_snapshot(), self.job)
        if since is not None:
            self._progress.set_stats(changed_since=since)
        limits = self._fields.part_filter(self.job.parameters)
        survey = self._fields.survey
        key = self._fields.key(way or self._settings.source_paging)
        return self._source.first_cursor(key, survey, changed_since=since, limits=limits, way=way)

    # -- fetching -----------------------------------------------------------------------------

    def _fetching_of(
        self, parts: PartsReading, repository: DuckDBWellProductionRepository
    ) -> Fetching:
        checkpoint, url = self.job.checkpoint, self._settings.source_url
        of_job = CheckpointsOfJob(progress=self._progress, source_url=url)
        return Fetching(
            parts,
            source=self._source,
            fields=self._fields,
            repository=repository,
            checkpoints=self._planning.checkpoints(checkpoint)
            if checkpoint and checkpoint.plan
            else of_job,
            progress=self._progress,
            budget=self._budget,
            settings=self._settings,
            directory=self._directory,
            clock=self._clock,
            beat=self._beat,
            prefetch=self._prefetch,
            base=self._job_manager.current_snapshot,
            threads=self._threads,
            open_bytes=self._open_bytes,
        )

    # -- settling -----------------------------------------------------------------------------

    def _settle(self, repository: DuckDBWellProductionRepository, end: Cursor) -> Settled:
        """What becomes of several rows of one key, and which of them show that the reading went
        wrong. Raises HandOver when they do, and the source can be read by keys.
        """
        self._progress.report(
            self._settings.lease_seconds + merge_seconds(None, rows=end.delivered)
        )
        grain = self._fields.grain()
        settled = repository.settle(grain)
        if self.job.accepted_by:
            return judged_before(settled, end.reading, self.job.accepted)
        ask = partial(self._source.is_steady, end, self._fields.survey)
        is_steady = partial(run_beside, ask, while_waiting=self._beat, prefetch=self._prefetch)
        settled = judged(settled, end.reading, is_unique=grain.is_unique, is_steady=is_steady)
        if settled.repeated_keys:
            self._read_again_by_keys(settled.repeated_keys)
        return settled

    def _read_again_by_keys(self, repeated: int) -> None:
        """Where the source can be asked so. It is begun by the next worker, whose segments have
        names of their own. Raises HandOver.
        """
        try:
            key = self._fields.key(Way.KEYS)
        except SourceColumns:
            return  # several rows share what is known of the key
        ask = partial(self._source.survey_by_keys, self._fields.survey, key)
        survey = run_beside(ask, while_waiting=self._beat, prefetch=self._prefetch)
        if survey is None:
            return
        self._fields.survey = survey
        first = self._first_cursor(Way.KEYS)
        source = self._fields.fingerprint().stored()
        checkpoint = Checkpoint(
            cursor=first.stored(self._settings.source_url), source=source, seal=NO_SEAL
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
        if end != start and not self._budget.suffices(
            self._publication.merge_seconds(base, rows=end.delivered)
        ):
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
        """Only what is proved to be all there is tells what is there no more; also a few
        rows that may lack do not.
        """
        if self._settings.source_missing != "withdraw" or not self._is_of_all(end):
            return False
        completeness = Completeness.after(end, settled)
        return completeness.is_proved and not completeness.missing

    def _is_of_all(self, end: Cursor) -> bool:
        return end.is_of_all and not is_partial(self.job.parameters)

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
        counts = {
            "SOURCE_CHANGED": missing or int(end.recounted),
            "UNKNOWN_FIELDS": len(self._fields.unknown()) or self._told_before("UNKNOWN_FIELDS"),
            "WITHOUT_CHANGE_TIME": self._fields.undated,
            "LOCAL_MIDNIGHT": self._fields.local_midnights,
        }
        return {rule: count for rule, count in counts.items() if count}

    def _told_before(self, rule: str) -> int:
        """By the import that this one publishes as it was held."""
        return sum(warning["count"] for warning in self.job.warnings if warning["rule"] == rule)

    def _count_rows(self, merged: MergeResult, end: Cursor) -> None:
        """Every row that the source delivered must be accounted for. Raises PublishRefused."""
        self._progress.change(**merged.counts, withdrawn_records=merged.withdrawn_records)
        told = self.job.total_records
        if told != end.delivered:
            raise PublishRefused(
                f"The source delivered {end.delivered:,} rows and {told:,} are accounted for, so "
                "nothing was published. Start the import again."
            )

    # -- checking -----------------------------------------------------------------------------

    def _judge(self, end: Cursor, base: Snapshot | None, merged: MergeResult) -> Judgement:
        self._progress.enter(Phase.CHECKING, seconds=merge_seconds(None, rows=end.delivered))
        judgement = Judgement.of(merged, end, base, self.job, self._settings)
        self._progress.change(**judgement.to_job())
        return judgement

    def _hold(self, fetching: Fetching, merged: MergeResult, *, is_stored: bool) -> None:
        """All that was fetched stands in a checkpoint before the job ends: that
        is what can be accepted.
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
        is_whole = judgement.completeness.is_proved
        began = self.job.reading_since or self.job.started_at or self._clock()
        facts = self._watermark.mark(
            base, self._fields.changed_until, began, self.job, is_whole=is_whole
        )
        if self._settings.is_of_files:
            # what came later is for the next import
            is_known = is_whole and self._fields.files_are_as_read
            facts = self._watermark.mark_files(base, self._source.marks, is_whole=is_known)
        facts = replace(facts, accepted=judgement.carried or None)
        return with_facts(snapshot, base, self._settings, facts, at=self._clock())

    def _tell_that_spark_merges(self, merged: MergeResult) -> None:
        """With a lease until the sweeper looks after it: it is that of
        an execution that goes on.
        """
        self._progress.count_seconds()
        records = merged.new_records + merged.updated_records + merged.withdrawn_records
        seconds = self._settings.lease_seconds + SWEPT_SECONDS
        self._progress.note("waits for spark", lease_seconds=seconds, records=records)

    def _finish(
        self, parts: PartsReading, snapshot: Snapshot, base: Snapshot | None, merged: MergeResult
    ) -> None:
        """The end of the job moves the pointer to the snapshot."""
        self._progress.complete(
            snapshot, base=base.name if base else None, warnings=merged.warnings
        )
        runs = [*self.job.segments, *parts.stored_segments]
        self._publication.follow(snapshot, segments=segment_names(runs))


def _segments_of(warehouse: Warehouse, directory: Path, claim: Claim, part: int) -> Segments:
    return Segments(warehouse=warehouse, directory=directory, claim=claim, part=part)
