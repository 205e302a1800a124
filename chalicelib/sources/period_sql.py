"""The forms of periods as SQL:
an expression whose text is an ISO date, or one that no column takes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from chalicelib.store.row_reading import DOUBTFUL_DATE, UNREADABLE, literal

from .periods import NAMES, format_parts, pivot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A name that no field has: DuckDB would take the field of that name.
FOUND = '"what was found of a date"'

# Two lists, so that the name stands once in the expression: DuckDB plans each copy of it anew.
_NUMBERED_NAMES = [(word, month) for month, words in NAMES.items() for word in words.split()]
_MONTH_NAMES = f"[{', '.join(literal(word) for word, _ in _NUMBERED_NAMES)}]"
_MONTHS = str([month for _, month in _NUMBERED_NAMES])


def date_of_text(text: str, forms: Iterable[str], *, is_strict: bool) -> str:
    """The first of the forms that the whole text has.
    `is_strict`: no other is taken; else an ISO date goes first.
    """
    dates = ", ".join(_date_of_form(text, form) for form in forms)
    otherwise = f"{UNREADABLE}{text}" if is_strict else text
    found = f"coalesce({dates}, {otherwise})"
    is_empty = f"{text} IS NULL OR stripped({text}) = ''"
    date = f"CASE WHEN {is_empty} THEN NULL ELSE {found} END"
    if is_strict:
        return date
    return f"CASE WHEN is_like_day({text}) THEN {text} ELSE {date} END"


def iso_date(text: str) -> str:
    """As date_of_text of a text that it leaves as it is, and of none; any other one is doubtful.
    All forms take DuckDB longer to plan than 20,000 rows to be read.
    """
    otherwise = f"CAST(error({literal(DOUBTFUL_DATE)}) AS VARCHAR)"
    return f"CASE WHEN is_like_day({text}) OR {text} IS NULL THEN {text} ELSE {otherwise} END"


def date_of_parts(parts: Mapping[str, str]) -> str:
    """`parts` are texts of year, and month or quarter, and day."""
    year = _whole(parts["year"], 4)
    month = "1"
    if "month" in parts:
        by_number = _whole(parts["month"], 2)
        by_name = _month_of(parts["month"])
        month = f"coalesce({by_number}, {by_name})"
    elif "quarter" in parts:
        month = f"3 * {_quarter_of(parts['quarter'])} - 2"  # the first of the quarter's three
    day = _whole(parts["day"], 2) if "day" in parts else "1"
    date = _date(year, month, day)
    as_text = " || ' ' || ".join(f"coalesce({text}, '')" for text in parts.values())
    is_empty = " OR ".join(f"coalesce(stripped({text}), '') = ''" for text in parts.values())
    return f"CASE WHEN {is_empty} THEN NULL ELSE coalesce({date}, {UNREADABLE}{as_text}) END"


def _whole(text: str, most: int) -> str:
    """Of digits alone: DuckDB rounds 3.7 to 4, and takes 1_0 for 10. The number 3.0 is 3."""
    digits = literal(f"[0-9]{{1,{most}}}")
    part = f"part_of_code({text})"
    return f"CASE WHEN regexp_full_match({part}, {digits}) THEN CAST({part} AS INTEGER) END"


def _quarter_of(text: str) -> str:
    """Of 1, Q1, 1Q, T1, 1st quarter, and the like; not of a text with another digit in it."""
    return (
        f"TRY_CAST(regexp_extract(part_of_code({text}), '^[^0-9]*([1-4])[^0-9]*$', 1) AS INTEGER)"
    )


def day_in_zone(text: str, zone: str, *, is_sure: bool) -> str:
    """The local date of a moment; a date without a time is what it says. Unless `is_sure`, midnight
    in UTC is a date too: the zone is that of the source as a whole, and west of Greenwich it would
    turn each first of a month into the last day of the one before.
    """
    moment = f"read_moment({text})"
    there = f"timezone({literal(zone)}, make_timestamptz({moment}))"
    local = f"CAST(CAST({there} AS DATE) AS VARCHAR)"
    is_moment = f"strlen({text}) > 10 AND {moment} IS NOT NULL"
    if not is_sure:
        is_moment += f" AND {moment} % 86400000000 <> 0"
    return f"CASE WHEN {is_moment} THEN {local} ELSE {text} END"


@lru_cache(maxsize=1024)  # for each file, and for each worker of an import
def _date_of_form(text: str, form: str) -> str:
    """NULL where the text has another form, or is no date."""
    read = format_parts(form)
    names = ", ".join(literal(name) for name in read.groups)
    found = f"regexp_extract(stripped({text}), {literal(read.pattern)}, [{names}])"
    part = {name: f"{FOUND}.{name}" for name in read.groups}
    year = (
        f"TRY_CAST({part['year']} AS INTEGER)" if "year" in part else _year_of(part["short_year"])
    )
    month = "1"
    if "month" in part:
        month = f"TRY_CAST({part['month']} AS INTEGER)"
    elif "name" in part:
        month = _month_of(part["name"])
    elif "quarter" in part:
        month = f"3 * TRY_CAST({part['quarter']} AS INTEGER) - 2"
    day = f"TRY_CAST({part['day']} AS INTEGER)" if "day" in part else "1"
    return f"list_transform([{found}], lambda {FOUND}: {_date(year, month, day)})[1]"


def _date(year: str, month: str, day: str) -> str:
    """As text. What is no date of the calendar is NULL, as is a year of other than four digits."""
    text = f"printf('%04d-%02d-%02d', {year}, {month}, {day})"
    return (
        f"CASE WHEN {year} BETWEEN 1000 AND 9999 THEN CAST(TRY_CAST({text} AS DATE) AS VARCHAR) END"
    )


def _year_of(two_digits: str) -> str:
    number = f"TRY_CAST({two_digits} AS INTEGER)"
    return f"CASE WHEN {number} > {pivot()} THEN 1900 + {number} ELSE 2000 + {number} END"


def _month_of(name: str) -> str:
    """Of its name in one of the five languages; NULL for another word."""
    plain = f"strip_accents(lower(rtrim(stripped({name}), '.')))"
    return f"({_MONTHS})[list_position({_MONTH_NAMES}, {plain})]"
