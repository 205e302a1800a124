"""Lambda's Runtime API, which a worker asks for its events:
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

Its address ends in a secret that the worker alone is told: nobody else on this machine can take its
events or answer.
"""

import hmac
import json
import multiprocessing.connection
import queue
import re
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from local.aws.loopback import LoopbackHandler, LoopbackServer

INIT_SECONDS = 30.0  # Lambda gives an init 10 s; a busy laptop is slower
ANSWER = re.compile(r"/2018-06-01/runtime/(?:invocation/([^/]+)/(response|error)|init/error)")
ACCOUNT_AND_REGION = "us-east-1:123456789012"


@dataclass(frozen=True, kw_only=True)
class LambdaFunction:
    """`name` as deployed, `handler` as module.function, `timeout` in seconds, `memory_mb` as
    announced.

    `schedule` is the expression of its EventBridge rule, such as `rate(1 minute)`.
    """

    name: str
    handler: str
    timeout: float = 60.0
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    schedule: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{ACCOUNT_AND_REGION}:function:{self.name}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came back. `error` is None when the handler returned, else Lambda's error type."""

    payload: bytes
    error: str | None = None


class Invocation:
    """One event on its way through a worker."""

    def __init__(self, function: LambdaFunction, *, request_id: str, payload: bytes) -> None:
        self.function = function
        self.request_id = request_id
        self.payload = payload
        self._signals: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self._created = self._fetched = time.monotonic()

    def begin(self) -> None:
        """The worker has the event. The clock of the timeout starts here, as in Lambda."""
        self._fetched = time.monotonic()
        self._signals.put(None)

    def end(self, outcome: Outcome) -> None:
        self._signals.put(outcome)

    def fail(self, error: str, message: str) -> None:
        self.end(self._failure(error, message))

    def outcome(self) -> Outcome:
        try:
            return self._signals.get(timeout=INIT_SECONDS) or self._answer(self.function.timeout)
        except queue.Empty:
            return self._failure(
                "Sandbox.Timedout", f"Init timed out after {INIT_SECONDS:.2f} seconds"
            )

    def _answer(self, timeout: float) -> Outcome:
        try:
            outcome = self._signals.get(timeout=timeout)
        except queue.Empty:
            outcome = None
        return outcome or self._failure(
            "Sandbox.Timedout", f"Task timed out after {timeout:.2f} seconds"
        )

    def _failure(self, error: str, message: str) -> Outcome:
        body = {
            "errorType": error,
            "errorMessage": f"RequestId: {self.request_id} {message}",
        }
        payload = json.dumps(body).encode()
        return Outcome(payload=payload, error=error)

    def headers(self) -> dict[str, str]:
        deadline = int(1000 * (time.time() + self.function.timeout))
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": self.function.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }

    def report(self, peak_kb: int) -> str:
        return "\t".join(
            [
                f"REPORT RequestId: {self.request_id}",
                f"Duration: {1000 * (time.monotonic() - self._fetched):.2f} ms",
                f"Memory Size: {self.function.memory_mb} MB",
                f"Max Memory Used: {peak_kb // 1024} MB",
                f"Init Duration: {1000 * (self._fetched - self._created):.2f} ms",
            ]
        )


class RuntimeApi:
    """Lambda's Runtime API for one process: one event after the other."""

    def __init__(self) -> None:
        self._given: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._current: Invocation | None = None
        self._gone: str | None = None
        self._asking: socket.socket | None = None
        self._mutex = threading.Lock()
        self.secret = secrets.token_urlsafe()
        handler = type("Handler", (RuntimeApiHandler,), {"api": self})
        self._server = LoopbackServer(handler).start()

    @property
    def address(self) -> str:
        """For AWS_LAMBDA_RUNTIME_API; a path follows it."""
        host = self._server.url.removeprefix("http://")
        return f"{host}/{self.secret}"

    def stop(self) -> None:
        self._given.put(None)
        self._server.stop()

    def give(self, invocation: Invocation) -> None:
        with self._mutex:
            self._current = invocation
            if self._gone:
                invocation.fail("Runtime.ExitError", self._gone)
        self._given.put(invocation)

    def next(self, asking: socket.socket) -> Invocation | None:
        """Blocks until there is one; between two events Lambda would freeze the process here.
        None at the end.

        `asking` is the connection by which the process asks.
        """
        self._asking = asking
        return self._given.get()

    @property
    def is_asked(self) -> bool:
        """Whether the process has asked for an event."""
        return self._asking is not None

    def has_been_left(self) -> bool:
        """Whether the process has closed the connection by which it asked last."""
        if self._asking is None:
            return False
        try:
            is_readable = bool(multiprocessing.connection.wait([self._asking], timeout=0))
            return is_readable and not self._asking.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):  # reset, or closed at this end as well
            return True

    def take_answer(self, request_id: str | None, outcome: Outcome) -> bool:
        """Whether it was the answer to the current event.
        Without an id it is that of the initialisation.
        """
        current = self._current
        if current is None or request_id not in (None, current.request_id):
            return False
        current.end(outcome)
        return True

    def note_exit(self, code: int) -> None:
        how = f"signal: {-code}" if code < 0 else f"exit status {code}"
        with self._mutex:
            self._gone = f"Error: Runtime exited with error: {how}"
            if self._current:
                self._current.fail("Runtime.ExitError", self._gone)


class RuntimeApiHandler(LoopbackHandler):
    api: ClassVar[RuntimeApi]

    def do_GET(self) -> None:  # noqa: N802
        if self._path_behind_secret() != "/2018-06-01/runtime/invocation/next":
            self.answer(404, b"")
        elif invocation := self.api.next(self.connection):
            invocation.begin()
            self.answer(200, invocation.payload, invocation.headers())
        else:
            self.close_connection = True

    def do_POST(self) -> None:  # noqa: N802
        route = ANSWER.fullmatch(self._path_behind_secret())
        if not route:
            self.answer(404, b"")
            return
        body = self.read_body()
        failure = self.headers.get("Lambda-Runtime-Function-Error-Type") or "Unhandled"
        error = None if route[2] == "response" else failure
        if self.api.take_answer(route[1], Outcome(payload=body, error=error)):
            self.answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})
        else:
            self.answer(
                400, b'{"errorType":"InvalidRequestID"}', {"Content-Type": "application/json"}
            )

    def _path_behind_secret(self) -> str:
        """The path behind the secret; nothing without it."""
        _, secret, path = [*self.path.split("/", 2), "", ""][:3]
        if hmac.compare_digest(secret.encode(), self.api.secret.encode()):
            return f"/{path}"
        return ""
