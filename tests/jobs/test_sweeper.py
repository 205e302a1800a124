"""What the sweeper makes of each state that a lost event or a dead worker leaves,
and what a failed event does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.coordination import (
    Clock,
    InterruptedTable,
    RecordingDispatcher,
    a_job,
    notice_of,
    table_contents,
)

from chalicelib.errors import LeaseExpired, NotStarted, SourceUnavailable, StateUnavailable
from chalicelib.imports.worker import claim_patiently
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.sweeper import sweep, take_up
from chalicelib.jobs.table import Table

TABLE = "wellhead-test"


@pytest.fixture
def job(manager: JobManager, clock: Clock) -> Job:
    return manager.create(a_job(clock))


class Sweeper:
    def __init__(self, manager: JobManager, *, failing: bool = False) -> None:
        self.dispatcher = RecordingDispatcher(failing=failing)
        self._manager = manager

    def sweep(self) -> str:
        return sweep(job_manager=self._manager, dispatcher=self.dispatcher)

    def take_up(self, job_id: str) -> str:
        return take_up(job_id, job_manager=self._manager, dispatcher=self.dispatcher)

    @property
    def dispatched(self) -> list[str]:
        return self.dispatcher.dispatched


@pytest.fixture
def sweeper(manager: JobManager) -> Sweeper:
    return Sweeper(manager)


def test_an_empty_table_needs_nothing(sweeper: Sweeper, dynamodb: Any) -> None:
    assert (sweeper.sweep(), sweeper.dispatched) == ("nothing", [])
    assert table_contents(dynamodb, TABLE) == {}


def test_an_ended_job_needs_nothing(
    sweeper: Sweeper, manager: JobManager, job: Job, clock: Clock
) -> None:
    claim = manager.claim(job.job_id, holder="w1")
    ended = manager.finish(claim, claim.job.fail(SourceUnavailable(), at=clock()))
    clock.advance(10_000)

    assert (sweeper.sweep(), sweeper.dispatched) == ("nothing", [])
    assert manager.get(job.job_id) == ended


@pytest.mark.parametrize(
    ("age", "answer"), [(30, "nothing"), (31, "dispatched"), (375, "dispatched")]
)
def test_a_job_whose_event_got_lost_is_dispatched_again(
    *, sweeper: Sweeper, job: Job, dynamodb: Any, clock: Clock, age: float, answer: str
) -> None:
    before = table_contents(dynamodb, TABLE)
    clock.advance(age)

    assert sweeper.sweep() == answer

    assert sweeper.dispatched == ([job.job_id] if answer == "dispatched" else [])
    assert table_contents(dynamodb, TABLE) == before


def test_a_job_that_cannot_be_dispatched_ends_when_its_lease_does(
    manager: JobManager, job: Job, dynamodb: Any, clock: Clock
) -> None:
    sweeper = Sweeper(manager, failing=True)
    answers = []
    for _ in range(7):
        clock.advance(60)
        answers.append(sweeper.sweep())

    assert answers == ["nothing"] * 6 + ["failed"]
    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{job.job_id}": job_attributes(job.fail(NotStarted(), at=clock())),
        **notice_of(job.fail(NotStarted(), at=clock())),
        "LOCK#import": {"fence": 0},
    }


def test_a_living_worker_is_left_alone(
    sweeper: Sweeper, manager: JobManager, job: Job, clock: Clock
) -> None:
    claim = manager.claim(job.job_id, holder="w1")
    for _ in range(10):
        clock.advance(74)
        assert sweeper.sweep() == "nothing"
        manager.progress(claim, claim.job)

    assert sweeper.dispatched == []


def test_a_dead_worker_gives_way_to_another(
    sweeper: Sweeper, manager: JobManager, job: Job, clock: Clock
) -> None:
    dead = manager.claim(job.job_id, holder="w1")
    clock.advance(76)

    assert sweeper.sweep() == "restarted"

    assert sweeper.dispatched == [job.job_id]
    assert manager.get(job.job_id) == dead.job
    assert manager.claim(job.job_id, holder="w2").fence == 2


def test_a_restart_whose_dispatch_fails_is_tried_at_the_next_sweep(
    manager: JobManager, job: Job, clock: Clock
) -> None:
    manager.claim(job.job_id, holder="w1")
    sweeper = Sweeper(manager, failing=True)
    clock.advance(76)
    assert sweeper.sweep() == "restarted"
    sweeper.dispatcher.failing = False
    clock.advance(60)

    assert sweeper.sweep() == "dispatched"

    assert sweeper.dispatched == [job.job_id]


def test_a_handed_over_job_that_nobody_goes_on_with_ends(
    manager: JobManager, job: Job, clock: Clock
) -> None:
    claim = manager.claim(job.job_id, holder="w1")
    manager.hand_over(claim, claim.job)
    sweeper = Sweeper(manager)
    clock.advance(376)

    assert sweeper.sweep() == "failed"

    ended = manager.get(job.job_id)
    assert (ended.status, ended.completed_at) == (JobStatus.FAILED, clock())
    assert ended.error is not None
    assert (ended.error["code"], ended.error["message"]) == (
        "LEASE_EXPIRED",
        LeaseExpired().message,
    )


def test_two_sweepers_at_once_do_no_harm(manager: JobManager, job: Job, clock: Clock) -> None:
    """The second one looked before the first one wrote."""
    manager.claim(job.job_id, holder="w1")
    clock.advance(76)
    seen = manager.lock()
    first, second = Sweeper(manager), Sweeper(manager)

    answers = (first.sweep(), manager.free_holder(seen), manager.expire(seen), second.sweep())

    assert answers == ("restarted", False, False, "nothing")
    assert [manager.claim(job.job_id, holder="w2").fence, manager.lock().fence] == [2, 2]


def test_a_table_that_does_not_answer_is_reported(sweeper: Sweeper, aws: Any) -> None:
    aws.stop()

    with pytest.raises(StateUnavailable):
        sweeper.sweep()


# --- every delivery of an event has failed


def test_a_job_that_nobody_ever_claimed_ends_when_its_event_failed(
    sweeper: Sweeper, job: Job, dynamodb: Any, clock: Clock
) -> None:
    clock.advance(181)

    assert (sweeper.take_up(job.job_id), sweeper.dispatched) == ("failed", [])

    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{job.job_id}": job_attributes(job.fail(NotStarted(), at=clock())),
        **notice_of(job.fail(NotStarted(), at=clock())),
        "LOCK#import": {"fence": 0},
    }
    assert sweeper.take_up(job.job_id) == "nothing"  # the record came twice


def test_a_handed_over_job_is_dispatched_again_when_its_event_failed(
    sweeper: Sweeper, manager: JobManager, job: Job, dynamodb: Any
) -> None:
    claim = manager.claim(job.job_id, holder="w1")
    manager.hand_over(claim, replace(claim.job, checkpoint=Checkpoint(cursor={"page": 7})))
    before = table_contents(dynamodb, TABLE)

    assert (sweeper.take_up(job.job_id), sweeper.dispatched) == ("dispatched", [job.job_id])

    assert table_contents(dynamodb, TABLE) == before


def test_a_dead_workers_job_is_dispatched_at_once_and_goes_on_when_its_lease_is_over(
    sweeper: Sweeper, manager: JobManager, job: Job, dynamodb: Any, clock: Clock
) -> None:
    """The dispatched delivery watches the lease: nobody else knows whether the holder lives."""
    manager.claim(job.job_id, holder="w1")
    clock.advance(75)
    before = table_contents(dynamodb, TABLE)

    assert (sweeper.take_up(job.job_id), sweeper.dispatched) == ("dispatched", [job.job_id])

    assert table_contents(dynamodb, TABLE) == before
    clock.advance(1)
    assert sweeper.take_up(job.job_id) == "restarted"
    assert sweeper.dispatched == [job.job_id] * 2
    assert manager.lock().holder is None


def test_a_living_workers_job_stays_as_it_is_and_its_second_delivery_leaves(
    sweeper: Sweeper, manager: JobManager, job: Job, dynamodb: Any, clock: Clock
) -> None:
    claim = manager.claim(job.job_id, holder="w1")
    before = table_contents(dynamodb, TABLE)

    assert sweeper.take_up(job.job_id) == "dispatched"

    assert table_contents(dynamodb, TABLE) == before

    def work_on(_: float) -> None:
        clock.advance(1)
        manager.progress(claim, claim.job)

    assert claim_patiently(job.job_id, holder="w2", job_manager=manager, sleep=work_on) is None


@pytest.mark.parametrize(
    ("is_claimed", "code"), [(False, "DISPATCH_FAILED"), (True, "LEASE_EXPIRED")]
)
def test_a_job_that_waited_too_long_ends_when_its_event_failed(
    *, sweeper: Sweeper, manager: JobManager, job: Job, clock: Clock, is_claimed: bool, code: str
) -> None:
    if is_claimed:
        claim = manager.claim(job.job_id, holder="w1")
        manager.hand_over(claim, claim.job)
    clock.advance(376)

    assert (sweeper.take_up(job.job_id), sweeper.dispatched) == ("failed", [])

    assert (manager.get(job.job_id).error or {})["code"] == code
    assert manager.lock().owner is None


def test_a_job_that_was_asked_to_stop_ends_cancelled_when_its_event_failed(
    sweeper: Sweeper, manager: JobManager, job: Job, clock: Clock
) -> None:
    claim = manager.claim(job.job_id, holder="w1")
    manager.cancel(job.job_id)
    manager.hand_over(claim, claim.job)
    clock.advance(376)

    assert sweeper.take_up(job.job_id) == "failed"

    assert manager.get(job.job_id).status is JobStatus.CANCELLED


def test_the_failed_event_of_an_ended_job_changes_nothing(
    sweeper: Sweeper, manager: JobManager, job: Job, dynamodb: Any, clock: Clock
) -> None:
    claim = manager.claim(job.job_id, holder="w1")
    manager.finish(claim, claim.job.fail(SourceUnavailable(), at=clock()))
    another = manager.create(a_job(clock))
    before = table_contents(dynamodb, TABLE)

    for job_id in (job.job_id, "of nobody"):
        assert (sweeper.take_up(job_id), sweeper.dispatched) == ("nothing", [])

    assert table_contents(dynamodb, TABLE) == before
    assert manager.lock().owner == another.job_id


def test_a_worker_that_claims_meanwhile_is_not_ended(dynamodb: Any, job: Job, clock: Clock) -> None:
    """Its event came while the failed one was looked at."""

    def claim() -> None:
        JobManager(table=Table(dynamodb=dynamodb, name=TABLE), lease=Lease(), clock=clock).claim(
            job.job_id, holder="w"
        )

    table = InterruptedTable(claim, dynamodb=dynamodb, name=TABLE)
    sweeper = Sweeper(JobManager(table=table, lease=Lease(), clock=clock))

    assert (sweeper.take_up(job.job_id), sweeper.dispatched) == ("nothing", [])

    assert table_contents(dynamodb, TABLE)[f"JOB#{job.job_id}"]["status"] == "RUNNING"


def test_a_failed_event_whose_job_cannot_be_dispatched_is_left_to_the_sweeper(
    manager: JobManager, job: Job, clock: Clock
) -> None:
    claim = manager.claim(job.job_id, holder="w1")
    manager.hand_over(claim, claim.job)
    sweeper = Sweeper(manager, failing=True)

    assert sweeper.take_up(job.job_id) == "nothing"
    clock.advance(31)
    sweeper.dispatcher.failing = False

    assert sweeper.sweep() == "dispatched"
