"""Filters say exactly which rows come after a key, in literals that a service of v2 or v4 reads."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.odata.filters import (
    V2,
    V4,
    Digits,
    Unwritable,
    after,
    all_of,
    literal,
    moment_literal,
    read_row,
    type_of,
)
from local.source.odata_query import Filter, matching

if TYPE_CHECKING:
    from chalicelib.files.json_lines import Key

GUID = "01a205bb-a53b-7b6c-bac8-cee37c9b7414"


@pytest.mark.parametrize(
    ("value", "edm_type", "version", "written"),
    [
        (Digits("1001"), None, V4, "1001"),
        (Digits("-7"), None, V2, "-7"),
        (Digits("770010000100.50"), None, V4, "770010000100.50"),
        (Digits("9223372036854775807"), "Edm.Int64", V4, "9223372036854775807"),
        ("9223372036854775807", "Edm.Int64", V4, "9223372036854775807"),
        ("1001", "Edm.Int64", V2, "1001L"),
        (Digits("1001"), "Edm.Int32", V2, "1001"),
        ("1.50", "Edm.Decimal", V4, "1.50"),
        ("1.50", "Edm.Decimal", V2, "1.50M"),
        (Digits("1e3"), "Edm.Double", V2, "1e3d"),
        ("1001", None, V4, "'1001'"),
        (Digits("1001"), "Edm.String", V4, "'1001'"),
        ("O'Neill", None, V4, "'O''Neill'"),
        ("'", "Edm.String", V2, "''''"),
        ("2024-01-31", None, V4, "2024-01-31"),
        ("2024-01-31", "Edm.Date", V4, "2024-01-31"),
        ("2024-01-31", "Edm.String", V4, "'2024-01-31'"),
        ("2024-01-31T05:00:00Z", None, V4, "2024-01-31T05:00:00Z"),
        (
            "2024-01-31T05:00:00.123+01:30",
            "Edm.DateTimeOffset",
            V4,
            "2024-01-31T05:00:00.123+01:30",
        ),
        ("2024-01-31T05:00:00", None, V4, "'2024-01-31T05:00:00'"),
        ("/Date(1706659200000)/", None, V2, "datetime'2024-01-31T00:00:00'"),
        ("/Date(-1)/", "Edm.DateTime", V2, "datetime'1969-12-31T23:59:59.999'"),
        ("/Date(1706659200000+0060)/", None, V2, "datetimeoffset'2024-01-31T00:00:00Z'"),
        ("2024-01-31T05:00:00", "Edm.DateTime", V2, "datetime'2024-01-31T05:00:00'"),
        (GUID, "Edm.Guid", V4, GUID),
        (GUID, "Edm.Guid", V2, f"guid'{GUID}'"),
    ],
)
def test_a_literal_is_written_by_its_type(
    value: Any, edm_type: str | None, version: int, written: str
) -> None:
    assert literal(value, edm_type, version) == written


@pytest.mark.parametrize(
    ("value", "edm_type"),
    [
        (None, None),
        (True, None),
        ({"a": "b"}, None),
        (["a"], "Edm.String"),
        (Digits("1.5"), "Edm.Int64"),
        ("12 or 1 eq 1", "Edm.Int64"),
        ("NaN", "Edm.Double"),
        ("2024-02-30", None),
        ("2024-1-1", "Edm.Date"),
        ("2024-01-31", "Edm.DateTimeOffset"),
        ("x') or (1 eq 1", "Edm.Guid"),
        ("/Date(99999999999999999)/", "Edm.DateTime"),
        ("x", "Edm.Boolean"),
        ("x", "Sample.Colour"),
        ("well \ud800", "Edm.String"),
    ],
)
def test_what_is_not_of_its_type_is_never_written(value: Any, edm_type: str | None) -> None:
    with pytest.raises(Unwritable):
        literal(value, edm_type, V4)


@pytest.mark.parametrize("row", [b"null", b"[]", b"7", b"{", b'{"a":"\xff"}', b'{"a":' * 100_000])
def test_a_row_that_is_no_object_is_unwritable(row: bytes) -> None:
    with pytest.raises(Unwritable):
        read_row(row)


@given(st.integers())
def test_a_whole_number_keeps_its_digits(number: int) -> None:
    value = read_row(json.dumps({"a": number}).encode())["a"]

    assert (literal(value, None, V4), type_of(value)) == (str(number), "Edm.Int32")


@given(st.text(max_size=20))
def test_text_stays_within_its_quotes(text: str) -> None:
    written = literal(text, "Edm.String", V4)

    assert written[0] == written[-1] == "'"
    assert written[1:-1].replace("''", "'") == text
    assert "'" not in written[1:-1].replace("''", "")


@given(st.floats(-2e9, 4e9))
def test_a_moment_is_the_whole_second_before(seconds: float) -> None:
    written = moment_literal(seconds, "Edm.DateTimeOffset", V4)

    at = datetime.fromisoformat(written)
    assert 0 <= seconds - at.timestamp() <= 1
    assert moment_literal(seconds, "Edm.Date", V4) == at.date().isoformat()
    assert (
        moment_literal(seconds, "Edm.DateTime", V2)
        == f"datetime'{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}'"
    )


def test_filters_are_joined_in_parentheses() -> None:
    assert all_of("", "") == ""
    assert all_of("", "a eq 1 or b eq 2", "") == "a eq 1 or b eq 2"
    assert all_of("a eq 1 or b eq 2", "", "c gt 3") == "(a eq 1 or b eq 2) and (c gt 3)"


class Keys:
    """Rows that are nothing but their keys."""

    ordered = True

    def __init__(self, keys: list[Key]) -> None:
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, position: int) -> Key:
        return self.keys[position]

    def page(self, skip: int, top: int) -> list[bytes]:
        raise NotImplementedError


small_keys = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.dates(max_value=date(1, 1, 3)).map(str)
)


@given(st.lists(small_keys, unique=True, min_size=1).map(sorted), st.data())
def test_the_rows_after_a_key_are_those_that_python_finds_greater(
    keys: list[Any], data: st.DataObject
) -> None:
    last = data.draw(small_keys)
    names = ("field_code", "well_code", "production_period")
    written = [
        (name, literal(Digits(value) if isinstance(value, int) else value, None, V4))
        for name, value in zip(names, last, strict=True)
    ]

    runs = matching(Keys(keys), Filter(after(written)))

    assert [keys[place] for run in runs for place in run] == [key for key in keys if key > last]
