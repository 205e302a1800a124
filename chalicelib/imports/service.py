"""WellProductionImportService: pages → batches → checkpoints → merge → a published snapshot.

Nothing of an import is visible before its last step. Until then there are files on the worker's own disk, and
in the warehouse segments and a snapshot that nothing points at.
"""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from chalicelib.errors import ImportFailed, PublishRefused, SourceColumns, WorkerTimeSpent
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.job import Job, Phase
from chalicelib.odata.cursor import Cursor, Page
from chalicelib.odata.reading import Way
from chalicelib.odata.survey import Survey
from chalicelib.store.batch import Batch
from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository, Looks, MergeResult, RunFacts
from chalicelib.warehouse.names import segment_names

from .accepted import load_accepted
from .fields import SourceFields
from .fingerprint import Fingerprint, is_of_this_form
from .going_on import lets_a_retry_go_on
from .judgement import Judgement
from .partial import is_partial
from .prefetch import Prefetch, run_beside
from .progress import Progress
from .publication import FilePublication, Publication, check_room, merge_seconds
from .repeats import judged, judged_before
from .seal import NO_SEAL
from .segments import Segments
from .source_facts import with_facts
from .time_budget import TimeBudget
from .watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from chalicelib.jobs.checkpoint import StoredCursor
    from chalicelib.jobs.lock import Claim, Snapshot
    from chalicelib.jobs.manager import JobManager
    from chalicelib.settings import Settings
    from chalicelib.sources.reader import SourceReader
    from chalicelib.store.settle import Settled
    from chalicelib.warehouse.names import Warehouse

PAGES_AHEAD = 2
BYTES_AHEAD = 16 << 20  # three pages of the usual size; of a large page there is only one
LOOKED_AT = 20  # rows of a table
MOST_RUNS = 32  # of segments in a job: each attempt adds one, and the job's item must not grow with the import

log = logging.getLogger(__name__)


