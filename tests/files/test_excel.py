"""Excel workbooks, new and old."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from support.excel import workbook
from support.files import adapter_of, read, read_file, refused

from chalicelib.errors import FileFormatUnknown, FilesNotFound, FileTooLarge, FileUnreadable
from chalicelib.files.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ["well", "period", "oil", "on", "note"]
SHEET: list[list[Any]] = [
    HEADER,
    ["A-1", date(2024, 1, 1), 2.0, True, "one\ntwo"],
    [34059243520000, datetime(2024, 1, 31, 6, 30), 1.25, False, "#N/A"],  # noqa: DTZ001
    ["007", None, 1e20, None, " x "],
]
ROWS = [
    {"well": "A-1", "period": "2024-01-01", "oil": "2", "on": "true", "note": "one two"},
    {
        "well": "34059243520000",
        "period": "2024-01-31T06:30:00",
        "oil": "1.25",
        "on": "false",
        "note": None,
    },
    {"well": "007", "period": None, "oil": "1e+20", "on": None, "note": " x "},
]


def test_cells_are_text_as_people_read_them(tmp_path: Path) -> None:
    found = read_file(workbook(tmp_path / "wells.xlsx", {"Data": SHEET}))

    assert (found.rows, found.places) == (ROWS, [(1, 0), (1, 1), (1, 2)])
    [table] = [page.table for page in found.pages if page.table]
    assert (table.file, table.sheet) == ("wells.xlsx", "Data")
    assert table.kinds == ("text", "date", "number", "boolean", "text")


def test_a_zero_byte_in_a_cell_is_left_out(tmp_path: Path) -> None:
    """Excel writes it as `_x0000_`; the reader gives it as it is."""
    sheet: list[list[Any]] = [["well", "oil"], ["A_x0000_-1", 2.0], ["A-2", 3.0]]

    found = read_file(workbook(tmp_path / "wells.xlsx", {"Data": sheet}))

    assert found.rows == [{"well": "A-1", "oil": "2"}, {"well": "A-2", "oil": "3"}]


def test_numbers_beside_texts_have_the_sign_of_the_texts(tmp_path: Path) -> None:
    """A column of numbers alone is known to be one, and stays as it is."""
    sheet: list[list[Any]] = [
        [None, 1.5],
        ["well", "oil", "gas"],
        ["A-1", "n/a", 1.5],
        [],
        ["A, 2.5", 12.345, 2.5],
        ["A-3", "12.345", 3.5],
        ["A-4", -1.5e-07, 4.5],
    ]
    path = workbook(tmp_path / "wells.xlsx", {"Data": sheet})

    found = read_file(path, decimal=",")

    assert [tuple(row.values()) for row in found.rows] == [
        ("A-1", "n/a", "1.5"),
        ("A, 2.5", "12,345", "2.5"),
        ("A-3", "12.345", "3.5"),
        ("A-4", "-1,5e-07", "4.5"),
    ]
    assert [page.table.kinds for page in found.pages if page.table] == [("text", "text", "number")]
    assert [row["oil"] for row in read_file(path).rows] == ["n/a", "12.345", "12.345", "-1.5e-07"]


def test_titles_and_blank_rows_around_the_table_are_left_out(tmp_path: Path) -> None:
    sheet = [[], ["Production of 2024"], [], *SHEET, [], []]
    path = workbook(tmp_path / "wells.xlsx", {"Data": sheet})

    assert read_file(path).rows == ROWS
    assert read_file(path, header=4).rows == ROWS
    assert read_file(path, skip_rows=3).rows == ROWS
    assert read_file(path, skip_rows=4, header=False).rows[0]["column0"] == "A-1"


def test_the_largest_sheet_that_is_not_hidden_is_read(tmp_path: Path) -> None:
    sheets = {"Read me": [["About"]], "Data": SHEET, "Old": [*SHEET, *SHEET]}

    found = read_file(workbook(tmp_path / "wells.xlsx", sheets, hidden=["Old"]))

    assert found.rows == ROWS


def test_a_pattern_chooses_sheets_and_each_is_a_file_of_its_own(tmp_path: Path) -> None:
    sheets = {"Oil 2023": SHEET, "Notes": [["x"]], "Oil 2024": [["a"], ["b"]], "Oil 2025": []}
    path = workbook(tmp_path / "wells.xlsx", sheets)

    found = read_file(path, sheet="oil*")

    assert found.places == [(1, 0), (1, 1), (1, 2), (2, 0)]
    assert [page.table.sheet for page in found.pages if page.table] == ["Oil 2023", "Oil 2024"]
    assert read_file(path, sheet="Notes", header=False).rows == [{"column0": "x"}]
    assert "Its sheets are Oil 2023, Notes" in refused(FilesNotFound, path, sheet="Gas").message


def test_reading_goes_on_behind_any_page(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "wells.xlsx", {"A": [["x"], *([i] for i in range(5))], "B": [["y"], [7]]}
    )
    whole = read_file(path, sheet="*", limits=Limits(piece_rows=2))

    assert [page.number for page in whole.pages] == [1, 1, 1, 2]
    for page in whole.pages[:-1]:
        later = adapter_of(path, tmp_path / "later", sheet="*", limits=Limits(piece_rows=2))
        rest = read(later, page.next)
        assert (rest.rows, rest.end) == (whole.rows[page.next.delivered :], whole.end)
        later.close()


def test_a_workbook_may_lie_in_a_zip(tmp_path: Path) -> None:
    inner = workbook(tmp_path / "inner.xlsx", {"Data": SHEET}).read_bytes()
    with zipfile.ZipFile(tmp_path / "wells.zip", "w") as archive:
        archive.writestr("2024/wells.xlsx", inner)

    found = read_file(tmp_path / "wells.zip")

    assert (found.rows, set(found.files)) == (ROWS, {"wells.zip/2024/wells.xlsx"})


def test_nothing_of_a_workbook_is_left_on_the_disk(tmp_path: Path) -> None:
    adapter = adapter_of(workbook(tmp_path / "wells.xlsx", {"Data": SHEET}), tmp_path / "work")
    read(adapter)

    adapter.close()

    assert [path.name for path in tmp_path.iterdir()] == ["wells.xlsx"]


# -- hostile ----------------------------------------------------------------------------------


def test_cells_far_apart_end_no_more_than_the_process_that_reads_them(tmp_path: Path) -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'

    error = refused(FileTooLarge, workbook(tmp_path / "wells.xlsx", {"Data": far}))

    assert error.message == (
        "wells.xlsx takes more memory than there is, or has cells far apart. Save its sheets as CSV, or in several "
        "files."
    )


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "wells.xlsx", {"Data": [["x" * 2_000_000]]})

    assert (
        "has 1 MB of cells, and 1 MB are read"
        in refused(FileTooLarge, path, limits=Limits(excel=1 << 20)).message
    )


def test_an_old_workbook_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wells.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000))

    assert "cells" in refused(FileTooLarge, path, limits=Limits(xls=1000)).message
    assert "damaged or no Excel file" in refused(FileUnreadable, path).message


def test_a_workbook_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    path = workbook(tmp_path / "wells.xlsx", {"Data": SHEET})

    assert "0 seconds" in refused(FileTooLarge, path, limits=Limits(excel_seconds=0)).message


def test_damaged_workbooks_are_refused(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "whole.xlsx", {"Data": SHEET})
    broken = workbook(tmp_path / "broken.xlsx", {"Data": '<row r="1"><c r="A1"><v>1</v>'})
    with (
        zipfile.ZipFile(whole) as read_from,
        zipfile.ZipFile(tmp_path / "part.xlsx", "w") as archive,
    ):
        for name in read_from.namelist():
            if "sheet1" not in name:
                archive.writestr(name, read_from.read(name))
    (tmp_path / "cut.xlsx").write_bytes(whole.read_bytes()[:-100])

    for path in (broken, tmp_path / "part.xlsx", tmp_path / "cut.xlsx"):
        assert refused(FileUnreadable, path).message.startswith(f"{path.name} ")


def test_a_workbook_without_a_cell_is_refused(tmp_path: Path) -> None:
    assert (
        "has no rows"
        in refused(FileUnreadable, workbook(tmp_path / "wells.xlsx", {"Data": []})).message
    )


def test_a_web_page_under_the_name_of_a_workbook_is_told(tmp_path: Path) -> None:
    (tmp_path / "wells.xls").write_text(
        "\n<html><body><table><tr><td>1</td></tr></table></body></html>"
    )

    assert "wells.xls is a web page" in refused(FileFormatUnknown, tmp_path / "wells.xls").message


def test_text_under_the_name_of_a_workbook_is_read_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "wells.xls").write_text("well\toil\nA-1\t2\n")

    assert read_file(tmp_path / "wells.xls").rows == [{"well": "A-1", "oil": "2"}]
    assert (
        "is text, and no xls file"
        in refused(FileFormatUnknown, tmp_path / "wells.xls", format="xls").message
    )
