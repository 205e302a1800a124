"""Sending: what is due leaves the outbox, on each channel by itself.

    take ── send on each channel that is due ── note what came of it

A channel that fails is tried again later and later; the others are not sent again for its sake. A
notice is taken before it is sent, so that who dies of it is not asked to send it at once again, and
noted as sent afterwards, so that none is lost. Whatever a receiver does, it holds up no import:
this is a function of its own.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.backoff import Backoff
from chalicelib.errors import NoticeUnsent, SecretInvalid, SecretUnavailable
from chalicelib.jobs.notice import Delivery, Notice, State
from chalicelib.metrics import record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.jobs.outbox import Outbox

    from .channels import Channel

BACKOFF = Backoff(first=30.0, longest=3600.0)
LEAST_SECONDS = 25.0  # what one more notice may take: a webhook and two calls of AWS

log = logging.getLogger(__name__)


def send_due(
    *,
    outbox: Outbox,
    channels: Mapping[str, Channel],
    hours: float,
    clock: Callable[[], float] = time.time,
    remaining: Callable[[], float] = lambda: float("inf"),
    backoff: Backoff = BACKOFF,
) -> dict[str, int]:
    """How many notices are done with, and how many wait. Those that `remaining` seconds do not
    suffice for wait for the next run. Raises StateUnavailable.
    """
    sender = Sender(
        outbox=outbox,
        channels=channels,
        hours=hours,
        clock=clock,
        backoff=backoff,
    )
    left = outbox.waiting()
    done: list[Notice] = []
    for notice in sorted(left, key=sender.due_at):
        if remaining() < LEAST_SECONDS:
            break
        if sender.send(notice):
            done.append(notice)
    waits = [notice for notice in left if notice not in done]
    age = max((clock() - notice.at for notice in waits), default=0.0)
    figures = {"NoticesGivenUp": float(sender.given_up), "NoticeAgeSeconds": max(0.0, age)}
    record("the outbox is looked at", figures, rows=len(waits))
    return {"done": len(done), "waiting": len(waits)}


class Sender:
    """`resting` are the channels whose receiver is overloaded or away:
    it is asked once a run, not once a notice.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        hours: float,
        clock: Callable[[], float],
        backoff: Backoff,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._seconds = hours * 3600
        self._clock = clock
        self._backoff = backoff
        self._resting: set[str] = set()
        self.given_up = 0

    def due_at(self, notice: Notice) -> float:
        times = [delivery.due_at for delivery in self._open(notice).values()]
        return min(times, default=0.0)

    def send(self, notice: Notice) -> bool:
        """Whether nothing is left to be sent of it."""
        now = self._clock()
        waits = self._open(notice)
        due = [
            name for name, each in waits.items() if each.due_at <= now and name not in self._resting
        ]
        if not due and waits:
            return False
        taken = self._outbox.take(notice.with_deliveries(waits), due)
        if taken is None:
            return False
        outcomes = {name: self._attempt(name, taken) for name in due}
        noted = taken.with_deliveries(outcomes | self._without_channel(taken))
        if not self._outbox.note(noted):
            log.warning(
                "somebody else has taken the notice meanwhile", extra={"job_id": notice.key}
            )
            return False
        return noted.state is not State.WAITING

    def _open(self, notice: Notice) -> dict[str, Delivery]:
        """What is still to be sent.
        A channel that was set up after the first look has no part in a notice.
        """
        meant = set(self._channels) & set(notice.deliveries or self._channels)
        open_deliveries = {}
        for name in sorted(meant):
            delivery = notice.deliveries.get(name, Delivery())
            if delivery.state is State.WAITING:
                open_deliveries[name] = delivery
        return open_deliveries

    def _without_channel(self, notice: Notice) -> dict[str, Delivery]:
        """What waits for a channel that is not set up any more:
        nobody wants to hear of it there.
        """
        now = self._clock()
        told = "The channel is not set up any more."
        return {
            name: replace(
                each,
                state=State.GIVEN_UP,
                at=now,
                error=told,
            )
            for name, each in notice.deliveries.items()
            if each.state is State.WAITING and name not in self._channels
        }

    def _attempt(self, name: str, notice: Notice) -> Delivery:
        delivery = notice.deliveries[name]
        try:
            self._channels[name].send(notice)
        except (NoticeUnsent, SecretInvalid, SecretUnavailable) as exc:
            return self._note_failure(name, notice, exc)
        except Exception:
            log.exception(
                "a notice could not be sent for an unforeseen reason", extra={"job_id": notice.key}
            )
            return self._note_failure(
                name,
                notice,
                NoticeUnsent("It failed unexpectedly. Look at the log of the function."),
            )
        return replace(
            delivery,
            state=State.SENT,
            at=self._clock(),
            error=None,
        )

    def _note_failure(
        self, name: str, notice: Notice, exc: NoticeUnsent | SecretInvalid | SecretUnavailable
    ) -> Delivery:
        delivery = notice.deliveries[name]
        now = self._clock()
        until = notice.at + self._seconds
        if exc.details.get("is_busy"):
            self._resting.add(name)
        if now >= until or exc.details.get("is_final"):
            return self._give_up(name, notice, exc.message)
        asked = exc.details.get("retry_after")
        wait = self._backoff.seconds(delivery.attempts - 1, asked=asked)
        log.warning(
            "a notice was not sent on %s: %s",
            name,
            exc.message,
            extra={"job_id": notice.key, "code": exc.code},
        )
        return replace(delivery, due_at=min(now + wait, until), error=exc.message)

    def _give_up(self, name: str, notice: Notice, why: str) -> Delivery:
        self.given_up += 1
        names = {"job_id": notice.key, "code": NoticeUnsent.code}
        log.error("a notice is given up on %s: %s", name, why, extra=names)
        return replace(
            notice.deliveries[name],
            state=State.GIVEN_UP,
            at=self._clock(),
            error=why,
        )
