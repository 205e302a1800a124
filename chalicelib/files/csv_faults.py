"""CsvFaults: what is said of a row of a CSV that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.errors import FileUnreadable
from chalicelib.store.table import LONGEST_RECORD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chalicelib.store.table import Unreadable

# Rows of a piece: more, and the file is written otherwise than it was taken for.
MOST_UNREADABLE = 1_000


def many_unreadable(file: str, unreadable: Sequence[Unreadable], delimiter: str) -> FileUnreadable:
    first = unreadable[0]
    return _of_row(
        file,
        first.row,
        f"cannot be read: {first.problem}. So it is with more than {MOST_UNREADABLE:,} rows, so the file is "
        f"written otherwise than it was taken for, with {delimiter!r} between its values. "
        "Correct delimiter, quote or header in the definition.",
    )


def row_too_long(file: str, row: int) -> FileUnreadable:
    return _of_row(
        file,
        row,
        f"has more than {LONGEST_RECORD >> 20} MB, which no row of a table has. Look whether the file is damaged, "
        "or has other ends of lines.",
    )


def unclosed_quote(file: str, row: int) -> FileUnreadable:
    return _of_row(
        file,
        row,
        "opens a quote that nothing closes, or has a value of more than 128 KB. The file may end early; or its "
        'quotes are part of the text: then say quote = "" in the definition.',
    )


def row_not_utf8(file: str, row: int) -> FileUnreadable:
    return _of_row(
        file,
        row,
        'is not UTF-8. Say in the definition how it is written, such as encoding = "cp1252".',
    )


def _of_row(file: str, row: int, problem: str) -> FileUnreadable:
    """Of the row `row`, from 0; people count from 1."""
    return FileUnreadable(f"Row {row + 1:,} of {file} {problem}", file=file, row=row)
