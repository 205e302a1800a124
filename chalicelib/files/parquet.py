"""Parquet: a file's rows in pieces that are Parquet too, with all values as text.

DuckDB does it, range by range: it skips the row groups before a range, and what is read so is as
plain as a CSV.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import FileTooLarge, FileUnreadable, OutOfMemory
from chalicelib.store.local_duckdb import exhaustion_errors, quoted_name, sql_path
from chalicelib.store.statements import named_statements
from chalicelib.store.table import Table

from .names import check_columns, unique_names
from .piece import Mark, Piece

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .limits import Limits
    from .tools import Tools

STATEMENTS = named_statements(Path(__file__).with_suffix(".sql"))
# Of a piece: a row group of usual width, and fewer rows of a table of hundreds of columns.
MOST_CELLS = 4_000_000
LEAST_ROWS = 2048  # a vector of DuckDB
LOOKED_AT = 20  # rows
ROW_NUMBER = "file_row_number"  # a column of DuckDB's own
INTEGERS = r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?"
FORMS = (  # by the type of a column: the statement that makes it text, and its kind
    (re.compile(INTEGERS), "plain", "number"),
    (re.compile(r"FLOAT|DOUBLE"), "fraction", "number"),
    (re.compile(r"DECIMAL\(.*\)"), "decimal", "number"),
    (re.compile(r"BOOLEAN"), "plain", "boolean"),
    (re.compile(r"DATE"), "plain", "date"),
    (re.compile(r"TIMESTAMP WITH TIME ZONE"), "moment_utc", "date"),
    (re.compile(r"TIMESTAMP(_\w+)?"), "moment", "date"),
    (re.compile(r".*\]|(STRUCT|MAP|UNION)\(.*\)", re.DOTALL), "nested", "text"),
    (re.compile(r".*", re.DOTALL), "plain", "text"),
)


class ParquetPieces:
    def __init__(self, path: Path, *, file: str, limits: Limits, tools: Tools) -> None:
        self.file = file
        self._tools = tools
        link = tools.new_path(".parquet")  # the file's own path may look like a pattern to DuckDB
        link.symlink_to(path.absolute())
        self._source = STATEMENTS["source"].format(path=sql_path(link)).strip()

        self.names: tuple[str, ...] = ()  # an error of the first statement counts them
        described = self._rows("columns")
        columns = [(name, column_type) for name, column_type in described if name != ROW_NUMBER]
        check_columns(len(columns), file, limits)
        self.names = unique_names(name for name, _ in columns)
        self._texts, self._kinds = _as_texts(columns, self.names)

        ((count,),) = self._rows("count")
        self._count = int(count)
        rows_of_cells = MOST_CELLS // max(1, len(columns))
        self._piece_rows = min(limits.piece_rows, max(LEAST_ROWS, rows_of_cells))

    @property
    def examples(self) -> dict[str, str]:
        """Of each column its first value."""
        first_values: dict[str, str] = {}
        for row in self._rows("look", texts=self._texts, rows=LOOKED_AT):
            for name, value in zip(self.names, row, strict=True):
                if value is not None:
                    first_values.setdefault(name, value)
        return {name: first_values[name] for name in self.names if name in first_values}

    def pieces(self, mark: Mark, until: int | None = None) -> Iterator[Piece]:
        """From the mark's row to the end, or to the row `until`.
        Raises FileUnreadable, FileTooLarge, ScratchFull.
        """
        past_all = self._count if until is None else min(until, self._count)
        for first_row in range(mark.row, past_all, self._piece_rows):
            past = min(first_row + self._piece_rows, past_all)
            table = self._piece(first_row, past)
            size = table.path.stat().st_size
            yield Piece(mark=Mark(past), is_last=past == past_all, size=size, table=table)

    def marks(self) -> Iterator[Mark]:
        """The file counts its rows; none of them is looked at."""
        rows = self._piece_rows
        for past in range(rows, self._count + rows, rows):
            yield Mark(min(past, self._count))

    def _piece(self, first: int, past: int) -> Table:
        path = self._tools.new_path(".parquet")
        self._rows("copy", first=first, past=past, texts=self._texts, target=sql_path(path))
        return Table(
            path=path,
            format="parquet",
            names=self.names,
            rows=past - first,
            first_row=first,
            file=self.file,
            kinds=self._kinds,
        )

    def _rows(self, name: str, **parts: object) -> list[tuple[Any, ...]]:
        statement = STATEMENTS[name].format(source=self._source, **parts)
        try:
            with _damage_as_ours(self.file), exhaustion_errors():
                return self._tools.duckdb.execute(statement).fetchall()
        except OutOfMemory as exc:
            raise FileTooLarge(
                f"{self.file}: its row groups of {len(self.names):,} columns take more memory than there is. Raise "
                "WELLHEAD_MEMORY_MB, or ask for it with fewer columns or as CSV.",
                file=self.file,
            ) from exc


@contextmanager
def _damage_as_ours(file: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as exc:
        first_line, _, _ = str(exc).partition("\n")
        without_path = re.sub(r"['\"]?/\S+", "the file", first_line)[:200]
        raise FileUnreadable(
            f"{file} is damaged, or no Parquet file: {without_path}. Ask for a new copy.", file=file
        ) from exc


def _as_texts(
    columns: list[tuple[str, str]], names: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """The select list that gives all as text under our names, and the kinds of the columns."""
    texts = []
    kinds = []
    for (column, column_type), name in zip(columns, names, strict=True):
        fitting = [form for form in FORMS if form[0].fullmatch(column_type)]
        _, statement, kind = fitting[0]  # the last one of FORMS fits all
        value = STATEMENTS[statement].format(value=quoted_name(column)).strip()
        texts.append(f"{value} AS {quoted_name(name)}")
        kinds.append(kind)
    return ", ".join(texts), tuple(kinds)
