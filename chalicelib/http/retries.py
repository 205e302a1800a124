"""Retries: a request that failed in a way that may pass is tried again,
as often and as long as the settings allow.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.backoff import Backoff
from chalicelib.errors import SourceError, WorkerTimeSpent
from chalicelib.metrics import record

if TYPE_CHECKING:
    from collections.abc import Callable

    from .secret_words import SecretWords
    from .throttle import Throttle
    from .time_limits import TimeLimits

BACKOFF = Backoff(first=0.5, longest=20.0)
# Seconds between two tries; a worker of 15 minutes can wait so long, and beats while it does.
LONGEST_WAIT = 780.0
OVERLOADED = {429, 503}

T = TypeVar("T")


class Retries:
    """Safe for threads. `count` is how many requests were tried again so far."""

    def __init__(
        self,
        *,
        most: int,
        limits: TimeLimits,
        throttle: Throttle,
        secrets: SecretWords,
        sleep: Callable[[float], object],
        now: Callable[[], float],
    ) -> None:
        self._most = most
        self._limits = limits
        self._throttle = throttle
        self._secrets = secrets
        self._sleep = sleep
        self._now = now
        self._lock = threading.Lock()
        self._waits: dict[int, dict[str, Any]] = {}  # by thread
        self.count = 0

    @property
    def longest_wait(self) -> dict[str, Any] | None:
        """The one under way that ends last, see SourceConnection.waiting."""
        waits = list(self._waits.values())  # a copy: other threads go on
        return max(waits, key=lambda wait: float(wait["until"]), default=None)

    def insist(self, attempt: Callable[[], T], details: dict[str, Any]) -> T:
        """What the attempt returns, as soon as it succeeds. `details` go into the error.
        Raises SourceError.
        """
        failures = 0
        while True:
            try:
                return attempt()
            except SourceError as exc:
                self._complete(exc, details)
                seconds = self._wait_before_next(failures, exc)
                self._report(exc, seconds)
                code = exc.code
            failures += 1
            self._wait(seconds, code, number=failures + 1)

    def try_once(self, attempt: Callable[[], T], details: dict[str, Any]) -> T:
        """For what an import can do without. A source that asks for time is given it all the same.
        Raises SourceError.
        """
        try:
            return attempt()
        except SourceError as exc:
            self._complete(exc, details)
            if is_overload(exc):
                self._throttle.pause(min(_seconds(0, exc), LONGEST_WAIT))
            raise

    def _complete(self, exc: SourceError, details: dict[str, Any]) -> None:
        exc.details |= details
        self._secrets.hide_in(exc)

    def _wait_before_next(self, failures: int, exc: SourceError) -> float:
        """Seconds. Raises what ends the import instead."""
        seconds = _seconds(failures, exc)
        is_spent = isinstance(exc, WorkerTimeSpent) or failures >= self._most
        if is_spent or not exc.retryable or seconds > LONGEST_WAIT:
            raise exc
        limit = self._limits.first()
        if seconds >= limit.seconds:  # the next attempt would begin after the time is over
            raise limit.error(**exc.details) from exc
        if is_overload(exc):
            self._throttle.pause(seconds)
        return seconds

    def _report(self, exc: SourceError, seconds: float) -> None:
        sentence = f"{exc.message} Trying again in {seconds:.1f} s."
        record(
            sentence,
            {"HttpRetries": 1},
            level=logging.WARNING,
            code=exc.code,
            page=exc.details.get("page"),
        )
        with self._lock:
            self.count += 1

    def _wait(self, seconds: float, code: str, *, number: int) -> None:
        thread = threading.get_ident()
        until = round(self._now() + seconds, 3)
        self._waits[thread] = {"for": code, "until": until, "try": number}
        try:
            self._sleep(seconds)
        finally:
            del self._waits[thread]


def is_overload(exc: SourceError) -> bool:
    """Whether the source said that it has too much to do."""
    return exc.details.get("status") in OVERLOADED


def _seconds(failures: int, exc: SourceError) -> float:
    asked = exc.details.get("retry_after")
    return BACKOFF.seconds(failures, asked=asked)
