"""Codes are text as the source writes it;
the numbers of an older store become such texts one to one, or not at all.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.soak import longer
from support.staging import NOON, SAME_READING, batch_of, facts, json_row, stage, tables

from chalicelib.errors import CodesAmbiguous, FullImportFirst
from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.store.outcome import MergeResult

VERSION_2 = Path(__file__).with_name("stores") / "version_2.sql"


# --------------------------------------------------------------------------------------------------- reading


@pytest.fixture(scope="module")
def repository(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DuckDBWellProductionRepository]:
    repository = DuckDBWellProductionRepository(
        directory=tmp_path_factory.mktemp("codes") / "scratch", memory_mb=200
    )
    yield repository
    repository.close()


def read(
    repository: DuckDBWellProductionRepository, directory: Path, values: list[str]
) -> list[tuple[Any, Any]]:
    """Of each JSON text as a well's code: what is staged, and the row's problem."""
    rows = [
        f'{{"field_code": "1", "production_period": "2024-01-01", "well_code": {value}}}'
        for value in values
    ]
    staged = stage(repository, directory, [row.encode() for row in rows])
    return [(None if row["problem"] else row["well_code"], row["problem"]) for row in staged]


def test_identifiers_of_every_kind_are_kept_as_they_are_written(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    written = {
        '"05012345678000"': "05012345678000",
        "5012345678000": "5012345678000",
        '"05-012-34567-80-00"': "05-012-34567-80-00",
        '"100/01-02-003-04W5/0"': "100/01-02-003-04W5/0",
        '"ABWI100010200304W500"': "ABWI100010200304W500",
        '"NO 15/9-F-1 C"': "NO 15/9-F-1 C",
        '" 7 "': "7",
        '"\\t007\\r\\n"': "007",
        '"\\u00a0A1\\u00a0"': "A1",
        '"2.0"': "2.0",
        '"1e3"': "1e3",
        '"true"': "true",
        '"NaN"': "NaN",
        '"{7}"': "{7}",
        '"[7]"': "[7]",
        "2.0": "2",
        "1e3": "1000",
        "-0.0": "0",
        "421234567890.0": "421234567890",
        "9223372036854775807": "9223372036854775807",
        '"18446744073709551616"': "18446744073709551616",
    }

    assert read(repository, tmp_path, list(written)) == [(code, None) for code in written.values()]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("null", "MISSING_KEY"),
        ('""', "MISSING_KEY"),
        ('" \\t"', "MISSING_KEY"),
        ("1.7", "NOT_A_WHOLE_NUMBER"),
        ("9007199254740993.0", "NOT_A_WHOLE_NUMBER"),
        ("9223372036854775808", "NOT_A_WHOLE_NUMBER"),
        ("9" * 30, "NOT_A_WHOLE_NUMBER"),
        ("1e30", "NOT_A_WHOLE_NUMBER"),
        ("NaN", "NOT_A_WHOLE_NUMBER"),
        ("true", "NOT_TEXT"),
        ("[7]", "NOT_TEXT"),
        ('{"a": 7}', "NOT_TEXT"),
        (json.dumps("7" * 101), "TOO_LONG"),
        (json.dumps("é" * 101), "TOO_LONG"),
    ],
)
def test_what_is_no_code_is_rejected(
    repository: DuckDBWellProductionRepository, tmp_path: Path, value: str, reason: str
) -> None:
    assert read(repository, tmp_path, [value]) == [(None, f"{reason} well_code")]


BLANKS = " \t\n\r\u00a0"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
likely = st.text("0123456789.-+eE/_ \tabWNa{}[]", max_size=20)


@settings(max_examples=longer(10, 200))
@given(written=st.lists(texts | likely, min_size=20, max_size=60))
def test_a_text_is_itself_without_the_blanks_around_it(
    repository: DuckDBWellProductionRepository,
    tmp_path_factory: pytest.TempPathFactory,
    written: list[str],
) -> None:
    """Whatever it looks like:
    each is read by the statement for sound rows or by that for all, which must agree.
    """
    stripped = [text.strip(BLANKS) for text in written]

    found = read(repository, tmp_path_factory.getbasetemp(), [json.dumps(text) for text in written])

    assert found == [(text, None) if text else (None, "MISSING_KEY well_code") for text in stripped]


@settings(max_examples=longer(10, 200))
@given(
    written=st.lists(
        st.from_regex(r"\A-?(0|[1-9][0-9]{0,17})(\.0{1,3})?([eE][+]?[0-2])?\Z"),
        min_size=20,
        max_size=60,
    )
)
def test_a_number_becomes_its_digits(
    repository: DuckDBWellProductionRepository,
    tmp_path_factory: pytest.TempPathFactory,
    written: list[str],
) -> None:
    def digits(text: str) -> str | None:
        if re.fullmatch(r"-?\d+", text):
            return str(int(text))
        return str(int(float(text))) if abs(float(text)) < 2**53 else None

    found = read(repository, tmp_path_factory.getbasetemp(), written)

    assert found == [
        (digits(text), None if digits(text) else "NOT_A_WHOLE_NUMBER well_code") for text in written
    ]


# ---------------------------------------------------------------------------- the numbers of an older store


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Well 420000000001 of field 1 has two months, one of them with a replaced value."""
    store = tmp_path / "older.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{store}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute(VERSION_2.read_text("utf-8"))
    return store


