"""Credentials of every kind, a token endpoint that gives its own,
and whether a text holds any of them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from support.scripted_source import (
    Answer,
    ScriptedHandler,
)

SECRET = "hunter2/+é"
SECRETS: dict[str, dict[str, str]] = {
    "basic": {"username": "ada", "password": SECRET},
    "bearer": {"token": "hunter2.token~1"},
    "api_key": {"key": "hunter2 key!"},
    "oauth2": {"client_id": "ada", "client_secret": SECRET},
}
SENT = {
    "basic": ("authorization", "Basic " + b64encode(f"ada:{SECRET}".encode()).decode()),
    "bearer": ("authorization", "Bearer hunter2.token~1"),
    "api_key": ("x-api-key", "hunter2 key!"),
    "oauth2": ("authorization", "Bearer hunter2-token-1"),
}
KINDS = list(SECRETS)


class TokenEndpoint:
    """Gives `hunter2-token-1`, `hunter2-token-2` and so on."""

    def __init__(self, **more: Any) -> None:
        self._more = more
        self._given = 0

    def __call__(self, _: ScriptedHandler) -> Answer:
        self._given += 1
        token = f"hunter2-token-{self._given}"
        return Answer(
            json.dumps({"access_token": token, "token_type": "bearer", **self._more}).encode()
        )


MASKED = ("hunter2", SENT["basic"][1].split()[1])


def leaks(words: str) -> bool:
    return any(secret[:8] in words for secret in MASKED)
