"""Where values stand on an axis, and which points a line may join. Pure: no canvas here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, NamedTuple

from clients.api.periods import follows, period_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Period(NamedTuple):
    """Its first day, and how many calendar days it has."""

    day: date
    days: int

    @property
    def name(self) -> str:
        return period_name(self.day, self.days)

    def is_before(self, later: Period) -> bool:
        """Whether nothing is missing between the two."""
        return follows(self.day, self.days, later.day)


@dataclass(frozen=True)
class Axis:
    """From value to share of the axis: 0 at its low end, 1 at its high end."""

    low: float
    high: float
    is_log: bool = False

    @classmethod
    def around(cls, values: Iterable[float | None], *, is_log: bool = False) -> Axis:
        """A linear axis begins at zero, or below; a logarithmic one at the decade of the smallest
        value.

        Around 0.3 and 41 a linear one goes from 0 to 60, a logarithmic one from 0.1 to 100.
        """
        known = [value for value in values if value is not None and isfinite(value)]
        if is_log:
            return cls._of_decades(known)
        return cls._of_steps(known)

    @classmethod
    def _of_decades(cls, values: list[float]) -> Axis:
        positive = [value for value in values if value > 0]
        least = min(positive, default=0.1)
        most = max(positive, default=1.0)
        first = floor(log10(least))
        last = max(ceil(log10(most)), first + 1)  # one decade at least
        return cls(10.0**first, 10.0**last, is_log=True)

    @classmethod
    def _of_steps(cls, values: list[float]) -> Axis:
        low = min(values, default=0.0)
        high = max(values, default=0.0)
        span = max(high, 0.0) - min(low, 0.0)  # 0 is always on the axis
        step = nice_step(span or 1.0)
        lowest = min(floor(low / step), 0) * step
        least_high = step if low >= 0 else 0.0
        highest = max(ceil(high / step) * step, least_high)
        return cls(lowest, highest)

    def share(self, value: float | None) -> float | None:
        """None where the value is missing, or has no place on a logarithmic axis."""
        if value is None or not isfinite(value):
            return None
        if not self.is_log:
            return (value - self.low) / (self.high - self.low)
        if value <= 0:
            return None
        decades = log10(self.high) - log10(self.low)
        return (log10(value) - log10(self.low)) / decades

    def ticks(self) -> list[float]:
        if self.is_log:
            first = round(log10(self.low))
            last = round(log10(self.high))
            every = ceil((last - first) / 4)
            return [10.0**power for power in range(first, last + 1, every)]
        step = nice_step(self.high - self.low)
        first = round(self.low / step)
        last = round(self.high / step)
        return [number * step for number in range(first, last + 1)]


def nice_step(span: float, parts: int = 3) -> float:
    """One, two or five times a power of ten, for about so many parts."""
    rough = span / parts
    power = 10.0 ** floor(log10(rough))
    return next(
        factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.999
    )


def runs(periods: Sequence[Period], values: Sequence[float | None]) -> list[list[int]]:
    """Positions that one line joins: a missing value or a missing period ends a run."""
    found: list[list[int]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        is_next = bool(found) and found[-1][-1] == place - 1
        if is_next and periods[place - 1].is_before(periods[place]):
            found[-1].append(place)
        else:
            found.append([place])
    return found


def gaps(periods: Sequence[Period]) -> list[tuple[date, date]]:
    """The first days of the two periods between which others are missing."""
    return [
        (before.day, after.day)
        for before, after in pairwise(periods)
        if not before.is_before(after)
    ]


def year_ticks(first: date, last: date, most: int) -> list[date]:
    """The first of January of every year, or of every second, fifth, tenth."""
    begins_a_year = first == date(first.year, 1, 1)
    first_year = first.year if begins_a_year else first.year + 1
    years = range(first_year, last.year + 1)
    every = 100
    for number in (1, 2, 5, 10, 20, 50):
        if len(years) <= most * number:
            every = number
            break
    return [date(year, 1, 1) for year in years if year % every == 0]


def nearest(periods: Sequence[Period], share: float) -> int:
    """The position of the period that is nearest to this share of the time between the first and
    the last.
    """
    first = periods[0].day
    all_days = (periods[-1].day - first).days
    wanted = all_days * share

    def distance(place: int) -> float:
        days = (periods[place].day - first).days
        return abs(days - wanted)

    return min(range(len(periods)), key=distance)


def figure(value: float) -> str:
    """Four digits that matter, the zeros too: 0.02796, 3.990, 1,235. Figures that stand one above
    the other would be ragged without.
    """
    if value == 0:
        return "0"
    digits = max(0, 3 - floor(log10(abs(value))))
    return f"{value:,.{min(digits, 8)}f}"


def tick_label(value: float) -> str:
    """Of an axis, where the zeros say nothing: 2.5, 10."""
    text = figure(value)
    if "." in text:
        return text.rstrip("0").rstrip(".")
    return text
