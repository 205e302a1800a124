"""A draft finds periods and their forms, and whether rows are added;
what is not known it asks for.
"""

from __future__ import annotations

import pytest
from support.drafts import asked, drafted, values
from support.plain_rows import DAYS, GAS, LIQUIDS, OIL, WATER

# -- periods ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "form", "period"),
    [
        ("2024-01-01", "2024-02-01", "", "month"),
        ("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z", "", "month"),
        ("/Date(1704067200000)/", "/Date(1706745600000)/", "", "month"),
        ("202401", "202402", "%Y%m", "month"),
        ("2024-01", "2024-02", "%Y-%m", "month"),
        ("2024-M01", "2024-M02", "%Y-M%m", "month"),
        ("Jan-24", "Feb-24", "%b-%y", "month"),
        ("enero 2024", "febrero 2024", "%B %Y", "month"),
        ("janvier 2024", "février 2024", "%B %Y", "month"),
        ("jan/2024", "fev/2024", "%b/%Y", "month"),
        ("01/2024", "02/2024", "%m/%Y", "month"),
        ("1-2024", "2-2024", "%m-%Y", "month"),
        ("1/31/2024", "2/29/2024", "%m/%d/%Y", "month"),
        ("1/31/2024 00:00:00", "2/29/2024 00:00:00", "%m/%d/%Y %H:%M:%S", "month"),
        ("1/31/2024 12:00:00 AM", "2/29/2024 12:00:00 AM", "%m/%d/%Y %I:%M:%S %p", "month"),
        ("31.01.2024", "29.02.2024", "%d.%m.%Y", "month"),
        ("01/01/2024", "01/02/2024", "%d/%m/%Y", "month"),
        ("01/01/2024", "02/01/2024", "%m/%d/%Y", "month"),
        ("2024-01-01", "2024-01-02", "", "day"),
        ("20240101", "20240102", "%Y%m%d", "day"),
        ("2024Q1", "2024Q2", "%YQ%q", "quarter"),
        ("2024-01-01", "2024-04-01", "", "quarter"),
        ("2023-12-31", "2024-12-31", "", "year"),
    ],
)
def test_a_period_has_the_form_that_fits_and_the_length_of_its_distances(
    first: str, second: str, form: str, period: str
) -> None:
    found = drafted(f"Well;Production Date;Oil (bbl)\n1;{first};5\n1;{second};6\n2;{first};5\n")

    expected = {"field": "Production Date", "format": form} if form else "Production Date"
    assert values(found)["columns"]["production_period"] == expected
    assert values(found)["period"] == period


def test_a_year_and_quarter_are_fields_of_their_own() -> None:
    found = drafted("Well;Year;Quarter;Oil (bbl)\n1;2020;1;5\n1;2020;2;6\n")

    assert values(found)["period"] == "quarter"
    assert values(found)["columns"]["production_period"] == {"year": "Year", "quarter": "Quarter"}


def test_a_few_values_that_do_not_fit_are_counted() -> None:
    rows = [f"1;{2000 + month // 12}-{month % 12 + 1:02};5" for month in range(99)]
    found = drafted("\n".join(["Well;Month;Oil (bbl)", *rows, "1;soon;5"]))

    assert values(found)["columns"]["production_period"] == {"field": "Month", "format": "%Y-%m"}
    assert "%Y-%m fits 99 of 100 values" in found.text


def test_dates_that_tell_something_else_are_no_periods() -> None:
    found = drafted(
        "Well;Spud Date;Report Month;Last Updated;Oil (bbl)\n1;2001-01-01;2024-01;2024-03-01;5\n"
    )

    assert values(found)["columns"]["production_period"] == {
        "field": "Report Month",
        "format": "%Y-%m",
    }


def test_days_beyond_the_period_are_hours() -> None:
    found = drafted("Well;Date;Days;Oil (bbl)\n1;2024-01-01;744;5\n1;2024-02-01;600;5\n")

    assert values(found)["columns"][DAYS] == {"field": "Days", "unit": "h"}
    assert "guess: values up to 744, and a month has at most 31 days: hours" in found.text


# -- rows ---------------------------------------------------------------------------------------


