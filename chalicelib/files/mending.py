"""Mending: rows that DuckDB would refuse or miss, written so that it reads each of them as one row.

A shorter row ends with empty fields, and empty fields beyond the header are cut off. A row with
more values than the header has names cannot be told apart: a row without values keeps its place,
and its text is told beside.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from chalicelib.store.batch import RAW_BYTES
from chalicelib.store.table import Unreadable

from .csv_records import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .csv_dialect import Dialect
    from .csv_records import Record


class MendedRows:
    """Rows from `first_row` on as text; `take` what has been written so far."""

    def __init__(self, dialect: Dialect, first_row: int) -> None:
        self._width = len(dialect.names)
        self._delimiter = dialect.delimiter
        self._text = io.StringIO()
        form = options(dialect.delimiter, dialect.quote)
        self._writer = csv.writer(self._text, lineterminator="\n", **form)
        self._first_row = first_row
        self.rows = 0
        self.unreadable: list[Unreadable] = []

    def add_all(self, records: Iterable[Record]) -> None:
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        fields = record.fields
        if len(fields) != self._width:
            fields = self._of_full_width(fields)
        self._writer.writerow(fields)
        self.rows += 1

    @property
    def next_row(self) -> int:
        return self._first_row + self.rows

    @property
    def size(self) -> int:
        """In characters, of what has not been taken."""
        return self._text.tell()

    def take(self) -> bytes:
        written = self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
        return written

    def _of_full_width(self, fields: list[str]) -> list[str]:
        beyond = fields[self._width :]
        if any(cell.strip() for cell in beyond):
            self._note_unreadable(fields)
            return [""] * self._width

        missing = self._width - len(fields)
        empty_fields = [""] * missing  # none where it is negative
        return [*fields[: self._width], *empty_fields]

    def _note_unreadable(self, fields: list[str]) -> None:
        line = self._delimiter.join(fields)
        beginning = line.encode()[:RAW_BYTES]
        problem = f"it has {len(fields):,} values, and the header {self._width:,} names"
        self.unreadable.append(Unreadable(self.next_row, beginning, problem))
