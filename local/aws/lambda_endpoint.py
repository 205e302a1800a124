"""Lambda's Invoke on a loopback port: what `AWS_ENDPOINT_URL_LAMBDA` names, so that botocore works
unchanged.

Whoever waits for the answer (`RequestResponse`) gets that of a warm worker, beside whatever else
runs.

An `Event` is on disk before its 202 leaves. It is delivered at least once: tried again twice with
the same request id after a crash, a timeout or an error, and again after a restart of the stack,
until it is older than the maximum event age. What never succeeds goes to the function's OnFailure
destination, as an event of its own.
"""

import json
import logging
import re
import sqlite3
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

from local.aws.disk import Disk, UnwritableError
from local.aws.lambda_runtime import LambdaRuntime, RuntimeStoppedError, ThrottledError
from local.aws.loopback import LoopbackHandler, LoopbackServer
from local.aws.request_body import BodyTooLargeError, MalformedRequestError
from local.aws.runtime_api import LambdaFunction, Outcome
from local.aws.signature import Keys, NotSignedError, Signature

RETRY_DELAYS = (1.0, 2.0)  # seconds; Lambda waits 60 and 120
MAXIMUM_EVENT_AGE = 300.0  # seconds
MAX_EVENT_BYTES = 1024 * 1024
MAX_REQUEST_BYTES = 6 * 1024 * 1024
INVOCATIONS = re.compile(r"/2015-03-31/functions/([^/?]+)/invocations(?:\?.*)?")
REFUSED: dict[type[Exception], tuple[int, str]] = {
    NotSignedError: (403, "AccessDeniedException"),
    BodyTooLargeError: (413, "RequestTooLargeException"),
    MalformedRequestError: (400, "InvalidRequestContentException"),
}

log = logging.getLogger(__name__)


class Event(NamedTuple):
    request_id: str
    function: str
    payload: bytes
    accepted_at: float


