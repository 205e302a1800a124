"""The sweeper: every minute it sees to it that an accepted job ends, and clears what nothing points
at (clearing.py).

Events and workers get lost: a dispatch fails, a queue drops an event, a process dies. What they
leave is a lock whose lease runs out or whose place is empty. Two sweepers at once do no harm: each
write names the lock as it was read, and a job dispatched twice is claimed once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from chalicelib.errors import DispatchFailed, MachineStopped

from .executions import RUNNING, STOPPED
from .job import JobStatus
from .lock import execution_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .dispatcher import Dispatcher
    from .executions import Executions
    from .lock import Lock
    from .manager import JobManager

SWEEP_SECONDS = 60.0  # until the next one
# A lease that this sweep renews is not over when the next one comes late.
RENEWAL_SECONDS = 2 * SWEEP_SECONDS
DISPATCH_SECONDS = 30.0  # what a delivered event needs at most to be claimed, cold start included

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
    # Of an execution the state machine knows whether it runs; of a lone worker its lease tells.
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
    if is_waiting and job_manager.seconds_of_wait(lock) > DISPATCH_SECONDS:
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
    if lock.owner != job_id:  # it has come to its end by now
        return "nothing"
    job = job_manager.owner_of(lock)
    if job and execution_of(lock.holder):
        return "nothing"
    if job is None or job_manager.is_over(lock):
        return sweep(job_manager=job_manager, dispatcher=dispatcher)
    is_unclaimed = lock.holder is None and job.status is JobStatus.PENDING
    if is_unclaimed:
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
        # Before the next sweep, or one that comes late.
        is_soon_over = job_manager.seconds_until(lock.lease_until) < RENEWAL_SECONDS
        is_renewed = is_soon_over and job_manager.renew(lock, RENEWAL_SECONDS)
        return "renewed" if is_renewed else "nothing"
    if status in STOPPED:
        log.warning("the execution has ended: %s", status, extra=names)
        if job_manager.expire(lock, MachineStopped()):
            return "failed"
        return "nothing"
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
