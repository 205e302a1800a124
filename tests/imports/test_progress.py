"""The job of an import is always its newest state, and the table hears of it in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.coordination import NOON, Clock, a_job

from chalicelib.errors import LeaseLost
from chalicelib.imports.progress import Progress
from chalicelib.jobs.event import Event
from chalicelib.jobs.job import JobStatus, Phase
from chalicelib.jobs.lock import Lock, Snapshot

if TYPE_CHECKING:
    from chalicelib.jobs.lock import Claim
    from chalicelib.jobs.manager import JobManager


@pytest.fixture
def claim(manager: JobManager, clock: Clock) -> Claim:
    return manager.claim(manager.create(a_job(clock)).job_id, holder="w1")


@pytest.fixture
def progress(manager: JobManager, clock: Clock, claim: Claim) -> Progress:
    return Progress(claim=claim, job_manager=manager, lease_seconds=60, clock=clock)


def test_a_beat_is_stored_at_most_once_a_second(
    progress: Progress, manager: JobManager, clock: Clock
) -> None:
    progress.change(fetched_records=7)
    progress.beat()
    assert manager.get(progress.job.job_id).fetched_records == 0

    clock.advance(1)
    progress.beat()

    stored = manager.get(progress.job.job_id)
    assert stored == progress.job
    assert (stored.fetched_records, stored.heartbeat_at) == (7, NOON + 1)


def test_a_job_is_not_copied_where_nothing_is_news(progress: Progress) -> None:
    progress.set_stats(http_retries=1)
    before = progress.job

    progress.set_stats(http_retries=1)
    progress.change(waiting=None)

    assert progress.job is before


def test_a_note_is_stored_at_once(progress: Progress, manager: JobManager) -> None:
    progress.note("checkpoint", page=3, records=40)

    assert manager.get(progress.job.job_id) == progress.job
    assert progress.job.events[-1] == Event(
        at=NOON, name="checkpoint", facts={"page": 3, "records": 40}
    )


def test_a_phase_is_entered_with_a_lease_as_long_as_it_takes(
    progress: Progress, manager: JobManager, clock: Clock
) -> None:
    clock.advance(2.5)

    progress.enter(Phase.MERGING, seconds=500)

    stored = manager.get(progress.job.job_id)
    assert (stored.phase, stored.stats, stored.events[-1].name) == (
        Phase.MERGING,
        {"fetching_seconds": 2.5},
        "merging",
    )
    assert manager.lock().lease_until == NOON + 2.5 + 60 + 500


def test_seconds_add_up_over_all_attempts(progress: Progress, clock: Clock) -> None:
    progress.set_stats(pages=4, fetching_seconds=10.0)
    clock.advance(1.2345)

    progress.count_seconds()
    progress.add_seconds("staging_seconds", 0.5)

    assert progress.job.stats == {"pages": 4, "fetching_seconds": 11.234, "staging_seconds": 0.5}


def test_the_newest_state_survives_a_lost_lease(
    progress: Progress, manager: JobManager, clock: Clock
) -> None:
    clock.advance(76)
    manager.claim(progress.job.job_id, holder="w2")
    progress.change(fetched_records=7)

    with pytest.raises(LeaseLost):
        progress.note("checkpoint")

    assert (progress.job.fetched_records, progress.job.events[-1].name) == (7, "checkpoint")


def test_the_job_ends_with_the_snapshot(
    progress: Progress, manager: JobManager, claim: Claim
) -> None:
    snapshot = Snapshot(
        name="snapshots/a", fence=1, rows=2, bytes=3, sha256="4", job_id=claim.job.job_id
    )
    progress.change(new_records=2)

    progress.complete(snapshot, base=None, warnings={"UNKNOWN_FIELDS": 5})

    job = manager.get(claim.job.job_id)
    assert job == progress.job
    assert (job.status, job.phase, job.completed_at, job.progress_percentage) == (
        JobStatus.COMPLETED,
        None,
        NOON,
        100,
    )
    assert job.events[-1] == Event(at=NOON, name="completed", facts={"records": 2})
    assert [(warning["rule"], warning["count"]) for warning in job.warnings] == [
        ("UNKNOWN_FIELDS", 5)
    ]
    assert (manager.current_snapshot(), manager.lock()) == (snapshot, Lock(fence=1))
