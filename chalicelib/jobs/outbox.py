"""Outbox: the notices that wait to be sent, and those that were.

    OUTBOX    NOTICE#<time>#<key>   waits; written in the transaction that ends a job, so neither is without the other
    NOTICE    NOTICE#<time>#<key>   was sent, or given up; goes after a month
    NOTED     NOTED#<key>           that a notice of this key was put in by `put`; goes after a month

Whoever sends takes a notice first, which says when it is due again, and notes what came of it afterwards. Who dies in
between has perhaps sent it, and it is sent again: once at least, and never none.

    A   takes (version 1) ── sends ── notes: SENT (version 2), moved to NOTICE
    B   takes ✗                         A'   takes ── sends ── †      later: takes ── sends again ── notes
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .lock import ABSENT, may_take_place, noted_key, notice_as_read, notice_key, sent_notice_key
from .notice import TEST, Delivery, Notice, State, new_notice
from .table import ConditionRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .table import Table

KEPT_SECONDS = 30 * 86_400
LOOK = 100  # items at a look
HOLD_SECONDS = 120.0  # who has taken a notice has sent it by then, or is dead: the function lives for a minute
ATTRIBUTES = ("key", "kind", "at", "facts", "version", "deliveries")


class Outbox:
    """Every method raises StateUnavailable."""

    def __init__(self, *, table: Table, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def put(self, *, kind: str, key: str, facts: Mapping[str, Any]) -> bool:
        """Whether the notice is a new one: of one key there is one, for a month, however often it is put in. What
        `facts` has as `message` is what people read. Raises ValueError for a key with other characters than letters,
        digits, `-` and `_`, or a kind that is not like `source.stale`.
        """
        now = self._clock()
        notice = new_notice(kind=kind, key=key, at=now, facts=facts)
        note = noted_key(key) | {"expires_at": int(now) + KEPT_SECONDS}
        try:
            self._table.transact([self._table.put(note, when=ABSENT), waiting(self._table, notice)])
        except ConditionRefused:
            return False
        return True

    def waiting(self) -> list[Notice]:
        """All of them, the oldest first."""
        return self._read("OUTBOX", most=None)[::-1]

    def latest(self, limit: int) -> list[Notice]:
        """Those that wait and those that were sent, the newest first."""
        found = [*self._read("OUTBOX", most=limit), *self._read("NOTICE", most=limit)]
        return sorted(found, key=lambda notice: (notice.at, notice.key), reverse=True)[:limit]

    def take(self, notice: Notice, channels: list[str]) -> Notice | None:
        """The notice with another attempt on these channels, for who has it now; None when somebody else took it."""
        due_at = self._clock() + HOLD_SECONDS
        begun = {name: notice.deliveries.get(name, Delivery()) for name in channels}
        begun = {name: replace(each, attempts=each.attempts + 1, due_at=due_at) for name, each in begun.items()}
        taken = replace(notice.with_deliveries(begun), version=notice.version + 1)
        return taken if self._write(self._update(taken, read=notice.version)) else None

    def note(self, notice: Notice) -> bool:
        """What came of the attempts; nothing waits on any channel: it is moved away. False when somebody else has taken
        it meanwhile, whose word counts.
        """
        noted = replace(notice, version=notice.version + 1)
        if notice.state is State.WAITING:
            return self._write(self._update(noted, read=notice.version))
        kept = sent_notice_key(noted) | _attributes(noted) | {"expires_at": int(self._clock()) + KEPT_SECONDS}
        gone = self._table.delete(notice_key(notice), when=notice_as_read(notice.version))
        return self._write(gone, self._table.put(kept, when=may_take_place()))

    def _update(self, notice: Notice, *, read: int) -> dict[str, Any]:
        values = {name: value for name, value in _attributes(notice).items() if name in ("version", "deliveries")}
        return self._table.update(notice_key(notice), values, when=notice_as_read(read))

    def _write(self, *writes: dict[str, Any]) -> bool:
        try:
            self._table.transact([*writes])
        except ConditionRefused:
            return False
        return True

    def _read(self, pk: str, *, most: int | None) -> list[Notice]:
        found: list[Notice] = []
        place: str | None = None
        while most is None or len(found) < most:
            limit = LOOK if most is None else most - len(found)
            items, place = self._table.newest(pk, limit=limit, names=ATTRIBUTES, before=place)
            found += [_notice(item) for item in items]
            if place is None:
                break
        return found


def put_test_notice(outbox: Outbox, *, by: str) -> str:
    """Its key. It goes the way of every notice, so that somebody sees whether they arrive."""
    key = f"test-{uuid.uuid4()}"
    outbox.put(kind=TEST, key=key, facts={"text": f"This is a test. {by} asked for it.", "triggered_by": by})
    return key


def waiting(table: Table, notice: Notice) -> dict[str, Any]:
    """The write that puts the notice into the outbox, for the transaction that does what it tells of."""
    return table.put(notice_key(notice) | _attributes(notice), when=ABSENT)


def _attributes(notice: Notice) -> dict[str, Any]:
    deliveries = {name: each.to_attributes() for name, each in notice.deliveries.items()}
    told = {"key": notice.key, "kind": notice.kind, "at": notice.at, "facts": dict(notice.facts)}
    return {**told, "version": notice.version, "deliveries": deliveries}


def _notice(item: Mapping[str, Any]) -> Notice:
    deliveries = {name: Delivery.from_attributes(each) for name, each in item["deliveries"].items()}
    return Notice(**{**{name: item[name] for name in ATTRIBUTES}, "deliveries": deliveries})
