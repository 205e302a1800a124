"""A cursor counts what is behind it, and is the same when it comes back from a checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from chalicelib.odata.cursor import Cursor
from chalicelib.odata.envelope import PageBody
from chalicelib.odata.reading import End, Reading, Way

SOURCE = "https://example.org/odata/Wells?tenant=7&key=secret"


def test_past_a_page_there_is_no_request_yet() -> None:
    start = Cursor(
        url="a", order=["id"], changed_since=1.5, changed_until=2.5, undated=3, limits="a eq 1"
    )

    first = start.past(PageBody(rows=[b"{}", b"{}"], count=3, next_link=None), 100)
    second = first.past(PageBody(rows=[b"{}"], count=None, next_link=None), 50)

    told = {
        "order": ["id"],
        "changed_since": 1.5,
        "changed_until": 2.5,
        "undated": 3,
        "limits": "a eq 1",
    }
    assert first == Cursor(url=None, page=2, delivered=2, bytes=100, expected=3, **told)  # type: ignore[arg-type]
    assert second == Cursor(url=None, page=3, delivered=3, bytes=150, expected=3, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", [None, "https://example.org/odata/Wells?key=secret&$skiptoken=a%2Fb"]
)
def test_a_checkpoint_keeps_all_but_the_secrets_of_the_url(url: str | None) -> None:
    cursor = Cursor(
        url=url,
        page=4,
        delivered=9,
        bytes=10,
        expected=11,
        by_link=True,
        recounted=True,
        order=["a"],
        limits="b",
        way="auto",
        counts=False,
        top=7,
        empty=2,
        is_trial=True,
        is_beyond_links=True,
        ended="short",
        counted_again=10,
    )

    stored = json.loads(json.dumps(cursor.to_attributes(SOURCE)))

    assert "secret" not in str(stored)
    assert Cursor.from_attributes(stored, SOURCE) == cursor


def test_a_checkpoint_of_before_these_facts_is_of_use() -> None:
    assert Cursor.from_attributes({"url": None, "page": 2, "delivered": 7}, SOURCE) == Cursor(
        url=None, page=2, delivered=7
    )


def test_what_a_cursor_tells_of_the_reading_survives_a_checkpoint() -> None:
    cursor = Cursor(
        url=None,
        delivered=9,
        expected=11,
        counted_again=10,
        way="keys",
        ended="keys",
        by_own_key=True,
    )

    restored = Cursor.from_attributes(json.loads(json.dumps(cursor.to_attributes(SOURCE))), SOURCE)

    assert restored.reading == Reading(
        announced=11, counted_again=10, delivered=9, ended=End.KEYS, way=Way.KEYS, by_own_key=True
    )
    assert replace(restored, way="auto").reading.way is Way.SKIP
    assert replace(restored, way="auto", by_link=True).reading.way is Way.LINKS
