"""ResponseBuilder: the one envelope of every answer, and the one place where errors become HTTP.

{"success": true, "data": …, "message": …, "request_id": …, "timestamp": …} {"success": false,
"error": {"code", "message", "rule"?, "details"?, "retryable"}, "request_id": …, "timestamp": …}

A client that accepts application/problem+json gets an error in that form (RFC 9457), with the same
facts.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import time
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from chalice.app import Response

from chalicelib.errors import RoleRequired, TokenExpired, Unauthorized, WellheadError
from chalicelib.logs import add_to_log_context, start_log_context

from .cors import cors_headers
from .etag import etag_of, is_known
from .tokens import Principal, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chalice.app import Chalice

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
JOB_ID = re.compile(r"[0-9a-f-]{36}")
RETRY_SECONDS = 5  # until an answer that asks for another try may differ
PROBLEM = "application/problem+json"

log = logging.getLogger(__name__)


class ResponseBuilder:
    """Builds the answers to one request."""

    def __init__(
        self,
        *,
        request_id: str,
        now: float,
        accept: str = "",
        if_none_match: str = "",
        cors: Mapping[str, str] | None = None,
    ) -> None:
        self._request_id = request_id
        self._cors = cors or {}
        self._now = now
        self._accept = accept
        self._if_none_match = if_none_match
        self._role: dict[str, str] = {}

    def recognise(self, principal: Principal) -> None:
        """Every answer tells the caller his own role,
        so that a client can leave out what he may not do.
        """
        self._role = {"X-Wellhead-Role": principal.role}

    def success(
        self,
        data: Any,
        message: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        envelope = {"success": True, "data": data, "message": message}
        return self._response(envelope, status, headers or {})

    def success_or_not_modified(
        self,
        data: Any,
        message: str,
        *,
        seen: Any,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """304 without a body when the client has it already. `seen` is what the answer says, less
        what the clock alone changes.

        The tag is weak, because request id and timestamp are another's each time.
        """
        tagged = {"ETag": etag_of(seen), **(headers or {})}
        if is_known(self._if_none_match, tagged["ETag"]):
            return self.not_modified(tagged)
        return self.success(data, message, headers=tagged)

    def not_modified(self, headers: Mapping[str, str]) -> Response:
        return Response(
            body="", status_code=HTTPStatus.NOT_MODIFIED, headers=self._headers(headers)
        )

    def redirect(self, to: str) -> Response:
        """`to` is relative to the address that was asked for."""
        headers = self._headers({"Location": to})
        return Response(body="", status_code=HTTPStatus.PERMANENT_REDIRECT, headers=headers)

    def options(self, methods: Iterable[str]) -> Response:
        """What the address knows, without a body."""
        allow = ", ".join(sorted(methods))
        headers = self._headers({"Allow": allow})
        return Response(body="", status_code=HTTPStatus.NO_CONTENT, headers=headers)

    def text(self, body: str | bytes, headers: Mapping[str, str]) -> Response:
        """What is no envelope; `headers` has its Content-Type.
        Chalice serves text as it is, whatever is accepted.
        """
        all_headers = self._headers(headers)
        return Response(body=body, status_code=HTTPStatus.OK, headers=all_headers)

    def failure(self, error: WellheadError) -> Response:
        facts: dict[str, Any] = {
            "code": error.code,
            "message": error.message,
            "retryable": error.retryable,
        }
        if error.rule:
            facts["rule"] = error.rule
        if error.details:
            facts["details"] = error.details
        status = error.http_status
        headers = retry_header(error)
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        if wants_problem(self._accept):
            headers = {"Content-Type": PROBLEM, **headers}
            return self._response(problem_details(facts, status), status, headers)
        return self._response({"success": False, "error": facts}, status, headers)

    def _response(self, body: dict[str, Any], status: int, headers: Mapping[str, str]) -> Response:
        now = datetime.fromtimestamp(self._now, UTC)
        envelope = {
            **body,
            "request_id": self._request_id,
            "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return Response(body=envelope, status_code=status, headers=self._headers(headers))

    def _headers(self, own: Mapping[str, str]) -> dict[str, Any]:
        return {
            "Content-Type": "application/json",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Request-ID": self._request_id,
            **self._role,
            **self._cors,
            **own,
        }


def retry_header(error: WellheadError) -> dict[str, str]:
    """Some errors know themselves when another try is worth it."""
    if not error.retryable:
        return {}
    seconds = error.details.get("retry_after_seconds", RETRY_SECONDS)
    return {"Retry-After": str(seconds)}


def wants_problem(accept: str) -> bool:
    words = re.split(r"[\s,;]+", accept.lower())
    return PROBLEM in words


def problem_details(facts: Mapping[str, Any], status: int) -> dict[str, Any]:
    """RFC 9457, section 3.
    The type is blank, so the title is the status's own phrase; our facts are extensions.
    """
    extensions = dict(facts)
    message = extensions.pop("message")
    return {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        **extensions,
    }


def with_envelope(
    app: Chalice, *, role: Role | None = Role.READER
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """A view takes the request and a ResponseBuilder first; what it raises becomes the envelope of
    an error.

    `role` is what the caller must have; None for everybody, with or without a token. A route
    without the authorizer refuses everybody, unless it is None: nothing is open by mistake.

    Chalice turns a view's errors into answers of its own before any middleware sees them, so this
    stands on the view itself.
    """

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def answer(*args: Any, **kwargs: Any) -> Response:
            request: Any = app.current_request
            request_id = request_id_of(request)
            started = time.monotonic()
            start_log_context(**request_facts(request, request_id))
            builder = ResponseBuilder(
                request_id=request_id,
                now=time.time(),
                accept=request.headers.get("accept", ""),
                if_none_match=request.headers.get("if-none-match", ""),
                cors=cors_headers(request.headers, os.environ),
            )
            try:
                if role:
                    principal = principal_of(request)
                    builder.recognise(principal)
                    _require(role, principal)
                response = view(request, builder, *args, **kwargs)
            except WellheadError as error:
                add_to_log_context(code=error.code)
                response = builder.failure(error)
            except Exception:
                add_to_log_context(code=WellheadError.code)
                log.exception("unexpected error")
                response = builder.failure(WellheadError())
            log_answer(response, time.monotonic() - started)
            return response

        return answer

    return decorate


def principal_of(request: Any) -> Principal:
    """Whom the authorizer has recognised; the gateway keeps what that said,
    so a token's end is looked at here. Raises Unauthorized, TokenExpired.
    """
    facts = (request.context or {}).get("authorizer") or {}
    try:
        expires_at = float(facts["expires_at"]) if "expires_at" in facts else None
        principal = Principal(
            name=facts["principalId"],
            role=Role(facts["role"]),
            expires_at=expires_at,
        )
    except (KeyError, ValueError):
        raise Unauthorized from None
    if expires_at is not None and expires_at <= time.time():
        raise TokenExpired
    return principal


def _require(needed: Role, principal: Principal) -> None:
    if not principal.role.covers(needed):
        raise RoleRequired(
            f"This needs the role {needed}; the token has the role {principal.role}.",
            needed=needed,
        )


def request_facts(request: Any, request_id: str) -> dict[str, Any]:
    """For the log: no query, no header and no body, which may hold anything."""
    context = request.context or {}
    job_id = (request.uri_params or {}).get("job_id", "")
    return {
        "request_id": request_id,
        "invocation": getattr(request.lambda_context, "aws_request_id", None),
        "method": request.method,
        "route": context.get("resourcePath"),
        "caller": (context.get("authorizer") or {}).get("principalId"),
        "job_id": job_id if JOB_ID.fullmatch(job_id) else None,
    }


def log_answer(response: Response, seconds: float) -> None:
    status = response.status_code
    # 501 is the feed's: somebody asked beyond what it knows.
    is_fault = status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
    level = logging.ERROR if is_fault else logging.INFO
    log.log(level, "answered", extra={"status": int(status), "seconds": round(seconds, 4)})


def request_id_of(request: Any) -> str:
    """The caller's id when it is well-formed, else Lambda's.
    Never `app.lambda_context`: under the local server's threads that may be another request's.
    """
    wished = str(request.headers.get("x-request-id", ""))
    if REQUEST_ID.fullmatch(wished):
        return wished
    return str(getattr(request.lambda_context, "aws_request_id", None) or uuid.uuid4())
