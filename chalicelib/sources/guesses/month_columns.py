"""MonthColumns: a column a month, turned into rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .dates import month_named
from .look import MOST_ROWS, Guess, Look

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_MONTHS = 6


def turned(look: Look) -> tuple[Look, list[Guess]]:
    """As [unpivot] turns it; the same where there are no such columns."""
    months = [name for name in look.fields if name.isalpha() and month_named(name)]
    if len({month_named(name) for name in months}) < max(LEAST_MONTHS, len(months)):
        return look, []
    month, value = _free("Month", look.fields), _free("Volume", look.fields)
    rest = [name for name in look.fields if name not in months]
    rows = [
        {name: row.get(name) for name in rest} | {month: each, value: row.get(each)}
        for row in look.rows[: MOST_ROWS // len(months)]
        for each in months
        if row.get(each)
    ]
    pattern = f"(?P<Month>{'|'.join(map(re.escape, months))})"
    told = {"fields": pattern.replace("<Month>", f"<{month}>"), "value": value}
    guess = Guess(key="unpivot", value=told, why=f"{len(months)} columns are called like months")
    return Look(fields=(*rest, month, value), rows=rows, kinds=look.kinds), [guess]


def _free(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "_"
    return name
