"""Periods: which fields tell the month of a row, in which form, and how long a period is."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chalicelib.sources.periods import FORMS_OF, USUAL_FORMS

from . import words as said
from .dates import FORMS, local_day, month_named, reader_of, zone_of
from .look import USUAL, Guess

if TYPE_CHECKING:
    from collections.abc import Callable

    from .look import Seen, Table
    from .regions import Region

KEY = "columns.production_period"
AS_GOOD_AS_PARTS = 75  # of _as_period
LEAST_READ = 0.5  # of the values: then the field is written, and what is not read is rejected
MOST_FORMS = 3
LENGTHS = {"day": (1, 1), "month": (28, 31), "quarter": (84, 96), "year": (360, 370)}  # days from one to the next


@dataclass(kw_only=True)
class Period:
    """`days` has the date of each row, as read; None where it cannot be."""

    guesses: list[Guess] = field(default_factory=list)
    fields: tuple[str, ...] = ()
    length: str = "month"
    days: list[date | None] = field(default_factory=list)


def find_period(table: Table, well: tuple[str, ...], taken: set[str], region: Region | None) -> Period:
    """Fields that are `taken` are none."""
    free = [seen for seen in table.fields if seen.name not in taken]
    single, score = _best_field(free)
    parts = _find_parts(free)
    if single is None and not parts:
        return _ask(free)
    is_better = score >= AS_GOOD_AS_PARTS or list(parts) in ([], ["year"])
    if single is not None and is_better and not _is_one(parts, single):
        parts = {}
    period = _of_parts(table, parts) if parts or single is None else _of_field(single, region)
    period.length, why, sure = _length(table, well, period, parts)
    period.guesses.insert(0, Guess(key="period", value=period.length, why=why, sure=sure))
    return period


def _is_one(parts: dict[str, Seen], single: Seen) -> bool:
    """A year by itself is a part, not a date."""
    return [seen.name for seen in parts.values()] == [single.name]


def _ask(free: list[Seen]) -> Period:
    if month := _part(free, said.MONTH, _is_month):
        value = {"year": {"field": "_file", "pattern": "([0-9]{4})"}, "month": month.name}
        why = "a month without a year: does the name of the file tell it?"
        return Period(guesses=[Guess(key=KEY, value=value, why=why, is_complete=False)], fields=(month.name,))
    some = free[0].name if free else "FIELD OF THE MONTH"
    why = "no field looks like a date, a month or a year: name the right one"
    return Period(guesses=[Guess(key=KEY, value=some, why=why, is_complete=False)])


# -- one field ----------------------------------------------------------------------------------


def _best_field(free: list[Seen]) -> tuple[Seen | None, int]:
    scored = [(score, -seen.place, seen) for seen in free if (score := _as_period(seen)) > 0]
    if not scored:
        return None, 0
    score, _, best = max(scored, key=lambda each: each[:2])
    return best, score


def _as_period(seen: Seen) -> int:
    is_own = "".join(seen.words) == "productionperiod"
    if is_own:
        return 1_000
    words = seen.said
    is_first_month = {"first", "month"} <= words and not words & said.PRODUCED
    if words & said.NO_PERIOD or ("first" in words and not is_first_month) or "last" in words:
        return 0
    by_name = 30 * bool(words & (said.MONTH | {"period", "periodo", "periode"})) + 15 * bool(words & said.DATE)
    if not by_name and not words & (said.YEAR | said.QUARTER) and seen.kind != "date":
        return 25 if not seen.is_number and _usual_form(seen) is not None else 0
    by_name += 20 * bool(words & said.PRODUCED)
    if not seen.filled:
        return by_name if not seen.values else 0
    if seen.kind == "date" or _usual_form(seen) is not None:
        return 40 + by_name - 30 * (_usual_form(seen) == "%Y")
    return by_name if not seen.is_number and _read_anyhow(seen) >= LEAST_READ else 0


def _usual_form(seen: Seen) -> str | None:
    """What nearly all values fit: "" is a date that needs no form. None when nothing does."""
    return next(iter(seen.forms), None)


def _read_anyhow(seen: Seen) -> float:
    """The share that is read where a definition names no form."""
    return seen.share(lambda value: any(reader_of(form)(value) for form in ("", *USUAL_FORMS)))


def _of_field(seen: Seen, region: Region | None) -> Period:
    forms = list(seen.forms)
    if not seen.filled:
        guess = Guess(key=KEY, value=seen.name, why="the name says so; no value was seen, so its form is not known")
        return Period(guesses=[guess], fields=(seen.name,), days=[None] * len(seen.values))
    if not forms:
        return _of_several_forms(seen)
    form, why, sure = _chosen(seen, forms, region)
    told = f"{form} fits {_all_of(seen, reader_of(form))}" if form else "dates as ISO 8601 or OData write them"
    zone = "" if form else zone_of(seen.counts)
    why = "" if zone else why
    value: Any = {"field": seen.name, "format": form} if form else seen.name
    period = Period(guesses=[Guess(key=KEY, value=value, why=told + why, sure=sure)], fields=(seen.name,))
    period.days = [reader_of(form)(text) for text in seen.values]
    if zone:
        period.days = [local_day(text, zone) or day for text, day in zip(seen.values, period.days, strict=True)]
        why = f"moments such as {next(iter(seen.counts))} are midnights there; without it a period starts a day early"
        period.guesses.append(Guess(key="timezone", value=zone, why=why, is_complete=False))
    return period


def _all_of(seen: Seen, holds: Callable[[str], object]) -> str:
    fitting = sum(n for value, n in seen.counts.items() if holds(value))
    return f"all {fitting:,} values" if fitting == seen.filled else f"{fitting:,} of {seen.filled:,} values"


def _chosen(seen: Seen, forms: list[str], region: Region | None) -> tuple[str, str, bool]:
    """Of a day and a month that could be each other, the day is what hardly changes: periods begin on the first."""
    form = forms[0]
    turned = [other for other in forms if sorted(other) == sorted(form)]
    if len(turned) == 1:
        return form, _ends(seen, form), True
    days = {other: {day.day for text in seen.counts if (day := reader_of(other)(text))} for other in turned}
    fewest = min(turned, key=lambda other: len(days[other]))
    if len({len(found) for found in days.values()}) > 1:
        return fewest, ", and with it the day hardly changes", False
    wanted = "%m" if region is None or region.is_american else "%d"
    form = next((other for other in turned if other.startswith(wanted)), form)
    return form, ", but day and month could be each other: look at a date that you know", False


def _ends(seen: Seen, form: str) -> str:
    days = [day for text in seen.counts if (day := reader_of(form)(text))]
    ends = sum((day + timedelta(days=1)).day == 1 for day in days)
    return ", the last day of a month: it is cut to the first" if len(days) > 1 and ends >= USUAL * len(days) else ""


def _of_several_forms(seen: Seen) -> Period:
    """Several forms in one field: those that are read without being named, else up to three that are."""
    readers = {form: reader_of(form) for form in FORMS}
    forms: list[str] = []
    rest = dict(seen.counts)
    while rest and len(forms) < MOST_FORMS:
        form = max(readers, key=lambda each: sum(n for value, n in rest.items() if readers[each](value)))
        forms.append(form)
        rest = {value: n for value, n in rest.items() if not readers[form](value)}
    read = _read_anyhow(seen)
    missed = ", ".join(list(rest)[:3])
    if sum(rest.values()) <= (1 - USUAL) * seen.filled and read < USUAL:
        guess = Guess(key=KEY, value={"field": seen.name, "format": forms}, why="the values have several forms")
        days = [next((day for form in forms if (day := readers[form](text))), None) for text in seen.values]
        return Period(guesses=[guess], fields=(seen.name,), days=days)
    missed = ", ".join(value for value in seen.counts if not any(reader_of(f)(value) for f in ("", *USUAL_FORMS)))
    why = f"the values have several forms; {read:.0%} of them are read as they are"
    why += f", not such as {missed[:60]}: name a format" if missed else ""
    guess = Guess(key=KEY, value=seen.name, why=why, is_complete=read >= LEAST_READ)
    anyhow = [
        next((day for form in ("", *USUAL_FORMS) if (day := reader_of(form)(text))), None) for text in seen.values
    ]
    return Period(guesses=[guess], fields=(seen.name,), days=anyhow)


# -- several fields -----------------------------------------------------------------------------


def _find_parts(free: list[Seen]) -> dict[str, Seen]:
    """Year, and month or quarter, and day, each in a field of its own. Empty without a year."""
    parts = {
        "year": _part(free, said.YEAR, _is_year),
        "month": _part(free, said.MONTH, _is_month),
        "quarter": _part(free, said.QUARTER, lambda text: _number(text, 1, 4) or text.upper() in _QUARTERS),
    }
    if parts["month"] is not None:
        parts["quarter"] = None
        parts["day"] = _part(free, said.DAY, lambda text: _number(text, 1, 31))
    if parts["year"] is None:
        return {}
    return {name: seen for name, seen in parts.items() if seen is not None}


_QUARTERS = {"Q1", "Q2", "Q3", "Q4", "T1", "T2", "T3", "T4", "K1", "K2", "K3", "K4"}


def _part(free: list[Seen], named: frozenset[str], holds: Callable[[str], object]) -> Seen | None:
    """Values that are none, such as a total's, may stand between."""
    candidates = [
        seen
        for seen in free
        if seen.said & named and not seen.said & (said.NO_PERIOD | said.OWNER) and "days" not in seen.said
        if not seen.values or seen.share(holds) >= 0.8  # noqa: PLR2004
    ]
    return min(candidates, key=lambda seen: (not seen.said & said.PRODUCED, len(seen.words)), default=None)


