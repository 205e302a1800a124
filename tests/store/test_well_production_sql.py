"""The reading rules of well_production.sql,
checked through the repository's staging against plain Python.
"""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.soak import longer
from support.staging import KEY_OF_A_ROW, NOTHING, SAME_NAMES, batch_of, json_row, stage

from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Reader:
    """Rows with one value each, read by the repository's staging;
    by the JSON texts of those values.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        days = RowSource(period=Period.DAY)  # a longer period would cut what was read
        self.repository = DuckDBWellProductionRepository(
            directory=directory / "scratch", memory_mb=300, source=days
        )

    def read(self, column: str, values: list[str]) -> list[tuple[Any, str | None]]:
        """Of each value, what the column got and the row's problem. Other columns are as sent."""
        others = {name: value for name, value in KEY_OF_A_ROW.items() if name != column}
        rows = [f'{json.dumps(others)[:-1]}, "{column}": {value}}}'.encode() for value in values]
        staged = stage(self.repository, self._directory, rows)
        expected_others = others | (
            {"production_period": date(2024, 1, 1)} if "production_period" in others else {}
        )
        for place, (row, text) in enumerate(zip(staged, rows, strict=True)):
            rejected = (
                {"page": 1, "position": place, "raw": text.decode()} if row["problem"] else {}
            )
            seen = {column: row[column], "problem": row["problem"]}
            assert row == NOTHING | expected_others | rejected | seen
        return [(row[column], row["problem"]) for row in staged]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    reader = Reader(tmp_path_factory.mktemp("reader"))
    yield reader
    reader.repository.close()


Outcome = tuple[Any, str | None]
NUMBER = re.compile(
    r"[ \t\n\v\f\r]*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)[ \t\n\v\f\r]*", re.ASCII | re.IGNORECASE
)


def written(text: str) -> str | None:
    """The number that a JSON text holds, as a number or within a string;
    None when it holds none.
    """
    value = json.loads(text, parse_float=str, parse_int=str, parse_constant=lambda _: [])
    return value if isinstance(value, str) and NUMBER.fullmatch(value) else None


def number(text: str) -> Outcome:
    digits = written(text)
    if text == "null":
        return None, None
    if digits is None or math.isinf(float(digits)):
        return None, "NOT_A_NUMBER oil_production_kbd"
    value = float(digits)
    return value, None if abs(value) <= 1_000_000 else "OUT_OF_RANGE oil_production_kbd"


json_numbers = st.one_of(
    st.integers().map(str),
    st.integers(-(2**63 - 1) - 3, -(2**63 - 1) + 1).map(str),
    st.integers((2**63 - 1) - 1, (2**63 - 1) + 3).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(-1_000_001, 1_000_001).map(repr),
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?\Z"),
)
number_texts = st.one_of(json_numbers, st.text("0123456789+-._eExX, \n", max_size=12)).map(
    json.dumps
)
tokens = st.sampled_from(
    [
        "true",
        "false",
        "null",
        "{}",
        "[]",
        "[1]",
        '{"a":1}',
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "1e-400",
    ]
    + [
        json.dumps(text)
        for text in (
            "",
            " ",
            "NaN",
            "inf",
            "-Infinity",
            "1_000",
            "0x1F",
            "0b11",
            "1,000",
            "٣",
            "$1",
        )
    ]
)
numeric_values = st.lists(st.one_of(json_numbers, number_texts, tokens), min_size=50, max_size=120)
# Of many values each: staging a batch costs more than a value.
few = settings(max_examples=longer(9, 200))


@few
@given(values=numeric_values)
def test_numbers_are_the_nearest_double_or_refused(reader: Reader, values: list[str]) -> None:
    assert reader.read("oil_production_kbd", values) == [number(value) for value in values]


dates = st.dates(date(1, 1, 1), date(9999, 12, 31)) | st.dates(date(1858, 12, 1), date(2200, 2, 1))
offsets = st.sampled_from(["", "Z", "z", "+00:00", "-12:00", "+14:00", "+05:30", "+0530", "-05"])
times = (
    st.times().map(str) | st.times().map(lambda time: time.strftime("%H:%M")) | st.just("24:00:00")
)
after_a_date = st.one_of(
    st.just(""), st.tuples(st.sampled_from("Tt "), times, offsets).map("".join)
)


