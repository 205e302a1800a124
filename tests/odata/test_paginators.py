"""The conversations in the docstrings are held as they are written;
what a source answers decides what comes next.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from support.scripted_source import Answer, Connect, Serve, settings_for

from chalicelib.odata.cursor import Cursor
from chalicelib.odata.envelope import PageBody
from chalicelib.odata.paginators import Keys, Links, Skip, paginators_for, way_of
from chalicelib.odata.survey import Survey

if TYPE_CHECKING:
    from support.scripted_source import ScriptedHandler

URL = "http://127.0.0.1:1/odata/Wells"
LINK = "Wells?$skiptoken=b"
START = Cursor(url=f"{URL}?a", order=["id"])


def conversations(way: type) -> list[list[tuple[dict[str, str], bytes]]]:
    """Of each block of the docstring the queries in their order, each with its answer.
    Remarks stand behind blanks.
    """
    blocks = re.findall(r"```\n(.*?)```", dedent(way.__doc__ or ""), re.DOTALL)
    said = [
        re.findall(r"GET Wells\?(.+?)(?:  .*)?\n +(\{.+?\})(?:  .*)?\n", block) for block in blocks
    ]
    return [
        [(dict(parse_qsl(query)), answer.encode()) for query, answer in block] for block in said
    ]


@pytest.mark.parametrize(
    ("way", "block", "settings"),
    [
        (Links, 0, {"source_paging": "links"}),
        (Links, 0, {"source_paging": "auto", "source_connections": "4"}),
        (Skip, 0, {"source_paging": "skip"}),
        (Skip, 0, {"source_paging": "auto"}),
        (Skip, 1, {"source_paging": "skip", "source_connections": "2"}),
        (Skip, 1, {"source_paging": "auto", "source_connections": "4"}),
        (Keys, 0, {"source_paging": "keys", "source_connections": "4"}),
    ],
)
def test_a_conversation_goes_as_it_is_written(
    serve: Serve, connect: Connect, way: type, block: int, settings: dict[str, str]
) -> None:
    told = written = conversations(way)[block]
    if (
        settings["source_paging"] == "auto"
    ):  # the first request may be answered with a link, so it bounds nothing
        (first, answered), *later = written
        told = [
            ({name: value for name, value in first.items() if name != "$top"}, answered),
            *later,
        ]

    def answer(handler: ScriptedHandler) -> Answer:
        return Answer(next(answer for query, answer in told if query == handler.asked.query))

    source = serve(answer)
    adapter = connect(source.url, **settings).adapter
    pages = adapter.pages(adapter.first_cursor(["id"], Survey()), Survey())
    delivered = [json.loads(bytes(row))["id"] for each in pages for row in each.rows]

    assert len(written) >= 2
    assert delivered == list(range(1, len(delivered) + 1))
    assert sorted(str(asked.query) for asked in source.asked) == sorted(
        str(query) for query, _ in told
    )


def body(*ids: Any, count: int | None = None, link: str | None = None) -> PageBody:
    return PageBody(
        rows=[json.dumps({"id": each}).encode() for each in ids], count=count, next_link=link
    )


def asked_after(paging: str, cursor: Cursor, page: PageBody) -> tuple[str | None, str]:
    """The query of the request after this page, and why there is none."""
    follow = lambda url, link, **_: f"{url} to {link}"  # noqa: E731
    paginator = paginators_for(settings_for(URL), Survey(), follow, connections=4)[paging]
    following = paginator.following(replace(cursor, way=paging), page, 100)
    assert (following.page, following.delivered, following.bytes) == (2, len(page.rows), 100)
    return following.url and following.url.partition("?")[2], following.ended


@pytest.mark.parametrize(
    ("paging", "page", "expected"),
    [
        ("auto", body(1, 2, link=LINK), (f"a to {LINK}", "")),
        ("links", body(link=LINK), (f"a to {LINK}", "")),
        ("skip", body(1, 2, link=LINK), ("$orderby=id&$top=2&$skip=2", "")),
        ("keys", body(1, 2, link=LINK), ("$filter=id%20gt%202&$orderby=id&$top=2", "")),
        ("auto", body(1), ("$orderby=id&$top=2&$skip=1", "")),
        ("links", body(1, 2, count=9), (None, "short")),
        ("skip", body(1, 2, count=2), (None, "count")),
        ("keys", body(1, 2, count=2), ("$filter=id%20gt%202&$orderby=id&$top=2", "")),
        ("auto", body(count=9), (None, "short")),
        ("skip", body(count=9), (None, "short")),
        ("keys", body(count=9), (None, "keys")),
    ],
)
def test_the_request_after_a_page(
    paging: str, page: PageBody, expected: tuple[str | None, str]
) -> None:
    assert asked_after(paging, START, page) == expected


@pytest.mark.parametrize("paging", ["auto", "links"])
def test_a_source_that_has_given_a_link_ends_without_one(paging: str) -> None:
    assert asked_after(paging, replace(START, by_link=True), body(1, 2)) == (None, "marker")


def test_links_that_end_before_the_count_are_gone_on_with_by_skip() -> None:
    ended = replace(START, by_link=True), body(1, 2, count=5)
    assert asked_after("auto", *ended) == ("$orderby=id&$top=2&$skip=2", "")
    assert asked_after("links", *ended) == (None, "short")


def test_empty_pages_after_as_many_rows_as_counted_are_the_end() -> None:
    behind = replace(START, by_link=True, empty=2)
    assert asked_after("auto", behind, body(count=0, link=LINK)) == (None, "count")
    assert asked_after("auto", behind, body(count=1, link=LINK)) == (f"a to {LINK}", "")
    assert asked_after("auto", replace(behind, empty=1), body(count=0, link=LINK)) == (
        f"a to {LINK}",
        "",
    )


@pytest.mark.parametrize(
    ("paging", "takes_keys", "expected"),
    [
        ("auto", True, "keys"),
        ("auto", False, "auto"),
        ("links", True, "links"),
        ("skip", True, "skip"),
    ],
)
def test_keys_are_the_default_where_the_service_takes_them(
    paging: str, takes_keys: bool, expected: str
) -> None:
    assert (
        way_of(settings_for(URL, source_paging=paging), Survey(takes_keys=takes_keys)) == expected
    )
