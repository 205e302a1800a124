"""What a job tells the log and CloudWatch at each turn of its life."""

from __future__ import annotations

import logging
from typing import Any

from chalicelib.errors import CancelRequested
from chalicelib.metrics import record

from .job import Job, JobStatus

ENDS = {
    JobStatus.COMPLETED: "JobsCompleted",
    JobStatus.FAILED: "JobsFailed",
    JobStatus.CANCELLED: "JobsCancelled",
}


PHASES = ("fetching", "staging", "merging", "publishing")  # CHECKING is short


def record_claim(job: Job, *, from_a_dead_worker: bool) -> None:
    pending_seconds = None
    if job.attempt == 1 and job.started_at:
        pending_seconds = job.started_at - job.created_at
    figures = {
        "PendingSeconds": pending_seconds,
        "LeaseTakeovers": float(from_a_dead_worker),
    }
    record(f"attempt {job.attempt} has claimed the job", figures, **_names(job))


def record_death(job_id: str) -> None:
    record(
        "the worker died, another one goes on",
        {"LeaseTakeovers": 1},
        level=logging.WARNING,
        job_id=job_id,
    )


def record_hand_over(job: Job) -> None:
    record("handed over to the next worker", {"HandOvers": 1}, **_names(job))


def record_end(job: Job) -> None:
    end = "JobsHeld" if job.is_held else ENDS[job.status]
    figures: dict[str, float | None] = {end: 1}
    if not job.rollback_to:  # which fetches no pages and merges no rows
        figures["Pages"] = job.stats.get("pages")
        figures |= _seconds(job)
        figures |= _rows(job)
    level = logging.ERROR if job.status is JobStatus.FAILED else logging.INFO
    text = f"the job is {job.status}"
    record(text, figures, level=level, code=_code(job), **_names(job))


def _code(job: Job) -> str | None:
    code = (job.error or {}).get("code")
    if not code and job.status is JobStatus.CANCELLED:
        return CancelRequested.code
    return code or None


def _names(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "attempt": job.attempt,
        "fence": job.fence,
    }


def _seconds(job: Job) -> dict[str, float | None]:
    whole = None
    if job.completed_at and job.started_at:
        whole = job.completed_at - job.started_at
    seconds = {"ImportSeconds": whole}
    for phase in PHASES:
        seconds[f"{phase.capitalize()}Seconds"] = job.stats.get(f"{phase}_seconds")
    return seconds


def _rows(job: Job) -> dict[str, float | None]:
    """None of them is told of an import that was not published."""
    if job.status is not JobStatus.COMPLETED:
        return {}
    rejected_percent = None
    if job.total_records:
        rejected_percent = 100 * job.failed_records / job.total_records
    return {
        "NewRows": job.new_records,
        "UpdatedRows": job.updated_records,
        "WithdrawnRows": job.withdrawn_records,
        "DuplicateRows": job.duplicate_records,
        "FailedRows": job.failed_records,
        "RejectedPercent": rejected_percent,
        # At any moment: the job is over, so its end counts and not the clock.
        "RowsPerSecond": job.view(0.0)["records_per_second"],
    }
