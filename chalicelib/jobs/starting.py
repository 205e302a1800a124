"""Start an import: create the job, dispatch it, answer. Nothing here waits for the import."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    DispatchFailed,
    NotResumable,
    NotRetryable,
    SourceChangedSince,
    ValidationError,
)
from chalicelib.warehouse.names import segment_names

from .job import Job, JobStatus, new_job
from .snapshots import refuse_rollback

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from chalicelib.warehouse.names import Warehouse

    from .dispatcher import Dispatcher
    from .manager import JobManager
    from .schedule import Schedule

# For so long a job can be retried; the sweeper keeps its segments a day longer.
RETRY_SECONDS = 6 * 86_400


log = logging.getLogger(__name__)


def start_import(
    *,
    job_manager: JobManager,
    dispatcher: Dispatcher,
    triggered_by: str = "anonymous",
    parameters: Mapping[str, Any] | None = None,
    source_id: str | None = None,
    source_name: str | None = None,
    source_version: int | None = None,
    key: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Job:
    """The accepted job, or the one that the same caller's `key` made before. Raises
    ImportAlreadyRunning, SourceRedefined, StateUnavailable, and ValidationError when that one was
    asked for with other parameters or of another source.

    A job whose dispatch fails is accepted all the same: it is in the table, and the sweeper starts
    it.
    """
    wanted = new_job(
        now=clock(),
        triggered_by=triggered_by,
        parameters=dict(parameters or {}),
        source_id=source_id,
        source_name=source_name,
        source_version=source_version,
    )
    return _accept(wanted, key, job_manager, dispatcher)


def start_due(
    job: Job, *, advanced: Schedule, job_manager: JobManager, dispatcher: Dispatcher
) -> Job:
    """A job that was due, with its schedule as it goes on.
    Raises what start_import raises, and ScheduleMoved.
    """
    created = job_manager.create(job, advanced=advanced)
    return _dispatch(created, dispatcher)


def retry_import(
    job_id: str,
    *,
    job_manager: JobManager,
    dispatcher: Dispatcher,
    warehouse: Warehouse,
    triggered_by: str,
    source_id: str,
    source_version: int | None = None,
    key: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Job:
    """A new job that goes on from the last checkpoint of this one, or the one that the same
    caller's `key` made before. A job that ended before its first checkpoint begins anew. Raises
    JobNotFound, NotRetryable, RetriedAlready, SourceChangedSince, NotResumable,
    WarehouseUnavailable, and what start_import raises.
    """
    old = job_manager.get(job_id)
    _refuse_retry(old)
    wanted = old.retry(now=clock(), triggered_by=triggered_by)
    wanted = replace(wanted, source_id=source_id, source_version=source_version)
    # One that was retried already gives the job of then, to a caller who asks with the same key.
    if old.checkpoint and not old.retried_by:
        _refuse_useless(old, source_id, warehouse, clock())
    return _accept(wanted, key, job_manager, dispatcher)


def accept_import(
    job_id: str,
    *,
    job_manager: JobManager,
    dispatcher: Dispatcher,
    findings: Collection[str],
    by: str,
    source_id: str,
    source_version: int | None = None,
) -> Job:
    """A new job that publishes what this one was held with, or the one that the same call made
    before. `findings` names all the checks that hold it. Raises what JobManager.accept raises, and
    SourceChangedSince.
    """
    held = job_manager.get(job_id)
    if held.is_held and not held.retried_by:
        _refuse_other_source(held, source_id)
    accepted = job_manager.accept(
        job_id,
        findings=findings,
        by=by,
        source_version=source_version,
    )
    return _dispatch(accepted, dispatcher)


def start_rollback(
    name: str,
    *,
    job_manager: JobManager,
    dispatcher: Dispatcher,
    warehouse: Warehouse,
    triggered_by: str,
    key: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Job:
    """A job that publishes the snapshot of this name once more, or the one that the same caller's
    `key` made before. Raises SnapshotUnknown, SnapshotIsCurrent, WarehouseUnavailable, and what
    start_import raises.
    """
    wanted = new_job(now=clock(), triggered_by=triggered_by, parameters={}, rollback_to=name)
    is_repeated = key and job_manager.find_by_key(triggered_by, key)
    if not is_repeated:
        refuse_rollback(name, job_manager=job_manager, warehouse=warehouse)
    return _accept(wanted, key, job_manager, dispatcher)


def _refuse_retry(old: Job) -> None:
    """Raises NotRetryable."""
    facts: dict[str, Any] = {"job_id": old.job_id, "status": old.status}
    if old.rollback_to:
        raise NotRetryable(
            "The job was a rollback, which has no checkpoint to go on from. Ask for the rollback again.",
            **facts,
        )
    if old.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        raise NotRetryable(**facts)
    if old.is_held:
        raise NotRetryable(
            "The job is held by its findings, and would be held again. Accept or discard it.",
            **facts,
        )


def _refuse_other_source(old: Job, source_id: str) -> None:
    """Raises SourceChangedSince."""
    if old.source_id != source_id:
        raise SourceChangedSince(
            "The settings of the source have changed since this job began, so its checkpoint is of no use. "
            "Start a new import.",
            job_id=old.job_id,
        )


def _refuse_useless(old: Job, source_id: str, warehouse: Warehouse, now: float) -> None:
    """Raises SourceChangedSince, NotResumable, WarehouseUnavailable."""
    _refuse_other_source(old, source_id)
    is_too_old = now - (old.completed_at or now) > RETRY_SECONDS
    wanted = segment_names(old.segments)
    stored: set[str] = set()
    for prefix in {run.prefix for run in old.segments}:
        stored.update(warehouse.names(prefix))
    # Where some of them are left, the worker goes on from there.
    all_are_gone = bool(wanted) and stored.isdisjoint(wanted)
    if is_too_old or all_are_gone:
        raise NotResumable(
            "The rows that this job had fetched are not kept any more. Start a new import.",
            job_id=old.job_id,
        )


def _accept(wanted: Job, key: str | None, job_manager: JobManager, dispatcher: Dispatcher) -> Job:
    # The wanted one, or the one that the same key has made before: then of the same order only.
    job = job_manager.create(wanted, key=key)
    is_other_source = job.source_name not in (None, wanted.source_name)
    if is_other_source or _order(job) != _order(wanted):
        raise ValidationError(
            "This Idempotency-Key was sent before for something else. Send a new key.",
            field="Idempotency-Key",
        )
    return _dispatch(job, dispatcher)


def _order(job: Job) -> tuple[Any, ...]:
    """What the caller has ordered, of whatever source."""
    return job.parameters, job.retry_of, job.rollback_to


def _dispatch(job: Job, dispatcher: Dispatcher) -> Job:
    """One that waits for its worker; when that fails, the sweeper does it."""
    if job.status is not JobStatus.PENDING:
        return job
    try:
        dispatcher.dispatch(job.job_id)
    except DispatchFailed as exc:
        text = "the job waits for the sweeper, its dispatch failed: %s"
        log.warning(text, exc.__cause__, extra={"job_id": job.job_id})
    return job
