"""The weather of one seed:
how slow the calls are, which faults they meet and how often, until it clears.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from .scheduler import Actor, Scheduler


class Fault(StrEnum):
    """What can become of one call."""

    REFUSED = "refused"  # an error, and nothing was done
    LOST = "answer lost"  # done, and told as an error
    LATE = "done late"  # told as an error now, done some time later
    TWICE = "sent twice"  # done, its answer lost; sent again, and that answer told
    CONFLICT = "conflict"  # another transaction holds the item for a moment
    FREEZE = "freeze"  # the process stops before or after the call for longer than its lease
    CRASH = "crash"  # the process ends before or after the call


FREQUENCIES = (0.0, 0.01, 0.02, 0.04, 0.08, 0.12)
FREEZE_SECONDS = (60.0, 240.0)
LATE_SECONDS = (0.5, 150.0)


class Climate(StrEnum):
    """What kind of storm a seed has."""

    CHANGEABLE = "a little of everything"
    FREEZING = "freezes alone"
    CRASHING = "crashes alone"
    DEAF = "answers get lost, requests come twice"
    LATE = "requests come late"
    STILL = "no event is delivered for ten minutes"
    FAILING = "deliveries fail before they begin"


@dataclass(frozen=True)
class Storm:
    """Calls meet one of `faults` with `frequency`, and are all refused while their service is out.
    Of the workers a share of `broken_starts` fails before it begins.
    """

    frequency: float
    faults: tuple[Fault, ...]
    outages: dict[str, tuple[float, float]]
    slowness: float
    clears_at: float
    broken_starts: float = 0.0

    @classmethod
    def brew(cls, draw: random.Random, climate: Climate, *, now: float) -> Storm:
        frequency, likelihood = draw.choice(FREQUENCIES), draw.choice([0.2, 0.6])
        broken_starts = 0.0
        faults = tuple(fault for fault in Fault if draw.random() < likelihood)
        clears_at = now + draw.uniform(100, 500)
        outages = {
            service: (begins := now + draw.uniform(0, 200), begins + draw.uniform(5, 120))
            for service in ("table", "warehouse", "queue")
            if draw.random() < 0.15
        }
        match climate:
            case Climate.FREEZING:
                frequency, faults = 0.06, (Fault.FREEZE,)
            case Climate.CRASHING:
                frequency, faults = 0.06, (Fault.CRASH,)
            case Climate.DEAF:
                frequency, faults = 0.12, (Fault.LOST, Fault.TWICE)
            case Climate.LATE:
                frequency, faults = 0.1, (Fault.LATE,)
            case Climate.STILL:
                clears_at = now + 600
                outages = {"queue": (now, clears_at)}
            case Climate.FAILING:
                broken_starts, clears_at = 0.7, now + 900
        return cls(
            frequency, faults, outages, draw.choice([0.02, 0.1, 0.5]), clears_at, broken_starts
        )

    def fault(
        self, draw: random.Random, service: str, now: float, possible: tuple[Fault, ...]
    ) -> Fault | None:
        if now >= self.clears_at:
            return None
        begins, ends = self.outages.get(service, (0.0, 0.0))
        if begins <= now < ends and Fault.REFUSED in possible:
            return Fault.REFUSED
        if draw.random() >= self.frequency:
            return None
        faults = [fault for fault in possible if fault in self.faults]
        return draw.choice(faults) if faults else None


class Network:
    """Every call of every actor goes through here; each is a place where others may come first."""

    def __init__(self, *, scheduler: Scheduler, storm: Storm, draw: random.Random) -> None:
        self.history: list[tuple[float, str, str, object]] = []
        self._scheduler = scheduler
        self._storm = storm
        self._draw = draw

    def call(
        self,
        service: str,
        what: str,
        do: Callable[[], Any],
        *,
        error: Callable[[Fault], Exception],
        faults: tuple[Fault, ...] = tuple(Fault),
    ) -> Any:
        """The answer of `do`, or what the weather makes of it.
        Raises `error`, what `do` raises, Ended.
        """
        fault = self._storm.fault(self._draw, service, self._scheduler.now, faults)
        is_before = self._draw.random() < 0.5
        self._meet(fault if is_before else None, what)
        self._pause()
        if fault in (Fault.REFUSED, Fault.CONFLICT):
            self.note(what, fault)
            raise error(fault)
        if fault is Fault.LATE:
            self._do_late(what, do)
            raise error(fault)
        try:
            answer = self._noted(what, do)
            if fault is Fault.TWICE:
                self.note(what, fault)
                answer = self._noted(f"{what} (sent again)", do)
        finally:
            self._meet(None if is_before else fault, what)
            self._pause()
        if fault is Fault.LOST:
            self.note(what, fault)
            raise error(fault)
        return answer

    def work(self, what: str, seconds: float) -> None:
        """Local work of the running actor; it can freeze or be killed there too."""
        possible = (Fault.FREEZE, Fault.CRASH)
        self._meet(self._storm.fault(self._draw, "", self._scheduler.now, possible), what)
        self._scheduler.pause(self._draw.uniform(0, seconds))

    def note(self, what: str, outcome: object) -> None:
        if self._scheduler.is_over:
            return
        actor = self._scheduler.running
        self.history.append(
            (self._scheduler.now, actor.name if actor else "the network", what, outcome)
        )

    def _pause(self) -> None:
        self._scheduler.pause(self._draw.uniform(0, self._storm.slowness))

    def _meet(self, fault: Fault | None, what: str) -> None:
        if fault is Fault.FREEZE:
            self.note(what, fault)
            self._scheduler.pause(self._draw.uniform(*FREEZE_SECONDS))
        elif fault is Fault.CRASH:
            self.note(what, fault)
            self._scheduler.actor.killed_at = self._scheduler.now
            self._scheduler.pause(0)

    def _noted(self, what: str, do: Callable[[], Any]) -> Any:
        try:
            answer = do()
        except Exception as exc:
            self.note(what, _short(exc))
            raise
        self.note(what, "done")
        return answer

    def _do_late(self, what: str, do: Callable[[], Any]) -> None:
        sender = self._scheduler.actor
        self.note(what, Fault.LATE)

        def arrive() -> None:
            self._as(sender, lambda: self._noted(f"{what} (late)", do))

        self._scheduler.after(self._draw.uniform(*LATE_SECONDS), arrive)

    def _as(self, sender: Actor, do: Callable[[], Any]) -> None:
        self._scheduler.running = sender
        try:
            do()
        except Exception as exc:  # noqa: BLE001  nobody waits for the answer any more
            self.note("nobody hears", _short(exc))
        self._scheduler.running = None


def _short(exc: Exception) -> str:
    response = getattr(exc, "response", {})
    reasons = [reason["Code"] for reason in response.get("CancellationReasons", ())]
    return f"refused {reasons}" if reasons else f"{type(exc).__name__} {exc}"
