"""Many threads over few connections, politely."""

from __future__ import annotations

import socket
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.scripted_source import (
    KEY,
    Answer,
    Client,
    ScriptedHandler,
    ScriptedSource,
    Serve,
    SkippedTime,
    page,
    rows,
    settings_for,
)

import chalicelib
from chalicelib.errors import (
    SourceRedirected,
    SourceThrottled,
    SourceTooSlow,
    SourceUnavailable,
    WorkerTimeSpent,
)
from chalicelib.odata.connection import ODataConnection
from chalicelib.odata.survey import Survey

PROJECT = Path(__file__).parents[2]


def test_many_pages_come_over_one_connection(serve: Serve) -> None:
    source = serve(Answer(page(rows(0, 500))))
    connection = ODataConnection(settings=settings_for(source.url))

    for number in range(20):
        connection.get_page(source.url, page=number)

    assert source.connections == 1


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_a_source_on_ipv6_is_an_origin_like_any_other() -> None:
    with ScriptedSource(host="::1") as source, ScriptedSource(host="::1") as other:
        source.steps = [
            Answer(page(rows(0, 2), odata_nextLink=f"{source.url}?$skiptoken=2")),
            Answer(page(rows(2, 1), odata_nextLink=f"{other.url}?$skiptoken=3")),
        ]
        client = Client(source.url)
        pages = client.adapter.pages(client.adapter.first_cursor(KEY, Survey()), Survey())

        assert len(next(pages).rows) == 2
        with pytest.raises(SourceRedirected, match=r"http://\[::1\]"):
            next(pages)
        assert (len(source.asked), other.asked) == (2, [])


def test_the_source_is_told_who_asks(serve: Serve) -> None:
    source = serve(Answer(page([])))

    ODataConnection(settings=settings_for(source.url)).get_page(source.url, page=1)

    [asked] = source.asked
    assert asked.headers["user-agent"] == f"Wellhead/{chalicelib.__version__}"
    assert asked.headers["accept-encoding"] == "gzip"
    assert asked.headers["accept"] == "application/json"


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]

    assert chalicelib.__version__ == project["version"]


def test_a_document_is_asked_for_in_its_own_format(serve: Serve) -> None:
    source = serve(Answer(b"<edmx/>"))

    document = ODataConnection(settings=settings_for(source.url)).get_document(
        source.url, accept="application/xml"
    )

    assert (document, source.asked[0].headers["accept"]) == (b"<edmx/>", "application/xml")


def test_threads_share_connections_and_lose_no_count(serve: Serve) -> None:
    """Every page fails once. No more requests are under way than the setting allows."""
    seen: set[str] = set()
    under_way = threading.Semaphore(3)
    turn = threading.Lock()

    def answer(handler: ScriptedHandler) -> Answer:
        assert under_way.acquire(blocking=False)
        try:
            with turn:
                is_first = handler.asked.query["n"] not in seen
                seen.add(handler.asked.query["n"])
            return (
                Answer(status=500) if is_first else Answer(page([{"n": handler.asked.query["n"]}]))
            )
        finally:
            under_way.release()

    source = serve(answer)
    skipped = SkippedTime()
    connection = ODataConnection(
        settings=settings_for(source.url, source_connections="3"),
        clock=skipped.clock,
        sleep=skipped.sleep,
    )

    def fetch(number: int) -> bytes:
        body, _ = connection.get_page(f"{source.url}?n={number}", page=number)
        return bytes(body.rows[0])

    with ThreadPoolExecutor(12) as threads:
        fetched = list(threads.map(fetch, range(40)))

    assert fetched == [b'{"n": "%d"}' % number for number in range(40)]
    assert (connection.retries, len(source.asked)) == (40, 80)


def test_an_overloaded_source_gets_fewer_requests_at_once(serve: Serve) -> None:
    source = serve(Answer(status=429))
    skipped = SkippedTime()
    connection = ODataConnection(
        settings=settings_for(source.url, source_connections="8", source_retries="1"),
        clock=skipped.clock,
        sleep=skipped.sleep,
    )

    with pytest.raises(SourceThrottled):
        connection.get_page(source.url, page=1)
    source.steps = [Answer(page([]))]

    assert connection.requests_at_once == 2
    connection.get_page(source.url, page=2)
    assert connection.requests_at_once == 2


@pytest.mark.parametrize(("rps", "slept"), [("0", []), ("0.5", [2.0, 2.0])])
def test_requests_per_second_are_capped(serve: Serve, rps: str, slept: list[float]) -> None:
    source = serve(Answer(page([])))
    skipped = SkippedTime()
    connection = ODataConnection(
        settings=settings_for(source.url, source_rps=rps), clock=skipped.clock, sleep=skipped.sleep
    )

    for number in range(3):
        connection.get_page(source.url, page=number)

    assert skipped.slept == pytest.approx(slept, abs=1)


def test_a_source_that_asks_to_wait_is_left_alone_by_all(serve: Serve) -> None:
    source = serve(Answer(status=503, headers={"Retry-After": "30"}), Answer(page([])))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            connection.get_page(source.url, page=2)

    connection = ODataConnection(settings=settings_for(source.url), sleep=sleep)
    connection.get_page(source.url, page=1)

    assert slept[:2] == pytest.approx([30, 30], abs=5)


def test_what_is_asked_for_once_is_not_asked_for_again_and_leaves_the_source_its_pause(
    serve: Serve,
) -> None:
    source = serve(Answer(status=503, headers={"Retry-After": "30"}), Answer(page([])))
    skipped = SkippedTime()
    connection = ODataConnection(
        settings=settings_for(source.url), clock=skipped.clock, sleep=skipped.sleep
    )

    with pytest.raises(SourceUnavailable) as failed:
        connection.get_page(source.url, page=7, once=5.0)
    asked = len(source.asked)
    connection.get_page(source.url, page=8)

    assert (asked, failed.value.details["page"], connection.retries) == (1, 7, 0)
    assert skipped.slept == pytest.approx([30], abs=5)


def test_what_is_asked_for_once_has_so_many_seconds(serve: Serve) -> None:
    def answer_late(_: ScriptedHandler) -> Answer:
        time.sleep(0.6)
        return Answer(page([]))

    late = serve(answer_late)
    connection = ODataConnection(settings=settings_for(late.url))

    with pytest.raises(SourceTooSlow):
        connection.get_page(late.url, page=1, once=0.2)
    assert connection.count(late.url, late.url, once=0.2) is None
    connection.get_page(late.url, page=1)


def test_a_turn_that_comes_too_late_is_not_waited_for(serve: Serve) -> None:
    source = serve(Answer(page([])))
    skipped = SkippedTime()
    settings = settings_for(source.url, source_rps="0.01")
    connection = ODataConnection(
        settings=settings, clock=skipped.clock, sleep=skipped.sleep, remaining=lambda: 30.0
    )
    connection.get_page(source.url, page=1)

    with pytest.raises(WorkerTimeSpent) as failed:
        connection.get_page(source.url, page=2)

    assert (skipped.slept, failed.value.details["page"], len(source.asked)) == ([], 2, 1)
