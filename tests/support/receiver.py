"""A receiver of webhooks on this machine:
it verifies what it gets, by the specification and none of our code, and answers as it is told.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from local.aws.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Callable

# Of the test vector that the libraries of the specification share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
Respond = "Callable[[ReceiverHandler], None]"


@dataclass(frozen=True)
class Received:
    id: str
    is_genuine: bool
    body: Any
    headers: dict[str, str] = field(repr=False)


class ReceiverHandler(LoopbackHandler):
    receiver: ClassVar[Receiver]

    def do_POST(self) -> None:  # noqa: N802  http.server's name
        body = self.read_body()
        self.receiver.received.append(_received(dict(self.headers), body))
        turns = self.receiver.turns
        (turns.pop(0) if turns else taken)(self)


class Receiver:
    """`turns` are what the next requests are answered with; without any, 200."""

    def __init__(self, *turns: Callable[[ReceiverHandler], None]) -> None:
        self.turns = list(turns)
        self.received: list[Received] = []
        self._server = LoopbackServer(type("Handler", (ReceiverHandler,), {"receiver": self}))

    @property
    def url(self) -> str:
        return f"{self._server.url}/hooks/wellhead"

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.received]

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


def taken(handler: ReceiverHandler) -> None:
    handler.answer(200, b"ok")


def status(code: int, **headers: str) -> Callable[[ReceiverHandler], None]:
    return lambda handler: handler.answer(
        code, b"", {name.replace("_", "-"): value for name, value in headers.items()}
    )


def silent(seconds: float) -> Callable[[ReceiverHandler], None]:
    """No byte of an answer for so long, or until the other one leaves."""

    def wait(handler: ReceiverHandler) -> None:
        handler.close_connection = True
        handler.connection.settimeout(seconds)
        with suppress(OSError):
            handler.connection.recv(1)

    return wait


def dripping(handler: ReceiverHandler) -> None:
    """A head that never ends, a byte at a time."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    try:
        for _ in range(3_000):  # a minute
            handler.wfile.write(b"a")
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        pass


def _received(headers: dict[str, str], body: bytes) -> Received:
    told = {name.lower(): value for name, value in headers.items()}
    return Received(told.get("webhook-id", ""), _is_genuine(told, body), json.loads(body), told)


def _is_genuine(headers: dict[str, str], body: bytes) -> bool:
    """As the specification tells who receives a webhook to verify it."""
    if abs(int(headers["webhook-timestamp"]) - time.time()) > 300:
        return False
    key = base64.b64decode(SECRET.partition("_")[2])
    content = b".".join(
        [headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body]
    )
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    told = [each.split(",", 1) for each in headers.get("webhook-signature", "").split()]
    return any(version == "v1" and hmac.compare_digest(value, expected) for version, value in told)
