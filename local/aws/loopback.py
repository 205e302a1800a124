"""HTTP/1.1 on 127.0.0.1, for everything the laptop's AWS serves.

Keep-alive without Nagle's 40 ms, a backlog for bursts, no name lookups, and a stop that closes every
connection.
"""

import contextlib
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

HOST = "127.0.0.1"
SWITCH_SECONDS = 0.001  # for processes that serve: between short requests Python's 5 ms show in the p99


class MalformedRequestError(Exception):
    """The request's body cannot be told from the next request."""


class BodyTooLargeError(Exception):
    """The body is beyond the limit; what is left of it is unread."""


class LoopbackHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet

    def handle_expect_100(self) -> bool:
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        pass

    def read_body(self, *, limit: int = sys.maxsize) -> bytes:
        """Raises MalformedRequestError, BodyTooLargeError."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks(limit)
        length = self.content_length()
        if length > limit:
            raise BodyTooLargeError
        body = self.rfile.read(length)
        if len(body) < length:
            raise MalformedRequestError("The body ended early.")
        return body

    def content_length(self) -> int:
        text = self.headers.get("Content-Length", "0").strip()
        if not text.isdecimal():
            raise MalformedRequestError(f"Content-Length is not a number: {text!r}.")
        return int(text)

    def _read_chunks(self, limit: int) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            if len(body) + size > limit:
                raise BodyTooLargeError
            body += self.rfile.read(size)
            self.rfile.readline(3)
        while self.rfile.readline(65536).strip():
            pass  # trailers
        return bytes(body)

    def _chunk_size(self) -> int:
        size = self.rfile.readline(80).split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
            raise MalformedRequestError("A chunk of the body has no size.")
        return int(size, 16)

    def answer(self, status: int, body: bytes, headers: Mapping[str, str | list[str]] | None = None) -> None:
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

    def __init__(self, handler: type[BaseHTTPRequestHandler], *, port: int = 0, host: str = HOST) -> None:
        self._connections: set[Any] = set()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), handler)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def server_bind(self) -> None:
        # HTTPServer would ask the resolver for the host's name, which can take seconds offline.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    def start(self) -> Self:
        serve = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
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

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that left
            super().handle_error(request, client_address)
