"""The table's time: what the Date of its answers says of a process's own clock.

A lease is written by one process and judged by another, and their clocks may differ by more than
any grace. Both talk to the same table, and each of its answers tells its time (RFC 9110, section
6.6.1), in whole seconds:

    my clock       12:10:00.0 asks ──── 12:10:00.2 hears "12:00:00"
    so then it was between 12:00:00 and 12:00:01 when the table answered: my clock is ten minutes ahead

That gives bounds, not a moment: an answer that took long, because the process was frozen, says
less. A lease is given by the later bound and taken for over by the earlier one, so neither comes
short.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A clock so close to the table's is believed; the grace of a lease covers two of them.
CLOSE_SECONDS = 5.0
DATE_SECONDS = 1.0  # a Date leaves so much out


class TableTime:
    """`clock` is the process's own, epoch seconds.
    Until an answer has told a Date, it is believed.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        # What the table's clock is ahead of this one, at least and at most.
        self._least = self._most = 0.0

    def note(self, answer: Mapping[str, Any], *, asked_at: float) -> None:
        """Learn from an answer of botocore's. `asked_at` is of this process's clock."""
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        try:
            date = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except ValueError:
            return
        heard_at = self.clock()
        # The table answered between the two moments of this clock, and between `date` and a second
        # later by its own: asked at 10.0, heard at 10.2, date 7, so it is 2 to 3.2 s behind.
        self._least = date - heard_at
        self._most = date + DATE_SECONDS - asked_at
        is_close = self._least >= -CLOSE_SECONDS and self._most <= CLOSE_SECONDS
        if is_close:
            self._least = self._most = 0.0

    def earliest(self, now: float) -> float:
        """The table's time is not before this one when the process's clock shows `now`."""
        return now + self._least

    def latest(self, now: float) -> float:
        """The table's time is not after this one."""
        return now + self._most
