"""CSV that any reader takes back as it was, and that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.csv_rows import OF_REJECTS, Dialect, answer_csv, csv_headers, harmless, rows_csv

FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "\uff1d1",
    "\u00a0=1",
    "\0=1",
    "\u200b=1",
    "\ufeff =1",
    "\u061c=1",
    "\u2067=1",
    "\U000e0020=1",
]
HARMLESS = ["", "a=1", "{}", '{"a": "=1"}', "1-1", "é", "'=1", None, 7, -7, 1.5, -1.5]


def row(**cells: Any) -> dict[str, Any]:
    return dict.fromkeys(OF_REJECTS) | cells


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", HARMLESS)
def test_anything_else_stays_as_it_is(value: Any) -> None:
    assert harmless(value) == value


def test_the_columns_are_named_and_a_missing_value_is_empty() -> None:
    text = rows_csv("rejects", [row(page=1, position=0, reason="NOT_A_NUMBER", raw='{"a": "b,c"}')])

    assert (
        text
        == 'page,position,reason,detail,raw,rejected_at\r\n1,0,NOT_A_NUMBER,,"{""a"": ""b,c""}",\r\n'
    )
    assert rows_csv("rejects", []) == "page,position,reason,detail,raw,rejected_at\r\n"


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=4))
def test_what_a_reader_gets_is_the_text_and_at_most_an_apostrophe(texts: list[str]) -> None:
    lines = list(
        csv.reader(io.StringIO(rows_csv("rejects", [row(raw=text) for text in texts]), newline=""))
    )

    assert [line[OF_REJECTS.index("raw")] for line in lines[1:]] == [
        harmless(text) for text in texts
    ]


def test_numbers_of_sql_that_came_as_text_are_numbers() -> None:
    """JSON has no form for them; a text that looks like one is text."""
    types = ("DECIMAL(9,2)", "HUGEINT", "FLOAT", "VARCHAR", "DOUBLE", "DATE")
    data = {
        "columns": [{"name": f"c{place}", "type": kind} for place, kind in enumerate(types)],
        "rows": [["-1.50", "-9007199254740993", "-1.5e-05", "-1.25", -2.5, "-4"]],
    }

    assert answer_csv(data).splitlines()[1] == "-1.50,-9007199254740993,-0.000015,'-1.25,-2.5,'-4"
    german = Dialect(separator=";", decimal=",")
    assert (
        answer_csv(data, german).splitlines()[1]
        == "-1,50;-9007199254740993;-0,000015;'-1.25;-2,5;'-4"
    )


def test_numbers_may_have_a_comma_and_lines_another_separator() -> None:
    german = Dialect(separator=";", decimal=",")
    rows = [
        {"well_code": "1,5", "oil": 1.5, "days": 31, "gas": -0.25, "name": "-a;b", "none": None}
    ]

    assert (
        rows_csv("wells", rows, german)
        == 'well_code;oil;days;gas;name;none\r\n1,5;1,5;31;-0,25;"\'-a;b";\r\n'
    )


def test_the_next_page_is_in_a_header() -> None:
    assert csv_headers("rejects", "abc")["X-Next-Cursor"] == "abc"
    assert "X-Next-Cursor" not in csv_headers("rejects", None)
