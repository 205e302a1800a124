"""PeriodParts: year, and month or quarter, and day, each in a field of its own."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from . import words as lexicon
from .dates import month_of_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from .look import SourceField

LEAST_OF_PART = 0.8  # of the values of a year, a month, a quarter or a day
_QUARTERS = {"Q1", "Q2", "Q3", "Q4", "T1", "T2", "T3", "T4", "K1", "K2", "K3", "K4"}


def find_parts(free: list[SourceField]) -> dict[str, SourceField]:
    """By the name of the part. Empty without a year."""
    parts = {
        "year": _part(free, lexicon.YEAR, _year),
        "month": find_month(free),
        "quarter": _part(free, lexicon.QUARTER, _is_quarter),
    }
    if parts["month"] is not None:
        parts["quarter"] = None  # which the month tells already
        parts["day"] = _part(free, lexicon.DAY, _day)
    if parts["year"] is None:
        return {}
    return {name: field for name, field in parts.items() if field is not None}


def find_month(free: list[SourceField]) -> SourceField | None:
    return _part(free, lexicon.MONTH, _month)


def _part(
    free: list[SourceField], terms: frozenset[str], holds: Callable[[str], object]
) -> SourceField | None:
    """The field of one part by its name, whose values are such;
    a few that are none, as in a total's row, may be among them.
    """
    candidates = [field for field in free if _is_called(field, terms) and _is_part(field, holds)]

    def rank(field: SourceField) -> tuple[bool, int]:
        is_of_production = bool(field.terms & lexicon.PRODUCED)
        return not is_of_production, len(field.words)

    return min(candidates, key=rank, default=None)


def _is_called(field: SourceField, terms: frozenset[str]) -> bool:
    is_else = field.terms & (lexicon.NO_PERIOD | lexicon.OWNER)
    if is_else or "days" in field.terms:
        return False
    return bool(field.terms & terms)


def _is_part(field: SourceField, holds: Callable[[str], object]) -> bool:
    if not field.values:
        return True
    return field.share(holds) >= LEAST_OF_PART


def day_of(parts: dict[str, SourceField], place: int) -> date | None:
    """Of the row at `place`: 2024 and Q3 are 2024-07-01. None where a part cannot be read."""
    texts = {name: field.values[place] for name, field in parts.items()}
    year = _year(texts["year"])
    month = 1
    if "month" in texts:
        month = _month(texts["month"])
    elif "quarter" in texts:
        quarter = re.search("[1-4]", texts["quarter"])
        month = 3 * int(quarter[0]) - 2 if quarter else 0  # and 0 is no month of a date
    day = _day(texts["day"]) if "day" in texts else 1

    try:
        return date(year, month, day)
    except ValueError:
        return None


def _year(text: str) -> int:
    return _number(text, 1859, 2199)


def _month(text: str) -> int:
    return _number(text, 1, 12) or month_of_name(text)


def _is_quarter(text: str) -> bool:
    is_number = _number(text, 1, 4) > 0
    return is_number or text.upper() in _QUARTERS


def _day(text: str) -> int:
    return _number(text, 1, 31)


def _number(text: str, least: int, most: int) -> int:
    """0 when it is none of them. `least` is 1 or more."""
    digits = text.removesuffix(".0")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 4  # noqa: PLR2004
    if not is_number:
        return 0
    number = int(digits)
    return number if least <= number <= most else 0
