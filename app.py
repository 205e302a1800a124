"""The routes and functions of Wellhead: parse, call one function, return."""

from __future__ import annotations

import logging
import time
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, MultiDict, Rate, Request, Response

from chalicelib.job import Job, JobStatus, parse_job_id
from chalicelib.responses import ResponseBuilder, enveloped
from chalicelib.services import Services, warm
from chalicelib.trigger import parse_idempotency_key, parse_parameters, refuse_unasked, start_import

POLL_SECONDS = 1  # how soon the status of a running job is worth another look

app = Chalice(app_name="wellhead")
app.log.setLevel(logging.INFO)
services = warm(Services())


@app.route("/api/v1/wells/import/trigger", methods=["GET"], content_types=["*/*"])
@enveloped(app)
def trigger_by_get(request: Request, respond: ResponseBuilder) -> Response:
    refuse_unasked(request.headers)
    return _started(request, respond, status=200)


@app.route("/api/v1/wells/import/trigger", methods=["POST"], content_types=["*/*"])
@enveloped(app)
def trigger_by_post(request: Request, respond: ResponseBuilder) -> Response:
    refuse_unasked(request.headers)
    return _started(request, respond, status=202, body=request.raw_body)


@app.route("/api/v1/wells/import/status/{job_id}", methods=["GET"], content_types=["*/*"])
@enveloped(app)
def get_status(_: Request, respond: ResponseBuilder, job_id: str) -> Response:
    job = services.job_manager.get(parse_job_id(job_id))
    headers = {} if job.status.final else {"Retry-After": str(POLL_SECONDS)}
    return respond.success(job.view(time.time()), _sentence(job), headers=headers)


@app.lambda_function(name="import")
def import_wells(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return services.run_import(
        parse_job_id(str(event.get("job_id"))),
        request_id=context.aws_request_id,
        remaining=lambda: context.get_remaining_time_in_millis() / 1000,
    )


@app.lambda_function(name="failed-event")
def take_up_job(record: dict[str, Any], _: Any) -> str:
    """The OnFailure destination of the import function; what it is sent:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    return services.take_up(parse_job_id(str(record["requestPayload"].get("job_id"))))


@app.schedule(Rate(1, unit=Rate.MINUTES), name="sweeper")
def sweep_jobs(_: CloudWatchEvent) -> str:
    return services.sweep()


def _started(request: Request, respond: ResponseBuilder, *, status: int, body: str | bytes = "") -> Response:
    query = request.query_params or MultiDict({})
    job = start_import(
        job_manager=services.job_manager,
        dispatcher=services.dispatcher,
        parameters=parse_parameters({name: query.getlist(name) for name in query}, body),
        key=parse_idempotency_key(request.headers.get("idempotency-key")),
    )
    began = "has been started" if job.status is JobStatus.PENDING else "was started before, by the same key"
    return respond.success(
        {"job_id": job.job_id, "status": job.status, "created_at": job.created_at},
        f"The import {began}. Follow it at the address in Location.",
        status=status,
        headers={"Location": f"status/{job.job_id}", "Retry-After": str(POLL_SECONDS)},
    )


def _sentence(job: Job) -> str:
    if job.error:
        return str(job.error["message"])
    return {
        "PENDING": "The import waits for its worker.",
        "RUNNING": f"The import is running: {job.fetched_records:,} rows so far.",
        "COMPLETED": f"The import is complete: {job.total_records:,} rows, {job.new_records:,} of them new.",
    }.get(job.status, "The import was stopped.")
