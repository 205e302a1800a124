"""The sweeper: every minute it sees to it that an accepted job ends.

Events and workers get lost: a dispatch fails, a queue drops an event, a process dies. What they leave is a lock
whose lease runs out or whose place is empty. Two sweepers at once do no harm: each write names the lock as it
was read, and a job dispatched twice is claimed once.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from .errors import DispatchFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from .dispatcher import Dispatcher
    from .job_manager import JobManager, Lock

DISPATCH_SECONDS = 30.0  # what a delivered event needs at most to be claimed, cold start included

log = logging.getLogger(__name__)


def sweep(*, job_manager: JobManager, dispatcher: Dispatcher, clock: Callable[[], float] = time.time) -> str:
    """What was done: "nothing", "failed", "restarted" or "dispatched". Raises StateUnavailable."""
    lock = job_manager.lock()
    if lock.owner is None:
        return "nothing"
    if lock.holder is None and job_manager.is_over(lock):
        return "failed" if job_manager.expire(lock) else "nothing"
    if lock.holder and job_manager.is_over(lock):
        return _restart(lock, job_manager, dispatcher)
    if lock.holder is None and _waits_long(lock, job_manager, clock()):
        return _dispatch(str(lock.owner), dispatcher)
    return "nothing"


def _restart(lock: Lock, job_manager: JobManager, dispatcher: Dispatcher) -> str:
    if not job_manager.free_holder(lock):
        return "nothing"
    log.warning("job %s: its worker died, another one goes on", lock.owner)
    _dispatch(str(lock.owner), dispatcher)
    return "restarted"


def _waits_long(lock: Lock, job_manager: JobManager, now: float) -> bool:
    """Nobody has claimed the job though its event had the time to arrive."""
    job = job_manager.get(str(lock.owner))
    return now - (job.heartbeat_at or job.created_at) > DISPATCH_SECONDS


def _dispatch(job_id: str, dispatcher: Dispatcher) -> str:
    """A failure is not the end: the next sweep tries again until the lease of the waiting job is over."""
    try:
        dispatcher.dispatch(job_id)
    except DispatchFailed as exc:
        log.warning("job %s could not be dispatched: %s", job_id, exc.__cause__)
        return "nothing"
    return "dispatched"
