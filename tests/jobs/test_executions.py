"""What the sweeper makes of a lock that an execution of the state machine holds,
and who may take it over.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.coordination import NOON, Clock, RecordingDispatcher, a_job

from chalicelib.errors import (
    CancelRequested,
    ClaimRefused,
    DispatchFailed,
    ImportAlreadyRunning,
    LeaseLost,
)
from chalicelib.jobs.executions import Executions
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.lock import Claim, Lease, execution_of, holder_of
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.sweeper import SWEEP_SECONDS, sweep, take_up

HOLDER = holder_of("job-0", "plan")


class KnownExecutions(Executions):
    """Step Functions as it stands; `silent`: it does not answer."""

    def __init__(self, *, silent: bool = False, **statuses: str) -> None:
        self.silent = silent
        self.statuses = {name.replace("_", "-"): status for name, status in statuses.items()}

    def status(self, name: str) -> str | None:
        if self.silent:
            raise DispatchFailed
        return self.statuses.get(name)


@pytest.fixture
def claim(manager: JobManager, clock: Clock) -> Claim:
    return manager.claim(manager.create(a_job(clock)).job_id, holder=HOLDER)


def swept(manager: JobManager, executions: Executions | None) -> tuple[str, list[str]]:
    dispatcher = RecordingDispatcher()
    return sweep(
        job_manager=manager, dispatcher=dispatcher, executions=executions
    ), dispatcher.dispatched


def test_a_holder_tells_its_execution() -> None:
    assert execution_of(holder_of("job-7", "request/1234")) == "job-7"
    assert [
        execution_of(holder) for holder in ("request/1234", holder_of("", "request/1234"), None)
    ] == ["", "", ""]


def test_an_execution_that_runs_keeps_its_lease(
    manager: JobManager, claim: Claim, clock: Clock
) -> None:
    """With nobody at work for an hour; no trigger takes the lock over meanwhile."""
    executions = KnownExecutions(job_0="RUNNING")
    answers = []
    for _ in range(60):
        clock.advance(60)
        answers.append(swept(manager, executions)[0])
        with pytest.raises(ImportAlreadyRunning):
            manager.create(a_job(clock))

    assert set(answers) == {"renewed"}
    assert manager.get(claim.job.job_id).status is JobStatus.RUNNING


@pytest.mark.parametrize("seconds", [5.0, 60.0])
def test_a_lease_that_is_renewed_outlasts_the_next_sweep(
    manager: JobManager, claim: Claim, clock: Clock, seconds: float
) -> None:
    """A sweep comes late by what a cold start takes, and a trigger just before it."""
    short = JobManager(table=manager.table, lease=Lease(seconds=seconds, grace=0.0), clock=clock)
    short.progress(claim, claim.job)
    for _ in range(3):
        assert swept(short, KnownExecutions(job_0="RUNNING")) == ("renewed", [])
        clock.advance(SWEEP_SECONDS + 30)
        with pytest.raises(ImportAlreadyRunning):
            short.create(a_job(clock))


def test_a_long_lease_is_not_made_a_shorter_one(manager: JobManager, claim: Claim) -> None:
    manager.progress(claim, claim.job, lease_seconds=3600)
    lock = manager.lock()

    assert swept(manager, KnownExecutions(job_0="RUNNING")) == ("nothing", [])
    assert manager.lock() == lock


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_has_stopped_ends_its_job(
    manager: JobManager, claim: Claim, status: str
) -> None:
    assert swept(manager, KnownExecutions(job_0=status)) == ("failed", [])

    job = manager.get(claim.job.job_id)
    assert (job.status, (job.error or {})["code"]) == (JobStatus.FAILED, "MACHINE_STOPPED")
    assert manager.lock().owner is None
    with pytest.raises(LeaseLost):  # a worker of it that still lives
        manager.show(claim, job, ["fetched_records"])


def test_an_execution_that_came_to_its_end_leaves_its_job_to_who_still_works_on_it(
    manager: JobManager, claim: Claim, clock: Clock
) -> None:
    """A try of Plan that was given up wakes and claims after Merge did,
    so Merge, the last state, is refused.
    """
    executions = KnownExecutions(job_0="SUCCEEDED")
    late = manager.claim(claim.job.job_id, holder=holder_of("job-0", "a late try of plan"))
    for _ in range(3):
        clock.advance(60)
        assert swept(manager, executions) == ("nothing", [])
        manager.progress(late, late.job)
    clock.advance(76)

    assert swept(manager, executions) == ("restarted", [claim.job.job_id])
    assert manager.get(claim.job.job_id).status is JobStatus.RUNNING


def test_one_that_was_to_be_cancelled_is_cancelled(manager: JobManager, claim: Claim) -> None:
    manager.cancel(claim.job.job_id)
    swept(manager, KnownExecutions(job_0="ABORTED"))

    assert manager.get(claim.job.job_id).status is JobStatus.CANCELLED


@pytest.mark.parametrize("seconds", [1, 76])
def test_a_failed_event_leaves_the_place_of_an_execution_to_the_sweeper(
    manager: JobManager, claim: Claim, clock: Clock, seconds: float
) -> None:
    """An event of the import function,
    from before the machine was set up or from a second start.
    """
    clock.advance(seconds)
    lock, dispatcher = manager.lock(), RecordingDispatcher()

    assert take_up(claim.job.job_id, job_manager=manager, dispatcher=dispatcher) == "nothing"
    assert (manager.lock(), dispatcher.dispatched) == (lock, [])


@pytest.mark.parametrize("executions", [KnownExecutions(), KnownExecutions(silent=True), None])
def test_of_one_that_nobody_knows_the_lease_decides(
    manager: JobManager, claim: Claim, clock: Clock, executions: Executions | None
) -> None:
    clock.advance(74)
    assert swept(manager, executions) == ("nothing", [])
    clock.advance(2)

    assert swept(manager, executions) == ("restarted", [claim.job.job_id])
    assert manager.lock().holder is None


def test_the_next_state_takes_over_and_no_other_execution_does(
    manager: JobManager, claim: Claim
) -> None:
    with pytest.raises(ClaimRefused):
        manager.claim(claim.job.job_id, holder=holder_of("job-1", "plan"))
    with pytest.raises(ClaimRefused):
        manager.claim(claim.job.job_id, holder="a worker by itself")
    merge = manager.claim(claim.job.job_id, holder=holder_of("job-0", "merge"))

    assert merge.fence == claim.fence + 1
    with pytest.raises(LeaseLost):
        manager.progress(claim, claim.job)


def test_a_worker_by_itself_is_not_taken_over_by_another_one(
    manager: JobManager, clock: Clock
) -> None:
    job = manager.create(a_job(clock))
    manager.claim(job.job_id, holder="one")

    with pytest.raises(ClaimRefused):
        manager.claim(job.job_id, holder="another")


def test_a_part_shows_progress_and_leaves_the_rest_of_the_job_alone(
    manager: JobManager, claim: Claim, clock: Clock
) -> None:
    stored = manager.progress(claim, replace(claim.job, expected_records=10, skipped_records=3))
    clock.advance(50)
    told: Job = replace(
        claim.job, fetched_records=7, parts={"count": 2, "done": 1}, skipped_records=9
    )
    manager.show(
        claim, replace(told, waiting={"until": NOON, "code": "SOURCE_THROTTLED"}), ["waiting"]
    )
    manager.show(claim, told, ["fetched_records", "parts", "waiting"])

    assert manager.get(claim.job.job_id) == replace(
        stored, fetched_records=7, parts={"count": 2, "done": 1}, heartbeat_at=clock()
    )
    assert manager.lock().lease_until == clock() + 60
    manager.cancel(claim.job.job_id)
    with pytest.raises(CancelRequested):
        manager.show(claim, told, ["fetched_records"])