def merge(store: Path, *rows: bytes, number: int = 7, is_full: bool = True) -> MergeResult:
    scratch = DuckDBWellProductionRepository(
        directory=store.parent / f"scratch-{number}", memory_mb=100
    )
    try:
        scratch.stage(batch_of(store.parent, list(rows)), SAME_READING)
        run = facts(number)
        result = scratch.merge(
            store, type(run)(**{**vars(run), "is_full": is_full}), now=NOON, warnings={}
        )
        scratch.verify(store, rows=result.stored_records)
    finally:
        scratch.close()
    return result


def row(field: Any, well: Any, period: str = "2024-01-01", **more: Any) -> bytes:
    values = {
        "field_name": "North",
        "well_reference": "15/9-1",
        "well_name": "Alpha",
        "days_on_production": 31,
    }
    values |= {
        "oil_production_kbd": 1.25,
        "gas_production_mmcfd": 2.5,
        "liquids_production_kbd": 1.5,
    }
    return json_row(
        **{
            "field_code": field,
            "well_code": well,
            "production_period": period,
            "water_production_kbd": 0,
            **values,
            **more,
        }
    )


def codes(store: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Field, well and period of the rows, and of those that were replaced."""
    held = tables(store)
    return {
        table: [
            (row["field_code"], row["well_code"], row["production_period"].isoformat())
            for row in held[table]
        ]
        for table in ("well_production", "well_production_history")
    }


def waiting(store: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(store, read_only=True) as connection:
        return connection.execute("SELECT source FROM codes_as_numbers").fetchall()


def test_the_first_full_import_renames_stored_codes_and_finds_their_rows(older: Path) -> None:
    result = merge(older, row("0001", "000420000000001"))

    assert (result.new_records, result.updated_records, result.duplicate_records) == (0, 0, 1)
    renamed = ("0001", "000420000000001")
    assert codes(older) == {
        "well_production": [(*renamed, "2023-12-01"), (*renamed, "2024-01-01")],
        "well_production_history": [(*renamed, "2024-01-01")],
    }
    assert waiting(older) == []


def test_codes_that_are_their_digits_stay_and_wait_no_longer(older: Path) -> None:
    result = merge(older, row(1, 420000000001), row("1", "0007"))

    assert (result.new_records, result.duplicate_records) == (1, 1)
    assert waiting(older) == []


def test_after_the_first_full_import_a_zero_in_front_is_another_well(older: Path) -> None:
    merge(older, row("1", "420000000001"))

    result = merge(older, row("1", "420000000001"), row("1", "0420000000001"), number=8)

    assert (result.new_records, result.duplicate_records) == (1, 1)


def test_two_codes_that_were_one_number_are_refused(older: Path) -> None:
    with pytest.raises(
        CodesAmbiguous, match="0420000000001 in field 1 and 420000000001 in field 1"
    ) as refused:
        merge(older, row("1", "420000000001"), row("1", "0420000000001"))

    assert "holds them as one, 420000000001 in field 1" in refused.value.message


def test_two_codes_that_are_one_number_in_different_fields_are_told_apart(older: Path) -> None:
    result = merge(older, row("1", "0420000000001"), row("2", "420000000001"))

    assert (result.new_records, result.duplicate_records) == (1, 1)


def test_an_import_of_a_part_renames_nothing_and_is_refused_where_it_would_store_a_well_twice(
    older: Path,
) -> None:
    with pytest.raises(FullImportFirst, match="420000000001 in field 1"):
        merge(older, row("1", "0420000000001"), is_full=False)


def test_an_import_of_a_part_goes_in_where_codes_are_their_digits_and_the_rest_still_waits(
    older: Path,
) -> None:
    result = merge(older, row("1", "420000000001"), row("1", "A7"), is_full=False)

    assert (result.new_records, result.duplicate_records) == (1, 1)
    assert waiting(older) == [("default",)]
    assert merge(older, row("01", "420000000001"), number=8).duplicate_records == 1


def test_the_upgraded_file_has_no_room_of_what_was_written_anew(
    tmp_path: Path, older: Path
) -> None:
    """A file does not shrink by itself,
    and each later import would copy three times what it needs.
    """
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{older}' AS wells")
        connection.execute(
            "INSERT INTO wells.well_production BY NAME SELECT 2 AS field_code, i % 1000 AS well_code, random() AS "
            "oil_production_kbd, CAST(DATE '2000-01-01' + to_months(CAST(i // 1000 AS INTEGER)) AS DATE) AS "
            "production_period FROM range(100_000) AS t(i)"
        )
    before = older.stat().st_size

    merge(older, *(row("2", f"0{well}") for well in range(1000)))

    assert older.stat().st_size < 1.5 * before
    assert list(older.parent.glob("*.compact*")) == []
    assert len(codes(older)["well_production"]) == 2 + 101_000
