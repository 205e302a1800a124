"""One question leaves and waits for its answer;
whatever Lambda says against it is an error of its own.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from support.coordination import aws_client
from support.waiting import wait_until

from chalicelib.errors import (
    DatabaseFetching,
    NothingPublished,
    QueryFunctionMissing,
    QueryThrottled,
    QueryTooSlow,
    QueryUnavailable,
    ScratchFull,
    ValidationError,
    WellheadError,
)
from chalicelib.queries.client import QueryClient
from chalicelib.queries.query import parse_query
from local.aws.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "hunter2 in a stack trace"
QUESTION = parse_query("wells", {"search": ["Årdal"], "limit": ["3"]})


class Lambda(LoopbackHandler):
    """Answers each invocation as it is told, and keeps what it was asked."""

    status: ClassVar[int] = 200
    headers_sent: ClassVar[dict[str, str]] = {}
    body: ClassVar[bytes] = b'{"data": {"rows": []}}'
    asked: ClassVar[list[tuple[str, str, Any]]]
    waits: ClassVar[threading.Event | None] = None

    def do_POST(self) -> None:  # noqa: N802  http.server's name
        kind = self.headers["X-Amz-Invocation-Type"]
        self.asked.append((self.path, kind, json.loads(self.read_body())))
        if self.waits:
            self.waits.wait(10)
        self.answer(self.status, self.body, self.headers_sent)


@pytest.fixture
def handler() -> type[Lambda]:
    return type("Handler", (Lambda,), {"asked": []})


@pytest.fixture
def server(handler: type[Lambda]) -> Iterator[LoopbackServer]:
    server = LoopbackServer(handler).start()
    yield server
    server.stop()


@pytest.fixture
def client(server: LoopbackServer) -> Iterator[QueryClient]:
    lambda_client = aws_client(server.url, "lambda", read_timeout=30)
    yield QueryClient(lambda_client=lambda_client, function="wellhead-query")
    lambda_client.close()


def answer(handler: type[Lambda], **error: Any) -> None:
    told = {
        "code": "INTERNAL_ERROR",
        "message": "m",
        "status": 500,
        "details": {},
        "retryable": False,
    }
    handler.body = json.dumps({"error": told | error}).encode()


def test_a_question_is_one_synchronous_call(client: QueryClient, handler: type[Lambda]) -> None:
    assert client.ask(QUESTION) == {"rows": []}

    path = "/2015-03-31/functions/wellhead-query/invocations"
    asked = {"question": "wells", "arguments": {"search": "Årdal", "limit": 3}}
    assert handler.asked == [(path, "RequestResponse", asked)]


@pytest.mark.parametrize(
    "error",
    [
        NothingPublished(),
        ScratchFull("Reading needs 7 MB."),
        ValidationError("Not so.", field="cursor"),
    ],
)
def test_an_error_that_the_function_tells_is_raised_as_it_was(
    client: QueryClient, handler: type[Lambda], error: WellheadError
) -> None:
    answer(handler, code=error.code, message=error.message, details=error.details)

    with pytest.raises(type(error)) as raised:
        client.ask(QUESTION)

    assert (raised.value.message, raised.value.details) == (error.message, error.details)


def test_a_database_that_takes_long_is_fetched_while_nobody_waits_and_once(
    server: LoopbackServer, handler: type[Lambda]
) -> None:
    now = [100.0]
    lambda_client = aws_client(server.url, "lambda", read_timeout=30)
    client = QueryClient(
        lambda_client=lambda_client, function="wellhead-query", clock=lambda: now[0]
    )
    details = {
        "snapshot": "snapshots/a.duckdb",
        "bytes": 2,
        "fetched": 1,
        "retry_after_seconds": 30,
    }
    answer(handler, code="DATABASE_FETCHING", message="m", details=details)
    for moment in (100.0, 129.0, 131.0):
        now[0] = moment
        with pytest.raises(DatabaseFetching) as told:
            client.ask(QUESTION)
        assert (told.value.details, told.value.retryable) == (details, True)
    lambda_client.close()

    events = [(kind, sent) for _, kind, sent in handler.asked if kind == "Event"]
    assert events == [("Event", {"fetch": "snapshots/a.duckdb"})] * 2
    assert len(handler.asked) == 5


def test_an_error_of_an_unknown_code_is_no_more_than_unexpected(
    client: QueryClient, handler: type[Lambda]
) -> None:
    answer(handler, code="FROM_A_LATER_VERSION", message=SECRET)

    with pytest.raises(WellheadError) as raised:
        client.ask(QUESTION)

    assert (type(raised.value), raised.value.message) == (WellheadError, WellheadError().message)


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (404, "ResourceNotFoundException", QueryFunctionMissing),
        (403, "AccessDeniedException", QueryFunctionMissing),
        (429, "TooManyRequestsException", QueryThrottled),
        (409, "ResourceConflictException", QueryUnavailable),
        (502, "EC2UnexpectedException", QueryUnavailable),
        (500, "ServiceException", QueryUnavailable),
    ],
)
def test_what_lambda_refuses_has_a_code(
    client: QueryClient, handler: type[Lambda], status: int, said: str, error: type[WellheadError]
) -> None:
    handler.status, handler.headers_sent = status, {"x-amzn-ErrorType": said}
    handler.body = json.dumps({"Message": SECRET}).encode()

    with pytest.raises(QueryUnavailable) as raised:
        client.ask(QUESTION)

    assert (type(raised.value), raised.value.retryable, len(handler.asked)) == (error, True, 1)
    assert SECRET not in raised.value.message


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (
            {"errorType": "Sandbox.Timedout", "errorMessage": f"{SECRET} Error: Task timed out"},
            QueryTooSlow,
        ),
        (
            {"errorMessage": "2026-11-23T00:00:00Z 1 Task timed out after 22.00 seconds"},
            QueryTooSlow,
        ),
        ({"errorType": "Runtime.ExitError", "errorMessage": SECRET}, QueryUnavailable),
        (
            {"errorType": "ValueError", "errorMessage": SECRET, "stackTrace": [SECRET]},
            QueryUnavailable,
        ),
        (SECRET, QueryUnavailable),
        (None, QueryUnavailable),
    ],
)
def test_a_function_that_died_is_told_without_what_lambda_says_of_it(
    client: QueryClient,
    handler: type[Lambda],
    payload: Any,
    error: type[WellheadError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler.headers_sent, handler.body = (
        {"X-Amz-Function-Error": "Unhandled"},
        json.dumps(payload).encode(),
    )

    with pytest.raises(QueryUnavailable) as raised:
        client.ask(QUESTION)

    assert type(raised.value) is error
    assert SECRET not in f"{raised.value.message} {raised.value.details} {caplog.text}"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"null", b"7"])
def test_an_answer_of_another_form_is_none(
    client: QueryClient, handler: type[Lambda], body: bytes
) -> None:
    handler.body = body

    with pytest.raises(QueryUnavailable):
        client.ask(QUESTION)


def test_who_waits_too_long_is_told_so_and_asks_once(
    server: LoopbackServer, handler: type[Lambda]
) -> None:
    lambda_client = aws_client(server.url, "lambda", read_timeout=0.5)
    client = QueryClient(lambda_client=lambda_client, function="wellhead-query")
    handler.waits = threading.Event()

    with pytest.raises(QueryTooSlow):
        client.ask(QUESTION)

    wait_until(lambda: handler.asked)
    handler.waits.set()
    lambda_client.close()
    assert len(handler.asked) == 1


def test_a_lambda_that_is_not_there_and_a_function_without_a_name(
    client: QueryClient, server: LoopbackServer
) -> None:
    server.stop()
    with pytest.raises(QueryUnavailable):
        client.ask(QUESTION)
    with pytest.raises(QueryUnavailable):
        client.check()

    nameless = QueryClient(lambda_client=client._lambda, function="")
    with pytest.raises(QueryFunctionMissing):
        nameless.ask(QUESTION)


def test_a_check_runs_nothing(client: QueryClient, handler: type[Lambda]) -> None:
    handler.status, handler.body = 204, b""
    client.check()
    handler.status, handler.headers_sent = 404, {"x-amzn-ErrorType": "ResourceNotFoundException"}
    with pytest.raises(QueryFunctionMissing):
        client.check()

    assert {kind for _, kind, _ in handler.asked} == {"DryRun"}
