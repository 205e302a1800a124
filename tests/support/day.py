"""A day of Wellhead by a clock that is turned: the sweeper and the function of notices at each
minute, imports when they are dispatched. The table is in memory and the clock a fake; the sources,
the imports, the warehouse and the receiver of the webhook are real.

While a source answers, the minutes go on: what else runs then finds the lock taken.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from simulation.dynamodb import InMemoryDynamoDb

from chalicelib.services import Services
from support.coordination import Clock, RecordingDispatcher
from support.receiver import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.config import Config

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.notice import Notice

MINUTE = 60.0
HOUR = 3600.0
# The next one: the time that a source may take is counted by the real clock, from when its job says
# that it began.
MIDNIGHT = (time.time() // (24 * HOUR) + 1) * 24 * HOUR


class Bus:
    """EventBridge, which takes everything."""

    def __init__(self) -> None:
        self.types: list[str] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  as AWS calls it
        self.types += [entry["DetailType"] for entry in Entries]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in Entries]}


class Function(Services):
    """One Lambda function of the stack."""

    def __init__(self, day: Day) -> None:
        super().__init__(day.environment, clock=day.clock)
        self._day = day

    @cached_property
    def dispatcher(self) -> Any:
        return self._day.dispatcher

    def _client(self, service: str, config: Config | None = None) -> Any:
        return {"dynamodb": self._day.dynamodb, "events": self._day.bus}[service]

    def _keys_of_webhook(self) -> list[bytes]:
        from chalicelib.notices.signature import keys_of

        return keys_of(SECRET)


class Import(NamedTuple):
    """Of one that a schedule has started: when it was due, and the job at its end."""

    due: float
    skipped: int
    job: Job


class Day:
    """`outages` are the spans of seconds, since midnight, in which no sweeper runs."""

    def __init__(
        self, environment: dict[str, str], *, outages: tuple[tuple[float, float], ...] = ()
    ) -> None:
        self.environment = environment
        self.clock = Clock(MIDNIGHT)
        self.dynamodb: Any = InMemoryDynamoDb()
        self.bus = Bus()
        self.dispatcher = RecordingDispatcher()
        self.imports: list[Import] = []
        self._outages = outages
        self._sweeper, self._post, self._worker = (Function(self) for _ in range(3))
        self.operator = Function(self)

    def define(self, name: str, definition: dict[str, Any]) -> None:
        self.operator.sources.put(name, definition, by="ada")

    def run_until(self, hour: float) -> None:
        while self.clock.now < MIDNIGHT + hour * HOUR:
            self._minute()
            while self.dispatcher.dispatched:
                self._import(self.dispatcher.dispatched.pop(0))

    def spend(self, minutes: int) -> None:
        """Within a request to a source."""
        for _ in range(minutes):
            self._minute()

    def _minute(self) -> None:
        self.clock.now += MINUTE - self.clock.now % MINUTE
        since_midnight = self.clock.now - MIDNIGHT
        if not any(begin <= since_midnight < end for begin, end in self._outages):
            self._sweeper.sweep()
        self._post.send_notices(remaining=lambda: MINUTE)

    def _import(self, job_id: str) -> None:
        name = self.operator.job_manager.get(job_id).source_name
        schedule = self.operator.schedules.all()[str(name)]
        assert (schedule.last_job_id, schedule.last_due is None) == (job_id, False)
        before = sum(each.skipped for each in self.imports if each.job.source_name == name)
        self._worker.work_on(job_id, request_id="day", remaining=lambda: 900.0)
        job = self.operator.job_manager.get(job_id)
        self.imports.append(Import(schedule.last_due or 0.0, schedule.skipped - before, job))

    def notices(self) -> list[Notice]:
        """Of the day, by the time when each thing happened."""
        return self.operator.outbox.latest(1000)[::-1]


def time_of_day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M")


def table(titles: list[str], rows: list[list[str]]) -> str:
    """As Markdown."""
    lines = [" | ".join(line) for line in (titles, *rows)]
    return "\n".join(
        [f"| {lines[0]} |", "|---" * len(titles) + "|", *(f"| {line} |" for line in lines[1:])]
    )


def answering_after(day: Day, minutes: int, answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What a source answers to its requests,
    to the first one of each import so many minutes later.
    """
    seen: set[int] = set()

    def step(handler: Any) -> Any:
        fence = day.operator.job_manager.lock().fence
        if fence not in seen:
            seen.add(fence)
            day.spend(minutes)
        return answer(handler)

    return step
