"""The process that reads a workbook: the sheets that are wanted become CSV files, and what is in
them is told as JSON.

A process of its own, because the reader keeps a sheet whole in memory, by its corners: two cells
far enough apart ask for half a terabyte, and then there is no error but the end of the process.
"""

from __future__ import annotations

import csv
import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import python_calamine

from chalicelib.warehouse.disk import FULL

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS = ("text", "number", "date", "boolean")
WHOLE = 1e15  # up to here a whole number of a cell is exact


def main(path: str, directory: str, pattern: str, memory: str) -> None:
    """Prints an object with `sheets`, or with the `error` that there was."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    answer: dict[str, Any]
    try:
        answer = {"sheets": write_sheets(path, Path(directory), pattern)}
    except python_calamine.PasswordError:
        answer = {"error": "password"}
    except MemoryError:
        answer = {"error": "memory"}
    except (python_calamine.CalamineError, ValueError, OSError) as exc:
        is_full = isinstance(exc, OSError) and exc.errno in FULL
        answer = {"error": "disk" if is_full else "damaged", "says": str(exc)[:200]}
    json.dump(answer, sys.stdout)


def write_sheets(path: str, directory: Path, pattern: str) -> list[dict[str, Any]]:
    """All that the pattern names, else the largest one that is not hidden;
    each sheet's own name and rows of kinds.
    """
    book = python_calamine.CalamineWorkbook.from_path(path)
    names = _like(pattern, book.sheet_names) if pattern else _largest(book)
    if not names:
        return [{"name": name, "path": ""} for name in book.sheet_names]

    paths = [directory / f"sheet-{number}.csv" for number in range(len(names))]
    return [_write(book, name, path) for name, path in zip(names, paths, strict=True)]


def _like(pattern: str, names: list[str]) -> list[str]:
    small_pattern = pattern.casefold()
    return [name for name in names if fnmatchcase(name.casefold(), small_pattern)]


def _largest(book: python_calamine.CalamineWorkbook) -> list[str]:
    names = [sheet.name for sheet in book.sheets_metadata if _is_visible_table(sheet)]
    if len(names) < 2:  # noqa: PLR2004
        return names
    largest = max(names, key=lambda name: _cells(book.get_sheet_by_name(name)))
    return [largest]


def _is_visible_table(sheet: python_calamine.SheetMetadata) -> bool:
    """No chart or macro, and not hidden."""
    is_visible = sheet.visible == python_calamine.SheetVisibleEnum.Visible
    return is_visible and sheet.typ == python_calamine.SheetTypeEnum.WorkSheet


def _cells(sheet: python_calamine.CalamineSheet) -> int:
    return int(sheet.height) * int(sheet.width)


def _write(book: python_calamine.CalamineWorkbook, name: str, target: Path) -> dict[str, Any]:
    last: list[dict[str, int]] = []
    target_of_kinds = target.with_suffix(".kinds")
    with (
        target.open("w", newline="", encoding="utf-8") as file,
        target_of_kinds.open("w", encoding="ascii") as kinds_file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        rows = book.get_sheet_by_name(name).iter_rows()
        for number, row in enumerate(rows):
            new_columns = len(row) - len(last)
            last += [{} for _ in range(new_columns)]
            texts, kinds = _texts(row, number, last)
            writer.writerow(texts)
            kinds_file.write(f"{kinds}\n")
    return {"name": name, "path": str(target), "kinds_path": str(target_of_kinds), "last": last}


def _texts(row: Iterable[Any], number: int, last: list[dict[str, int]]) -> tuple[list[str], str]:
    """The cells as text, and the first letter of the kind of each.
    For each column it is noted in which row a kind of value came last.
    """
    texts = []
    kinds = ""
    for column, cell in enumerate(row):
        kind, text = _as_text(cell)
        if text:
            last[column][kind] = number
        texts.append(text)
        kinds += kind[0]
    return texts, kinds


def _as_text(cell: Any) -> tuple[str, str]:
    # In this order: a bool is an int to Python, and a datetime a date.
    if isinstance(cell, str):
        return "text", _on_one_line(cell)
    if isinstance(cell, bool):
        return "boolean", str(cell).lower()
    if isinstance(cell, (int, float)):
        return "number", number_as_text(cell)
    if isinstance(cell, datetime):
        is_midnight = cell.time() == time()
        day = cell.date().isoformat()
        return "date", day if is_midnight else cell.isoformat(timespec="seconds")
    if isinstance(cell, date):
        return "date", cell.isoformat()
    is_span = isinstance(cell, (time, timedelta))
    return "text", str(cell) if is_span else ""


def _on_one_line(text: str) -> str:
    text = text.replace("\0", "")
    has_breaks = "\n" in text or "\r" in text
    return " ".join(text.splitlines()) if has_breaks else text


def number_as_text(value: float) -> str:
    """A whole number by its digits, another one as short as it can be told."""
    is_whole = value % 1 == 0
    if is_whole and abs(value) < WHOLE:
        return str(int(value))
    return repr(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
