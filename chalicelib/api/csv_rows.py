"""Rows as CSV (RFC 4180, UTF-8), for people with a spreadsheet: pages of a list, and whole lists.

The one place that guards a spreadsheet against formulas, and that knows how numbers are written.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CSV = "text/csv"
BOM = "\ufeff"  # by it Excel tells UTF-8 from the code page of the machine
OF_REJECTS = ("page", "position", "reason", "detail", "raw", "rejected_at")
SIDES = ("before", "after")
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001  the wide ones that Excel takes for them
NUMBERS = re.compile(r"(DECIMAL\(\d+,\d+\)|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|BIGNUM)$")  # types of SQL
DIGITS = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)
CONTROL = ("\t", "\r", "\n")
# Before what is shown, some programs leave these out.
UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Where a decimal comma is usual, Excel separates by semicolons."""

    separator: str = ","
    decimal: str = "."


USUAL = Dialect()


class CsvLines:
    """Writes lines to a stream of text, which was opened with `newline=""`."""

    def __init__(self, stream: io.TextIOBase, columns: Sequence[str], dialect: Dialect = USUAL) -> None:
        self._lines = csv.writer(stream, delimiter=dialect.separator, lineterminator="\r\n")
        self._cell = _cell if dialect.decimal == "." else _with_comma
        self._lines.writerow(columns)

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        cell = self._cell
        self._lines.writerows([cell(value) for value in row] for row in rows)


def rows_csv(name: str, rows: Sequence[Mapping[str, Any]], dialect: Dialect = USUAL) -> str:
    """The page of a list of this name."""
    if name == "rejects":
        return _written(OF_REJECTS, rows, dialect)
    flat = [_flat(row) for row in rows] if name == "changes" else rows
    return _written(list(flat[0]) if flat else [], flat, dialect)


def answer_csv(data: Mapping[str, Any], dialect: Dialect = USUAL) -> str:
    """Of a statement of SQL, which names its columns, as it likes and perhaps twice."""
    text = io.StringIO()
    numbers = [NUMBERS.match(column["type"]) is not None for column in data["columns"]]
    rows = (
        [_number(each) if is_one else each for each, is_one in zip(row, numbers, strict=True)] for row in data["rows"]
    )
    CsvLines(text, [harmless(column["name"]) for column in data["columns"]], dialect).write(rows)
    return text.getvalue()


def _number(value: Any) -> Any:
    """JSON has no form for all of them, so some have become text."""
    return Decimal(value) if isinstance(value, str) and DIGITS.fullmatch(value) else value


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row that was changed: each value before and after beside each other."""
    told = {name: value for name, value in row.items() if name not in (*SIDES, "differs")}
    known = {side: row.get(side) or {} for side in SIDES}
    values = dict.fromkeys(name for side in SIDES for name in known[side])
    return told | {f"{name}_{side}": known[side].get(name) for name in values for side in SIDES}


def _written(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], dialect: Dialect) -> str:
    text = io.StringIO()
    CsvLines(text, columns, dialect).write([row[name] for name in columns] for row in rows)
    return text.getvalue()


def csv_headers(name: str, next_cursor: str | None = None) -> dict[str, str]:
    """The cursor of the next page has no place among the rows."""
    told = {"Content-Type": f"{CSV}; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}.csv"'}
    return told | {"X-Next-Cursor": next_cursor} if next_cursor else told


def harmless(value: Any) -> Any:
    """A rejected row is whatever the source sent. Text that a spreadsheet would run as a formula gets a leading
    apostrophe, which makes it text. https://owasp.org/www-community/attacks/CSV_Injection
    """
    if isinstance(value, Decimal):
        return f"{value:f}"
    if not isinstance(value, str) or value[:1].isalnum():  # as nearly all values are
        return value
    is_run = value.startswith(CONTROL) or value.startswith(FORMULA, _seen_from(value))
    return f"'{value}" if is_run else value


def _seen_from(text: str) -> int:
    seen = UNSEEN.match(text)
    return seen.end() if seen else 0


_cell = harmless


def _with_comma(value: Any) -> Any:
    if isinstance(value, float | Decimal):
        return (repr(value) if isinstance(value, float) else f"{value:f}").replace(".", ",")
    return harmless(value)
