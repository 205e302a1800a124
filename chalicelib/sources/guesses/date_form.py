"""DateForm: in which form a field writes its dates, one or several."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .dates import FORMS, reader_of
from .look import USUAL
from .period_length import is_end

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from .look import SourceField
    from .regions import Region

MOST_FORMS = 3


class FormChoice(NamedTuple):
    """A form of dates; `why` goes on after the words that name it, and may be empty."""

    form: str
    why: str
    sure: bool


def choose_form(field: SourceField, forms: list[str], region: Region | None) -> FormChoice:
    """Of a day and a month that could be each other, the day is what hardly changes: periods begin
    on the first.

    01/02/2024, 01/03/2024 are read as %d/%m/%Y: with it all days are the first, with %m/%d/%Y they
    differ.
    """
    form = forms[0]
    turned = [other for other in forms if sorted(other) == sorted(form)]  # the same parts
    if len(turned) == 1:
        return FormChoice(form, _ends(field, form), sure=True)

    days_of_month: dict[str, int] = {}  # of each form, how many different ones
    for other in turned:
        distinct = {day.day for day in _days_in(field, other)}
        days_of_month[other] = len(distinct)
    steadiest = min(turned, key=lambda other: days_of_month[other])
    differ = len(set(days_of_month.values())) > 1
    if differ:
        return FormChoice(steadiest, ", and with it the day hardly changes", sure=False)

    # Nothing in the values decides: as people write it where the wells are.
    first_part = "%m" if region is None or region.is_american else "%d"
    form = next((other for other in turned if other.startswith(first_part)), form)
    why = ", but day and month could be each other: look at a date that you know"
    return FormChoice(form, why, sure=False)


def _days_in(field: SourceField, form: str) -> list[date]:
    """Of the distinct values, those that have the form."""
    read = reader_of(form)
    days = [read(text) for text in field.counts]
    return [day for day in days if day]


def _ends(field: SourceField, form: str) -> str:
    days = _days_in(field, form)
    ends = sum(is_end(day) for day in days)
    if len(days) > 1 and ends >= USUAL * len(days):
        return ", the last day of a month: it is cut to the first"
    return ""


def most_useful_forms(field: SourceField) -> tuple[list[str], int]:
    """Up to three: each reads the most of what those before it left.
    And how many values are left in the end.
    """
    forms: list[str] = []
    unread = dict(field.counts)
    while unread and len(forms) < MOST_FORMS:
        counts_of_forms = {form: _count_of(unread, form) for form in FORMS}
        best = max(counts_of_forms, key=lambda form: counts_of_forms[form])
        forms.append(best)
        read = reader_of(best)
        unread = {value: count for value, count in unread.items() if not read(value)}
    return forms, sum(unread.values())


def _count_of(counts: dict[str, int], form: str) -> int:
    """How many of the values have the form."""
    read = reader_of(form)
    return sum(count for value, count in counts.items() if read(value))


def first_day(text: str, forms: Sequence[str]) -> date | None:
    """By the first form that the text has."""
    for form in forms:
        read = reader_of(form)
        day = read(text)
        if day:
            return day
    return None
