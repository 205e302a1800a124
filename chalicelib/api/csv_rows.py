"""Rows as CSV (RFC 4180, UTF-8), for people with a spreadsheet: pages of a list, and whole lists.

The one place that guards a spreadsheet against formulas, and that knows how numbers are written.
The console has the same guard for what it saves by itself, by `make shared`.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CSV = "text/csv"
BOM = "\ufeff"  # by it Excel tells UTF-8 from the code page of the machine
OF_REJECTS = ("page", "position", "reason", "detail", "raw", "rejected_at")
SIDES = ("before", "after")
FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001  the wide ones that Excel takes for them
# Types of SQL.
NUMBERS = re.compile(
    r"(DECIMAL\(\d+,\d+\)|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|BIGNUM)$"
)
DIGITS = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)
CONTROL = ("\t", "\r", "\n")
# Signs that are not seen, which some programs drop before they read a cell: by their categories in
# Unicode, controls and formats (C) and blanks (Z).
UNSEEN = "CZ"


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Where a decimal comma is usual, Excel separates by semicolons."""

    separator: str = ","
    decimal: str = "."


USUAL = Dialect()


class CsvLines:
    """Writes lines to a stream of text, which was opened with `newline=""`."""

    def __init__(
        self, stream: io.TextIOBase, columns: Sequence[str], dialect: Dialect = USUAL
    ) -> None:
        self._lines = csv.writer(stream, delimiter=dialect.separator, lineterminator="\r\n")
        self._cell = _cell if dialect.decimal == "." else _with_comma
        self._lines.writerow(columns)

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        cell = self._cell
        for row in rows:
            self._lines.writerow([cell(value) for value in row])


def rows_csv(name: str, rows: Sequence[Mapping[str, Any]], dialect: Dialect = USUAL) -> str:
    """The page of a list of this name."""
    if name == "rejects":
        return _text(OF_REJECTS, rows, dialect)
    if name == "changes":
        rows = list(map(_flat, rows))
    columns = list(rows[0]) if rows else []
    return _text(columns, rows, dialect)


def answer_csv(data: Mapping[str, Any], dialect: Dialect = USUAL) -> str:
    """Of a statement of SQL, which names its columns, as it likes and perhaps twice."""
    columns = data["columns"]
    heads = [harmless(column["name"]) for column in columns]
    numeric = [place for place, column in enumerate(columns) if NUMBERS.match(column["type"])]
    rows = []
    for row in data["rows"]:
        cells = list(row)
        for place in numeric:
            cells[place] = _number(cells[place])
        rows.append(cells)
    text = io.StringIO()
    CsvLines(text, heads, dialect).write(rows)
    return text.getvalue()


def _number(value: Any) -> Any:
    """JSON has no form for all of them, so some have become text."""
    if isinstance(value, str) and DIGITS.fullmatch(value):
        return Decimal(value)
    return value


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that was changed: each value before and after side by side.

    {"before": {"oil": 2}, "after": {"oil": 3}} is {"oil_before": 2, "oil_after": 3}.
    """
    cells = {name: value for name, value in row.items() if name not in (*SIDES, "differs")}
    before = row.get("before") or {}
    after = row.get("after") or {}
    for name in {**before, **after}:
        cells[f"{name}_before"] = before.get(name)
        cells[f"{name}_after"] = after.get(name)
    return cells


def _text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], dialect: Dialect) -> str:
    text = io.StringIO()
    lines = CsvLines(text, columns, dialect)
    lines.write([row[name] for name in columns] for row in rows)
    return text.getvalue()


def csv_headers(name: str, next_cursor: str | None = None) -> dict[str, str]:
    """The cursor of the next page has no place among the rows."""
    headers = {
        "Content-Type": f"{CSV}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}.csv"',
    }
    if next_cursor:
        headers["X-Next-Cursor"] = next_cursor
    return headers


def harmless(value: Any) -> Any:
    """A rejected row is whatever the source sent. Text that a spreadsheet would run as a formula
    gets a leading apostrophe, which makes it text.
    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str) or value[:1].isalnum():  # as nearly all values are
        return value
    is_run = value.startswith(CONTROL) or _first_visible_sign(value) in FORMULA
    return f"'{value}" if is_run else value


def _first_visible_sign(text: str) -> str:
    for sign in text:
        kind = unicodedata.category(sign)[0]
        if kind not in UNSEEN:
            return sign
    return ""


_cell = harmless


def _with_comma(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value).replace(".", ",")
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", ",")
    return harmless(value)
