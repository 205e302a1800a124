"""A job that is asked to stop ends CANCELLED, unless its end was nearer;
what is published stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import (
    Clock,
    InterruptedTable,
    RecordingDispatcher,
    a_job,
    notice_of,
    table_contents,
)
from support.imports import ENOUGH, Worker, files

from chalicelib.errors import CancelRequested, JobIsFinal, JobNotFound, LeaseLost, SourceUnavailable
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.lock import Claim, Lease, Snapshot
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.sweeper import sweep
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "wellhead-test"


@pytest.fixture
def claim(manager: JobManager, clock: Clock) -> Claim:
    return manager.claim(manager.create(a_job(clock)).job_id, holder="w1")


def complete(manager: JobManager, claim: Claim) -> Job:
    job = replace(
        claim.job, status=JobStatus.COMPLETED, phase=None, completed_at=claim.job.created_at + 9
    )
    snapshot = Snapshot(
        name="wells-1", fence=claim.fence, rows=5, bytes=99, sha256="ab", job_id=job.job_id
    )
    return manager.finish(claim, job, snapshot=snapshot)


def interrupted(dynamodb: Any, clock: Clock, meanwhile: Callable[[], object]) -> JobManager:
    table = InterruptedTable(meanwhile, dynamodb=dynamodb, name=TABLE)
    return JobManager(table=table, lease=Lease(), clock=clock)


def test_a_waiting_job_ends_at_once(manager: JobManager, clock: Clock, dynamodb: Any) -> None:
    job = manager.create(a_job(clock))
    clock.advance(5)

    stopped = manager.cancel(job.job_id)

    assert stopped == job.cancel(at=clock())
    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{job.job_id}": job_attributes(stopped),
        **notice_of(stopped),
        "LOCK#import": {"fence": 0},
    }


def test_a_handed_over_job_ends_at_once(manager: JobManager, claim: Claim) -> None:
    manager.hand_over(claim, claim.job)

    assert manager.cancel(claim.job.job_id).status is JobStatus.CANCELLED

    assert manager.lock().owner is None
    assert manager.get(claim.job.job_id).status is JobStatus.CANCELLED


def test_a_running_job_is_marked_and_its_worker_sees_it(
    manager: JobManager, clock: Clock, dynamodb: Any, claim: Claim
) -> None:
    before = table_contents(dynamodb, TABLE)
    clock.advance(3)

    asked = manager.cancel(claim.job.job_id)

    name = f"JOB#{claim.job.job_id}"
    marked = before | {name: before[name] | {"cancel_requested_at": clock()}}
    assert asked == replace(claim.job, cancel_requested_at=clock())
    assert table_contents(dynamodb, TABLE) == marked
    for _ in range(2):
        with pytest.raises(CancelRequested):
            manager.progress(claim, replace(claim.job, fetched_records=7))
    assert table_contents(dynamodb, TABLE) == marked

    stopped = manager.finish(claim, claim.job.cancel(at=clock()))

    assert manager.get(claim.job.job_id) == replace(stopped, cancel_requested_at=clock())
    assert table_contents(dynamodb, TABLE)["LOCK#import"] == {"fence": 1}


def test_who_asks_when_it_is_over_learns_how_it_ended(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    job = manager.create(a_job(clock))
    manager.cancel(job.job_id)
    before = table_contents(dynamodb, TABLE)

    with pytest.raises(JobIsFinal) as refused:
        manager.cancel(job.job_id)

    assert refused.value.details == {"job_id": job.job_id, "status": JobStatus.CANCELLED}
    assert table_contents(dynamodb, TABLE) == before
    with pytest.raises(JobNotFound):
        manager.cancel(a_job(clock).job_id)


# --- cancel against


@pytest.mark.parametrize("how", ["complete", "fail"])
def test_the_end_came_first(
    manager: JobManager, clock: Clock, dynamodb: Any, claim: Claim, how: str
) -> None:
    """The end is written between the look of whoever cancels and the mark."""

    def end() -> None:
        if how == "complete":
            complete(manager, claim)
        else:
            manager.finish(claim, claim.job.fail(SourceUnavailable(), at=clock()))

    with pytest.raises(JobIsFinal):
        interrupted(dynamodb, clock, end).cancel(claim.job.job_id)

    job = manager.get(claim.job.job_id)
    assert job.status is (JobStatus.COMPLETED if how == "complete" else JobStatus.FAILED)
    assert job.cancel_requested_at is None


def test_the_mark_came_after_the_last_look(manager: JobManager, clock: Clock, claim: Claim) -> None:
    """A worker that is about to publish completes, and nothing of the mark is lost."""
    manager.cancel(claim.job.job_id)

    ended = complete(manager, claim)

    assert complete(manager, claim) == replace(ended, cancel_requested_at=clock())
    assert manager.get(claim.job.job_id) == replace(ended, cancel_requested_at=clock())


def test_a_worker_claims_while_a_waiting_job_is_cancelled(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    job = manager.create(a_job(clock))
    claims: list[Claim] = []

    canceller = interrupted(
        dynamodb, clock, lambda: claims.append(manager.claim(job.job_id, holder="w1"))
    )
    asked = canceller.cancel(job.job_id)

    assert asked == replace(claims[0].job, cancel_requested_at=clock())
    with pytest.raises(CancelRequested):
        manager.progress(claims[0], claims[0].job)


def test_a_worker_hands_over_while_it_is_cancelled(
    manager: JobManager, clock: Clock, dynamodb: Any, claim: Claim
) -> None:
    """The mark is kept, and the next worker stops at its first report."""
    interrupted(dynamodb, clock, lambda: manager.hand_over(claim, claim.job)).cancel(
        claim.job.job_id
    )
    following = manager.claim(claim.job.job_id, holder="w2")

    with pytest.raises(CancelRequested):
        manager.progress(following, following.job)


def test_a_worker_that_lost_its_lease_is_told_that_and_no_more(
    manager: JobManager, clock: Clock, claim: Claim
) -> None:
    manager.cancel(claim.job.job_id)
    clock.advance(76)
    manager.claim(claim.job.job_id, holder="w2")

    with pytest.raises(LeaseLost):
        manager.progress(claim, claim.job)


@pytest.mark.parametrize("who", ["the sweeper", "another job"])
def test_a_marked_job_whose_worker_died_ends_cancelled(
    manager: JobManager, clock: Clock, claim: Claim, who: str
) -> None:
    manager.cancel(claim.job.job_id)
    clock.advance(76)
    if who == "the sweeper":
        dispatcher = RecordingDispatcher(failing=True)
        assert sweep(job_manager=manager, dispatcher=dispatcher) == "restarted"
        clock.advance(376)
        assert sweep(job_manager=manager, dispatcher=dispatcher) == "failed"
    else:
        manager.create(a_job(clock))

    job = manager.get(claim.job.job_id)
    assert (job.status, job.error, job.completed_at) == (JobStatus.CANCELLED, None, clock())


# --- the real import


@pytest.mark.parametrize("asked_after", [1, 3])
def test_a_cancelled_import_publishes_nothing_and_the_next_one_is_free(
    environment: dict[str, str], dynamodb: Any, asked_after: int
) -> None:
    with SampleSource(GeneratedProduction(600)) as source:
        environment |= {
            "WELLHEAD_SOURCE_URL": source.url,
            "WELLHEAD_PAGE_SIZE": "100",
            "WELLHEAD_CHECKPOINT_SECONDS": "3600",
            "WELLHEAD_MEMORY_MB": "200",
        }
        worker = Worker(environment, dynamodb)
        first = worker.import_all()
        published = files(worker.settings.warehouse), worker.manager.current_snapshot()
        job_id = worker.trigger()
        pages = iter(range(1, 100))

        def remaining() -> float:
            if next(pages) == asked_after:
                worker.manager.cancel(job_id)
            worker.clock.advance(1)
            return ENOUGH

        assert worker.run(job_id, remaining=remaining) == {"job_id": job_id, "outcome": "CANCELLED"}

        job = worker.manager.get(job_id)
        assert (job.status, job.phase, job.error) == (JobStatus.CANCELLED, None, None)
        assert job.events[-1].name == "cancelled"
        assert (files(worker.settings.warehouse), worker.manager.current_snapshot()) == published
        assert files(worker.settings.scratch) == {}
        assert worker.run(job_id) == {"job_id": job_id, "outcome": "nothing to do"}
        following = worker.import_all()

    assert (first.new_records, following.status, following.duplicate_records) == (
        600,
        JobStatus.COMPLETED,
        600,
    )
