"""Each condition and each step of the protocol is needed: without it, the simulation or a direct
scenario fails.

What no seed brings to light, because two things must happen within milliseconds, has its scenario
here.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.coordination import Clock, RepeatingTable, a_job

from chalicelib.errors import Held, JobIsFinal, LeaseLost, NotHeld
from chalicelib.jobs.finding import Check, Finding
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Claim, Lease, Snapshot
from chalicelib.jobs.manager import JobManager
from simulation.dynamodb import InMemoryDynamoDb
from simulation.mutants import (
    AS_READ,
    IS_MINE,
    JOB_FENCE,
    MUTANTS,
    POINTS_TO,
    LooseTable,
    Mutant,
    without,
)
from simulation.world import simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.table import Condition

SEEDS = 500


@pytest.mark.timeout(600)  # some take a hundred storms when they have to be searched
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_breaks_a_promise(mutant: Mutant, tmp_path: Path) -> None:
    """In the storm that is known for it;
    when that has changed with the product, the first others are searched.
    """
    world: Any = {
        "climate": mutant.climate,
        "cuts": mutant.cuts,
        "is_scheduled": mutant.is_scheduled,
    }
    for seed in chain([mutant.seed], range(SEEDS)):
        outcome = simulate(seed, tmp_path, mutant.parts, **world)
        if mutant.broken in [violation.promise for violation in outcome.violations]:
            break
    else:
        pytest.fail(f"{mutant.name}: {SEEDS} seeds broke nothing")

    assert not simulate(seed, tmp_path, **world).violations


def claimed_before_the_sweeper_ends_it(manager: JobManager, clock: Clock) -> None:
    job = manager.create(a_job(clock))
    clock.advance(376)
    seen = manager.lock()
    manager.claim(job.job_id, holder="w1")

    manager.expire(seen)

    assert manager.get(job.job_id).status is JobStatus.RUNNING


def handed_over_by_a_worker_that_lost_its_place(manager: JobManager, clock: Clock) -> None:
    """Its request came late: the time budget ends a worker before its lease is over."""
    job = manager.create(a_job(clock))
    first = manager.claim(job.job_id, holder="w1")
    clock.advance(76)
    second = manager.claim(job.job_id, holder="w2")

    with pytest.raises(LeaseLost):
        manager.hand_over(first, first.job)

    assert manager.get(job.job_id) == second.job


def published_from_another_base(manager: JobManager, clock: Clock) -> None:
    first = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    publish(manager, first, base=None)
    second = manager.claim(manager.create(a_job(clock)).job_id, holder="w2")

    with pytest.raises(LeaseLost):
        publish(manager, second, base=None)


def cancelled_before_the_key_comes_again(manager: JobManager, clock: Clock) -> None:
    """Between the second request's look at the lock and its write,
    the first one makes its job and ends it.
    """
    first, second = a_job(clock), replace(a_job(clock), created_at=clock() + 1)

    def be_first() -> None:
        manager.create(first, key="k")
        manager.cancel(first.job_id)

    before_the_next_write(manager, be_first)

    assert manager.create(second, key="k").job_id == first.job_id


def discarded_while_another_accepts_it(manager: JobManager, clock: Clock) -> None:
    """Between the look at the held job and the write that goes on from it."""
    held = held_job(manager, clock)
    before_the_next_write(manager, lambda: manager.discard(held.job_id, by="rita"))

    with pytest.raises(NotHeld):
        manager.create(replace(a_job(clock), retry_of=held.job_id))

    assert manager.lock().owner is None


def accepted_while_another_discards_it(manager: JobManager, clock: Clock) -> None:
    held = held_job(manager, clock)
    table = cast("Any", manager).table
    update = table.update

    def overtaken(key: dict[str, str], values: dict[str, Any], *, when: Condition) -> Any:
        table.update = update
        manager.create(replace(a_job(clock), retry_of=held.job_id))
        return update(key, values, when=when)

    table.update = overtaken

    with pytest.raises(NotHeld):
        manager.discard(held.job_id, by="rita")

    assert manager.get(held.job_id).discarded_at is None


def held_job(manager: JobManager, clock: Clock) -> Job:
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    finding = Finding(
        check=Check.NULLED,
        limit="none",
        found="all",
        message="All is null.",
        fingerprint="NULLED oil=1.0",
    )
    held = replace(claim.job, findings=[finding]).hold(Held(), at=clock())
    return manager.finish(claim, held)


def before_the_next_write(manager: JobManager, act: Callable[[], object]) -> None:
    table = cast("Any", manager).table
    transact = table.transact

    def overtaken(writes: list[dict[str, Any]]) -> None:
        table.transact = transact
        act()
        transact(writes)

    table.transact = overtaken


def arrives_twice(manager: JobManager, clock: Clock) -> None:
    """Nobody else is about, so every write is its own."""
    job = manager.create(a_job(clock))
    claim = manager.claim(job.job_id, holder="w1")
    assert publish(manager, claim, base=None) == manager.get(job.job_id)
    with pytest.raises(JobIsFinal):
        manager.cancel(job.job_id)


def publish(manager: JobManager, claim: Claim, *, base: str | None) -> Job:
    job = replace(
        claim.job, status=JobStatus.COMPLETED, phase=None, completed_at=claim.job.created_at + 9
    )
    name = f"wells-{claim.fence}"
    snapshot = Snapshot(
        name=name, fence=claim.fence, rows=1, bytes=1, sha256="a", job_id=job.job_id
    )
    return manager.finish(claim, job, snapshot=snapshot, base=base)


class Distrustful(JobManager):
    """Takes a refused end for another's doing, without a look."""

    ending: Job | None = None

    def finish(
        self, claim: Claim, job: Job, *, snapshot: Snapshot | None = None, base: str | None = None
    ) -> Job:
        self.ending = job
        return super().finish(claim, job, snapshot=snapshot, base=base)

    def get(self, job_id: str) -> Job:
        job = super().get(job_id)
        return replace(job, attempt=0) if self.ending else job


