"""Every condition of the lock, against a real engine:
who may write, who is refused, and that nothing else moves.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import NOON, Clock, a_job, notice_of, table_contents

from chalicelib.errors import (
    ClaimRefused,
    ImportAlreadyRunning,
    JobNotFound,
    LeaseExpired,
    NotStarted,
    SourceUnavailable,
)
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.job import Job, JobStatus, Phase
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.lock import Claim, Lease, Lock
from chalicelib.warehouse.names import SegmentRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.manager import JobManager

TABLE = "wellhead-test"
LEASE = Lease(seconds=60, grace=15, pending=360)

Contents = dict[str, dict[str, Any]]


@pytest.fixture
def contents(dynamodb: Any) -> Callable[[], Contents]:
    return lambda: table_contents(dynamodb, TABLE)


def failed(claim: Claim, clock: Clock) -> Job:
    return claim.job.fail(SourceUnavailable(page=3), at=clock())


# --- create


def test_create_stores_the_job_and_takes_the_lock(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    job = manager.create(a_job(clock))

    assert job.status is JobStatus.PENDING
    assert contents() == {
        f"JOB#{job.job_id}": job_attributes(job),
        "LOCK#import": {"owner": job.job_id, "since": NOON, "fence": 0, "lease_until": NOON + 360},
    }
    assert manager.get(job.job_id) == job
    assert manager.lock() == Lock(fence=0, owner=job.job_id, since=NOON, lease_until=NOON + 360)


def test_create_tells_who_holds_the_lock_and_since_when(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    first = manager.create(a_job(clock))
    before = contents()
    clock.advance(5)

    with pytest.raises(ImportAlreadyRunning) as refused:
        manager.create(a_job(clock))

    assert refused.value.details == {"job_id": first.job_id, "started_at": NOON}
    assert contents() == before


@pytest.mark.parametrize("running", [False, True])
def test_create_takes_over_when_lease_and_grace_are_over_and_fails_the_old_job(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents], running: bool
) -> None:
    old = manager.create(a_job(clock))
    if running:
        old = manager.claim(old.job_id, holder="w1").job
    clock.advance((60 if running else 360) + 15)
    before = contents()
    with pytest.raises(ImportAlreadyRunning):
        manager.create(a_job(clock))
    assert contents() == before
    clock.advance(0.001)

    new = manager.create(a_job(clock))

    error = LeaseExpired() if running else NotStarted()
    assert error.code == ("LEASE_EXPIRED" if running else "DISPATCH_FAILED")
    assert contents() == {
        f"JOB#{old.job_id}": job_attributes(old.fail(error, at=clock())),
        **notice_of(old.fail(error, at=clock())),
        f"JOB#{new.job_id}": job_attributes(new),
        "LOCK#import": {
            "owner": new.job_id,
            "since": new.created_at,
            "fence": int(running),
            "lease_until": clock() + 360,
        },
    }


def test_create_of_a_job_that_came_to_its_end_meanwhile_answers_with_it(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    """The answer to the creation was lost for so long that the import is over."""
    asked = a_job(clock)
    claim = manager.claim(manager.create(asked).job_id, holder="w1")
    ended = manager.finish(claim, failed(claim, clock))
    before = contents()

    assert manager.create(asked) == ended
    assert contents() == before


def test_an_unknown_job_is_not_found(manager: JobManager) -> None:
    with pytest.raises(JobNotFound) as missing:
        manager.get("018cc251-f400-7000-8000-000000000000")

    assert missing.value.details == {"job_id": "018cc251-f400-7000-8000-000000000000"}


# --- claim


def test_claim_makes_the_job_run_with_the_next_fence(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    created = manager.create(a_job(clock))
    clock.advance(3)

    claim = manager.claim(created.job_id, holder="w1")

    running = replace(
        created,
        status=JobStatus.RUNNING,
        phase=Phase.FETCHING,
        started_at=NOON + 3,
        heartbeat_at=NOON + 3,
        attempt=1,
        fence=1,
    ).with_event(NOON + 3, "claimed", attempt=1)
    assert claim == Claim(job=running, holder="w1", fence=1)
    assert contents() == {
        f"JOB#{created.job_id}": job_attributes(running),
        "LOCK#import": {
            "owner": created.job_id,
            "since": NOON,
            "holder": "w1",
            "fence": 1,
            "lease_until": NOON + 63,
        },
    }


def test_claim_is_refused_while_another_worker_may_live(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    job = manager.create(a_job(clock))
    manager.claim(job.job_id, holder="w1")
    before = contents()
    clock.advance(75)

    with pytest.raises(ClaimRefused) as refused:
        manager.claim(job.job_id, holder="w2")

    assert refused.value.lease_until == NOON + 75
    assert contents() == before


def test_claim_takes_over_from_a_dead_worker_and_counts_the_stalled_attempt(
    manager: JobManager, clock: Clock
) -> None:
    job = manager.create(a_job(clock))
    first = manager.claim(job.job_id, holder="w1")
    clock.advance(75.5)

    second = manager.claim(job.job_id, holder="w2")

    expected = replace(first.job, attempt=2, stalled_attempts=1, heartbeat_at=clock(), fence=2)
    assert second == Claim(
        job=expected.with_event(clock(), "claimed", attempt=2), holder="w2", fence=2
    )
    assert manager.lock() == Lock(
        fence=2, owner=job.job_id, since=NOON, holder="w2", lease_until=clock() + 60
    )


def test_an_attempt_that_begins_at_a_new_checkpoint_is_not_stalled(
    manager: JobManager, clock: Clock
) -> None:
    job = manager.create(a_job(clock))
    first = manager.claim(job.job_id, holder="w1")
    segments = [SegmentRun(job_id="a", fence=1)]
    checkpoint = Checkpoint(cursor={"url": None, "page": 7}, segments=segments)
    manager.hand_over(first, replace(first.job, checkpoint=checkpoint))

    second = manager.claim(job.job_id, holder="w2").job

    assert (second.stalled_attempts, second.claimed_cursor) == (0, {"url": None, "page": 7})


@pytest.mark.parametrize("end", ["finished", "taken over", "never created"])
def test_claim_of_a_job_without_the_lock_is_refused(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents], end: str
) -> None:
    job = a_job(clock)
    if end != "never created":
        claim = manager.claim(manager.create(job).job_id, holder="w1")
    if end == "finished":
        manager.finish(claim, failed(claim, clock))
    if end == "taken over":
        clock.advance(76)
        manager.create(a_job(clock))
    before = contents()

    with pytest.raises(ClaimRefused) as refused:
        manager.claim(job.job_id, holder="w2")

    assert refused.value.lease_until is None
    assert contents() == before


# --- progress, hand-over, finish


def test_progress_stores_the_job_and_renews_the_lease(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    clock.advance(40)
    counted = replace(
        claim.job, fetched_records=7, expected_records=70, stats={"pages": 1}, phase=Phase.MERGING
    )

    alive = manager.progress(claim, counted, lease_seconds=500)

    assert alive == replace(counted, heartbeat_at=NOON + 40)
    assert contents()[f"JOB#{counted.job_id}"] == job_attributes(alive)
    assert manager.lock() == Lock(
        fence=1, owner=counted.job_id, since=NOON, holder="w1", lease_until=NOON + 540
    )


def test_a_null_takes_the_old_value_away(manager: JobManager, clock: Clock) -> None:
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    manager.progress(
        claim, replace(claim.job, expected_records=70, checkpoint=Checkpoint(cursor={"page": 2}))
    )

    manager.progress(claim, claim.job)

    assert manager.get(claim.job.job_id) == claim.job


def test_hand_over_frees_the_place_for_the_next_worker(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    clock.advance(9)

    manager.hand_over(claim, claim.job)

    waiting = replace(claim.job, heartbeat_at=NOON + 9).with_event(
        NOON + 9, "handed over", attempt=1
    )
    assert contents() == {
        f"JOB#{claim.job.job_id}": job_attributes(waiting),
        "LOCK#import": {
            "owner": claim.job.job_id,
            "since": NOON,
            "fence": 1,
            "lease_until": NOON + 369,
        },
    }
    assert manager.claim(claim.job.job_id, holder="w2").fence == 2
