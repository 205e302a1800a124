"""The length of a source's periods:
dates are cut to its first day, and rates are volumes by its days.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.staging import NOON, SAME_READING, batch_of, facts, json_row, tables
from support.stores import opened

from chalicelib.errors import PeriodChanged
from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.store.period import Period, RowSource
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.store.outcome import MergeResult

VERSION_2 = Path(__file__).with_name("stores") / "version_2.sql"
MONTHS_OF = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


def merge(
    store: Path,
    period: Period,
    rows: list[bytes],
    *,
    name: str = "default",
    number: int = 1,
    now: float = NOON,
) -> MergeResult:
    source = RowSource(name=name, period=period)
    scratch = store.parent / f"{name}-{number}"
    repository = DuckDBWellProductionRepository(directory=scratch, memory_mb=100, source=source)
    try:
        repository.stage(batch_of(store.parent, rows), SAME_READING)
        result = repository.merge(store, facts(number), now=now, warnings={})
        repository.verify(store, rows=result.stored_records)
    finally:
        repository.close()
    return result


def asked(store: Path, question: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(store, read_only=True) as connection:
        return connection.execute(question).fetchall()


def days(*dates: str, **more: Any) -> list[bytes]:
    return [json_row(production_period=each, oil_production_kbd=2.0, **more) for each in dates]


@pytest.fixture(scope="module", params=Period)
def defined(request: pytest.FixtureRequest) -> Iterator[tuple[Period, duckdb.DuckDBPyConnection]]:
    with duckdb.connect() as connection:
        request.param.define(connection)
        yield request.param, connection


@given(day=st.dates(date(1859, 1, 1), date(2199, 12, 31)))
def test_every_day_lies_in_one_period_of_its_calendar(
    defined: tuple[Period, duckdb.DuckDBPyConnection], day: date
) -> None:
    period, connection = defined
    first, after = day, day + timedelta(days=1)
    if months := MONTHS_OF.get(period):
        begins = (day.month - 1) // months * months
        first = date(day.year, begins + 1, 1)
        after = date(day.year + (begins + months) // 12, (begins + months) % 12 + 1, 1)

    found = connection.execute(
        "SELECT first_day($day), days_of_period($day)", {"day": day}
    ).fetchall()

    assert found == [(first, (after - first).days)]
    assert Period.of((after - first).days) is period


@pytest.mark.parametrize(
    ("period", "stored"),
    [
        (Period.DAY, [("2024-02-28", 1), ("2024-03-31", 1)]),
        (Period.MONTH, [("2024-02-01", 29), ("2024-03-01", 31)]),
        (Period.QUARTER, [("2024-01-01", 91)]),
        (Period.YEAR, [("2024-01-01", 366)]),
    ],
)
def test_a_date_is_cut_to_the_first_day_of_its_period(
    tmp_path: Path, period: Period, stored: list[tuple[str, int]]
) -> None:
    store = tmp_path / "wells.duckdb"

    merge(store, period, days("2024-02-28", "2024-03-31"))

    rows = [
        (row["production_period"].isoformat(), row["period_days"])
        for row in tables(store)["well_production"]
    ]
    assert rows == stored


@pytest.mark.parametrize(
    ("period", "most"), [("day", 1), ("month", 29), ("quarter", 91), ("year", 366)]
)
def test_days_on_production_are_held_against_the_days_of_the_period(
    tmp_path: Path, period: str, most: int
) -> None:
    later = NOON + 366 * 86400
    for number, more in enumerate((0.04, 0.06)):
        store = tmp_path / f"{number}.duckdb"
        result = merge(
            store,
            Period(period),
            days("2024-02-29", days_on_production=most + more),
            number=number,
            now=later,
        )

        assert result.warnings == ({"DAYS_BEYOND_PERIOD": 1} if number else {})


def test_rows_of_another_length_are_refused_and_go_in_under_another_name(tmp_path: Path) -> None:
    store = tmp_path / "wells.duckdb"
    merge(store, Period.DAY, days("2024-01-01", "2024-01-02"))

    with pytest.raises(
        PeriodChanged, match="periods of a day, and WELLHEAD_SOURCE_PERIOD is month"
    ):
        merge(store, Period.MONTH, days("2024-01-01"), number=2)

    merge(store, Period.MONTH, days("2024-01-01"), name="by-month", number=3)
    found = asked(
        store, "SELECT source, production_period, period_days FROM well_production ORDER BY ALL"
    )
    first = date(2024, 1, 1)
    assert found == [
        ("by-month", first, 31),
        ("default", first, 1),
        ("default", first + timedelta(days=1), 1),
    ]


def test_two_sources_that_tell_of_one_well_are_two_rows_and_nothing_adds_them_unasked(
    tmp_path: Path,
) -> None:
    store = tmp_path / "wells.duckdb"
    merge(store, Period.MONTH, days("2024-01-01"))
    merge(store, Period.MONTH, days("2024-01-01"), name="other", number=2)
    query = opened(store)

    def rates(source: str | None) -> list[tuple[str, float]]:
        return [
            (row["source"], row["oil_production_kbd"]) for row in query.totals(source=source).rows
        ]

    assert rates(None) == [("default", 2.0), ("other", 2.0)]
    assert rates("other") == [("other", 2.0)]
    assert rates("*") == [("*", 4.0)]
    assert [row["source"] for row in query.production().rows] == ["default", "other"]
    assert [row["source"] for row in query.wells(source="other").rows] == ["other"]
    assert [(each["source"], each["rows"]) for each in query.summary()["sources"]] == [
        ("default", 1),
        ("other", 1),
    ]
    sums = ("rows", "wells", "fields", "missing_periods")
    told = {source: query.summary(source=source) for source in (None, "*", "other", "nobody")}
    assert {source: tuple(each[name] for name in sums) for source, each in told.items()} == {
        None: (2, None, None, None),  # one well may be told by both
        "*": (2, 2, 2, 0),
        "other": (1, 1, 1, 0),
        "nobody": (0, 0, 0, 0),
    }
    query.close()


def test_an_older_store_of_days_is_refused_as_months_and_upgraded_as_days(tmp_path: Path) -> None:
    store = tmp_path / "older.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{store}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute(VERSION_2.read_text("utf-8"))
        connection.execute(
            "INSERT INTO wells.well_production "
            "SELECT * REPLACE (DATE '2024-01-02' AS production_period) FROM wells.well_production "
            "WHERE production_period = '2024-01-01'"
        )

    with pytest.raises(
        PeriodChanged,
        match="2 rows of well 420000000001 in field 1 within the month that begins on 2024",
    ):
        merge(store, Period.MONTH, [])

    assert asked(store, "SELECT version FROM wellhead_schema") == [(2,)]
    merge(store, Period.DAY, [], number=2)
    assert asked(store, "SELECT DISTINCT period_days FROM well_production") == [(1,)]


# ------------------------------------------------------------------------------------------ volumes and gaps


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 thousand barrels a day, told by the day, the month, the quarter and the year."""
    store = tmp_path_factory.mktemp("volumes") / "wells.duckdb"
    leap_year = [(date(2024, 1, 1) + timedelta(days=number)).isoformat() for number in range(366)]
    told = {
        Period.DAY: leap_year,
        Period.MONTH: [f"2024-{month:02}-15" for month in range(1, 13)],
        Period.QUARTER: ["2024-03-31", "2024-06-30", "2024-09-30", "2024-12-31"],
        Period.YEAR: ["2024-12-31"],
    }
    for number, (period, dates) in enumerate(told.items(), start=1):
        merge(store, period, days(*dates), name=period, number=number)
    return store


