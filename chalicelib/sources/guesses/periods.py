"""Periods: which fields hold the month of a row, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as default
from typing import TYPE_CHECKING, Any

from chalicelib.sources.periods import USUAL_FORMS

from . import words as lexicon
from .date_form import choose_form, first_day, most_useful_forms
from .dates import local_day, reader_of, zone_of
from .look import USUAL, Guess
from .period_length import find_length
from .period_parts import day_of, find_month, find_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from .date_form import FormChoice
    from .look import SourceField, Table
    from .regions import Region

KEY = "columns.production_period"
AS_GOOD_AS_PARTS = 75  # of _as_period
LEAST_READ = 0.5  # of the values: then the field is written, and what is not read is rejected


@dataclass(kw_only=True)
class Period:
    """`days` has the date of each row, as read; None where it cannot be."""

    guesses: list[Guess] = default(default_factory=list)
    fields: tuple[str, ...] = ()
    length: str = "month"
    days: list[date | None] = default(default_factory=list)


def find_period(
    table: Table, well: tuple[str, ...], taken: set[str], region: Region | None
) -> Period:
    """Fields that are `taken` are none."""
    free = [field for field in table.fields if field.name not in taken]
    single, score = _best_field(free)
    parts = find_parts(free)
    if single is None and not parts:
        return _ask(free)

    # One field is better than a year by itself, and than parts where it says the period clearly.
    is_better = score >= AS_GOOD_AS_PARTS or list(parts) in ([], ["year"])
    if single is not None and is_better and not _is_one(parts, single):
        parts = {}
    period = _of_parts(table, parts) if parts or single is None else _of_field(single, region)

    length = find_length(table, well, period.days, form=_form_of(period), parts=parts)
    period.length = length.name
    guess = Guess(key="period", value=length.name, why=length.why, sure=length.sure)
    period.guesses.insert(0, guess)
    return period


def _form_of(period: Period) -> Any:
    """As a definition names it, one or several; None where it names none."""
    for guess in period.guesses:
        if isinstance(guess.value, dict):
            return guess.value.get("format")
    return None


def _is_one(parts: dict[str, SourceField], single: SourceField) -> bool:
    """A year by itself is a part, not a date."""
    names = [field.name for field in parts.values()]
    return names == [single.name]


def _ask(free: list[SourceField]) -> Period:
    """Without a date: an entry that the reader of the draft has to complete."""
    if month := find_month(free):
        value = {"year": {"field": "_file", "pattern": "([0-9]{4})"}, "month": month.name}
        why = "a month without a year: does the name of the file tell it?"
        guess = Guess(key=KEY, value=value, why=why, is_complete=False)
        return Period(guesses=[guess], fields=(month.name,))

    example = free[0].name if free else "FIELD OF THE MONTH"
    why = "no field looks like a date, a month or a year: name the right one"
    guess = Guess(key=KEY, value=example, why=why, is_complete=False)
    return Period(guesses=[guess])


# -- one field ----------------------------------------------------------------------------------


def _best_field(free: list[SourceField]) -> tuple[SourceField | None, int]:
    scores = [(_as_period(field), field) for field in free]
    likely = [(score, field) for score, field in scores if score > 0]
    if not likely:
        return None, 0

    def rank(candidate: tuple[int, SourceField]) -> tuple[int, int]:
        score, field = candidate
        return score, -field.place  # of equals the first

    score, best = max(likely, key=rank)
    return best, score


def _as_period(field: SourceField) -> int:  # noqa: PLR0911  one for each thing that decides by itself
    """How well the field holds the month of a row; 0 when it does not."""
    if "".join(field.words) == "productionperiod":
        return 1_000

    # "First month" may be the month of a row; "first production" and "last test" are of a well.
    terms = field.terms
    is_first_month = {"first", "month"} <= terms and not terms & lexicon.PRODUCED
    is_of_a_first = "first" in terms and not is_first_month
    if terms & lexicon.NO_PERIOD or is_of_a_first or "last" in terms:
        return 0

    by_name = 0
    if terms & (lexicon.MONTH | {"period", "periodo", "periode"}):
        by_name += 30
    if terms & lexicon.DATE:
        by_name += 15
    if not by_name and not terms & (lexicon.YEAR | lexicon.QUARTER) and field.kind != "date":
        # The name says nothing: only the values can.
        return 25 if not field.is_number and _usual_form(field) is not None else 0
    if terms & lexicon.PRODUCED:
        by_name += 20

    if not field.filled_count:
        return 0 if field.values else by_name  # no row was seen, or all leave it empty
    form = _usual_form(field)
    if form == "%Y":
        return 10 + by_name
    if field.kind == "date" or form is not None:
        return 40 + by_name
    is_read = not field.is_number and _read_anyhow(field) >= LEAST_READ
    return by_name if is_read else 0


def _usual_form(field: SourceField) -> str | None:
    """What nearly all values fit: "" is a date that needs no form. None when nothing does."""
    return next(iter(field.forms), None)


def _read_anyhow(field: SourceField) -> float:
    """The share that is read where a definition names no form."""
    readers = [reader_of(form) for form in ("", *USUAL_FORMS)]
    return field.share(lambda value: any(read(value) for read in readers))


def _of_field(field: SourceField, region: Region | None) -> Period:
    if not field.filled_count:
        why = "the name says so; no value was seen, so its form is not known"
        guess = Guess(key=KEY, value=field.name, why=why)
        no_days: list[date | None] = [None] * len(field.values)
        return Period(guesses=[guess], fields=(field.name,), days=no_days)
    if not field.forms:
        return _of_several_forms(field)

    choice = choose_form(field, list(field.forms), region)
    if choice.form:
        return _of_form(field, choice)
    return _of_moments(field, choice)


def _of_form(field: SourceField, choice: FormChoice) -> Period:
    read = reader_of(choice.form)
    guess = Guess(
        key=KEY,
        value={"field": field.name, "format": choice.form},
        why=f"{choice.form} fits {_all_of(field, read)}{choice.why}",
        sure=choice.sure,
    )
    days = [read(text) for text in field.values]
    return Period(guesses=[guess], fields=(field.name,), days=days)


def _of_moments(field: SourceField, choice: FormChoice) -> Period:
    """Dates that need no form. Moments of UTC may be midnights of a zone:
    of 2023-12-31T23:00:00Z in Oslo the day is 2024-01-01.
    """
    zone = zone_of(field.counts)
    why = "dates as ISO 8601 or OData write them"
    if not zone:
        why += choice.why
    guesses = [Guess(key=KEY, value=field.name, why=why, sure=choice.sure)]

    read = reader_of(choice.form)
    days = [read(text) for text in field.values]
    if zone:
        days = [local_day(text, zone) or day for text, day in zip(field.values, days, strict=True)]
        example = next(iter(field.counts))
        why = (
            f"moments such as {example} are midnights there; without it a period starts a day early"
        )
        guesses.append(Guess(key="timezone", value=zone, why=why, is_complete=False))

    return Period(guesses=guesses, fields=(field.name,), days=days)


def _all_of(field: SourceField, holds: Callable[[str], object]) -> str:
    fitting = sum(count for value, count in field.counts.items() if holds(value))
    if fitting == field.filled_count:
        return f"all {fitting:,} values"
    return f"{fitting:,} of {field.filled_count:,} values"


def _of_several_forms(field: SourceField) -> Period:
    """Several forms in one field:
    those that are read without being named, else up to three that are.
    """
    forms, unread_count = most_useful_forms(field)
    read_share = _read_anyhow(field)
    most_unread = (1 - USUAL) * field.filled_count
    # Forms are named only where they are needed and suffice.
    if unread_count <= most_unread and read_share < USUAL:
        why = "the values have several forms"
        guess = Guess(key=KEY, value={"field": field.name, "format": forms}, why=why)
        days = _days_by_first(field, forms)
        return Period(guesses=[guess], fields=(field.name,), days=days)

    unnamed = ("", *USUAL_FORMS)
    unread = ", ".join(value for value in field.counts if first_day(value, unnamed) is None)
    why = f"the values have several forms; {read_share:.0%} of them are read as they are"
    if unread:
        why += f", not such as {unread[:60]}: name a format"
    guess = Guess(key=KEY, value=field.name, why=why, is_complete=read_share >= LEAST_READ)
    days = _days_by_first(field, unnamed)
    return Period(guesses=[guess], fields=(field.name,), days=days)


def _days_by_first(field: SourceField, forms: Sequence[str]) -> list[date | None]:
    return [first_day(text, forms) for text in field.values]


# -- several fields -----------------------------------------------------------------------------


def _of_parts(table: Table, parts: dict[str, SourceField]) -> Period:
    ending = " are separate fields" if len(parts) > 1 else " is a separate field"
    why = " and ".join(parts) + ending
    names = {part: field.name for part, field in parts.items()}
    guess = Guess(key=KEY, value=names, why=why)
    days = [day_of(parts, place) for place in range(table.rows)]
    return Period(guesses=[guess], fields=tuple(names.values()), days=days)
