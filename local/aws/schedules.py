"""EventBridge on the laptop: fires the functions that have a rate, at that rate; and at once where an
earlier stack has left something for them to do.
"""

import contextlib
import json
import re
import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Self

from local.aws.disk import UnwritableError
from local.aws.lambda_endpoint import LambdaEndpoint
from local.aws.runtime_api import LambdaFunction

SECONDS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}


class Schedules:
    """Only `rate(...)`: a laptop is not left running for a cron expression."""

    def __init__(
        self, endpoint: LambdaEndpoint, functions: Iterable[LambdaFunction], *, at_once: bool = True
    ) -> None:
        self._endpoint = endpoint
        self._at_once = at_once
        self._stopping = threading.Event()
        rates = [
            (function, rate) for function in functions if (rate := rate_seconds(function.schedule))
        ]
        self._functions = [function for function, _ in rates]
        self._threads = [
            threading.Thread(target=self._fire, args=each, daemon=True) for each in rates
        ]

    def start(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def fire(self) -> None:
        """All of them now, out of turn."""
        for function in self._functions:
            self._send(function)

    def _fire(self, function: LambdaFunction, rate: float) -> None:
        if self._at_once:
            self._send(function)
        while not self._stopping.wait(rate):
            self._send(function)

    def _send(self, function: LambdaFunction) -> None:
        request_id = str(uuid.uuid4())
        payload = json.dumps(_event()).encode()
        with contextlib.suppress(UnwritableError):  # the queue has told it, and the next turn comes
            self._endpoint.accept(function, request_id, payload)


def rate_seconds(expression: str | None) -> float | None:
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression or "")
    if rate:
        return int(rate[1]) * SECONDS[rate[2]]
    return None


def _event() -> dict[str, object]:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": [],
        "detail": {},
    }
