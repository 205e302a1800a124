"""A batch: the rows of several pages in one file, a row a line, on their way into a segment."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Self

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from .table import Table

FULL_ROWS = 122_880  # a row group of DuckDB: full groups stage fastest and smallest
FULL_BYTES = 64 << 20
RAW_BYTES = 4096  # of a rejected row's text are kept
JOINED_ROWS = 200  # at a time: about 100 kB, which need no fresh memory from the system each time
# Bytes. Rows of this length are written one by one: to join them would take their memory twice.
LARGE_ROW = 1 << 14
PIECE_BYTES = 1 << 17  # where rows are so long that DuckDB cannot hold 2,048 of them
LONGEST_ROW = 4 << 20  # bytes; a longer row is rejected, and DuckDB told to take as much


@dataclass(frozen=True)
class Run:
    """Rows that stood one after the other on a page of the source; positions count from 0."""

    page: int
    position: int
    rows: int


@dataclass
class Batch:
    path: Path
    runs: list[Run] = field(default_factory=list)
    rows: int = 0
    size: int = 0  # bytes
    longest_row: int = 0  # bytes
    table: Table | None = None  # in place of lines

    @classmethod
    def of_table(cls, table: Table, page: int) -> Self:
        """By itself: a table is a segment of its own."""
        return cls(
            table.path, [Run(page, table.first_row, table.rows)], rows=table.rows, table=table
        )

    @property
    def is_full(self) -> bool:
        if self.table is not None:
            return True
        return self.rows >= FULL_ROWS or self.size >= FULL_BYTES

    def append(self, page: int, rows: list[Any], *, first_row: int = 0) -> None:
        """`rows` are JSON texts, bytes-like, without line breaks.
        The first stands at `first_row` of its page.
        """
        longest = max(map(len, rows), default=0)
        at_a_time = 1 if longest > LARGE_ROW else JOINED_ROWS
        with open(self.path, "wb", opener=_open_as_it_is) as file:
            file.seek(self.size)
            for first in range(0, len(rows), at_a_time):
                if at_a_time == 1:
                    file.write(rows[first])
                    file.write(b"\n")
                else:
                    # One text, its last break as well: each write of its own asks the system.
                    file.write(b"\n".join([*rows[first : first + at_a_time], b""]))
            self.size = file.tell()
        self.runs.append(Run(page, first_row, len(rows)))
        self.rows += len(rows)
        self.longest_row = max(self.longest_row, longest)

    def clear(self) -> None:
        """The file stays, to be written over:
        new pages of the disk cache cost more than the writing itself.
        """
        self.runs = []
        self.rows = self.size = self.longest_row = 0

    def seal(self) -> Path:
        """The file with nothing of an earlier batch after its rows."""
        if self.table is None:
            os.truncate(self.path, self.size)
        return self.path

    def lines(self) -> Iterator[tuple[int, int, bytes]]:
        """Page, position and text of each row;
        of one that is too long its beginning, which is too long as well.
        """
        with self.seal().open("rb") as file:
            lines = zip(self._places(), _bounded_lines(file), strict=True)
            for (page, position), line in lines:
                yield page, position, line

    def _places(self) -> Iterator[tuple[int, int]]:
        """Page and position of each row."""
        for run in self.runs:
            for position in range(run.position, run.position + run.rows):
                yield run.page, position

    def field_names(self) -> list[str]:
        """All field names that occur; none when a row is unreadable.
        For few long rows: DuckDB does it faster, and in the memory of many.
        """
        names: dict[str, None] = {}
        for _, _, line in self.lines():
            if not is_readable(line, ()):
                return []
            names |= dict.fromkeys(json.loads(line) or ())
        return [name for name in names if "@" not in name and name != "__metadata"]

    @contextmanager
    def pieces(self) -> Iterator[list[str]]:
        """The rows once more, in files of a piece each, which are gone afterwards."""
        with Pieces(self.path) as pieces, self.seal().open("rb") as file:
            while block := file.read(PIECE_BYTES):
                if not block.endswith(b"\n"):
                    block += file.readline()  # the rest of its last row
                pieces.write(block)
            yield pieces.seal()

    def split_unreadable(self, unreadable: Pieces, fields: Collection[str]) -> Batch:
        """A batch of the rows alone from which `fields` can be read;
        the others go to `unreadable` as placed rows.
        """
        readable = Batch(self.path.with_suffix(".readable"))
        with readable.path.open("wb") as good:
            for page, position, line in self.lines():
                if is_readable(line, fields):
                    good.write(line)
                    readable._count(page, position, len(line))
                else:
                    unreadable.write(placed_row(page, position, line))
        return readable

    def _count(self, page: int, position: int, size: int) -> None:
        self.rows += 1
        self.size += size
        self.longest_row = max(self.longest_row, size - len(b"\n"))
        last = self.runs[-1] if self.runs else None
        is_next_of_last = (
            last is not None and last.page == page and last.position + last.rows == position
        )
        if last and is_next_of_last:
            self.runs[-1] = Run(page, last.position, last.rows + 1)
        else:
            self.runs.append(Run(page, position, 1))


def _open_as_it_is(path: str, flags: int) -> int:
    """With what is in it, or made anew."""
    return os.open(path, flags & ~os.O_TRUNC, 0o666)


class Pieces:
    """Lines in files of about PIECE_BYTES, which lie beside another file until the block ends.

    Of one file DuckDB holds up to 2,048 rows at once, each with several times the memory of its
    text; never rows of two files.
    """

    def __init__(self, beside: Path) -> None:
        self._beside = beside
        self._paths: list[Path] = []
        self._file: BinaryIO | None = None
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        for path in self._paths:
            path.unlink(missing_ok=True)

    def write(self, lines: bytes) -> None:
        if self._file is None or self._size + len(lines) > PIECE_BYTES:
            self._file = self._open_next()
        self._file.write(lines)
        self._size += len(lines)

    def seal(self) -> list[str]:
        """The files, to be read and no longer written."""
        self._close()
        return [str(path) for path in self._paths]

    def _open_next(self) -> BinaryIO:
        self._close()
        number = len(self._paths)
        path = self._beside.with_name(f"{self._beside.name}.{number}")
        self._paths.append(path)
        return path.open("wb")

    def _close(self) -> None:
        if self._file:
            self._file.close()
        self._file = None
        self._size = 0


def _bounded_lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_ROW + 2):
        yield line
        while not line.endswith(b"\n"):
            line = file.readline(LONGEST_ROW)


def placed_row(page: int, position: int, line: bytes) -> bytes:
    """One line for the staging statements: where a row stood and its text, whatever its bytes."""
    text = line[:RAW_BYTES].decode("utf-8", "replace").rstrip("\n")
    encoded = text.encode()[:RAW_BYTES]  # a broken byte has become three
    raw = encoded.decode("utf-8", "ignore")
    row = {"page": page, "position": position, "raw": raw}
    return json.dumps(row).encode() + b"\n"


def is_readable(line: bytes, fields: Collection[str]) -> bool:
    """What DuckDB takes as one row, so that a row's fate never hangs on its neighbours:
    an object or null in valid UTF-8 text, none of `fields` twice, no lone surrogate.
    """
    if len(line) > LONGEST_ROW + len(b"\n"):
        return False
    try:
        row = json.loads(line.decode("utf-8"), object_pairs_hook=_Members)
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    if not isinstance(row, _Members):
        return row is None
    names = [name for name, _ in row if name in fields]
    return len(names) == len(set(names))


class _Members(list[tuple[str, Any]]):
    """An object's members, those that stand twice included."""
