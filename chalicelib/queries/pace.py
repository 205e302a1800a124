"""Pace: whether what is made row by row will be ready in time, by the rows so far."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chalicelib.errors import ListTooLarge, QueryTooSlow

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_LOOK = 0.2  # of the time: sooner it would be a guess


class Pace:
    """It begins with the first rows."""

    def __init__(
        self, rows: int, *, kind: str, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises QueryTooSlow where the time is over already."""
        if seconds <= 0:
            raise QueryTooSlow
        self._rows = rows
        self._kind = kind
        self._seconds = seconds
        self._clock = clock
        self._began = clock()
        self._done = 0

    def add(self, rows: int) -> None:
        """So many more are done.
        Raises ListTooLarge as soon as it is seen that all of them take too long.
        """
        self._done += rows
        took = self._clock() - self._began
        if self._done >= self._rows or took < FIRST_LOOK * self._seconds:
            return
        if took * self._rows / self._done > self._seconds:
            in_time = max(0, int(self._done * self._seconds / took))
            told = (
                f"The list has {self._rows:,} rows, and making {self._kind} of them takes longer than a request may: "
                f"some {in_time:,} are made in time. Ask for less, such as one field or fewer years, or take a format "
                "that is made faster: parquet, or csv in place of xlsx."
            )
            raise ListTooLarge(
                told,
                rows=self._rows,
                most_rows=in_time,
                format=self._kind,
            )
