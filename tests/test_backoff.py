"""Backoff: waits that double by lot and honour what was asked for."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.backoff import Backoff, seconds_of_retry_after

NONSENSE = ["", "soon", "-1", "1.5", "٣", "9" * 5000, "Wed, 99 Foo 2026 00:00:00 GMT"]


def test_each_wait_is_twice_the_one_before_up_to_the_longest() -> None:
    backoff = Backoff(first=1.0, longest=10.0, draw=lambda _, most: most)

    assert [backoff.seconds(failures) for failures in range(6)] == [1, 2, 4, 8, 10, 10]
    assert [backoff.seconds(0, asked=asked) for asked in (None, 0.5, 30.0)] == [1, 1, 30]


@given(failures=st.integers(0, 10**6))
def test_a_wait_is_half_of_it_or_more(failures: int) -> None:
    most = min(20.0, 0.5 * 2.0 ** min(failures, 100))

    assert most / 2 <= Backoff(first=0.5, longest=20.0).seconds(failures) <= most


def test_the_header_has_seconds_or_a_date() -> None:
    assert [seconds_of_retry_after(header) for header in ("0", " 30 ", "9" * 400)] == [0, 30, 21600]
    assert seconds_of_retry_after(formatdate(time.time() + 60, usegmt=True)) == pytest.approx(
        60, abs=2
    )
    assert seconds_of_retry_after(formatdate(time.time() - 60, usegmt=True)) == 0


@pytest.mark.parametrize("header", [None, *NONSENSE])
def test_nonsense_counts_as_absent(header: str | None) -> None:
    assert seconds_of_retry_after(header) is None