def day(text: str) -> Outcome:
    """Of a text that begins with ten characters of a date."""
    try:
        value = date.fromisoformat(text[:10])
    except ValueError:
        return None, "NOT_A_DATE production_period"
    return value, None if 1859 <= value.year <= 2199 else "OUT_OF_RANGE production_period"


@few
@given(
    days=st.lists(st.tuples(dates.map(str), after_a_date).map("".join), min_size=50, max_size=100)
)
def test_a_date_is_the_written_one_whatever_time_follows(reader: Reader, days: list[str]) -> None:
    assert reader.read("production_period", [json.dumps(text) for text in days]) == [
        day(text) for text in days
    ]


@few
@given(
    days=st.lists(
        st.one_of(
            st.tuples(
                dates.map(str), st.text("0123456789:TtZz+-. ()BC", min_size=1, max_size=9)
            ).map("".join),
            st.text("0123456789-", min_size=8, max_size=12),
            st.text(max_size=12),
        ),
        min_size=50,
        max_size=100,
    )
)
def test_no_text_is_read_as_another_date_than_it_says(reader: Reader, days: list[str]) -> None:
    for text, (value, problem) in zip(
        days, reader.read("production_period", list(map(json.dumps, days))), strict=True
    ):
        assert (value, problem) in (day(text), (None, "NOT_A_DATE production_period"))


def test_what_is_no_date(reader: Reader) -> None:
    texts = [
        "2024-02-30",
        "2024-02-30T00:00:00Z",
        "2023-02-29",
        "2024-1-31",
        "20240131",
        "2024/01/31",
        "2024-13-01",
    ]
    texts += [
        "infinity",
        "-infinity",
        "epoch",
        "today",
        "",
        " 2024-01-31",
        "2024-01-31 ",
        "2024-01-31T",
        "2024-01",
    ]
    texts += [
        "2024-01-31 (BC)",
        "2024-01-31 BC",
        "2024-01-31T25:00",
        "2024-01-31Z",
        "/Date(1706659200000)",
        "\uff12024-01-31",
    ]
    values = [*map(json.dumps, texts), "20240131", "true", "{}", "[]", "1.5"]

    assert reader.read("production_period", values) == [
        (None, "NOT_A_DATE production_period")
    ] * len(values)
    assert reader.read("production_period", ["null"]) == [(None, "MISSING_KEY production_period")]


@few
@given(
    names=st.lists(
        st.text(st.characters(exclude_categories=["Cs"])).map(lambda name: f"A{name}"), min_size=30
    )
)
def test_a_name_stays_as_it_is(reader: Reader, names: list[str]) -> None:
    for ascii_only in (True, False):
        values = [json.dumps(name, ensure_ascii=ascii_only) for name in names]
        assert reader.read("well_name", values) == [(name, None) for name in names]


@pytest.mark.parametrize(
    "column", ["field_name", "well_reference", "well_name", "data_source", "source_data"]
)
def test_text_is_text_and_not_an_object_or_a_list(reader: Reader, column: str) -> None:
    names = ["[A-1", "{A", "[A-1]", "[1,2]", '{"a":1}', "", " {}", "NaN", "a\x00b", "😀", 'a"b\\']
    accepted = [*map(json.dumps, names), "null", "608054000700", "true"]
    rejected = ["{}", "[]", '{"a":1}', "[1,2]", "[NaN]", "[" * 200 + "]" * 200]

    assert reader.read(column, accepted) == [
        (name, None) for name in [*names, None, "608054000700", "true"]
    ]
    assert [problem for _, problem in reader.read(column, rejected)] == [
        f"NOT_TEXT {column}"
    ] * len(rejected)


def test_what_becomes_of_a_row_does_not_hang_on_its_neighbours(
    reader: Reader, tmp_path: Path
) -> None:
    """One broken row sends a batch another way;
    whatever else is odd in it must come out the same.
    """
    odd = [
        json_row()[:-1] + b',"other":1,"other":2}',
        json_row()[:-1] + b',"nested":{"a":1,"a":2}}',
        json_row()[:-1] + b',"well_name":{"a":1,"a":2}}',
        json_row()[:-1] + b',"oil_production_kbd":NaN}',
        json_row(well_name="x" * (4 << 20)),
        b"null",
        b"{}",
    ]
    alone = [stage(reader.repository, tmp_path, [row])[0] | {"position": None} for row in odd]

    staged = stage(reader.repository, tmp_path, [*odd, b"5"])

    together = sorted((row for row in staged if row["raw"] != "5"), key=str)
    assert [row | {"position": None} for row in together] == sorted(alone, key=str)


