"""Axes of the plot: every value has its place, and no line joins what is not known to be joined."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clients.api.periods import month_days
from clients.window.axes import Axis, Period, figure, gaps, nearest, runs, tick_label, year_ticks

RATES = st.none() | st.floats(min_value=-1e6, max_value=1e9, allow_nan=False).filter(
    lambda v: v == 0 or abs(v) > 1e-6
)


def months(*numbers: int) -> list[Period]:
    days = [date(2020 + number // 12, number % 12 + 1, 1) for number in numbers]
    return [Period(day, month_days(day)) for day in days]


def days(*numbers: int) -> list[Period]:
    return [Period(date(2020, 1, 1) + timedelta(days=number), 1) for number in numbers]


@given(st.lists(RATES, max_size=20), st.booleans())
def test_every_value_is_on_its_axis_between_the_first_and_the_last_tick(
    values: list[float | None], is_log: bool
) -> None:
    axis = Axis.around(values, is_log=is_log)
    ticks = axis.ticks()

    assert ticks == sorted(set(ticks))
    assert 2 <= len(ticks) <= 8
    for value in values:
        share = axis.share(value)
        assert (share is None) == (value is None or (is_log and value <= 0))
        assert share is None or -1e-9 <= share <= 1 + 1e-9


@given(st.lists(st.floats(min_value=1e-3, max_value=1e6), min_size=2, max_size=20), st.booleans())
def test_a_larger_value_stands_higher(values: list[float], is_log: bool) -> None:
    low, high = min(values), max(values)
    assume(high > low * 1.001)
    axis = Axis.around(values, is_log=is_log)
    shares = [axis.share(low), axis.share(high)]

    assert None not in shares
    assert shares[0] != shares[1]
    assert shares == sorted(shares, key=lambda share: share or 0.0)


def test_a_linear_axis_has_its_zero_and_a_logarithmic_one_its_decades() -> None:
    assert Axis.around([3.2, 8.1]).ticks() == [0, 5, 10]
    assert Axis.around([-3.0, 4.0]).ticks() == [-5, 0, 5]
    assert Axis.around([0.02, 3.0], is_log=True).ticks() == pytest.approx([0.01, 0.1, 1, 10])


def test_a_line_ends_at_a_missing_value_and_at_a_missing_month() -> None:
    periods = months(0, 1, 2, 3, 5, 6)

    assert runs(periods, [1.0, 1.0, None, 1.0, 1.0, 1.0]) == [[0, 1], [3], [4, 5]]
    assert gaps(periods) == [(date(2020, 4, 1), date(2020, 6, 1))]
    assert (runs([], []), gaps([])) == ([], [])


def test_a_line_of_days_ends_at_a_missing_day_and_one_of_years_at_a_missing_year() -> None:
    assert runs(days(0, 1, 3, 4), [1.0] * 4) == [[0, 1], [2, 3]]
    assert gaps(days(0, 1, 3)) == [(date(2020, 1, 2), date(2020, 1, 4))]
    years = [
        Period(date(year, 1, 1), 366 if year % 4 == 0 else 365) for year in (2019, 2020, 2021, 2023)
    ]
    assert runs(years, [1.0] * 4) == [[0, 1, 2], [3]]


@given(st.sets(st.integers(0, 600), min_size=1, max_size=60), st.integers(2, 12))
def test_years_are_marked_inside_the_time_and_not_too_many(numbers: set[int], most: int) -> None:
    periods = months(*sorted(numbers))
    ticks = year_ticks(periods[0].day, periods[-1].day, most)

    assert len(ticks) <= most
    assert all(periods[0].day <= tick <= periods[-1].day for tick in ticks)


@given(st.sets(st.integers(0, 600), min_size=1, max_size=60), st.floats(0, 1))
def test_the_pointer_reads_the_nearest_period(numbers: set[int], share: float) -> None:
    periods = months(*sorted(numbers))
    found = nearest(periods, share)
    day = (periods[-1].day - periods[0].day).days * share

    distances = [abs((period.day - periods[0].day).days - day) for period in periods]
    assert distances[found] == min(distances)


@pytest.mark.parametrize(
    ("value", "text", "label"),
    [
        (0.0, "0", "0"),
        (0.027957, "0.02796", "0.02796"),
        (3.99, "3.990", "3.99"),
        (12.345, "12.35", "12.35"),
        (1234.5, "1,234", "1,234"),
        (-2.5, "-2.500", "-2.5"),
        (100.0, "100.0", "100"),
    ],
)
def test_figures_have_four_digits_that_matter(value: float, text: str, label: str) -> None:
    assert (figure(value), tick_label(value)) == (text, label)
