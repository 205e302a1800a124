"""Outbox: the notices that wait to be sent, and those that were.

    OUTBOX    NOTICE#<time>#<key>   waits; written in the transaction that ends a job, so neither is without the other
    NOTICE    NOTICE#<time>#<key>   was sent, or given up; goes after a month
    NOTED     NOTED#<key>           that a notice of this key was put in by `put`; goes after a month

Whoever sends takes a notice first, which says when it is due again, and notes what came of it
afterwards. Who dies in between has perhaps sent it, and it is sent again: once at least, and never
none.

    A   takes (version 1) ── sends ── notes: SENT (version 2), moved to NOTICE
    B   takes ✗                         A'   takes ── sends ── †      later: takes ── sends again ── notes
"""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .lock import ABSENT, may_take_place, noted_key, notice_key, same_notice, sent_notice_key
from .notice import TEST, Delivery, Notice, State, new_notice
from .table import ConditionRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .table import Table

KEPT_SECONDS = 30 * 86_400
LOOK = 100  # items at a look
# Who has taken a notice has sent it by then, or is dead: the function lives for a minute.
HOLD_SECONDS = 120.0
ATTRIBUTES = ("key", "kind", "at", "facts", "version", "deliveries")


class Outbox:
    """Every method raises StateUnavailable."""

    def __init__(self, *, table: Table, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def put(self, *, kind: str, key: str, facts: Mapping[str, Any]) -> bool:
        """Whether the notice is a new one: of one key there is one, for a month, however often it
        is put in. What `facts` has as `message` is what people read. Raises ValueError for a key
        with other characters than letters, digits, `-` and `_`, or a kind that is not like
        `source.stale`.
        """
        now = self._clock()
        notice = new_notice(kind=kind, key=key, at=now, facts=facts)
        note = noted_key(key) | {"expires_at": int(now) + KEPT_SECONDS}
        try:
            self._table.transact(
                [
                    self._table.put(note, when=ABSENT),
                    outbox_write(self._table, notice),
                ]
            )
        except ConditionRefused:
            return False
        return True

    def waiting(self) -> list[Notice]:
        """All of them, the oldest first."""
        newest_first = self._read("OUTBOX", most=None)
        return newest_first[::-1]

    def latest(self, limit: int) -> list[Notice]:
        """Those that wait and those that were sent, the newest first."""
        waiting = self._read("OUTBOX", most=limit)
        sent = self._read("NOTICE", most=limit)
        notices = sorted(waiting + sent, key=_time_and_key, reverse=True)
        return notices[:limit]

    def take(self, notice: Notice, channels: list[str]) -> Notice | None:
        """The notice with another attempt on these channels, for who has it now;
        None when somebody else took it.
        """
        # Should this sender die, another one takes the notice when the hold is over.
        due_at = self._clock() + HOLD_SECONDS
        deliveries = {}
        for channel in channels:
            delivery = notice.deliveries.get(channel, Delivery())
            attempts = delivery.attempts + 1
            deliveries[channel] = replace(delivery, attempts=attempts, due_at=due_at)

        taken = replace(notice.with_deliveries(deliveries), version=notice.version + 1)
        is_ours = self._write(self._update(taken, read=notice.version))
        return taken if is_ours else None

    def note(self, notice: Notice) -> bool:
        """What came of the attempts; nothing waits on any channel: it is moved away.
        False when somebody else has taken it meanwhile, whose word counts.
        """
        next_version = replace(notice, version=notice.version + 1)
        if notice.state is State.WAITING:
            return self._write(self._update(next_version, read=notice.version))

        expires_at = int(self._clock()) + KEPT_SECONDS
        attributes = _attributes(next_version)
        item = sent_notice_key(next_version) | attributes | {"expires_at": expires_at}
        return self._write(
            self._table.delete(notice_key(notice), when=same_notice(notice.version)),
            self._table.put(item, when=may_take_place()),
        )

    def _update(self, notice: Notice, *, read: int) -> dict[str, Any]:
        """The write of what changes in a notice; `read` is the version that was read of it."""
        attributes = _attributes(notice)
        values = {
            "version": attributes["version"],
            "deliveries": attributes["deliveries"],
        }
        key = notice_key(notice)
        return self._table.update(key, values, when=same_notice(read))

    def _write(self, *writes: dict[str, Any]) -> bool:
        try:
            self._table.transact([*writes])
        except ConditionRefused:
            return False
        return True

    def _read(self, pk: str, *, most: int | None) -> list[Notice]:
        notices: list[Notice] = []
        place: str | None = None
        while most is None or len(notices) < most:
            limit = LOOK if most is None else most - len(notices)
            items, place = self._table.newest(
                pk,
                limit=limit,
                names=ATTRIBUTES,
                before=place,
            )
            notices += map(_notice, items)
            if place is None:
                break
        return notices


def put_test_notice(outbox: Outbox, *, by: str) -> str:
    """Its key. It goes the way of every notice, so that somebody sees whether they arrive."""
    key = f"test-{uuid.uuid4()}"
    facts = {"text": f"This is a test. {by} asked for it.", "triggered_by": by}
    outbox.put(kind=TEST, key=key, facts=facts)
    return key


def outbox_write(table: Table, notice: Notice) -> dict[str, Any]:
    """The write that puts the notice into the outbox,
    for the transaction that does what it tells of.
    """
    item = notice_key(notice) | _attributes(notice)
    return table.put(item, when=ABSENT)


def _time_and_key(notice: Notice) -> tuple[float, str]:
    return notice.at, notice.key


def _attributes(notice: Notice) -> dict[str, Any]:
    deliveries = {}
    for channel, delivery in notice.deliveries.items():
        deliveries[channel] = delivery.to_attributes()
    return {
        "key": notice.key,
        "kind": notice.kind,
        "at": notice.at,
        "facts": dict(notice.facts),
        "version": notice.version,
        "deliveries": deliveries,
    }


def _notice(item: Mapping[str, Any]) -> Notice:
    values = {name: item[name] for name in ATTRIBUTES}
    values["deliveries"] = {
        channel: Delivery.from_attributes(attributes)
        for channel, attributes in item["deliveries"].items()
    }
    return Notice(**values)
