"""A client of the API under test, and the tokens that it knows."""

from __future__ import annotations

import http.client
import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from support.api_contract import hold

ADMIN, OPERATOR, READER = "admins-token", "operators-token", "readers-token"


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    envelope: dict[str, Any]


class Exchange(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    content: bytes


class Api:
    """Asks as an operator whose name is ada, unless another Authorization is given;
    None for none.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def exchange(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> Exchange:
        """The answer as it comes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        asked = {"Authorization": f"Bearer {OPERATOR}", **headers}
        sent = {name.replace("_", "-"): value for name, value in asked.items() if value is not None}
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return Exchange(response.status, response.headers, content)

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str | None
    ) -> Reply:
        """Checks what holds for every envelope, and leaves request id and time out of it."""
        status, answered, content = self.exchange(method, path, body, **headers)
        assert answered["Content-Type"] == "application/json"
        assert answered["Cache-Control"] == "no-store"
        assert answered["X-Content-Type-Options"] == "nosniff"
        if status == 304 or method == "HEAD":
            assert content == b""
            return Reply(status, answered, {})
        envelope = json.loads(content)
        hold(method, path, status, answered["Content-Type"], envelope)
        assert answered["X-Request-ID"] == envelope.pop("request_id")
        then = datetime.strptime(envelope.pop("timestamp"), "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=UTC
        )
        assert abs((datetime.now(UTC) - then).total_seconds()) < 10
        assert envelope["success"] == (status < 400)
        return Reply(status, answered, envelope)
