"""PartImport: one part of a source, read by a worker of its own beside others. Its rows end as
segments in the warehouse, its place in the part's item; who merges takes them from there, as any
worker what an earlier one has left.

    part 3   attempt 2 ── checkpoint ── †
    part 3                                 attempt 3 ── goes on from there ── done
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import ImportFailed, WorkerTimeSpent
from chalicelib.jobs.parts import PartTable
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.reading import Way
from chalicelib.store.period import RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository

from .fetching import OPEN_BYTES, Fetching, HandOver
from .fields import SourceFields
from .going_on import lets_a_retry_go_on
from .part_progress import PartProgress
from .part_reading import PartReading, PartsReading
from .partial import is_partial
from .planning import Planning, join_fingerprints
from .prefetch import Prefetch, run_beside
from .segments import Segments
from .time_budget import TimeBudget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from chalicelib.jobs.checkpoint import Checkpoint
    from chalicelib.jobs.lock import Claim
    from chalicelib.jobs.manager import JobManager
    from chalicelib.jobs.parts import Part
    from chalicelib.odata.survey import Survey
    from chalicelib.settings import Settings
    from chalicelib.sources.reader import SourceReader
    from chalicelib.warehouse.names import Warehouse

    from .fingerprint import Fingerprint

    NewRepository = Callable[..., DuckDBWellProductionRepository]


class PartImport:
    """The part `number` of a claimed import.
    `remaining` tells the seconds left of the worker's time budget.
    """

    def __init__(
        self,
        number: int,
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
        open_bytes: int = OPEN_BYTES,
        keep_log: Callable[..., None] = lambda **_: None,
    ) -> None:
        self.has_moved = False  # whether any row came before the time was over
        self._number = number
        self._claim = claim
        self._settings = settings
        self._source = source
        self._directory = directory
        self._budget = TimeBudget(remaining)
        self._clock = clock
        self._new_repository = new_repository
        self._prefetch = prefetch
        self._open_bytes = open_bytes
        self._table = PartTable(table=job_manager.table, clock=clock)
        self._segments = partial(
            Segments, warehouse=warehouse, directory=directory, claim=claim, part=number
        )
        self._progress = PartProgress(
            claim=claim,
            job_manager=job_manager,
            table=self._table,
            lease_seconds=settings.lease_seconds,
            clock=clock,
            keep_log=keep_log,
        )
        self._planning = Planning(
            claim=claim,
            table=self._table,
            progress=self._progress,
            settings=settings,
            directory=directory,
            segments=lambda _: self._segments(),
        )

    def run(self) -> None:
        """To the end of the part.
        Raises HandOver, LeaseLost, CancelRequested, StateUnavailable, ImportFailed.
        """
        checkpoint = self._claim.job.checkpoint
        if checkpoint is None or checkpoint.plan is None:
            return  # another plan has taken the place of this one's
        items = self._planning.items(checkpoint.plan)
        if not items or items[self._number].is_done:
            return
        repository = self._new_repository(
            directory=self._directory,
            memory_mb=self._settings.memory_mb,
            source=RowSource.of(self._settings),
        )
        try:
            self._progress.report()
            self._fetch(checkpoint, items[self._number], repository)
        except WorkerTimeSpent as exc:
            raise HandOver from exc
        finally:
            repository.close()
            self._source.close()
            shutil.rmtree(self._directory, ignore_errors=True)

    def _fetch(
        self, checkpoint: Checkpoint, item: Part, repository: DuckDBWellProductionRepository
    ) -> None:
        before = join_fingerprints([checkpoint.source or {}, item.checkpoint.source or {}])
        before.refuse_other_settings(self._settings.source_id)
        fields = SourceFields(survey=self._survey(item, before), settings=self._settings)
        item = self._table.begin(self._claim, self._planning.plan_of(checkpoint), item)
        cursor = Cursor.from_attributes(item.checkpoint.cursor, self._settings.source_url)
        fields.go_on_from(cursor, before)
        segments = self._segments(attempt=item.attempt)
        part = PartReading.of(cursor, segments, self._directory, item=item)
        fetching = Fetching(
            PartsReading(parts=[part]),
            source=self._source,
            fields=fields,
            repository=repository,
            checkpoints=self._planning.checkpoints(checkpoint),
            progress=self._progress,
            budget=self._budget,
            settings=self._settings,
            directory=self._directory,
            clock=self._clock,
            beat=self._beat,
            prefetch=self._prefetch,
            base=lambda: None,
            threads=1,
            open_bytes=self._open_bytes,
        )
        try:
            fetching.run()
            fetching.checkpoint()  # the part's item says then that it is done
        except HandOver:
            self.has_moved = part.cursor != cursor
            raise
        except ImportFailed as exc:
            if lets_a_retry_go_on(exc):
                fetching.keep_rows()
            raise

    def _survey(self, item: Part, before: Fingerprint) -> Survey:
        is_by_keys = item.checkpoint.cursor.get("way") == Way.KEYS
        with_types = is_by_keys or is_partial(self._claim.job.parameters)

        def take_survey() -> Survey:
            self._source.go_back(before.files)
            return self._source.survey(with_types=with_types)

        return run_beside(take_survey, while_waiting=self._beat, prefetch=self._prefetch)

    def _beat(self) -> None:
        self._progress.change(waiting=self._source.waiting)
        self._progress.beat()


def settings_of_a_part(settings: Settings, at_once: int) -> Settings:
    """What one of so many workers may ask of the source,
    so that all of them together keep to its limits.
    """
    return replace(
        settings,
        source_connections=max(1, settings.source_connections // at_once),
        source_rps=settings.source_rps / at_once,
    )
