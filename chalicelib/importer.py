"""run_import: one invocation of the import function, from its claim to the job's end."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

from .errors import (
    ClaimRefused,
    DispatchFailed,
    ImportFailed,
    JobNotFound,
    LeaseLost,
    StateUnavailable,
    WellheadError,
)
from .import_service import HandOver, WellProductionImportService

if TYPE_CHECKING:
    from collections.abc import Callable

    from .dispatcher import Dispatcher
    from .job import Job
    from .job_manager import Claim, JobManager

WATCH_SECONDS = 2.0  # between two looks at the lease of another worker

log = logging.getLogger(__name__)


def run_import(
    job_id: str,
    *,
    request_id: str,
    job_manager: JobManager,
    dispatcher: Dispatcher,
    new_service: Callable[[Claim], WellProductionImportService],
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, Any]:
    """What became of the job. Raises StateUnavailable, so that Lambda delivers the event again."""
    holder = f"{request_id}/{uuid.uuid4().hex[:8]}"
    claim = claim_patiently(job_id, holder=holder, job_manager=job_manager, clock=clock, sleep=sleep)
    if claim is None:
        return {"job_id": job_id, "outcome": "nothing to do"}
    log.info("job %s: attempt %d, fence %d", job_id, claim.job.attempt, claim.fence)
    service = new_service(claim)
    try:
        job = service.run()
    except HandOver:
        return _hand_over(claim, service.job, job_manager, dispatcher)
    except (LeaseLost, StateUnavailable) as exc:
        return _give_way(job_id, exc)
    except Exception as exc:  # noqa: BLE001  logged and told by _fail
        return _fail(claim, service.job, exc, job_manager, clock())
    return {"job_id": job_id, "outcome": job.status}


def claim_patiently(
    job_id: str,
    *,
    holder: str,
    job_manager: JobManager,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> Claim | None:
    """The claim, or None when there is nothing to do.

    When another worker holds the job, this delivery watches its lease. A lease that is renewed shows a living
    worker: this is a duplicate and leaves. A lease that runs out shows a dead one: this is its retry.
    """
    seen: float | None = None
    while True:
        try:
            return job_manager.claim(job_id, holder=holder)
        except JobNotFound:
            log.exception("job %s does not exist", job_id)
            return None
        except ClaimRefused as refused:
            until = refused.lease_until
        if until is None or (seen is not None and until > seen):
            return None
        seen = until
        sleep(max(0.05, min(WATCH_SECONDS, until - clock() + 0.05)))


def _hand_over(claim: Claim, job: Job, job_manager: JobManager, dispatcher: Dispatcher) -> dict[str, Any]:
    """The dispatch is the fast path; when it fails, the sweeper starts the next worker."""
    try:
        job_manager.hand_over(claim, job)
        dispatcher.dispatch(job.job_id)
    except LeaseLost as exc:
        return _give_way(job.job_id, exc)
    except DispatchFailed as exc:
        log.warning("job %s waits for the sweeper, its dispatch failed: %s", job.job_id, exc.__cause__)
    return {"job_id": job.job_id, "outcome": "handed over"}


def _give_way(job_id: str, exc: WellheadError) -> dict[str, Any]:
    """Without the table nothing may be said of the job: Lambda's retry goes on when it is back."""
    if isinstance(exc, StateUnavailable):
        raise exc
    log.warning("job %s: another worker has taken over", job_id)
    return {"job_id": job_id, "outcome": "lease lost"}


def _fail(claim: Claim, job: Job, exc: Exception, job_manager: JobManager, now: float) -> dict[str, Any]:
    """The job ends FAILED with what people can use; the stack trace goes to the log alone."""
    error = exc if isinstance(exc, WellheadError) else ImportFailed()
    log.error(
        "job %s failed: %s %s",
        job.job_id,
        error.code,
        error.message,
        exc_info=not isinstance(exc, WellheadError),
    )
    try:
        failed = job_manager.finish(claim, job.failed_with(error, at=now))
    except LeaseLost as lost:
        return _give_way(job.job_id, lost)
    return {"job_id": job.job_id, "outcome": failed.status, "code": error.code}
