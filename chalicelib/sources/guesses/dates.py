"""Dates: texts read in a form, as the form's SQL would read them;
and moments that are a local midnight.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from chalicelib.sources.periods import (
    FORMS_OF,
    NAMES,
    USUAL_FORMS,
    find_zone,
    format_parts,
    pivot,
)

from .words import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OTHER_FORMS = (
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m-%Y",
    "%m.%Y",
    "%Y.%m",
    "%Y/%m/%d",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%b %d, %Y",
    "%b/%Y",
    "%b/%y",
    "%b.%Y",
    "%b%Y",
    "%b%y",
    "%Y %b",
    "%Y-%b",
    "%Y%b",
    "%y%b",
    "%b, %Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%b de %Y",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
)
FORMS = (*USUAL_FORMS, *(form for forms in FORMS_OF.values() for form in forms), *OTHER_FORMS)
ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ].*)?", re.ASCII | re.DOTALL)
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]*)?)?(Z|z|[+-]00:?00)?",
    re.ASCII,
)
_TICKS = re.compile(r"/Date\((-?[0-9]{1,16})(?:[+-][0-9]{1,5})?\)/", re.ASCII)
_MONTHS = {name: month for month, names in NAMES.items() for name in names.split()}
MOST_TICKS = 7_258_118_400_000  # ms, the year 2200
FIRST_YEAR, LAST_YEAR = 1859, 2199

# A zone of each place that publishes, with a clock like which no earlier one of the list is set.
ZONES = (
    "Europe/Oslo",
    "Europe/London",
    "Europe/Bucharest",
    "Europe/Istanbul",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Caracas",
    "Africa/Lagos",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Jakarta",
    "Asia/Singapore",
    "Australia/Brisbane",
    "Australia/Sydney",
    "Pacific/Auckland",
)


def reader_of(form: str) -> Callable[[str], date | None]:
    """Reads a text that has the form; "" is a date as ISO 8601 or OData write it."""
    return lambda text: read_day(form, text)


@lru_cache(maxsize=65_536)
def read_day(form: str, text: str) -> date | None:
    if not form:
        return day_of_iso(text) or day_of_ticks(text)
    pattern, groups = _compile(form)
    match = pattern.fullmatch(text)
    if not match:
        return None
    parts = dict(zip(groups, match.groups(), strict=True))
    return _date(parts)


@lru_cache(maxsize=1_000)
def _compile(form: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    parts = format_parts(form)
    pattern = parts.pattern.replace(r"\pL", r"[^\W\d_]")  # Python knows no \pL
    return re.compile(pattern), parts.groups


def _date(part: dict[str, str]) -> date | None:
    year = int(part["year"]) if "year" in part else _century(int(part["short_year"]))

    month = int(part.get("month", "1"))
    if "name" in part:
        month = month_of_name(part["name"])
    elif "quarter" in part:
        month = 3 * int(part["quarter"]) - 2  # Q3 begins in July

    day = int(part.get("day", "1"))
    return _day(year, month, day)


def _century(year: int) -> int:
    if year > pivot():
        return year + 1900
    return year + 2000


def _day(year: int, month: int, day: int) -> date | None:
    is_month = FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12  # noqa: PLR2004
    if not is_month:
        return None
    _, last_day = monthrange(year, month)
    if not 1 <= day <= last_day:
        return None
    return date(year, month, day)


def day_of_iso(text: str) -> date | None:
    match = ISO.fullmatch(text)
    if not match:
        return None
    year, month, day = map(int, match.groups())
    return _day(year, month, day)


def day_of_ticks(text: str) -> date | None:
    """Of OData v2: milliseconds since 1970. /Date(1704067200000)/ is 2024-01-01."""
    match = _TICKS.fullmatch(text)
    if not match:
        return None
    ticks = int(match[1])
    if abs(ticks) > MOST_TICKS:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ticks)
    return moment.date()


def month_of_name(text: str) -> int:
    """0 when it is none in one of the five languages."""
    word = plain(text).lower().rstrip(".")
    return _MONTHS.get(word, 0)


# -- local midnight -----------------------------------------------------------------------------


def zone_of(texts: Iterable[str]) -> str:
    """The zone in which moments of UTC are midnights; empty when they are so in UTC, or in none."""
    moments = [moment for moment in map(_moment, texts) if moment]
    if not moments or not any(moment.hour or moment.minute for moment in moments):
        return ""
    for zone in ZONES:
        if _are_midnights(moments, zone):
            return zone
    return ""


def local_day(text: str, zone: str) -> date | None:
    moment = _moment(text)
    known = find_zone(zone)
    if not moment or not known:
        return None
    return moment.astimezone(known).date()


def _moment(text: str) -> datetime | None:
    match = _MOMENT.fullmatch(text)
    if not match:
        return None
    day = day_of_iso(match[1])
    hour, minute, second = (int(match[group] or 0) for group in (2, 3, 4))
    is_time = hour < 24 and minute < 60 and second < 60  # noqa: PLR2004
    if day is None or not is_time:
        return None
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)


def _are_midnights(moments: list[datetime], name: str) -> bool:
    zone = find_zone(name)
    if not zone or not moments:
        return False
    local_moments = [moment.astimezone(zone) for moment in moments]
    midnights = [moment for moment in local_moments if not (moment.hour or moment.minute)]
    return len(midnights) >= 0.98 * len(local_moments)
