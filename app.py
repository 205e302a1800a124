"""The routes and functions of Wellhead: parse, call one function, return."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chalice.app import AuthRequest, AuthResponse, Chalice, CloudWatchEvent, Rate, Request, Response

from chalicelib.api.console_files import PAGE, console_file, https_alone, page_policy
from chalicelib.api.csv_rows import answer_csv, csv_headers, rows_csv
from chalicelib.api.document import api_document
from chalicelib.api.etag import etag_of, is_known
from chalicelib.api.feed import FeedResponses, feed
from chalicelib.api.feed_request import METADATA, parse_feed_request, refuse_options
from chalicelib.api.findings import accepted_sentence, parse_findings
from chalicelib.api.formats import BINARY, Format, file_content, parse_format, parse_page_format
from chalicelib.api.history import HistoryPage, cursor_of
from chalicelib.api.import_request import parse_idempotency_key, parse_parameters, refuse_browser
from chalicelib.api.notices_request import parse_notices
from chalicelib.api.ops import parse_snapshot, parse_verification, status_sentence
from chalicelib.api.parameters import read_value
from chalicelib.api.request_fields import refuse_body, single_values
from chalicelib.api.responses import ResponseBuilder, enveloped, principal_of
from chalicelib.api.source_request import (
    VERSION,
    parse_definition,
    parse_file_name,
    parse_if_match,
    parse_source_name,
)
from chalicelib.api.token_list import parse_renewal, parse_token_name
from chalicelib.api.tokens import KEPT_SECONDS, Role
from chalicelib.errors import MethodNotAllowed
from chalicelib.jobs.job import Job, JobStatus, parse_job_id
from chalicelib.jobs.outbox import put_test_notice
from chalicelib.jobs.schedule import schedule_view
from chalicelib.jobs.snapshots import kept_snapshots
from chalicelib.jobs.starting import accept_import, retry_import, start_import, start_rollback
from chalicelib.logs import add_to_log_context, start_log_context
from chalicelib.queries.ask import ask_published, sentence
from chalicelib.queries.query import MOST_ROWS, Query, parse_query
from chalicelib.queries.sql_request import parse_sql, sql_offer, sql_sentence
from chalicelib.services import Services, warm
from chalicelib.settings import cors_origins
from chalicelib.sources.checks import CheckKind
from chalicelib.sources.presets import all_presets
from chalicelib.sources.source import Source, deleted_sentence, source_sentence
from chalicelib.sources.units import all_units
from chalicelib.sources.uploads import new_upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.schedule import Plan, Schedule

POLL_SHARE = 10  # a job is worth another look after a tenth of the time that it has taken so far
POLL_SECONDS = (1, 30)  # at least, at most

app = Chalice(app_name="wellhead", configure_logs=False)
app.api.binary_types.extend(BINARY)
services = warm(Services())


@app.authorizer(name="authorizer", ttl_seconds=int(KEPT_SECONDS))
def authorizer(request: AuthRequest) -> AuthResponse:
    """Tells who calls. What he may do is decided where the route is, `enveloped(app, role=...)`:
    API Gateway keeps this answer for all routes, and its own refusal could not say which role is
    needed.
    """
    principal = services.tokens.principal(request.token)
    if principal is None:
        raise ValueError("Unauthorized")  # the one word that API Gateway answers with 401
    context: dict[str, str] = {"role": principal.role}
    if principal.expires_at is not None:
        context["expires_at"] = str(principal.expires_at)
    return AuthResponse(routes=["*"], principal_id=principal.name, context=context)


@app.middleware("http")
def note_use(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Of the token, when it got an answer: one that is refused, or over, was of no use."""
    response = get_response(request)
    caller = ((request.context or {}).get("authorizer") or {}).get("principalId")
    if caller and response.status_code < HTTPStatus.BAD_REQUEST:
        services.note_use(caller)
    return response


