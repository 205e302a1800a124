"""The diff against plain Python: what a merge would change, before anything is written."""

from __future__ import annotations

import calendar
import json
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.soak import longer
from support.staging import NOON, SAME_READING, batch_of, facts

from chalicelib.store.columns import VALUES, VOLUMES
from chalicelib.store.diff import LARGEST, Absence, Diff, factor_of
from chalicelib.store.diff_queries import _DiffQueries
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.schema import STORE
from chalicelib.store.settle import Settled

MEMORY = Path("/dev/shm")
Row = dict[str, Any]
PERIODS = ["2023-11-01", "2023-12-01", "2024-01-01"]  # the last is not over at NOON
TODAY = datetime.fromtimestamp(NOON, UTC).date()

values = st.one_of(st.none(), st.integers(-3, 9).map(float))


@st.composite
def imports(draw: st.DrawFn) -> list[Row]:
    keys = draw(
        st.lists(
            st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from(PERIODS)), unique=True
        )
    )
    return [
        {
            "field_code": str(field),
            "well_code": str(well),
            "production_period": period,
            "field_name": f"Field {field}",
            **{name: draw(values) for name in VOLUMES},
        }
        for field, well, period in keys
    ]


def merged(store: Path, directory: Path, rows: list[Row], number: int, **options: Any) -> Diff:
    repository = DuckDBWellProductionRepository(directory=directory / f"{number}", memory_mb=200)
    if rows:
        repository.stage(
            batch_of(directory, [json.dumps(row).encode() for row in rows]), SAME_READING
        )
    result = repository.merge(store, facts(number), now=float(NOON), warnings={}, **options)
    repository.close()
    return result.diff


def key(row: Row) -> tuple[Any, ...]:
    return row["field_code"], row["well_code"], row["production_period"]


def volume(row: Row, name: str) -> float:
    day = date.fromisoformat(row["production_period"])
    return float((row[name] or 0) * calendar.monthrange(day.year, day.month)[1])


def is_over(row: Row) -> bool:
    day = date.fromisoformat(row["production_period"])
    return day.replace(day=calendar.monthrange(day.year, day.month)[1]) < TODAY


def expected(stored: list[Row], rows: list[Row]) -> Diff:
    before, after = {key(row): row for row in stored}, {key(row): row for row in rows}
    matched = before.keys() & after.keys()
    changed = [each for each in matched if before[each] != after[each]]
    covered = {row["production_period"] for row in rows}
    nulled, sums = {}, {}
    for name in VALUES:
        if count := sum(
            before[each].get(name) is not None and after[each].get(name) is None for each in changed
        ):
            touched = sum(before[each].get(name) is not None for each in matched)
            nulled[name] = {
                "nulled": count,
                "stored": touched,
                "in_store": sum(row.get(name) is not None for row in stored),
            }
    for name in VOLUMES:
        delta = sum(
            volume(after[each], name) - volume(before[each], name)
            for each in changed
            if is_over(after[each])
        )
        if delta:
            total = sum(
                volume(row, name)
                for row in stored
                if row["production_period"] in covered and is_over(row)
            )
            sums[name] = {"before": total, "after": total + delta}
    return Diff(
        new=len(after.keys() - before.keys()),
        updated=len(changed),
        unchanged=len(matched) - len(changed),
        is_first=not stored,
        nulled=nulled,
        sums=sums,
        fields=changes_of_fields(before, after, changed),
    )


def changes_of_fields(
    before: dict[Any, Row], after: dict[Any, Row], changed: list[Any]
) -> list[dict[str, Any]]:
    found = []
    for code in {each[0] for each in changed}:
        for name in VOLUMES:
            of_field = [each for each in changed if each[0] == code]
            old = sum(volume(before[each], name) for each in of_field)
            new = sum(volume(after[each], name) for each in of_field)
            if old != new:
                told = {
                    "code": code,
                    "name": f"Field {code}",
                    "column": name,
                    "before": old,
                    "after": new,
                }
                found.append(told)
    return sorted(
        found, key=lambda told: (-abs(told["after"] - told["before"]), told["code"], told["column"])
    )[:10]


@settings(max_examples=longer(6, 400))
@given(stored=imports(), rows=imports())
def test_the_diff_is_what_plain_python_finds(stored: list[Row], rows: list[Row]) -> None:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        store = Path(directory) / "wells.duckdb"
        merged(store, Path(directory), stored, 1)

        diff = merged(store, Path(directory), rows, 2)

    told = {name: value for name, value in diff.to_attributes().items() if name != "examples"}
    assert told == {
        name: value
        for name, value in expected(stored, rows).to_attributes().items()
        if name != "examples"
    }
    assert len(json.dumps(diff.to_attributes())) < 8_000


def test_examples_show_the_rows_with_their_keys(tmp_path: Path) -> None:
    row = {
        "field_code": 7,
        "well_code": 8,
        "production_period": "2023-11-01",
        "oil_production_kbd": 2.5,
    }
    store = tmp_path / "wells.duckdb"
    merged(store, tmp_path, [row], 1)

    diff = merged(
        store, tmp_path, [row | {"oil_production_kbd": None}, row | {"well_code": 8.5}], 2
    )

    shown = {"field_code": "7", "well_code": "8", "production_period": "2023-11-01"}
    assert diff.examples["NULLED"] == [shown | {"oil_production_kbd": 2.5}]
    assert diff.examples["RESTATED"] == [
        shown | {"oil_production_kbd before": 2.5, "oil_production_kbd after": None}
    ]
    [rejected] = diff.examples["REJECTED"]
    assert (rejected["problem"], rejected["rows"], rejected["page"], rejected["position"]) == (
        "NOT_A_WHOLE_NUMBER well_code",
        1,
        1,
        1,
    )
    assert json.loads(rejected["raw"])["well_code"] == 8.5
    assert diff.rejected == 1


