"""Period: how long the production period of a source's rows is. All its rows have the same length.

A date of the source is cut to the first day of the period that it lies in, whatever day
of it the source writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .statements import named_statements

if TYPE_CHECKING:
    import duckdb

    from chalicelib.settings import Settings

_SQL = named_statements(Path(__file__).with_suffix(".sql"))


class Period(StrEnum):
    """The names are those of the statements in period.sql."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def days(self) -> range:
        """How many calendar days one may have."""
        lengths = {
            Period.DAY: (1, 1),
            Period.MONTH: (28, 31),
            Period.QUARTER: (90, 92),
            Period.YEAR: (365, 366),
        }
        shortest, longest = lengths[self]
        return range(shortest, longest + 1)

    @classmethod
    def of(cls, days: int) -> Period | None:
        """The one that has so many calendar days."""
        for period in cls:
            if days in period.days:
                return period
        return None

    def first_day(self, day: date) -> date:
        """Of the period that it lies in."""
        months = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}.get(self)
        if months is None:
            return day
        months_into_period = (day.month - 1) % months  # of a quarter, August is the second: 1
        return date(day.year, day.month - months_into_period, 1)

    def last_day(self, day: date) -> date:
        """Of the period that it lies in;
        of all calendars the last one where it ends behind that.
        """
        # The longest period from the first day on ends in the next one, whose first day is known:
        # 15 February lies in the month from 1 February on. 31 days later it is 3 or 4 March, whose
        # month begins on 1 March, and the day before that is the last one of February.
        in_next_period = self.first_day(day).toordinal() + self.days[-1]
        if in_next_period > date.max.toordinal():
            return date.max
        next_first_day = self.first_day(date.fromordinal(in_next_period))
        return date.fromordinal(next_first_day.toordinal() - 1)

    def define(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The macros first_day(date) and days_of_period(date) of this length, on the connection."""
        connection.execute(_SQL[self])


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """The source that rows belong to: its name in the store, the length of its periods,
    and the earlier source whose rows it `adopts`, if there is one.
    """

    name: str = "default"
    period: Period = Period.MONTH
    adopts: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The source that the settings tell of."""
        adopts = settings.definition.adopts if settings.definition else ""
        period = Period(settings.source_period)
        return cls(name=settings.source_name, period=period, adopts=adopts)
