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
from typing import TYPE_CHECKING, Any

from chalicelib.errors import PublishRefused, WorkerTimeSpent
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.job import Job, JobStatus, Phase
from chalicelib.odata.cursor import Cursor, Page
from chalicelib.odata.survey import Survey
from chalicelib.sources.mapping import map_columns
from chalicelib.store.batch import Batch
from chalicelib.store.columns import KEY, VALUES, WARNING_RULES
from chalicelib.store.repository import DuckDBWellProductionRepository, MergeResult, RunFacts
from chalicelib.warehouse.names import Warehouse, add_segment, segment_names, sha256_of

from .partial import is_partial, part_filter
from .prefetch import Prefetch, run_beside
from .publication import Publication, check_room
from .watermark import Watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from chalicelib.jobs.lock import Claim, Snapshot
    from chalicelib.jobs.manager import JobManager
    from chalicelib.odata.adapter import ExternalApiAdapter
    from chalicelib.settings import Settings

BATCH_ROWS = 122_880  # a row group of DuckDB: full groups stage fastest and smallest
BATCH_BYTES = 64 << 20
PAGES_AHEAD = 2
BYTES_AHEAD = 16 << 20  # three pages of the usual size; of a large page there is only one
PROGRESS_SECONDS = 1.0
HAND_OVER_SECONDS = 45.0  # of the time budget, kept for the last batch and its checkpoint
MERGE_ROWS_PER_SECOND = 20_000  # a tenth of what two slow cores merge; it sizes the lease of the merge
PUBLISH_BYTES_PER_SECOND = 5 << 20  # the same for verifying, hashing and copying
OWN_FIELDS = {"created_at", "updated_at"}  # Wellhead keeps its own, so the source's are no unknown fields

log = logging.getLogger(__name__)


class HandOver(Exception):
    """The time budget is used up, and all that was staged stands in a checkpoint."""


