"""What an operator on call asks the API for, and how it is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chalicelib import __version__
from chalicelib.errors import Unhealthy, ValidationError
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import PULSE
from chalicelib.jobs.snapshots import find_current

from .request_fields import json_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Lock
    from chalicelib.jobs.manager import JobManager

FAILURES = 5  # the newest ones
SNAPSHOT = r"snapshots/wells-[0-9]{10,20}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(duckdb|lake)"
ALLOWED = "the name of a snapshot, as GET /ops/snapshots shows it"


def parse_snapshot(body: str | bytes) -> str:
    """The name in `{"snapshot": …}`. Raises ValidationError."""
    sent = json_body(body)
    name = sent.get("snapshot") if isinstance(sent, dict) and sent.keys() == {"snapshot"} else None
    if not isinstance(name, str) or not re.fullmatch(SNAPSHOT, name):
        raise ValidationError(
            'Say which snapshot you mean, such as {"snapshot": "snapshots/wells-….duckdb"}.',
            field="snapshot",
            allowed=ALLOWED,
        )
    return name


def parse_verification(body: str | bytes) -> dict[str, Any]:
    """`{"all": true}`, or nothing. Raises ValidationError."""
    sent = json_body(body)
    is_known = isinstance(sent, dict) and sent.keys() <= {"all"}
    takes_all = sent.get("all", False) if is_known else None
    if not isinstance(takes_all, bool):
        raise ValidationError(
            'The body may be {"all": true}, or nothing.', field="all", allowed="true or false"
        )
    return {"all": takes_all}


def ops_status(
    job_manager: JobManager, health: Callable[[], Mapping[str, Any]], *, now: float
) -> dict[str, Any]:
    """A few reads, of the newest 2,000 jobs at most, and what `health` takes.
    Raises StateUnavailable: without the table nothing can be told.
    """
    lock = job_manager.lock()
    running = job_manager.owner_of(lock)
    failed, _ = job_manager.history(limit=FAILURES, status=JobStatus.FAILED)
    kept = find_current(job_manager=job_manager)
    return {
        "version": __version__,
        **_health(health),
        "lock": _lock(lock, is_over=bool(lock.owner) and job_manager.is_over(lock)),
        "running": running.summary(now) if running else None,
        "snapshot": kept.view() if kept else None,
        "sweeper": {"at": (job_manager.table.read(PULSE) or {}).get("at")},
        "last_failures": [_failure(job) for job in failed],
    }


def status_sentence(status: Mapping[str, Any]) -> str:
    state = "Something does not answer; see checks."
    if status["is_healthy"]:
        state = "All that the API needs answers."
    running = status["running"]
    if running:
        return f"{state} Job {running['job_id']} has the lock, {running['status']}."
    return f"{state} The lock is free."


def _health(health: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    try:
        return {"is_healthy": True, "checks": health()["checks"]}
    except Unhealthy as error:
        return {"is_healthy": False, "checks": error.details["checks"]}


def _lock(lock: Lock, *, is_over: bool) -> dict[str, Any]:
    return {
        "fence": lock.fence,
        "job_id": lock.owner,
        "since": lock.since if lock.owner else None,
        "holder": lock.holder,
        "lease_until": lock.lease_until if lock.owner else None,
        "is_over": is_over,
    }


def _failure(job: Job) -> dict[str, Any]:
    error = job.error or {}
    return {
        "job_id": job.job_id,
        "source": job.source_name,
        "rollback_to": job.rollback_to,
        "completed_at": job.completed_at,
        "code": error.get("code"),
        "message": error.get("message"),
    }