def test_products_as_rows_become_columns() -> None:
    found = drafted("""
LEASE_KID;FIELD;API_NUMBER;MONTH-YEAR;PRODUCT;WELLS;PRODUCTION
1001;EL DORADO;15-001-12345;1-2021;O;2;120.5
1001;EL DORADO;15-001-12345;2-2021;O;2;130
1001;EL DORADO;15-001-12345;1-2021;G;2;1130
1001;EL DORADO;15-001-12345;0-2021;O;2;250.5
1001;EL DORADO;15-001-12345;-1-1965;O;2;99999
""")
    assert values(found) == {
        "period": "month",
        "rows": "sum",
        "primary_key": ["PRODUCT"],
        "skip": {"MONTH-YEAR": {"pattern": "(0|-1|13)-[0-9]{4}"}},
        "columns": {
            "field_code": "FIELD",
            "well_code": "API_NUMBER",
            "production_period": {"field": "MONTH-YEAR", "format": "%m-%Y"},
            OIL: {"field": "PRODUCTION", "unit": "bbl", "when": {"PRODUCT": ["O"]}},
            LIQUIDS: {"field": "PRODUCTION", "unit": "bbl", "when": {"PRODUCT": ["O"]}},
            GAS: {"field": "PRODUCTION", "unit": "Mcf", "when": {"PRODUCT": ["G"]}},
        },
    }


def test_rows_of_a_well_and_month_that_nothing_tells_apart_are_asked_for() -> None:
    found = drafted("Well;Date;Oil (bbl)\n1;2024-01-01;5\n1;2024-01-01;6\n")

    assert list(asked(found)) == ["rows", "primary_key"]
    assert "rows" not in values(found)


def test_a_row_that_comes_twice_is_no_second_one() -> None:
    found = drafted("Well;Date;Oil (bbl)\n1;2024-01-01;5\n1;2024-01-01;5\n")

    assert values(found)["rows"] == "one"


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands", "sure"),
    [
        (["1234,5", "7"], ",", ".", True),
        (["1.234,5", "7"], ",", ".", True),
        (["1.234.567", "7"], ",", ".", True),
        (["1,234.5", "7"], ".", ",", True),
        (["1,234,567", "7"], ".", ",", True),
        (["0,123", "7"], ",", ".", True),
        (["1,234", "7"], ".", ",", False),
        (["1,234", "5678"], ",", ".", False),
        (["1'234.5", "7"], ".", "'", True),
        (["1 234,5", "7"], ",", " ", True),
        (["1\xa0234,5", "7"], ",", " ", True),
        (["1\u202f234,5", "7"], ",", " ", True),
        (["1234.5", "7"], ".", "", True),
    ],
)
def test_signs_of_numbers_are_found(
    cells: list[str], decimal: str, thousands: str, sure: bool
) -> None:
    found = drafted(
        "Well;Date;Oil (bbl)\n"
        + "".join(f"{well};2024-01-01;{cell}\n" for well, cell in enumerate(cells))
    )

    told = {guess.key: guess for guess in found.guesses if guess.key in ("decimal", "thousands")}
    assert values(found).get("decimal", ".") == decimal
    assert values(found).get("thousands", "") in ("", thousands)
    assert all(guess.sure == sure for guess in told.values())
    assert "null_values" not in found.text


def test_columns_called_like_months_become_rows() -> None:
    found = drafted("""
Field;Well;Product;Year;Jan;Feb;Mar;Apr;May;Jun;Jul;Aug;Sep;Oct;Nov;Dec;Total
A;A-1;Gas (Mcf);2022;31;28;31;30;31;30;0;;30;31;30;31;303
A;A-1;Oil;2022;3;2;3;;;;;;;;;3;12
A;A-1;Water;2022;3;2;3;;;;;;;;;3;12
A;A-1;Salt;2022;3;2;3;;;;;;;;;3;12
""")
    months = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
    assert values(found)["unpivot"] == {"fields": f"(?P<Month>{months})", "value": "Volume"}
    assert values(found)["where"] == {"Product": ["Gas (Mcf)", "Oil", "Water"]}
    assert values(found)["columns"]["production_period"] == {"year": "Year", "month": "Month"}


