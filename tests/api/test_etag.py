"""Marks of answers, and who has which already."""

from __future__ import annotations

import re

import pytest

from chalicelib.api.etag import etag_of, is_known


def test_a_mark_stands_for_what_is_said_in_whatever_order() -> None:
    mark = etag_of("snapshot-1", {"a": 1, "b": "é"}, "json")

    assert re.fullmatch(r'W/"[0-9a-f]{32}"', mark)
    assert mark == etag_of("snapshot-1", {"b": "é", "a": 1}, "json")
    others = [
        etag_of("snapshot-2", {"a": 1, "b": "é"}, "json"),
        etag_of("snapshot-1", {"a": 1}, "json"),
    ]
    assert len({mark, *others, etag_of("snapshot-1", {"a": 1, "b": "é"}, "csv"), etag_of()}) == 5


@pytest.mark.parametrize("header", ['W/"1"', '"1"', ' W/"0" ,W/"1"', "*"])
def test_who_has_it_is_known(header: str) -> None:
    assert is_known(header, 'W/"1"')


@pytest.mark.parametrize("header", ["", 'W/"2"', "1", 'W/"11"', 'w/"1"', '"', ",,"])
def test_who_has_not_is_not(header: str) -> None:
    assert not is_known(header, 'W/"1"')
