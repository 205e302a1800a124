"""The log of a job: its own last lines, for those who follow it. The log of the functions has more,
for operators.

    LOG#<job>   <fence>#worker#<place>     lines of the worker with this fence, 25 of them at most
    LOG#<job>   <fence>#<function>#<place> what another function told of the job while that fence was the newest

The places are a ring: the tenth item of a worker stands where its first one stood, so that a job of
many hours keeps as many lines as a short one. Nothing depends on these items: no write of them has
a condition, or ends an import.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from .dynamodb_item import without_none
from .lock import log_key, may_take_place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .table import Table

MOST_LINES = 200  # of an answer
LONGEST_LINE = 500  # characters
# Of 500 signs with four bytes each they are 50 kB; an item of the table may have 400.
LINES_OF_ITEM = 25
PLACES = MOST_LINES // LINES_OF_ITEM + 1  # the newest item is not full yet
WORKER = "worker"
KEPT_SECONDS = 30 * 86_400


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """`at` is by the clock of who wrote it, epoch seconds;
    `attempt` is None of a line that no worker wrote.
    """

    at: float
    level: str
    text: str
    fence: int = 0
    attempt: int | None = None

    def view(self) -> dict[str, Any]:
        return {
            "at": round(self.at, 3),
            "level": self.level,
            "text": self.text,
            "attempt": self.attempt,
            "fence": self.fence,
        }

    def to_attributes(self) -> dict[str, Any]:
        """Without the fence, which the item has once for all its lines."""
        values = {
            "at": self.at,
            "level": self.level,
            "text": self.text[:LONGEST_LINE],
            "attempt": self.attempt,
        }
        return without_none(values)

    @classmethod
    def from_attributes(cls, fence: int, attributes: Mapping[str, Any]) -> Self:
        return cls(
            at=attributes["at"],
            level=attributes["level"],
            text=attributes["text"],
            attempt=attributes.get("attempt"),
            fence=fence,
        )


class LogTable:
    """Every method raises StateUnavailable."""

    def __init__(self, table: Table, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def write(
        self, job_id: str, fence: int, lines: Sequence[LogLine], *, place: int, by: str = WORKER
    ) -> None:
        """The item at this place of the ring, in place of what stood there."""
        item = log_key(job_id, fence, by, place % PLACES) | {
            "fence": fence,
            "lines": [line.to_attributes() for line in lines],
            "expires_at": int(self._clock()) + KEPT_SECONDS,
        }
        step = self._table.put(item, when=may_take_place())
        self._table.transact([step])

    def read(self, job_id: str) -> list[LogLine]:
        """The newest lines, in their order.
        Those of a later worker come later, whatever its clock shows.
        """
        lines: list[LogLine] = []
        partition = log_key(job_id, 0, WORKER, 0)["pk"]
        before: str | None = None
        while True:
            items, before = self._table.newest(
                partition,
                limit=PLACES,
                names=("fence", "lines"),
                before=before,
            )
            for item in items:
                lines += [LogLine.from_attributes(item["fence"], line) for line in item["lines"]]
            if before is None or _has_enough(lines):
                in_order = sorted(lines, key=_fence_and_time)
                return in_order[-MOST_LINES:]


def _has_enough(lines: Sequence[LogLine]) -> bool:
    """Without those of the fence that was read last:
    more of it may follow, and its ring has no order.
    """
    if not lines:
        return False
    last_fence = lines[-1].fence
    count = sum(line.fence > last_fence for line in lines)
    return count >= MOST_LINES


def _fence_and_time(line: LogLine) -> tuple[int, float]:
    return line.fence, line.at
