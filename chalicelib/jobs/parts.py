"""Parts: what the table says of the parts of a source that are read at once.

    planned ── PART#<job> 00000 … 00015, each with the filter of its rows ── then the job names the plan
    worker A   attempt 1 ── checkpoint ── checkpoint ── dies
    worker B                                               attempt 2 ── goes on from there ── the part is done
    worker C   reads attempt 1 ── freezes ....................................... attempt 2 ✗: it is B's

Each part has a checkpoint of its own, so one that is done is not read again. Whoever writes holds
the lock, and a part is written by the worker that began with it last: one that froze changes
nothing. What a plan has written and no job names was never there.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from chalicelib.errors import LeaseLost

from .checkpoint import Checkpoint
from .dynamodb_item import without_none
from .lock import LOCK, is_mine, is_no_later_plan, part_is_of, part_key, same_part
from .table import ConditionRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .checkpoint import Plan
    from .lock import Claim
    from .table import Condition, Table

MOST_PARTS = 64
# A held import is accepted within a week, and DynamoDB deletes an expired item days late.
KEPT_SECONDS = 30 * 86_400


class PartState(StrEnum):
    OPEN = "OPEN"
    DONE = "DONE"


@dataclass(frozen=True, kw_only=True)
class Part:
    """`filter` tells its rows, as the reader of the source says it; `expected` of them were counted
    when it was planned. `attempt` counts the workers that began with it, and `worker` is the last
    of them, by a name that no other one has: workers who share a claim may all count on from the
    same attempt. None where nobody has begun since the plan, or a worker of an earlier version.
    """

    number: int
    filter: str
    checkpoint: Checkpoint
    expected: int | None = None
    state: PartState = PartState.OPEN
    attempt: int = 0
    worker: str | None = None
    delivered: int = 0
    rejected: int = 0

    @property
    def is_done(self) -> bool:
        return self.state is PartState.DONE

    def to_attributes(self) -> dict[str, Any]:
        names = ("filter", "expected", "state", "attempt", "worker", "delivered", "rejected")
        values = {name: getattr(self, name) for name in names}
        return without_none(values) | self.checkpoint.to_attributes()

    @classmethod
    def from_attributes(cls, number: int, attributes: Mapping[str, Any]) -> Self:
        names = ("filter", "expected", "attempt", "worker", "delivered", "rejected")
        values = {name: attributes[name] for name in names if name in attributes}
        return cls(
            number=number,
            checkpoint=Checkpoint.from_attributes(attributes),
            state=PartState(attributes["state"]),
            **values,
        )


class PartTable:
    """Every method raises StateUnavailable."""

    def __init__(self, *, table: Table, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def plan(self, claim: Claim, parts: Sequence[Part]) -> None:
        """All of them or none, in place of what an earlier worker planned. Raises LeaseLost."""
        when = is_no_later_plan(claim.fence)
        writes = []
        for part in parts:
            item = self._item(claim, claim.job.job_id, part)
            writes.append(self._table.put(item, when=when))
        self._write(claim, *writes)

    def read(self, plan: Plan) -> list[Part] | None:
        """In their order; None when one is not there."""
        parts = []
        for number in range(plan.parts):
            item = self._table.read(part_key(plan.job_id, number))
            if item:
                parts.append(Part.from_attributes(number, item))
        # A part goes 30 days after its last write, and the others are of no use without it.
        all_are_there = len(parts) == plan.parts
        return parts if all_are_there else None

    def begin(self, claim: Claim, plan: Plan, part: Part) -> Part:
        """The part in its next attempt.
        Raises LeaseLost: another worker has begun with it since it was read.
        """
        # A name for this attempt alone: by it a lost answer is told from a lost race.
        mine = replace(part, attempt=part.attempt + 1, worker=uuid.uuid4().hex)
        try:
            self._put(claim, plan, mine, when=same_part(part.attempt))
        except LeaseLost:
            if not self._is_stored(claim, plan, mine):  # else only the answer was lost
                raise
        return mine

    def store(self, claim: Claim, plan: Plan, part: Part) -> None:
        """What has become of the part in this attempt. Raises LeaseLost."""
        is_still_mine = same_part(part.attempt) & part_is_of(part.worker)
        self._put(claim, plan, part, when=is_still_mine)

    def _is_stored(self, claim: Claim, plan: Plan, mine: Part) -> bool:
        item = self._table.read(part_key(plan.job_id, mine.number))
        if item is None:
            return False
        is_by_me = item.get("worker") == mine.worker
        is_of_this_claim = item.get("fence") == claim.fence
        return bool(is_by_me and is_of_this_claim)

    def _put(self, claim: Claim, plan: Plan, part: Part, *, when: Condition) -> None:
        item = self._item(claim, plan.job_id, part)
        step = self._table.put(item, when=when)
        self._write(claim, step)

    def _item(self, claim: Claim, job_id: str, part: Part) -> dict[str, Any]:
        return {
            **part_key(job_id, part.number),
            **part.to_attributes(),
            "fence": claim.fence,
            "expires_at": int(self._clock()) + KEPT_SECONDS,
        }

    def _write(self, claim: Claim, *writes: dict[str, Any]) -> None:
        # The lock is looked at and not written: many parts go on under one claim at once.
        lock_check = self._table.check(LOCK, when=is_mine(claim))
        try:
            self._table.transact([lock_check, *writes])
        except ConditionRefused:
            raise LeaseLost from None
