"""Lines of a CSV as they stand in the file: which of them are rows for certain."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .csv_dialect import Dialect

_MARKS = re.compile(rb"^(?:" + codecs.BOM_UTF8 + rb")+", re.MULTILINE)
_FIRST_BYTE = codecs.BOM_UTF8[:1]  # rare, and ten times as fast to look for as all three


class LineSigns:
    """By what a line of this dialect shows that it is a row."""

    def __init__(self, dialect: Dialect) -> None:
        self._columns = len(dialect.names)
        self._quote = dialect.quote.encode()
        self._comment = dialect.comment.encode()
        delimiter = dialect.delimiter.encode()
        marks = delimiter + b"\n"
        self._others = bytes(byte for byte in range(256) if byte not in marks)
        self._empty_row = delimiter * (self._columns - 1) + b"\n"
        self._odd_quotes = _odd_quotes(delimiter, self._quote)

    def has_quotes(self, lines: bytes) -> bool:
        return bool(self._quote) and self._quote in lines

    def are_clean(self, lines: bytes) -> bool:
        """Whether each of these lines, which quote nothing, has a value for each name. Of a single
        column nobody can tell by delimiters.

        Without all but delimiters and line feeds, `A-1,2024-01,17.5` and a line feed are `,,` and a
        line feed, the row of three empty values; so are all lines together that row, repeated.
        """
        marks = lines.translate(None, self._others)
        is_full = marks == self._empty_row * lines.count(b"\n")
        if not is_full or self._columns <= 1:
            return False
        return not self._has_empty_lines(lines)

    def need_records(self, lines: bytes) -> bool:
        """Whether DuckDB takes lines that quote something otherwise than csv_records does: empty
        rows, quoted or not, and comments; quotes behind several blanks, or behind a quoted value
        and a blank.
        """
        if any(sign.search(lines) for sign in self._odd_quotes):
            return True
        return self._has_empty_lines(lines.translate(None, self._quote))

    def _has_empty_lines(self, lines: bytes) -> bool:
        beginnings = [text for text in (self._empty_row, self._comment) if text]
        return any(_has_line_of(beginning, lines) for beginning in beginnings)


def _odd_quotes(delimiter: bytes, quote: bytes) -> list[re.Pattern[bytes]]:
    """Several signs and not one with a choice, which would take fifty times as long."""
    mark, quote = re.escape(delimiter), re.escape(quote)
    behind_blanks = [before + b"  +" + quote for before in (rb"\A", rb"\n", mark)]
    behind_value = quote + b" " + quote + b"[^" + mark + quote + rb"\n]"
    return [re.compile(sign) for sign in (*behind_blanks, behind_value)]


def _has_line_of(beginning: bytes, lines: bytes) -> bool:
    return lines.startswith(beginning) or b"\n" + beginning in lines


def first_lines(lines: bytes, most: int) -> bytes:
    if lines.count(b"\n") <= most:
        return lines

    past = 0
    for _ in range(most):
        past = lines.find(b"\n", past) + 1
    return lines[:past]


def with_line_feeds(lines: bytes) -> bytes:
    """At the end of each line, the last one of a file included, and nowhere a carriage return."""
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    lines = without_marks(lines)
    return lines if lines.endswith(b"\n") else lines + b"\n"


def without_marks(lines: bytes) -> bytes:
    """Files that were put together have the mark of UTF-8 where each of them began."""
    has_marks = _FIRST_BYTE in lines and codecs.BOM_UTF8 in lines
    return _MARKS.sub(b"", lines) if has_marks else lines
