"""What the states of the state machine do of an import: plan its parts, fetch one of them, end
what could not go on. The state that merges does what a worker does that runs alone: it goes on
from what others have left.

    Plan ─────────────────▶ Parts ──────────────────────▶ Merge
      claim (fence 7)         one state for each,           claim (fence 8), run
      │                       all under that claim          │
      └───────────────────────┴───── could not go on ───────┴──────▶ Fail
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from chalicelib import errors
from chalicelib.errors import (
    CancelRequested,
    ImportFailed,
    LeaseLost,
    MachineStopped,
    NoProgress,
    StateUnavailable,
    WarehouseSilent,
)
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Claim, execution_of
from chalicelib.logs import add_to_log_context

from .fetching import HandOver
from .worker import fail_job, finish, give_way

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.manager import JobManager

    from .part_import import PartImport
    from .rollback import Rollback
    from .service import WellProductionImportService

AGAIN = (
    "The published data is as it was, and what was fetched is kept: look at the log, then retry "
    "the import."
)
FAIL_TRIES = 5  # a worker of a part may still renew the lease

log = logging.getLogger(__name__)


def plan(claim: Claim, service: WellProductionImportService | Rollback) -> dict[str, Any]:
    """Which parts are to be read, and under which claim."""
    return {
        "outcome": "planned",
        "holder": claim.holder,
        "fence": claim.fence,
        "parts": service.plan(),
        "at_once": service.at_once,
    }


def fetch_part(
    job_id: str,
    *,
    holder: str,
    fence: int,
    job_manager: JobManager,
    new_part: Callable[[Claim], PartImport],
    clock: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """What became of the part: "read", or "more" when the time of this worker is over. Whatever
    ends an import ends the job here, and its other workers find that out. Raises StateUnavailable,
    WarehouseSilent, and NoProgress where no row came in all that time: then it is tried again.
    """
    add_to_log_context(job_id=job_id)
    job = job_manager.find(job_id)
    if job is None or job.status.final or job.fence != fence:
        return {"job_id": job_id, "outcome": "nothing to do"}
    claim = Claim(job=job, holder=holder, fence=fence)
    add_to_log_context(attempt=job.attempt, fence=fence)
    part = None
    try:
        part = new_part(claim)
        part.run()
    except HandOver:
        if part is None or not part.has_moved:
            # The machine tries again, a few times, and then ends the job with this error.
            raise NoProgress from None
        return {"job_id": job_id, "outcome": "more"}
    except CancelRequested:
        return finish(claim, job_manager.get(job_id).cancel(at=clock()), job_manager)
    except (LeaseLost, StateUnavailable) as exc:
        return give_way(job_id, exc)
    except WarehouseSilent:
        raise
    except Exception as exc:  # noqa: BLE001  told to people as the job's error
        return finish(claim, fail_job(exc, job_manager.get(job_id), at=clock()), job_manager)
    return {"job_id": job_id, "outcome": "read"}


def fail_import(job_id: str, *, execution: str, error: str, job_manager: JobManager) -> str:
    """The execution could not go on, because of an error with this name, so its job ends:
    "failed", or "nothing" where it has ended or another worker has it. Raises StateUnavailable.
    """
    for _ in range(FAIL_TRIES):
        lock = job_manager.lock()
        job = job_manager.owner_of(lock)
        if job is None or job.job_id != job_id:
            return "nothing"
        is_ours = execution_of(lock.holder) == execution
        # Ours too where nobody has claimed it: the execution ended before its first state could.
        if not is_ours and (lock.holder or job.status is not JobStatus.PENDING):
            return "nothing"
        if job_manager.expire(lock, _error_of_name(error)):
            log.error("the execution could not go on: %s", error, extra={"job_id": job_id})
            return "failed"
    return "nothing"


def _error_of_name(name: str) -> ImportFailed:
    """The error of ours with this name, as an import fails with it;
    else what the state machine says of a worker that left no word.
    """
    error = getattr(errors, name, None)
    if isinstance(error, type) and issubclass(error, ImportFailed):
        return error()
    return MachineStopped(
        f"A worker of the import ended without a word again and again ({name[:100]}). {AGAIN}"
    )
