"""The sweeper: every minute it sees to it that an accepted job ends, and clears what nothing points at.

Events and workers get lost: a dispatch fails, a queue drops an event, a process dies. What they leave is a lock
whose lease runs out or whose place is empty. Two sweepers at once do no harm: each write names the lock as it
was read, and a job dispatched twice is claimed once.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from functools import cache, partial
from typing import TYPE_CHECKING

from chalicelib.errors import DispatchFailed, MachineStopped
from chalicelib.metrics import record
from chalicelib.warehouse.names import (
    SEGMENTS,
    SNAPSHOTS,
    drill_began,
    fence_of,
    is_export_of,
    is_fenced,
    job_of,
    list_file_made,
)

from .executions import RUNNING, STOPPED
from .holding import is_of_use
from .job import JobStatus
from .lock import PULSE, execution_of, may_take_place
from .ownership import owns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chalicelib.warehouse.names import Warehouse

    from .dispatcher import Dispatcher
    from .executions import Executions
    from .job import Job
    from .lock import Lock, Snapshot
    from .manager import JobManager

    Find = Callable[[str], Job | None]

SWEEP_SECONDS = 60.0  # until the next one
RENEWAL_SECONDS = 2 * SWEEP_SECONDS  # a lease that this sweep renews is not over when the next one comes late
DISPATCH_SECONDS = 30.0  # what a delivered event needs at most to be claimed, cold start included

SEGMENT_SECONDS = 7 * 86_400  # how long the checkpoints of a failed job are kept; starting.RETRY_SECONDS is shorter
ACCEPT_GRACE_SECONDS = 3600.0  # an import that is accepted in the last minute, by whatever clock, finds its rows
DRILL_SECONDS = 3600.0  # a restore drill lives no longer than the function that does it
FILE_SECONDS = 7200.0  # a list as a file is named by its hour, and its address is good for ten minutes
CLEAR_SECONDS = 10.0  # of the half minute that one sweep has
PULSE_JOBS = 20  # the newest ones, of all sources; each costs a read of its whole item, every minute
READER_SECONDS = 3600.0  # who read the pointer before it moved may open or fetch that snapshot for so long

log = logging.getLogger(__name__)


def sweep(*, job_manager: JobManager, dispatcher: Dispatcher, executions: Executions | None = None) -> str:
    """What was done: "nothing", "failed", "restarted", "dispatched", "renewed" or "freed". Raises StateUnavailable."""
    lock = job_manager.lock()
    if lock.owner is None:
        return "nothing"
    if job_manager.owner_of(lock) is None:
        return "freed" if job_manager.free_of_nobody(lock) else "nothing"
    if executions and execution_of(lock.holder):
        return _see_to_execution(lock, job_manager, dispatcher, executions)
    return _see_to_worker(lock, job_manager, dispatcher)


def _see_to_worker(lock: Lock, job_manager: JobManager, dispatcher: Dispatcher) -> str:
    if lock.holder is None and job_manager.is_over(lock):
        return "failed" if job_manager.expire(lock) else "nothing"
    if lock.holder and job_manager.is_over(lock):
        return _restart(lock, job_manager, dispatcher)
    if lock.holder is None and job_manager.seconds_waited(lock) > DISPATCH_SECONDS:
        return _dispatch(str(lock.owner), dispatcher.dispatch_again)
    return "nothing"


def take_up(job_id: str, *, job_manager: JobManager, dispatcher: Dispatcher) -> str:
    """Every delivery of an event for this job has failed, or it grew too old: what the sweeper would do
    later, now. Raises StateUnavailable.

    A job that nobody ever claimed ends: the function fails at every start. Any other is dispatched again, also
    while a lease runs: that delivery leaves when the holder lives, and goes on when its lease is over
    (worker.claim_patiently). Nothing but the lease tells which of the two it is: of an event that was
    delivered twice, one copy may have failed and the other be at work. A holder that is an execution is left to the
    sweeper: it alone may ask whether that one runs.
    """
    log.warning("no delivery of an event for the job came to its end", extra={"job_id": job_id})
    lock = job_manager.lock()
    if lock.owner != job_id:
        return "nothing"
    job = job_manager.owner_of(lock)
    if job and execution_of(lock.holder):
        return "nothing"
    if job is None or job_manager.is_over(lock):
        return sweep(job_manager=job_manager, dispatcher=dispatcher)
    if lock.holder is None and job.status is JobStatus.PENDING:
        return "failed" if job_manager.expire(lock) else "nothing"
    return _dispatch(job_id, dispatcher.dispatch)


def _see_to_execution(lock: Lock, job_manager: JobManager, dispatcher: Dispatcher, executions: Executions) -> str:
    """One that runs may have nobody at work: between two tries, or while Lambda is throttled. One that has stopped ends
    its job. Of one that nobody knows the lease decides, and of one that has come to its end with the job open: a late
    try of an earlier state has taken the place of the last one's, and may be at work.
    """
    try:
        status = executions.status(execution_of(lock.holder))
    except DispatchFailed as exc:
        log.warning("the execution could not be asked for: %s", exc.__cause__, extra={"job_id": lock.owner})
        status = None
    if status == RUNNING:
        is_soon_over = job_manager.seconds_left(lock.lease_until) < RENEWAL_SECONDS
        return "renewed" if is_soon_over and job_manager.renew(lock, RENEWAL_SECONDS) else "nothing"
    if status in STOPPED:
        log.warning("the execution has ended: %s", status, extra={"job_id": lock.owner})
        return "failed" if job_manager.expire(lock, MachineStopped()) else "nothing"
    return _restart(lock, job_manager, dispatcher) if job_manager.is_over(lock) else "nothing"


def _restart(lock: Lock, job_manager: JobManager, dispatcher: Dispatcher) -> str:
    if not job_manager.free_holder(lock):
        return "nothing"
    _dispatch(str(lock.owner), dispatcher.dispatch)
    return "restarted"


def _dispatch(job_id: str, dispatch: Callable[[str], None]) -> str:
    """A failure is not the end: the next sweep tries again until the lease of the waiting job is over."""
    try:
        dispatch(job_id)
    except DispatchFailed as exc:
        log.warning("the job could not be dispatched: %s", exc.__cause__, extra={"job_id": job_id})
        return "nothing"
    log.info("the job is dispatched again", extra={"job_id": job_id})
    return "dispatched"


def take_pulse(*, job_manager: JobManager, clock: Callable[[], float] = time.time) -> None:
    """What nobody else would tell when nothing happens, and what lasts until somebody does something: the alarms of
    docs/operations.md that tell a state live by it, NoHeartbeat also when it does not come. Raises StateUnavailable.
    """
    lock, current, now = job_manager.lock(), job_manager.current_snapshot(), clock()
    job = job_manager.owner_of(lock)
    is_running = job is not None and job.status is JobStatus.RUNNING
    silent = now - (job.heartbeat_at or now) if job and is_running else 0.0
    published_at = _imported_at(job_manager.find, current.name) if current else None
    hours = (now - published_at) / 3600 if published_at else None
    jobs, _ = job_manager.history(limit=PULSE_JOBS)
    waiting = {job.job_id for job in jobs if job.waits_for_word} - job_manager.lateness(jobs).keys()
    figures = {
        "SecondsSinceHeartbeat": max(0.0, silent),
        "HoursSinceSuccess": hours,
        "HeldImports": len(waiting),
        "FailedInARow": failed_in_a_row(jobs),
    }
    record("the sweeper is alive", figures, job_id=lock.owner)


def note_pulse(*, job_manager: JobManager, clock: Callable[[], float] = time.time) -> None:
    """For whoever asks when the sweeper was last at work. Raises StateUnavailable."""
    table = job_manager.table
    table.transact([table.put(PULSE | {"at": clock()}, when=may_take_place())])


def failed_in_a_row(jobs: Iterable[Job]) -> int:
    """How many of a source's newest imports have failed since one of it completed; of the source that has most.

    `jobs`: newest first. One that is held, was cancelled or is not over counts neither way.
    """
    failed: Counter[str | None] = Counter()
    completed: set[str | None] = set()
    for job in jobs:
        if job.rollback_to:
            continue
        if job.status is JobStatus.COMPLETED:
            completed.add(job.source_name)
        elif job.status is JobStatus.FAILED and not job.is_held and job.source_name not in completed:
            failed[job.source_name] += 1
    return max(failed.values(), default=0)


def clear_orphans(
    *, job_manager: JobManager, warehouse: Warehouse, kept: int, clock: Callable[[], float] = time.time
) -> list[str]:
    """Remove from the warehouse what dead workers and old imports left; the names removed.

    Kept are the current snapshot, the `kept` newest published ones, those that were current within the last hour, for a
    week the segments of jobs that did not complete, and those of a held job as long as it can be accepted. What a drill
    has left goes too, and the files of lists that somebody asked for. Nothing is
    removed while an import runs, nor what carries a later fence than the lock had when it was free: that belongs to an
    import that has begun since. Each job is read once, however many files it has, and what cannot be removed within
    CLEAR_SECONDS is left to the next sweep. Of a warehouse that is not this table's nothing is removed.
    """
    lock = job_manager.lock()
    if lock.owner or not owns(job_manager=job_manager, warehouse=warehouse):
        return []
    stored = warehouse.names("")
    names = [name for name in stored if is_fenced(name) and fence_of(name) <= lock.fence]
    current = job_manager.current_snapshot()
    now, find = clock(), cache(job_manager.find)
    may_go_on = partial(_may_go_on, find, cache(job_manager.newest_held), current, now=now)
    wanted = {current.name if current else "", *_readable(names, find, kept=kept, now=now)}
    stale = [
        name
        for name in names
        if name not in wanted
        and not is_export_of(name, wanted)
        and not (name.startswith(SEGMENTS) and may_go_on(job_of(name)))
    ]
    stale += [name for name in stored if (began := drill_began(name)) is not None and now - began > DRILL_SECONDS]
    stale += [name for name in stored if (made := list_file_made(name)) is not None and now - made > FILE_SECONDS]
    removed = _remove(stale, warehouse, clock)
    warehouse.tidy(now=now)
    return removed


def _remove(names: list[str], warehouse: Warehouse, clock: Callable[[], float]) -> list[str]:
    began = clock()
    for count, name in enumerate(names):
        if clock() - began > CLEAR_SECONDS:
            return names[:count]
        warehouse.remove(name)
    return names


def _readable(names: list[str], find: Find, *, kept: int, now: float) -> list[str]:
    """The newest published snapshots, and those that the next one replaced a short time ago."""
    published = _published(names, find)
    replaced_at = [now, *(published_at for _, published_at in published)]
    return [
        name for place, (name, _) in enumerate(published) if place < kept or now - replaced_at[place] < READER_SECONDS
    ]


def _published(names: list[str], find: Find) -> list[tuple[str, float]]:
    """The snapshots that were current once and since when, newest first; the others were left by workers that lost
    their lease.
    """
    snapshots = [name for name in reversed(names) if name.startswith(SNAPSHOTS)]
    published_at = {name: _published_at(find, name) for name in snapshots}
    return [(name, at) for name, at in published_at.items() if at is not None]


def _imported_at(find: Find, name: str) -> float | None:
    """When what is in the snapshot was published first: a rollback brings nothing newer."""
    job = find(job_of(name))
    while job and job.rollback_to:
        name = job.rollback_to
        job = find(job_of(name))
    return _published_at(find, name)


def _published_at(find: Find, name: str) -> float | None:
    """None unless its job is COMPLETED, and by the attempt that made this file."""
    job = find(job_of(name))
    if job is None:
        return None
    is_its = job.status is JobStatus.COMPLETED and job.fence == fence_of(name)
    return job.completed_at if is_its else None


def _may_go_on(
    find: Find, newest_held: Callable[[str | None], str | None], current: Snapshot | None, job_id: str, *, now: float
) -> bool:
    """A job that was retried or accepted goes on as that one, which names its segments."""
    job = find(job_id)
    while job and job.retried_by:
        job = find(job.retried_by)
    if job is None:
        return False
    if job.is_held:
        return is_of_use(job, now=now - ACCEPT_GRACE_SECONDS, newest=newest_held(job.source_name), current=current)
    return job.status is not JobStatus.COMPLETED and now - (job.completed_at or now) < SEGMENT_SECONDS
