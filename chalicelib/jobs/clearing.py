"""What the sweeper clears from the warehouse: files that nothing points at any more.

Dead workers and old imports leave them. Nothing goes that somebody may still read or go on from:
the longest of these times is that of a held job, a week and an hour.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING

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

from .holding import is_of_use
from .job import JobStatus
from .ownership import owns

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.warehouse.names import Warehouse

    from .job import Job
    from .lock import Snapshot
    from .manager import JobManager

    Find = Callable[[str], Job | None]

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
    # Each job is read once, whatever files carry its id.
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
        # Segments stay as long as a job may go on from them.
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
            return names[:count]  # the next sweep finds the others
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
    # The names are sorted, and their fences have ten digits: the newest comes last.
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
    if job.fence == fence_of(name):
        return job.completed_at
    return None


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
    # To the last of the chain: A failed, B went on from it and was held, C accepted that.
    while job and job.retried_by:
        job = find(job.retried_by)
    if job is None:
        return False
    if job.is_held:
        # Kept an hour beyond its time: who accepts it in the last minute finds its rows.
        newest = newest_held_id(job.source_name)
        return is_of_use(
            job,
            now=now - ACCEPT_GRACE_SECONDS,
            newest=newest,
            current=current,
        )
    if job.status is JobStatus.COMPLETED:
        return False
    seconds_since_end = now - (job.completed_at or now)
    return seconds_since_end < SEGMENT_SECONDS
