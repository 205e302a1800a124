"""Several connections: the same pages in the same order, whatever comes short, late or broken."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scripted_source import KEY, Answer, Client, Connect, Serve, page, rows
from support.soak import longer
from support.waiting import wait_for_the_end_of_threads

from chalicelib.errors import SourceGone
from chalicelib.imports.prefetch import Prefetch
from chalicelib.odata.survey import Survey
from local.aws.loopback import LoopbackHandler, LoopbackServer
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.scripted_source import ScriptedHandler

DATA = GeneratedProduction(1_000)
ROWS = [json.loads(row) for row in DATA.page(0, 1_000)]


class Counted:
    """Serves `total` rows by $skip and $top; `limit(skip)` is the most that one answer holds."""

    def __init__(
        self, total: int, limit: Callable[[int], int], announced: int | None = None
    ) -> None:
        self.total, self.limit, self.announced = (
            total,
            limit,
            total if announced is None else announced,
        )
        self.asked: list[tuple[int, int]] = []
        self.active = self.most_active = 0
        self.lock = threading.Condition()
        self.hold = 0.0
        self.at_once = 1  # until there were so many, each is held back a little for the others
        self.fails_at: int | None = None

    def answer(self, skip: int, top: int) -> bytes:
        with self.lock:
            self.asked.append((skip, top))
            self.active += 1
            self.most_active = max(self.most_active, self.active)
            self.lock.notify_all()
            self.lock.wait_for(lambda: self.most_active >= self.at_once, timeout=1)
        time.sleep(self.hold)
        with self.lock:
            self.active -= 1
        last = min(self.total, skip + min(top, self.limit(skip)))
        return page(rows(skip, max(0, last - skip)), odata_count=self.announced)

    def serve(self) -> LoopbackServer:
        counted = self

        class Handler(LoopbackHandler):
            def do_GET(self) -> None:  # noqa: N802
                query = dict(parse_qsl(urlsplit(self.path).query))
                skip = int(query.get("$skip", 0))
                body = counted.answer(skip, int(query["$top"]))
                self.answer(
                    404 if skip == counted.fails_at else 200,
                    body,
                    {"Content-Type": "application/json"},
                )

        return LoopbackServer(Handler)


def delivered(counted: Counted, *, size: int, connections: int) -> list[int]:
    server = counted.serve()
    server.start()
    try:
        client = Client(
            f"{server.url}/Wells",
            source_paging="skip",
            page_size=str(size),
            source_connections=str(connections),
        )
        wells = [row["well_code"] for row in client.rows()]
        client.adapter.close()
        return wells
    finally:
        server.stop()


@settings(max_examples=longer(12, 200))
@given(
    total=st.integers(0, 60),
    size=st.integers(1, 9),
    limits=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    more=st.integers(-5, 5),
    connections=st.integers(1, 4),
)
def test_every_row_comes_once_and_in_order(
    total: int, size: int, limits: list[int], more: int, connections: int
) -> None:
    """Whatever the server's own page limits,
    and whether there are more or fewer rows than it announces.
    """
    limit = lambda skip: limits[skip % len(limits)]  # noqa: E731
    announced = max(0, total + more)

    alone = delivered(Counted(total, limit, announced), size=size, connections=1)
    together = delivered(Counted(total, limit, announced), size=size, connections=connections)

    assert together == list(range(len(together)))
    assert len(together) >= min(total, announced)
    if min(limits) >= size:
        assert together == alone


def test_pages_are_asked_for_at_once_but_not_more_than_allowed() -> None:
    counted = Counted(40, lambda _: 2)
    counted.hold, counted.at_once = 0.1, 4

    assert delivered(counted, size=2, connections=4) == list(range(40))
    assert counted.most_active == 4
    assert len(counted.asked) == len(set(counted.asked)) == 21  # the last one finds no more


def test_a_short_page_in_the_middle_is_filled_before_the_next_one() -> None:
    counted = Counted(40, lambda skip: 3 if skip == 20 else 10)

    assert delivered(counted, size=10, connections=4) == list(range(40))
    assert sorted(counted.asked) == [(0, 10), (10, 10), (20, 10), (23, 7), (30, 10), (40, 10)]


def test_an_error_after_a_short_page_names_the_page_that_it_is() -> None:
    counted = Counted(40, lambda skip: 3 if skip == 20 else 10)
    counted.fails_at = 30

    with pytest.raises(SourceGone) as failed:
        delivered(counted, size=10, connections=4)

    assert failed.value.details["page"] == 5


@pytest.mark.parametrize("connections", ["1", "2", "8"])
def test_rows_that_become_wide_are_asked_for_in_smaller_pages(
    serve: Serve, connect: Connect, connections: str
) -> None:
    """A hundred of the later rows are larger than a page may be."""
    wide = [{**ROWS[n], "remark": "x" * (100 if n < 300 else 20_000)} for n in range(600)]

    def answer(handler: ScriptedHandler) -> Answer:
        query = handler.asked.query
        skip, top = int(query.get("$skip", "0")), int(query["$top"])
        more = {"odata_count": len(wide)} if "$count" in query else {}
        return Answer(page(wide[skip : skip + top], **more))

    options = {"source_paging": "skip", "source_connections": connections, "source_retries": "0"}
    client = connect(serve(answer).url, page_size="100", page_mb="1", **options)

    assert client.rows() == wide


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_a_page_limit_of_the_server_is_learned(connect: Connect, limit: int) -> None:
    with SampleSource(GeneratedProduction(50), paging="skip", max_page_size=limit) as source:
        client = connect(source.url, page_size="10", source_connections="3")
        found = client.rows()

    assert found == ROWS[:50] or found == [
        json.loads(row) for row in GeneratedProduction(50).page(0, 50)
    ]
    assert len(source.requests) == -(-50 // min(limit, 10)) + 1  # the last one finds no more


def test_links_are_followed_one_after_the_other(serve: Serve, connect: Connect) -> None:
    source = serve(
        Answer(page(rows(0, 2), odata_count=6, odata_nextLink="Wells?$skiptoken=2")),
        Answer(page(rows(2, 2), odata_nextLink="Wells?$skiptoken=4")),
        Answer(page(rows(4, 2))),
    )

    assert connect(source.url, source_connections="4").rows() == rows(0, 6)
    assert len(source.asked) == 3


def test_an_error_is_told_where_its_page_would_be(connect: Connect) -> None:
    with SampleSource(DATA, paging="skip") as source:
        source.faults.fail_page(5, status=404, times=9)
        client = connect(source.url, page_size="100", source_connections="4")
        pages = client.adapter.pages(client.adapter.first_cursor(KEY, Survey()), Survey())
        assert [next(pages).number for _ in range(4)] == [1, 2, 3, 4]
        with pytest.raises(SourceGone) as failed:
            next(pages)

    assert failed.value.details["page"] == 5


def test_an_import_goes_on_at_any_cursor_of_several_connections(connect: Connect) -> None:
    with SampleSource(DATA, paging="skip") as source:
        client = connect(source.url, page_size="90", source_connections="4")
        first = list(client.adapter.pages(client.adapter.first_cursor(KEY, Survey()), Survey()))
        for cut in (1, 5, len(first) - 1):
            again = client.adapter.pages(replace(first[cut - 1].next), Survey())
            later = [json.loads(bytes(row)) for each in again for row in each.rows]
            assert later == ROWS[cut * 90 :]


def test_leaving_ends_the_threads(connect: Connect) -> None:
    before = set(threading.enumerate())
    with SampleSource(DATA, paging="skip") as source:
        source.latency = 0.05
        client = connect(source.url, page_size="50", source_connections="4")
        pages = client.adapter.pages(client.adapter.first_cursor(KEY, Survey()), Survey())
        with Prefetch(pages, ahead=2, while_waiting=lambda: None) as arriving:
            assert [next(iter(arriving)).number for _ in range(4)] == [1, 2, 3, 4]
        client.adapter.close()
        wait_for_the_end_of_threads("prefetch", but=before)
        wait_for_the_end_of_threads("page ", but=before)

    assert len(source.requests) < 14
