"""PeriodLength: how long a period is: a day, a month, a quarter or a year."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from chalicelib.sources.periods import FORMS_OF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .look import SourceField, Table

# Days from one to the next.
LENGTHS = {"day": (1, 1), "month": (28, 31), "quarter": (84, 96), "year": (360, 370)}


class Length(NamedTuple):
    """Of a period: `name` is one of LENGTHS."""

    name: str
    why: str
    sure: bool


def find_length(
    table: Table,
    well: tuple[str, ...],
    days: Sequence[date | None],
    *,
    form: Any,
    parts: dict[str, SourceField],
) -> Length:
    """By the `parts` that have fields of their own, else by the `form` of the dates,
    else by the days from one date of a well to its next. `days` has the date of each row.
    """
    usual = _usual_distance(table, well, days)
    by_distance = _length_by_distance(usual)
    # Fields "Year" and "Month" make a month. It is in doubt where the dates of a well lie further
    # apart: the month may be that in which a year ends.
    if parts:
        finest = next((part for part in ("day", "month", "quarter") if part in parts), "year")
        verb = "are" if len(parts) > 1 else "is"
        why = f"{' and '.join(parts)} {verb} given"
        return Length(finest, why, sure=by_distance in (finest, ""))

    # A form such as %Y-Q%q is that of one length only.
    by_form = next((name for name, forms in FORMS_OF.items() if form in forms), "")
    if by_form:
        return Length(by_form, f"{form} tells a {by_form}", sure=True)

    if by_distance:
        unit = "day" if usual == 1 else "days"
        why = f"dates of a well are mostly {usual} {unit} apart"
        return Length(by_distance, why, sure=True)
    return _length_in_doubt(days, usual)


def _length_by_distance(days: int) -> str:
    """31 days from one date to the next are a month; "" where no period is as long."""
    for name, (least, most) in LENGTHS.items():
        if least <= days <= most:
            return name
    return ""


def _length_in_doubt(days: Sequence[date | None], usual: int) -> Length:
    dates = {day for day in days if day}
    days_of_month = {day.day for day in dates}
    if usual:
        why = f"dates of a well are mostly {usual} days apart"
    elif len(days_of_month) > 1 and not all(map(is_end, dates)):
        why = "dates are of several days of a month, and no well has two: say day if they are days"
    else:
        why = "most publish by month"
    return Length("month", why, sure=False)


def _usual_distance(table: Table, well: tuple[str, ...], days: Sequence[date | None]) -> int:
    """Days from one date of a well to its next one, as most of them have it;
    0 where no well has two.
    """
    values_of_well = [table.by_name[name].values for name in well if name in table.by_name]
    dates_by_well: dict[tuple[str, ...], set[date]] = defaultdict(set)
    for place, day in enumerate(days):
        if day:
            code = tuple(values[place] for values in values_of_well)
            dates_by_well[code].add(day)

    distances: Counter[int] = Counter()
    for dates in dates_by_well.values():
        in_order = sorted(dates)
        distances.update((after - before).days for before, after in pairwise(in_order))

    if not distances:
        return 0
    ((usual, _),) = distances.most_common(1)
    return usual


def is_end(day: date) -> bool:
    """The last of its month."""
    next_day = day + timedelta(days=1)
    return next_day.day == 1
