"""Periods of any length: how long one is, what comes next, and how it is called."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Any

from clients.api.words import PERIODS

if TYPE_CHECKING:
    from collections.abc import Mapping

CODES = ("field_code", "well_code")


def row_of(view: Mapping[str, Any]) -> dict[str, Any]:
    """Codes are text.
    What an older API answers has them as numbers, and months without their length.
    """
    row = dict(view)
    for code in CODES:
        if isinstance(row.get(code), int | float):
            row[code] = str(row[code])
    if "production_period" in row and row.get("period_days") is None:
        row["period_days"] = month_days(date.fromisoformat(row["production_period"]))
    if "well_code" in row or "production_period" in row:
        row.setdefault("source", None)
    if "well_code" in row and "production_period" in row:
        row.setdefault("source_rows", None)
    return row


def month_days(day: date) -> int:
    _, days = monthrange(day.year, day.month)
    return days


def follows(before: date, days: int, after: date) -> bool:
    """Whether nothing is missing between a period of so many days and a later one."""
    distance = after - before
    return distance.days <= days


def length_name(days: int) -> str:
    """Such as month, in the singular; `period` for a length without a name."""
    for name, least, most in PERIODS:
        if least <= days <= most:
            return name
    return "period"


def period_name(day: date, days: int) -> str:
    """Such as 5 Jan 2020, Jan 2020, Q1 2020, 2020."""
    kind = length_name(days)
    if kind == "month":
        return f"{day:%b %Y}"
    if kind == "quarter":
        return f"Q{(day.month + 2) // 3} {day.year}"
    if kind == "year":
        return str(day.year)
    return f"{day.day} {day:%b %Y}"
