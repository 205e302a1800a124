"""run_import: one invocation of the import function, from its claim to the job's end."""

from __future__ import annotations

import logging
import signal
import threading
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    CancelRequested,
    ClaimRefused,
    DispatchFailed,
    Held,
    ImportFailed,
    JobNotFound,
    LeaseLost,
    NoProgress,
    OutOfMemory,
    ScratchFull,
    StateUnavailable,
    TooManyAttempts,
    WarehouseSilent,
    WellheadError,
)
from chalicelib.jobs.lock import Claim, holder_of
from chalicelib.jobs.ownership import own_warehouse
from chalicelib.lake.spark import SparkAsked
from chalicelib.logs import add_to_log_context
from chalicelib.warehouse.disk import FULL

from .fetching import HandOver
from .publication import show_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.manager import JobManager
    from chalicelib.warehouse.names import Warehouse

    from .rollback import Rollback
    from .service import WellProductionImportService

WATCH_SECONDS = 2.0  # between two looks at the lease of another worker
SHORTEST_WAIT = 0.05  # seconds
# So many attempts in a row from the same checkpoint: the worker dies at the same place each time.
STALLED_ATTEMPTS = 4


log = logging.getLogger(__name__)


def _run(_: Claim, service: WellProductionImportService | Rollback) -> dict[str, Any]:
    """An import that waits for Spark keeps its place: the execution of the state machine has it."""
    try:
        return {"outcome": service.run().status}
    except SparkAsked as asked:
        return {"outcome": "spark", "order": asked.order}


def run_import(
    job_id: str,
    *,
    request_id: str,
    job_manager: JobManager,
    dispatch: Callable[[str], object],
    warehouse: Warehouse,
    new_service: Callable[[Claim], WellProductionImportService | Rollback],
    max_attempts: int,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
    execution: str = "",
    work: Callable[[Claim, WellProductionImportService | Rollback], dict[str, Any]] = _run,
) -> dict[str, Any]:
    """What became of the job. `execution` names that of the state machine which runs it, where one
    does, `dispatch` starts the next worker, and `work` is what this one does. Raises
    StateUnavailable and WarehouseSilent, so that Lambda delivers the event again.
    """
    add_to_log_context(job_id=job_id)
    # Lambda repeats an event under the same request id, and each attempt needs a name.
    worker = f"{request_id}/{uuid.uuid4().hex[:8]}"
    holder = holder_of(execution, worker)
    claim = claim_patiently(job_id, holder=holder, job_manager=job_manager, sleep=sleep)
    if claim is None:
        log.info("nothing to do", extra={"code": ClaimRefused.code})
        if work is _run:
            # A worker may have died after the pointer had moved, and before the stable name did.
            show_latest(job_manager=job_manager, warehouse=warehouse, made_by=job_id)
        return {"job_id": job_id, "outcome": "nothing to do"}
    add_to_log_context(attempt=claim.job.attempt, fence=claim.fence)
    service = None
    try:
        _refuse_endless(claim.job, max_attempts)
        own_warehouse(job_manager=job_manager, warehouse=warehouse)
        service = new_service(claim)
        return {"job_id": job_id, **work(claim, service)}
    except HandOver:
        return _hand_over(claim, _newest_job(claim, service), job_manager, dispatch)
    except CancelRequested:
        return finish(claim, _newest_job(claim, service).cancel(at=clock()), job_manager)
    except (LeaseLost, StateUnavailable) as exc:
        # Another worker has the job, or nobody knows who has: this one writes nothing more of it.
        return give_way(job_id, exc)
    except Exception as exc:  # told to people as the job's error
        if isinstance(exc, WarehouseSilent) and claim.job.stalled_attempts < STALLED_ATTEMPTS:
            raise  # the next attempt begins when the lease is over; the last one tells the error
        return finish(claim, fail_job(exc, _newest_job(claim, service), at=clock()), job_manager)


@contextmanager
def watch_sigterm() -> Iterator[Callable[[], bool]]:
    """Whether SIGTERM has come:
    the worker then hands over at its next page, as at the end of its time.
    """
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set  # signals are for the main thread alone
        return
    before = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    try:
        yield stopped.is_set
    finally:
        signal.signal(signal.SIGTERM, before)


def _refuse_endless(job: Job, max_attempts: int) -> None:
    """Before anything of the import is built: that may be what the attempts die of.
    Raises TooManyAttempts, NoProgress.
    """
    if job.attempt > max_attempts:
        raise TooManyAttempts
    if job.stalled_attempts > STALLED_ATTEMPTS:
        raise NoProgress


def _newest_job(claim: Claim, service: WellProductionImportService | Rollback | None) -> Job:
    return service.job if service else claim.job


def claim_patiently(
    job_id: str,
    *,
    holder: str,
    job_manager: JobManager,
    sleep: Callable[[float], object],
) -> Claim | None:
    """The claim, or None when there is nothing to do.

    When another worker holds the job, this delivery watches its lease. A lease that is
    renewed shows a living worker: this is a duplicate and leaves. A lease that runs out shows
    a dead one: this is its retry.
    """
    seen: float | None = None
    while True:
        try:
            return job_manager.claim(job_id, holder=holder)
        except JobNotFound:
            log.error("the job does not exist")  # noqa: TRY400  the cause says no more
            return None
        except ClaimRefused as refused:
            until = refused.lease_until
        if until is None or (seen is not None and until > seen):
            return None
        seen = until
        until_over = job_manager.seconds_until(until) + SHORTEST_WAIT
        sleep(max(SHORTEST_WAIT, min(WATCH_SECONDS, until_over)))


def _hand_over(
    claim: Claim, job: Job, job_manager: JobManager, dispatch: Callable[[str], object]
) -> dict[str, Any]:
    """The dispatch is the fast path; when it fails, the sweeper starts the next worker."""
    try:
        job_manager.hand_over(claim, job)
        dispatch(job.job_id)
    except LeaseLost as exc:
        return give_way(job.job_id, exc)
    except DispatchFailed as exc:
        log.warning("the job waits for the sweeper, its dispatch failed: %s", exc.__cause__)
    return {"job_id": job.job_id, "outcome": "handed over"}


def finish(claim: Claim, job: Job, job_manager: JobManager) -> dict[str, Any]:
    try:
        finished = job_manager.finish(claim, job)
    except LeaseLost as exc:
        return give_way(job.job_id, exc)
    return {"job_id": job.job_id, "outcome": finished.status}


def give_way(job_id: str, exc: WellheadError) -> dict[str, Any]:
    """Without the table nothing may be said of the job: Lambda's retry goes on when it is back."""
    if isinstance(exc, StateUnavailable):
        raise exc
    log.warning("another worker has taken over", extra={"code": exc.code})
    return {"job_id": job_id, "outcome": "lease lost"}


def fail_job(exc: Exception, job: Job, *, at: float) -> Job:
    error = _import_error(exc)
    if isinstance(error, Held):
        return job.hold(error, at=at)
    return job.fail(error, at=at)


def _import_error(exc: Exception) -> WellheadError:
    """What people are told. Of what nobody foresaw the log tells the type and the place."""
    if isinstance(exc, WellheadError):
        log.error("the import failed: %s", exc.message, extra={"code": exc.code})
        return exc
    log.error("the import failed unexpectedly", exc_info=exc)
    if isinstance(exc, MemoryError):
        return OutOfMemory()
    if isinstance(exc, OSError) and exc.errno in FULL:
        return ScratchFull()
    return ImportFailed()
