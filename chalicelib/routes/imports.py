"""Imports: start and follow them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from chalicelib.api.history import HISTORY, JOBS_DEFAULT, HistoryPage, cursor_of
from chalicelib.api.import_request import (
    ASKED,
    parse_idempotency_key,
    parse_parameters,
    refuse_browser,
)
from chalicelib.api.tokens import Role
from chalicelib.errors import (
    DefinitionInvalid,
    ImportAlreadyRunning,
    InvalidJobId,
    JobNotFound,
    RequestForbidden,
    SourceNotNamed,
    SourceRedefined,
    SourceUnknown,
    StateUnavailable,
)
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.job_id import parse_job_id
from chalicelib.jobs.starting import start_import
from chalicelib.logs import add_to_log_context
from chalicelib.settings import cors_origins

from .polling import poll
from .route import Route, Routes

if TYPE_CHECKING:
    from chalice.app import Response

    from .route import ApiCall

OF_THE_SOURCE = (SourceUnknown, DefinitionInvalid, SourceRedefined)
OF_AN_ID = (InvalidJobId, JobNotFound, StateUnavailable)
routes = Routes()

_START: dict[str, Any] = {
    "role": Role.OPERATOR,
    "summary": "Start an import",
    "section": "start-an-import",
    "tag": "import",
    "answer": "The import is accepted, or the one that the same Idempotency-Key started.",
    "data": "Accepted",
    "query": ASKED,
    "request_headers": ("Idempotency-Key",),
    "headers": ("Location", "Retry-After"),
    "errors": (
        RequestForbidden,
        ImportAlreadyRunning,
        SourceNotNamed,
        *OF_THE_SOURCE,
        StateUnavailable,
    ),
}


@routes.add(
    Route(
        "GET",
        "/api/v1/wells/import/trigger",
        id="triggerByGet",
        changes=True,
        **_START,
    )
)
def trigger_by_get(call: ApiCall) -> Response:
    allowed_origins = cors_origins(os.environ)
    refuse_browser(call.headers, allowed_origins=allowed_origins)
    return _start(call, status=200)


@routes.add(
    Route(
        "POST",
        "/api/v1/wells/import/trigger",
        id="trigger",
        status=202,
        body="Import",
        **_START,
    )
)
def trigger_by_post(call: ApiCall) -> Response:
    allowed_origins = cors_origins(os.environ)
    refuse_browser(call.headers, allowed_origins=allowed_origins)
    return _start(call, status=202, body=call.body)


@routes.add(
    Route(
        "GET",
        "/api/v1/wells/import/status/{job_id}",
        id="getStatus",
        summary="Follow a job",
        section="follow-it",
        tag="import",
        answer="The job. One that FAILED is a success too, with the cause in `data.error`.",
        data="Job",
        headers=("Retry-After",),
        is_conditional=True,
        errors=OF_AN_ID,
    )
)
def get_status(call: ApiCall, job_id: str) -> Response:
    job = call.services.job_manager.get(parse_job_id(job_id))
    too_late = call.services.job_manager.lateness([job]).get(job.job_id)
    view = job.view(time.time(), too_late=too_late)
    view_without_clock = job.view(0.0, too_late=too_late)
    return call.respond.success_or_not_modified(
        view,
        _sentence(job),
        seen=view_without_clock,
        headers=poll(job),
    )


@routes.add(
    Route(
        "GET",
        "/api/v1/wells/import/jobs",
        id="listJobs",
        summary="List the jobs, newest first",
        section="list-the-jobs",
        tag="import",
        answer="A page of jobs, without their events.",
        data="JobPage",
        query=HISTORY,
        defaults={"limit": JOBS_DEFAULT},
        is_conditional=True,
        errors=(StateUnavailable,),
    )
)
def list_jobs(call: ApiCall) -> Response:
    page = HistoryPage.parse(call.query)
    jobs, rest = call.services.job_manager.history(
        limit=page.limit,
        status=page.status,
        source=page.source,
        before=page.before,
    )
    too_late = call.services.job_manager.lateness(jobs)
    next_cursor = cursor_of(rest) if rest else None

    def summaries(now: float) -> list[dict[str, Any]]:
        return [job.summary(now, too_late=too_late.get(job.job_id)) for job in jobs]

    summaries_without_clock = summaries(0.0)
    return call.respond.success_or_not_modified(
        {"jobs": summaries(time.time()), "next_cursor": next_cursor},
        "The jobs, newest first.",
        seen=[next_cursor, *summaries_without_clock],
    )


def _start(call: ApiCall, *, status: int, body: str | bytes = "") -> Response:
    parameters = parse_parameters(call.query, body)
    key = parse_idempotency_key(call.headers.get("idempotency-key"))
    source = call.services.sources.of_trigger(parameters.pop("source", None))
    job = start_import(
        job_manager=call.services.job_manager,
        dispatcher=call.services.dispatcher,
        triggered_by=call.caller.name,
        parameters=parameters,
        source_name=source.name,
        source_version=source.version,
        source_id=source.settings(call.services.settings).source_id,
        key=key,
    )
    return show_start(call, job, status=status, location=f"status/{job.job_id}")


def show_start(call: ApiCall, job: Job, *, status: int, location: str) -> Response:
    add_to_log_context(job_id=job.job_id)
    data = {
        "job_id": job.job_id,
        "status": job.status,
        "created_at": job.created_at,
        "source": job.source_name,
    }
    if job.retry_of:
        data["retry_of"] = job.retry_of
    outcome = "was started before, by the same key"
    if job.status is JobStatus.PENDING:
        outcome = "has been started"
    return call.respond.success(
        data,
        f"The import {outcome}. Follow it at the address in Location.",
        status=status,
        headers={"Location": location, **poll(job)},
    )


def _sentence(job: Job) -> str:
    if job.error:
        return str(job.error["message"])
    if job.rollback_to:
        state = "complete" if job.status is JobStatus.COMPLETED else job.status
        return f"The rollback to {job.rollback_to} is {state}."
    if job.status is JobStatus.PENDING:
        return "The import waits for its worker."
    if job.status is JobStatus.RUNNING:
        return f"The import is running: {job.fetched_records:,} rows so far."
    if job.status is JobStatus.COMPLETED:
        new_records = f"{job.new_records:,} of them new"
        return f"The import is complete: {job.total_records:,} rows, {new_records}."
    return "The import was stopped."