def test_of_two_versions_of_a_row_the_later_one_counts() -> None:
    found = drafted("""
Well;Date;Oil (bbl);Last Updated
1;2024-01-01;5;2024-02-01
1;2024-01-01;6;2024-03-01
2;2024-01-01;6;2024-03-01
""")
    assert {name: values(found)[name] for name in ("rows", "order_by")} == {
        "rows": "one",
        "order_by": "Last Updated",
    }


def test_versions_of_rows_that_are_added_are_told_from_their_parts() -> None:
    found = drafted("""
Well;Pool;Date;Oil (bbl);Last Updated
1;A;2024-01-01;5;2024-02-01
1;A;2024-01-01;6;2024-03-01
1;B;2024-01-01;6;2024-03-01
""")
    told = {name: values(found)[name] for name in ("rows", "primary_key", "order_by")}
    assert told == {"rows": "sum", "primary_key": ["Pool"], "order_by": "Last Updated"}


def test_a_number_of_days_that_stands_for_none_is_left_out() -> None:
    found = drafted(
        "Well;Date;Days;Oil (bbl)\n1;2024-01-01;31;5\n1;2024-02-01;99;5\n1;2024-03-01;30;5\n"
    )

    days = {"field": "Days", "unit": "day", "pattern": "^([0-9]|[0-2][0-9]|3[01])$"}
    assert values(found)["columns"][DAYS] == days
    assert "99 days of a month mean that nobody knows" in found.text


def test_a_column_without_a_name_tells_no_rows_apart() -> None:
    rows = "".join(f"{place};1;2024-01-01;{place}\n" for place in range(30))
    found = drafted("column0;Well;Date;Oil (bbl)\n" + rows)

    assert "primary_key" in asked(found)


def test_a_month_without_a_year_asks_for_it() -> None:
    found = drafted("Well;Month;Oil (bbl)\n1;JANUARY;5\n1;FEBRUARY;6\n")

    assert (
        asked(found)["columns.production_period"]
        == "a month without a year: does the name of the file tell it?"
    )
    assert (
        '# production_period = { year = { field = "_file", pattern = "([0-9]{4})" }, month = "Month" }'
        in found.text
    )


def test_columns_of_a_product_and_month_become_rows() -> None:
    found = drafted("""
API;Well;Oil (bbl) Jan 2020;Oil (bbl) Feb 2020;Gas Jan 2020;Gas Feb 2020;Oil Total
42-501-20130;A;5;6;7;8;11
""")
    assert values(found) == {
        "unpivot": {
            "fields": r"(?P<Product>Oil\ \(bbl\)|Gas)[ _-](?P<Period>(?:[A-Za-z]+)\.? (?:[0-9]{4}))",
            "value": "Volume",
        },
        "period": "month",
        "rows": "sum",
        "primary_key": ["Product"],
        "columns": {
            "well_code": "API",
            "production_period": {"field": "Period", "format": "%B %Y"},
            OIL: {"field": "Volume", "unit": "bbl", "when": {"Product": ["Oil (bbl)"]}},
            LIQUIDS: {"field": "Volume", "unit": "bbl", "when": {"Product": ["Oil (bbl)"]}},
            GAS: {"field": "Volume", "unit": "Mcf", "when": {"Product": ["Gas"]}},
        },
    }


def test_columns_called_like_months_of_a_year_become_rows() -> None:
    found = drafted("Well;Product;2020-01;2020-02;2020-03\nA;Oil;1;2;3\nA;Gas;1;2;3\n")

    assert values(found)["unpivot"]["fields"] == "(?P<Period>(?:[0-9]{4})\\-(?:[0-9]{1,2}))"
    assert values(found)["columns"]["production_period"] == {"field": "Period", "format": "%Y-%m"}


def test_a_field_of_units_tells_those_of_products_as_rows() -> None:
    found = drafted("""
Well;Month;Stream;UOM;Quantity
A;2024-01;Oil;BBL;5
A;2024-01;Natural Gas;MCF;6
A;2024-01;Water;BBL;7
""")
    when = {"Oil": "bbl", "Natural Gas": "Mcf", "Water": "bbl"}
    told = {
        code: {"field": "Quantity", "unit": unit, "when": {"Stream": [code]}}
        for code, unit in when.items()
    }
    columns = values(found)["columns"]
    assert [columns[OIL], columns[GAS], columns[WATER]] == list(told.values())
    assert "a field of units says MCF next to them" in found.text
