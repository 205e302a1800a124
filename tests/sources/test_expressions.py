"""What a definition says of a column is what is stored:
by a real DuckDB, against a few lines of Python.
"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.mapped import OF_KEY, Mapped
from support.soak import longer, some_of

from chalicelib.errors import SourceColumns
from chalicelib.sources.choices import LONGEST_PATTERN
from chalicelib.sources.units import names_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLANKS = " \t\n\r\xa0"
OIL = "oil_production_kbd"
GAS = "gas_production_mmcfd"
WATER = "water_production_kbd"
DAYS = "days_on_production"
EXACT = 1e-14  # a few roundings of a double
BARREL = 42 * 231 * Fraction("0.0254") ** 3  # m³
CUBIC_FOOT = Fraction("0.3048") ** 3  # m³
RATE = {"unit": "Mbbl/d"}  # our own unit, so that a number is stored as it is


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapped]:
    mapped = Mapped(tmp_path_factory.mktemp("mapped"))
    yield mapped
    mapped.close()


def column(mapped: Mapped, name: str, rule: Any, *rows: Any, **definition: Any) -> list[Any]:
    """Of each row what is stored in the column, or why the row is not sound."""
    columns: dict[str, Any] = {name: rule} | (
        {} if name == OIL else {OIL: {"value": 1, "unit": "bbl"}}
    )
    return [row["problem"] or row[name] for row in mapped.json(columns, *rows, **definition)]


def of_csv(
    mapped: Mapped, name: str, rule: Any, names: list[str], *rows: list[str], **told: Any
) -> list[Any]:
    columns: dict[str, Any] = {
        "well_code": {"value": "W"},
        "production_period": {"value": "2024-01-01"},
    }
    columns |= {OIL: {"value": 1, "unit": "bbl"}, name: rule}
    return [row["problem"] or row[name] for row in mapped.csv(columns, names, *rows, **told)]


# -- codes --------------------------------------------------------------------------------------


def code_part(value: Any) -> str | None:
    """A few lines of what docs say of a part: without blanks around it, a number as its digits.
    A text that is an object of JSON by its letters is taken for one, which is no code.
    """
    if value is None or (isinstance(value, str) and is_object(value)):
        return None
    text = (value if isinstance(value, str) else json.dumps(value)).strip(BLANKS)
    if re.fullmatch(r"[0-9]+\.0*", text):
        text = text.partition(".")[0]
    return text or None


def is_object(text: str) -> bool:
    try:
        return text.startswith("{") and isinstance(json.loads(text), dict)
    except ValueError:
        return False


words = st.text(st.sampled_from("ab05-./' \t\xa0é€\"\\{}$:;"), max_size=6)
parts = (
    words
    | st.none()
    | st.integers(0, 10**14)
    | st.sampled_from([2.0, 15.0, "007", "2.0", " 7 ", "05-001"])
)
# What costs is a statement, whose definition an example draws, and not its rows.
MANY = 30


@settings(max_examples=longer(4, 30))
@given(st.lists(st.tuples(parts, parts), min_size=1, max_size=MANY))
def test_fields_are_joined_and_one_that_is_empty_leaves_none(
    mapped: Mapped, rows: list[tuple[Any, Any]]
) -> None:
    found = column(mapped, "well_code", ["A", "B"], *({"A": a, "B": b} for a, b in rows))

    expected = [[code_part(a), code_part(b)] for a, b in rows]
    assert found == [
        "/".join(map(str, each)) if all(each) else "MISSING_KEY well_code" for each in expected
    ]


@settings(max_examples=longer(7, 50))
@given(
    st.lists(st.tuples(parts, parts), min_size=1, max_size=MANY),
    st.integers(0, 12),
    st.sampled_from(["-", "'", "a$b", "%s", "\\", ";--", "é"]),
)
def test_a_template_pads_and_never_cuts(
    mapped: Mapped, rows: list[tuple[Any, Any]], width: int, between: str
) -> None:
    template = f"05{between}{{A:{width:02}}}{between}{{B}}"
    found = column(
        mapped, "well_code", {"template": template}, *({"A": a, "B": b} for a, b in rows)
    )

    def told(a: str | None, b: str | None) -> str:
        return (
            "MISSING_KEY well_code"
            if a is None or b is None
            else f"05{between}{a.rjust(width, '0')}{between}{b}"
        )

    assert found == [told(code_part(a), code_part(b)) for a, b in rows]


def test_a_template_of_an_identifier_in_three_columns(mapped: Mapped) -> None:
    names = ["API County", "API Sequence", "API Sidetrack"]
    template = {"template": "05-{API County:03}-{API Sequence:05}-{API Sidetrack:02}"}

    assert of_csv(
        mapped,
        "well_code",
        template,
        names,
        ["1", "7727", "0"],
        ["123", "1234567", "00"],
        ["1", "", "0"],
    ) == [
        "05-001-07727-00",
        "05-123-1234567-00",
        "MISSING_KEY well_code",
    ]


@settings(max_examples=longer(4, 30))
@given(st.lists(st.tuples(parts, parts, parts), min_size=1, max_size=MANY))
def test_the_first_that_holds_something_is_taken(
    mapped: Mapped, rows: list[tuple[Any, ...]]
) -> None:
    told = [dict(zip("ABC", row, strict=True)) for row in rows]

    found = column(mapped, "well_code", {"coalesce": ["A", "B", "C"]}, *told)
    assert found == [
        next(filter(None, map(code_part, row)), "MISSING_KEY well_code") for row in rows
    ]


def test_other_vintages_of_a_header_need_not_be_there(mapped: Mapped) -> None:
    rule = {"coalesce": ["PERMIT_NUM", "WELL_PERMIT_NUM"]}
    assert of_csv(mapped, "well_code", rule, ["WELL_PERMIT_NUM"], ["059-1"]) == ["059-1"]
    with pytest.raises(SourceColumns, match="PERMIT_NUM, WELL_PERMIT_NUM"):
        of_csv(mapped, "well_code", rule, ["Permit"], ["059-1"])


SOUND_CODES: list[tuple[Any, str]] = [
    (2.0, "2"),
    (1e3, "1000"),
    (5012345678000, "5012345678000"),
    (33053012340000, "33053012340000"),
    ("05012345678000", "05012345678000"),
    ("2.0", "2.0"),
    ("1e3", "1e3"),
    (" 100/01-02-003-04W5/0 ", "100/01-02-003-04W5/0"),
    ("NO 15/9-F-1 C", "NO 15/9-F-1 C"),
]
NO_CODES: list[tuple[Any, str]] = [
    (1.5, "NOT_A_WHOLE_NUMBER well_code"),
    (True, "NOT_TEXT well_code"),
    ({"a": 1}, "NOT_TEXT well_code"),
    ([1], "NOT_TEXT well_code"),
    (None, "MISSING_KEY well_code"),
    ("", "MISSING_KEY well_code"),
    ("  ", "MISSING_KEY well_code"),
    ("x" * 101, "TOO_LONG well_code"),
]


@pytest.mark.parametrize("rule", ["A", {"field": "A", "when": {"P": "x"}}])
def test_a_code_of_one_field_is_read_as_without_a_definition(mapped: Mapped, rule: Any) -> None:
    """Rows that are all sound are read in another way than those that have one beside them
    that is not.
    """
    all_codes = SOUND_CODES + NO_CODES
    lone = some_of(([each] for each in all_codes), one_in=6)
    for told in (SOUND_CODES, all_codes, *lone):
        rows = [{"A": value, "P": "x"} for value, _ in told]
        assert column(mapped, "well_code", rule, *rows) == [code for _, code in told]


@pytest.mark.parametrize(
    "rule",
    [
        ["A", "B"],
        {"template": "{A}-{B}"},
        {"coalesce": ["A", "C"]},
        {"field": "A", "pattern": "(.*)"},
    ],
)
def test_no_code_is_made_of_an_object_or_a_list(mapped: Mapped, rule: Any) -> None:
    rows = [{"A": value, "B": "b", "C": None} for value in ({"a": 1}, [1, 2], [], {})]
    for told in (rows, *some_of(([row] for row in rows), one_in=4)):
        codes = column(mapped, "well_code", rule, *told)
        assert set(codes) <= {"MISSING_KEY well_code", "NOT_TEXT well_code"}
        names = column(mapped, "well_name", rule, *told)
        assert set(names) <= {None, "NOT_TEXT well_name"}


def test_a_text_that_looks_like_a_list_is_a_part_of_a_code(mapped: Mapped) -> None:
    assert column(mapped, "well_code", ["A", "B"], {"A": "[A] 1", "B": "{x"}) == ["[A] 1/{x"]
    assert of_csv(mapped, "well_code", ["A", "B"], ["A", "B"], ["[1]", "{}"]) == ["[1]/{}"]


def test_a_field_inside_of_an_object_is_reached(mapped: Mapped) -> None:
    row = {
        "Hole": {"Code": {"API": "05-001"}, 'a"b.c': "q", "0": "zero", "": "none"},
        "x/y": "whole",
    }
    assert column(mapped, "well_name", "Hole/Code/API", row) == ["05-001"]
    assert column(mapped, "well_name", 'Hole/a"b.c', row) == ["q"]
    assert column(mapped, "well_name", "Hole/0", row) == ["zero"]
    assert column(mapped, "well_name", "Hole/none", row) == [None]
    assert column(mapped, "well_name", "x/y", row) == ["whole"]
    assert column(mapped, "well_name", "Hole/Code/API", {"Hole": "no object"}) == [None]


# -- constants, the file, choices -----------------------------------------------------------------


def test_a_constant_the_file_the_sheet_and_the_row_are_fields_too(mapped: Mapped) -> None:
    columns = {
        "well_code": ["A", "_row"],
        "production_period": {"year": {"field": "_file", "pattern": "_([0-9]{4})"}, "month": 2},
        "well_name": {"value": "it's {A} $1; --"},
        "field_name": "_sheet",
        "well_reference": {"field": "_file", "pattern": "^([a-z]+)_"},
        OIL: {"value": 1.5, "unit": "Mbbl/d"},
    }
    [first, second] = mapped.csv(columns, ["A"], ["a"], ["b"], file="prod_2021.zip/x.csv")

    assert (first["well_code"], second["well_code"]) == ("a/1", "b/2")
    assert (str(first["production_period"]), first["well_name"]) == (
        "2021-02-01",
        "it's {A} $1; --",
    )
    assert (first["field_name"], first["well_reference"], first[OIL]) == ("S", "prod", 1.5)


def test_rows_become_columns_by_when(mapped: Mapped) -> None:
    columns = {
        OIL: {"field": "V", "unit": "bbl", "when": {"P": "OIL"}},
        WATER: {"field": "V", "unit": "m3", "when": {"P": ["WATER", "BRINE"], "Q": ""}},
        GAS: {"field": "G", "unit": "e3m3", "when": {"P": {"pattern": "GAS.*"}}},
    }
    rows = mapped.json(
        columns,
        *(
            {"P": product, "Q": q, "V": "31", "G": "1"}
            for product, q in [("OIL ", "x"), ("BRINE", None), ("BRINE", "y"), ("GAS2", 1)]
        ),
    )
    taken = [[name for name in (OIL, WATER, GAS) if row[name] is not None] for row in rows]
    assert taken == [[OIL], [WATER], [], [GAS]]
    assert rows[0][OIL] == pytest.approx(0.001)


def test_rows_that_are_not_meant_are_passed_over_and_counted(mapped: Mapped) -> None:
    rows = [{"P": product, "N": n} for product in ("PROD", "INJ", "", None) for n in (1, 2, 13)]
    taken = {"where": {"P": ["PROD", ""]}, "skip": {"N": {"pattern": "1[0-9]"}}}

    found = column(mapped, "well_name", {"template": "{P}{N}"}, *rows, **taken)
    assert (found, mapped.passed_over) == (["PROD1", "PROD2", None, None, None, None], 6)


def test_a_row_that_is_passed_over_may_be_wrong(mapped: Mapped) -> None:
    rows = [{"P": "Total", "V": "n/a"}, {"P": "x", "V": "1"}, {"P": "x", "V": "n/a"}]
    assert column(mapped, OIL, {"field": "V"} | RATE, *rows, skip={"P": "Total"}) == [
        1.0,
        f"NOT_A_NUMBER {OIL}",
    ]
    assert mapped.passed_over == 1


def test_all_of_skip_must_hold(mapped: Mapped) -> None:
    rows = [{"P": p, "Q": q} for p in "ab" for q in "ab"]
    found = column(mapped, "well_name", {"template": "{P}{Q}"}, *rows, skip={"P": "a", "Q": "a"})
    assert found == ["ab", "ba", "bb"]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"where": {"Product": "OIL"}}, r"chooses rows by Product under \[where\]"),
        ({"skip": {"Product": {"pattern": "Total"}}}, r"chooses rows by Product under \[skip\]"),
        ({"where": {"Product": {"pattern": ".*"}}}, r"chooses rows by Product under \[where\]"),
    ],
)
def test_rows_are_not_chosen_by_a_field_that_is_not_there(
    mapped: Mapped, told: Any, message: str
) -> None:
    with pytest.raises(SourceColumns, match=message):
        of_csv(mapped, "well_name", "A", ["A"], ["x"], **told)
    with pytest.raises(SourceColumns, match=message):
        column(mapped, "well_name", "A", {"A": "x"}, **told)


def test_a_field_may_be_absent_where_an_empty_text_is_taken(mapped: Mapped) -> None:
    assert of_csv(mapped, "well_name", "A", ["A"], ["x"], where={"Product": ["OIL", ""]}) == ["x"]


def test_what_a_definition_names_is_not_ambiguous(mapped: Mapped) -> None:
    names = ["Well Name", "WellName", "W", "well-name"]
    assert of_csv(mapped, "well_name", "W", names, ["a", "b", "c", "d"]) == ["c"]
    with pytest.raises(SourceColumns, match=r"under \[columns\] in the definition of a"):
        of_csv(mapped, "field_name", "W", names, ["a", "b", "c", "d"])


def test_headers_that_differ_in_blanks_are_one(mapped: Mapped) -> None:
    assert of_csv(
        mapped, "well_name", "Well Name", ["Well \n Name "], ["a"], where={"Well  Name": "a"}
    ) == ["a"]


# -- numbers ------------------------------------------------------------------------------------


def plain_number(text: str) -> float | None:
    """As the plain way takes one."""
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text.strip(BLANKS)):
        return None
    value = float(text)
    return value if abs(value) < 1e300 else None


ODD_NUMBERS = [
    *(
        "1_000",
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "1e400",
        "true",
        "0x10",
        "1,2",
        "1.234,5",
        "1 234",
        "1'234",
        "12.34.5",
    ),
    *(
        "",
        "-",
        "+",
        ".",
        "e5",
        "1e",
        "--1",
        "١٢",
        "1\u066b5",
        "½",
        "1\u2009234",
        "$5",
        "5%",
        "(5)",
        "1,234",
        "1.",
        ".5",
        "+.5",
    ),
]


@pytest.mark.parametrize(
    ("rule", "takes_nothing"),
    [
        ({"field": "V"}, False),
        ({"coalesce": ["V", "N"]}, True),
        ({"sum": ["V", "N"]}, False),
        ({"field": "V", "pattern": "(.*)"}, True),
        ({"field": "V", "when": {"P": "x"}}, False),
    ],
)
def test_nothing_is_a_number_that_the_plain_way_refuses(
    mapped: Mapped, rule: dict[str, Any], takes_nothing: bool
) -> None:
    """An empty text is no number either, unless the rule says what to do with one."""
    found = column(
        mapped, OIL, rule | RATE, *({"V": text, "N": None, "P": "x"} for text in ODD_NUMBERS)
    )
    wrong = f"NOT_A_NUMBER {OIL}"
    expected = [
        None if takes_nothing and text == "" else plain_number(text) or wrong
        for text in ODD_NUMBERS
    ]
    assert dict(zip(ODD_NUMBERS, found, strict=True)) == dict(
        zip(ODD_NUMBERS, expected, strict=True)
    )


OF_ONE_FIELD = [
    *({"field": "V"}, {"coalesce": ["N", "V"]}, {"sum": ["V", "N"]}),
    *({"field": "V", "pattern": "(.*)"}, {"coalesce": ["N", "V"], "pattern": "(.*)"}),
]
WITH_COMMA = {"decimal": ",", "thousands": "."}


@pytest.mark.parametrize(
    "rule", [*OF_ONE_FIELD, {"field": "O/V"}, {"field": "O/V", "pattern": "(.*)"}]
)
def test_a_number_in_json_is_that_number_whatever_the_form_of_texts(
    mapped: Mapped, rule: dict[str, Any]
) -> None:
    values = [12.345, "12.345", "1.234,5", 7, -1.5e-07, None, "12.34,5", "see note", True]
    wrong = f"NOT_A_NUMBER {OIL}"

    rows = [{"V": value, "N": None, "O": {"V": value}} for value in values]
    found = column(mapped, OIL, rule | RATE, *rows, **WITH_COMMA)

    assert found == [12.345, 12345, 1234.5, 7, -1.5e-07, None, wrong, wrong, wrong]


def test_a_number_in_json_may_be_a_density_and_a_choice_and_tell_rows_apart(mapped: Mapped) -> None:
    rule = {"field": "V", "unit": "t/d", "density": "D", "when": {"V": "12.345"}}
    rows = [{"V": 12.345, "D": 0.5, "Well": "A"}, {"V": "12.345", "D": "0,5", "Well": 7}]

    found = mapped.json({OIL: rule, "well_name": "V"}, *rows, **WITH_COMMA)

    cubic_metres = [row[OIL] * 1000 / 6.289810770432105 for row in found]
    assert cubic_metres == pytest.approx([24.69, 24690])
    assert [(row["well_code"], row["well_name"]) for row in found] == [
        ("A", "12.345"),
        ("7", "12.345"),
    ]


@pytest.mark.parametrize("rule", OF_ONE_FIELD)
def test_a_column_of_numbers_is_of_these_whatever_the_form_of_texts(
    mapped: Mapped, rule: dict[str, Any]
) -> None:
    found = of_csv(
        mapped, OIL, rule | RATE, ["V", "N"], ["12.345", ""], kinds=("number", "text"), **WITH_COMMA
    )

    assert found == [12.345]


@pytest.mark.parametrize(
    "rule", [{"field": "V"}, {"coalesce": ["V"]}, {"sum": ["V"]}, {"field": "V", "pattern": "(.*)"}]
)
def test_no_number_is_made_of_anything_else(mapped: Mapped, rule: dict[str, Any]) -> None:
    rows = [{"V": value} for value in (True, [1], {"a": 1}, [], 10**400)]
    wrong = f"NOT_A_NUMBER {OIL}"
    assert column(mapped, OIL, rule | RATE, *rows) == [wrong] * 5
    assert column(mapped, OIL, rule | RATE, *rows, decimal=",") == [wrong] * 5
    for row in some_of(rows, one_in=5):  # by itself: nothing beside it has its batch looked into
        assert column(mapped, OIL, rule | RATE, row) == [wrong]


def told_number(text: str, decimal: str, thousands: str) -> float | None:
    """With groups of three, and none that begins with a zero."""
    d, t = re.escape(decimal), re.escape(thousands)
    whole = r"[0-9]+" + (rf"|[1-9][0-9]{{0,2}}({t}[0-9]{{3}})+" if thousands else "")
    if not re.fullmatch(
        rf"[+-]?(({whole})({d}[0-9]*)?|{d}[0-9]+)([eE][+-]?[0-9]+)?", text.strip(BLANKS)
    ):
        return None
    plain = text.strip(BLANKS).replace(thousands, "") if thousands else text.strip(BLANKS)
    value = float(plain.replace(decimal, "."))
    return value if abs(value) < 1e300 else None


number_texts = st.text(st.sampled_from("0123456789.,' -+e"), min_size=1, max_size=9)
grouped = st.builds(
    lambda n, sign, rest: f"{n:,}".replace(",", sign) + rest,
    st.integers(-(10**9), 10**9),
    st.sampled_from([",", ".", " ", "'"]),
    st.sampled_from(["", ".5", ",25", ",", ".125"]),
)
signs = [(d, t) for d in (".", ",") for t in ("", ",", ".", " ", "'") if d != t]


@settings(max_examples=longer(10, 80))
@given(st.lists(number_texts | grouped, min_size=1, max_size=MANY), st.sampled_from(signs))
def test_a_decimal_sign_and_one_between_thousands(
    mapped: Mapped, texts: list[str], sign: tuple[str, str]
) -> None:
    decimal, thousands = sign
    rows = [{"V": text} for text in texts]
    told = [told_number(text, decimal, thousands) for text in texts]
    empty = [
        None if text.strip(BLANKS) == "" and sign == (".", "") else value
        for text, value in zip(texts, told, strict=True)
    ]

    for rule in ({"field": "V"}, {"sum": ["V"]}):
        found = column(mapped, OIL, rule | RATE, *rows, decimal=decimal, thousands=thousands)
        for text, value, each in zip(texts, empty, found, strict=True):
            if value is None:
                assert each == f"NOT_A_NUMBER {OIL}" or (each is None and not text.strip(BLANKS)), (
                    rule,
                    text,
                )
            elif abs(value) > 10**6:
                assert each == f"OUT_OF_RANGE {OIL}"
            else:
                assert each == pytest.approx(value, rel=1e-15, abs=1e-18), (rule, text)


@pytest.mark.parametrize("space", [" ", "\xa0", "\u202f", "\u2009"])
def test_a_space_between_thousands_is_any_that_programs_write(mapped: Mapped, space: str) -> None:
    rows = [{"V": f"1{space}234{space}567,5"}, {"V": f"\xa012{space}34"}]

    found = column(mapped, OIL, {"field": "V", "unit": "bbl/d"}, *rows, decimal=",", thousands=" ")

    assert found == [1234.5675, f"NOT_A_NUMBER {OIL}"]


def test_a_number_of_a_workbook_has_no_signs_of_its_text(mapped: Mapped) -> None:
    names, told = ["A", "B"], {"decimal": ",", "thousands": "."}
    rule = {"sum": ["A", "B"]} | RATE
    assert of_csv(
        mapped, OIL, rule, names, ["0.123", "1.000,5"], kinds=("number", "text"), **told
    ) == [1000.623]
    assert of_csv(
        mapped, OIL, {"field": "A"} | RATE, names, ["1.125", ""], kinds=("number", "text"), **told
    ) == [1.125]
    assert of_csv(mapped, OIL, {"field": "A"} | RATE, names, ["0.123", ""], **told) == [
        f"NOT_A_NUMBER {OIL}"
    ]


decimals = st.decimals(-100_000, 100_000, places=9) | st.decimals(-10, 10, places=18)


@settings(max_examples=longer(5, 40))
@given(
    st.lists(st.lists(st.none() | decimals, min_size=3, max_size=3), min_size=1, max_size=MANY),
    st.permutations("ABC"),
)
def test_a_sum_is_exact_whatever_the_order(
    mapped: Mapped, rows: list[list[Decimal | None]], order: list[str]
) -> None:
    told = [
        {
            name: value if value is None else f"{value:f}"
            for name, value in zip("ABC", row, strict=True)
        }
        for row in rows
    ]

    def total(row: list[Decimal | None]) -> float | None:
        known = [value for value in row if value is not None]
        return float(sum(known, Decimal(0))) if known else None

    found = column(mapped, OIL, {"sum": list(order)} | RATE, *told)
    assert found == [total(row) for row in rows]


def test_a_sum_of_numbers_of_every_size(mapped: Mapped) -> None:
    rows = [
        {"A": a, "B": b}
        for a, b in [(0.1, 0.2), ("1e3", "1E-3"), (1e25, 0.5), (1e-9, 1e-9), ("+5", " 5 "), (5, -5)]
    ]
    found = column(mapped, OIL, {"sum": ["A", "B"]} | RATE, *rows)
    assert found == [0.3, 1000.001, f"OUT_OF_RANGE {OIL}", 2e-9, 10.0, 0.0]


@pytest.mark.by_lot
@pytest.mark.parametrize(
    "word", ["NULL", "n/a", "-9999", "it's", '"', "$1", "{x}", "\\", ";", "--", "é", " padded "]
)
def test_a_word_that_means_nothing_is_nothing(mapped: Mapped, word: str) -> None:
    written = [word, f" {word.strip()}", f"{word.strip()}\xa0", f"\xa0{word.strip()}\t", "", "  "]
    rows = [{"V": text, "W": text} for text in written] + [{"V": None, "W": f"x{word}"}]
    columns = {OIL: {"field": "V"} | RATE, "well_name": "W"}

    found = mapped.json(columns, *rows, null_values=[word, ""])

    assert [row["problem"] or row[OIL] for row in found] == [None] * 7
    assert [row["well_name"] for row in found] == [None] * 6 + [f"x{word}"]
    assert column(mapped, "well_code", "V", rows[0], null_values=word) == ["MISSING_KEY well_code"]


def test_a_pattern_takes_footnotes_off_and_loses_nothing(mapped: Mapped) -> None:
    rule = {"field": "V", "pattern": r"^([0-9.,]+) *(?:\([a-z]\))?$"} | RATE
    rows = [{"V": text} for text in ["1.5 (e)", "2", "", "see note", None]]
    assert column(mapped, OIL, rule, *rows) == [1.5, 2.0, None, f"NOT_A_NUMBER {OIL}", None]
    unknown = {"field": "V", "pattern": "^(?:([0-9]|[12][0-9]|3[01])|99)$", "unit": "day"}
    assert column(mapped, DAYS, unknown, *({"V": text} for text in ["31", "99", "45"])) == [
        31,
        None,
        f"NOT_A_NUMBER {DAYS}",
    ]
    assert column(
        mapped, "well_name", {"field": "V", "pattern": "([A-Z]+)"}, {"V": "7 AB"}, {"V": "7"}
    ) == ["AB", None]


# -- units --------------------------------------------------------------------------------------

METRES = {
    "bbl": BARREL,
    "Mbbl": 1000 * BARREL,
    "MMbbl": 10**6 * BARREL,
    "gal": BARREL / 42,
    "L": Fraction(1, 1000),
    "m3": Fraction(1),
    "e3m3": Fraction(10**3),
    "e6m3": Fraction(10**6),
    "e9m3": Fraction(10**9),
    "scf": CUBIC_FOOT,
    "Mcf": 1000 * CUBIC_FOOT,
    "MMcf": 10**6 * CUBIC_FOOT,
    "Bcf": 10**9 * CUBIC_FOOT,
    "Tcf": 10**12 * CUBIC_FOOT,
}


@pytest.mark.by_lot
@pytest.mark.parametrize(
    ("product", "unit"),
    [(product, unit) for product in ("liquid", "gas") for unit in names_of(product) if unit != "t"],
)
@pytest.mark.parametrize("time", ["", "/d", "/h"])
def test_a_volume_is_a_rate_by_its_unit_and_its_time(
    mapped: Mapped, product: str, unit: str, time: str
) -> None:
    name, ours = (OIL, 1000 * BARREL) if product == "liquid" else (GAS, 10**6 * CUBIC_FOOT)
    days = {"": Fraction(29), "/d": Fraction(1), "/h": Fraction(1, 24)}[time]
    numbers = ["1", "1234.5", "0", "-3.25", "1e-3"]
    for told, share in [
        ({}, Fraction(1)),
        *([({"days": "producing"}, Fraction(10, 29))] if time else []),
    ]:
        columns: dict[str, Any] = {
            DAYS: {"field": "D", "unit": "day"},
            OIL: {"value": 0, "unit": "bbl"},
        }
        columns[name] = {"field": "V", "unit": unit + time} | told
        rows = mapped.json(
            columns, *({"V": number, "D": 10, "Month": "2024-02-01"} for number in numbers)
        )
        for number, row in zip(numbers, rows, strict=True):
            expected = Fraction(number) * METRES[unit] / ours / days * share
            is_in_range = abs(expected) <= 10**6
            assert row["problem"] == (None if is_in_range else f"OUT_OF_RANGE {name}")
            assert row[name] == pytest.approx(float(expected), rel=EXACT)


@pytest.mark.parametrize(
    ("month", "unit", "number", "days"),
    [
        ("2024-02-01", "h", "696", 29),
        ("2024-02-01", "day", "29", 29),
        ("2023-02-01", "month", "0.5", 14),
        ("2024-12-01", "h", "1", 1 / 24),
    ],
)
def test_days_of_hours_and_of_months(
    mapped: Mapped, month: str, unit: str, number: str, days: float
) -> None:
    [row] = mapped.json(
        {DAYS: {"field": "D", "unit": unit}, OIL: {"value": 0, "unit": "bbl"}},
        {"D": number, "Month": month},
    )
    assert (row["problem"], row[DAYS]) == (None, pytest.approx(days, rel=EXACT))


def test_a_rate_of_producing_days_without_them_is_told(mapped: Mapped) -> None:
    columns = {
        DAYS: {"field": "D", "unit": "day"},
        OIL: {"field": "V", "unit": "bbl/d", "days": "producing"},
    }
    rows = mapped.json(
        columns,
        *(
            {"V": v, "D": d}
            for v, d in [("3100", "31"), ("3100", None), ("0", None), (None, None), ("3100", "0")]
        ),
    )
    assert [row["problem"] for row in rows] == [None, f"WITHOUT_DAYS {OIL}", None, None, None]
    assert [row[OIL] for row in (rows[0], *rows[2:])] == [pytest.approx(3.1), 0.0, None, 0.0]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y-%m-%d %H:%M:%S", "2024-02-01 23:59:00"),
        ("%d/%m/%Y %H:%M", "1/2/2024 7:05"),
        ("%Y%m%d%H", "2024020123"),
        ("%H:%M %d.%m.%y", "00:00 01.02.24"),
        ("%m/%d/%Y %I:%M:%S %p", "2/1/2024 12:00:00 AM"),
    ],
)
def test_a_time_within_a_format_is_of_no_day(mapped: Mapped, form: str, text: str) -> None:
    rule = {"field": "P", "format": form}

    found = of_csv(mapped, "production_period", rule, ["P"], [text], ["24:61"])

    assert found == [date(2024, 2, 1), "NOT_A_DATE production_period"]


@pytest.mark.parametrize(
    ("at", "ratio"),
    [("15C", 1.0019), ("0C", 1.057), ("20C", 0.985), ("14.73 psia", 1.0023), ("60F", 1.0)],
)
def test_gas_at_a_condition_keeps_its_amount(mapped: Mapped, at: str, ratio: float) -> None:
    [plain, kept] = [
        mapped.json({GAS: {"field": "V", "unit": "e3m3"} | told}, {"V": 31})[0][GAS]
        for told in ({}, {"at": at})
    ]
    assert plain == pytest.approx(float(1000 / (10**6 * CUBIC_FOOT)), rel=EXACT)
    assert kept / plain == pytest.approx(ratio, rel=5e-4)


def test_tonnes_by_their_density(mapped: Mapped) -> None:
    expected = float(Fraction(31) / Fraction("0.85") / (1000 * BARREL) / 31)
    constant = {"field": "T", "unit": "t", "density": 0.85}
    field = {"field": "T", "unit": "t", "density": "Density"}
    rows = [
        {"T": t, "Density": d}
        for t, d in [
            ("31", "0.85"),
            ("31", None),
            ("0", None),
            (None, "0.85"),
            ("31", "850"),
            ("31", "0"),
            ("x", "0.85"),
        ]
    ]
    wrong = f"NOT_A_NUMBER {OIL}"

    assert column(mapped, OIL, constant, *rows[:1]) == [pytest.approx(expected, rel=EXACT)]
    assert column(mapped, OIL, field, *rows) == [
        pytest.approx(expected, rel=EXACT),
        wrong,
        0.0,
        None,
        wrong,
        wrong,
        wrong,
    ]
    commas = column(mapped, OIL, field, {"T": "31,0", "Density": "0,85"}, decimal=",")
    assert commas == [pytest.approx(expected, rel=EXACT)]


@pytest.mark.parametrize(
    ("period", "days"), [("day", 1), ("month", 29), ("quarter", 91), ("year", 366)]
)
def test_a_volume_is_of_the_period(tmp_path: Path, period: str, days: int) -> None:
    mapped = Mapped(tmp_path, period)
    [row] = mapped.json({OIL: {"field": "V", "unit": "Mbbl"}}, {"V": "366", "Month": "2024-02-14"})
    mapped.close()
    assert row[OIL] == pytest.approx(366 / days, rel=EXACT)
    first = {
        "day": "2024-02-14",
        "month": "2024-02-01",
        "quarter": "2024-01-01",
        "year": "2024-01-01",
    }
    assert str(row["production_period"]) == first[period]


# -- what people write reaches SQL as a value or a name -------------------------------------------

HOSTILE = [
    *(
        "'",
        '"',
        "''",
        '""',
        "\\",
        "\\'",
        ";",
        "--",
        "/*",
        "*/",
        "$1",
        "$files",
        "{",
        "}",
        "{columns}",
        "{0}",
        "%s",
        ":x",
    ),
    *(
        "'; DROP TABLE wells; --",
        '"; SELECT 1; --',
        "field",
        "source",
        "text",
        "page",
        "place",
        "line",
        "well_code",
    ),
    *(
        "\n",
        "\t",
        "\r",
        "'||(SELECT 1)||'",
        "\u2028",
        "😀",
        "é",
        "\U000e0001",
        "\u202e",
        "x' OR '1'='1",
        "E'\\x00'",
    ),
]
plain = st.text(
    st.characters(
        exclude_categories=["Cs"],
        exclude_characters=[*map(chr, [*range(9), 11, 12, *range(14, 32), 127])],
    ),
    min_size=1,
    max_size=10,
)
hostile = st.lists(st.sampled_from(HOSTILE) | plain, min_size=1, max_size=4).map("".join)


def is_told_apart(*names: str) -> bool:
    """Neither alike but for blanks and case,
    nor one inside of the other, nor one of our columns.
    """
    folded = {" ".join(name.split()).lower() for name in names}
    return (
        len(folded) == len(names)
        and all(folded)
        and not any("/" in name or "@" in name for name in names)
    )


@settings(max_examples=longer(20, 200))
@given(hostile, hostile, hostile)
def test_names_and_words_of_people_are_no_sql(
    mapped: Mapped, name: str, word: str, constant: str
) -> None:
    assume(is_told_apart(name, "Well", "Month", "V", "W") and not re.search("[{}:]", name))
    assume(re.sub("[^a-z]", "", name.lower()) not in ("wellname", "wellcode"))
    columns = {
        "well_name": {"value": constant},
        "well_reference": name,
        "field_name": {"field": "W", "when": {name: word}},
        "well_code": {"template": f"<{{{name}:03}}>"},
        "data_source": {"coalesce": ["V", name]},
        "source_data": {
            "field": name,
            "pattern": "^(" + re.escape(word).replace("\\\n", "\n") + ")$",
        },
        OIL: {"value": 1, "unit": "bbl"},
    }
    assume(
        len(re.escape(word)) < LONGEST_PATTERN - 10 and not re.search("\\\\[^ -~]", re.escape(word))
    )
    rows = mapped.json(
        columns, {name: word, "V": None, "W": "w"}, {name: "other", "V": "v", "W": "w"}
    )
    told = [(row["well_name"], row["well_reference"], row["field_name"]) for row in rows]
    stripped = word.strip(BLANKS)
    assert told[0] == (constant, word, "w")
    assert told[1][:2] == (constant, "other")
    assert told[1][2] == ("w" if stripped == "other" else None)
    assert [row["source_data"] for row in rows] == [word, "other" if word == "other" else None]
    if stripped and len(stripped) <= 90:
        part = code_part(word) or ""
        is_json = part[:1] in ("{", "[") and _is_json(word)
        assert rows[0]["well_code"] == (None if is_json else f"<{part.rjust(3, '0')}>")
        assert rows[0]["data_source"] == word


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@settings(max_examples=longer(12, 200))
@given(hostile, hostile, hostile)
def test_nor_are_those_of_a_file(mapped: Mapped, name: str, word: str, file: str) -> None:
    assume(is_told_apart(name, "Other", "_file", "_sheet", "_row") and "\r" not in name + word)
    assume(
        re.sub("[^a-z]", "", name.lower())
        not in ("wellname", "wellcode", "fieldname", "productionperiod")
    )
    columns = {
        "production_period": {"value": "2024-01-01"},
        "well_code": {"value": "W"},
        "well_name": name,
        "field_name": "_file",
        "well_reference": {"field": "Other", "when": {name: [word, "'"]}},
        OIL: {"value": 1, "unit": "bbl"},
    }
    rows = mapped.csv(
        columns, [name, "Other"], [word, "o"], ["?", "o"], file=file, null_values=[word + "x"]
    )

    assert [row["problem"] for row in rows] == [None, None]
    assert [row["well_name"] for row in rows] == [word, "?"]
    assert [row["field_name"] for row in rows] == [file, file]
    assert [row["well_reference"] for row in rows] == [
        "o",
        "o" if word.strip(BLANKS) == "?" else None,
    ]


def test_a_rejected_row_is_kept_whole_whatever_its_columns_are_called(mapped: Mapped) -> None:
    names = ["field", "source", "text", "Well", 'it\'s {a} "b"', "types"]
    values = ["f", "s", "t", "w", "x", "y"]
    columns = {"well_code": "Well", "production_period": "text", OIL: {"value": 1, "unit": "bbl"}}
    [row] = mapped.csv(columns, names, values)
    assert row["problem"] == "NOT_A_DATE production_period"
    assert json.loads(row["raw"]) == dict(zip(names, values, strict=True))


def test_a_definition_of_constants_alone_reads_json(mapped: Mapped) -> None:
    columns = {
        "well_code": {"value": "W"},
        "production_period": {"value": "2024-01-01"},
        OIL: {"value": 1, "unit": "bbl"},
    }
    rows = mapped.json(columns, {"x": 1}, {"x": 2}) + mapped.json(
        columns | {OIL: {"field": "x", "unit": "bbl"}}, {"x": "a"}
    )
    assert [row["problem"] for row in rows] == [None, None, f"NOT_A_NUMBER {OIL}"]
    assert OF_KEY["Well"] == rows[0]["well_code"]
