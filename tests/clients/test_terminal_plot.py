"""The plot of a terminal."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.cli.plot import Point, plot

START = date(2020, 1, 1)
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
VALUES = st.floats(-1e12, 1e12)
POINTS = st.lists(st.builds(Point, DAYS, VALUES), min_size=1, max_size=50)


def months(*values: float | None) -> list[Point]:
    days = [date(2020, number, 1) for number in range(1, len(values) + 1)]
    return [Point(day, value) for day, value in zip(days, values, strict=True) if value is not None]


def test_a_rising_line() -> None:
    assert plot(months(0, 1, 2, 3, 4), width=40, height=3) == [
        "4 ┤                          ⣀⣀⣀⠤⠤⠤⠔⠒⠒⠉⠉",
        "  ┤            ⣀⣀⣀⣀⠤⠤⠤⠤⠒⠒⠒⠉⠉⠉",
        "0 ┤⣀⣀⠤⠤⠤⠒⠒⠒⠉⠉⠉⠉",
        "   2020-01-01                 2020-05-01",
    ]


def test_signs_that_every_terminal_has() -> None:
    lines = plot(months(0, 4), width=30, height=2, braille=False)

    assert "".join(lines).isascii()
    assert lines[0].startswith("4 |")
    assert "*" in lines[0]


def test_a_missing_month_breaks_the_line() -> None:
    whole, broken = (
        plot(months(1, 1, 1, middle, 1, 1), width=60, height=1)[0] for middle in (1, None)
    )

    assert " " not in whole.partition("┤")[2]
    assert " " in broken.partition("┤")[2]


def test_one_point_and_none() -> None:
    assert plot([], width=40) == []
    assert plot([Point(START, 0.0)], width=40, height=1)[0] == "0 ┤⠁"


@given(POINTS, st.integers(40, 200), st.integers(1, 30), st.booleans())
def test_any_points_have_room(points: list[Point], width: int, height: int, braille: bool) -> None:
    lines = plot(points, width=width, height=height, braille=braille)

    assert len(lines) == height + 1
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize("value", [7.0, -7.0])
def test_zero_is_always_on_the_scale(value: float) -> None:
    lines = plot([Point(START, value), Point(START + timedelta(days=31), value)], width=40)

    assert {lines[0].split()[0], lines[-2].split()[0]} == ({"7", "0"} if value > 0 else {"0", "-7"})
