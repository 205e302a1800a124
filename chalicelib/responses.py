"""ResponseBuilder: the one envelope of every answer, and the one place where errors become HTTP.

{"success": true, "data": …, "message": …, "request_id": …, "timestamp": …}
{"success": false, "error": {"code", "message", "rule"?, "details"?, "retryable"}, "request_id": …, "timestamp": …}
"""

from __future__ import annotations

import functools
import logging
import re
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from chalice.app import Response

from .errors import WellheadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalice.app import Chalice

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
RETRY_SECONDS = 5  # until an answer that asks for another try may differ

log = logging.getLogger(__name__)


class ResponseBuilder:
    """Builds the answers to one request."""

    def __init__(self, *, request_id: str, now: float) -> None:
        self._request_id = request_id
        self._now = now

    def success(
        self, data: Any, message: str, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        return self._response({"success": True, "data": data, "message": message}, status, headers or {})

    def failure(self, error: WellheadError) -> Response:
        shown: dict[str, Any] = {"code": error.code, "message": error.message, "retryable": error.retryable}
        if error.rule:
            shown["rule"] = error.rule
        if error.details:
            shown["details"] = error.details
        headers = {"Retry-After": str(RETRY_SECONDS)} if error.retryable else {}
        return self._response({"success": False, "error": shown}, error.http_status, headers)

    def _response(self, body: dict[str, Any], status: int, headers: Mapping[str, str]) -> Response:
        timestamp = datetime.fromtimestamp(self._now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Response(
            body={**body, "request_id": self._request_id, "timestamp": timestamp},
            status_code=status,
            headers={
                "Content-Type": "application/json",
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "X-Request-ID": self._request_id,
                **headers,
            },
        )


def enveloped(app: Chalice) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """A view takes the request and a ResponseBuilder first; what it raises becomes the envelope of an error.

    Chalice turns a view's errors into answers of its own before any middleware sees them, so this stands on
    the view itself.
    """

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def answer(*args: Any, **kwargs: Any) -> Response:
            request = app.current_request
            builder = ResponseBuilder(request_id=_request_id(request), now=time.time())
            try:
                return view(request, builder, *args, **kwargs)
            except WellheadError as error:
                return builder.failure(error)
            except Exception:
                log.exception("unexpected error")
                return builder.failure(WellheadError())

        return answer

    return decorate


def _request_id(request: Any) -> str:
    """The caller's id when it is well-formed, else Lambda's. Never `app.lambda_context`: under the local
    server's threads that may be another request's.
    """
    wished = str(request.headers.get("x-request-id", ""))
    if REQUEST_ID.fullmatch(wished):
        return wished
    return str(getattr(request.lambda_context, "aws_request_id", None) or uuid.uuid4())
