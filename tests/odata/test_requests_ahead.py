"""Results asked for ahead are the same results, in the order of those who take them."""

from __future__ import annotations

import threading

import pytest

from chalicelib.odata.requests_ahead import SpeculativeRequests


class Maker:
    def __init__(self) -> None:
        self.made: list[tuple[str, int]] = []
        self.go = threading.Event()

    def make(self, url: str, page: int) -> str:
        self.made.append((url, page))
        assert self.go.wait(10)
        if url == "bad":
            raise ValueError(url)
        return url.upper()


def test_what_is_expected_is_made_once_and_at_the_same_time() -> None:
    maker = Maker()
    ahead = SpeculativeRequests(maker.make)
    ahead.expect({"a": 1, "b": 2})
    ahead.expect({"b": 2, "c": 3})
    maker.go.set()

    assert [ahead.take(url, page) for page, url in enumerate("bcd", start=2)] == ["B", "C", "D"]
    assert sorted(maker.made) == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]


def test_an_error_is_told_to_who_takes_and_to_nobody_else() -> None:
    maker = Maker()
    maker.go.set()
    ahead = SpeculativeRequests(maker.make)
    ahead.expect({"a": 1, "bad": 2})

    assert ahead.take("a", 1) == "A"
    with pytest.raises(ValueError, match="bad"):
        ahead.take("bad", 2)
    ahead.expect({"bad": 2})
    ahead.expect({})


def test_a_guess_that_gives_nothing_is_made_when_it_is_taken() -> None:
    maker = Maker()
    maker.go.set()
    guessed = []
    ahead = SpeculativeRequests(maker.make, lambda url, page: guessed.append((url, page)))
    ahead.expect({"a": 1})

    assert ahead.take("a", 1) == "A"
    assert (guessed, maker.made) == ([("a", 1)], [("a", 1)])
