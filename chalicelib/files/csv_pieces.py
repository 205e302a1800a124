"""Pieces of a CSV: its own bytes, cut at the ends of records, for DuckDB to read.

A piece is copied block by block, and each block is looked at on its way: whether every line has as
many delimiters as the header. That, and nothing else, is done with a block that quotes nothing.
DuckDB counts a piece with quotes, and what it cannot count as it stands is read record by record
and written anew.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import duckdb

from chalicelib.store.table import LONGEST_RECORD, Table, Unreadable
from chalicelib.warehouse.disk import BLOCK, disk_errors

from .csv_faults import (
    MOST_UNREADABLE,
    many_unreadable,
    row_not_utf8,
    row_too_long,
    unclosed_quote,
)
from .csv_lines import LineSigns, first_lines, with_line_feeds
from .csv_records import UnclosedQuote, read_records
from .mending import MendedRows
from .piece import Mark, Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .csv_dialect import Dialect
    from .csv_records import Record
    from .limits import Limits


@dataclass
class _Piece:
    """What has been written so far."""

    first_row: int
    most_rows: int
    most_bytes: int
    rows: int = 0
    size: int = 0  # bytes, as written
    read: int = 0  # bytes of the file
    has_quotes: bool = False
    unreadable: list[Unreadable] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        has_all_rows = self.rows >= self.most_rows
        return has_all_rows or self.size >= self.most_bytes

    @property
    def next_row(self) -> int:
        return self.first_row + self.rows


class CsvPieces:
    """Of a file of UTF-8 on local disk; `file` is what it is called.
    `new_path` gives the place of a next piece.
    """

    def __init__(
        self,
        path: Path,
        dialect: Dialect,
        *,
        file: str,
        limits: Limits,
        count_rows: Callable[[Table], int],
        new_path: Callable[[], Path],
        sheet: str = "",
        kinds: tuple[str, ...] = (),
    ) -> None:
        self._path = path
        self._dialect = dialect
        self._limits = limits
        self._count_rows = count_rows
        self._new_path = new_path
        self._signs = LineSigns(dialect)
        self._table = Table(
            path=path,
            format="csv",
            names=dialect.names,
            rows=0,
            first_row=0,
            file=file,
            sheet=sheet,
            delimiter=dialect.delimiter,
            quote=dialect.quote,
            kinds=kinds,
        )

    @property
    def file(self) -> str:
        return self._table.file

    @property
    def names(self) -> tuple[str, ...]:
        return self._table.names

    @property
    def examples(self) -> dict[str, str]:
        return self._dialect.examples

    def pieces(self, mark: Mark, until: int | None = None) -> Iterator[Piece]:
        """From the mark to the end, or to the row `until`. Raises FileUnreadable, ScratchFull."""
        if not mark.byte:  # the beginning, which only the dialect knows
            mark = Mark(mark.row, self._dialect.start)
        size = self._path.stat().st_size
        while mark.byte < size and not mark.is_at(until):
            table, mark = self._next(mark, until)
            if table.rows:
                is_last = mark.byte >= size or mark.is_at(until)
                yield Piece(mark=mark, is_last=is_last, table=table, size=table.path.stat().st_size)
            else:  # of lines that are no rows
                table.path.unlink()

    def marks(self) -> Iterator[Mark]:
        """As the reading finds them, whatever is quoted: so each part of a file begins where a
        piece of the whole does, and no row is read otherwise for it.
        """
        if self._table.sheet:
            return  # the sheet's workbook would be read anew for each part of it
        mark = Mark(0, self._dialect.start)
        size = self._path.stat().st_size
        while mark.byte < size:
            mark = self._mark_behind(mark)
            yield mark

    def _mark_behind(self, mark: Mark) -> Mark:
        """The end of the next piece, which is written only where it quotes something:
        DuckDB counts its rows then.
        """
        piece = self._new_piece(mark, None)
        with self._path.open("rb") as source, Path(os.devnull).open("wb") as nowhere:
            source.seek(mark.byte)
            if self._copy_lines(source, nowhere, piece, with_quotes=False):
                return Mark(piece.next_row, mark.byte + piece.read)
        table, mark = self._next(mark, None)
        table.path.unlink()
        return mark

    def _next(self, mark: Mark, until: int | None) -> tuple[Table, Mark]:
        path = self._new_path()
        with disk_errors(), self._path.open("rb") as source, path.open("w+b") as target:
            source.seek(mark.byte)
            piece = self._copy_and_count(source, target, self._new_piece(mark, until))
            if piece is None:  # once more from the mark, and slowly
                source.seek(mark.byte)
                target.seek(0)
                target.truncate()
                piece = self._rewritten(source, target, self._new_piece(mark, until), mark)

        table = replace(
            self._table,
            path=path,
            rows=piece.rows,
            first_row=mark.row,
            unreadable=tuple(piece.unreadable),
        )
        return table, Mark(piece.next_row, mark.byte + piece.read)

    def _new_piece(self, mark: Mark, until: int | None) -> _Piece:
        most_rows = self._limits.piece_rows
        if until is not None:
            most_rows = min(most_rows, until - mark.row)
        return _Piece(first_row=mark.row, most_rows=most_rows, most_bytes=self._limits.piece)

    # -- as it stands -------------------------------------------------------------------------

    def _copy_and_count(self, source: BinaryIO, target: BinaryIO, piece: _Piece) -> _Piece | None:
        """None where it has to be read record by record."""
        if not self._copy_lines(source, target, piece):
            return None
        target.flush()
        return piece if self._has_all_rows(Path(target.name), piece) else None

    def _copy_lines(
        self, source: BinaryIO, target: BinaryIO, piece: _Piece, *, with_quotes: bool = True
    ) -> bool:
        """Whether each may be a row;
        what is quoted is still to be counted, or is not taken at all.
        """
        for lines in self._lines(source, piece):
            most_lines = piece.most_rows - piece.rows
            taken = first_lines(lines, most_lines)
            if not self._copy(taken, target, piece):
                return False
            if piece.has_quotes and not with_quotes:
                return False

            are_some_left = len(taken) < len(lines)  # for the next piece, which begins there
            if piece.is_full or are_some_left:
                break
        return True

    def _lines(self, source: BinaryIO, piece: _Piece) -> Iterator[bytes]:
        """Whole ones, some at a time; the last of a file may lack its end."""
        rest = b""
        while block := source.read(BLOCK):
            block = rest + block
            past_lines = block.rfind(b"\n") + 1
            if past_lines:
                yield block[:past_lines]
            rest = block[past_lines:]
            if len(rest) > LONGEST_RECORD:
                raise row_too_long(self.file, piece.next_row)
        if rest:
            yield rest

    def _copy(self, lines: bytes, target: BinaryIO, piece: _Piece) -> bool:
        """Whether each line is known to be a row, or made to be one."""
        self._check_encoding(lines, piece.next_row)
        piece.read += len(lines)

        lines = with_line_feeds(lines)
        if self._signs.has_quotes(lines):
            if self._signs.need_records(lines):
                return False
            piece.has_quotes = True
            piece.rows += lines.count(b"\n")  # at most: a quoted line feed ends no row
        elif self._signs.are_clean(lines):
            piece.rows += lines.count(b"\n")
        else:
            lines = self._mend(lines, piece)

        target.write(lines)
        piece.size += len(lines)
        return True

    def _check_encoding(self, lines: bytes, row: int) -> None:
        if lines.isascii():
            return
        try:
            lines.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise row_not_utf8(self.file, row + lines.count(b"\n", 0, exc.start)) from None

    def _mend(self, lines: bytes, piece: _Piece) -> bytes:
        rows = MendedRows(self._dialect, piece.next_row)
        rows.add_all(self._records(io.BytesIO(lines), rows))
        self._note(rows, piece)
        return rows.take()

    def _has_all_rows(self, path: Path, piece: _Piece) -> bool:
        """Whether DuckDB sees a row a line.
        One that it does not see is part of another one, by a quote that is not closed perhaps.
        """
        if not piece.has_quotes:
            return True
        table = replace(self._table, path=path)
        try:
            return self._count_rows(table) == piece.rows
        except duckdb.InvalidInputException:
            return False

    # -- record by record ---------------------------------------------------------------------

    def _rewritten(self, source: BinaryIO, target: BinaryIO, piece: _Piece, mark: Mark) -> _Piece:
        rows = MendedRows(self._dialect, mark.row)
        for record in self._records(self._bounded_lines(source, piece), rows):
            rows.add(record)
            piece.rows = rows.rows
            piece.read = record.end

            if rows.size > BLOCK or piece.is_full:
                piece.size += target.write(rows.take())
            if piece.is_full:
                break
        else:  # the end of the file: what comes after the last record is read too
            piece.read = source.tell() - mark.byte

        target.write(rows.take())
        self._note(rows, piece)
        return piece

    def _records(self, lines: Iterable[bytes], rows: MendedRows) -> Iterator[Record]:
        """Raises FileUnreadable, which names the row."""
        try:
            yield from read_records(
                lines, self._dialect.delimiter, self._dialect.quote, self._dialect.comment
            )
        except UnclosedQuote:
            raise unclosed_quote(self.file, rows.next_row) from None
        except UnicodeDecodeError:
            raise row_not_utf8(self.file, rows.next_row) from None

    def _bounded_lines(self, source: BinaryIO, piece: _Piece) -> Iterator[bytes]:
        while line := source.readline(LONGEST_RECORD + 1):
            if len(line) > LONGEST_RECORD:
                raise row_too_long(self.file, piece.next_row)
            yield line

    def _note(self, rows: MendedRows, piece: _Piece) -> None:
        piece.rows = rows.next_row - piece.first_row
        piece.unreadable += rows.unreadable
        if len(piece.unreadable) > MOST_UNREADABLE:
            raise many_unreadable(self.file, piece.unreadable, self._dialect.delimiter)
