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
        "year": _part(free, lexicon.YEAR, _is_year),
        "month": find_month(free),
        "quarter": _part(
            free, lexicon.QUARTER, lambda text: _number(text, 1, 4) or text.upper() in _QUARTERS
        ),
    }
    if parts["month"] is not None:
        parts["quarter"] = None
        parts["day"] = _part(free, lexicon.DAY, lambda text: _number(text, 1, 31))
    if parts["year"] is None:
        return {}
    return {name: field for name, field in parts.items() if field is not None}


def find_month(free: list[SourceField]) -> SourceField | None:
    return _part(free, lexicon.MONTH, _is_month)


def _part(
    free: list[SourceField], terms: frozenset[str], holds: Callable[[str], object]
) -> SourceField | None:
    """The field of one part by its name, whose values are such;
    a few that are none, as in a total's row, may be among them.
    """
    candidates = [field for field in free if _is_called(field, terms) and _is_part(field, holds)]
    return min(
        candidates,
        key=lambda field: (not field.terms & lexicon.PRODUCED, len(field.words)),
        default=None,
    )


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


def _is_year(text: str) -> int:
    return _number(text, 1859, 2199)


def _is_month(text: str) -> int:
    return _number(text, 1, 12) or month_of_name(text)


def _number(text: str, least: int, most: int) -> int:
    """0 when it is none of them."""
    digits = text.removesuffix(".0")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= 4  # noqa: PLR2004
    number = int(digits) if is_number else 0
    return number if is_number and least <= number <= most else 0
