"""CSV that any reader takes back as it was, and that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.csv_rows import OF_REJECTS, csv_headers, harmless, rows_csv, wants_csv
from chalicelib.errors import ValidationError

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

    assert text == 'page,position,reason,detail,raw,rejected_at\r\n1,0,NOT_A_NUMBER,,"{""a"": ""b,c""}",\r\n'
    assert rows_csv("rejects", []) == "page,position,reason,detail,raw,rejected_at\r\n"


@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=4))
def test_what_a_reader_gets_is_the_text_and_at_most_an_apostrophe(texts: list[str]) -> None:
    lines = list(csv.reader(io.StringIO(rows_csv("rejects", [row(raw=text) for text in texts]), newline="")))

    assert [line[OF_REJECTS.index("raw")] for line in lines[1:]] == [harmless(text) for text in texts]


@pytest.mark.parametrize(
    ("formats", "accept", "wanted"),
    [
        ([], "", False),
        ([], "*/*", False),
        ([], "application/json", False),
        ([], "text/csv", True),
        ([], "TEXT/CSV; charset=utf-8", True),
        ([], "text/html, text/csv, */*;q=0.1", True),
        ([], "application/json, text/csv", False),
        ([], "application/json;q=0.5, text/csv;q=0.9", True),
        ([], "text/csv;q=0", False),
        ([], "text/csv;q=much", False),
        (["csv"], "application/json", True),
        (["json"], "text/csv", False),
    ],
)
def test_it_is_asked_for_by_parameter_or_else_by_header(formats: list[str], accept: str, wanted: bool) -> None:
    assert wants_csv(formats, accept) is wanted


@pytest.mark.parametrize("formats", [["xml"], [""], ["CSV"], ["csv", "csv"]])
def test_another_format_is_refused(formats: list[str]) -> None:
    with pytest.raises(ValidationError, match="json or csv"):
        wants_csv(formats, "")


def test_the_next_page_is_in_a_header() -> None:
    assert csv_headers("rejects", "abc")["X-Next-Cursor"] == "abc"
    assert "X-Next-Cursor" not in csv_headers("rejects", None)
