"""The sweeper: every minute it sees to it that an accepted job ends, and clears what nothing points
at.

Events and workers get lost: a dispatch fails, a queue drops an event, a process dies. What they
leave is a lock whose lease runs out or whose place is empty. Two sweepers at once do no harm: each
write names the lock as it was read, and a job dispatched twice is claimed once.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.errors import DispatchFailed, MachineStopped
from chalicelib.warehouse.names import (
    SEGMENTS,
    SNAPSHOTS,
    drill_began,
    fence_of,
    is_export_of,
    is_fenced,
    job_of,
    list_file_time,
)

from .executions import RUNNING, STOPPED
from .holding import is_of_use
from .job import JobStatus
from .lock import execution_of
from .ownership import owns

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.warehouse.names import Warehouse

    from .dispatcher import Dispatcher
    from .executions import Executions
    from .job import Job
    from .lock import Lock, Snapshot
    from .manager import JobManager

    Find = Callable[[str], Job | None]

SWEEP_SECONDS = 60.0  # until the next one
# A lease that this sweep renews is not over when the next one comes late.
RENEWAL_SECONDS = 2 * SWEEP_SECONDS
DISPATCH_SECONDS = 30.0  # what a delivered event needs at most to be claimed, cold start included

# How long the checkpoints of a failed job are kept; starting.RETRY_SECONDS is shorter.
SEGMENT_SECONDS = 7 * 86_400
# An import that is accepted in the last minute, by whatever clock, finds its rows.
ACCEPT_GRACE_SECONDS = 3600.0
DRILL_SECONDS = 3600.0  # a restore drill lives no longer than the function that does it
# A list as a file is named by its hour, and its address is good for ten minutes.
FILE_SECONDS = 7200.0
CLEAR_SECONDS = 10.0  # of the half minute that one sweep has
# Who read the pointer before it moved may open or fetch that snapshot for so long.
READER_SECONDS = 3600.0

log = logging.getLogger(__name__)


def sweep(
    *, job_manager: JobManager, dispatcher: Dispatcher, executions: Executions | None = None
) -> str:
    """What was done: "nothing", "failed", "restarted", "dispatched", "renewed" or "freed".
    Raises StateUnavailable.
    """
    lock = job_manager.lock()
    if lock.owner is None:
        return "nothing"
    if job_manager.owner_of(lock) is None:
        return "freed" if job_manager.free_of_nobody(lock) else "nothing"
    if executions and execution_of(lock.holder):
        return _see_to_execution(lock, job_manager, dispatcher, executions)
    return _see_to_worker(lock, job_manager, dispatcher)


def _see_to_worker(lock: Lock, job_manager: JobManager, dispatcher: Dispatcher) -> str:
    """A worker that went silent is replaced;
    a job that waits for one is dispatched again, and fails in the end.
    """
    is_waiting = lock.holder is None
    if is_waiting and job_manager.is_over(lock):
        return "failed" if job_manager.expire(lock) else "nothing"
    if not is_waiting and job_manager.is_over(lock):
        return _restart(lock, job_manager, dispatcher)
    if is_waiting and job_manager.seconds_waited(lock) > DISPATCH_SECONDS:
        return _dispatch(str(lock.owner), dispatcher.dispatch_again)
    return "nothing"


def take_up(job_id: str, *, job_manager: JobManager, dispatcher: Dispatcher) -> str:
    """Every delivery of an event for this job has failed, or it grew too old: what the sweeper
    would do later, now. Raises StateUnavailable.

    A job that nobody ever claimed ends: the function fails at every start. Any other is dispatched
    again, also while a lease runs: that delivery leaves when the holder lives, and goes on when its
    lease is over (worker.claim_patiently). Nothing but the lease tells which of the two it is: of
    an event that was delivered twice, one copy may have failed and the other be at work. A holder
    that is an execution is left to the sweeper: it alone may ask whether that one runs.
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


def _see_to_execution(
    lock: Lock, job_manager: JobManager, dispatcher: Dispatcher, executions: Executions
) -> str:
    """One that runs may have nobody at work: between two tries, or while Lambda is throttled. One
    that has stopped ends its job. Of one that nobody knows the lease decides, and of one that has
    come to its end with the job open: a late try of an earlier state has taken the place of the
    last one's, and may be at work.
    """
    names = {"job_id": lock.owner}
    try:
        status = executions.status(execution_of(lock.holder))
    except DispatchFailed as exc:
        log.warning("the execution could not be asked for: %s", exc.__cause__, extra=names)
        status = None
    if status == RUNNING:
        is_soon_over = job_manager.seconds_left(lock.lease_until) < RENEWAL_SECONDS
        is_renewed = is_soon_over and job_manager.renew(lock, RENEWAL_SECONDS)
        return "renewed" if is_renewed else "nothing"
    if status in STOPPED:
        log.warning("the execution has ended: %s", status, extra=names)
        return "failed" if job_manager.expire(lock, MachineStopped()) else "nothing"
    if job_manager.is_over(lock):
        return _restart(lock, job_manager, dispatcher)
    return "nothing"


