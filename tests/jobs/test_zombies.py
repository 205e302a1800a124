"""A worker that lost its place can change nothing,
an end is final, and a lost answer is recognised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.coordination import (
    Clock,
    RepeatingTable,
    SilentTable,
    a_job,
    notice_of,
    table_contents,
)

from chalicelib.errors import (
    ClaimRefused,
    LeaseExpired,
    LeaseLost,
    NotStarted,
    SourceUnavailable,
    StateUnavailable,
)
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.lock import Claim, Lease, Snapshot
from chalicelib.jobs.manager import JobManager

TABLE = "wellhead-test"
LEASE = Lease(seconds=60, grace=15, pending=360)

Write = Callable[[JobManager, Claim], object]


@pytest.fixture
def claim(manager: JobManager, clock: Clock) -> Claim:
    return manager.claim(manager.create(a_job(clock)).job_id, holder="w1")


def snapshot_of(claim: Claim) -> Snapshot:
    return Snapshot(
        name=f"wells-{claim.fence}",
        fence=claim.fence,
        rows=5,
        bytes=99,
        sha256="ab",
        job_id=claim.job.job_id,
    )


def failed(claim: Claim) -> Job:
    return claim.job.fail(SourceUnavailable(page=3), at=claim.job.created_at + 8)


def complete(manager: JobManager, claim: Claim) -> Job:
    job = replace(
        claim.job, status=JobStatus.COMPLETED, phase=None, completed_at=claim.job.created_at + 9
    )
    return manager.finish(claim, job, snapshot=snapshot_of(claim))


WRITES: dict[str, Write] = {
    "progress": lambda manager, claim: manager.progress(
        claim, replace(claim.job, fetched_records=99)
    ),
    "hand over": lambda manager, claim: manager.hand_over(claim, claim.job),
    "fail": lambda manager, claim: manager.finish(claim, failed(claim)),
    "complete": complete,
}


def another_claims(manager: JobManager, clock: Clock, claim: Claim) -> None:
    clock.advance(76)
    manager.claim(claim.job.job_id, holder="w2")


def sweeper_frees(manager: JobManager, clock: Clock, claim: Claim) -> None:
    clock.advance(76)
    assert manager.free_holder(manager.lock())


def sweeper_expires(manager: JobManager, clock: Clock, claim: Claim) -> None:
    sweeper_frees(manager, clock, claim)
    clock.advance(376)
    assert manager.expire(manager.lock())


def another_job_takes_over(manager: JobManager, clock: Clock, claim: Claim) -> None:
    clock.advance(76)
    manager.create(a_job(clock))


def itself_hands_over(manager: JobManager, clock: Clock, claim: Claim) -> None:
    manager.hand_over(claim, claim.job)


def another_finishes(manager: JobManager, clock: Clock, claim: Claim) -> None:
    clock.advance(76)
    complete(manager, manager.claim(claim.job.job_id, holder="w2"))


LOSSES = [
    another_claims,
    sweeper_frees,
    sweeper_expires,
    another_job_takes_over,
    itself_hands_over,
    another_finishes,
]


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_a_zombie_is_refused_and_changes_nothing(
    manager: JobManager, clock: Clock, dynamodb: Any, claim: Claim, lose: Callable[..., None]
) -> None:
    lose(manager, clock, claim)
    before = table_contents(dynamodb, TABLE)

    for name, write in WRITES.items():
        with pytest.raises(LeaseLost):
            write(manager, claim)

        assert table_contents(dynamodb, TABLE) == before, name


def test_a_slow_worker_whose_place_nobody_took_goes_on(
    manager: JobManager, clock: Clock, claim: Claim
) -> None:
    clock.advance(1_000)

    manager.progress(claim, claim.job)

    with pytest.raises(ClaimRefused) as refused:
        manager.claim(claim.job.job_id, holder="w2")
    assert refused.value.lease_until == clock() + 75


@pytest.mark.parametrize(
    "end", [complete, lambda manager, claim: manager.finish(claim, failed(claim))]
)
def test_an_end_is_final(manager: JobManager, dynamodb: Any, claim: Claim, end: Write) -> None:
    held = manager.lock()
    ended = end(manager, claim)
    before = table_contents(dynamodb, TABLE)

    for write in WRITES.values():
        try:
            assert write(manager, claim) == ended  # the same write again
        except LeaseLost:
            continue
    with pytest.raises(ClaimRefused):
        manager.claim(claim.job.job_id, holder="w2")

    assert not manager.free_holder(held)
    assert not manager.expire(held)
    assert table_contents(dynamodb, TABLE) == before


# --- the sweeper's writes


def test_expire_fails_a_job_that_never_started(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    job = manager.create(a_job(clock))
    clock.advance(400)

    assert manager.expire(manager.lock())

    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{job.job_id}": job_attributes(job.fail(NotStarted(), at=clock())),
        **notice_of(job.fail(NotStarted(), at=clock())),
        "LOCK#import": {"fence": 0},
    }


def test_expire_fails_a_job_that_nobody_went_on_with(
    manager: JobManager, clock: Clock, dynamodb: Any, claim: Claim
) -> None:
    clock.advance(400)

    assert manager.expire(manager.lock())

    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{claim.job.job_id}": job_attributes(claim.job.fail(LeaseExpired(), at=clock())),
        **notice_of(claim.job.fail(LeaseExpired(), at=clock())),
        "LOCK#import": {"fence": 1},
    }


def test_free_holder_keeps_the_job_and_its_fence(
    manager: JobManager, clock: Clock, dynamodb: Any, claim: Claim
) -> None:
    before = table_contents(dynamodb, TABLE)
    clock.advance(80)

    assert manager.free_holder(manager.lock())

    lock = {name: value for name, value in before["LOCK#import"].items() if name != "holder"}
    assert table_contents(dynamodb, TABLE) == before | {
        "LOCK#import": lock | {"lease_until": clock() + 360}
    }


@pytest.mark.parametrize("write", ["progress", "claim", "hand over", "finish", "take over"])
def test_the_sweeper_is_refused_when_the_lock_was_written_since_it_looked(
    manager: JobManager, clock: Clock, dynamodb: Any, claim: Claim, write: str
) -> None:
    clock.advance(76)
    seen = manager.lock()
    match write:
        case "progress":
            manager.progress(claim, claim.job)
        case "claim":
            manager.claim(claim.job.job_id, holder="w2")
        case "hand over":
            manager.hand_over(claim, claim.job)
        case "finish":
            manager.finish(claim, failed(claim))
        case "take over":
            manager.create(a_job(clock))
    before = table_contents(dynamodb, TABLE)

    assert not manager.free_holder(seen)
    assert not manager.expire(seen)

    assert table_contents(dynamodb, TABLE) == before


# --- lost answers


@pytest.fixture
def repeating(dynamodb: Any, clock: Clock) -> JobManager:
    return JobManager(table=RepeatingTable(dynamodb=dynamodb, name=TABLE), lease=LEASE, clock=clock)


@pytest.fixture
def silent(dynamodb: Any, clock: Clock) -> JobManager:
    return JobManager(table=SilentTable(dynamodb=dynamodb, name=TABLE), lease=LEASE, clock=clock)


def test_writes_that_arrive_twice_are_one(
    repeating: JobManager, clock: Clock, dynamodb: Any
) -> None:
    job = repeating.create(a_job(clock))
    assert repeating.get(job.job_id) == job

    claim = repeating.claim(job.job_id, holder="w1")
    assert (claim.fence, claim.job.attempt, repeating.get(job.job_id)) == (1, 1, claim.job)

    alive = repeating.progress(claim, replace(claim.job, fetched_records=4))
    assert repeating.get(job.job_id) == alive

    ended = complete(repeating, claim)
    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{job.job_id}": job_attributes(ended),
        **notice_of(ended),
        "LOCK#import": {"fence": 1},
        "WAREHOUSE#current": vars(snapshot_of(claim)),
        f"WAREHOUSE#{snapshot_of(claim).name}": vars(snapshot_of(claim)),
    }


def test_a_failure_that_arrives_twice_is_one(repeating: JobManager, clock: Clock) -> None:
    claim = repeating.claim(repeating.create(a_job(clock)).job_id, holder="w1")

    assert repeating.finish(claim, failed(claim)) == failed(claim)


def test_what_was_asked_for_in_vain_is_recognised_when_it_is_asked_for_again(
    manager: JobManager, silent: JobManager, clock: Clock, dynamodb: Any
) -> None:
    job = a_job(clock)
    with pytest.raises(StateUnavailable):
        silent.create(job)
    assert manager.create(job) == job

    with pytest.raises(StateUnavailable):
        silent.claim(job.job_id, holder="w1")
    claim = manager.claim(job.job_id, holder="w1")
    assert (claim.fence, claim.job) == (1, manager.get(job.job_id))

    with pytest.raises(StateUnavailable):
        complete(silent, claim)
    before = table_contents(dynamodb, TABLE)
    assert complete(manager, claim) == manager.get(job.job_id)
    assert table_contents(dynamodb, TABLE) == before


def test_a_table_that_does_not_answer_is_reported(
    manager: JobManager, clock: Clock, aws: Any
) -> None:
    aws.stop()

    for ask in (manager.lock, manager.current_snapshot, lambda: manager.create(a_job(clock))):
        with pytest.raises(StateUnavailable):
            ask()