def test_of_a_column_without_a_field_it_tells_what_is_stored_and_what_came(tmp_path: Path) -> None:
    row = {
        "field_code": 7,
        "well_code": 8,
        "production_period": "2023-11-01",
        "oil_production_kbd": 2.5,
    }
    rows = [row | {"well_code": well} for well in range(5)]
    store = tmp_path / "wells.duckdb"
    merged(store, tmp_path, rows, 1)

    later = rows[:2] + [each | {"oil_production_kbd": None} for each in rows[2:]]
    diff = merged(
        store, tmp_path, later, 2, without_field=["oil_production_kbd", "water_production_kbd"]
    )

    assert diff.absent == {
        "oil_production_kbd": Absence(stored=5, rows=5, filled=2, stretch=3),
        "water_production_kbd": Absence(stored=0, rows=5, filled=0, stretch=5),
    }


@pytest.mark.parametrize(("is_renamed", "stretch"), [(False, 1), (True, 3)])
def test_of_a_column_under_another_name_it_tells_how_many_rows_came_beside_each_other(
    tmp_path: Path, is_renamed: bool, stretch: int
) -> None:
    row = {"field_code": 7, "production_period": "2023-11-01"}
    oil = [2.5, None, None, None, 2.5, None]
    rows = [
        row | {"well_code": well, "oil_production_kbd": value} for well, value in enumerate(oil)
    ]

    diff = merged(
        tmp_path / "wells.duckdb",
        tmp_path,
        rows,
        1,
        without_field=["oil_production_kbd"],
        is_renamed=is_renamed,
    )

    assert diff.absent == {
        "oil_production_kbd": Absence(stored=0, rows=6, filled=2, stretch=stretch)
    }


@pytest.mark.parametrize(
    ("before", "after", "factor"),
    [
        (10, 20, 2),
        (20, 10, 2),
        (7, 7, 1),
        (0, 9, 1),
        (9, 0, LARGEST),
        (9, -1, LARGEST),
        (-2, -4, 2),
        (1e-9, 5, 1),
    ],
)
def test_a_factor_is_one_or_more_whichever_way_a_sum_goes(
    before: float, after: float, factor: float
) -> None:
    assert factor_of(before, after) == factor


def test_the_wells_of_what_was_found_are_known_again_and_very_many_are_one_set(
    tmp_path: Path,
) -> None:
    def beyond(count: int, number: int) -> list[str]:
        rows = [
            {
                "field_code": "1",
                "well_code": str(well),
                "production_period": "2023-11-01",
                VOLUMES[0]: 900.0,
            }
            for well in range(count)
        ]
        (tmp_path / f"{number}").mkdir()
        return merged(tmp_path / f"{number}" / "s.duckdb", tmp_path, rows, number).wells[
            "RATE_BEYOND_A_WELL"
        ]

    few, again, fewer, many, others = (
        beyond(count, place) for place, count in enumerate((9, 9, 8, 41, 42), start=1)
    )

    assert few == again
    assert set(fewer) < set(few)
    assert len(many) == len(others) == 1
    assert many != others


def test_an_example_of_a_rejected_row_shows_the_value_that_is_wrong(tmp_path: Path) -> None:
    row = {
        "field_code": "1",
        "well_code": "1",
        "production_period": "2023-11-01",
        "field_name": "N" * 700,
    }

    diff = merged(tmp_path / "s.duckdb", tmp_path, [row | {"oil_production_kbd": "n/a"}], 1)

    [example] = diff.to_attributes()["examples"]["REJECTED"]
    assert example["raw"].startswith("…")
    assert '"oil_production_kbd": "n/a"' in example["raw"]


def test_the_stored_rows_are_summed_and_not_kept_in_memory(tmp_path: Path) -> None:
    """They are few megabytes on the disk, and 50 in a table to look them up by."""
    rows = 1_500_000
    connection = duckdb.connect(config={"memory_limit": "40MB", "threads": 1})
    connection.execute("SET max_temp_directory_size = '0KB'")
    connection.execute(f"ATTACH '{tmp_path / 'wells.duckdb'}' AS wells")
    volumes = ", ".join(f"1.0 AS {name}" for name in VOLUMES)
    period = "DATE '1990-01-01' + to_months(CAST(n % 120 AS INTEGER))"
    connection.execute(
        f"""
        CREATE TABLE wells.well_production AS
        SELECT 'source' AS source, CAST({period} AS DATE) AS production_period,
            CAST(30 AS SMALLINT) AS period_days, {volumes}
        FROM range({rows}) AS month(n)
        """
    )
    connection.execute("CHECKPOINT wells")
    connection.execute(
        f"""
        CREATE VIEW staged AS
        SELECT CAST({period} AS DATE) AS production_period, NULL AS problem
        FROM range({rows}) AS month(n)
        """
    )
    changes = ", ".join(f"1.0 AS before_{name}, 2.0 AS after_{name}" for name in VOLUMES)
    connection.execute(f"CREATE TABLE changes AS SELECT true AS is_over, {changes}")

    sums = _DiffQueries(connection, "source", Settled(), float(NOON), STORE)._sums()

    expected_sums = {"before": 30.0 * rows, "after": 30.0 * rows + 1}
    assert sums == dict.fromkeys(VOLUMES, expected_sums)