class HandOver(Exception):
    """The time budget is used up, and all that was staged stands in a checkpoint."""


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
        new_repository: Callable[..., DuckDBWellProductionRepository] = DuckDBWellProductionRepository,
        prefetch: Callable[..., AbstractContextManager[Iterable[Any]]] = Prefetch,
        most_runs: int = MOST_RUNS,
        new_publication: Callable[..., Publication] = FilePublication,
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
        self._progress = Progress(
            claim=claim, job_manager=job_manager, lease_seconds=settings.lease_seconds, clock=clock
        )
        self._fields = SourceFields(survey=Survey(), settings=settings)
        self._watermark = Watermark(settings)
        self._segments = Segments(warehouse=warehouse, directory=directory, claim=claim)
        self._publication = new_publication(warehouse=warehouse, directory=directory, claim=claim)
        self._checkpoint_at = clock()
        self._batch = self._lines = Batch(directory / "batch.ndjson")
        self._taken_to: Cursor | None = None

    @property
    def job(self) -> Job:
        return self._progress.job

    def run(self) -> Job:
        """The completed job. Raises HandOver, LeaseLost, CancelRequested, StateUnavailable, ImportFailed; of its kinds
        Held, when all that was fetched stands in a checkpoint and somebody's word is waited for.
        """
        repository = self._new_repository(
            directory=self._directory, memory_mb=self._settings.memory_mb, source=self._row_source()
        )
        try:
            start = self._resume(repository)
            end = self._fetch(repository, start)
            settled = self._settle(repository, end)
            base = self._job_manager.current_snapshot()
            self._check(start, end, base)
            merged = self._merge(repository, end, base, settled)
            judgement = self._judge(end, base, merged)
            if judgement.held:
                self._hold(merged, end, is_stored=end == start)
                raise judgement.held
            snapshot = self._publish(repository, merged, base, judgement)
            self._finish(snapshot, base, merged)
        except WorkerTimeSpent as exc:
            raise HandOver from exc
        except ImportFailed as exc:
            if lets_a_retry_go_on(exc):
                self._keep_what_is_taken(repository)
            raise
        finally:
            self._note_source()
            self._progress.change(waiting=None)
            repository.close()
            self._source.close()
            shutil.rmtree(self._directory, ignore_errors=True)
        return self.job

    def _row_source(self) -> RowSource:
        settings = self._settings
        adopts = settings.definition.adopts if settings.definition else ""
        return RowSource(name=settings.source_name, period=Period(settings.source_period), adopts=adopts)

    # -- where to begin -----------------------------------------------------------------------

    def _resume(self, repository: DuckDBWellProductionRepository) -> Cursor:
        """At the first page, or after the rows of the checkpoint. Raises SourceChangedSince, HeldRowsGone."""
        if self.job.accepted_by:
            return self._resume_accepted(repository)
        before = self._fingerprint_before()
        if before:
            before.refuse_other_settings(self._settings.source_id)  # before the source is asked anything
        self._fields = SourceFields(survey=self._survey(), settings=self._settings)
        checkpoint = self._load(repository) if before else None
        if before is None or checkpoint is None:
            self._progress.change(checkpoint=None, fetched_records=0)
            return self._first_cursor()
        cursor = Cursor.restored(checkpoint.cursor, self._settings.source_url)
        self._fields.go_on_from(cursor, before)
        self._progress.change(fetched_records=cursor.delivered, expected_records=cursor.expected)
        self._progress.note("resumed", page=cursor.page, records=cursor.delivered)
        return cursor

    def _resume_accepted(self, repository: DuckDBWellProductionRepository) -> Cursor:
        cursor, before = load_accepted(
            self.job, repository, segments=self._segments, settings=self._settings, beat=self._progress.beat
        )
        self._fields.take_over(cursor, before)
        self._progress.change(fetched_records=cursor.delivered, expected_records=cursor.expected)
        self._progress.note("resumed", page=cursor.page, records=cursor.delivered)
        return cursor

    def _fingerprint_before(self) -> Fingerprint | None:
        """None without a checkpoint. An older one proves neither its segments nor its source, or its rows have another
        form than those of today: all begins anew.
        """
        checkpoint = self.job.checkpoint
        if checkpoint is None:
            return None
        if checkpoint.seal is None or not is_of_this_form(checkpoint.source):
            self._tell_loss(checkpoint, None)
            return None
        return Fingerprint(**(checkpoint.source or {}))

    def _load(self, repository: DuckDBWellProductionRepository) -> Checkpoint | None:
        """The last place that is proved, the rows before it staged; None when that is the beginning."""
        named = self.job.checkpoint
        if named is None:
            return None
        proved = self._segments.load(repository, named, beat=self._progress.beat)
        if proved != named:
            self._tell_loss(named, proved)
            self._progress.change(checkpoint=proved)
        if proved and len(proved.segments) >= self._most_runs:
            proved = self._join_segments(repository, proved)
        return proved

    def _join_segments(self, repository: DuckDBWellProductionRepository, loaded: Checkpoint) -> Checkpoint:
        """One segment in place of all that were loaded; these stay until the job names it, and go when it has ended."""
        seconds = self._settings.lease_seconds + merge_seconds(None, rows=loaded.cursor["delivered"])
        self._progress.report(seconds)
        joined = self._segments.join(repository, loaded)
        self._progress.change(checkpoint=joined)
        self._progress.report()
        return joined

    def _tell_loss(self, named: Checkpoint, proved: Checkpoint | None) -> None:
        """That rows which had been fetched are fetched once more."""
        kept = proved.cursor["delivered"] if proved else 0
        page = proved.cursor["page"] if proved else 1
        self._progress.note("gone back", page=page, records=kept, lost_records=named.cursor["delivered"] - kept)

    def _survey(self) -> Survey:
        checkpoint = self.job.checkpoint
        is_by_keys = checkpoint is not None and checkpoint.cursor.get("way") == Way.KEYS
        survey = partial(self._source.survey, with_types=is_by_keys or is_partial(self.job.parameters))
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

    def _fetch(self, repository: DuckDBWellProductionRepository, start: Cursor) -> Cursor:
        """Stage page after page; the cursor after the last one."""
        cursor = start
        try:
            with self._pages(start) as pages:
                for page in pages:
                    if cursor is start:
                        self._check_room(start, page.next.expected)
                    if page.table and self._batch.rows:
                        self._stage(repository, cursor)  # a table is a segment of its own
                    self._take(page)
                    cursor = page.next
                    if self._is_due() or cursor.url is None:
                        self._stage(repository, cursor)
                        self._checkpoint_if_due(cursor)
        except WorkerTimeSpent:
            self._stage(repository, cursor)
            self._hand_over(cursor)
        return cursor

    def _pages(self, start: Cursor) -> AbstractContextManager[Iterable[Page]]:
        """Read ahead of their use."""
        return self._prefetch(
            self._source.pages(start, self._fields.survey),
            ahead=PAGES_AHEAD,
            while_waiting=self._beat,
            weigh=lambda page: page.size,
            most_weight=BYTES_AHEAD,
        )

    def _check_room(self, start: Cursor, expected: int | None) -> None:
        """As soon as the source has told how many rows it has, before they fill the disk. Raises ScratchFull."""
        if expected is not None:
            base = self._job_manager.current_snapshot()
            check_room(self._directory, base, to_stage=expected - start.delivered, to_merge=expected)

    def _take(self, page: Page) -> None:
        self._taken_to = None
        if page.table:
            self._batch = Batch.of_table(page.table, page.number)
        else:
            self._batch.append(page.number, page.rows, first_row=page.first_row)
        self._fields.look_at(page.rows)
        self._taken_to = page.next
        page.rows.clear()  # a large page leaves the memory before it is staged
        self._progress.set_stats(pages=page.number, bytes=page.next.bytes)
        self._progress.change(expected_records=page.next.expected, fetched_records=page.next.delivered)
        self._beat()

    def _is_due(self) -> bool:
        return self._batch.is_full or self._is_checkpoint_due() or self._budget.is_up()

    def _stage(self, repository: DuckDBWellProductionRepository, cursor: Cursor) -> None:
        """The rows that were taken, up to the cursor, as a segment."""
        batch, taken_to, self._taken_to = self._batch, self._taken_to, None  # until then nobody knows what is staged
        if batch.rows:
            began = self._clock()
            self._fields.learn(repository, batch)
            if batch.table:
                self._fields.look_at_periods(repository.rows_of(batch.table, LOOKED_AT))
            segment = repository.stage(batch, self._fields.reading(batch.table), self._fields.grain())
            self._fields.note_changes(repository, batch)
            self._segments.add(segment, self._stored(cursor))
            self._progress.add_seconds("staging_seconds", self._clock() - began)
        if batch.table:
            batch.table.path.unlink(missing_ok=True)
        batch.clear()
        self._batch = self._lines
        self._taken_to = taken_to
        self._progress.change(failed_records=repository.rejected_rows, skipped_records=repository.passed_over_rows)

    def _stored(self, cursor: Cursor) -> StoredCursor:
        return self._fields.add_changes(cursor).stored(self._settings.source_url)

    # -- checkpoints --------------------------------------------------------------------------

    def _is_checkpoint_due(self) -> bool:
        return self._clock() - self._checkpoint_at >= self._settings.checkpoint_seconds

    def _checkpoint_if_due(self, cursor: Cursor) -> None:
        if self._budget.is_up():
            self._hand_over(cursor)
        if self._is_checkpoint_due() and cursor.url is not None:
            self._checkpoint(cursor)

    def _checkpoint(self, cursor: Cursor) -> None:
        """The segments since the last checkpoint go into the warehouse, then the job names them: one that no job names
        was never there.
        """
        self._taken_to = None
        before = self.job.checkpoint
        after = Checkpoint(cursor=self._stored(cursor), source=self._fields.fingerprint().stored())
        self._progress.change(checkpoint=self._segments.store(before, after))
        rows = cursor.delivered - (before.cursor["delivered"] if before else 0)
        self._progress.note("checkpoint", page=cursor.page, records=rows)
        self._checkpoint_at = self._clock()

    def _hand_over(self, cursor: Cursor) -> NoReturn:
        self._progress.count_seconds()
        self._checkpoint(cursor)
        raise HandOver

    def _keep_what_is_taken(self, repository: DuckDBWellProductionRepository) -> None:
        """The import fails, and a retry goes on after the last page, not after the last checkpoint."""
        cursor = self._taken_to
        if cursor is None:
            return
        try:
            self._stage(repository, cursor)
            self._checkpoint(cursor)
        except Exception as exc:  # noqa: BLE001  what failed first is what is told
            log.warning("the rows fetched since the last checkpoint are not kept: %s", type(exc).__name__)

    # -- settling -----------------------------------------------------------------------------

    def _settle(self, repository: DuckDBWellProductionRepository, end: Cursor) -> Settled:
        """What becomes of several rows of one key, and which of them show that the reading went wrong. Raises HandOver
        when they do, and the source can be read by keys.
        """
        self._progress.report(self._settings.lease_seconds + merge_seconds(None, rows=end.delivered))
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
        """Where the source can be asked so. It is begun by the next worker, whose segments have names of their own.
        Raises HandOver.
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
        checkpoint = Checkpoint(cursor=first.stored(self._settings.source_url), source=source, seal=NO_SEAL)
        self._progress.count_seconds()
        self._progress.change(checkpoint=checkpoint, fetched_records=0, failed_records=0)
        self._progress.note("reads again by keys", repeated_keys=repeated)
        raise HandOver

    # -- merging ------------------------------------------------------------------------------

    def _check(self, start: Cursor, end: Cursor, base: Snapshot | None) -> None:
        """Whether the base has what was not asked for, and the worker the time to merge. One that has fetched
        nothing merges all the same: the next one would have no more time. Raises PublishRefused, HandOver.
        """
        self._watermark.check(base, end.changed_since)
        if end != start and not self._budget.suffices(self._publication.merge_seconds(base, rows=end.delivered)):
            self._hand_over(end)

    def _merge(
        self, repository: DuckDBWellProductionRepository, end: Cursor, base: Snapshot | None, settled: Settled
    ) -> MergeResult:
        """What became of the rows staged, merged with the base's."""
        seconds = self._publication.merge_seconds(base, rows=end.delivered)
        self._progress.enter(Phase.MERGING, seconds=seconds)
        looks = Looks(
            now=self._clock(),
            warnings=self._source_warnings(end) | settled.warnings,
            without_field=self._fields.doubtful_columns(),
            is_renamed=self._fields.is_renamed,
        )
        merged = self._publication.merge(repository, base, self._run_facts(end), looks, rows=end.delivered)
        merged = replace(merged, settled=settled)
        if merged.rejects:
            self._progress.set_stats(rejects=merged.rejects)
        self._count_rows(merged, end)
        for reason, count in repository.rejected_by_reason().items():
            log.info("rows are rejected", extra={"reason": reason, "rows": count})
        return merged

    def _run_facts(self, end: Cursor) -> RunFacts:
        return RunFacts(
            job_id=self.job.job_id,
            fence=self._claim.fence,
            source=self._settings.source_url.partition("?")[0],
            triggered_by=self.job.triggered_by,
            started_at=self.job.started_at or self.job.created_at,
            expected_records=self.job.expected_records,
            is_full=end.is_of_all and not is_partial(self.job.parameters),
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
        self._progress.change(**merged.counts)
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

    def _hold(self, merged: MergeResult, end: Cursor, *, is_stored: bool) -> None:
        """All that was fetched stands in a checkpoint before the job ends: that is what can be accepted."""
        if not is_stored or self.job.checkpoint is None:
            self._checkpoint(end)
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
        facts = self._watermark.mark(base, self._fields.changed_until, began, self.job, is_whole=is_whole)
        if self._settings.is_of_files:
            facts = self._watermark.mark_files(base, self._source.marks, is_whole=is_whole)
        facts = replace(facts, accepted=judgement.carried or None)
        return with_facts(snapshot, base, self._settings, facts, at=self._clock())

    def _finish(self, snapshot: Snapshot, base: Snapshot | None, merged: MergeResult) -> None:
        """The end of the job moves the pointer to the snapshot."""
        self._progress.complete(snapshot, base=base.name if base else None, warnings=merged.warnings)
        self._publication.follow(snapshot, segments=segment_names(self.job.segments))
