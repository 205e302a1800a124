"""A job: stop it, go on from it, accept or discard it, and see what it has done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from chalicelib.api.findings import accepted_sentence, parse_findings
from chalicelib.api.import_request import (
    parse_idempotency_key,
)
from chalicelib.api.tokens import Role
from chalicelib.errors import (
    AcceptTooLate,
    ChangesNotKept,
    ChangesNotYet,
    FindingsDiffer,
    ImportAlreadyRunning,
    InvalidJobId,
    JobIsFinal,
    JobNotFound,
    NotHeld,
    NotResumable,
    NotRetryable,
    RejectsNotKept,
    RejectsNotYet,
    RetriedAlready,
    SnapshotGone,
    SourceChangedSince,
    WarehouseUnavailable,
)
from chalicelib.jobs.job_id import parse_job_id
from chalicelib.jobs.starting import accept_import, retry_import

from .imports import OF_AN_ID, OF_THE_SOURCE, show_start
from .lists import answer_list, list_route
from .polling import poll
from .route import Route, Routes

if TYPE_CHECKING:
    from chalice.app import Response

    from .route import ApiCall

routes = Routes()


@routes.add(
    Route(
        "POST",
        "/api/v1/wells/import/jobs/{job_id}/cancel",
        role=Role.OPERATOR,
        id="cancelJob",
        summary="Ask a job to stop",
        section="cancel-a-job",
        tag="import",
        answer="The job: CANCELLED, or with `cancel_requested_at` until its next report.",
        data="Job",
        status=202,
        headers=("Location", "Retry-After"),
        errors=(*OF_AN_ID, JobIsFinal),
    )
)
def cancel_job(call: ApiCall, job_id: str) -> Response:
    job = call.services.job_manager.cancel(parse_job_id(job_id))
    outcome = "has been asked to stop; it ends at its next report"
    if job.status.final:
        outcome = "was stopped"
    headers = {"Location": f"../../status/{job.job_id}", **poll(job)}
    return call.respond.success(
        job.view(time.time()),
        f"The import {outcome}.",
        status=202,
        headers=headers,
    )


@routes.add(
    Route(
        "POST",
        "/api/v1/wells/import/jobs/{job_id}/retry",
        role=Role.OPERATOR,
        id="retryJob",
        summary="Go on from the checkpoint of a job that FAILED or was CANCELLED",
        section="retry-a-job",
        tag="import",
        answer="A new job is accepted.",
        data="Accepted",
        status=202,
        request_headers=("Idempotency-Key",),
        headers=("Location", "Retry-After"),
        errors=(
            *OF_AN_ID,
            ImportAlreadyRunning,
            NotRetryable,
            RetriedAlready,
            NotResumable,
            SourceChangedSince,
            *OF_THE_SOURCE,
            WarehouseUnavailable,
        ),
    )
)
def retry_job(call: ApiCall, job_id: str) -> Response:
    old = call.services.job_manager.get(parse_job_id(job_id))
    job = retry_import(
        old.job_id,
        job_manager=call.services.job_manager,
        dispatcher=call.services.dispatcher,
        warehouse=call.services.warehouse,
        triggered_by=call.caller.name,
        **call.services.source_of_retry(old),
        key=parse_idempotency_key(call.headers.get("idempotency-key")),
    )
    return show_start(call, job, status=202, location=f"../../status/{job.job_id}")


@routes.add(
    Route(
        "POST",
        "/api/v1/wells/import/jobs/{job_id}/accept",
        role=Role.OPERATOR,
        id="acceptJob",
        summary="Publish what a held job was held with",
        section="accept-or-discard-a-held-import",
        tag="import",
        answer="A new job that asks the source nothing, or the one that the same call made before.",
        data="Job",
        status=202,
        body="Acceptance",
        needs_body=True,
        headers=("Location", "Retry-After"),
        errors=(
            *OF_AN_ID,
            NotHeld,
            FindingsDiffer,
            AcceptTooLate,
            ImportAlreadyRunning,
            RetriedAlready,
            SourceChangedSince,
            *OF_THE_SOURCE,
        ),
    )
)
def accept_job(call: ApiCall, job_id: str) -> Response:
    findings = parse_findings(call.body)
    held = call.services.job_manager.get(parse_job_id(job_id))
    job = accept_import(
        held.job_id,
        job_manager=call.services.job_manager,
        dispatcher=call.services.dispatcher,
        findings=findings,
        by=call.caller.name,
        **call.services.source_of_retry(held),
    )
    headers = {"Location": f"../../status/{job.job_id}", **poll(job)}
    return call.respond.success(
        job.view(time.time()),
        accepted_sentence(job),
        status=202,
        headers=headers,
    )


@routes.add(
    Route(
        "POST",
        "/api/v1/wells/import/jobs/{job_id}/discard",
        role=Role.OPERATOR,
        id="discardJob",
        summary="Let a held job go",
        section="accept-or-discard-a-held-import",
        tag="import",
        answer="The job, with `discarded_at`; twice is the same.",
        data="Job",
        errors=(*OF_AN_ID, NotHeld),
    )
)
def discard_job(call: ApiCall, job_id: str) -> Response:
    job_manager = call.services.job_manager
    job = job_manager.discard(parse_job_id(job_id), by=call.caller.name)
    text = "The import is discarded. The published data is as it was."
    return call.respond.success(job.view(time.time()), text)


@routes.add(
    list_route(
        "/wells/import/jobs/{job_id}/rejects",
        "rejects",
        id="listRejects",
        summary="The rows that a completed import rejected",
        section="rejected-rows",
        tag="import",
        data="RejectsOrFile",
        errors=(InvalidJobId, JobNotFound, RejectsNotYet, RejectsNotKept),
    )
)
def list_rejects(call: ApiCall, job_id: str) -> Response:
    return answer_list(call, "rejects", job_id=job_id)


@routes.add(
    list_route(
        "/wells/import/jobs/{job_id}/changes",
        "changes",
        id="listChanges",
        summary="What a completed import changed",
        section="what-an-import-changed",
        tag="import",
        answer="A page of rows; with `by=field` a row is a field.",
        data="ChangesOrFile",
        errors=(InvalidJobId, JobNotFound, ChangesNotYet, ChangesNotKept, SnapshotGone),
    )
)
def list_changes(call: ApiCall, job_id: str) -> Response:
    return answer_list(call, "changes", job_id=job_id)


@routes.add(
    Route(
        "GET",
        "/api/v1/wells/import/jobs/{job_id}/logs",
        id="listLog",
        summary="What was logged of a job last",
        section="the-log-of-a-job",
        tag="import",
        answer="The last 200 lines, in their order.",
        data="JobLog",
        headers=("Retry-After",),
        is_conditional=True,
        errors=OF_AN_ID,
    )
)
def list_log(call: ApiCall, job_id: str) -> Response:
    job = call.services.job_manager.get(parse_job_id(job_id))
    lines = [line.view() for line in call.services.job_log.read(job.job_id)]
    text = "Nothing is logged of the job, or no longer."
    if lines:
        text = "What was logged of the job last."
    data = {"job_id": job.job_id, "lines": lines}
    headers = poll(job)
    return call.respond.success_or_not_modified(data, text, seen=lines, headers=headers)
