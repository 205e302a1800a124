"""Wellhead's app: its routes are registered here, and its functions begin here."""

from __future__ import annotations

import functools
import gc
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

gc.disable()  # until all is loaded: it stays, and to look through it takes a tenth of a cold start

from chalice.app import AuthRequest, AuthResponse, Chalice, CloudWatchEvent, Rate, Request, Response

from chalicelib.api.feed import FeedResponses, feed
from chalicelib.api.formats import BINARY
from chalicelib.api.responses import ResponseBuilder, with_envelope
from chalicelib.api.tokens import KEPT_SECONDS
from chalicelib.errors import MethodNotAllowed
from chalicelib.jobs.job_id import parse_job_id
from chalicelib.logs import start_log_context
from chalicelib.routes.route import Call, Served
from chalicelib.routes.table import ROUTES
from chalicelib.services import Services, warm

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_TYPE = ["*/*"]

app = Chalice(app_name="wellhead", configure_logs=False)
app.api.binary_types.extend(BINARY)
services = warm(Services())


@app.authorizer(name="authorizer", ttl_seconds=int(KEPT_SECONDS))
def authorizer(request: AuthRequest) -> AuthResponse:
    """Tells who calls. What he may do is decided where the route is, by its role: API Gateway keeps
    this answer for all routes, and its own refusal could not say which role is needed.
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


@with_envelope(app, role=None)
def _refusal_of_method(_: Request, respond: ResponseBuilder) -> Response:
    return respond.failure(MethodNotAllowed())


def serve(served: Served) -> None:
    """The feed has no authorizer of the gateway: its routes take a password too."""
    route, view = served
    wrap = with_envelope(app, role=route.role)
    if route.of_feed:
        wrap = feed(app, tokens=lambda: services.tokens)

    @functools.wraps(view)
    def answer(request: Request, respond: ResponseBuilder | FeedResponses, **path: str) -> Response:
        call: Call[Any] = Call(request=request, respond=respond, services=services)
        route.check(call)
        return view(call, **path)

    asks_gateway = route.role is not None and not route.of_feed
    app.route(
        route.path,
        methods=route.methods,
        content_types=ANY_TYPE,
        authorizer=authorizer if asks_gateway else None,
    )(wrap(answer))


@with_envelope(app, role=None)
def show_methods(request: Request, respond: ResponseBuilder, **_: str) -> Response:
    return respond.options(app.routes[request.context["resourcePath"]])


for _served in ROUTES:
    serve(_served)
# None has `cors=`: which origins may ask is a setting, read with each request.
for _path in list(app.routes):
    app.route(_path, methods=["OPTIONS"], content_types=ANY_TYPE)(show_methods)


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


def _invocation(context: Any) -> dict[str, Any]:
    return {
        "request_id": context.aws_request_id,
        "remaining": lambda: context.get_remaining_time_in_millis() / 1000,
    }


def _start_log(context: Any) -> None:
    start_log_context(request_id=getattr(context, "aws_request_id", None))


gc.freeze()  # what is loaded by now is looked through no more
gc.enable()
