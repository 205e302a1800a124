"""Every row of a source arrives once, whatever way it pages."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scripted_source import (
    KEY,
    PATH,
    Answer,
    Client,
    Connect,
    ScriptedSource,
    Serve,
    page,
    rows,
    settings_for,
)

from chalicelib.errors import SourceLoop, SourceTooLarge
from chalicelib.odata.adapter import ExternalApiAdapter
from chalicelib.odata.cursor import Cursor
from chalicelib.odata.envelope import PageBody
from chalicelib.odata.survey import Survey
from local.source.production import GeneratedProduction
from local.source.server import Paging, SampleSource


@pytest.mark.parametrize(
    "link", [f"{PATH}?$skiptoken=2", "Wells?$skiptoken=2", "?$skiptoken=2", "absolute"]
)
@pytest.mark.parametrize("name", ["@odata.nextLink", "@nextLink"])
@pytest.mark.parametrize("before", [False, True])
def test_a_link_is_followed_however_it_is_written(
    serve: Serve, connect: Connect, link: str, name: str, before: bool
) -> None:
    source = serve(Answer(b""))
    address = f"{source.url}?$skiptoken=2" if link == "absolute" else link
    first: dict[str, Any] = {"value": rows(0, 2), name: address}
    if before:
        first = {name: address, "value": rows(0, 2)}
    source.steps = [Answer(json.dumps(first).encode()), Answer(page(rows(2, 1)))]

    delivered = connect(source.url, source_paging="links").rows()

    assert delivered == rows(0, 3)
    assert [(asked.path, asked.query) for asked in source.asked] == [
        (PATH, {"$orderby": ",".join(KEY), "$count": "true"}),
        (PATH, {"$skiptoken": "2"}),
    ]


if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from chalicelib.odata.cursor import Page

FORMS: dict[str, Callable[[ScriptedSource, str], str]] = {
    "absolute": lambda source, query: f"{source.url}?{query}",
    "of the host": lambda source, query: f"{PATH}?{query}",
    "of the service": lambda source, query: f"Wells?{query}",
    "a sibling": lambda source, query: f"./Wells?{query}",
    "up and down": lambda source, query: f"../odata/Wells?{query}",
    "the query alone": lambda source, query: f"?{query}",
    "without a scheme": lambda source, query: source.url.removeprefix("http:") + f"?{query}",
}


@settings(max_examples=60)
@given(
    form=st.sampled_from(sorted(FORMS)),
    token=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    times=st.integers(1, 40),  # a link may have 16 KB, and a character takes 12 bytes of it
    own=st.sampled_from(["", "?tenant=7", "?$filter=a eq 1&sap-client=100"]),
)
def test_any_token_arrives_as_it_was_given(form: str, token: str, times: int, own: str) -> None:
    """Up to several kB of whatever characters, in every form of link;
    nothing of the first request is added.
    """
    query = urlencode({"$skiptoken": token * times, "$top": "2"})
    with ScriptedSource(Answer(b"")) as source:
        source.steps = [
            Answer(page(rows(0, 2), odata_nextLink=FORMS[form](source, query))),
            Answer(page(rows(2, 1))),
        ]
        client = Client(source.url + own)
        delivered = client.rows()
        client.adapter.close()

    assert delivered == rows(0, 3)
    assert (source.asked[1].path, source.asked[1].query) == (
        PATH,
        {"$skiptoken": token * times, "$top": "2"},
    )


def test_each_page_says_what_comes_next(serve: Serve, connect: Connect) -> None:
    source = serve(
        Answer(page(rows(0, 2), odata_count="3", odata_nextLink="Wells?$skiptoken=2")),
        Answer(page(rows(2, 1))),
    )

    pages = connect(source.url).pages()

    first, last = (
        page(rows(0, 2), odata_count="3", odata_nextLink="Wells?$skiptoken=2"),
        page(rows(2, 1)),
    )
    following = Cursor(
        url=f"{source.url}?$skiptoken=2",
        page=2,
        delivered=2,
        bytes=len(first),
        expected=3,
        by_link=True,
        order=list(KEY),
        way="auto",
    )
    assert [(page.number, page.next) for page in pages] == [
        (1, following),
        (
            2,
            replace(
                following, url=None, page=3, delivered=3, bytes=len(first + last), ended="marker"
            ),
        ),
    ]


@pytest.mark.parametrize(
    ("counts", "recounted"),
    [
        ([4, 4], False),
        ([4, 2], False),  # what remains
        (["4", None], False),
        ([4, 5], True),
        ([4, 3], True),
        ([None, 2], False),
        (["many", 2], False),
    ],
)
def test_a_later_count_must_be_the_first_one_or_what_remains(
    serve: Serve, connect: Connect, counts: list[Any], recounted: bool
) -> None:
    source = serve(
        Answer(page(rows(0, 2), odata_count=counts[0], odata_nextLink="Wells?$skiptoken=2")),
        Answer(page(rows(2, 2), odata_count=counts[1])),
        Answer(page([])),
    )

    last = connect(source.url).pages()[-1].next

    expected = int(counts[0]) if counts[0] in (4, "4") else None
    assert (last.delivered, last.expected, last.recounted) == (4, expected, recounted)


def test_an_import_goes_on_at_any_cursor(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(page(rows(8, 1))), Answer(page([])))
    client = connect(source.url)

    cursor = Cursor(url=f"{source.url}?$skiptoken=8", page=5, delivered=8, expected=9)
    full, last = client.adapter.pages(cursor, Survey())

    size = len(page(rows(8, 1))) + len(page([]))
    behind = Cursor(
        url=None,
        page=7,
        delivered=9,
        bytes=size,
        expected=9,
        ended="marker",
        empty=1,
        is_trial=True,
    )
    assert (full.number, last.number, last.next) == (5, 6, behind)


def test_an_empty_last_page_is_the_end(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(page(rows(0, 2), odata_nextLink="Wells?$skiptoken=2")), Answer(page([])))

    assert connect(source.url).rows() == rows(0, 2)
    assert len(source.asked) == 2


def test_an_empty_page_with_a_link_is_not_the_end(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(page([], odata_nextLink="Wells?$skiptoken=2")), Answer(page(rows(0, 2))))

    assert connect(source.url).rows() == rows(0, 2)
    assert len(source.asked) == 2


def test_a_source_with_links_ends_where_it_gives_none(serve: Serve, connect: Connect) -> None:
    """It need not understand $skip, nor count."""
    source = serve(
        Answer(page(rows(0, 2), odata_nextLink="Wells?$skiptoken=2")), Answer(page(rows(2, 2)))
    )

    assert connect(source.url).rows() == rows(0, 4)
    assert len(source.asked) == 2


@pytest.mark.parametrize("cap", [1, 7, 100])
@pytest.mark.parametrize("size", ["1", "10", "100"])
@pytest.mark.parametrize("paging", ["links", "skip"])
@pytest.mark.parametrize("setting", ["auto", "same"])
def test_no_page_limit_of_a_server_loses_a_row(
    *, connect: Connect, cap: int, size: str, paging: Paging, setting: str
) -> None:
    data = GeneratedProduction(20)
    with SampleSource(data, paging=paging, max_page_size=cap) as source:
        client = connect(
            source.url, page_size=size, source_paging=paging if setting == "same" else setting
        )

        delivered = client.rows()

    assert delivered == [json.loads(row) for row in data.page(0, 20)]


def test_a_server_without_links_and_count_is_asked_until_it_has_no_more(
    serve: Serve, connect: Connect
) -> None:
    source = serve(Answer(page(rows(0, 1))), Answer(page(rows(1, 1))), Answer(page([])))

    assert connect(source.url).rows() == rows(0, 2)
    assert [asked.query.get("$skip") for asked in source.asked] == [None, "1", "2"]


def test_links_alone_end_where_a_server_gives_none(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(page(rows(0, 2), odata_count=9)))

    assert connect(source.url, source_paging="links").rows() == rows(0, 2)


def test_the_query_of_the_setting_stays(serve: Serve, connect: Connect) -> None:
    source = serve(Answer(page([])))

    connect(f"{source.url}?$filter=a eq 1&key=x%2Fy").rows()

    [asked] = source.asked
    assert asked.query == {
        "$filter": "a eq 1",
        "key": "x/y",
        "$orderby": ",".join(KEY),
        "$count": "true",
    }
    assert asked.headers["prefer"] == "odata.maxpagesize=2"


@pytest.mark.parametrize(
    "steps",
    [
        [
            page(rows(0, 2), odata_nextLink="Wells?$skiptoken=a"),
            page(rows(2, 2), odata_nextLink="?$skiptoken=a"),
        ],
        [
            page(rows(0, 2), odata_nextLink="Wells?$skiptoken=a"),
            page(rows(0, 2), odata_nextLink="?$skiptoken=b"),
        ],
        [page([], odata_nextLink="Wells?$skiptoken=a")],
        [page(rows(0, 2))],  # $skip is not understood
    ],
    ids=["the same link", "the same page", "the same empty page", "no skip"],
)
def test_paging_that_does_not_advance_is_an_error(
    serve: Serve, connect: Connect, steps: list[bytes]
) -> None:
    source = serve(*map(Answer, steps))

    with pytest.raises(SourceLoop) as looped:
        connect(source.url).rows()

    assert (looped.value.code, looped.value.details) == (
        "SOURCE_PAGING_LOOP",
        {"page": len(source.asked)},
    )
    assert len(source.asked) <= 3


def test_more_pages_than_the_limit_are_refused(serve: Serve, connect: Connect) -> None:
    endless = [Answer(page(rows(n, 1), odata_nextLink=f"Wells?$skiptoken={n}")) for n in range(9)]
    as_many = [*endless[:3], Answer(page(rows(3, 1)))]

    assert len(connect(serve(*as_many).url, max_pages="4").rows()) == 4
    with pytest.raises(SourceTooLarge, match="more than 4 pages") as refused:
        connect(serve(*endless).url, max_pages="4").rows()
    assert refused.value.details["page"] == 5


def test_the_fields_are_those_of_the_first_rows(serve: Serve, connect: Connect) -> None:
    first = {"@odata.id": "x", "a": 1, "b@odata.type": "#Int64", "b": "2"}
    source = serve(Answer(page([first, {"c": None, "a": 1}, 7])))

    assert connect(source.url).adapter.survey().fields == ["a", "b", "c"]
    assert source.asked[0].query == {"$top": "20"}


def test_annotations_and_links_to_other_entities_are_no_fields(
    serve: Serve, connect: Connect
) -> None:
    row = {
        "__metadata": {"uri": "x"},
        "a": None,
        "Field": {"__deferred": {"uri": "y"}},
        "b": "2",
        "b@odata.type": "x",
    }
    source = serve(Answer(json.dumps({"d": {"results": [row, {"a": 7}]}}).encode()))

    survey = connect(source.url).adapter.survey()

    assert (survey.fields, survey.values, survey.version) == (["a", "b"], {"a": "7", "b": "2"}, 2)


def test_a_service_of_v2_is_asked_for_its_count_in_its_way(serve: Serve, connect: Connect) -> None:
    body = json.dumps(
        {"d": {"results": rows(0, 2), "__count": "3", "__next": "Wells?$skiptoken=2"}}
    ).encode()
    source = serve(Answer(body), Answer(body), Answer(json.dumps({"d": rows(2, 1)}).encode()))
    adapter = connect(source.url).adapter
    survey = adapter.survey()

    pages = list(adapter.pages(adapter.first_cursor(KEY, survey), survey))

    assert [len(each.rows) for each in pages] == [2, 1]
    assert pages[-1].next.expected == 3
    assert source.asked[1].query == {"$orderby": ",".join(KEY), "$inlinecount": "allpages"}


@pytest.mark.parametrize(
    "answer", [Answer(b"", status=404), Answer(b"", status=406), Answer(b"<html>")]
)
def test_a_service_need_not_describe_itself(serve: Serve, connect: Connect, answer: Answer) -> None:
    source = serve(Answer(page(rows(0, 1))))
    source.described = answer

    survey = connect(f"{source.url}?$filter=a eq 1&sap-client=100").adapter.survey(with_types=True)

    assert (survey.fields, survey.entity) == (["well_code"], None)
    [asked] = source.asked_beside
    assert (asked.path, asked.query) == ("/odata/$metadata", {"sap-client": "100"})
    assert asked.headers["accept"] == "application/xml"


class LargePages:
    """A connection whose every page is a large one.
    `asked` are the parts that pages were asked for, one by one.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_page(self, url: str, page: int, *, most: int | None = None) -> tuple[PageBody, int]:
        if most:
            raise SourceTooLarge
        self.asked.append(url)
        return PageBody(
            rows=[b'{"id": %d}' % page], count=None, next_link=url if page < 3 else None
        ), 1

    def follow(self, url: str, link: str, **_: Any) -> str:
        return url + link[0]


def test_of_large_pages_of_several_parts_one_is_in_memory() -> None:
    """Each is staged before one of another part is asked for;
    who leaves before that keeps nobody from going on.
    """
    connection = LargePages()
    adapter = ExternalApiAdapter(
        settings=settings_for("https://example.org/Wells"), connection=cast("Any", connection)
    )
    parts = [Cursor(url=name, range="x ge 1", way="links") for name in ("a", "b", "c")]
    first, second, third = (
        cast("Generator[Page]", adapter.pages(part, Survey())) for part in parts
    )
    next(first)

    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(list, second)
        left = threads.submit(next, third)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.1)
        asked = list(connection.asked)
        first.close()
        left.result(timeout=10)
        third.close()
        rows_of_second = [row for each in waiting.result(timeout=10) for row in each.rows]

    assert asked == ["a"]
    assert len(rows_of_second) == 3
