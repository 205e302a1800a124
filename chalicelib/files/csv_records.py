"""Records of a CSV, one by one, by Python's own reader: slower than DuckDB, and it takes what
people write by hand. A quote within a word is part of it, and what follows a closing quote belongs
to the field, unless a line ended between the two quotes: then the first one was part of a word, and
the second one begins another. Blanks before a value are its own, and blanks around quotes are not,
as DuckDB reads them too.
"""

from __future__ import annotations

import csv
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from .csv_lines import without_marks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


BLANKS = " \t\n\r\v\f"


@dataclass(frozen=True)
class Record:
    """`end` is the byte behind it and `line` the number of its first line from 1,
    counted from where the reading began.
    """

    fields: list[str]
    end: int
    line: int


class UnclosedQuote(Exception):
    """A quote is opened that nothing closes, or only what opens another one on a later line, or a
    field is longer than 128 KB; `line` tells where the record begins.
    """

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def records_of(
    lines: bytes, *, delimiter: str, quote: str, comment: str, most: int
) -> list[Record]:
    """The first records; a quote that is not closed ends them, and so does what is not UTF-8."""
    found: list[Record] = []
    with suppress(UnclosedQuote, UnicodeDecodeError):
        for record in islice(read_records(io.BytesIO(lines), delimiter, quote, comment), most):
            found.append(record)  # noqa: PERF402  what came before stays
    return found


def read_records(
    lines: Iterable[bytes], delimiter: str, quote: str, comment: str = ""
) -> Iterator[Record]:
    """Without blank lines, comments and rows without any value.
    Raises UnclosedQuote, UnicodeDecodeError.
    """
    given = _Lines(lines, delimiter, comment)
    reader = csv.reader(given, **options(delimiter, quote))
    written = _Written(delimiter, quote) if quote else None
    while True:
        given.begin_record()
        try:
            fields = next(reader, None)
        except csv.Error as exc:
            raise UnclosedQuote(given.first) from exc
        if given.is_cut:
            raise UnclosedQuote(given.first)
        if fields is None:
            return
        if written and written.differs(given.text):
            fields = written.fields(given.text)
            if fields is None:
                raise UnclosedQuote(given.first)
        if any(fields):
            yield Record(fields, given.end, given.first)  # the reader has asked for no line more


class _Written:
    """What Python's reader does not tell of a record: blanks before a value, and where in the text
    a quote closes.
    """

    def __init__(self, delimiter: str, quote: str) -> None:
        mark, quotes = re.escape(delimiter), re.escape(quote)
        blanks = "" if delimiter == " " else " *"
        self._quote = quote
        self._signs = re.compile(rf"(?:\A|{mark}) |{quotes} |\n(?!\Z)")
        inside = rf"[^{quotes}]*(?:{quotes}{quotes}[^{quotes}]*)*"
        self._field = re.compile(
            rf"{blanks}{quotes}(?P<inside>{inside}){quotes}(?P<behind>[^{mark}\n]*)|[^{mark}\n]*"
        )

    def differs(self, text: str) -> bool:
        return self._signs.search(text) is not None

    def fields(self, text: str) -> list[str] | None:
        """None where text stands behind a quote that closes on a later line."""
        fields = []
        place = 0
        while found := self._field.match(text, place):
            inside, behind = found["inside"], found["behind"]
            if inside is None:
                fields.append(found[0])
            elif not behind.strip(" "):
                fields.append(self._unquoted(inside))
            elif "\n" in inside:
                return None
            else:
                fields.append(self._unquoted(inside) + behind)

            is_last = text[found.end() : found.end() + 1] in ("", "\n")
            if is_last:
                break
            place = found.end() + 1
        return fields

    def _unquoted(self, inside: str) -> str:
        return inside.replace(self._quote * 2, self._quote)


class _Lines:
    """What Python's reader is given, and how far that is.
    A comment is one at the beginning of a record alone.
    """

    def __init__(self, lines: Iterable[bytes], delimiter: str, comment: str) -> None:
        self._lines = iter(lines)
        self._blanks = BLANKS.replace(delimiter, "").encode()
        self._comment = comment.encode()
        self._is_begun = False
        self._texts: list[str] = []
        self._number = 0
        self.first = 0
        self.end = 0
        self.is_cut = False

    def begin_record(self) -> None:
        self._is_begun = False
        self._texts = []

    @property
    def text(self) -> str:
        """Of the record, as the reader is given it."""
        return "".join(self._texts)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self._number += 1
            self.end += len(line)
            text = without_marks(line)
            # Within a record, a blank line or one with a comment's sign is part of a quoted field.
            if self._is_begun or not self._is_left_out(text):
                return self._as_text(text)
        self.is_cut = self._is_begun  # the reader asked for one more line of the record
        raise StopIteration

    def _as_text(self, line: bytes) -> str:
        if not self._is_begun:
            self._is_begun = True
            self.first = self._number
        text = line.decode("utf-8")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", " ")
        self._texts.append(text)
        return text

    def _is_left_out(self, line: bytes) -> bool:
        if not line.strip(self._blanks):
            return True
        return bool(self._comment) and line.startswith(self._comment)


def options(delimiter: str, quote: str) -> dict[str, Any]:
    """Of Python's reader and writer."""
    if not quote:
        return {"delimiter": delimiter, "quotechar": None, "quoting": csv.QUOTE_NONE}
    return {
        "delimiter": delimiter,
        "quotechar": quote,
        "doublequote": True,
        "skipinitialspace": True,  # so that a quote behind a blank opens a field: A-1, "oil, gas"
    }