def time_to_fetch(remaining: Callable[[], float]) -> Callable[[], float]:
    """The worker's time without what the last batch and its checkpoint need; of a short one, without a quarter."""
    kept = min(HAND_OVER_SECONDS, remaining() / 4)
    return lambda: remaining() - kept


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
        source: ExternalApiAdapter,
        warehouse: Warehouse,
        directory: Path,
        remaining: Callable[[], float],
        clock: Callable[[], float] = time.time,
        new_repository: Callable[..., DuckDBWellProductionRepository] = DuckDBWellProductionRepository,
        prefetch: Callable[..., AbstractContextManager[Iterable[Any]]] = Prefetch,
    ) -> None:
        self.job = claim.job
        self._claim = claim
        self._settings = settings
        self._job_manager = job_manager
        self._source = source
        self._warehouse = warehouse
        self._directory = directory
        self._remaining = remaining
        self._clock = clock
        self._new_repository = new_repository
        self._prefetch = prefetch
        self._survey = Survey()
        self._fields: list[str] = []
        self._watermark = Watermark(settings)
        self._changed_until: float | None = None
        self._undated = 0
        self._reported_at = self._checkpointed_at = self._phase_began_at = clock()

    def run(self) -> Job:
        """The completed job. Raises HandOver, LeaseLost, CancelRequested, StateUnavailable, ImportFailed."""
        repository = self._new_repository(directory=self._directory, memory_mb=self._settings.memory_mb)
        try:
            start = self._resume(repository)
            end = self._fetch(repository, start)
            base = self._job_manager.current_snapshot()
            self._watermark.check(base, end.changed_since)
            merge_seconds = (end.delivered + (base.rows if base else 0)) / MERGE_ROWS_PER_SECOND
            if end != start and self._remaining() < HAND_OVER_SECONDS + merge_seconds:
                self._count_seconds()
                self._checkpoint(repository, end)
                raise HandOver
            self._enter(Phase.MERGING, seconds=merge_seconds)
            return self._merge_and_publish(repository, end, base)
        except WorkerTimeSpent as exc:
            raise HandOver from exc
        finally:
            repository.close()
            self._source.close()
            shutil.rmtree(self._directory, ignore_errors=True)

    # -- fetching -----------------------------------------------------------------------------

    def _resume(self, repository: DuckDBWellProductionRepository) -> Cursor:
        """Where to begin: at the first page, or after the rows of the recorded segments."""
        survey = partial(self._source.survey, with_types=is_partial(self.job.parameters))
        self._survey = run_beside(survey, while_waiting=self._beat, prefetch=self._prefetch)
        self._fields = self._survey.fields
        if self.job.cursor is None:
            return self._begin()
        for name in segment_names(self.job.segments):
            segment = self._directory / "segment.parquet"
            self._warehouse.fetch(name, segment)
            repository.load_segment(segment)
            segment.unlink()
            self._beat()
        cursor = Cursor.restored(self.job.cursor, self._settings.source_url)
        self._changed_until, self._undated = cursor.changed_until, cursor.undated
        self.job = replace(self.job, fetched_records=cursor.delivered, expected_records=cursor.expected)
        self._note("resumed", page=cursor.page, records=cursor.delivered)
        return cursor

    def _begin(self) -> Cursor:
        """The first page of all rows, or of those changed since the published snapshot's watermark."""
        since = None
        if self._settings.source_changed:
            since = self._watermark.since(self._job_manager.current_snapshot(), self.job)
        if since is not None:
            self.job = replace(self.job, stats={**self.job.stats, "changed_since": since})
        limits = part_filter(self.job.parameters, self._mapping(), self._survey) if self._fields else ""
        return self._source.first_cursor(self._key_fields(), self._survey, changed_since=since, limits=limits)

    def _fetch(self, repository: DuckDBWellProductionRepository, cursor: Cursor) -> Cursor:
        """Stage page after page; the cursor after the last one."""
        batch, start = Batch(self._directory / "batch.ndjson"), cursor
        pages = self._source.pages(cursor, self._survey)
        try:
            with self._prefetch(
                pages,
                ahead=PAGES_AHEAD,
                while_waiting=self._beat,
                weigh=lambda page: page.size,
                most_weight=BYTES_AHEAD,
            ) as arriving:
                for page in arriving:
                    if cursor is start:
                        self._check_room(start, page.next.expected)
                    self._take(page, batch)
                    cursor = page.next
                    if self._is_due(batch) or cursor.url is None:
                        self._stage(repository, batch)
                        self._checkpoint_if_due(repository, cursor)
        except WorkerTimeSpent as exc:
            self._stage(repository, batch)
            self._count_seconds()
            self._checkpoint(repository, cursor)
            raise HandOver from exc
        return cursor

    def _check_room(self, start: Cursor, expected: int | None) -> None:
        """As soon as the source has told how many rows it has, before they fill the disk. Raises ScratchFull."""
        if expected is not None:
            base = self._job_manager.current_snapshot()
            check_room(self._directory, base, to_stage=expected - start.delivered, to_merge=expected)

    def _take(self, page: Page, batch: Batch) -> None:
        batch.append(page.number, page.rows)
        page.rows.clear()  # a large page leaves the memory before it is staged
        stats = {
            "pages": page.number,
            "bytes": page.next.bytes,
            "http_retries": self._claim.job.stats.get("http_retries", 0) + self._source.retries,
        }
        self.job = replace(
            self.job,
            expected_records=page.next.expected,
            fetched_records=page.next.delivered,
            stats=self.job.stats | stats,
        )
        self._beat()

    def _is_due(self, batch: Batch) -> bool:
        full = batch.rows >= BATCH_ROWS or batch.size >= BATCH_BYTES
        return full or self._is_checkpoint_due() or self._is_time_up()

    def _stage(self, repository: DuckDBWellProductionRepository, batch: Batch) -> None:
        if batch.rows:
            began = self._clock()
            self._learn_fields(repository, batch)
            repository.stage(batch, self._mapping())
            self._note_changes(repository, batch)
            self._spend("staging_seconds", self._clock() - began)
        batch.clear()
        self.job = replace(self.job, failed_records=repository.rejected_rows)

    def _note_changes(self, repository: DuckDBWellProductionRepository, batch: Batch) -> None:
        if not self._settings.source_changed:
            return
        newest, undated = repository.change_times(batch, self._settings.source_changed)
        self._undated += undated
        if newest is not None:
            self._changed_until = max(newest, self._changed_until or newest)

    def _learn_fields(self, repository: DuckDBWellProductionRepository, batch: Batch) -> None:
        """A source that leaves nulls out may show a field late. Looking costs a third of staging, so it is
        done only while a column that counts has no field.
        """
        mapping = self._mapping() if self._fields else {}
        if any(name not in mapping for name in VALUES):
            names = (name for name in repository.field_names(batch) if name not in self._survey.links)
            self._fields = list(dict.fromkeys([*self._fields, *names]))

    def _mapping(self) -> dict[str, str]:
        return map_columns(self._fields, self._settings.source_columns)

    def _key_fields(self) -> list[str]:
        """How the source calls the key; an empty source has no names to show."""
        mapping = self._mapping() if self._fields else {}
        return [mapping[name] for name in KEY if name in mapping]

    # -- checkpoints --------------------------------------------------------------------------

    def _is_checkpoint_due(self) -> bool:
        return self._clock() - self._checkpointed_at >= self._settings.checkpoint_seconds

    def _is_time_up(self) -> bool:
        return self._remaining() < HAND_OVER_SECONDS

    def _checkpoint_if_due(self, repository: DuckDBWellProductionRepository, cursor: Cursor) -> None:
        if self._is_time_up():
            self._count_seconds()
            self._checkpoint(repository, cursor)
            raise HandOver
        if self._is_checkpoint_due() and cursor.url is not None:
            self._checkpoint(repository, cursor)

    def _checkpoint(self, repository: DuckDBWellProductionRepository, cursor: Cursor) -> None:
        """The rows staged since the last checkpoint leave as one segment, then the job names it: a segment
        that no job names was never there.
        """
        path = self._directory / "segment.parquet"
        segments = self.job.segments
        if rows := repository.export_segment(path):
            segments = add_segment(segments, self.job.job_id, self._claim.fence)
            self._warehouse.put(segment_names(segments)[-1], path, sha256=sha256_of(path))
        path.unlink(missing_ok=True)
        seen = replace(cursor, changed_until=self._changed_until, undated=self._undated)
        checkpoint = Checkpoint(cursor=seen.stored(self._settings.source_url), segments=segments)
        self.job = replace(self.job, checkpoint=checkpoint)
        self._note("checkpoint", page=cursor.page, records=rows)
        self._checkpointed_at = self._clock()

    # -- merging and publishing ---------------------------------------------------------------

    def _merge_and_publish(
        self, repository: DuckDBWellProductionRepository, cursor: Cursor, base: Snapshot | None
    ) -> Job:
        publication = Publication(warehouse=self._warehouse, directory=self._directory, claim=self._claim)
        store = publication.working_copy(base, rows=cursor.delivered)
        warnings = self._source_warnings(cursor)
        result = repository.merge(store, self._facts(), now=self._clock(), warnings=warnings)
        self._count_rows(result, cursor)
        for reason, count in repository.rejected_by_reason().items():
            log.info("rows are rejected", extra={"reason": reason, "rows": count})
        self._enter(Phase.PUBLISHING, seconds=store.stat().st_size / PUBLISH_BYTES_PER_SECOND)
        repository.verify(store, rows=result.stored_records)
        snapshot = publication.put(store, rows=result.stored_records)
        began = self.job.reading_since or self.job.started_at or self._clock()
        snapshot = self._watermark.mark(snapshot, base, self._changed_until, began, self.job)
        self._count_seconds()
        self._complete(result.warnings)
        self.job = self._job_manager.finish(self._claim, self.job, snapshot=snapshot, base=base.name if base else None)
        publication.follow(snapshot, segments=segment_names(self.job.segments))
        return self.job

    def _facts(self) -> RunFacts:
        return RunFacts(
            job_id=self.job.job_id,
            fence=self._claim.fence,
            source=self._settings.source_url.partition("?")[0],
            triggered_by=self.job.triggered_by,
            started_at=self.job.started_at or self.job.created_at,
            expected_records=self.job.expected_records,
        )

    def _source_warnings(self, cursor: Cursor) -> dict[str, int]:
        known = set(self._mapping().values()) if self._fields else set()
        unknown = [name for name in self._fields if name not in known | OWN_FIELDS]
        missing = abs(cursor.expected - cursor.delivered) if cursor.expected is not None else 0
        counts = {
            "SOURCE_CHANGED": missing or int(cursor.recounted),
            "UNKNOWN_FIELDS": len(unknown),
            "WITHOUT_CHANGE_TIME": self._undated,
        }
        return {rule: count for rule, count in counts.items() if count}

    def _count_rows(self, result: MergeResult, cursor: Cursor) -> None:
        """Every row that the source delivered must be accounted for."""
        self.job = replace(
            self.job,
            new_records=result.new_records,
            updated_records=result.updated_records,
            duplicate_records=result.duplicate_records,
            failed_records=result.failed_records,
        )
        if self.job.total_records != cursor.delivered:
            raise PublishRefused(
                f"The source delivered {cursor.delivered:,} rows and {self.job.total_records:,} are accounted for, so "
                "nothing was published. Start the import again."
            )

    def _complete(self, warnings: dict[str, int]) -> None:
        now = self._clock()
        completed = replace(
            self.job,
            status=JobStatus.COMPLETED,
            phase=None,
            completed_at=now,
            progress_percentage=100.0,
            warnings=[
                {"rule": rule, "count": count, "message": WARNING_RULES[rule]} for rule, count in warnings.items()
            ],
        )
        self.job = completed.with_event(now, "completed", records=completed.total_records)

    # -- reporting ----------------------------------------------------------------------------

    def _enter(self, phase: Phase, *, seconds: float) -> None:
        """The lease of a phase without heartbeats is as long as the phase may take."""
        self._count_seconds()
        self.job = replace(self.job, phase=phase)
        self._note(phase.lower(), lease_seconds=self._settings.lease_seconds + seconds)

    def _count_seconds(self) -> None:
        """What the phase that ends has taken, over all attempts."""
        now = self._clock()
        self._spend(f"{str(self.job.phase).lower()}_seconds", now - self._phase_began_at)
        self._phase_began_at = now

    def _spend(self, name: str, seconds: float) -> None:
        spent = self.job.stats.get(name, 0.0) + seconds
        self.job = replace(self.job, stats={**self.job.stats, name: round(spent, 3)})

    def _note(self, event: str, *, lease_seconds: float | None = None, **facts: Any) -> None:
        """An event on the job's time line, stored at once."""
        self.job = self.job.with_event(self._clock(), event, **facts)
        log.info(event, extra={"page": facts.get("page"), "rows": facts.get("records")})
        self._report(lease_seconds)

    def _beat(self) -> None:
        """A sign of life, stored at most once a second."""
        if self._clock() - self._reported_at >= PROGRESS_SECONDS:
            self._report()

    def _report(self, lease_seconds: float | None = None) -> None:
        self.job = self._job_manager.progress(self._claim, self.job.with_progress(), lease_seconds=lease_seconds)
        self._reported_at = self._clock()