def test_one_field_may_fill_two_columns(reader: Reader, tmp_path: Path) -> None:
    row = b'{"Field \\"A\\"":1,"Api":608054000700,"production_period":"2024-01-01"}'
    mapping = SAME_NAMES | {"field_code": 'Field "A"', "well_code": "Api", "well_reference": "Api"}

    [staged] = stage(reader.repository, tmp_path, [row], mapping=mapping)

    key = {"field_code": "1", "well_code": "608054000700", "production_period": date(2024, 1, 1)}
    assert staged == NOTHING | key | {"well_reference": "608054000700"}


# -- OData v2 -----------------------------------------------------------------------------------------------


FIRST, LAST = ((date(year, 1, 3) - date(1970, 1, 1)).days * 86_400_000 for year in (1859, 2199))


@few
@given(st.lists(st.tuples(st.integers(FIRST, LAST), st.integers(-840, 840)), min_size=30))
def test_the_milliseconds_of_v2_are_the_calendar_date(
    reader: Reader, moments: list[tuple[int, int]]
) -> None:
    """UTC without an offset; with one, which is in minutes, the local date there."""
    texts, dates = [], []
    for ticks, offset in moments:
        texts += [f'"\\/Date({ticks})\\/"', f'"/Date({ticks}{offset:+05})/"']
        days = (ticks // 86_400_000, (ticks + offset * 60_000) // 86_400_000)
        dates += [date(1970, 1, 1) + timedelta(days=each) for each in days]

    assert reader.read("production_period", texts) == [(each, None) for each in dates]


@pytest.mark.parametrize(
    "text",
    [
        "/Date()/",
        "/Date(1)",
        "/Date(1.5)/",
        "/Date(x)/",
        " /Date(1)/",
        "/Date(1+2",
        "/Date(123456789012345)/",
    ],
)
def test_what_only_looks_like_milliseconds_is_no_date(reader: Reader, text: str) -> None:
    assert reader.read("production_period", [f'"{text}"']) == [
        (None, "NOT_A_DATE production_period")
    ]


# -- changes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-01T05:00:00Z", "2024-01-01T05:00:00"),
        ("2024-01-01t05:00:00z", "2024-01-01T05:00:00"),
        ("2024-01-01T05:00:00.1234567Z", "2024-01-01T05:00:00.123456"),
        ("2024-01-01T05:00:00+05:30", "2023-12-31T23:30:00"),
        ("2024-01-01 05:00:00-03:00", "2024-01-01T08:00:00"),
        ("2024-01-01T05:00Z", "2024-01-01T05:00:00"),
        ("2024-01-01T05:00+05:00", "2024-01-01T00:00:00"),
        ("2024-01-01T05:00:00", "2024-01-01T05:00:00"),
        ("2024-01-01", "2024-01-01T00:00:00"),
        ("/Date(0)/", "1970-01-01T00:00:00"),
        ("/Date(-1000)/", "1969-12-31T23:59:59"),
        ("/Date(1000+0060)/", "1970-01-01T00:00:01"),
        ("2024-02-30T00:00:00Z", None),
        ("infinity", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_change_is_read_as_a_moment_wherever_the_reader_is(
    tmp_path: Path, reader: Reader, text: str, moment: str | None
) -> None:
    reader.repository._connection.execute("SET TimeZone = 'America/New_York'")
    rows = [
        json_row(changed=each) for each in (text, None, "1900-01-01" if moment is None else "never")
    ]
    rows += [b'{"changed": 5}', b"null", b"broken"]

    newest, undated = reader.repository.change_times(batch_of(tmp_path, rows), "changed")

    expected = datetime.fromisoformat((moment or "1900-01-01T00:00:00") + "+00:00").timestamp()
    assert newest == expected
    assert undated == 5