def _number(text: str, least: int, most: int) -> int:
    """0 when it is none of them."""
    digits = text.removesuffix(".0")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 4  # noqa: PLR2004
    return int(digits) if is_number and least <= int(digits) <= most else 0


def _is_year(text: str) -> int:
    return _number(text, 1859, 2199)


def _is_month(text: str) -> int:
    return _number(text, 1, 12) or month_named(text)


def _of_parts(table: Table, parts: dict[str, Seen]) -> Period:
    why = " and ".join(parts) + (" are fields of their own" if len(parts) > 1 else " is a field of its own")
    value = {name: seen.name for name, seen in parts.items()}
    period = Period(guesses=[Guess(key=KEY, value=value, why=why)], fields=tuple(value.values()))
    period.days = [_day_of(parts, place) for place in range(table.rows)]
    return period


def _day_of(parts: dict[str, Seen], place: int) -> date | None:
    year = _is_year(parts["year"].values[place])
    month = 1
    if "month" in parts:
        month = _is_month(parts["month"].values[place])
    elif "quarter" in parts:
        found = re.search("[1-4]", parts["quarter"].values[place])
        month = 3 * int(found[0]) - 2 if found else 0
    day = _number(parts["day"].values[place], 1, 31) if "day" in parts else 1
    try:
        return date(year, month, day)
    except ValueError:
        return None