def test_a_rate_times_the_days_of_its_period_is_the_volume_whatever_the_length(
    volumes: Path,
) -> None:
    found = asked(
        volumes,
        "SELECT source, sum(oil_production_kbd * period_days) FROM well_production GROUP BY 1 ORDER BY 1",
    )

    assert found == [("day", 732.0), ("month", 732.0), ("quarter", 732.0), ("year", 732.0)]


def test_the_view_of_months_has_the_volumes_of_what_is_told_by_the_month_or_day(
    volumes: Path,
) -> None:
    february = "FROM monthly WHERE calendar_month = '2024-02-01' ORDER BY source"

    assert asked(
        volumes, f"SELECT source, days, oil_production_kb, gas_production_mmcf {february}"
    ) == [
        ("day", 29, 58.0, None),
        ("month", 29, 58.0, None),
    ]
    assert asked(volumes, "SELECT count(*) FROM monthly") == [(24,)]


def test_the_view_of_fields_counts_wells_and_rows_of_each_source(volumes: Path) -> None:
    counted = asked(
        volumes, "SELECT source, field_code, wells, well_periods FROM fields ORDER BY ALL"
    )

    assert counted == [
        ("day", "1", 1, 366),
        ("month", "1", 1, 12),
        ("quarter", "1", 1, 4),
        ("year", "1", 1, 1),
    ]


@pytest.mark.parametrize(
    ("period", "dates", "periods", "months"),
    [
        (Period.DAY, ["2024-01-01", "2024-01-04", "2024-03-01"], 58, 1),
        (Period.MONTH, ["2024-01-01", "2024-04-30"], 2, 2),
        (Period.QUARTER, ["2023-03-31", "2024-01-01"], 3, 9),
        (Period.YEAR, ["2020-12-31", "2021-12-31", "2024-01-01"], 2, 24),
    ],
)
def test_gaps_are_counted_in_periods_of_the_sources_length_and_in_months(
    tmp_path: Path, period: Period, dates: list[str], periods: int, months: int
) -> None:
    store = tmp_path / "wells.duckdb"
    merge(store, period, [*days(*dates), *days(dates[0], well_code="3")])
    query = opened(store)

    names = ("wells_with_gaps", "missing_periods", "missing_months")
    assert tuple(query.summary()[name] for name in names) == (1, periods, months)
    query.close()