class RepeatingLooseTable(RepeatingTable, LooseTable):
    pass


DIRECT: dict[str, tuple[Any, type[JobManager], type[LooseTable]]] = {
    "the sweeper ends what was claimed": (
        claimed_before_the_sweeper_ends_it,
        cast("type[JobManager]", without("expire", *AS_READ, JOB_FENCE).job_manager),
        LooseTable,
    ),
    "hand-over without a fence": (
        handed_over_by_a_worker_that_lost_its_place,
        cast("type[JobManager]", without("hand_over", *IS_MINE, JOB_FENCE).job_manager),
        LooseTable,
    ),
    "the pointer moves from anywhere": (
        published_from_another_base,
        cast("type[JobManager]", without("finish", *POINTS_TO).job_manager),
        LooseTable,
    ),
    "a key is written over": (
        cancelled_before_the_key_comes_again,
        cast(
            "type[JobManager]",
            without("create", "attribute_not_exists(pk) OR #expires_at <= :now").job_manager,
        ),
        LooseTable,
    ),
    "an accept of what was discarded": (
        discarded_while_another_accepts_it,
        cast(
            "type[JobManager]", without("create", "attribute_not_exists(#discarded_at)").job_manager
        ),
        LooseTable,
    ),
    "a discard of what was accepted": (
        accepted_while_another_discards_it,
        cast(
            "type[JobManager]", without("discard", "attribute_not_exists(#retried_by)").job_manager
        ),
        LooseTable,
    ),
    "a lost answer to finish is not recognised": (arrives_twice, Distrustful, RepeatingLooseTable),
}


@pytest.mark.parametrize(("scenario", "mutant", "table"), DIRECT.values(), ids=DIRECT)
def test_a_scenario_tells_the_mutant(
    scenario: Any, mutant: type[JobManager], table: type[LooseTable]
) -> None:
    play(scenario, JobManager, table)

    with pytest.raises((AssertionError, pytest.fail.Exception, LeaseLost)):
        play(scenario, mutant, table)


def play(scenario: Any, manager: type[JobManager], table: type[LooseTable]) -> None:
    clock = Clock()
    dynamodb = cast("Any", InMemoryDynamoDb())
    scenario(
        manager(table=table(dynamodb=dynamodb, name="table"), lease=Lease(), clock=clock), clock
    )