class FailedEvent(NamedTuple):
    """`condition` is RetriesExhausted or EventAgeExceeded;
    there is no `outcome` when it was never delivered.
    """

    event: Event
    condition: str
    attempts: int
    outcome: Outcome | None

    def log(self) -> None:
        last = self.outcome.payload.decode(errors="replace") if self.outcome else "never started"
        log.error(
            "%s gave up on %s after %d attempts (%s): %s",
            self.event.function,
            self.event.request_id,
            self.attempts,
            self.condition,
            last,
        )

    def record(self) -> bytes:
        """What an OnFailure destination is sent.

        https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        """
        record = {
            "version": "1.0",
            "timestamp": datetime.now(UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "requestContext": {
                "requestId": self.event.request_id,
                "functionArn": f"{LambdaFunction(name=self.event.function, handler='').arn}:$LATEST",
                "condition": self.condition,
                "approximateInvokeCount": self.attempts,
            },
            "requestPayload": json.loads(self.event.payload),
        }
        if self.outcome:
            record |= {
                "responseContext": {
                    "statusCode": 200,
                    "executedVersion": "$LATEST",
                    "functionError": "Unhandled",
                },
                "responsePayload": _json_or_text(self.outcome.payload),
            }
        return json.dumps(record).encode()


class EventQueue:
    """The accepted events that have not come to an end, in SQLite."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.disk = Disk("The queue of events")
        self._mutex = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = wal")
        self._db.execute("PRAGMA synchronous = normal")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS event"
            " (request_id TEXT PRIMARY KEY, function TEXT, payload BLOB, accepted_at REAL)"
        )

    def add(self, event: Event) -> None:
        """Raises UnwritableError."""
        with self._writing():
            self._db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", event)

    def remove(self, event: Event) -> None:
        """Raises UnwritableError; the event is delivered again then, by the next stack."""
        with self._writing():
            self._db.execute("DELETE FROM event WHERE request_id = ?", (event.request_id,))

    def replace(self, event: Event, following: Event) -> None:
        """Both or neither, so no failure goes untold when the stack is killed.
        Raises UnwritableError.
        """
        with self._writing(), self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM event WHERE request_id = ?", (event.request_id,))
            self._db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", following)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._mutex:
            try:
                yield
            except sqlite3.Error as exc:
                self.disk.is_unwritable(exc)
                raise UnwritableError from exc
            self.disk.is_writable()

    def events(self) -> list[Event]:
        with self._mutex:
            return [
                Event(*row) for row in self._db.execute("SELECT * FROM event ORDER BY accepted_at")
            ]

    def close(self) -> None:
        with self._mutex:
            self._db.close()


class LambdaEndpoint:
    """Serves from `start` to `stop` whoever signs with `keys`; knows no function before `deploy`.

    `destinations` names for a function the one that is sent its failed events.
    """

    def __init__(
        self,
        *,
        runtime: LambdaRuntime,
        queue: Path,
        keys: Keys,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        maximum_event_age: float = MAXIMUM_EVENT_AGE,
        destinations: Mapping[str, str] | None = None,
    ) -> None:
        self.keys = keys
        self._runtime = runtime
        self._queue = EventQueue(queue)
        self._retry_delays = retry_delays
        self._maximum_event_age = maximum_event_age
        self._destinations = destinations or {}
        self._functions: dict[str, LambdaFunction] = {}
        self._stopping = threading.Event()
        self._deliveries: set[threading.Thread] = set()
        handler = type("Handler", (LambdaEndpointHandler,), {"endpoint": self})
        self._server = LoopbackServer(handler)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def disk(self) -> Disk:
        return self._queue.disk

    def start(self) -> Self:
        self._server.start()
        return self

    def deploy(self, functions: Iterable[LambdaFunction]) -> None:
        """Make these functions known, and take up the events that an earlier stack left behind.

        The time without a stack does not age them: an interrupted import goes on a week later.
        """
        self._functions = {function.name: function for function in functions}
        for event in self._queue.events():
            if event.function in self._functions:
                self._start_delivery(event._replace(accepted_at=time.time()))
            else:
                self._queue.remove(event)

    def stop(self) -> None:
        self._stopping.set()
        self._runtime.stop()
        self._server.stop()
        for delivery in list(self._deliveries):
            delivery.join()
        self._queue.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def function(self, name: str) -> LambdaFunction | None:
        return self._functions.get(name)

    def accept(self, function: LambdaFunction, request_id: str, payload: bytes) -> None:
        """Raises UnwritableError."""
        event = Event(request_id, function.name, payload, time.time())
        self._queue.add(event)
        self._start_delivery(event)

    def invoke(self, function: LambdaFunction, request_id: str, payload: bytes) -> Outcome:
        """Raises RuntimeStoppedError, ThrottledError."""
        return self._runtime.invoke_warm(function, request_id=request_id, payload=payload)

    def _start_delivery(self, event: Event) -> None:
        delivery = threading.Thread(
            target=self._deliver,
            args=(event,),
            daemon=True,
        )
        self._deliveries.add(delivery)
        delivery.start()

    def _deliver(self, event: Event) -> None:
        following: Event | None = event
        try:
            while following:
                following = self._see_through(following)
        except (RuntimeStoppedError, UnwritableError):
            pass  # stays in the queue for the next stack
        finally:
            self._deliveries.discard(threading.current_thread())

    def _see_through(self, event: Event) -> Event | None:
        """The event for the destination, when this one has failed and its function has one."""
        failed = self._attempt(event)
        if failed:
            failed.log()
        destination = self._destinations.get(event.function) if failed else None
        if not failed or destination not in self._functions:
            self._queue.remove(event)
            return None
        following = Event(str(uuid.uuid4()), destination, failed.record(), time.time())
        self._queue.replace(event, following)
        return following

    def _attempt(self, event: Event) -> FailedEvent | None:
        """None when an attempt succeeded."""
        outcome = None
        for attempts, delay in enumerate((0.0, *self._retry_delays)):
            if time.time() + delay > event.accepted_at + self._maximum_event_age:
                return FailedEvent(event, "EventAgeExceeded", attempts, outcome)
            if self._stopping.wait(delay):
                raise RuntimeStoppedError
            outcome = self._runtime.invoke(
                self._functions[event.function], request_id=event.request_id, payload=event.payload
            )
            if outcome.error is None:
                return None
        return FailedEvent(event, "RetriesExhausted", 1 + len(self._retry_delays), outcome)


class LambdaEndpointHandler(LoopbackHandler):
    endpoint: ClassVar[LambdaEndpoint]

    def do_POST(self) -> None:  # noqa: N802
        try:
            body = self._signed_body()
        except tuple(REFUSED) as exc:
            self._refuse(*REFUSED[type(exc)], str(exc))
            return
        route = INVOCATIONS.fullmatch(self.path)
        name = (
            urllib.parse.unquote(route[1]).rpartition("function:")[2].partition(":")[0]
            if route
            else ""
        )
        function = self.endpoint.function(name)
        if function is None:
            arn = LambdaFunction(name=name, handler="").arn
            self._refuse(
                404, "ResourceNotFoundException", f"Function not found: {arn}", Type="User"
            )
        else:
            self._invoke(function, body or b"{}")

    def _signed_body(self) -> bytes:
        signature = Signature.read(self.path, self.headers, self.endpoint.keys)
        body = self.read_body(limit=MAX_REQUEST_BYTES)
        signature.check(self.command, self.path, self.headers, body, self.endpoint.keys)
        if signature.scope.service != "lambda":
            raise NotSignedError("The request is not signed for Lambda.")
        return body

    def _invoke(self, function: LambdaFunction, payload: bytes) -> None:
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        limit = MAX_EVENT_BYTES if kind == "Event" else MAX_REQUEST_BYTES
        request_id = str(uuid.uuid4())
        headers = {"x-amzn-RequestId": request_id, "X-Amz-Executed-Version": "$LATEST"}
        if len(payload) > limit:
            message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            self._refuse(413, "RequestTooLargeException", message)
        elif not _is_json(payload):
            self._refuse(
                400, "InvalidRequestContentException", "Could not parse request body into json"
            )
        elif kind == "Event":
            self._accept(function, payload, headers)
        elif kind == "DryRun":
            self.answer(204, b"", headers)
        else:
            self._wait_for_outcome(function, payload, headers)

    def _accept(self, function: LambdaFunction, payload: bytes, headers: dict[str, str]) -> None:
        try:
            self.endpoint.accept(function, headers["x-amzn-RequestId"], payload)
        except UnwritableError as exc:
            self._refuse(500, "ServiceException", str(exc))
            return
        self.answer(202, b"", headers)

    def _wait_for_outcome(
        self, function: LambdaFunction, payload: bytes, headers: dict[str, str]
    ) -> None:
        try:
            outcome = self.endpoint.invoke(function, headers["x-amzn-RequestId"], payload)
        except RuntimeStoppedError:
            self._refuse(503, "ServiceException", "The stack is stopping")
            return
        except ThrottledError:
            self._refuse(429, "TooManyRequestsException", "Rate Exceeded.", Type="User")
            return
        error = {"X-Amz-Function-Error": "Unhandled"} if outcome.error else {}
        self.answer(200, outcome.payload, headers | error)

    def _refuse(self, status: int, error: str, message: str, **more: str) -> None:
        body = json.dumps({"Message": message, **more}).encode()
        self.answer(
            status, body, {"x-amzn-ErrorType": error, "x-amzn-RequestId": str(uuid.uuid4())}
        )


def _is_json(payload: bytes) -> bool:
    try:
        json.loads(payload)
    except ValueError:
        return False
    return True


def _json_or_text(payload: bytes) -> object:
    if _is_json(payload):
        value: object = json.loads(payload)
        return value
    return payload.decode(errors="replace")