def _restart(lock: Lock, job_manager: JobManager, dispatcher: Dispatcher) -> str:
    if not job_manager.free_holder(lock):
        return "nothing"
    _dispatch(str(lock.owner), dispatcher.dispatch)
    return "restarted"


def _dispatch(job_id: str, dispatch: Callable[[str], None]) -> str:
    """A failure is not the end:
    the next sweep tries again until the lease of the waiting job is over.
    """
    try:
        dispatch(job_id)
    except DispatchFailed as exc:
        log.warning("the job could not be dispatched: %s", exc.__cause__, extra={"job_id": job_id})
        return "nothing"
    log.info("the job is dispatched again", extra={"job_id": job_id})
    return "dispatched"


def clear_orphans(
    *,
    job_manager: JobManager,
    warehouse: Warehouse,
    kept: int,
    clock: Callable[[], float] = time.time,
) -> list[str]:
    """Remove from the warehouse what dead workers and old imports left; the names removed.

    Kept are the current snapshot, the `kept` newest published ones, those that were current within
    the last hour, for a week the segments of jobs that did not complete, and those of a held job as
    long as it can be accepted. What a drill has left goes too, and the files of lists that somebody
    asked for. Nothing is removed while an import runs, nor what carries a later fence than the lock
    had when it was free: that belongs to an import that has begun since. Each job is read once,
    however many files it has, and what cannot be removed within CLEAR_SECONDS is left to the next
    sweep. Of a warehouse that is not this table's nothing is removed.
    """
    lock = job_manager.lock()
    if lock.owner or not owns(job_manager=job_manager, warehouse=warehouse):
        return []
    stored = warehouse.names("")
    # A later fence is that of an import which has begun since the lock was read.
    names = [name for name in stored if is_fenced(name) and fence_of(name) <= lock.fence]
    current = job_manager.current_snapshot()
    now = clock()
    find = cache(job_manager.find)
    newest_held_id = cache(job_manager.newest_held_id)
    wanted = set(_readable(names, find, kept=kept, now=now))
    if current:
        wanted.add(current.name)

    def is_stale(name: str) -> bool:
        if name in wanted or is_export_of(name, wanted):
            return False
        if not name.startswith(SEGMENTS):  # a snapshot or an export that nobody wants
            return True
        return not _may_go_on(find, newest_held_id, current, job_of(name), now=now)

    stale = [name for name in names if is_stale(name)]
    stale += [name for name in stored if _is_older(drill_began(name), DRILL_SECONDS, now)]
    stale += [name for name in stored if _is_older(list_file_time(name), FILE_SECONDS, now)]
    removed = _remove(stale, warehouse, clock)
    warehouse.tidy(now=now)
    return removed


def _is_older(moment: float | None, seconds: float, now: float) -> bool:
    return moment is not None and now - moment > seconds


def _remove(names: list[str], warehouse: Warehouse, clock: Callable[[], float]) -> list[str]:
    began = clock()
    for count, name in enumerate(names):
        if clock() - began > CLEAR_SECONDS:
            return names[:count]
        warehouse.remove(name)
    return names


def _readable(names: list[str], find: Find, *, kept: int, now: float) -> list[str]:
    """The newest published snapshots, and those that the next one replaced a short time ago.

        place 0   published at 12:00, and current
        place 1   published at 11:00, replaced at 12:00
        place 2   published at  9:00, replaced at 11:00

    At 12:30, with one kept, somebody may still read that of 11:00: it was replaced half an hour
    ago.
    """
    readable = []
    replaced_at = now
    for place, (name, published_at) in enumerate(_published_snapshots(names, find)):
        may_be_read = now - replaced_at < READER_SECONDS
        if place < kept or may_be_read:
            readable.append(name)
        replaced_at = published_at
    return readable


def _published_snapshots(names: list[str], find: Find) -> list[tuple[str, float]]:
    """The snapshots that were current once and since when, newest first;
    the others were left by workers that lost their lease.
    """
    snapshots = []
    for name in reversed(names):
        if not name.startswith(SNAPSHOTS):
            continue
        published_at = publication_time(find, name)
        if published_at is not None:
            snapshots.append((name, published_at))
    return snapshots


def publication_time(find: Find, name: str) -> float | None:
    """None unless its job is COMPLETED, and by the attempt that made this file."""
    job = find(job_of(name))
    if job is None or job.status is not JobStatus.COMPLETED:
        return None
    return job.completed_at if job.fence == fence_of(name) else None


def _may_go_on(
    find: Find,
    newest_held_id: Callable[[str | None], str | None],
    current: Snapshot | None,
    job_id: str,
    *,
    now: float,
) -> bool:
    """A job that was retried or accepted goes on as that one, which names its segments."""
    job = find(job_id)
    while job and job.retried_by:
        job = find(job.retried_by)
    if job is None:
        return False
    if job.is_held:
        newest = newest_held_id(job.source_name)
        return is_of_use(job, now=now - ACCEPT_GRACE_SECONDS, newest=newest, current=current)
    if job.status is JobStatus.COMPLETED:
        return False
    seconds_since_end = now - (job.completed_at or now)
    return seconds_since_end < SEGMENT_SECONDS
