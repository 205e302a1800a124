"""TimeLimits: how long requests to the source may go on,
and which error says that the time is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from chalicelib.errors import SourceTimeSpent, SourceTooSlow, WorkerTimeSpent

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.errors import SourceError


class Limit(NamedTuple):
    seconds: float
    error: type[SourceError]


class TimeLimits:
    """`source_seconds` are those that the source may still take, from now on;
    `remaining` gives the seconds that this worker has left to fetch in.
    """

    def __init__(
        self, *, source_seconds: float, remaining: Callable[[], float], clock: Callable[[], float]
    ) -> None:
        self._clock = clock
        self._source_until = clock() + source_seconds
        self._remaining = remaining

    def first(self) -> Limit:
        """The one that is over first. Of two at the same moment, the source's."""
        of_source = Limit(self._source_until - self._clock(), SourceTimeSpent)
        of_worker = Limit(self._remaining(), WorkerTimeSpent)
        return min(of_source, of_worker, key=_seconds)

    def first_of_exchange(self, seconds: float) -> Limit:
        """The same for one exchange, which may take so many seconds by itself."""
        of_exchange = Limit(seconds, SourceTooSlow)
        return min(self.first(), of_exchange, key=_seconds)

    def check(self, wait: float) -> None:
        """Whether there is time to wait so long. Raises SourceTimeSpent, WorkerTimeSpent."""
        limit = self.first()
        if wait >= limit.seconds:
            raise limit.error


def _seconds(limit: Limit) -> float:
    return limit.seconds
