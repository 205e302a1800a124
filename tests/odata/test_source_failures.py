"""A failed page is never the end of the data:
a passing failure is tried again, a lasting one reported.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from support.scripted_source import (
    KEY,
    Answer,
    Connect,
    ScriptedHandler,
    ScriptedSource,
    Serve,
    SkippedTime,
    Step,
    page,
    rows,
    settings_for,
)

from chalicelib.errors import (
    SourceError,
    SourceForbidden,
    SourceGone,
    SourceInterrupted,
    SourceInvalid,
    SourceNotFound,
    SourceRefused,
    SourceThrottled,
    SourceTimeSpent,
    SourceUnauthorized,
    SourceUnavailable,
    SourceUnreachable,
    WorkerTimeSpent,
)
from chalicelib.odata.connection import ODataConnection

if TYPE_CHECKING:
    from collections.abc import Callable


def truncated(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n", page(rows(0, 2))[:20])


def cut_between_chunks(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b'4\r\n{"va\r\n')


def length_too_short(handler: ScriptedHandler) -> None:
    handler.raw(
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n", page(rows(0, 2))
    )


def no_chunk_size(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"rows\r\n")


def two_lengths(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Length: 13\r\n\r\n", page([]))


def cut_in_a_header(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Le")


def reset(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n", page([]))
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def no_answer(handler: ScriptedHandler) -> None:
    """The connection closes without a byte."""


def no_http(handler: ScriptedHandler) -> None:
    handler.raw(b"220 smtp.example.org ESMTP\r\n")


PASSING: dict[str, tuple[Step, type[SourceError]]] = {
    "429": (Answer(status=429), SourceThrottled),
    "408": (Answer(status=408), SourceUnavailable),
    "500": (Answer(status=500), SourceUnavailable),
    "503": (Answer(status=503), SourceUnavailable),
    "no answer": (no_answer, SourceInterrupted),
    "no HTTP": (no_http, SourceInvalid),
    "no chunk size": (no_chunk_size, SourceInterrupted),
    "two lengths": (two_lengths, SourceInvalid),
    "truncated": (truncated, SourceInterrupted),
    "cut between chunks": (cut_between_chunks, SourceInterrupted),
    "cut in a header": (cut_in_a_header, SourceInvalid),
    "reset": (reset, SourceInterrupted),
    "length too short": (length_too_short, SourceInvalid),
    "broken gzip": (Answer(page([]), headers={"Content-Encoding": "gzip"}), SourceInvalid),
    "cut gzip": (
        Answer(gzip.compress(page([]))[:-4], headers={"Content-Encoding": "gzip"}),
        SourceInvalid,
    ),
    "no gzip at all": (Answer(b"", headers={"Content-Encoding": "gzip"}), SourceInvalid),
    "deep nesting": (Answer(b'{"value": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), SourceInvalid),
    "error object": (Answer(b'{"error": {"code": "Internal"}}'), SourceInvalid),
    "in-stream error": (Answer(b'{"value": [{"a": 1}], "error": {"code": "x"}}'), SourceInvalid),
    "cut JSON": (Answer(b'{"value": [{"a": 1}'), SourceInvalid),
    "HTML": (Answer(b"<html>log in</html>", headers={"Content-Type": "text/html"}), SourceInvalid),
    "empty body": (Answer(b""), SourceInvalid),
    "no value": (Answer(b'{"@odata.context": "x"}'), SourceInvalid),
    "a list": (Answer(b"[]"), SourceInvalid),
    "value is an object": (Answer(b'{"value": {}}'), SourceInvalid),
    "link is a number": (Answer(b'{"value": [], "@odata.nextLink": 7}'), SourceInvalid),
}


@pytest.mark.parametrize(("failure", "error"), PASSING.values(), ids=PASSING)
def test_a_failed_page_is_tried_again_and_then_reported(
    serve: Serve, connect: Connect, failure: Step, error: type[SourceError]
) -> None:
    good = Answer(page(rows(0, 2), odata_count=2))
    client = connect(serve(failure, failure, good).url)
    assert client.rows() == rows(0, 2)
    assert (client.adapter.retries, len(client.slept)) == (2, 2)

    source = serve(failure)
    with pytest.raises(error) as failed:
        connect(source.url, source_retries="2").rows()

    assert type(failed.value) is error
    assert (failed.value.retryable, failed.value.details["page"]) == (True, 1)
    assert len(source.asked) == 3


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (405, SourceRefused, "SOURCE_REFUSED"),
        (401, SourceUnauthorized, "SOURCE_UNAUTHORIZED"),
        (403, SourceForbidden, "SOURCE_FORBIDDEN"),
        (404, SourceNotFound, "SOURCE_NOT_FOUND"),
        (410, SourceGone, "SOURCE_GONE"),
        (204, SourceRefused, "SOURCE_REFUSED"),
        (302, SourceRefused, "SOURCE_REFUSED"),
    ],
)
def test_a_lasting_failure_is_reported_at_once(
    serve: Serve, connect: Connect, status: int, error: type[SourceError], code: str
) -> None:
    source = serve(Answer(b"no", status))

    with pytest.raises(error, match=f"HTTP {status} from {source.url}") as failed:
        connect(source.url).rows()

    assert (failed.value.code, failed.value.retryable, len(source.asked)) == (code, False, 1)


@pytest.mark.parametrize("status", [400, 501])
def test_a_refusal_of_whatever_is_asked_for_is_the_first_one(
    serve: Serve, connect: Connect, status: int
) -> None:
    """Nothing is asked for twice."""
    source = serve(Answer(b"no", status))

    with pytest.raises(SourceRefused, match=f"HTTP {status} from {source.url}") as failed:
        connect(source.url).rows()

    assert (failed.value.retryable, failed.value.details["page"]) == (False, 1)
    order = {"$orderby": ",".join(KEY)}
    assert [asked.query for asked in source.asked] == [
        order | {"$count": "true"},
        order,
        {"$count": "true"},
        {},
    ]


@pytest.mark.parametrize(
    ("retry_after", "least", "most"),
    [
        ("7", 7, 7),
        (" 0 ", 0.25, 0.5),
        ("soon", 0.25, 0.5),
        ("\xb2", 0.25, 0.5),
        ("-5", 0.25, 0.5),
        ("Mon, 01 Jan 0001 00:00:00 -0000", 0.25, 0.5),
        (30, 25, 30),
        (-99, 0.25, 0.5),
    ],
)
def test_the_source_says_how_long_to_wait(
    serve: Serve, connect: Connect, retry_after: str | int, least: float, most: float
) -> None:
    busy = Answer(status=429, headers={"Retry-After": in_a_header(retry_after)})
    client = connect(serve(busy, Answer(page([]))).url)

    client.rows()

    [slept] = client.slept
    assert least <= slept <= most


@pytest.mark.parametrize("retry_after", ["3600", "9" * 400, 7200])
def test_a_wait_beyond_the_lease_ends_the_import(
    serve: Serve, connect: Connect, retry_after: str | int
) -> None:
    client = connect(
        serve(Answer(status=503, headers={"Retry-After": in_a_header(retry_after)})).url
    )

    with pytest.raises(SourceUnavailable):
        client.rows()

    assert client.slept == []


# --- the limits of time


def test_a_wait_beyond_the_time_for_the_whole_source_ends_the_import(serve: Serve) -> None:
    source = serve(Answer(status=503, headers={"Retry-After": "40"}))
    connection, slept = connection_to(source.url, spent=70.0, source_seconds="100")

    with pytest.raises(SourceTimeSpent) as failed:
        connection.get_page(source.url, page=7)

    assert (failed.value.code, failed.value.retryable) == ("SOURCE_TIME_SPENT", False)
    assert (failed.value.details["page"], slept, len(source.asked)) == (7, [], 1)


def test_nothing_is_asked_when_the_time_for_the_whole_source_is_over(serve: Serve) -> None:
    source = serve(Answer(page([])))
    connection, _ = connection_to(source.url, spent=100.0, source_seconds="100")

    with pytest.raises(SourceTimeSpent):
        connection.get_page(source.url, page=1)

    assert source.asked == []


def test_the_worker_waits_no_longer_than_it_lives(serve: Serve) -> None:
    source = serve(Answer(status=503, headers={"Retry-After": "40"}))
    connection, slept = connection_to(source.url, remaining=lambda: 30.0)

    with pytest.raises(WorkerTimeSpent) as failed:
        connection.get_page(source.url, page=7)

    assert (failed.value.retryable, failed.value.details["page"], slept) == (True, 7, [])


@pytest.mark.parametrize("left", [0.3, -1.0])
def test_a_page_takes_no_longer_than_the_worker_lives(serve: Serve, left: float) -> None:
    source = serve(silence)
    connection, slept = connection_to(source.url, remaining=lambda: left)

    with pytest.raises(WorkerTimeSpent):
        connection.get_page(source.url, page=1)

    assert (slept, len(source.asked)) == ([], 1 if left > 0 else 0)


def silence(handler: ScriptedHandler) -> None:
    handler.connection.settimeout(10)
    handler.connection.recv(1)  # until the client leaves


def test_a_closed_connection_asks_no_more_and_waits_no_more(serve: Serve) -> None:
    source = serve(Answer(status=503, headers={"Retry-After": "60"}))
    connection = ODataConnection(settings=settings_for(source.url))
    failures: list[BaseException] = []

    def fetch() -> None:
        try:
            connection.get_page(source.url, page=1)
        except SourceError as exc:
            failures.append(exc)

    waiting = threading.Thread(target=fetch, daemon=True)
    waiting.start()
    while not connection.retries:
        time.sleep(0.01)
    connection.close()
    waiting.join(60)

    assert (len(failures), len(source.asked)) == (1, 1)


def connection_to(
    url: str, *, remaining: Callable[[], float] = lambda: 900.0, spent: float = 0.0, **settings: str
) -> tuple[ODataConnection, list[float]]:
    """A connection, and the seconds that it sleeps."""
    skipped = SkippedTime()
    connection = ODataConnection(
        settings=settings_for(url, **settings),
        clock=skipped.clock,
        sleep=skipped.sleep,
        remaining=remaining,
        spent=spent,
    )
    return connection, skipped.slept


def in_a_header(retry_after: str | int) -> str:
    """A number of seconds becomes the date that is so far off."""
    return (
        retry_after
        if isinstance(retry_after, str)
        else formatdate(time.time() + retry_after, usegmt=True)
    )


def test_the_waits_grow(serve: Serve, connect: Connect) -> None:
    client = connect(serve(Answer(status=500)).url, source_retries="8")

    with pytest.raises(SourceUnavailable):
        client.rows()

    longest = [0.5, 1, 2, 4, 8, 16, 20, 20]
    assert all(most / 2 <= slept <= most for slept, most in zip(client.slept, longest, strict=True))


def test_a_byte_order_mark_and_line_breaks_do_no_harm(serve: Serve, connect: Connect) -> None:
    body = json.dumps({"value": rows(0, 2)}, indent=1).replace("\n", "\r\n").encode()

    [first, *_] = connect(serve(Answer(b"\xef\xbb\xbf" + body), Answer(page([]))).url).pages()

    assert [json.loads(bytes(row)) for row in first.rows] == rows(0, 2)
    assert b"\n" not in b"".join(map(bytes, first.rows))


def test_a_server_that_is_not_there_is_unreachable(serve: Serve, connect: Connect) -> None:
    with ScriptedSource(Answer()) as gone:
        url = gone.url

    with pytest.raises(SourceUnreachable, match="ConnectionRefusedError"):
        connect(url, source_retries="0").rows()
