"""A column a month becomes rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from support.excel import workbook
from support.files import Read, read

from chalicelib.errors import FileUnreadable
from chalicelib.files.adapter import FilesAdapter
from chalicelib.files.form import FileForm
from chalicelib.files.limits import USUAL, Limits
from chalicelib.files.local_place import LocalPlace

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.odata.cursor import Cursor

WIDE = "Well,Jan OIL,Feb OIL,Jan GAS,Total\nA-1,1,2,30,33\nA-2,,4,,4\nA-3,,,,0\nA-4,5,,60,65\n"
LONG = [
    {"Well": "A-1", "Total": "33", "Month": "Jan", "Product": "OIL", "Volume": "1", "_row": "0"},
    {"Well": "A-1", "Total": "33", "Month": "Feb", "Product": "OIL", "Volume": "2", "_row": "0"},
    {"Well": "A-1", "Total": "33", "Month": "Jan", "Product": "GAS", "Volume": "30", "_row": "0"},
    {"Well": "A-2", "Total": "4", "Month": "Feb", "Product": "OIL", "Volume": "4", "_row": "1"},
    {"Well": "A-4", "Total": "65", "Month": "Jan", "Product": "OIL", "Volume": "5", "_row": "3"},
    {"Well": "A-4", "Total": "65", "Month": "Jan", "Product": "GAS", "Volume": "60", "_row": "3"},
]


@dataclass(frozen=True)
class Unpivot:
    fields: str = "(?P<Month>[A-Z][a-z]{2}) (?P<Product>OIL|GAS)"
    value: str = "Volume"


def read_long(
    path: Path,
    unpivot: Unpivot | None = None,
    *,
    limits: Limits = USUAL,
    decimal: str = ".",
    cursor: Cursor | None = None,
) -> Read:
    adapter = FilesAdapter(
        FileForm(),
        LocalPlace(path),
        path.parent / "work",
        limits=limits,
        decimal=decimal,
        unpivot=unpivot or Unpivot(),
    )
    try:
        return read(adapter, cursor)
    finally:
        adapter.close()


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_each_cell_that_holds_something_is_a_row(tmp_path: Path) -> None:
    found = read_long(written(tmp_path / "wide.csv", WIDE))

    assert found.rows == LONG
    assert found.end.delivered == len(LONG)


def test_the_survey_shows_the_fields_of_the_rows(tmp_path: Path) -> None:
    path = written(tmp_path / "wide.csv", WIDE)
    adapter = FilesAdapter(FileForm(), LocalPlace(path), tmp_path / "work", unpivot=Unpivot())

    survey = adapter.survey()
    adapter.close()

    assert survey.fields == ["Well", "Total", "Month", "Product", "Volume"]
    assert survey.values == {
        "Well": "A-1",
        "Total": "33",
        "Month": "Jan",
        "Product": "OIL",
        "Volume": "1",
    }


def test_pieces_go_on_where_the_one_before_ended(tmp_path: Path) -> None:
    path = written(tmp_path / "wide.csv", WIDE)
    whole = read_long(path, limits=Limits(piece_rows=2))
    rest = read_long(path, limits=Limits(piece_rows=2), cursor=whole.pages[0].next)

    assert (whole.rows, len(whole.pages)) == (LONG, 2)
    assert rest.rows == LONG[4:]


def test_a_row_that_cannot_be_told_apart_stays_one_and_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "wide.csv", WIDE.replace("A-2,,4,,4\n", "A-2,,4,,4,5,6,7\n"))
    adapter = FilesAdapter(FileForm(), LocalPlace(path), tmp_path / "work", unpivot=Unpivot())

    [page] = adapter.pages(adapter.first_cursor([], adapter.survey()), adapter.survey())
    adapter.close()

    assert page.table
    assert page.table.rows == len(LONG)
    assert [told.row for told in page.table.unreadable] == [1]


def test_a_column_that_is_called_like_a_new_field_gives_way(tmp_path: Path) -> None:
    found = read_long(written(tmp_path / "wide.csv", "Well,MONTH,Jan OIL\nA-1,all,1\n"))

    assert found.rows == [
        {"Well": "A-1", "Month": "Jan", "Product": "OIL", "Volume": "1", "_row": "0"}
    ]


def test_names_with_quotes_are_names(tmp_path: Path) -> None:
    path = written(tmp_path / "wide.csv", '"We\'ll ""A""",field,place,cell,Jan OIL\nx,1,2,3,4\n')

    found = read_long(path, Unpivot(value="Vol'\"ume"))

    assert found.rows == [
        {'We\'ll "A"': "x", "field": "1", "place": "2", "cell": "3"}
        | {"Month": "Jan", "Product": "OIL", "Vol'\"ume": "4", "_row": "0"}
    ]


def test_objects_become_rows_too(tmp_path: Path) -> None:
    rows = [
        {"Well": "A-1", "Jan OIL": 1.5, "Feb OIL": None, "Jan GAS": ""},
        {"Well": "A-2", "Feb OIL": 2},
        ["no"],
    ]
    path = written(tmp_path / "wide.ndjson", "".join(f"{json.dumps(row)}\n" for row in rows))

    assert read_long(path).rows == [
        {"Well": "A-1", "Month": "Jan", "Product": "OIL", "Volume": 1.5},
        {"Well": "A-2", "Month": "Feb", "Product": "OIL", "Volume": 2},
        ["no"],
    ]


@pytest.mark.parametrize("blank", [" ", "\u00a0 ", "\u202f\u3000"])
def test_a_cell_of_blanks_holds_nothing(tmp_path: Path, blank: str) -> None:
    csv = written(tmp_path / "wide.csv", f'Well,Jan OIL,Feb OIL\nA-1,"{blank}",\t2\n')
    row = {"Well": "A-1", "Jan OIL": blank, "Feb OIL": "\t2"}
    lines = written(tmp_path / "wide.ndjson", json.dumps(row) + "\n")

    [from_json] = read_long(lines).rows

    assert from_json == {"Well": "A-1", "Month": "Feb", "Product": "OIL", "Volume": "\t2"}
    assert read_long(csv).rows == [from_json | {"_row": "0"}]


def test_an_object_that_has_a_member_twice_stays_as_it_is(tmp_path: Path) -> None:
    twice = '{"Well": "A-1", "Jan OIL": 1, "Feb OIL": 2, "Jan OIL": 3}'
    path = written(tmp_path / "wide.ndjson", twice + "\n")
    adapter = FilesAdapter(FileForm(), LocalPlace(path), tmp_path / "work", unpivot=Unpivot())

    [page] = adapter.pages(adapter.first_cursor([], adapter.survey()), adapter.survey())
    adapter.close()

    assert page.rows == [twice.encode()]


def test_numbers_of_some_months_have_the_sign_of_the_texts_of_others(tmp_path: Path) -> None:
    sheet: list[list[Any]] = [
        ["Well", "Jan OIL", "Feb OIL", "Jan GAS", "Depth"],
        ["A-1", 12.345, 1.5, "1.234,5", 2.5],
        ["A-2", 2.5, "12.345", None, 3.5],
    ]

    found = read_long(workbook(tmp_path / "wide.xlsx", {"Data": sheet}), decimal=",")

    assert [row["Volume"] for row in found.rows] == ["12,345", "1,5", "1.234,5", "2,5", "12.345"]
    assert {row["Depth"] for row in found.rows} == {"2.5", "3.5"}  # whose kind is known


def test_a_pattern_that_no_column_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"No column of wide\.csv is like"):
        read_long(written(tmp_path / "wide.csv", "Well,January\nA-1,1\n"))
