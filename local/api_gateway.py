"""API Gateway on the laptop: the unchanged app.py behind Chalice's own local gateway.

What differs from `chalice local`: keep-alive without a 44 ms delay; the gateway's own errors in the
product's envelope, as the GatewayResponses of the template make them in AWS; and an app whose
current request and context belong to one thread.

`python -m local.api_gateway` prints one line of JSON when it listens: its URL and the functions of
the app.
"""

import argparse
import base64
import contextlib
import errno
import gzip
import json
import os
import signal
import sys
import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import LambdaContext, LocalChalice, LocalGateway, LocalGatewayException

from chalicelib.api.gateway_errors import RETRY_SECONDS, WORDS
from chalicelib.api.responses import PROBLEM, problem_details, wants_problem
from chalicelib.logs import start_logging
from local.aws.app_graph import deployed_functions, load_config
from local.aws.loopback import SWITCH_SECONDS, LoopbackHandler, LoopbackServer
from local.aws.request_body import BodyTooLargeError, MalformedRequestError

MAX_BODY_BYTES = 10 * 1024 * 1024  # API Gateway's payload quota


class RefusedError(Exception):
    """The gateway answers by itself, with one of WORDS."""

    def __init__(self, status: HTTPStatus, **headers: str) -> None:
        self.status = status
        self.headers = headers


class ThreadLocalChalice(LocalChalice):
    """Chalice serves `current_request` per thread;
    its `lambda_context` is shared, so it joins it here.
    """

    @property
    def lambda_context(self) -> LambdaContext:
        context: LambdaContext = self._THREAD_LOCAL.lambda_context
        return context

    @lambda_context.setter
    def lambda_context(self, value: LambdaContext) -> None:
        self._THREAD_LOCAL.lambda_context = value


class Gateway(LocalGateway):
    def __init__(self, app: Chalice, config: Config) -> None:
        self.least_compressed: int | None = config.minimum_compression_size
        app.__class__ = type("LocalApp", (ThreadLocalChalice, type(app)), {})
        super().__init__(app, config)

    def respond(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, request_id: str
    ) -> dict[str, Any]:
        """The app's response; raises RefusedError."""
        event = self._event(method, path, headers, body, request_id)
        methods = self._app_object.routes[event["requestContext"]["resourcePath"]]
        if method == "OPTIONS" and any(route.cors for route in methods.values()):
            preflight = self._autogen_options_headers(event)
            return {
                "statusCode": 200,
                "headers": preflight,
                "multiValueHeaders": {},
                "body": "",
            }
        if method not in methods:
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, Allow=", ".join(sorted(methods)))
        event, context = self._authorize(path, event)
        response: dict[str, Any] = self._app_object(event, context)
        return response

    def _authorize(self, path: str, event: dict[str, Any]) -> tuple[dict[str, Any], LambdaContext]:
        """As API Gateway takes an authorizer:
        https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
        An error with the one word is a refusal, any other is the authorizer's own failure
        (AUTHORIZER_FAILURE).
        """
        try:
            return self._authorizer.authorize(path, event, self._generate_lambda_context())
        except LocalGatewayException as exc:
            raise RefusedError(HTTPStatus(exc.CODE)) from exc
        except Exception as exc:
            if str(exc) == "Unauthorized":
                raise RefusedError(HTTPStatus.UNAUTHORIZED) from exc
            traceback.print_exc()
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE) from exc

    def _event(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, request_id: str
    ) -> dict[str, Any]:
        try:
            event = self._generate_lambda_event(method, path, dict(headers), body or None)
        except ValueError as exc:
            raise RefusedError(HTTPStatus.NOT_FOUND) from exc
        event["requestContext"]["requestId"] = request_id
        event["requestContext"]["stage"] = self._config.chalice_stage
        return event


