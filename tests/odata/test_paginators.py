"""The conversations in the docstrings are held as they are written; what a source answers decides what comes next."""

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
from chalicelib.odata.paginators import Keys, Links, Skip, is_by_key, paginator_for
from chalicelib.odata.survey import Survey

if TYPE_CHECKING:
    from support.scripted_source import ScriptedHandler

URL = "http://127.0.0.1:1/odata/Wells"
LINK = "Wells?$skiptoken=b"
START = Cursor(url=f"{URL}?a", order=["id"])


def conversations(way: type) -> list[list[tuple[dict[str, str], bytes]]]:
    """Of each block of the docstring the queries in their order, each with its answer. Remarks stand behind blanks."""
    blocks = re.findall(r"```\n(.*?)```", dedent(way.__doc__ or ""), re.DOTALL)
    said = [re.findall(r"GET Wells\?(.+?)(?:  .*)?\n +(\{.+?\})(?:  .*)?\n", block) for block in blocks]
    return [[(dict(parse_qsl(query)), answer.encode()) for query, answer in block] for block in said]


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
    written = conversations(way)[block]

    def answer(handler: ScriptedHandler) -> Answer:
        return Answer(next(answer for query, answer in written if query == handler.asked.query))

    source = serve(answer)
    adapter = connect(source.url, **settings).adapter
    pages = adapter.pages(adapter.first_cursor(["id"], Survey()), Survey())
    delivered = [json.loads(bytes(row))["id"] for each in pages for row in each.rows]

    assert len(written) >= 2
    assert delivered == list(range(1, len(delivered) + 1))
    assert sorted(str(asked.query) for asked in source.asked) == sorted(str(query) for query, _ in written)


def body(*ids: Any, count: int | None = None, link: str | None = None) -> PageBody:
    return PageBody(rows=[json.dumps({"id": each}).encode() for each in ids], count=count, next_link=link)


def asked_after(paging: str, cursor: Cursor, page: PageBody) -> tuple[str | None, bool]:
    """The query of the request after this page, and whether the source is known to have links."""
    follow = lambda url, link, **_: f"{url} to {link}"  # noqa: E731
    paginator = paginator_for(settings_for(URL, source_paging=paging), Survey(), follow)
    following = paginator.following(cursor, page, 100)
    assert replace(following, url=None, by_link=cursor.by_link) == cursor.past(page, 100)
    return following.url and following.url.partition("?")[2], following.by_link


@pytest.mark.parametrize(
    ("paging", "page", "expected"),
    [
        ("auto", body(1, 2, link=LINK), (f"a to {LINK}", True)),
        ("links", body(link=LINK), (f"a to {LINK}", True)),
        ("skip", body(1, 2, link=LINK), ("$orderby=id&$top=2&$skip=2", False)),
        ("keys", body(1, 2, link=LINK), ("$filter=id%20gt%202&$orderby=id&$top=2", False)),
        ("auto", body(1), ("$orderby=id&$top=2&$skip=1", False)),
        ("links", body(1, 2, count=9), (None, False)),
        ("skip", body(1, 2, count=2), (None, False)),
        ("keys", body(1, 2, count=2), ("$filter=id%20gt%202&$orderby=id&$top=2", False)),
        ("auto", body(count=9), (None, False)),
        ("skip", body(count=9), (None, False)),
        ("keys", body(count=9), (None, False)),
    ],
)
def test_the_request_after_a_page(paging: str, page: PageBody, expected: tuple[str | None, bool]) -> None:
    assert asked_after(paging, START, page) == expected


@pytest.mark.parametrize("paging", ["auto", "links", "skip", "keys"])
def test_a_source_that_has_given_a_link_ends_without_one(paging: str) -> None:
    assert asked_after(paging, replace(START, by_link=True), body(1, 2)) == (None, True)


@pytest.mark.parametrize(("paging", "expected"), [("auto", False), ("links", False), ("skip", False), ("keys", True)])
def test_only_keys_are_cut_by_the_key(paging: str, expected: bool) -> None:
    assert is_by_key(settings_for(URL, source_paging=paging)) == expected
