"""Numbers in the form that a definition declares; what is none in it is none at all."""

from __future__ import annotations

import duckdb
import pytest

from chalicelib.sources.expressions import Expressions
from chalicelib.store.row_reading import literal
from chalicelib.store.well_production import fill


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for macro in ("macro_stripped", "macro_read_number"):
        connection.execute(fill(macro))
    return connection


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "number"),
    [
        ("1.234,56", ",", ".", 1234.56),
        ("1234,5", ",", ".", 1234.5),
        (",578", ",", ".", 0.578),
        ("-,5", ",", ".", -0.5),
        (" 12.400 ", ",", ".", 12400),
        ("1.234.567", ",", ".", 1234567),
        ("123,450", ".", ",", 123450),
        (".5", ".", ",", 0.5),
        ("1 234,5", ",", " ", 1234.5),
        ("1'234.5", ".", "'", 1234.5),
        ("1,5e3", ",", "", 1500),
        ("90000.5", ".", ",", 90000.5),
    ],
)
def test_a_number_is_read_in_its_form(
    connection: duckdb.DuckDBPyConnection, text: str, decimal: str, thousands: str, number: float
) -> None:
    assert read(connection, text, decimal, thousands) == number


@pytest.mark.parametrize(
    ("text", "decimal", "thousands"),
    [
        ("1,2", ".", ","),
        ("12.34,5", ",", "."),
        ("1.2345", ",", "."),
        ("1234.567,8", ",", "."),
        (",", ",", "."),
        ("1,2,3", ",", "."),
        ("1.5", ",", ""),
    ],
)
def test_another_form_is_no_number(
    connection: duckdb.DuckDBPyConnection, text: str, decimal: str, thousands: str
) -> None:
    assert read(connection, text, decimal, thousands) is None


def read(
    connection: duckdb.DuckDBPyConnection, text: str, decimal: str, thousands: str
) -> float | None:
    plain = Expressions(rules={}, decimal=decimal, thousands=thousands).number(literal(text))
    found: list[tuple[float | None]] = connection.execute(f"SELECT read_number({plain})").fetchall()
    return found[0][0]
