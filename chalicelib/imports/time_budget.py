"""TimeBudget: how long a worker goes on before it hands over to the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HAND_OVER_SECONDS = 45.0  # kept for the last batch and its checkpoint


@dataclass(frozen=True)
class TimeBudget:
    """`remaining` tells the seconds that this invocation has left."""

    remaining: Callable[[], float]

    def is_up(self) -> bool:
        return not self.suffices(0.0)

    def suffices(self, seconds: float) -> bool:
        """For work of so many seconds, and a hand-over after it: with 280 seconds left a merge of
        230 is begun. One of 240 is left to the next worker, who has all of its time for it.
        """
        return self.remaining() >= HAND_OVER_SECONDS + seconds


def time_to_fetch(remaining: Callable[[], float]) -> Callable[[], float]:
    """The worker's time without what the last batch and its checkpoint need;
    of a short one, without a quarter.
    """
    for_hand_over = min(HAND_OVER_SECONDS, remaining() / 4)
    return lambda: remaining() - for_hand_over
