"""The feed's own HTTP: OData 4.0 in JSON, at the minimal conformance level, for reading.

https://docs.oasis-open.org/odata/odata/v4.0/odata-v4.0-part1-protocol.html
https://docs.oasis-open.org/odata/odata-json-format/v4.0/odata-json-format-v4.0.html

Who reads it is a spreadsheet, so a token may also come as the password of Basic, here and nowhere
else: these routes have no authorizer of the gateway, which would keep what it says of one header
for all routes.
"""

from __future__ import annotations

import base64
import functools
import json
import logging
import os
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chalice.app import Response

from chalicelib.errors import (
    NotInFeed,
    RoleRequired,
    Unauthorized,
    ValidationError,
    WellheadError,
)
from chalicelib.logs import add_to_log_context, start_log_context

from .cors import cors_headers
from .feed_model import ENTITY_SETS, metadata_document
from .feed_request import METADATA
from .responses import log_answer, principal_of, request_facts, request_id_of, retry_header
from .tokens import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalice.app import Chalice

    from .feed_request import FeedRequest
    from .tokens import Tokens

BASE = "/odata/v4"
CHALLENGE = 'Basic realm="Wellhead", charset="UTF-8"'
log = logging.getLogger(__name__)


class FeedResponses:
    """Builds the answers to one request.
    `root` is the address of the feed, as the caller knows it.
    """

    def __init__(self, *, root: str, request_id: str, cors: Mapping[str, str]) -> None:
        self._root = root
        self._request_id = request_id
        self._cors = cors

    def service_document(self, level: str) -> Response:
        sets = [
            {
                "name": name,
                "kind": "EntitySet",
                "url": name,
            }
            for name in ENTITY_SETS
        ]
        body = {**self._context("", level), "value": sets}
        return self._json(body, level)

    def metadata(self) -> Response:
        return self._response(
            metadata_document(), HTTPStatus.OK, {"Content-Type": "application/xml"}
        )

    def rows(
        self, asked: FeedRequest, data: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Response:
        """A page, an entity or a number, by what was asked.
        Raises NotInFeed for an entity that is not there.
        """
        if asked.is_count:
            text = str(data["count"])
            return self._response(text, HTTPStatus.OK, {"Content-Type": "text/plain", **headers})
        context = f"#{asked.entity_set}"
        if asked.options.get("$select"):
            context += f"({asked.options['$select']})"
        if asked.key is not None:
            if not data["rows"]:
                raise NotInFeed
            entity = data["rows"][0]
            body = {**self._context(f"{context}/$entity", asked.level), **entity}
            return self._json(body, asked.level, headers)
        body = self._context(context, asked.level)
        if asked.options.get("$count") == "true":
            body["@odata.count"] = data["count"]
        body["value"] = data["rows"]
        if data["next_cursor"]:
            body["@odata.nextLink"] = self._next_link(asked, data)
        if asked.limit:
            headers = {"Preference-Applied": f"odata.maxpagesize={asked.limit}", **headers}
        return self._json(body, asked.level, headers)

    def not_modified(self, headers: Mapping[str, str]) -> Response:
        return self._response("", HTTPStatus.NOT_MODIFIED, headers)

    def failure(self, error: WellheadError) -> Response:
        """https://docs.oasis-open.org/odata/odata-json-format/v4.0/os/odata-json-format-v4.0-os.html
        (section 19)
        """
        facts = {"code": error.code, "message": error.message}
        if "field" in error.details:
            facts["target"] = str(error.details["field"])
        headers = retry_header(error)
        if error.http_status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = CHALLENGE
        return self._json({"error": facts}, "minimal", headers, status=error.http_status)

    def _context(self, fragment: str, level: str) -> dict[str, Any]:
        if level == "none":
            return {}
        return {"@odata.context": f"{self._root}/{METADATA}{fragment}"}

    def _next_link(self, asked: FeedRequest, data: Mapping[str, Any]) -> str:
        """The same question from there on; what was skipped is behind, and what is left of $top is
        told.

        With 1,000 rows a page, $skip=10&$top=2500 goes on as $top=1500&$skiptoken=…
        """
        options = dict(asked.options)
        options.pop("$skip", None)
        options.pop("$skiptoken", None)
        if "$top" in options:
            rows_left = int(options["$top"]) - len(data["rows"])
            options["$top"] = str(rows_left)
        if asked.level == "none":
            options["$format"] = "application/json;odata.metadata=none"
        options["$skiptoken"] = data["next_cursor"]
        pairs = [f"{name}={quote(value, safe='')}" for name, value in options.items()]
        return f"{self._root}/{asked.entity_set}?{'&'.join(pairs)}"

    def _json(
        self,
        body: Mapping[str, Any],
        level: str,
        headers: Mapping[str, str] | None = None,
        *,
        status: int = 200,
    ) -> Response:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        content_type = f"application/json;odata.metadata={level}"
        all_headers = {"Content-Type": content_type, **(headers or {})}
        return self._response(text, status, all_headers)

    def _response(self, body: str, status: int, headers: Mapping[str, str]) -> Response:
        own: dict[str, Any] = {
            "OData-Version": "4.0",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Request-ID": self._request_id,
            **self._cors,
            **headers,
        }
        return Response(body=body, status_code=status, headers=own)


def feed(
    app: Chalice, *, tokens: Callable[[], Tokens]
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """As `with_envelope`, with the answers and errors of OData. Every role may read."""

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @functools.wraps(view)
        def answer(*args: Any, **kwargs: Any) -> Response:
            request: Any = app.current_request
            request_id = request_id_of(request)
            started = time.monotonic()
            respond = FeedResponses(
                root=_root_of(request),
                request_id=request_id,
                cors=cors_headers(request.headers, os.environ),
            )
            start_log_context(**request_facts(request, request_id))
            try:
                _recognise(request, tokens())
                start_log_context(**request_facts(request, request_id))
                _check_version(request.headers.get("odata-maxversion", ""))
                response = view(request, respond, *args, **kwargs)
            except WellheadError as error:
                add_to_log_context(code=error.code)
                response = respond.failure(error)
            except Exception:
                add_to_log_context(code=WellheadError.code)
                log.exception("unexpected error")
                response = respond.failure(WellheadError())
            log_answer(response, time.monotonic() - started)
            return response

        return answer

    return decorate


def _recognise(request: Any, tokens: Tokens) -> None:
    """The caller is told to the request as the gateway's authorizer does it elsewhere. Raises
    Unauthorized, TokenExpired, TokensUnavailable; RoleRequired for a password that is more than a
    reader's: a workbook keeps it.
    """
    authorization = request.headers.get("authorization", "")
    password = _password_in(authorization)
    if password is not None:
        authorization = f"Bearer {password}"
    principal = tokens.principal(authorization)
    if principal is None:
        raise Unauthorized(
            "Send a reader's token as the password of Basic, with any user name, or as Bearer."
        )
    facts = {"principalId": principal.name, "role": principal.role}
    if principal.expires_at is not None:
        facts["expires_at"] = str(principal.expires_at)
    request.context["authorizer"] = facts
    principal_of(request)  # refuses a token that is over
    if password is not None and principal.role is not Role.READER:
        raise RoleRequired(
            f"A password of the feed is the token of a reader; this one has the role {principal.role}, and a workbook "
            "keeps what it is given.",
            needed=Role.READER,
        )


def _password_in(authorization: str) -> str | None:
    """None where the header is none of Basic (RFC 7617)."""
    found = re.fullmatch(r"basic +([A-Za-z0-9+/=]{1,1000})", authorization.strip(), re.IGNORECASE)
    if found is None:
        return None
    try:
        user_and_password = base64.b64decode(found[1], validate=True).decode()
    except ValueError:
        return ""
    return user_and_password.partition(":")[2]


def _check_version(most: str) -> None:
    """Raises ValidationError for a caller who takes no answer of OData 4.0."""
    takes_it = re.fullmatch(r"(4\.[0-9]+|[5-9](\.[0-9]+)?)", most.strip())
    if most and not takes_it:
        raise ValidationError("The feed is of OData 4.0.", field="OData-MaxVersion")


def _root_of(request: Any) -> str:
    """The gateway tells the path with the name of the stage,
    and in a header by which protocol it was asked.
    """
    scheme = "https" if request.headers.get("x-forwarded-proto") == "https" else "http"
    host = request.headers.get("host", "localhost")
    path = str(request.context.get("path", ""))
    stage = path.partition(BASE)[0]
    return f"{scheme}://{host}{stage}{BASE}"
