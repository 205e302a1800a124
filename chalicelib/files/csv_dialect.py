"""Dialect: how a CSV file is written, as declared or as its first lines show."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chalicelib.errors import FileUnreadable
from chalicelib.store.table import LONGEST_RECORD

from .csv_records import UnclosedQuote, read_records, records_of
from .names import check_columns, unique_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .csv_records import Record
    from .encoding import Text
    from .form import FileForm
    from .limits import Limits

DELIMITERS = ",;\t|}"  # the last one as the Railroad Commission of Texas writes
LOOKED_AT = 100  # records
AS_NAMES = 1000  # fields: what a record of names counts for, beside those of numbers
BEGINNING = 1 << 18  # bytes
# 1,234.5 and -1.234,5 and 12 % and 1e-3; 31.01.2024 as well, which stands where values do.
NUMBER = re.compile(r"\s*[-+]?[\d.,'\s]*\d[\d.,'\s]*(?:[eE][-+]?\d+)?\s*%?\s*")
# A year, a year and a month, or a date in the place of a name: tables with a column a month have
# such headers.
PERIOD = re.compile(
    r"\s*(?:19|20)\d\d(?:[-/. ]?(?:0?[1-9]|1[0-2]|Q[1-4]))?(?:[-/.]\d\d?)?\s*", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """`start` is the byte where the first row of data begins."""

    delimiter: str
    quote: str
    names: tuple[str, ...]
    start: int
    comment: str = ""
    examples: dict[str, str] = field(default_factory=dict)  # of each column its first value


def dialect_of(text: Text, form: FileForm, *, file: str, limits: Limits) -> Dialect:
    """Raises FileUnreadable:
    it is empty, or there is no header where one should be; FileTooLarge.
    """
    with text.path.open("rb") as opened:
        opened.seek(text.start)
        beginning = opened.read(LONGEST_RECORD + 1)
    skipped = _past_lines(beginning, form.skip_rows)
    lines = _whole_lines(beginning[skipped:], file)

    quote = '"' if form.quote is None else form.quote
    delimiter = form.delimiter or _delimiter(lines, quote, form.comment)
    records = records_of(
        lines, delimiter=delimiter, quote=quote, comment=form.comment, most=LOOKED_AT
    )
    if not records:
        raise _no_header(lines, (delimiter, quote, form.comment), file)

    names, header_bytes = _names(records, form, file)
    check_columns(len(names), file, limits)
    rows = [record.fields for record in records if record.end > header_bytes]
    return Dialect(
        delimiter=delimiter,
        quote=quote,
        names=names,
        start=text.start + skipped + header_bytes,
        comment=form.comment,
        examples=_examples(names, rows),
    )


def _examples(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for row in reversed(rows):  # the first row wins, so it comes last
        pairs = zip(names, row, strict=False)
        values |= {name: value for name, value in pairs if value.strip()}
    return {name: values[name] for name in names if name in values}


def _past_lines(beginning: bytes, number: int) -> int:
    place = 0
    for _ in range(number):
        line_break = beginning.find(b"\n", place)
        if line_break < 0:
            return len(beginning)
        place = line_break + 1
    return place


def _whole_lines(beginning: bytes, file: str) -> bytes:
    """Up to the last line break within BEGINNING, or where the first line is longer, to its end."""
    if len(beginning) <= BEGINNING:
        return beginning

    end = beginning.rfind(b"\n", 0, BEGINNING) + 1  # 0 where there is no line break
    if not end:
        end = beginning.find(b"\n") + 1
    if not end and len(beginning) > LONGEST_RECORD:
        raise FileUnreadable(
            f"The first line of {file} has more than {LONGEST_RECORD >> 20} MB: it is no table of lines. Look whether "
            "it is the right file.",
            file=file,
            row=1,
        )
    return beginning[: end or len(beginning)]


def _no_header(lines: bytes, dialect: tuple[str, str, str], file: str) -> FileUnreadable:
    """Of the first lines, in which there is no record by this delimiter, quote and comment."""
    try:
        next(read_records(io.BytesIO(lines), *dialect), None)
    except UnicodeDecodeError:
        text = (
            f"The beginning of {file} is not UTF-8. Say in the definition how it is written, "
            'such as encoding = "cp1252".'
        )
    except UnclosedQuote:
        quote = dialect[1]
        opened = f"opens a quote ({quote}) that nothing closes, or " if quote else ""
        text = (
            f"The header of {file} {opened}has a name of more than 128 KB. Ask for a new copy, or "
            "name another quote in the definition."
        )
    else:
        text = f"{file} is empty: it has not even a header. Ask for a new copy."
    return FileUnreadable(text, file=file, row=0)


# -- the delimiter ----------------------------------------------------------------------------


def _delimiter(lines: bytes, quote: str, comment: str) -> str:
    """The one that cuts the most lines into the same number of fields,
    and these rather into more than fewer.
    """

    def rank(delimiter: str) -> tuple[float, int]:
        records = records_of(
            lines, delimiter=delimiter, quote=quote, comment=comment, most=LOOKED_AT
        )
        width = _width(records)
        if width <= 1:
            return 0.0, 0

        fitting = sum(len(record.fields) == width for record in records)
        # To a tenth: one odd line of a hundred does not count for more than names and width do.
        share = round(fitting / len(records), 1)
        return share, width + AS_NAMES * _has_names(records, width)

    return max(DELIMITERS, key=rank)


def _has_names(records: Sequence[Record], width: int) -> bool:
    """Whether the first full record looks like names:
    a decimal comma cuts numbers, but no header.
    """
    full_records = [record.fields for record in records if len(record.fields) == width]
    return not any(NUMBER.fullmatch(cell) for cell in full_records[0])


def _width(records: Sequence[Record]) -> int:
    """Of most of the records; the larger number where two are as many."""
    counts = Counter(len(record.fields) for record in records)
    if not counts:
        return 1
    by_count = [(count, width) for width, count in counts.items()]
    _, width = max(by_count)
    return width


# -- the header -------------------------------------------------------------------------------


def _names(records: Sequence[Record], form: FileForm, file: str) -> tuple[tuple[str, ...], int]:
    """The names of the columns, and how many bytes stand before the first row of data."""
    place = _place_of_header(records, form, file)
    if place is None:
        missing = max(0, _width(records) - len(form.fields))
        nameless = [""] * missing
        return unique_names([*form.fields, *nameless]), 0

    header = records[place]
    cells = _with_index(header.fields, records[place + 1 :])
    if form.fields:
        cells = [*form.fields, *cells[len(form.fields) :]]
    return unique_names(cells), header.end


def _place_of_header(records: Sequence[Record], form: FileForm, file: str) -> int | None:
    if form.header is False or (form.header is None and form.fields):
        return None
    if form.header is None:
        return _likely_header(records)
    for place, record in enumerate(records):
        if record.line == form.header:
            return place
    raise FileUnreadable(
        f"Line {form.header:,} of {file}, which should be its header, is empty or not there. Correct header in the "
        "definition.",
        file=file,
        row=0,
    )


def _likely_header(records: Sequence[Record]) -> int | None:
    """Titles may stand above it. None where the first full record is of data itself."""
    width = _width(records)
    for place, record in enumerate(records):
        cells = record.fields
        named = sum(bool(cell.strip()) for cell in cells)
        # One less than a row has: its first field may be a number that no header names.
        is_wide = len(cells) >= width - 1
        if is_wide and named * 2 > len(cells):
            return place if _is_header(cells, records[place + 1 :]) else None
    return 0 if records else None


def _is_header(cells: Sequence[str], below: Sequence[Record]) -> bool:
    """Text above numbers tells a header; a number above numbers tells data, but for a period.

    Well | Oil | Gas is one, A-1 | 2024 | 17.5 is none, Well | 2023-01 | 2023-02 is one.
    """
    numbers = [cell for cell in cells if NUMBER.fullmatch(cell)]
    if not numbers:
        # All text. Names of columns differ, and values of a text column often repeat.
        distinct = {cell for cell in cells if cell}
        return len(distinct) > len(cells) // 2 or not below
    if len(numbers) > 1 and all(map(PERIOD.fullmatch, numbers)):
        # Two dates of a row of data may be the same; two columns are of two months.
        return len(set(numbers)) == len(numbers)

    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    text_places = [place for place in filled if not NUMBER.fullmatch(cells[place])]
    if len(text_places) <= len(numbers):
        return False
    return any(_is_above_numbers(place, below) for place in text_places)


def _is_above_numbers(place: int, below: Sequence[Record]) -> bool:
    values = [record.fields[place] for record in below if place < len(record.fields)]
    filled = [value for value in values if value.strip()]
    if not filled:
        return False
    return all(NUMBER.fullmatch(value) for value in filled)


def _with_index(cells: list[str], below: Sequence[Record]) -> list[str]:
    """Rows that are all one field longer than the header begin with the number of the row,
    or end with a delimiter.
    """
    width = len(cells) + 1
    longer = [record.fields for record in below if len(record.fields) == width]
    if not longer or len(longer) < len(below):
        return cells

    is_last_empty = not any(fields[-1].strip() for fields in longer)
    return [*cells, ""] if is_last_empty else ["", *cells]