@app.middleware("http")
def refuse_method(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """The gateway passes every method of an address on,
    and Chalice has words of its own for those without a route.
    """
    response = get_response(request)
    if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return response
    methods = str(response.headers["Allow"]).split(", ")
    refusal = _refusal_of_method()
    refusal.headers["Allow"] = ", ".join(sorted(methods))
    return refusal


@enveloped(app, role=None)
def _refusal_of_method(_: Request, respond: ResponseBuilder) -> Response:
    return respond.failure(MethodNotAllowed())


@app.route(
    "/api/v1/wells/import/trigger", methods=["GET"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.OPERATOR)
def trigger_by_get(request: Request, respond: ResponseBuilder) -> Response:
    refuse_browser(request.headers, allowed_origins=cors_origins(os.environ))
    return _start(request, respond, status=200)


@app.route(
    "/api/v1/wells/import/trigger", methods=["POST"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.OPERATOR)
def trigger_by_post(request: Request, respond: ResponseBuilder) -> Response:
    refuse_browser(request.headers, allowed_origins=cors_origins(os.environ))
    return _start(request, respond, status=202, body=request.raw_body)


@app.route(
    "/api/v1/wells/import/status/{job_id}",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def get_status(request: Request, respond: ResponseBuilder, job_id: str) -> Response:
    single_values(_query(request))
    job = services.job_manager.get(parse_job_id(job_id))
    too_late = services.job_manager.lateness([job]).get(job.job_id)
    view = job.view(time.time(), too_late=too_late)
    view_without_clock = job.view(0.0, too_late=too_late)
    return respond.success_or_not_modified(
        view,
        _sentence(job),
        seen=view_without_clock,
        headers=_poll(job),
    )


@app.route(
    "/api/v1/wells/import/jobs",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def list_jobs(request: Request, respond: ResponseBuilder) -> Response:
    page = HistoryPage.parse(_query(request))
    jobs, rest = services.job_manager.history(
        limit=page.limit,
        status=page.status,
        source=page.source,
        before=page.before,
    )
    too_late = services.job_manager.lateness(jobs)
    next_cursor = cursor_of(rest) if rest else None

    def summaries(now: float) -> list[dict[str, Any]]:
        return [job.summary(now, too_late=too_late.get(job.job_id)) for job in jobs]

    summaries_without_clock = summaries(0.0)
    return respond.success_or_not_modified(
        {"jobs": summaries(time.time()), "next_cursor": next_cursor},
        "The jobs, newest first.",
        seen=[next_cursor, *summaries_without_clock],
    )


@app.route(
    "/api/v1/wells/import/jobs/{job_id}/cancel",
    methods=["POST"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.OPERATOR)
def cancel_job(request: Request, respond: ResponseBuilder, job_id: str) -> Response:
    single_values(_query(request))
    refuse_body(request.raw_body)
    job = services.job_manager.cancel(parse_job_id(job_id))
    outcome = "has been asked to stop; it ends at its next report"
    if job.status.final:
        outcome = "was stopped"
    headers = {"Location": f"../../status/{job.job_id}", **_poll(job)}
    return respond.success(
        job.view(time.time()),
        f"The import {outcome}.",
        status=202,
        headers=headers,
    )


@app.route(
    "/api/v1/wells/import/jobs/{job_id}/retry",
    methods=["POST"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.OPERATOR)
def retry_job(request: Request, respond: ResponseBuilder, job_id: str) -> Response:
    single_values(_query(request))
    refuse_body(request.raw_body)
    old = services.job_manager.get(parse_job_id(job_id))
    job = retry_import(
        old.job_id,
        job_manager=services.job_manager,
        dispatcher=services.dispatcher,
        warehouse=services.warehouse,
        triggered_by=principal_of(request).name,
        **services.source_of_retry(old),
        key=parse_idempotency_key(request.headers.get("idempotency-key")),
    )
    return _show_start(respond, job, status=202, location=f"../../status/{job.job_id}")


@app.route(
    "/api/v1/wells/import/jobs/{job_id}/accept",
    methods=["POST"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.OPERATOR)
def accept_job(request: Request, respond: ResponseBuilder, job_id: str) -> Response:
    single_values(_query(request))
    findings = parse_findings(request.raw_body)
    held = services.job_manager.get(parse_job_id(job_id))
    job = accept_import(
        held.job_id,
        job_manager=services.job_manager,
        dispatcher=services.dispatcher,
        findings=findings,
        by=principal_of(request).name,
        **services.source_of_retry(held),
    )
    headers = {"Location": f"../../status/{job.job_id}", **_poll(job)}
    return respond.success(
        job.view(time.time()),
        accepted_sentence(job),
        status=202,
        headers=headers,
    )


@app.route(
    "/api/v1/wells/import/jobs/{job_id}/discard",
    methods=["POST"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.OPERATOR)
def discard_job(request: Request, respond: ResponseBuilder, job_id: str) -> Response:
    single_values(_query(request))
    refuse_body(request.raw_body)
    job = services.job_manager.discard(parse_job_id(job_id), by=principal_of(request).name)
    text = "The import is discarded. The published data is as it was."
    return respond.success(job.view(time.time()), text)


@app.route(
    "/api/v1/wells/import/jobs/{job_id}/rejects",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def list_rejects(request: Request, respond: ResponseBuilder, job_id: str) -> Response:
    return _list(request, respond, "rejects", job_id=job_id)


@app.route(
    "/api/v1/wells/import/jobs/{job_id}/changes",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def list_changes(request: Request, respond: ResponseBuilder, job_id: str) -> Response:
    return _list(request, respond, "changes", job_id=job_id)


@app.route(
    "/api/v1/wells/import/jobs/{job_id}/logs",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def list_log(request: Request, respond: ResponseBuilder, job_id: str) -> Response:
    single_values(_query(request))
    job = services.job_manager.get(parse_job_id(job_id))
    lines = [line.view() for line in services.job_log.read(job.job_id)]
    text = "Nothing is logged of the job, or no longer."
    if lines:
        text = "What was logged of the job last."
    data = {"job_id": job.job_id, "lines": lines}
    return respond.success_or_not_modified(data, text, seen=lines, headers=_poll(job))


@app.route(
    "/api/v1/wells/production",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def list_production(request: Request, respond: ResponseBuilder) -> Response:
    return _list(request, respond, "production")


@app.route(
    "/api/v1/wells/production/revisions",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def list_revisions(request: Request, respond: ResponseBuilder) -> Response:
    return _list(request, respond, "revisions")


@app.route(
    "/api/v1/wells/production/totals",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def list_totals(request: Request, respond: ResponseBuilder) -> Response:
    return _list(request, respond, "totals")


@app.route(
    "/api/v1/wells/production/summary",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app)
def get_summary(request: Request, respond: ResponseBuilder) -> Response:
    return _ask(request, respond, parse_query("summary", _query(request)))


@app.route("/api/v1/wells", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app)
def list_wells(request: Request, respond: ResponseBuilder) -> Response:
    return _list(request, respond, "wells")


@app.route(
    "/api/v1/wells/fields", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app)
def list_fields(request: Request, respond: ResponseBuilder) -> Response:
    return _list(request, respond, "fields")


@app.route(
    "/api/v1/wells/register", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app)
def list_register(request: Request, respond: ResponseBuilder) -> Response:
    return _ask(request, respond, parse_query("register", _query(request)))


@app.route(
    "/api/v1/wells/export", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app)
def get_export(request: Request, respond: ResponseBuilder) -> Response:
    export = services.query_client.ask(parse_query("export", _query(request)))
    return respond.success(export, "The current database can be read from the address in url.")


@app.route(
    "/api/v1/wells/sql", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app)
def offer_sql(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    offer = sql_offer(services.job_manager.current_snapshot())
    text = "Statements that ship with Wellhead, to run and to change."
    return respond.success_or_not_modified(offer, text, seen=offer)


@app.route("/api/v1/wells/sql", methods=["POST"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app)
def answer_sql(request: Request, respond: ResponseBuilder) -> Response:
    query = _query(request)
    form = parse_page_format(query, request.headers.get("accept", ""))
    single_values(query)
    data = services.query_client.ask(parse_sql(request.raw_body))
    headers = {"X-Wellhead-Snapshot": data["snapshot"]["name"]}
    if form.kind != "csv":
        return respond.success(data, sql_sentence(data), headers=headers)
    if data["cut"]:
        headers["X-Wellhead-Cut"] = data["cut"]
    headers |= csv_headers("answer")
    return respond.text(answer_csv(data, form.dialect), headers)


@app.route("/odata/v4", methods=["GET", "HEAD"], content_types=["*/*"])
@feed(app, tokens=lambda: services.tokens)
def get_feed(request: Request, respond: FeedResponses) -> Response:
    return respond.service_document(refuse_options(_query(request), request.headers))


@app.route("/odata/v4/{entity_set}", methods=["GET", "HEAD"], content_types=["*/*"])
@feed(app, tokens=lambda: services.tokens)
def get_entity_set(request: Request, respond: FeedResponses, entity_set: str) -> Response:
    """Also `$metadata`: the gateway takes no $ in the address of a route."""
    if unquote(entity_set) == METADATA:
        return respond.metadata()
    return _feed_page(request, respond, entity_set)


@app.route("/odata/v4/{entity_set}/{part}", methods=["GET", "HEAD"], content_types=["*/*"])
@feed(app, tokens=lambda: services.tokens)
def get_part_of_entity_set(
    request: Request, respond: FeedResponses, entity_set: str, part: str
) -> Response:
    return _feed_page(request, respond, entity_set, unquote(part))


@app.route("/api/v1/sources", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app)
def list_sources(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    current = services.job_manager.current_snapshot()
    published = (current.sources if current else None) or {}
    schedules = services.schedules.all()
    now = time.time()
    summaries = []
    for source in services.sources.all():
        schedule = source.follow(schedules.get(source.name))
        summaries.append(source.summary(published.get(source.name), schedule, now=now))
    return respond.success_or_not_modified(
        {"sources": summaries}, "The sources, by name.", seen=summaries
    )


@app.route(
    "/api/v1/sources/presets", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app)
def list_presets(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    presets = all_presets()
    text = "The mappings that ship with Wellhead."
    return respond.success_or_not_modified({"presets": presets}, text, seen=presets)


@app.route(
    "/api/v1/sources/units", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app)
def list_units(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    units = all_units()
    return respond.success_or_not_modified(
        units, "The units that a definition may name.", seen=units
    )


@app.route("/api/v1/sources/check", methods=["POST"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app, role=Role.ADMIN)
def check_source(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    values = parse_definition(request.raw_body, request.headers.get("content-type", ""))
    services.sources.refuse_faults(values)
    check = services.checks.create(values, by=principal_of(request).name)
    services.dispatcher.dispatch_check(check.check_id)
    return respond.success(
        check.view(),
        "The definition has no fault. What its source holds is looked at now; see the address in Location.",
        status=202,
        headers={"Location": f"check/{check.check_id}"},
    )


@app.route(
    "/api/v1/sources/check/{check_id}",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.ADMIN)
def get_check(request: Request, respond: ResponseBuilder, check_id: str) -> Response:
    single_values(_query(request))
    check = services.checks.read(check_id)
    return respond.success(check.view(), f"The check is {check.status}.")


@app.route(
    "/api/v1/sources/{name}", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app)
def get_source(request: Request, respond: ResponseBuilder, name: str) -> Response:
    texts = single_values(_query(request), allowed=["version"])
    name = parse_source_name(name)
    is_whole = principal_of(request).role.covers(Role.ADMIN)
    if not texts:
        source = services.sources.get(name)
        return _show_source(respond, source, is_whole=is_whole)
    version = read_value("version", VERSION, texts["version"])
    source = services.sources.version(name, version)
    return _show_source(respond, source, is_whole=is_whole, is_newest=False)


@app.route("/api/v1/sources/{name}", methods=["PUT"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app, role=Role.ADMIN)
def put_source(request: Request, respond: ResponseBuilder, name: str) -> Response:
    single_values(_query(request))
    values = parse_definition(request.raw_body, request.headers.get("content-type", ""))
    source = services.sources.put(
        name,  # of another form it is a fault like any other
        values,
        by=principal_of(request).name,
        if_match=parse_if_match(request.headers),
    )
    return _show_source(respond, source, is_whole=True)


@app.route(
    "/api/v1/sources/{name}", methods=["DELETE"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.ADMIN)
def delete_source(request: Request, respond: ResponseBuilder, name: str) -> Response:
    single_values(_query(request))
    source = services.sources.delete(
        parse_source_name(name),
        by=principal_of(request).name,
        if_match=parse_if_match(request.headers),
    )
    data = {"name": source.name, "version": source.version}
    return respond.success(data, deleted_sentence(source))


@app.route(
    "/api/v1/sources/{name}/pause", methods=["POST"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.OPERATOR)
def pause_source(request: Request, respond: ResponseBuilder, name: str) -> Response:
    single_values(_query(request))
    refuse_body(request.raw_body)
    name = parse_source_name(name)
    by = principal_of(request).name

    def pause(plan: Plan) -> Schedule:
        return services.schedules.pause(plan, by=by)

    schedule = services.change_schedule(name, pause)
    data = {"name": name, **schedule_view(schedule)}
    return respond.success(data, f"The schedule of {name} is paused.")


@app.route(
    "/api/v1/sources/{name}/resume", methods=["POST"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.OPERATOR)
def resume_source(request: Request, respond: ResponseBuilder, name: str) -> Response:
    single_values(_query(request))
    refuse_body(request.raw_body)
    name = parse_source_name(name)
    schedule = services.change_schedule(name, services.schedules.resume)
    data = {"name": name, **schedule_view(schedule)}
    return respond.success(data, f"The schedule of {name} goes on.")


@app.route(
    "/api/v1/sources/{name}/files", methods=["POST"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.ADMIN)
def send_file(request: Request, respond: ResponseBuilder, name: str) -> Response:
    single_values(_query(request))
    name = parse_source_name(name)
    file = parse_file_name(request.raw_body)
    upload = new_upload(
        name,
        file,
        warehouse=services.warehouse,
        address=services.settings.warehouse,
        now=time.time(),
    )
    text = "Send the file to url, as a form of these fields with the file as the last one."
    return respond.success(upload, text)


@app.route(
    "/api/v1/ops/status", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.ADMIN)
def get_ops_status(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    status = services.ops_status()
    return respond.success(status, status_sentence(status))


@app.route(
    "/api/v1/ops/snapshots", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.ADMIN)
def list_snapshots(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    snapshots = kept_snapshots(job_manager=services.job_manager, warehouse=services.warehouse)
    data = {"snapshots": [snapshot.view() for snapshot in snapshots]}
    return respond.success(data, "The snapshots that are kept, newest first.")


@app.route(
    "/api/v1/ops/tokens", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer
)
@enveloped(app, role=Role.ADMIN)
def list_all_tokens(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    tokens = services.token_list.all(services.token_uses.all())
    return respond.success(
        {"tokens": tokens}, "The tokens of the API, by name, without what is secret."
    )


@app.route(
    "/api/v1/ops/tokens/{token_name}/rotate",
    methods=["POST"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.ADMIN)
def rotate_token(request: Request, respond: ResponseBuilder, token_name: str) -> Response:
    single_values(_query(request))
    name = parse_token_name(token_name)
    wishes = parse_renewal(request.raw_body)
    with services.token_uses.renewing(name):
        renewal = services.token_list.renew(name, **wishes)
    return respond.success(renewal, "The name has a new token. It is shown this once: keep it.")


@app.route("/api/v1/ops/rollback", methods=["POST"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app, role=Role.ADMIN)
def roll_back(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    job = start_rollback(
        parse_snapshot(request.raw_body),
        job_manager=services.job_manager,
        dispatcher=services.dispatcher,
        warehouse=services.warehouse,
        triggered_by=principal_of(request).name,
        key=parse_idempotency_key(request.headers.get("idempotency-key")),
    )
    add_to_log_context(job_id=job.job_id)
    return respond.success(
        job.view(time.time()),
        "The rollback is accepted. Follow it at the address in Location.",
        status=202,
        headers={"Location": f"../wells/import/status/{job.job_id}", **_poll(job)},
    )


@app.route("/api/v1/ops/verify", methods=["POST"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app, role=Role.ADMIN)
def verify(request: Request, respond: ResponseBuilder) -> Response:
    return _begin_report(request, respond, CheckKind.VERIFY, parse_verification(request.raw_body))


@app.route(
    "/api/v1/ops/verify/{check_id}",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.ADMIN)
def get_verification(request: Request, respond: ResponseBuilder, check_id: str) -> Response:
    return _show_report(request, respond, CheckKind.VERIFY, check_id)


@app.route("/api/v1/ops/drill", methods=["POST"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app, role=Role.ADMIN)
def drill(request: Request, respond: ResponseBuilder) -> Response:
    refuse_body(request.raw_body)
    return _begin_report(request, respond, CheckKind.DRILL, {})


@app.route(
    "/api/v1/ops/drill/{check_id}",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.ADMIN)
def get_drill(request: Request, respond: ResponseBuilder, check_id: str) -> Response:
    return _show_report(request, respond, CheckKind.DRILL, check_id)


@app.route("/api/v1/ops/restore", methods=["POST"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app, role=Role.ADMIN)
def restore(request: Request, respond: ResponseBuilder) -> Response:
    values = {"snapshot": parse_snapshot(request.raw_body)}
    return _begin_report(request, respond, CheckKind.RESTORE, values)


@app.route(
    "/api/v1/ops/restore/{check_id}",
    methods=["GET", "HEAD"],
    content_types=["*/*"],
    authorizer=authorizer,
)
@enveloped(app, role=Role.ADMIN)
def get_restore(request: Request, respond: ResponseBuilder, check_id: str) -> Response:
    return _show_report(request, respond, CheckKind.RESTORE, check_id)


@app.route("/api/v1/notices", methods=["GET", "HEAD"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app)
def list_notices(request: Request, respond: ResponseBuilder) -> Response:
    limit = parse_notices(_query(request))
    views = [notice.view() for notice in services.outbox.latest(limit)]
    return respond.success_or_not_modified(
        {"notices": views}, "The last notices, newest first.", seen=views
    )


@app.route("/api/v1/notices/test", methods=["POST"], content_types=["*/*"], authorizer=authorizer)
@enveloped(app, role=Role.ADMIN)
def try_notices(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    refuse_body(request.raw_body)
    key = put_test_notice(services.outbox, by=principal_of(request).name)
    return respond.success(
        {"key": key},
        "A notice of the kind notice.test is on its way. What becomes of it, the list of notices tells.",
        status=202,
        headers={"Location": "../notices"},
    )


@app.route("/api/v1/health", methods=["GET", "HEAD"], content_types=["*/*"])
@enveloped(app, role=None)
def get_health(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    return respond.success(services.health(), "What the API needs answers.")


@app.route("/api/v1/openapi.json", methods=["GET", "HEAD"], content_types=["*/*"])
@enveloped(app, role=None)
def get_openapi(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    document = api_document()
    if is_known(request.headers.get("if-none-match", ""), document.headers["ETag"]):
        return respond.not_modified(document.headers)
    return respond.text(document.text, document.headers)


@app.route("/", methods=["GET", "HEAD"], content_types=["*/*"])
@enveloped(app, role=None)
def get_start(request: Request, respond: ResponseBuilder) -> Response:
    single_values(_query(request))
    # "/try" leads to "try/console"; "/" and "/try/" end in a slash, and lead to "console".
    path = request.context.get("path", "/")
    stage = path.rpartition("/")[2]
    return respond.redirect(f"{stage}/console".removeprefix("/"))


@app.route("/console", methods=["GET", "HEAD"], content_types=["*/*"])
@enveloped(app, role=None)
def get_console(request: Request, respond: ResponseBuilder) -> Response:
    # The page names its files relative to an address without it.
    if request.context.get("path", "").endswith("/"):
        return respond.redirect("../console")
    return _file(request, respond, PAGE)


@app.route("/console/{file}", methods=["GET", "HEAD"], content_types=["*/*"])
@enveloped(app, role=None)
def get_console_file(request: Request, respond: ResponseBuilder, file: str) -> Response:
    if file == PAGE:
        return respond.redirect("../console")
    return _file(request, respond, file)


@enveloped(app, role=None)
def show_methods(request: Request, respond: ResponseBuilder, **_: str) -> Response:
    return respond.options(app.routes[request.context["resourcePath"]])


# None has `cors=`: which origins may ask is a setting, read with each request.
for _path in list(app.routes):
    app.route(_path, methods=["OPTIONS"], content_types=["*/*"])(show_methods)


@app.lambda_function(name="query")
def answer_question(event: Any, context: Any) -> dict[str, Any]:
    _start_log(context)
    if isinstance(event, dict) and "fetch" in event:
        remaining = _invocation(context)["remaining"]
        return services.fetch_ahead(str(event["fetch"]), remaining=remaining)
    return services.answer(event)


@app.lambda_function(name="import")
def import_wells(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Works on a job, or looks at a source or at what is published."""
    _start_log(context)
    if "check_id" in event:
        return services.check(str(event["check_id"]))
    job_id = parse_job_id(str(event.get("job_id")))
    return services.work_on(job_id, **_invocation(context))


@app.lambda_function(name="plan")
def plan_import(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A state of the machine, as the three below;
    infra/template/machine.yaml has what each is sent.
    """
    _start_log(context)
    job_id = parse_job_id(event["job_id"])
    return services.plan(job_id, execution=event["execution"], **_invocation(context))


@app.lambda_function(name="part")
def fetch_part(event: dict[str, Any], context: Any) -> dict[str, Any]:
    _start_log(context)
    return services.fetch_part(
        parse_job_id(event["job_id"]),
        event["part"],
        holder=event["holder"],
        fence=event["fence"],
        at_once=event["at_once"],
        **_invocation(context),
    )


@app.lambda_function(name="merge")
def merge_import(event: dict[str, Any], context: Any) -> dict[str, Any]:
    _start_log(context)
    job_id = parse_job_id(event["job_id"])
    return services.work_on(job_id, execution=event["execution"], **_invocation(context))


@app.lambda_function(name="fail")
def fail_import(event: dict[str, Any], context: Any) -> str:
    _start_log(context)
    return services.fail_import(
        parse_job_id(event["job_id"]),
        execution=event["execution"],
        error=str(event["error"]["Error"]),
    )


@app.lambda_function(name="failed-event")
def take_up_job(record: dict[str, Any], context: Any) -> str:
    """The OnFailure destination of the import function; what it is sent:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    _start_log(context)
    event = record["requestPayload"]
    if "check_id" in event:
        return services.give_up_check(str(event["check_id"]))
    return services.take_up(parse_job_id(str(event.get("job_id"))))


@app.schedule(Rate(1, unit=Rate.MINUTES), name="sweeper")
def sweep_jobs(event: CloudWatchEvent) -> str:
    _start_log(event.context)
    return services.sweep()


@app.schedule(Rate(1, unit=Rate.MINUTES), name="notices")
def send_notices(event: CloudWatchEvent) -> dict[str, int]:
    context: Any = event.context
    _start_log(context)
    return services.send_notices(remaining=lambda: context.get_remaining_time_in_millis() / 1000)


def _start(
    request: Request, respond: ResponseBuilder, *, status: int, body: str | bytes = ""
) -> Response:
    parameters = parse_parameters(_query(request), body)
    key = parse_idempotency_key(request.headers.get("idempotency-key"))
    source = services.sources.of_trigger(parameters.pop("source", None))
    job = start_import(
        job_manager=services.job_manager,
        dispatcher=services.dispatcher,
        triggered_by=principal_of(request).name,
        parameters=parameters,
        source_name=source.name,
        source_version=source.version,
        source_id=source.settings(services.settings).source_id,
        key=key,
    )
    return _show_start(respond, job, status=status, location=f"status/{job.job_id}")


def _begin_report(
    request: Request,
    respond: ResponseBuilder,
    kind: CheckKind,
    values: dict[str, Any],
) -> Response:
    single_values(_query(request))
    check = services.checks.create(values, by=principal_of(request).name, kind=kind)
    services.dispatcher.dispatch_check(check.check_id)
    return respond.success(
        check.view(),
        "It is begun. See the address in Location for what comes of it.",
        status=202,
        headers={"Location": f"{kind}/{check.check_id}"},
    )


def _show_report(
    request: Request, respond: ResponseBuilder, kind: CheckKind, check_id: str
) -> Response:
    single_values(_query(request))
    check = services.checks.read(check_id, kind)
    return respond.success(check.view(), f"The report is {check.status}.")


def _invocation(context: Any) -> dict[str, Any]:
    return {
        "request_id": context.aws_request_id,
        "remaining": lambda: context.get_remaining_time_in_millis() / 1000,
    }


def _start_log(context: Any) -> None:
    start_log_context(request_id=getattr(context, "aws_request_id", None))


def _show_start(respond: ResponseBuilder, job: Job, *, status: int, location: str) -> Response:
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
    return respond.success(
        data,
        f"The import {outcome}. Follow it at the address in Location.",
        status=status,
        headers={"Location": location, **_poll(job)},
    )


def _show_source(
    respond: ResponseBuilder, source: Source, *, is_whole: bool, is_newest: bool = True
) -> Response:
    """Of an old version, without what becomes of its schedule."""
    view = source.view(is_whole=is_whole)
    if is_newest:
        current = services.job_manager.current_snapshot()
        published = (current.sources if current else None) or {}
        schedule = services.schedule_of(source)
        view |= source.running(published.get(source.name), schedule, now=time.time())
    return respond.success(view, source_sentence(source), headers={"ETag": source.tag})


def _list(request: Request, respond: ResponseBuilder, name: str, **path: str) -> Response:
    query = _query(request)
    form = parse_format(query, request.headers.get("accept", ""))
    question = parse_query(name, query, **path)
    if form.is_whole:
        question = replace(question, file=form)
    return _ask(request, respond, question, form)


def _ask(
    request: Request, respond: ResponseBuilder, query: Query, form: Format | None = None
) -> Response:
    form = form or Format()
    answer = ask_published(
        query,
        job_manager=services.job_manager,
        query_client=services.query_client,
        form=asdict(form),
        known=request.headers.get("if-none-match", ""),
    )
    headers = {"ETag": answer.etag, "X-Wellhead-Snapshot": answer.snapshot}
    if answer.data is None:
        return respond.not_modified(headers)
    if query.file:
        return _show_list_file(respond, query, answer.data, headers)
    if form.kind == "csv":
        text = rows_csv(query.name, answer.data["rows"], form.dialect)
        headers |= csv_headers(query.name, answer.data["next_cursor"])
        return respond.text(text, headers)
    return respond.success(answer.data, sentence(answer.data), headers=headers)


def _feed_page(
    request: Request, respond: FeedResponses, entity_set: str, part: str = ""
) -> Response:
    question = parse_feed_request(
        entity_set, part, _query(request), request.headers, most=MOST_ROWS
    )
    answer = ask_published(
        parse_query("feed", question.query),
        job_manager=services.job_manager,
        query_client=services.query_client,
        form=question.level,
        known=request.headers.get("if-none-match", ""),
    )
    headers = {"ETag": answer.etag, "X-Wellhead-Snapshot": answer.snapshot}
    if answer.data is None:
        return respond.not_modified(headers)
    return respond.rows(question, answer.data, headers)


def _show_list_file(
    respond: ResponseBuilder,
    query: Query,
    data: dict[str, Any],
    headers: dict[str, str],
) -> Response:
    """An address ends, so the mark of an answer with one is that of no other."""
    content = file_content(data)
    if query.file and content is not None:
        return respond.text(content, {**headers, **query.file.headers(query.name)})
    headers = {**headers, "ETag": etag_of(data)}
    return respond.success(data, "The file can be read from the address in url.", headers=headers)


def _file(request: Request, respond: ResponseBuilder, name: str) -> Response:
    file = console_file(name)
    headers = {**file.headers, **page_policy(os.environ), **https_alone(request.headers)}
    if is_known(request.headers.get("if-none-match", ""), headers["ETag"]):
        return respond.not_modified(headers)
    return respond.text(file.text, headers)


def _query(request: Request) -> dict[str, list[str]]:
    parameters = request.query_params
    if not parameters:
        return {}
    return {name: parameters.getlist(name) for name in parameters}


def _poll(job: Job) -> dict[str, str]:
    """When another look is worth while:
    after a tenth of the job's age, 6 s for one a minute old.
    """
    if job.status.final:
        return {}
    age = int(time.time() - job.created_at)
    least, most = POLL_SECONDS
    seconds = min(most, max(least, age // POLL_SHARE))
    return {"Retry-After": str(seconds)}


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
