"""Checkpoints: where the table keeps how far an import has come. Those of a source that is read as
a whole stand in the job's item, those of its parts in items of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.parts import PartState

from .seal import NO_SEAL

if TYPE_CHECKING:
    from chalicelib.jobs.checkpoint import Plan
    from chalicelib.jobs.lock import Claim
    from chalicelib.jobs.parts import Part, PartTable

    from .fingerprint import Fingerprint
    from .part_reading import PartReading, PartsReading
    from .progress import Progress


class Checkpoints(Protocol):
    def store(self, parts: PartsReading, fingerprint: Fingerprint) -> None:
        """All segments of the parts, and how far they go.
        Raises WarehouseUnavailable, ScratchFull, LeaseLost, CancelRequested, StateUnavailable.
        """

    def show(self, parts: PartsReading) -> None:
        """What the next report tells of the parts."""


@dataclass(frozen=True, kw_only=True)
class CheckpointsOfJob:
    progress: Progress
    source_url: str

    def store(self, parts: PartsReading, fingerprint: Fingerprint) -> None:
        (part,) = parts.parts  # a source that is read in several has a plan
        before = self.progress.job.checkpoint
        after = Checkpoint(
            cursor=part.cursor_to_store().to_attributes(self.source_url),
            source=fingerprint.to_attributes(),
        )
        self.progress.change(checkpoint=part.segments.store(before, after))
        part.stored_to = part.cursor
        rows = part.cursor.delivered - _rows_before(before)
        self.progress.note("checkpoint", page=part.cursor.page, records=rows)

    def show(self, parts: PartsReading) -> None:
        """There is one."""


@dataclass(frozen=True, kw_only=True)
class CheckpointsOfParts:
    """The job's own checkpoint names the `plan`;
    its cursor has the counts of all parts together.
    """

    table: PartTable
    plan: Plan
    claim: Claim
    progress: Progress
    source_url: str

    def store(self, parts: PartsReading, fingerprint: Fingerprint) -> None:
        before = self.progress.job.checkpoint
        for part in parts.parts:
            if part.item and part.has_news:
                self._store(part, part.item, fingerprint)
                self.progress.beat()  # the lease would be over before all parts are stored
        after = Checkpoint(
            cursor=parts.cursor.to_attributes(self.source_url),
            seal=NO_SEAL,
            source=fingerprint.to_attributes(),
            plan=self.plan,
        )
        self.progress.change(checkpoint=after)
        self.show(parts)
        rows = parts.cursor.delivered - _rows_before(before)
        self.progress.note("checkpoint", page=parts.cursor.page, records=rows)

    def _store(self, part: PartReading, item: Part, fingerprint: Fingerprint) -> None:
        after = Checkpoint(
            cursor=part.cursor_to_store().to_attributes(self.source_url),
            source=fingerprint.to_attributes(),
        )
        checkpoint = part.segments.store(item.checkpoint, after)
        state = PartState.DONE if part.is_at_end else PartState.OPEN
        part.item = replace(
            item,
            checkpoint=checkpoint,
            state=state,
            delivered=part.cursor.delivered,
            rejected=part.rejected,
        )
        self.table.store(self.claim, self.plan, part.item)
        part.stored_to = part.cursor  # not before: what the table has not taken is still news

    def show(self, parts: PartsReading) -> None:
        counts = {"count": len(parts.parts), "done": parts.finished_parts}
        self.progress.change(parts=counts)


def _rows_before(checkpoint: Checkpoint | None) -> int:
    """How many rows lie before it."""
    return checkpoint.cursor["delivered"] if checkpoint else 0
