"""MonthColumns: a column a month, or a product and month, turned into rows.

A row (Well A, Oil 2024-01: 5, Oil 2024-02: 7) becomes (A, Oil, 2024-01, 5) and (A, Oil, 2024-02, 7).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.sources.periods import format_parts

from .dates import month_of_name, read_day
from .look import LONGEST_NAME, MOST_ROWS, Guess, Look
from .words import TOTAL, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_MONTHS = 6
LEAST_DATED = 3
LONGEST_PATTERN = 400  # characters
FORMS = (
    "%Y-%m",
    "%b %Y",
    "%b-%Y",
    "%b-%y",
    "%b_%Y",
    "%m/%Y",
    "%Y_%m",
    "%Y%m",
    "%Y %b",
    "%Y-%m-%d",
    "%d/%m/%Y",
)


class DatedColumns(NamedTuple):
    """How many there are, and the pattern of all their names."""

    number: int
    pattern: str


NO_COLUMNS = DatedColumns(0, "")


def turn_months(look: Look) -> tuple[Look, list[Guess]]:
    """As [unpivot] turns it; the same where there are no such columns."""
    months = [name for name in look.fields if name.isalpha() and month_of_name(name)]
    distinct = {month_of_name(name) for name in months}
    # Two columns for one month would be something else beside the volume.
    are_months = len(distinct) >= max(LEAST_MONTHS, len(months))
    if are_months:
        names = "|".join(map(re.escape, months))
        group = _free("Month", look.fields)
        return _as_rows(look, f"(?P<{group}>{names})", "months")

    columns_of_forms = [_columns_of_form(look.fields, form) for form in FORMS]
    best = max(columns_of_forms, key=lambda columns: columns.number)
    if best.number < LEAST_DATED:
        return look, []
    return _as_rows(look, best.pattern, "months of a year")


def _columns_of_form(fields: tuple[str, ...], form: str) -> DatedColumns:
    """Those that are called like a month of a year, each perhaps with a product before it.

    With "%Y-%m", Oil 2024-01, Oil 2024-02 and Gas 2024-01 are three, whose pattern is
    (?P<Product>Oil|Gas)[ _-](?P<Period>...).
    """
    months = _pattern_of(form)
    name_of_column = re.compile(rf"(?:(.+?)([ _-]))?({months})")  # product, sign between, month
    short_names = [name for name in fields if len(name) <= LONGEST_NAME]
    candidates = [name_of_column.fullmatch(name) for name in short_names]
    matches = [match for match in candidates if match and read_day(form, match[3])]
    products = list(dict.fromkeys(match[1] or "" for match in matches))

    period_group = _free("Period", fields)
    period = f"(?P<{period_group}>{months})"
    if products == [""]:
        return DatedColumns(len(matches), period)

    names = "|".join(map(re.escape, products))
    product_group = _free("Product", fields)
    pattern = f"(?P<{product_group}>{names})[ _-]{period}"
    if "" in products or len(pattern) > LONGEST_PATTERN:
        return NO_COLUMNS
    return DatedColumns(len(matches), pattern)


def _pattern_of(form: str) -> str:
    """Without groups, and as short as may be: it is written into the definition."""
    anchored = format_parts(form).pattern  # ^([0-9]{4,4})-([0-9]{1,2})$
    pattern = anchored[1:-1].replace(r"\pL", "[A-Za-z]")
    without_groups = re.sub(r"\((?!\?)", "(?:", pattern)
    return without_groups.replace("{4,4}", "{4}")


def _as_rows(look: Look, pattern: str, called: str) -> tuple[Look, list[Guess]]:
    """A row of each of the columns that have a value. `called` says what their names are."""
    value_field = _free("Volume", look.fields)
    matches = {name: re.fullmatch(pattern, name) for name in look.fields}
    columns = {name: match.groupdict() for name, match in matches.items() if match}
    # A total next to the months would be repeated in the row of each of them.
    others = [name for name in look.fields if name not in columns]
    rest = [name for name in others if TOTAL.isdisjoint(words_of(name))]

    rows: list[dict[str, str | None]] = []
    most_rows = max(1, MOST_ROWS // len(columns))
    for row in look.rows[:most_rows]:
        same = {name: row.get(name) for name in rest}
        for name, groups in columns.items():
            if value := row.get(name):
                rows.append(same | groups | {value_field: value})

    groups_of_first = next(iter(columns.values()))
    fields = (*rest, *groups_of_first, value_field)
    guess = Guess(
        key="unpivot",
        value={"fields": pattern, "value": value_field},
        why=f"{len(columns)} columns are called like {called}",
    )
    return Look(fields=fields, rows=rows, kinds=look.kinds), [guess]


def _free(name: str, taken: Iterable[str]) -> str:
    while name in taken:
        name += "_"
    return name
