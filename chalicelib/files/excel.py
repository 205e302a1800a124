"""Excel: a workbook's sheets as CSV on local disk, which is read on like any other."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import FilesNotFound, FileTooLarge, FileUnreadable, ScratchFull
from chalicelib.warehouse.disk import disk_errors

from .csv_faults import unclosed_quote
from .kind import ZIP, beginning_of

if TYPE_CHECKING:
    from chalicelib.errors import ImportFailed

    from .limits import Limits

MB = 1 << 20
SHOWN = 10  # names of sheets


@dataclass(frozen=True)
class Sheet:
    """A CSV of UTF-8 with a line a row, and beside it the kinds of the cells, a letter each.
    `last`: for each column, in which row, from 0, a kind of value came last.
    """

    name: str
    path: Path
    kinds_path: Path
    last: list[dict[str, int]]

    def kinds(self, width: int, *, first_row: int) -> tuple[str, ...]:
        """Of the columns from `first_row` on, as long as a column has values of one kind alone."""
        column_kinds = []
        padded = [*self.last, *[{}] * width]
        for last_rows in padded[:width]:
            kinds = [kind for kind, row in last_rows.items() if row >= first_row]
            is_of_one = len(kinds) == 1
            column_kinds.append(kinds[0] if is_of_one else "text")
        return tuple(column_kinds)

    def write_numbers(self, decimal: str, *, first_row: int, file: str) -> None:
        """With that decimal sign in place of a point, the cells from the row on that are numbers,
        in columns that hold other kinds too: there they are read as the texts beside them are.
        Raises FileUnreadable, ScratchFull.
        """
        kinds = self.kinds(len(self.last), first_row=first_row)
        are_numbers = [last_rows.get("number", -1) >= first_row for last_rows in self.last]
        mixed = [
            column for column, kind in enumerate(kinds) if kind == "text" and are_numbers[column]
        ]
        if not mixed or decimal == ".":
            return

        target = self.path.with_suffix(".written")
        number = 0
        with (
            disk_errors(),
            self.path.open(encoding="utf-8", newline="\n") as lines,
            self.kinds_path.open(encoding="ascii") as kinds_of_rows,
            target.open("w", encoding="utf-8", newline="") as written,
        ):
            rows = zip(lines, kinds_of_rows, strict=True)
            try:
                for number, (line, row_kinds) in enumerate(rows):
                    columns = [column for column in mixed if row_kinds[column:].startswith("n")]
                    is_anew = number >= first_row and columns and "." in line
                    written.write(_with_sign(decimal, line, columns) if is_anew else line)
            except csv.Error:  # a cell that no CSV has
                raise unclosed_quote(file, number - first_row) from None
        target.replace(self.path)


def _with_sign(decimal: str, line: str, columns: list[int]) -> str:
    cells = next(csv.reader([line]))
    for column in columns:
        cells[column] = cells[column].replace(".", decimal)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def sheets_of(
    path: Path, directory: Path, *, pattern: str, file: str, limits: Limits
) -> list[Sheet]:
    """Those that the pattern names, else the largest.
    Raises FileUnreadable, FileTooLarge, FilesNotFound.
    """
    _check_size(path, file, limits)
    directory.mkdir()
    answer = _ask_process(path, directory, pattern, file, limits)
    if "error" in answer:
        raise _error(answer, file)

    sheets = answer["sheets"]
    if not any(sheet["path"] for sheet in sheets):
        names = ", ".join(sheet["name"] for sheet in sheets[:SHOWN]) or "none"
        raise FilesNotFound(
            f'{file} has no sheet named "{pattern}". Its sheets are {names}. Correct sheet in the definition.',
            file=file,
        )

    written = [
        Sheet(sheet["name"], Path(sheet["path"]), Path(sheet["kinds_path"]), sheet["last"])
        for sheet in sheets
    ]
    filled = [sheet for sheet in written if sheet.path.stat().st_size]
    if not filled:
        raise FileUnreadable(
            f"{file} has no rows in its sheet. Ask for a new copy.", file=file, row=0
        )
    return filled


def _check_size(path: Path, file: str, limits: Limits) -> None:
    size = path.stat().st_size
    most = limits.xls
    if beginning_of(path).startswith(ZIP):
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        most = limits.excel
    if size > most:
        raise _too_large(file, f"has {size // MB:,} MB of cells, and {most // MB:,} MB are read")


def _ask_process(
    path: Path, directory: Path, pattern: str, file: str, limits: Limits
) -> dict[str, Any]:
    arguments = [str(path), str(directory), pattern, str(limits.excel_memory)]
    command = [sys.executable, "-m", f"{__package__}.excel_process", *arguments]
    # It finds its packages where this process does, in a layer perhaps.
    python_path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, "PYTHONPATH": python_path, "RUST_BACKTRACE": "0"}
    try:
        process = subprocess.run(  # noqa: S603  nothing of it is interpreted
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.excel_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _too_large(file, f"takes more than {limits.excel_seconds} seconds to read") from None

    if process.returncode < 0:  # killed by a signal
        raise _too_large(file, "takes more memory than there is, or has cells far apart")
    try:
        answer: dict[str, Any] = json.loads(process.stdout)
    except ValueError:
        return {"error": "damaged", "says": "its reader gave up"}
    return answer


def _error(answer: dict[str, Any], file: str) -> ImportFailed:
    if answer["error"] == "disk":
        return ScratchFull()
    if answer["error"] == "password":
        return FileUnreadable(f"{file} has a password. Ask for it without one.", file=file)
    if answer["error"] == "memory":
        return _too_large(file, "takes more memory than there is")
    return FileUnreadable(
        f"{file} is damaged or no Excel file ({answer['says']}). Open it in Excel, and save it again, or as CSV.",
        file=file,
    )


def _too_large(file: str, why: str) -> FileTooLarge:
    return FileTooLarge(f"{file} {why}. Save its sheets as CSV, or in several files.", file=file)
