"""The pulse: that the sweeper is at work, and what lasts until somebody does something."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

from chalicelib.metrics import record
from chalicelib.warehouse.names import job_of

from .clearing import publication_time
from .job import JobStatus
from .lock import PULSE, may_take_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .clearing import Find
    from .job import Job
    from .manager import JobManager

# The newest ones, of all sources; each costs a read of its whole item, every minute.
PULSE_JOBS = 20


def take_pulse(*, job_manager: JobManager, clock: Callable[[], float] = time.time) -> None:
    """What nobody else would tell when nothing happens, and what lasts until somebody does
    something: the alarms of docs/operations.md that tell a state live by it, NoHeartbeat also when
    it does not come. Raises StateUnavailable.
    """
    lock = job_manager.lock()
    current = job_manager.current_snapshot()
    now = clock()
    owner = job_manager.owner_of(lock)
    import_time = _import_time(job_manager.find, current.name) if current else None

    jobs, _ = job_manager.history(limit=PULSE_JOBS)
    held = {job.job_id for job in jobs if job.waits_for_word}
    too_late = job_manager.lateness(jobs).keys()  # nobody's word helps these any more
    figures = {
        "SecondsSinceHeartbeat": _seconds_of_silence(owner, now),
        "HoursSinceSuccess": (now - import_time) / 3600 if import_time else None,
        "HeldImports": len(held - too_late),
        "FailedInARow": failed_in_a_row(jobs),
    }
    record("the sweeper is alive", figures, job_id=lock.owner)


def _seconds_of_silence(job: Job | None, now: float) -> float:
    """Of a job that runs, since its last heartbeat."""
    if job is None or job.status is not JobStatus.RUNNING or job.heartbeat_at is None:
        return 0.0
    return max(0.0, now - job.heartbeat_at)


def note_pulse(*, job_manager: JobManager, clock: Callable[[], float] = time.time) -> None:
    """For whoever asks when the sweeper was last at work. Raises StateUnavailable."""
    table = job_manager.table
    write = table.put(PULSE | {"at": clock()}, when=may_take_place())
    table.transact([write])


def failed_in_a_row(jobs: Iterable[Job]) -> int:
    """How many of a source's newest imports have failed since one of it completed; of the source
    that has most.

    `jobs`: newest first. One that is held, was cancelled or is not over counts neither way.
    """
    failed: Counter[str | None] = Counter()
    completed: set[str | None] = set()
    for job in jobs:
        if job.rollback_to:
            continue  # no import

        if job.status is JobStatus.COMPLETED:
            completed.add(job.source_name)
        has_failed = job.status is JobStatus.FAILED and not job.is_held
        if has_failed and job.source_name not in completed:
            failed[job.source_name] += 1
    return max(failed.values(), default=0)


def _import_time(find: Find, name: str) -> float | None:
    """When what is in the snapshot was published first: a rollback brings nothing newer."""
    job = find(job_of(name))
    while job and job.rollback_to:
        name = job.rollback_to
        job = find(job_of(name))
    return publication_time(find, name)
