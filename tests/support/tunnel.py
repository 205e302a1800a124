"""A proxy that makes tunnels (RFC 9110, section 9.3.6), over real sockets;
it knows where names lead by itself.
"""

from __future__ import annotations

import selectors
import socket
import socketserver
import threading
from base64 import b64encode
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

LONGEST_HEAD = 1 << 16
CHUNK = 1 << 16


class Tunnel(socketserver.StreamRequestHandler):
    proxy: ClassVar[TunnelProxy]

    def handle(self) -> None:
        line = self.rfile.readline(LONGEST_HEAD).decode()
        headers: dict[str, str] = {}
        while (header := self.rfile.readline(LONGEST_HEAD).decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        if line:
            self._connect(line.split()[0], line.split()[1], headers)

    def _connect(self, method: str, target: str, headers: dict[str, str]) -> None:
        proxy = self.proxy
        proxy.asked.append((method, target, headers))
        if proxy.instead:
            proxy.instead(self)
        elif proxy.expected and headers.get("proxy-authorization") != proxy.expected:
            self.refuse(407, headers.get("proxy-authorization", "Proxy Authentication Required"))
        elif method != "CONNECT" or target not in proxy.routes:
            self.refuse(403, "Forbidden")
        else:
            with socket.create_connection(("127.0.0.1", proxy.routes[target])) as there:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _relay(self.connection, there)

    def refuse(self, status: int, words: str) -> None:
        """With words that repeat what was sent, as the worst proxy would."""
        self.wfile.write(f"HTTP/1.1 {status} {words}\r\nContent-Length: 0\r\n\r\n".encode())


class TunnelProxy:
    """`routes` lead from `host:port` to a port of this machine.
    Whatever it was asked for stands in `asked`; `instead` answers in its place.
    """

    def __init__(
        self,
        routes: dict[str, int],
        *,
        user: str = "",
        password: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.routes = routes
        self.expected = "Basic " + b64encode(f"{user}:{password}".encode()).decode() if user else ""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.instead: Callable[[Tunnel], object] | None = None
        self._scheme = "https" if tls else "http"
        self._server = _Server(("127.0.0.1", 0), type("Handler", (Tunnel,), {"proxy": self}))
        self._server.tls = tls

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the thread of the connection: one that shows no certificate hinders no other."""
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)
        if self.tls:
            request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that trusts nobody leaves within the handshake."""


def _relay(here: socket.socket, there: socket.socket) -> None:
    """Until one of them ends."""
    with selectors.DefaultSelector() as ready:
        ready.register(here, selectors.EVENT_READ, there)
        ready.register(there, selectors.EVENT_READ, here)
        while True:
            for key, _ in ready.select():
                source: Any = key.fileobj
                data = source.recv(CHUNK)
                while data and getattr(source, "pending", int)():
                    data += source.recv(CHUNK)
                if not data:
                    return
                key.data.sendall(data)
