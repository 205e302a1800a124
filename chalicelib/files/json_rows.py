"""Rows of JSON:
a line each, or the elements of one array, as texts that nobody takes apart before staging does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO

from chalicelib.odata.survey import example_values, readable_rows
from chalicelib.store.batch import LONGEST_ROW

from .piece import Mark, Piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .encoding import Text
    from .json_array import JsonArray
    from .limits import Limits

LOOKED_AT = 20  # rows
BLANK_LINE = re.compile(rb"\n[ \t\r\f\v]*\n")
LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")


class JsonRows:
    """What the readers of both forms share.
    `_read` gives rows and the byte behind them, from a byte on.
    """

    def __init__(self, file: str, limits: Limits) -> None:
        self.file = file
        self._limits = limits

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    @property
    def examples(self) -> dict[str, Any]:
        return {name: value for name, value in self._values.items() if value is not None}

    @property
    def _values(self) -> dict[str, Any]:
        first_rows: list[bytes] = []
        for rows, _ in self._read(Mark()):
            first_rows += rows
            if len(first_rows) >= LOOKED_AT:
                break
        return example_values(readable_rows(first_rows[:LOOKED_AT]))

    def pieces(self, mark: Mark, until: int | None = None) -> Iterator[Piece]:
        """Of some ten thousand rows, or 16 MB. Raises FileUnreadable, FileTooLarge."""
        piece_rows: list[bytes] = []
        size = 0
        for rows, byte in self._read(mark):
            piece_rows += rows
            size += sum(map(len, rows))
            behind = Mark(mark.row + len(piece_rows), byte)

            is_last = behind.is_at(until)
            has_all_rows = len(piece_rows) >= self._limits.page_rows
            is_full = has_all_rows or size >= self._limits.page
            if is_last or is_full:
                yield Piece(mark=behind, is_last=is_last, size=size, rows=piece_rows)
                mark = behind
                piece_rows = []
                size = 0
            if is_last:
                return

        if piece_rows:
            behind = Mark(mark.row + len(piece_rows), 0)
            yield Piece(mark=behind, is_last=True, size=size, rows=piece_rows)

    def marks(self) -> Iterator[Mark]:
        """None of an array, whose elements may be anywhere."""
        return iter(())

    def _read(self, mark: Mark) -> Iterator[tuple[list[bytes], int]]:
        raise NotImplementedError


class JsonLines(JsonRows):
    """A row a line; blank lines are none.
    Of a line that is too long its beginning, which is too long as well.
    """

    def __init__(self, text: Text, *, file: str, limits: Limits) -> None:
        super().__init__(file, limits)
        self._text = text

    def marks(self) -> Iterator[Mark]:
        """Lines are counted, block by block: to read each of them takes ten times as long."""
        row = 0
        with self._text.path.open("rb") as file:
            file.seek(self._text.start)
            while block := file.read(self._limits.page):
                lines = block + _rest_of_line(file, block)
                row += _rows_in(lines)
                yield Mark(row, file.tell())

    def _read(self, mark: Mark) -> Iterator[tuple[list[bytes], int]]:
        with self._text.path.open("rb") as lines:
            byte = lines.seek(mark.byte or self._text.start)
            while line := lines.readline(LONGEST_ROW + 2):  # with its end, \r\n
                byte += len(line)
                row = line.strip()
                # The rest of a line that is too long is passed over.
                while not line.endswith(b"\n") and (line := lines.readline(LONGEST_ROW)):
                    byte += len(line)

                if b"\r" in row:
                    row = row.translate(LINE_BREAKS)
                if row:
                    yield [row], byte


def _rest_of_line(file: BinaryIO, block: bytes) -> bytes:
    """As much of it as a row may have; the file stands behind it."""
    rest = line = b"" if block.endswith(b"\n") else file.readline(LONGEST_ROW)
    while line and not line.endswith(b"\n"):
        line = file.readline(LONGEST_ROW)
    return rest


def _rows_in(lines: bytes) -> int:
    # As many as line feeds, unless some lines are blank. The first one may be, so a feed is put in
    # front of it for the look.
    if BLANK_LINE.search(b"\n" + lines):
        return sum(bool(line.strip()) for line in lines.split(b"\n"))

    _, _, last_line = lines.rpartition(b"\n")  # it may lack its end
    return lines.count(b"\n") + bool(last_line.strip())


class JsonElements(JsonRows):
    """A row an element of an array."""

    def __init__(self, array: JsonArray, *, file: str, limits: Limits) -> None:
        super().__init__(file, limits)
        self._array = array

    def _read(self, mark: Mark) -> Iterator[tuple[list[bytes], int]]:
        return self._array.elements(mark)
