"""MonthColumns: a column a month, or a product and month, turned into rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.sources.periods import format_parts

from .dates import month_named, read_day
from .look import LONGEST_NAME, MOST_ROWS, Guess, Look
from .words import TOTAL, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_MONTHS = 6
LEAST_DATED = 3
LONGEST_PATTERN = 400  # characters
FORMS = ("%Y-%m", "%b %Y", "%b-%Y", "%b-%y", "%b_%Y", "%m/%Y", "%Y_%m", "%Y%m", "%Y %b", "%Y-%m-%d", "%d/%m/%Y")


def turned(look: Look) -> tuple[Look, list[Guess]]:
    """As [unpivot] turns it; the same where there are no such columns."""
    months = [name for name in look.fields if name.isalpha() and month_named(name)]
    if len({month_named(name) for name in months}) >= max(LEAST_MONTHS, len(months)):
        pattern = f"(?P<{_free('Month', look.fields)}>{'|'.join(map(re.escape, months))})"
        return _as_rows(look, pattern, "months")
    dated = max((_dated(look.fields, form) for form in FORMS), key=lambda found: found[0])
    return _as_rows(look, dated[1], "months of a year") if dated[0] >= LEAST_DATED else (look, [])


def _dated(fields: tuple[str, ...], form: str) -> tuple[int, str]:
    """How many are called like a month of a year, each perhaps with a product before it; and the pattern of all."""
    of_form = re.sub(r"\((?!\?)", "(?:", format_parts(form).pattern[1:-1].replace(r"\pL", "[A-Za-z]"))
    of_form = of_form.replace("{4,4}", "{4}")
    named = re.compile(rf"(?:(.+?)([ _-]))?({of_form})")
    found = [match for name in fields if len(name) <= LONGEST_NAME and (match := named.fullmatch(name))]
    found = [match for match in found if read_day(form, match[3])]
    before = list(dict.fromkeys(match[1] or "" for match in found))
    period = f"(?P<{_free('Period', fields)}>{of_form})"
    if before == [""]:
        return len(found), period
    pattern = f"(?P<{_free('Product', fields)}>{'|'.join(map(re.escape, before))})[ _-]{period}"
    return (len(found), pattern) if "" not in before and len(pattern) <= LONGEST_PATTERN else (0, "")


def _as_rows(look: Look, pattern: str, called: str) -> tuple[Look, list[Guess]]:
    value = _free("Volume", look.fields)
    matches = {name: match.groupdict() for name in look.fields if (match := re.fullmatch(pattern, name))}
    rest = [name for name in look.fields if name not in matches and not set(words_of(name)) & TOTAL]
    rows = [
        {name: row.get(name) for name in rest} | groups | {value: row.get(each)}
        for row in look.rows[: max(1, MOST_ROWS // len(matches))]
        for each, groups in matches.items()
        if row.get(each)
    ]
    made = next(iter(matches.values()))
    guess = Guess(
        key="unpivot",
        value={"fields": pattern, "value": value},
        why=f"{len(matches)} columns are called like {called}",
    )
    return Look(fields=(*rest, *made, value), rows=rows, kinds=look.kinds), [guess]


def _free(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "_"
    return name
