"""Virtual time, and actors of which exactly one runs.

An actor is a thread that waits for the baton. Who pauses puts itself into the diary and hands the
baton to whoever is next there, so the order of all that happens follows from the diary alone, never
from the machine.
"""

from __future__ import annotations

import _thread
import heapq
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = 1_704_110_400.0  # 2024-01-01 12:00 UTC


class Ended(BaseException):
    """The actor is no more: its process was killed, or the simulation is over."""


def _kept_baton() -> threading.Lock:
    baton = threading.Lock()
    baton.acquire()
    return baton


@dataclass(eq=False)
class Actor:
    """A process. `skew` is what its clock is ahead of the true time;
    at `stopped_at` it gets SIGTERM, at `killed_at` it is ended.
    """

    name: str
    skew: float = 0.0
    stopped_at: float = float("inf")
    killed_at: float = float("inf")
    dead: bool = False
    baton: threading.Lock = field(default_factory=_kept_baton)


class Scheduler:
    def __init__(self) -> None:
        self.now = NOON
        self.running: Actor | None = None
        self._main = Actor("main")
        self._diary: list[tuple[float, int, Actor | Callable[[], None]]] = []
        self._entries = 0
        self._alive: list[Actor] = []
        self.is_over = False

    @property
    def actor(self) -> Actor:
        assert self.running is not None
        return self.running

    def clock(self, actor: Actor) -> Callable[[], float]:
        return lambda: self.now + actor.skew

    def after(self, seconds: float, step: Actor | Callable[[], None]) -> None:
        self._entries += 1
        heapq.heappush(self._diary, (self.now + seconds, self._entries, step))

    def start(self, actor: Actor, run: Callable[[], None], *, after: float = 0.0) -> None:
        self._alive.append(actor)
        _thread.start_new_thread(self._live, (actor, run))
        self.after(after, actor)

    def pause(self, seconds: float) -> None:
        """Let the others go on; this actor again when the time has passed. Raises Ended."""
        actor = self.actor
        if not actor.dead:
            self.after(min(seconds, max(0.0, actor.killed_at - self.now)), actor)
            if (following := self._next()) is not actor:
                following.baton.release()
                actor.baton.acquire()
            self.running = actor
        if actor.dead or self.is_over or self.now >= actor.killed_at:
            actor.dead = True
            raise Ended

    def run(self) -> None:
        """Until the diary is empty or `stop` is called."""
        self._turn_to(self._next())
        self.is_over = True
        while self._alive:
            self._turn_to(self._alive[0])

    @property
    def is_idle(self) -> bool:
        """Nobody is at work, and nothing is to come."""
        return not self._diary and not self._alive

    def stop(self) -> None:
        self.is_over = True

    def _turn_to(self, actor: Actor) -> None:
        if actor is not self._main:
            actor.baton.release()
            self._main.baton.acquire()

    def _next(self) -> Actor:
        """The actor whose turn it is; what else stands in the diary before is done here."""
        while self._diary and not self.is_over:
            self.now, _, step = heapq.heappop(self._diary)
            if isinstance(step, Actor):
                return step
            self.running = None
            with suppress(Ended):
                step()
        return self._main

    def _live(self, actor: Actor, run: Callable[[], None]) -> None:
        actor.baton.acquire()
        self.running = actor
        try:
            if not self.is_over:
                run()
        except Ended:
            pass
        finally:
            self._alive.remove(actor)
            self._next().baton.release()