# -- how long it is -----------------------------------------------------------------------------


def _length(table: Table, well: tuple[str, ...], period: Period, parts: dict[str, Seen]) -> tuple[str, str, bool]:
    named = [table.by_name[name].values for name in well if name in table.by_name]
    days: dict[tuple[str, ...], set[date]] = defaultdict(set)
    for place, day in enumerate(period.days):
        if day:
            days[tuple(values[place] for values in named)].add(day)
    apart = Counter((after - before).days for found in days.values() for before, after in pairwise(sorted(found)))
    usual = apart.most_common(1)[0][0] if apart else 0
    length = next((name for name, (least, most) in LENGTHS.items() if least <= usual <= most), "")
    if parts:
        told = "day" if "day" in parts else next((each for each in ("month", "quarter") if each in parts), "year")
        return told, f"{' and '.join(parts)} {'are' if len(parts) > 1 else 'is'} told", length in (told, "")
    form = next((guess.value.get("format") for guess in period.guesses if isinstance(guess.value, dict)), None)
    if told := next((each for each, forms in FORMS_OF.items() if form in forms), ""):
        return told, f"{form} tells a {told}", True
    if length:
        return length, f"dates of a well are mostly {usual} {'day' if usual == 1 else 'days'} apart", True
    dates = {day for day in period.days if day}
    if usual == 0 and len({day.day for day in dates}) > 1 and not _are_ends(dates):
        return "month", "dates are of several days of a month, and no well has two: say day if they are days", False
    return "month", f"dates of a well are mostly {usual} days apart" if usual else "most publish by month", False


def _are_ends(days: set[date]) -> bool:
    return all((day + timedelta(days=1)).day == 1 for day in days)
