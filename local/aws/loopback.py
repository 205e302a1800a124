"""HTTP/1.1 on 127.0.0.1, for everything the laptop's AWS serves.

Keep-alive without Nagle's 40 ms, a backlog for bursts, no name lookups, a time limit for every
request, and a stop that closes every connection.
"""

import contextlib
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

from local.aws.callers import ForeignCallerError, check_host, check_origin
from local.aws.incoming import Incoming, Lines
from local.aws.request_body import MOST_BYTES, MalformedRequestError, has_body, read_body

HOST = "127.0.0.1"
SWITCH_SECONDS = (
    0.001  # for processes that serve: between short requests Python's 5 ms show in the p99
)
LINGER_SECONDS = 5.0
MOST_DROPPED_BYTES = 64 * 1024 * 1024

log = logging.getLogger(__name__)


class LoopbackHandler(BaseHTTPRequestHandler):
    """Answers this machine's programs, and pages of this very port; ForeignCallerError's sentence
    to all others.

    `answers_pages` is for an API that says itself which pages may ask, and that may be reached
    through a tunnel.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet
    answers_pages: ClassVar[bool] = False
    idle_seconds: ClassVar[float] = 60.0  # between two requests of one connection
    request_seconds: ClassVar[float] = 60.0  # for a whole request
    server: "LoopbackServer"

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._incoming = Incoming(self.connection)
        self.rfile = self._lines = Lines(self._incoming)

    def handle_one_request(self) -> None:
        self._incoming.expect(within=self.idle_seconds, whole_within=self.request_seconds)
        self._is_body_left = self._lines.is_odd = False
        super().handle_one_request()
        if self._is_body_left:  # what is left would be read as the next request
            self.close_connection = True
            self._linger()

    def _linger(self) -> None:
        """Reads and drops what still comes, for a moment:
        with bytes unread, the close would cut off the answer.
        """
        self._incoming.expect(within=LINGER_SECONDS, whole_within=LINGER_SECONDS)
        left = MOST_DROPPED_BYTES
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and (read := len(self.rfile.read1(65536))):
                left -= read

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        self._is_body_left = True
        try:
            self._is_body_left = self._has_body()
            self._check_caller()
        except MalformedRequestError as exc:
            self.send_error(HTTPStatus.BAD_REQUEST, explain=str(exc))
            return False
        except ForeignCallerError as exc:
            self.send_error(HTTPStatus.FORBIDDEN, explain=str(exc))
            return False
        return True

    def _has_body(self) -> bool:
        if self._incoming.ended:
            raise MalformedRequestError("The headers ended early.")
        if self._lines.is_odd:
            raise MalformedRequestError("A line among the headers is none.")
        return has_body(self.headers)

    def _check_caller(self) -> None:
        port = self.server.server_port
        check_host(self.headers, None if self.answers_pages else port)
        if not self.answers_pages:
            check_origin(self.headers, port)

    def handle_expect_100(self) -> bool:
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        pass

    def read_body(self, *, limit: int = MOST_BYTES) -> bytes:
        """Raises MalformedRequestError, BodyTooLargeError."""
        body = read_body(self.headers, self.rfile, limit=limit)
        self._is_body_left = False
        return body

    def answer(
        self, status: int, body: bytes, headers: Mapping[str, str | list[str]] | None = None
    ) -> None:
        self.send_response_only(status)
        has_body = status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        length = {"Content-Length": str(len(body))} if has_body else {}
        for name, value in (length | dict(headers or {})).items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(body)


class LoopbackServer(ThreadingHTTPServer):
    """Serves from its own thread between `start` and `stop`; port 0 means any free one."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(
        self, handler: type[BaseHTTPRequestHandler], *, port: int = 0, host: str = HOST
    ) -> None:
        self._connections: set[Any] = set()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), handler)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._connections)

    def server_bind(self) -> None:
        # HTTPServer would ask the resolver for the host's name, which can take seconds offline.
        socketserver.TCPServer.server_bind(self)
        self.server_name = HOST
        self.server_port = self.socket.getsockname()[1]

    def start(self) -> Self:
        serve = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        serve.start()
        return self

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 1
        while self._connections and time.monotonic() < deadline:
            time.sleep(0.005)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._connections.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exc_info()[1]
        if not isinstance(
            error, ConnectionError | MalformedRequestError
        ):  # a client that left, perhaps within a body
            log.error("A request could not be answered.", exc_info=error)
