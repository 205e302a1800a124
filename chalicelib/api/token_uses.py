"""When each token was used last, to the day: TOKEN#<name> in the table, written by its first
request of a day.

A request waits for that write alone, once a day and process, and for no answer that takes longer
than a few seconds. What goes wrong with it is no affair of the request.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chalicelib.errors import StateUnavailable, TokenBusy
from chalicelib.jobs.lock import last_renewal_before, last_use_before, may_take_place, token_key
from chalicelib.jobs.table import ConditionRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.jobs.table import Table

DAY = 86_400
QUIET_SECONDS = 300.0  # after a write that failed
PAGE = 100
RENEWAL_SECONDS = 60.0  # a function of the API lives no longer

log = logging.getLogger(__name__)


class TokenUses:
    def __init__(self, table: Table, *, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock
        self._days: dict[str, int] = {}  # by name, the day of the last use that was written
        self._quiet_until = 0.0

    def note(self, name: str) -> None:
        """Raises nothing."""
        now = self._clock()
        today = int(now // DAY)
        if self._days.get(name) == today or now < self._quiet_until:
            return
        use = {"name": name, "last_used_at": now}
        midnight = today * DAY
        try:
            self._table.update_alone(token_key(name), use, when=last_use_before(midnight))
        except ConditionRefused:
            pass  # another process has noted it
        except StateUnavailable:
            self._quiet_until = now + QUIET_SECONDS
            log.warning("the use of a token could not be noted")
            return
        self._days[name] = today

    @contextmanager
    def renewing(self, name: str) -> Iterator[None]:
        """Nobody else renews the token of this name meanwhile.
        Raises TokenBusy, StateUnavailable.
        """
        now = self._clock()
        mark = {"name": name, "renewing_at": now}
        nobody_else_does = last_renewal_before(now - RENEWAL_SECONDS)
        try:
            self._table.update_alone(token_key(name), mark, when=nobody_else_does)
        except ConditionRefused:
            raise TokenBusy(name=name) from None
        try:
            yield
        finally:
            self._table.update_alone(token_key(name), {"renewing_at": 0.0}, when=may_take_place())

    def all(self) -> dict[str, float]:
        """By name. Raises StateUnavailable."""
        uses: dict[str, float] = {}
        partition = token_key("")["pk"]
        before: str | None = None
        while True:
            items, before = self._table.newest(
                partition,
                limit=PAGE,
                names=("name", "last_used_at"),
                before=before,
            )
            for item in items:
                if "last_used_at" in item:
                    uses[item["name"]] = item["last_used_at"]
            if before is None:
                return uses
