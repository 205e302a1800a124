"""Processes whose clocks differ by minutes: leases are given and judged by the table's time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from simulation.aws import dated
from simulation.dynamodb import InMemoryDynamoDb
from support.coordination import Clock, RecordingDispatcher, a_job

from chalicelib.errors import ImportAlreadyRunning
from chalicelib.imports.worker import claim_patiently
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.sweeper import DISPATCH_SECONDS, sweep
from chalicelib.jobs.table import Table
from chalicelib.jobs.table_time import CLOSE_SECONDS, TableTime

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE = Lease(seconds=60, grace=15, pending=360)
SLACK = CLOSE_SECONDS + 2  # a clock that is believed, and a Date's whole seconds
SKEWS = [-600.0, -30.0, -4.0, 0.0, 4.0, 30.0, 600.0]


class DatedDynamoDb:
    """Its answers tell the true time, as whole seconds."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._database = InMemoryDynamoDb()

    def get_item(self, **request: Any) -> Any:
        return self._database.get_item(**request) | dated(self.clock())

    def transact_write_items(self, **request: Any) -> Any:
        return self._database.transact_write_items(**request) | dated(self.clock())


class Processes:
    """`other` is a process whose clock is `ahead`, `right` one with the table's own."""

    def __init__(self, ahead: float) -> None:
        self.dynamodb = DatedDynamoDb()
        self.clock = self.dynamodb.clock
        self.right = self._manager(self.clock)
        self.other = self._manager(lambda: self.clock() + ahead)
        self.dispatcher = RecordingDispatcher()

    def _manager(self, clock: Callable[[], float]) -> JobManager:
        table: Any = Table(dynamodb=self.dynamodb, name="table", clock=clock)  # type: ignore[arg-type]
        return JobManager(table=table, lease=LEASE, clock=clock)

    def sweep(self, manager: JobManager) -> str:
        return sweep(job_manager=manager, dispatcher=self.dispatcher)


@pytest.fixture(params=SKEWS)
def processes(request: pytest.FixtureRequest) -> Processes:
    return Processes(request.param)


def test_a_trigger_takes_over_no_living_job(processes: Processes) -> None:
    claim = processes.right.claim(
        processes.right.create(a_job(processes.clock)).job_id, holder="w1"
    )
    for _ in range(3):
        processes.clock.advance(LEASE.seconds)
        with pytest.raises(ImportAlreadyRunning):
            processes.other.create(a_job(processes.clock))
        processes.right.progress(claim, claim.job)


def test_a_trigger_takes_over_when_the_lease_is_over(processes: Processes) -> None:
    old = processes.right.create(a_job(processes.clock))
    processes.right.claim(old.job_id, holder="w1")
    processes.clock.advance(LEASE.seconds + LEASE.grace - SLACK)
    with pytest.raises(ImportAlreadyRunning):
        processes.other.create(a_job(processes.clock))
    processes.clock.advance(2 * SLACK)

    job = processes.other.create(a_job(processes.clock))

    assert processes.right.lock().owner == job.job_id
    assert (processes.right.get(old.job_id).error or {})["code"] == "LEASE_EXPIRED"


def test_the_sweeper_ends_a_waiting_job_when_its_lease_is_over(processes: Processes) -> None:
    """And dispatches it again before, neither at once nor late."""
    processes.right.create(a_job(processes.clock))
    assert processes.sweep(processes.other) == "nothing"
    processes.clock.advance(DISPATCH_SECONDS - SLACK)
    assert processes.sweep(processes.other) == "nothing"
    processes.clock.advance(2 * SLACK)
    assert processes.sweep(processes.other) == "dispatched"
    processes.clock.advance(LEASE.pending + LEASE.grace - DISPATCH_SECONDS - 2 * SLACK)
    assert processes.sweep(processes.other) == "dispatched"
    processes.clock.advance(2 * SLACK)
    assert processes.sweep(processes.other) == "failed"


def test_the_sweeper_restarts_a_dead_workers_job_within_two_minutes(processes: Processes) -> None:
    processes.right.claim(processes.right.create(a_job(processes.clock)).job_id, holder="w1")
    answers = []
    for _ in range(2):
        processes.clock.advance(60)
        answers.append(processes.sweep(processes.other))

    assert answers == ["nothing", "restarted"]


def test_what_another_clock_has_written_is_judged_no_earlier_and_no_later(
    processes: Processes,
) -> None:
    """The API and the worker have it, the sweeper's is right."""
    job = processes.other.create(a_job(processes.clock))
    assert processes.sweep(processes.right) == "nothing"
    processes.clock.advance(DISPATCH_SECONDS + SLACK)
    assert processes.sweep(processes.right) == "dispatched"
    claim = processes.other.claim(job.job_id, holder="w1")
    for _ in range(5):
        processes.clock.advance(LEASE.seconds)
        assert processes.sweep(processes.right) == "nothing"
        processes.other.progress(claim, claim.job)
    processes.clock.advance(LEASE.seconds + LEASE.grace + SLACK)

    assert processes.sweep(processes.right) == "restarted"


def test_a_delivery_watches_a_lease_without_haste(processes: Processes) -> None:
    """A clock that is ahead would have it look twenty times a second."""
    job = processes.right.create(a_job(processes.clock))
    processes.right.claim(job.job_id, holder="dead")
    looks: list[float] = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        processes.clock.advance(seconds)

    claim = claim_patiently(job.job_id, holder="w2", job_manager=processes.other, sleep=sleep)

    assert claim is not None
    assert len(looks) < LEASE.seconds
    assert abs(sum(looks) - LEASE.seconds - LEASE.grace) <= SLACK


def test_an_answer_that_took_long_gives_bounds_alone() -> None:
    """The process was frozen somewhere between asking and hearing."""
    clock = Clock(1000.25)
    time_of_table = TableTime(clock)
    clock.advance(200)

    time_of_table.note(dated(1100.0), asked_at=1000.25)

    assert time_of_table.earliest(clock()) == 1100.0
    assert time_of_table.latest(clock()) == 1301.0


@pytest.mark.parametrize("date", ["", "noon", "Wed, 31 Feb 2024 12:00:00 GMT"])
def test_an_answer_without_a_date_leaves_the_clock_as_it_is(date: str) -> None:
    time_of_table = TableTime(Clock())

    time_of_table.note({"ResponseMetadata": {"HTTPHeaders": {"date": date}}}, asked_at=0.0)
    time_of_table.note({}, asked_at=0.0)

    assert (time_of_table.earliest(7.0), time_of_table.latest(7.0)) == (7.0, 7.0)


def test_the_date_comes_with_the_answers_of_http(dynamodb: Any) -> None:
    """A real client: the API's clock is ten minutes ahead of the table's."""

    def manager(clock: Callable[[], float]) -> JobManager:
        return JobManager(
            table=Table(dynamodb=dynamodb, name="wellhead-test", clock=clock),
            lease=LEASE,
            clock=clock,
        )

    right, ahead = manager(time.time), manager(lambda: time.time() + 600)
    right.claim(right.create(a_job(Clock(time.time()))).job_id, holder="w1")

    with pytest.raises(ImportAlreadyRunning):
        ahead.create(a_job(Clock(time.time())))
    assert sweep(job_manager=ahead, dispatcher=RecordingDispatcher()) == "nothing"
