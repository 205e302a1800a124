"""A cursor counts what is behind it, and is the same when it comes back from a checkpoint."""

from __future__ import annotations

import json

import pytest

from chalicelib.odata.cursor import Cursor
from chalicelib.odata.envelope import PageBody

SOURCE = "https://example.org/odata/Wells?tenant=7&key=secret"


def test_past_a_page_there_is_no_request_yet() -> None:
    start = Cursor(url="a", order=["id"], changed_since=1.5, changed_until=2.5, undated=3, limits="a eq 1")

    first = start.past(PageBody(rows=[b"{}", b"{}"], count=3, next_link=None), 100)
    second = first.past(PageBody(rows=[b"{}"], count=None, next_link=None), 50)

    told = {"order": ["id"], "changed_since": 1.5, "changed_until": 2.5, "undated": 3, "limits": "a eq 1"}
    assert first == Cursor(url=None, page=2, delivered=2, bytes=100, expected=3, **told)  # type: ignore[arg-type]
    assert second == Cursor(url=None, page=3, delivered=3, bytes=150, expected=3, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", [None, "https://example.org/odata/Wells?key=secret&$skiptoken=a%2Fb"])
def test_a_checkpoint_keeps_all_but_the_secrets_of_the_url(url: str | None) -> None:
    cursor = Cursor(
        url=url, page=4, delivered=9, bytes=10, expected=11, by_link=True, recounted=True, order=["a"], limits="b"
    )

    stored = json.loads(json.dumps(cursor.stored(SOURCE)))

    assert "secret" not in str(stored)
    assert Cursor.restored(stored, SOURCE) == cursor
