"""A link between a client and a server on this machine that carries so many bytes a second,
and counts them.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 64 * 1024


class SlowLink:
    """Bytes from the server go slowly, of all connections together;
    those to it as fast as they can.
    """

    def __init__(self, server: str, *, rate: float) -> None:
        parts = urlsplit(server)
        self._server = (str(parts.hostname), int(parts.port or 80))
        self.rate = rate
        self.carried = 0
        self._turn = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._server)
                far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
                for source, target, is_slow in ((near, far, False), (far, near, True)):
                    threading.Thread(
                        target=self._carry, args=(source, target, is_slow), daemon=True
                    ).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_slow: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                if is_slow:
                    with self._turn:
                        time.sleep(len(piece) / self.rate)
                        self.carried += len(piece)
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def lead(client: Any, server: str, link: str) -> Any:
    """Let this client of botocore reach the server by the link.
    What it signs, and names as host, is the server.
    """

    def detour(request: Any, **_: Any) -> None:
        request.headers["Host"] = urlsplit(server).netloc
        request.url = request.url.replace(server, link, 1)

    client.meta.events.register("before-send", detour)
    return client


@contextmanager
def slow_link(server: str, *, rate: float) -> Iterator[SlowLink]:
    link = SlowLink(server, rate=rate)
    try:
        yield link
    finally:
        link.close()
