"""Planning: the parts that a source is read in,
made once and taken up again by each worker that goes on with them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.jobs.checkpoint import Checkpoint, Plan
from chalicelib.jobs.parts import Part, PartState
from chalicelib.odata.cursor import Cursor

from .checkpoints import CheckpointsOfParts
from .fingerprint import Fingerprint, is_of_this_form
from .part_reading import PartReading, PartsReading
from .seal import NO_SEAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from chalicelib.jobs.lock import Claim
    from chalicelib.jobs.parts import PartTable
    from chalicelib.settings import Settings
    from chalicelib.store.repository import DuckDBWellProductionRepository

    from .progress import Progress
    from .segments import Segments


@dataclass(frozen=True, kw_only=True)
class Planning:
    """`segments` makes those of a part, by its number."""

    claim: Claim
    table: PartTable
    progress: Progress
    settings: Settings
    directory: Path
    segments: Callable[[int], Segments]

    def plan(
        self, first: Cursor, cursors: Sequence[Cursor], fingerprint: Fingerprint
    ) -> PartsReading:
        """The parts from these cursors on; the table knows them and the job names them then.
        Raises LeaseLost, CancelRequested, StateUnavailable.
        """
        source = fingerprint.to_attributes()
        items = [self._item(number, cursor, source) for number, cursor in enumerate(cursors)]
        # The items first: a job that names a plan has all parts of it in the table.
        self.table.plan(self.claim, items)
        readings = [
            self._reading(item, cursor, self.segments(item.number))
            for item, cursor in zip(items, cursors, strict=True)
        ]
        parts = PartsReading(parts=readings, first=first.at_start())
        plan = Plan(job_id=self.claim.job.job_id, parts=len(items))
        cursor = parts.cursor
        self.progress.change(
            checkpoint=Checkpoint(
                cursor=self._cursor_to_store(cursor), seal=NO_SEAL, source=source, plan=plan
            ),
            expected_records=cursor.expected,
            parts={"count": len(items), "done": 0},
        )
        self.progress.note("planned", parts=len(items), records=cursor.expected)
        return parts

    def items(self, plan: Plan) -> list[Part]:
        """Empty where one of them is gone, or was read in another form than today's.
        Raises StateUnavailable.
        """
        items = self.table.read(plan) or []
        are_of_this_form = all(is_of_this_form(item.checkpoint.source) for item in items)
        return items if are_of_this_form else []

    def load(
        self,
        checkpoint: Checkpoint,
        items: Sequence[Part],
        repository: DuckDBWellProductionRepository,
        *,
        at_start: Callable[[Cursor], Cursor],
        join: Callable[[Segments, Checkpoint], Checkpoint],
    ) -> PartsReading:
        """The rows of all parts that are proved are staged; each part goes on behind them.
        `at_start` tells where a part begins. Raises LeaseLost, StateUnavailable,
        WarehouseUnavailable, ScratchFull.
        """
        first = self._restore(checkpoint).at_start()
        parts = [
            self._load_part(checkpoint, item, repository, at_start=at_start, join=join)
            for item in items
        ]
        return PartsReading(parts=parts, first=first)

    def load_whole(
        self,
        checkpoint: Checkpoint,
        items: Sequence[Part],
        repository: DuckDBWellProductionRepository,
    ) -> PartsReading | None:
        """All rows, staged; nothing more is read of the parts, or of the one that the source is.
        None when a segment is not as it was. Raises LeaseLost, StateUnavailable,
        WarehouseUnavailable, ScratchFull.
        """
        checkpoints = [item.checkpoint for item in items] or [checkpoint]
        parts = []
        for number, of_part in enumerate(checkpoints):
            segments = self.segments(number)
            if segments.load(repository, of_part, beat=self.progress.beat) != of_part:
                return None
            item = items[number] if items else None
            cursor = self._restore(of_part)
            parts.append(PartReading.of(cursor, segments, self.directory, item=item))
        first = self._restore(checkpoint).at_start() if items else None
        return PartsReading(parts=parts, first=first)

    def _load_part(
        self,
        checkpoint: Checkpoint,
        item: Part,
        repository: DuckDBWellProductionRepository,
        *,
        at_start: Callable[[Cursor], Cursor],
        join: Callable[[Segments, Checkpoint], Checkpoint],
    ) -> PartReading:
        segments = self.segments(item.number)
        rejected_before = repository.rejected_rows
        proved = segments.load(repository, item.checkpoint, beat=self.progress.beat)
        if proved is None:  # not even its first segment is as it was written
            first = at_start(self._restore(item.checkpoint))
            proved = replace(
                item.checkpoint,
                cursor=self._cursor_to_store(first),
                segments=[],
                seal=NO_SEAL,
            )
        loaded = join(segments, proved)
        cursor = self._restore(loaded)
        # A part that is done, and is as it was, needs no other attempt.
        if item.state is PartState.OPEN or loaded != item.checkpoint:
            as_loaded = replace(
                item,
                checkpoint=loaded,
                state=PartState.OPEN if cursor.url else PartState.DONE,
                delivered=cursor.delivered,
                rejected=repository.rejected_rows - rejected_before,
            )
            item = self.table.begin(self.claim, self.plan_of(checkpoint), as_loaded)
        return self._reading(item, cursor, segments)

    def checkpoints(self, checkpoint: Checkpoint) -> CheckpointsOfParts:
        """Of the parts whose plan this one names."""
        return CheckpointsOfParts(
            table=self.table,
            plan=self.plan_of(checkpoint),
            claim=self.claim,
            progress=self.progress,
            source_url=self.settings.source_url,
        )

    def plan_of(self, checkpoint: Checkpoint) -> Plan:
        if checkpoint.plan is None:
            raise ValueError("the checkpoint is not that of a plan")
        return checkpoint.plan

    def _item(self, number: int, cursor: Cursor, source: dict[str, object]) -> Part:
        return Part(
            number=number,
            filter=cursor.range,
            checkpoint=Checkpoint(
                cursor=self._cursor_to_store(cursor), seal=NO_SEAL, source=source
            ),
            expected=cursor.expected,
            attempt=1,  # that of who plans, and may go on to read the parts
        )

    def _reading(self, item: Part, cursor: Cursor, segments: Segments) -> PartReading:
        return PartReading.of(cursor, segments, self.directory, item=item)

    def _restore(self, checkpoint: Checkpoint) -> Cursor:
        return Cursor.from_attributes(checkpoint.cursor, self.settings.source_url)

    def _cursor_to_store(self, cursor: Cursor) -> dict[str, object]:
        return cursor.to_attributes(self.settings.source_url)


def join_fingerprints(sources: Sequence[dict[str, object]]) -> Fingerprint:
    """Of rows that were read with these: a column that one of them lacked is one that was missing.
    Raises SourceChangedSince when they are not of one source and mapping.
    """
    fingerprints = [Fingerprint(**source) for source in sources]  # type: ignore[arg-type]
    joined, *others = fingerprints
    for other in others:
        joined = joined.join(other)
    return joined
