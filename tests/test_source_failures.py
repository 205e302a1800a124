"""A failed page is never the end of the data: a passing failure is tried again, a lasting one reported."""

from __future__ import annotations

import json
from email.utils import formatdate
from time import time

import pytest
from scripted_source import Answer, Connect, ScriptedHandler, ScriptedSource, Serve, Step, page, rows

from chalicelib.errors import (
    SourceError,
    SourceInvalid,
    SourceNotFound,
    SourceRefused,
    SourceUnauthorized,
    SourceUnavailable,
    SourceUnreachable,
)


def truncated(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n", page(rows(0, 2))[:20])


def cut_between_chunks(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b'4\r\n{"va\r\n')


def length_too_short(handler: ScriptedHandler) -> None:
    handler.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n", page(rows(0, 2)))


def no_answer(handler: ScriptedHandler) -> None:
    """The connection closes without a byte."""


def no_http(handler: ScriptedHandler) -> None:
    handler.raw(b"220 smtp.example.org ESMTP\r\n")


PASSING: dict[str, tuple[Step, type[SourceError]]] = {
    "429": (Answer(status=429), SourceUnavailable),
    "408": (Answer(status=408), SourceUnavailable),
    "500": (Answer(status=500), SourceUnavailable),
    "503": (Answer(status=503), SourceUnavailable),
    "no answer": (no_answer, SourceUnreachable),
    "no HTTP": (no_http, SourceUnreachable),
    "truncated": (truncated, SourceUnreachable),
    "cut between chunks": (cut_between_chunks, SourceUnreachable),
    "length too short": (length_too_short, SourceInvalid),
    "broken gzip": (Answer(page([]), headers={"Content-Encoding": "gzip"}), SourceUnreachable),
    "error object": (Answer(b'{"error": {"code": "Internal"}}'), SourceInvalid),
    "in-stream error": (Answer(b'{"value": [{"a": 1}], "error": {"code": "x"}}'), SourceInvalid),
    "cut JSON": (Answer(b'{"value": [{"a": 1}'), SourceInvalid),
    "HTML": (Answer(b"<html>log in</html>", headers={"Content-Type": "text/html"}), SourceInvalid),
    "empty body": (Answer(b""), SourceInvalid),
    "no value": (Answer(b'{"@odata.context": "x"}'), SourceInvalid),
    "a list": (Answer(b"[]"), SourceInvalid),
    "value is an object": (Answer(b'{"value": {}}'), SourceInvalid),
    "link is a number": (Answer(b'{"value": [], "@odata.nextLink": 7}'), SourceInvalid),
    "UTF-16": (Answer('{"value": []}'.encode("utf-16")), SourceInvalid),
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
        (400, SourceRefused, "SOURCE_REFUSED"),
        (401, SourceUnauthorized, "SOURCE_UNAUTHORIZED"),
        (403, SourceUnauthorized, "SOURCE_UNAUTHORIZED"),
        (404, SourceNotFound, "SOURCE_NOT_FOUND"),
        (410, SourceNotFound, "SOURCE_NOT_FOUND"),
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
def test_a_wait_beyond_the_lease_ends_the_import(serve: Serve, connect: Connect, retry_after: str | int) -> None:
    client = connect(serve(Answer(status=503, headers={"Retry-After": in_a_header(retry_after)})).url)

    with pytest.raises(SourceUnavailable):
        client.rows()

    assert client.slept == []


def in_a_header(retry_after: str | int) -> str:
    """A number of seconds becomes the date that is so far off."""
    return retry_after if isinstance(retry_after, str) else formatdate(time() + retry_after, usegmt=True)


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
