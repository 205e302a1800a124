"""Part: what of a source is imported, where it is not all of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from clients.api.periods import month_days

MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Part:
    """What of a source is imported, as somebody has typed it;
    a month stands for all of its days.
    """

    field_code: str = ""
    first: str = ""
    last: str = ""

    @property
    def parameters(self) -> dict[str, str | None]:
        return {
            "field_code": self.field_code.strip() or None,
            "first": _day(self.first.strip(), is_last=False) or None,
            "last": _day(self.last.strip(), is_last=True) or None,
        }


ALL = Part()


def _day(text: str, *, is_last: bool) -> str:
    """Of 2024-02 the first day or the last, 2024-02-29; what is no month stays as it is."""
    if not MONTH.fullmatch(text):
        return text
    if is_last:
        return f"{text}-{_days_of(text)}"
    return f"{text}-01"


def _days_of(month: str) -> int:
    year_text, month_text = month.split("-")
    year = max(1, int(year_text))
    first = date(year, int(month_text), 1)
    return month_days(first)
