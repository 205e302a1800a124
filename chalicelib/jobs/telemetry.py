"""What a job tells the log and CloudWatch at each turn of its life."""

from __future__ import annotations

import logging
from typing import Any

from chalicelib.errors import CancelRequested
from chalicelib.metrics import record

from .job import Job, JobStatus

ENDS = {JobStatus.COMPLETED: "JobsCompleted", JobStatus.FAILED: "JobsFailed", JobStatus.CANCELLED: "JobsCancelled"}


PHASES = ("fetching", "staging", "merging", "publishing")  # CHECKING is short


def job_claimed(job: Job, *, from_a_dead_worker: bool) -> None:
    waited = job.started_at - job.created_at if job.attempt == 1 and job.started_at else None
    figures = {"PendingSeconds": waited, "LeaseTakeovers": float(from_a_dead_worker)}
    record(f"attempt {job.attempt} has claimed the job", figures, **_names(job))


def worker_gone(job_id: str) -> None:
    record("the worker died, another one goes on", {"LeaseTakeovers": 1}, level=logging.WARNING, job_id=job_id)


def handed_over(job: Job) -> None:
    record("handed over to the next worker", {"HandOvers": 1}, **_names(job))


def job_ended(job: Job) -> None:
    code = (job.error or {}).get("code") or (CancelRequested.code if job.status is JobStatus.CANCELLED else None)
    level = logging.ERROR if job.status is JobStatus.FAILED else logging.INFO
    of_import = {} if job.rollback_to else {"Pages": job.stats.get("pages"), **_seconds(job), **_rows(job)}
    figures = {"JobsHeld" if job.is_held else ENDS[job.status]: 1, **of_import}
    record(f"the job is {job.status}", figures, level=level, code=code, **_names(job))


def _names(job: Job) -> dict[str, Any]:
    return {"job_id": job.job_id, "attempt": job.attempt, "fence": job.fence}


def _seconds(job: Job) -> dict[str, float | None]:
    spent = {f"{phase.capitalize()}Seconds": job.stats.get(f"{phase}_seconds") for phase in PHASES}
    whole = job.completed_at - job.started_at if job.completed_at and job.started_at else None
    return {"ImportSeconds": whole, **spent}


def _rows(job: Job) -> dict[str, float | None]:
    """None of them is told of an import that was not published."""
    if job.status is not JobStatus.COMPLETED:
        return {}
    return {
        "NewRows": job.new_records,
        "UpdatedRows": job.updated_records,
        "WithdrawnRows": job.withdrawn_records,
        "DuplicateRows": job.duplicate_records,
        "FailedRows": job.failed_records,
        "RejectedPercent": 100 * job.failed_records / job.total_records if job.total_records else None,
        "RowsPerSecond": job.view(0.0)["records_per_second"],
    }
