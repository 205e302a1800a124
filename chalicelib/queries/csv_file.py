"""A list as a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.csv_rows import BOM, CsvLines, Dialect
from chalicelib.warehouse.disk import disk_errors

if TYPE_CHECKING:
    from pathlib import Path

    from .list_rows import ListRows
    from .pace import Pace


def write_csv(path: Path, rows: ListRows, dialect: Dialect, pace: Pace) -> None:
    """UTF-8, with the mark by which Excel knows it.
    Raises ListTooLarge, ScratchFull, OutOfMemory.
    """
    with disk_errors(), path.open("x", encoding="utf-8", newline="") as file:
        file.write(BOM)
        lines = CsvLines(file, rows.columns, dialect)
        for batch in rows.as_text():
            lines.write(batch)
            pace.add(len(batch))
