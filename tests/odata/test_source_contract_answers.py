"""The contract of the source, answers:
what fails once costs a retry, and what fails for ever ends the import.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import time
from email.utils import formatdate

import pytest
from support.scripted_source import Answer, ScriptedHandler, Step, page
from support.source_contract import (
    BASIC,
    PASSWORD,
    QUERY,
    USER,
    Case,
    Completed,
    Failed,
    Stage,
    wells,
)

OK = b"HTTP/1.1 200 OK\r\n"
TWO = {10: 10.0, 11: 11.0}
FOUR = TWO | {12: 12.0, 13: 13.0}
FIRST = page(wells(10, 11), odata_count=4, odata_nextLink="?$skiptoken=2")
SECOND = page(wells(12, 13), odata_count=4)


def by_hand(*parts: bytes) -> Step:
    """What is written after the status line; then the connection closes."""
    return lambda handler: handler.raw(OK, *parts)


def reset(handler: ScriptedHandler) -> None:
    handler.raw(OK + b"Content-Length: 900\r\n\r\n", SECOND[:40])
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silence(handler: ScriptedHandler) -> None:
    handler.connection.settimeout(10)
    handler.connection.recv(1)  # until the client leaves


def drip(head: bytes, piece: bytes) -> Step:
    """A little every 50 ms: no single read is slow."""

    def write(handler: ScriptedHandler) -> None:
        handler.raw(head)
        for _ in range(200):
            handler.raw(piece)
            time.sleep(0.05)

    return write


def packed(body: bytes) -> Answer:
    return Answer(body, headers={"Content-Encoding": "gzip"})


def busy(status: int, retry_after: str) -> Answer:
    return Answer(b"", status, {"Retry-After": retry_after})


def once(failure: Step) -> Case:
    """The second page comes after one failure."""
    return Case(
        steps=[Answer(FIRST), Answer(FIRST), failure, Answer(SECOND)],
        expect=Completed(oil=FOUR, retries=1),
        asked=4,
    )


def for_ever(failure: Step, code: str, *, says: str = "", retryable: bool = True) -> Case:
    """The second page never comes."""
    return Case(
        steps=[Answer(FIRST), Answer(FIRST), failure],
        expect=Failed(code, page=2, retryable=retryable, says=says),
        asked=4 if retryable or code == "SOURCE_UNAUTHORIZED" else 3,
    )


def slow(failure: Step) -> Case:
    return Case(
        steps=[Answer(FIRST), Answer(FIRST), failure],
        expect=Failed("SOURCE_TOO_SLOW", page=2, retryable=True, says="WELLHEAD_PAGE_SECONDS"),
        settings={"page_seconds": "1", "source_retries": "0"},
    )


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n\r\n"
SOON = formatdate(time.time() + 1, usegmt=True)
ECHO = json.dumps(
    {"error": {"message": f"no {USER}:{PASSWORD} {BASIC} at /odata/Wells?sap-key={QUERY}"}}
).encode()
INVALID, INTERRUPTED = "SOURCE_INVALID_RESPONSE", "SOURCE_INTERRUPTED"
UNAVAILABLE, THROTTLED = "SOURCE_UNAVAILABLE", "SOURCE_THROTTLED"

CASES = {
    # --- bodies that are not whole
    "a body cut off, once": once(by_hand(LENGTH % 900, SECOND[:50])),
    "a body cut off": for_ever(by_hand(LENGTH % 900, SECOND[:50]), INTERRUPTED),
    "a length that is too long, once": once(by_hand(LENGTH % (len(SECOND) + 1), SECOND)),
    "a length that is too short, once": once(
        by_hand(b"Connection: close\r\n", LENGTH % 30, SECOND)
    ),
    "a length that is too short": for_ever(
        by_hand(b"Connection: close\r\n", LENGTH % 30, SECOND), INVALID
    ),
    "two lengths": for_ever(by_hand(b"Content-Length: 1\r\n", LENGTH % 2), INVALID),
    "no length, cut off": for_ever(by_hand(b"\r\n", SECOND[:-1]), INVALID),
    "chunks cut off, once": once(by_hand(CHUNKED, b"1e\r\n", SECOND[:30], b"\r\n")),
    "chunks cut off": for_ever(by_hand(CHUNKED, b"1e\r\n", SECOND[:30], b"\r\n"), INTERRUPTED),
    "a chunk without a size": for_ever(by_hand(CHUNKED, b"rows\r\n"), INTERRUPTED),
    "a reset in the body, once": once(reset),
    "a reset in the body": for_ever(reset, INTERRUPTED),
    "a connection that closes unanswered": for_ever(lambda _: None, INTERRUPTED),
    "no HTTP": for_ever(lambda handler: handler.raw(b"220 smtp.example.org ESMTP\r\n"), INVALID),
    "gzip cut off": for_ever(packed(gzip.compress(SECOND)[:-4]), INVALID, says="gzip"),
    "gzip that is none": for_ever(packed(SECOND), INVALID, says="gzip"),
    # --- bodies that are no page
    "an error with status 200": for_ever(
        Answer(b'{"error": {"code": "Busy"}}'), INVALID, says="Busy"
    ),
    "an error after the rows": for_ever(
        Answer(SECOND[:-1] + b', "error": {"code": "x"}}'), INVALID
    ),
    "an error after the rows, once": once(Answer(SECOND[:-1] + b', "error": {"code": "x"}}')),
    "no value": for_ever(Answer(b'{"@odata.count": 4}'), INVALID, says="no list named value"),
    "value is null": for_ever(Answer(b'{"value": null}'), INVALID),
    "an empty body": for_ever(Answer(b""), INVALID),
    "an HTML login page": for_ever(
        Answer(b"<html>log in</html>", 200, {"Content-Type": "text/html"}), INVALID
    ),
    "an error that repeats the secret": for_ever(Answer(ECHO), INVALID),
    "a page that is cut within a row": for_ever(Answer(SECOND[:60]), INVALID),
    # --- status codes
    "204": for_ever(Answer(status=204), "SOURCE_REFUSED", retryable=False),
    "400": for_ever(Answer(ECHO, 400), "SOURCE_REFUSED", says="HTTP 400", retryable=False),
    "401": for_ever(Answer(b"no", 401), "SOURCE_UNAUTHORIZED", retryable=False),
    "403": for_ever(Answer(b"no", 403), "SOURCE_FORBIDDEN", retryable=False),
    "404": for_ever(
        Answer(b"no", 404),
        "SOURCE_GONE",
        says="does not find a page that it led to",
        retryable=False,
    ),
    "410": for_ever(Answer(b"no", 410), "SOURCE_GONE", retryable=False),
    "429, once": once(Answer(status=429)),
    "429": for_ever(Answer(status=429), THROTTLED, says="WELLHEAD_SOURCE_RPS"),
    "500, once": once(Answer(status=500)),
    "500": for_ever(Answer(ECHO, 500), UNAVAILABLE, says="HTTP 500"),
    "503, once": once(Answer(status=503)),
    "503": for_ever(Answer(status=503), UNAVAILABLE),
    "401 from the first request on": Case(
        steps=[Answer(b"Unauthorized", 401, {"Content-Type": "text/plain"})],
        expect=Failed("SOURCE_UNAUTHORIZED"),
        asked=1,
    ),
    # --- how long to wait
    "Retry-After in seconds": once(busy(429, "1")),
    "Retry-After as a date": once(busy(503, SOON)),
    "Retry-After as nonsense": once(busy(503, "soon")),
    "Retry-After of a year": Case(
        steps=[Answer(FIRST), Answer(FIRST), busy(503, "31536000")],
        expect=Failed(UNAVAILABLE, page=2, retryable=True),
        asked=3,
    ),
    # --- time
    "silence": slow(silence),
    "a drip of headers": slow(drip(OK, b"X: x\r\n")),
    "a drip in one header": slow(drip(OK + b"X-Long: ", b"x")),
    "a drip in the body": slow(drip(OK + LENGTH % 100_000, b" ")),
    "a drip in chunk sizes": slow(drip(OK + CHUNKED, b"0")),
    "a drip of chunks": slow(drip(OK + CHUNKED, b"1\r\n \r\n")),
    "a drip of empty gzip": slow(drip(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b""))),
}


@pytest.mark.by_lot
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_contract_holds(stage: Stage, caplog: pytest.LogCaptureFixture, case: Case) -> None:
    stage.check(case, caplog)


def test_a_server_that_closes_each_connection_is_read(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def closing(body: bytes) -> Step:
        return by_hand(b"Connection: close\r\n", LENGTH % len(body), body)

    stage.check(
        Case(steps=[closing(FIRST), closing(FIRST), closing(SECOND)], expect=Completed(oil=FOUR)),
        caplog,
    )

    assert stage.source.connections == len(stage.source.asked) == 3


@pytest.mark.parametrize(("allowed", "most"), [("1", 1), ("8", 2)])
def test_a_server_that_keeps_its_connections_is_asked_over_those(
    stage: Stage, caplog: pytest.LogCaptureFixture, allowed: str, most: int
) -> None:
    """The first rows and $metadata may be asked for at once, over two; and no page over a third."""
    stage.check(
        Case(
            steps=[*map(Answer, (FIRST, FIRST, SECOND))],
            expect=Completed(oil=FOUR),
            settings={"source_connections": allowed},
        ),
        caplog,
    )

    assert len(stage.source.asked) == 3
    assert stage.source.connections <= most
