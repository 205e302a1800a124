"""An import that gives its source time says so while it waits,
and its retries stay counted when it fails.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.imports import ENOUGH, Worker
from support.scripted_source import Answer, ScriptedHandler, ScriptedSource, page

from chalicelib.imports.service import WellProductionImportService
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.table import Table
from chalicelib.odata.adapter import ExternalApiAdapter
from chalicelib.odata.connection import ODataConnection

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Claim

FIRST = {
    "field_code": 1,
    "well_code": 1,
    "production_period": "2024-01-01",
    "oil_production_kbd": 1.0,
}
SECOND = FIRST | {"well_code": 2}


@dataclass
class Throttled:
    """The second page is refused so often, each time for so many seconds."""

    refusals: int
    seconds: int
    refused_at: list[float] = field(default_factory=list)

    def serve(self, handler: ScriptedHandler) -> Answer:
        if "$skiptoken" not in handler.asked.query:
            return Answer(page([FIRST], odata_nextLink="?$skiptoken=1", odata_count=2))
        if len(self.refused_at) < self.refusals:
            self.refused_at.append(time.time())
            return Answer(status=429, headers={"Retry-After": str(self.seconds)})
        return Answer(page([SECOND]))


class WatchedManager(JobManager):
    """Remembers what the API would have shown after each report."""

    def __init__(self, **collaborators: Any) -> None:
        super().__init__(**collaborators)
        self.views: list[dict[str, Any]] = []

    def progress(self, claim: Claim, job: Job, *, lease_seconds: float | None = None) -> Job:
        stored = super().progress(claim, job, lease_seconds=lease_seconds)
        self.views.append(self.get(job.job_id).view(time.time()))
        return stored


def run(
    environment: dict[str, str], dynamodb: Any, throttled: Throttled, **more: str
) -> tuple[Job, WatchedManager]:
    """In real time."""
    with ScriptedSource(throttled.serve) as source:
        worker = Worker(environment | {"WELLHEAD_SOURCE_URL": source.url} | more, dynamodb)
        worker.clock.now = time.time()
        table = Table(dynamodb=dynamodb, name=worker.settings.table)
        manager = worker.manager = WatchedManager(table=table, lease=Lease())

        def build(claim: Claim) -> WellProductionImportService:
            return WellProductionImportService(
                claim=claim,
                settings=worker.settings,
                job_manager=manager,
                source=ExternalApiAdapter(
                    settings=worker.settings, connection=ODataConnection(settings=worker.settings)
                ),
                warehouse=worker.warehouse,
                directory=Path(worker.settings.scratch) / "own",
                remaining=lambda: ENOUGH,
            )

        job_id = worker.trigger()
        worker.run(job_id, build=build)
        return manager.get(job_id), manager


def test_a_job_says_what_it_waits_for_until_when_and_which_try_comes(
    environment: dict[str, str], dynamodb: Any
) -> None:
    seconds = 10  # in which a busy machine gets to say it
    throttled = Throttled(refusals=1, seconds=seconds)

    done, manager = run(environment, dynamodb, throttled)

    waits = [view["waiting"] for view in manager.views if view["waiting"]]
    assert waits
    assert {(wait["for"], wait["try"]) for wait in waits} == {("SOURCE_THROTTLED", 2)}
    asked_for = throttled.refused_at[0] + seconds
    assert asked_for - 1.5 <= waits[0]["until"] <= (done.completed_at or 0) + 1.5
    assert [view["stats"]["http_retries"] for view in manager.views if view["waiting"]] == [
        1
    ] * len(waits)
    assert (done.status, done.waiting, done.stats["http_retries"]) == (JobStatus.COMPLETED, None, 1)
    assert manager.views[-1]["waiting"] is None


def test_a_job_that_fails_keeps_the_count_of_its_retries_and_waits_no_more(
    environment: dict[str, str], dynamodb: Any
) -> None:
    failed, _ = run(
        environment, dynamodb, Throttled(refusals=9, seconds=0), WELLHEAD_SOURCE_RETRIES="2"
    )

    assert (failed.error or {})["code"] == "SOURCE_THROTTLED"
    assert (failed.status, failed.waiting, failed.stats["http_retries"]) == (
        JobStatus.FAILED,
        None,
        2,
    )
    assert failed.fetched_records == 1


def test_a_wait_that_is_over_and_one_of_a_job_that_ended_are_not_shown(
    environment: dict[str, str], dynamodb: Any
) -> None:
    """A worker that died while it waited takes nothing back."""
    worker = Worker(environment, dynamodb)
    claim = worker.manager.claim(worker.trigger(), holder="w1")
    waiting = {"for": "SOURCE_UNAVAILABLE", "until": worker.clock() + 5, "try": 3}

    told = worker.manager.progress(claim, replace(claim.job, waiting=waiting))

    assert worker.manager.get(told.job_id) == told
    assert told.view(worker.clock() + 4)["waiting"] == waiting
    assert told.view(worker.clock() + 5)["waiting"] is None
    assert told.cancel(at=worker.clock()).waiting is None
