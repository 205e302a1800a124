"""What a plan asks and in which rounds:
whatever needs no other answer is asked at once, as far as the source's connections allow.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.scripted_source import KEY, Answer, page, rows

from chalicelib.errors import SourceNotFound, SourceUnavailable
from local.source.production import GeneratedProduction
from local.source.server import Reply, SampleSource

if TYPE_CHECKING:
    from support.scripted_source import Connect, Serve

ROWS, PAGE = 800, 20
SURVEY, FIRST_PAGE, KEYS, COUNTS = "survey", "first page", "keys", "counts"


class Rounds(SampleSource):
    """Holds each request back until all of its round are there, and notes which waited in vain."""

    def __init__(self, sizes: dict[str, int]) -> None:
        super().__init__(GeneratedProduction(ROWS), max_page_size=PAGE)
        self.sizes = sizes
        self.asked: list[str] = []
        self.alone: list[str] = []
        self.under_way = self.most_at_once = 0
        self._arrival = threading.Condition()

    def answer(self, target: str, headers: dict[str, str]) -> Reply:
        kind = kind_of(target)
        with self._arrival:
            self.asked.append(kind)
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
            self._arrival.notify_all()
            if not self._arrival.wait_for(lambda: self._is_whole(kind), timeout=60):
                self.alone.append(kind)
        reply = super().answer(target, headers)
        with self._arrival:
            self.under_way -= 1
        return reply

    def _is_whole(self, kind: str) -> bool:
        return self.asked.count(kind) >= self.sizes[kind]


def kind_of(target: str) -> str:
    url = urlsplit(target)
    options = dict(parse_qsl(url.query))
    top = options.get("$top")
    if url.path.endswith("$metadata") or top == "20":
        return SURVEY
    if top == "0":
        return COUNTS
    return KEYS if "$skip" in options else FIRST_PAGE


@pytest.mark.parametrize("connections", [2, 4])
def test_a_plan_takes_five_rounds(connect: Connect, connections: int) -> None:
    sizes = {SURVEY: 2, FIRST_PAGE: 1, KEYS: connections - 1, COUNTS: connections}
    with Rounds(sizes) as source:
        client = connect(source.url, source_connections=str(connections))
        adapter = client.adapter

        survey = adapter.survey()
        parts = adapter.parts(adapter.first_cursor(KEY, survey), survey, most=2 * connections)

    assert source.asked == [
        *[SURVEY] * 2,
        FIRST_PAGE,
        *[KEYS] * (connections - 1),
        *[COUNTS] * connections,
        COUNTS,  # of all rows, and after those of the parts
    ]
    assert source.alone == []
    assert source.most_at_once <= connections
    assert [part.expected for part in parts] == [ROWS // connections] * connections


def test_of_one_connection_nothing_is_asked_at_once(connect: Connect) -> None:
    with Rounds({SURVEY: 1}) as source:
        survey = connect(source.url, source_connections="1").adapter.survey()

    assert source.most_at_once == 1
    assert survey.type_of("well_code") == "Edm.Int64"


def test_what_is_declared_may_fail_unless_it_is_needed(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(page(rows(0, 1))))
    source.described = Answer(status=500)
    adapter = connect(source.url, source_connections="2", source_retries="0").adapter

    assert adapter.survey().fields == ["well_code"]
    with pytest.raises(SourceUnavailable):
        adapter.survey(with_types=True)


def test_the_rows_tell_first_what_is_wrong(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(status=404))
    source.described = Answer(status=500)
    adapter = connect(source.url, source_connections="2", source_retries="0").adapter

    with pytest.raises(SourceNotFound):
        adapter.survey(with_types=True)
