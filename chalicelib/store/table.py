"""Table: a piece of a file that DuckDB reads by itself, all of its values as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Table:
    """`rows` are data rows as DuckDB counts them, the first of which stands at `first_row` of the file or sheet, from
    0. `names` are those of all columns, in order, each once. `file` is the file's name, that of a member of a zip
    `a.zip/b.csv`. A CSV has UTF-8, no header and one kind of line end. `kinds` tells of each column what the format
    knows of it, "text", "number", "date" or "boolean"; without them all is text.
    """

    path: Path
    format: str  # "csv" or "parquet"
    names: tuple[str, ...]
    rows: int
    first_row: int
    file: str
    sheet: str = ""
    delimiter: str = ","
    quote: str = '"'  # empty for none
    kinds: tuple[str, ...] = ()
