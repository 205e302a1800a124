"""A stretch of time in which something really happens, and what an alarm makes of it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.jobs.outbox import Outbox
from chalicelib.jobs.pulse import take_pulse
from chalicelib.notices.sending import BACKOFF, send_due
from chalicelib.notices.webhook import Webhook
from support.alarmed_stack import data_of, grouped
from support.coordination import a_job
from support.exchanged_source import ExchangedSource
from support.scripted_source import Answer, ScriptedSource

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job
    from support.alarmed_stack import AlarmedStack
    from support.imports import Worker
    from support.log_lines import Log
    from support.receiver import Receiver

MINUTE, HOUR = 60, 3600
APART = (
    10 * HOUR
)  # so that no story hears of another; CloudWatch takes figures of the last two weeks


class Story:
    """It begins with a period of five minutes. Its clock runs with the machine's, and `later` turns
    it on together with the clock of the jobs; figures come when they were written, by this clock.
    """

    def __init__(self, stack: AlarmedStack, number: int, log: Log, worker: Worker) -> None:
        self.stack = stack
        self.worker = worker
        self.source = ExchangedSource(worker, Path(worker.settings.warehouse).parent)
        self._log = log
        self._heard = 0
        self._data: list[tuple[str, dict[str, Any]]] = []
        began = (time.time() - number * APART) // HOUR * HOUR
        self._moved = began - time.time() + 1
        self._began_really = time.time()
        self._since = began - HOUR  # when nothing had happened

    @property
    def now(self) -> float:
        return time.time() + self._moved

    def later(self, seconds: float) -> None:
        self._hear()
        self._moved += seconds
        self.worker.clock.advance(seconds)

    def states(self, alarm: str) -> list[str]:
        self._hear()
        for namespace, data in grouped(self._data).items():
            self.stack.put(namespace, data)
        self._data.clear()
        return self.stack.states(alarm, since=self._since, until=self.now)

    # -- what happens

    def imported(self, rows: list[dict[str, Any]], **options: Any) -> Job:
        return self.source.imported(rows, **options)

    def failed(self) -> Job:
        """An import whose source refuses."""
        with ScriptedSource(Answer(status=404)) as source:
            self.worker.settings = replace(self.worker.settings, source_url=source.url)
            return self.worker.import_all()

    def claimed(self) -> str:
        """By a worker that dies thereupon."""
        job = self.worker.manager.create(
            replace(a_job(self.worker.clock), source_id=self.worker.settings.source_id)
        )
        self.worker.manager.claim(job.job_id, holder="dead")
        return job.job_id

    def sweeps(self, minutes: int, *, every: int = 5) -> None:
        """The sweeper tells that it is alive, as in each period of most alarms;
        really it is every minute.
        """
        for _ in range(0, minutes, every):
            take_pulse(job_manager=self.worker.manager, clock=self.worker.clock)
            self.later(every * MINUTE)

    def sends(self, receiver: Receiver, *, minutes: int, every: int = 1) -> None:
        """The function of notices runs, with a webhook to this receiver alone; really it does each
        minute.
        """
        clock, worker = self.worker.clock, self.worker
        settings = replace(
            worker.settings, webhook_url=receiver.url, webhook_form="slack", source_reach="anywhere"
        )
        webhook = Webhook(settings=settings, keys=list)
        outbox = Outbox(table=worker.manager.table, clock=clock)
        for _ in range(0, minutes, every):
            send_due(
                outbox=outbox,
                channels={"webhook": webhook},
                hours=72,
                clock=clock,
                backoff=replace(BACKOFF, draw=lambda _, most: most),
            )
            self.later(every * MINUTE)

    def calls(self, function: str, event: Any, *, times: int = 1) -> None:
        """Of the deployed function, whose lines come as it writes them."""
        for _ in range(times):
            for line in self.stack.call(function, event):
                self._data += data_of(line, moved=self._moved)

    def counted(self, function: str, metric: str) -> float:
        """By MiniStack since the story began, which knows no clock but the machine's."""
        return self.stack.counted(function, metric, since=self._began_really, until=time.time() + 1)

    def measures(
        self, namespace: str, metric: str, value: float, unit: str, **dimensions: str
    ) -> None:
        """What a service of AWS says, where no emulator does."""
        named = [{"Name": name, "Value": told} for name, told in dimensions.items()]
        datum = {
            "MetricName": metric,
            "Dimensions": named,
            "Unit": unit,
            "Timestamp": self.now,
            "Values": [value],
        }
        self._data.append((namespace, datum))

    def _hear(self) -> None:
        text = self._log.text
        for line in text[self._heard :].splitlines():
            self._data += data_of(json.loads(line), moved=self._moved)
        self._heard = len(text)
