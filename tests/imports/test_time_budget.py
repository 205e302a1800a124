"""A worker goes on while its time lasts, less what a hand-over needs."""

from __future__ import annotations

import pytest

from chalicelib.imports.time_budget import HAND_OVER_SECONDS, TimeBudget, time_to_fetch


@pytest.mark.parametrize(
    ("remaining", "is_up"), [(HAND_OVER_SECONDS, False), (HAND_OVER_SECONDS - 0.1, True)]
)
def test_the_time_is_up_when_a_hand_over_needs_the_rest(remaining: float, is_up: bool) -> None:
    assert TimeBudget(lambda: remaining).is_up() is is_up


def test_it_suffices_for_work_with_a_hand_over_after_it() -> None:
    budget = TimeBudget(lambda: HAND_OVER_SECONDS + 10)

    assert (budget.suffices(10), budget.suffices(10.1)) == (True, False)


@pytest.mark.parametrize(
    ("seconds", "to_fetch"), [(900.0, 900.0 - HAND_OVER_SECONDS), (60.0, 45.0)]
)
def test_of_a_short_time_a_quarter_is_kept(seconds: float, to_fetch: float) -> None:
    assert time_to_fetch(lambda: seconds)() == to_fetch
