"""Throttle: how many requests are under way at once, and how often one begins.

The rule is TCP's: a source that is overloaded halves the requests under way, and each round of good
answers adds one again, up to one less than were refused; that many are tried again after a calm
time alone. So the setting for connections is an upper bound, and the source decides how many are
really used.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALM_SECONDS = 30.0  # without a refusal, until one request more is tried than the source took
SLOW_FACTOR = 4.0  # times what an answer usually takes
SLOW_SECONDS = 1.0  # an answer within it is never slow
ANSWERS_BEFORE_JUDGING = 5
MEMORY = 20  # answers; the usual time follows the source within so many


@dataclass
class Slot:
    """One request under way, with which `at_once` were.
    Its holder says so when the source was overloaded.
    """

    began: float
    at_once: int = 1
    overloaded: bool = False
    failed: bool = False


class Throttle:
    """Safe for threads.
    `most` requests at once; `per_second` of all of them together, 0 for no cap.
    """

    def __init__(
        self,
        *,
        most: int,
        per_second: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._most = most
        self._spacing = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._sleep = sleep
        self._free = threading.Condition()
        self._limit = float(most)
        self._taken = most  # so many at once have not been refused
        self._refused_at = float("-inf")
        self._active = 0
        self._next_at = clock()
        self._paused_until = float("-inf")
        self._reduced_at = float("-inf")
        self._usual_seconds = 0.0
        self._answers = 0

    @property
    def limit(self) -> int:
        """How many requests may be under way now."""
        return int(self._limit)

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Wait until a request may begin. Whatever is raised inside counts as no answer."""
        with self._free:
            self._free.wait_for(lambda: self._active < self.limit)
            self._active += 1
        try:
            self._wait_for_turn()
            slot = Slot(began=self._clock(), at_once=self._active)
            try:
                yield slot
            except BaseException:
                slot.failed = True
                raise
            finally:
                self._learn(slot)
        finally:
            with self._free:
                self._active -= 1
                self._free.notify_all()

    def pause(self, seconds: float) -> None:
        """No request begins before so many seconds are over:
        the source asked one of them to wait.
        """
        with self._free:
            self._paused_until = max(self._paused_until, self._clock() + seconds)
            self._next_at = max(self._next_at, self._paused_until)

    def _wait_for_turn(self) -> None:
        """Another one, where the source has asked for a pause while this one was waited for."""
        while True:
            with self._free:
                now = self._clock()
                turn = max(now, self._next_at)
                self._next_at = turn + self._spacing
            if turn > now:
                self._sleep(turn - now)
            if turn >= self._paused_until:
                return

    def _learn(self, slot: Slot) -> None:
        with self._free:
            now = self._clock()
            if slot.overloaded or (not slot.failed and self._is_slow(now - slot.began)):
                self._reduce(slot, now)
            elif not slot.failed:
                # One more at a time, after as many good answers as there are at a time.
                larger = self._limit + 1 / self._limit
                self._limit = min(float(self._most_now(now)), larger)

    def _most_now(self, now: float) -> int:
        if self._taken < self._most and now - self._refused_at >= CALM_SECONDS:
            self._taken += 1
            self._refused_at = now
        return self._taken

    def _reduce(self, slot: Slot, now: float) -> None:
        """Once for all the requests that were under way together:
        they tell of one and the same overload.
        """
        if slot.began >= self._reduced_at:
            at_once = max(slot.at_once, self._active)
            # Refused with 16 under way: from now on 15 at most, until it was calm for a while.
            if slot.overloaded and at_once > 1:
                self._taken = at_once - 1
                self._refused_at = now
            self._limit = max(1.0, self._limit / 2)
            self._reduced_at = now

    def _is_slow(self, seconds: float) -> bool:
        usual = self._usual_seconds
        self._answers += 1
        # The mean of the first answers, and later one in which new answers weigh more than old.
        self._usual_seconds += (seconds - usual) / min(self._answers, MEMORY)
        if self._answers <= ANSWERS_BEFORE_JUDGING:
            return False
        return seconds > max(SLOW_SECONDS, SLOW_FACTOR * usual)
