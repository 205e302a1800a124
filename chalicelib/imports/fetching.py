"""Fetching: page after page of every part → batches → segments → checkpoints."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from chalicelib.errors import SourceError, SourceTooLarge, WorkerTimeSpent
from chalicelib.store.batch import FULL_BYTES

from .part_reading import PAGES_OF_A_PART
from .publication import check_room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot
    from chalicelib.odata.cursor import Page
    from chalicelib.settings import Settings
    from chalicelib.sources.reader import SourceReader
    from chalicelib.store.repository import DuckDBWellProductionRepository

    from .checkpoints import Checkpoints
    from .fields import SourceFields
    from .part_reading import PartReading, PartsReading
    from .progress import Progress
    from .time_budget import TimeBudget

PAGES_AHEAD = 2
# In the batches of all parts, on local disk. Beyond it the largest batch becomes a segment.
OPEN_BYTES = 4 * FULL_BYTES
BYTES_AHEAD = 16 << 20  # three pages of the usual size; of a large page there is only one
LOOKED_AT = 20  # rows of a table
# Of a batch that is staged before its part is at its end. To plan how takes DuckDB as long as some
# 3,000 rows.
EARLY_ROWS = 8_192

log = logging.getLogger(__name__)


class HandOver(Exception):
    """The time budget is used up, and all that was staged stands in a checkpoint."""


class Fetching:
    """`beat` is a sign of life, `base` what is published,
    `threads` how many parts are read at once. A batch of `early_rows` may be staged before its
    part is at its end.
    """

    def __init__(
        self,
        parts: PartsReading,
        *,
        source: SourceReader,
        fields: SourceFields,
        repository: DuckDBWellProductionRepository,
        checkpoints: Checkpoints,
        progress: Progress,
        budget: TimeBudget,
        settings: Settings,
        directory: Path,
        clock: Callable[[], float],
        beat: Callable[[], None],
        prefetch: Callable[..., AbstractContextManager[Iterable[Any]]],
        base: Callable[[], Snapshot | None],
        threads: int,
        open_bytes: int = OPEN_BYTES,
        early_rows: int = EARLY_ROWS,
    ) -> None:
        self.parts = parts
        self._source = source
        self._fields = fields
        self._repository = repository
        self._checkpoints = checkpoints
        self._progress = progress
        self._budget = budget
        self._settings = settings
        self._directory = directory
        self._clock = clock
        self._beat = beat
        self._prefetch = prefetch
        self._base = base
        self._threads = threads
        self._open_bytes = open_bytes
        self._early_rows = early_rows
        self._checkpoint_at = clock()
        self._room: Callable[..., None] | None = None

    def run(self) -> None:
        """To the end of every part. Raises HandOver, SourceError, ScratchFull,
        OutOfMemory, LeaseLost, CancelRequested, StateUnavailable.
        """
        try:
            with self._pages() as pages:
                for part, page in pages:
                    self._check_room(page)
                    if page.table and part.batch.rows:
                        self._stage(part)  # a table is a segment of its own
                    self._take(part, page)
                    self._stage_the_largest()
                    if self._is_due(part) or part.is_at_end:
                        self._stage(part)
                        self._checkpoint_if_due()
        except WorkerTimeSpent:
            self.hand_over()

    def _pages(self) -> AbstractContextManager[Iterable[tuple[PartReading, Page]]]:
        """Read ahead of their use."""
        open_parts = [part for part in self.parts.parts if not part.is_at_end]
        return self._prefetch(
            *(self._pages_of(part) for part in open_parts),
            ahead=max(PAGES_AHEAD, min(self._threads, len(open_parts))),
            threads=self._threads,
            while_waiting=self._beat,
            meanwhile=self._stage_meanwhile,
            weigh=lambda item: item[1].size,
            most_weight=BYTES_AHEAD,
        )

    def _pages_of(self, part: PartReading) -> Iterator[tuple[PartReading, Page]]:
        try:
            for page in self._source.pages(part.cursor, self._fields.survey):
                yield part, page
        except SourceError as exc:
            if exc.details.get("page"):
                exc.details["page"] += part.number * PAGES_OF_A_PART
            raise

    def _check_room(self, page: Page) -> None:
        """As soon as the source has told how many rows it has, before they fill the disk.
        Raises ScratchFull.
        """
        if self._room is None:
            self._room = partial(check_room, self._directory, self._base())
            is_one_part = self.parts.first is None
            cursor = page.next if is_one_part else self.parts.cursor
            self._ask_for_room(cursor.expected)

    def _ask_for_room(self, expected: int | None) -> None:
        """For the rows to come, beside those staged;
        with their true size, for rows may be wider than anybody guessed. Raises ScratchFull.
        """
        if self._room is None or expected is None:
            return
        to_stage = max(0, expected - self.parts.cursor.delivered)
        self._room(to_stage=to_stage, staged_bytes=self._repository.staged_bytes)

    def _take(self, part: PartReading, page: Page) -> None:
        self._fields.look_at(page.rows)
        part.take(page)
        self._refuse_too_many()
        cursor = self.parts.cursor
        self._progress.set_stats(pages=self.parts.pages, bytes=cursor.bytes)
        self._progress.change(expected_records=cursor.expected, fetched_records=cursor.delivered)
        self._checkpoints.show(self.parts)
        self._beat()

    def _refuse_too_many(self) -> None:
        """Of one part its reader does it. Raises SourceTooLarge."""
        limit = self._settings.max_pages
        if self.parts.pages > limit:
            raise SourceTooLarge(
                f"The source has more than {limit:,} pages.", page=self.parts.pages
            )

    # -- staging ------------------------------------------------------------------------------

    def _is_due(self, part: PartReading) -> bool:
        if part.batch.is_full:
            return True
        return self._is_checkpoint_due() or self._budget.is_up()

    def _stage_the_largest(self) -> None:
        """Where many parts have each something, and together too much."""
        parts = self.parts.parts
        open_bytes = sum(part.batch.size for part in parts)
        if open_bytes > self._open_bytes:
            largest = max(parts, key=lambda part: part.batch.size)
            self._stage(largest)

    def _stage_meanwhile(self) -> None:
        """While no page is there, what would be left to do when the last one is. Parts of one size
        come to their ends together, and their rows would be staged one after the other then.
        Once for each part: every segment costs the merge.
        """
        parts = self.parts.parts
        if len(parts) == 1:
            return
        well_on = [part for part in parts if part.is_well_on and not part.is_staged_early]
        largest = max(well_on, key=lambda part: part.batch.rows, default=None)
        if largest and largest.batch.rows >= self._early_rows:
            largest.is_staged_early = True
            self._stage(largest)

    def _stage(self, part: PartReading) -> None:
        """The rows that were taken of the part, as a segment."""
        batch = part.batch
        repository = self._repository
        was_in_step = part.is_in_step
        part.is_in_step = False  # a failure in between leaves rows that are staged and not noted
        if batch.rows:
            began = self._clock()
            self._fields.learn(repository, batch)
            if batch.table:
                self._fields.look_at_periods(repository.rows_of(batch.table, LOOKED_AT))
            rejected_before = repository.rejected_rows
            reading = self._fields.reading(batch.table)
            segment = repository.stage(batch, reading, self._fields.grain(), part=part.number)
            newest, undated = self._fields.note_changes(repository, batch)
            part.note_changes(newest, undated)
            part.rejected += repository.rejected_rows - rejected_before
            cursor = part.cursor_to_store()
            part.segments.add(segment, cursor.to_attributes(self._settings.source_url))
            self._ask_for_room(self.parts.cursor.expected)
            self._progress.add_seconds("staging_seconds", self._clock() - began)
        part.clear()
        part.is_in_step = was_in_step
        self._progress.change(
            failed_records=repository.rejected_rows, skipped_records=repository.passed_over_rows
        )

    # -- checkpoints --------------------------------------------------------------------------

    def _is_checkpoint_due(self) -> bool:
        seconds = self._clock() - self._checkpoint_at
        return seconds >= self._settings.checkpoint_seconds

    def _checkpoint_if_due(self) -> None:
        if self._budget.is_up():
            self.hand_over()
        if self._is_checkpoint_due() and self.parts.cursor.url is not None:
            self.checkpoint()

    def checkpoint(self) -> None:
        """All that was taken is staged, and the segments since the last checkpoint go into the
        warehouse. Then the table names them: one that it does not name was never there.
        """
        for part in self.parts.parts:
            self._stage(part)
        # A failure between the warehouse and the table leaves segments that no item names: what was
        # taken cannot be kept by a second checkpoint then.
        for part in self.parts.parts:
            part.is_in_step = False
        self._checkpoints.store(self.parts, self._fields.fingerprint())
        for part in self.parts.parts:
            part.is_in_step = True
        self._checkpoint_at = self._clock()

    def hand_over(self) -> NoReturn:
        """Raises HandOver."""
        self._progress.count_seconds()
        self.checkpoint()
        raise HandOver

    def keep_rows(self) -> None:
        """The import fails, and a retry goes on after the last page,
        not after the last checkpoint.
        """
        are_in_step = all(part.is_in_step for part in self.parts.parts)
        has_news = any(part.has_news for part in self.parts.parts)
        if not are_in_step or not has_news:
            return
        try:
            self.checkpoint()
        except Exception as exc:  # noqa: BLE001  what failed first is what is told
            log.warning(
                "the rows fetched since the last checkpoint are not kept: %s", type(exc).__name__
            )
