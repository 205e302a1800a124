"""WellProductionImportService: pages → batches → checkpoints → merge → a published snapshot.

Nothing of an import is visible before its last step. Until then there are files on the worker's own disk, and
in the warehouse segments and a snapshot that nothing points at.
"""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from .batch import Batch
from .errors import NoProgress, PublishRefused, ScratchFull, TooManyAttempts, WarehouseCorrupt, WarehouseUnavailable
from .external_api import Cursor, ExternalApiAdapter, Page
from .job import Job, JobStatus, Phase
from .job_manager import Claim, JobManager, Snapshot
from .prefetch import Prefetched
from .repository import DuckDBWellProductionRepository, MergeResult, RunFacts
from .rows import KEY, VALUES, WARNING_RULES, map_columns
from .warehouse import Warehouse, add_segment, segment_names, sha256_of, snapshot_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .settings import Settings

BATCH_ROWS = 122_880  # a row group of DuckDB: full groups stage fastest and smallest
BATCH_BYTES = 64 << 20
PAGES_AHEAD = 2
PROGRESS_SECONDS = 1.0
HAND_OVER_SECONDS = 45.0  # of the time budget, kept for the last batch and its checkpoint
MERGE_ROWS_PER_SECOND = 20_000  # a tenth of what two slow cores merge; it sizes the lease of the merge
PUBLISH_BYTES_PER_SECOND = 5 << 20  # the same for verifying, hashing and copying
STALLED_ATTEMPTS = 4  # in a row from the same checkpoint: the worker dies at the same place each time
ROOM_FACTOR = 3  # the store is copied, grows, and sorts beside itself
OWN_FIELDS = {"created_at", "updated_at"}  # Wellhead keeps its own, so the source's are no unknown fields

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
        source: ExternalApiAdapter,
        warehouse: Warehouse,
        directory: Path,
        remaining: Callable[[], float],
        clock: Callable[[], float] = time.time,
        new_repository: Callable[..., DuckDBWellProductionRepository] = DuckDBWellProductionRepository,
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
        self._fields: list[str] = []
        self._reported_at = self._checkpointed_at = clock()

    def run(self) -> Job:
        """The completed job. Raises HandOver, LeaseLost, CancelRequested, StateUnavailable, ImportFailed."""
        if self.job.attempt > self._settings.max_attempts:
            raise TooManyAttempts
        if self.job.stalled_attempts > STALLED_ATTEMPTS:
            raise NoProgress
        repository = self._new_repository(directory=self._directory, memory_mb=self._settings.memory_mb)
        try:
            start = self._resume(repository)
            end = self._fetch(repository, start)
            base = self._job_manager.current_snapshot()
            merge_seconds = (end.delivered + (base.rows if base else 0)) / MERGE_ROWS_PER_SECOND
            if end != start and self._remaining() < HAND_OVER_SECONDS + merge_seconds:
                self._checkpoint(repository, end)
                raise HandOver
            self._enter(Phase.MERGING, seconds=merge_seconds)
            return self._merge_and_publish(repository, end, base)
        finally:
            repository.close()
            self._source.close()
            shutil.rmtree(self._directory, ignore_errors=True)

    # -- fetching -----------------------------------------------------------------------------

    def _resume(self, repository: DuckDBWellProductionRepository) -> Cursor:
        """Where to begin: at the first page, or after the rows of the recorded segments."""
        self._fields = self._source.fields()
        if self.job.cursor is None:
            return self._source.first_cursor(self._key_fields())
        for name in segment_names(self.job.segments):
            segment = self._directory / "segment.parquet"
            self._warehouse.fetch(name, segment)
            repository.load_segment(segment)
            segment.unlink()
            self._beat()
        cursor = Cursor(**self.job.cursor)
        self.job = replace(self.job, fetched_records=cursor.delivered)
        self._note("resumed", page=cursor.page, records=cursor.delivered)
        return cursor

    def _fetch(self, repository: DuckDBWellProductionRepository, cursor: Cursor) -> Cursor:
        """Stage page after page; the cursor after the last one."""
        batch = Batch(self._directory / "batch.ndjson")
        pages = self._source.pages(cursor, self._key_fields())
        with Prefetched(pages, ahead=PAGES_AHEAD, while_waiting=self._beat) as arriving:
            for page in arriving:
                self._take(page, batch)
                cursor = page.next
                if self._is_due(batch) or cursor.url is None:
                    self._stage(repository, batch)
                    self._checkpoint_if_due(repository, cursor)
        return cursor

    def _take(self, page: Page, batch: Batch) -> None:
        batch.append(page.number, page.rows)
        stats = {
            "pages": page.number,
            "bytes": self.job.stats.get("bytes", 0) + page.bytes,
            "http_retries": self._source.retries,
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
            self._learn_fields(repository, batch)
            repository.stage(batch, self._mapping())
        batch.clear()
        self.job = replace(self.job, failed_records=repository.rejected_rows)

    def _learn_fields(self, repository: DuckDBWellProductionRepository, batch: Batch) -> None:
        """A source that leaves nulls out may show a field late. Looking costs a third of staging, so it is
        done only while a column that counts has no field.
        """
        mapping = self._mapping() if self._fields else {}
        if any(name not in mapping for name in VALUES):
            self._fields = list(dict.fromkeys([*self._fields, *repository.field_names(batch)]))

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
            self._checkpoint(repository, cursor)
            raise HandOver
        if self._is_checkpoint_due() and cursor.url is not None:
            self._checkpoint(repository, cursor)

    def _checkpoint(self, repository: DuckDBWellProductionRepository, cursor: Cursor) -> None:
        """The rows staged since the last checkpoint leave as one segment, then the job names it: a segment
        that no job names was never there.
        """
        path = self._directory / "segment.parquet"
        if rows := repository.export_segment(path):
            runs = add_segment(self.job.segments, self.job.job_id, self._claim.fence)
            self._warehouse.put(segment_names(runs)[-1], path, sha256=sha256_of(path))
            self.job = replace(self.job, segments=runs)
        path.unlink(missing_ok=True)
        self.job = replace(self.job, cursor=asdict(cursor))
        self._note("checkpoint", page=cursor.page, records=rows)
        self._checkpointed_at = self._clock()

    # -- merging and publishing ---------------------------------------------------------------

    def _merge_and_publish(
        self, repository: DuckDBWellProductionRepository, cursor: Cursor, base: Snapshot | None
    ) -> Job:
        store = self._directory / "wells.duckdb"
        self._check_room(base)
        if base:
            self._fetch_store(base, store)
        now = self._clock()
        result = repository.merge(store, self._facts(), now=now, warnings=self._source_warnings(cursor))
        self._enter(Phase.PUBLISHING, seconds=store.stat().st_size / PUBLISH_BYTES_PER_SECOND)
        repository.verify(store, rows=result.stored_records)
        snapshot = self._put(store, result)
        self.job = self._completed(result, cursor)
        self.job = self._job_manager.finish(self._claim, self.job, snapshot=snapshot, base=base.name if base else None)
        self._tidy(snapshot)
        return self.job

    def _check_room(self, base: Snapshot | None) -> None:
        needed = ROOM_FACTOR * (base.bytes if base else 0)
        free = shutil.disk_usage(self._directory).free
        if free < needed:
            raise ScratchFull(
                f"Merging needs about {needed >> 20:,} MB of local disk and {free >> 20:,} MB are free. Give the "
                "function more ephemeral storage, or WELLHEAD_SCRATCH more room."
            )

    def _fetch_store(self, base: Snapshot, store: Path) -> None:
        self._warehouse.fetch(base.name, store)
        if sha256_of(store) != base.sha256:
            raise WarehouseCorrupt

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
        changed = cursor.expected is not None and cursor.expected != cursor.delivered
        counts = {
            "SOURCE_CHANGED": abs((cursor.expected or 0) - cursor.delivered) if changed else 0,
            "UNKNOWN_FIELDS": len(unknown),
        }
        return {rule: count for rule, count in counts.items() if count}

    def _put(self, store: Path, result: MergeResult) -> Snapshot:
        snapshot = Snapshot(
            name=snapshot_name(self._claim.fence, self.job.job_id),
            fence=self._claim.fence,
            rows=result.stored_records,
            bytes=store.stat().st_size,
            sha256=sha256_of(store),
            job_id=self.job.job_id,
        )
        self._warehouse.put(snapshot.name, store, sha256=snapshot.sha256)
        return snapshot

    def _completed(self, result: MergeResult, cursor: Cursor) -> Job:
        now = self._clock()
        completed = replace(
            self.job,
            status=JobStatus.COMPLETED,
            phase=None,
            completed_at=now,
            progress_percentage=100.0,
            new_records=result.new_records,
            updated_records=result.updated_records,
            duplicate_records=result.duplicate_records,
            failed_records=result.failed_records,
            warnings=[
                {"rule": rule, "count": count, "message": WARNING_RULES[rule]}
                for rule, count in result.warnings.items()
            ],
        )
        if completed.total_records != cursor.delivered:
            raise PublishRefused(
                f"The source delivered {cursor.delivered:,} rows and {completed.total_records:,} are accounted for, so "
                "nothing was published. Start the import again."
            )
        return completed.with_event(now, "completed", records=completed.total_records)

    def _tidy(self, snapshot: Snapshot) -> None:
        """What follows the published snapshot; when it fails, the retry of the event or the sweeper does it."""
        try:
            self._warehouse.set_latest(snapshot.name)
            for name in segment_names(self.job.segments):
                self._warehouse.remove(name)
        except WarehouseUnavailable as exc:
            log.warning("the import is published, tidying the warehouse failed: %s", exc.message)

    # -- reporting ----------------------------------------------------------------------------

    def _enter(self, phase: Phase, *, seconds: float) -> None:
        """The lease of a phase without heartbeats is as long as the phase may take."""
        self.job = replace(self.job, phase=phase)
        self._note(phase.lower(), lease_seconds=self._settings.lease_seconds + seconds)

    def _note(self, event: str, *, lease_seconds: float | None = None, **facts: Any) -> None:
        """An event on the job's time line, stored at once."""
        self.job = self.job.with_event(self._clock(), event, **facts)
        self._report(lease_seconds)

    def _beat(self) -> None:
        """A sign of life, stored at most once a second."""
        if self._clock() - self._reported_at >= PROGRESS_SECONDS:
            self._report()

    def _report(self, lease_seconds: float | None = None) -> None:
        self.job = self._job_manager.progress(self._claim, self.job.with_progress(), lease_seconds=lease_seconds)
        self._reported_at = self._clock()
