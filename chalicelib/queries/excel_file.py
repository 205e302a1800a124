"""A list as an Excel workbook of one sheet, written row by row."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.warehouse.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from .list_rows import ListRows
    from .pace import Pace

MOST_SHEET_ROWS = 1_048_575  # below the one with the headings
MOST_TEXT = 32_767  # characters of a cell
DAY_FORMAT, MOMENT_FORMAT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
# Excel has a 29 February 1900, so it counts earlier days wrongly, and none before that year.
FIRST_DAY = date(1900, 3, 1)
WIDTHS = {"raw": 60, "detail": 40, "job_id": 38}
USUAL_WIDTH = 18
OPTIONS = {
    "constant_memory": True,  # a row goes to disk when the next one begins
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "default_date_format": MOMENT_FORMAT,
}


def write_excel(path: Path, rows: ListRows, pace: Pace, *, title: str) -> None:
    """Text stays text, whatever it looks like: codes keep their zeros, and no formula is run.
    Raises ListTooLarge, ScratchFull, OutOfMemory.
    """
    from xlsxwriter import Workbook

    with disk_errors():
        book = Workbook(path, {**OPTIONS, "tmpdir": str(path.parent)})
        sheet = book.add_worksheet(title)
        try:
            _write_head(sheet, rows.columns, book.add_format({"bold": True}))
            _write_rows(sheet, rows, pace, book.add_format({"num_format": DAY_FORMAT}))
            _close(book)
        finally:
            # Where its rows wait, also those of a book that nobody will read.
            sheet.row_data_fh.close()


def _write_head(sheet: Worksheet, columns: Sequence[str], bold: Format) -> None:
    for column, name in enumerate(columns):
        sheet.set_column(column, column, WIDTHS.get(name, USUAL_WIDTH))
        sheet.write_string(0, column, name, bold)
    sheet.freeze_panes(1, 0)


def _write_rows(sheet: Worksheet, rows: ListRows, pace: Pace, day: Format) -> None:
    writers: Mapping[type, Callable[[int, int, Any], object]] = {
        str: lambda place, column, value: sheet.write_string(place, column, value[:MOST_TEXT]),
        datetime: sheet.write_datetime,
        date: lambda place, column, value: _write_day(sheet, place, column, value, day),
    }
    place = 0
    for batch in rows.as_values():
        for row in batch:
            place += 1
            for column, value in enumerate(row):
                if value is not None:
                    # By the very type, because a datetime is a date too.
                    write = writers.get(type(value), sheet.write_number)
                    write(place, column, value)
        pace.add(len(batch))
    if place:
        sheet.autofilter(0, 0, place, len(rows.columns) - 1)


def _close(book: Workbook) -> None:
    """Here the rows are packed.
    XlsxWriter hides what the system says within an error of its own.
    """
    from xlsxwriter.exceptions import FileCreateError

    try:
        book.close()
    except FileCreateError as exc:
        raise exc.args[0] from exc


def _write_day(sheet: Worksheet, place: int, column: int, value: date, form: Format) -> None:
    if value < FIRST_DAY:
        sheet.write_string(place, column, value.isoformat())
    else:
        sheet.write_datetime(place, column, value, form)