class ApiHandler(LoopbackHandler):
    answers_pages = True  # WELLHEAD_CORS_ORIGINS says which
    gateway: ClassVar[Gateway]

    def _serve(self) -> None:
        self._begin()
        try:
            body = self._body()
            response = self.gateway.respond(
                self.command, self.path, dict(self.headers), body, request_id=self._request_id
            )
            self._send(response)
        except RefusedError as exc:
            self._refuse(exc.status, exc.headers)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001  the last line of defence, as in AWS
            traceback.print_exc()
            self._headers_buffer: list[bytes] = []  # half an answer may be in it
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, {})

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _serve  # noqa: N815

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What is refused before it reaches the app:
        a bad request line or framing, too many or too long headers, an odd method, a foreign host.
        """
        self._begin()
        self.request_version = "HTTP/1.1"
        self.close_connection = True
        known = {
            HTTPStatus.NOT_IMPLEMENTED: HTTPStatus.METHOD_NOT_ALLOWED,
            HTTPStatus.FORBIDDEN: HTTPStatus.FORBIDDEN,
        }
        self._refuse(known.get(HTTPStatus(code), HTTPStatus.BAD_REQUEST), {}, explain)

    def _begin(self) -> None:
        self._started = time.monotonic()
        self._request_id = str(uuid.uuid4())

    def _body(self) -> bytes:
        try:
            return self.read_body(limit=MAX_BODY_BYTES)
        except MalformedRequestError as exc:
            self.close_connection = True
            raise RefusedError(HTTPStatus.BAD_REQUEST) from exc
        except BodyTooLargeError as exc:
            self.close_connection = True
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE) from exc

    def _send(self, response: dict[str, Any]) -> None:
        headers = {**response["headers"], **response["multiValueHeaders"]}
        if "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = "application/json"
        body = response["body"] or ""
        is_encoded = response.get("isBase64Encoded")
        content = base64.b64decode(body) if is_encoded else _bytes(body)
        self._finish(response["statusCode"], content, headers)

    def _refuse(
        self, status: HTTPStatus, headers: Mapping[str, str], explain: str | None = None
    ) -> None:
        code, message = WORDS[status]
        message = explain or message
        is_passing = status is HTTPStatus.SERVICE_UNAVAILABLE
        shown = {
            "code": code,
            "message": message,
            "retryable": is_passing,
        }
        is_problem = wants_problem((getattr(self, "headers", None) or {}).get("Accept", ""))
        told = problem_details(shown, status) if is_problem else {"success": False, "error": shown}
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        content = json.dumps(
            {
                **told,
                "request_id": self._request_id,
                "timestamp": at,
            }
        ).encode()
        own = {
            "Content-Type": PROBLEM if is_problem else "application/json",
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Request-ID": self._request_id,
        }
        if is_passing:
            own["Retry-After"] = str(RETRY_SECONDS)
        if status is HTTPStatus.UNAUTHORIZED:
            own["WWW-Authenticate"] = "Bearer"
        self._finish(status, content, {**own, **headers})

    def _finish(self, status: int, content: bytes, headers: Mapping[str, str | list[str]]) -> None:
        if self.close_connection:
            headers = {**headers, "Connection": "close"}
        if self._is_worth_compressing(content):
            content = gzip.compress(content, mtime=0)
            headers = {**headers, "Content-Encoding": "gzip"}
        self.answer(status, content, {**headers, "x-amzn-RequestId": self._request_id})
        took = 1000 * (time.monotonic() - self._started)
        path = getattr(self, "path", "").partition("?")[0]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with contextlib.suppress(
            OSError
        ):  # a full disk: the request is answered, whatever becomes of its line
            print(f"{now} {self._request_id} {self.command} {path!r} {int(status)} {took:.1f} ms")

    def _is_worth_compressing(self, content: bytes) -> bool:
        """As API Gateway:
        https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html
        """
        least = self.gateway.least_compressed
        if least is None or len(content) < least:
            return False
        headers = getattr(self, "headers", None) or {}
        accepted: str = headers.get("Accept-Encoding", "")
        return "gzip" in accepted.lower()


def _bytes(body: str | bytes) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return body


def create_server(app: Chalice, config: Config, *, port: int, **limits: float) -> LoopbackServer:
    """On the port, or on a free one when another program has it.
    `limits` are seconds that ApiHandler has by name.
    """
    handler = type("Handler", (ApiHandler,), {"gateway": Gateway(app, config), **limits})
    try:
        return LoopbackServer(handler, port=port)
    except OSError as exc:
        if exc.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        return LoopbackServer(handler, port=0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.api_gateway")
    parser.add_argument("--project", type=Path, default=Path.cwd())
    parser.add_argument("--stage", default="local")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    sys.setswitchinterval(SWITCH_SECONDS)
    config = load_config(options.project, stage=options.stage)
    for name, value in config.environment_variables.items():
        os.environ.setdefault(name, value)
    app = config.chalice_app
    functions = [asdict(function) for function in deployed_functions(config)]
    server = create_server(app, config, port=options.port)
    print(json.dumps({"url": server.url, "functions": functions}), flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what follows is the log
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    start_logging(os.environ)
    server.start()
    with contextlib.suppress(KeyboardInterrupt):
        signal.pause()
    server.stop()


if __name__ == "__main__":
    main()
