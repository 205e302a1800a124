"""Questions to a store that real merges made:
filters, pages, search, gaps, what a damaged file answers.
"""

from __future__ import annotations

import base64
import inspect
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.staging import NOON, SAME_READING, batch_of, facts, json_row
from support.stores import BAD, RENAMED, ROWS, SECOND_FIELD, merged, opened

from chalicelib.api.parameters import MOST_CURSOR
from chalicelib.errors import (
    QueryFailed,
    QueryTooLarge,
    QueryTooSlow,
    ValidationError,
    WarehouseCorrupt,
    WarehouseForeign,
    WarehouseTooNew,
    WellheadError,
)
from chalicelib.lake import moving
from chalicelib.queries import production as production_query
from chalicelib.queries.cursor import Cursor, write_cursor
from chalicelib.queries.duckdb_errors import duckdb_errors
from chalicelib.queries.query import MOST_REJECTS, MOST_ROWS
from chalicelib.queries.question_time import one_question
from chalicelib.store.columns import COLUMNS
from chalicelib.store.local_duckdb import time_limit
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.queries.production import ProductionQuery, Rows

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [json.dumps(row).encode() for row in ROWS]
    later = [
        json.dumps(row).encode()
        for row in (RENAMED, SECOND_FIELD, {**ROWS[1], "oil_production_kbd": 9})
    ]
    return merged(tmp_path_factory.mktemp("store"), [*rows, *BAD], later)


@pytest.fixture(scope="module")
def query(store: Path) -> Iterator[ProductionQuery]:
    query = opened(store)
    yield query
    query.close()


OURS = {"source": "default", "period_days": 31, "source_rows": 1}


def keys(rows: Rows) -> list[tuple[str, str, str]]:
    return [(row["field_code"], row["well_code"], row["production_period"]) for row in rows.rows]


def all_pages(ask: Callable[..., Rows], limit: int, **filters: Any) -> list[dict[str, Any]]:
    rows, cursor = [], None
    while True:
        page = ask(limit=limit, cursor=cursor, **filters)
        assert len(page.rows) == limit or page.next_cursor is None
        rows += page.rows
        cursor = page.next_cursor
        if cursor is None:
            return rows


# ------------------------------------------------------------------------------------------ production


def test_a_row_is_shown_whole_and_ready_for_json(query: ProductionQuery) -> None:
    [row] = query.production(field_code="2", well_code="420000000001", last=date(2023, 1, 1)).rows

    shown = dict.fromkeys([column.name for column in COLUMNS]) | ROWS[0] | OURS
    assert row == shown | {
        "created_at": "2024-01-01T12:00:01.000Z",
        "updated_at": "2024-01-01T12:00:01.000Z",
    }
    assert json.loads(json.dumps(row)) == row
    names = [
        "source",
        *(column.name for column in COLUMNS),
        "source_rows",
        "created_at",
        "updated_at",
    ]
    names.insert(names.index("production_period") + 1, "period_days")
    assert list(row) == names


def test_rows_come_by_field_well_and_period(query: ProductionQuery) -> None:
    everything = keys(query.production())

    stored = {
        (row["field_code"], row["well_code"], row["production_period"])
        for row in [*ROWS, RENAMED, SECOND_FIELD]
    }
    assert everything == sorted(stored)


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"field_code": "1"}, lambda key: key[0] == "1"),
        ({"well_code": "420000000001"}, lambda key: key[1] == "420000000001"),
        ({"field_code": "2", "well_code": "420000000001"}, lambda key: key[:2] == ("2", "420000000001")),
        ({"first": date(2024, 1, 1)}, lambda key: key[2] >= "2024-01-01"),
        ({"last": date(2023, 12, 1)}, lambda key: key[2] <= "2023-12-01"),
        ({"field_code": "1", "first": date(2023, 2, 1), "last": date(2024, 1, 1)},
         lambda key: key[0] == "1" and "2023-02-01" <= key[2] <= "2024-01-01"),
        ({"well_code": "7"}, lambda key: False),
    ],
)  # fmt: skip
def test_filters_leave_what_they_name(
    query: ProductionQuery, filters: dict[str, Any], wanted: Callable[[tuple[str, str, str]], bool]
) -> None:
    assert keys(query.production(**filters)) == [
        key for key in keys(query.production()) if wanted(key)
    ]


@settings(max_examples=30)
@given(limit=st.integers(1, 25), field=st.sampled_from([None, "1", "2", "9"]))
def test_pages_join_to_the_whole(query: ProductionQuery, limit: int, field: str | None) -> None:
    assert (
        all_pages(query.production, limit, field_code=field)
        == query.production(field_code=field).rows
    )
    assert all_pages(query.wells, limit, field_code=field) == query.wells(field_code=field).rows
    assert all_pages(query.totals, limit, field_code=field) == query.totals(field_code=field).rows
    assert all_pages(query.rejects, limit, job_id="job-1") == query.rejects("job-1").rows


def test_what_a_revision_replaced_is_told_with_the_import_that_did(query: ProductionQuery) -> None:
    [old] = query.revisions().rows

    values = dict.fromkeys(column.name for column in COLUMNS)
    provenance = ("data_source", "source_data", "partition_0")
    shown = {name: value for name, value in (values | ROWS[1]).items() if name not in provenance}
    assert old == shown | OURS | {"period_days": 28} | {
        "replaced_at": "2024-01-01T12:00:02.000Z",
        "job_id": "job-2",
    }
    assert (
        query.revisions(field_code="1").rows == query.revisions(first=date(2024, 1, 1)).rows == []
    )
    assert query.revisions(well_code="420000000001", last=date(2023, 2, 1)).rows == [old]


def test_the_revisions_of_a_row_come_oldest_first_and_in_pages(tmp_path: Path) -> None:
    versions = [
        [json_row(oil_production_kbd=number), json_row(field_code="2")] for number in range(4)
    ]
    query = opened(merged(tmp_path, *versions))

    rows = query.revisions().rows
    assert [(row["oil_production_kbd"], row["job_id"]) for row in rows] == [
        (0, "job-2"),
        (1, "job-3"),
        (2, "job-4"),
    ]
    assert all(all_pages(query.revisions, limit) == rows for limit in (1, 2, 3))
    query.close()


def test_totals_add_up_a_period(query: ProductionQuery) -> None:
    totals = {row["production_period"]: row for row in query.totals().rows}

    assert list(totals) == sorted(totals)
    assert (totals["2023-01-01"]["wells"], totals["2023-01-01"]["oil_production_kbd"]) == (4, 6.0)
    assert {(row["source"], row["period_days"]) for row in totals.values()} == {
        ("default", 28),
        ("default", 29),
        ("default", 31),
    }
    assert totals["2023-02-01"]["oil_production_kbd"] == 9 + 1.5 + 1.5
    assert totals["2025-01-01"]["oil_production_kbd"] is None
    assert totals["2023-01-01"]["water_production_kbd"] is None
    bounded = query.totals(field_code="1", first=date(2024, 1, 1), last=date(2024, 2, 1))
    assert [(row["production_period"], row["wells"]) for row in bounded.rows] == [
        ("2024-01-01", 2),
        ("2024-02-01", 2),
    ]


def test_ratios_of_totals_are_of_the_wells_that_tell_both_sides(tmp_path: Path) -> None:
    """One tells gas alone, one oil alone:
    neither says anything of the gas-oil ratio of their field.
    """
    rates: dict[str, Any] = {
        "liquids_production_kbd": None,
        "water_production_kbd": None,
        "gas_production_mmcfd": None,
    }
    rates |= {"production_period": "2024-04-01"}
    wells: list[dict[str, Any]] = [
        {
            "well_code": "a",
            "oil_production_kbd": 2.0,
            "gas_production_mmcfd": 6.0,
            "days_on_production": 15,
        },
        {
            "well_code": "b",
            "oil_production_kbd": None,
            "gas_production_mmcfd": 50.0,
            "days_on_production": 30,
        },
        {
            "well_code": "c",
            "oil_production_kbd": 7.0,
            "water_production_kbd": 3.0,
            "days_on_production": None,
        },
        {
            "well_code": "d",
            "oil_production_kbd": 1.0,
            "liquids_production_kbd": 4.0,
            "water_production_kbd": 0.0,
        }
        | {"days_on_production": 0},
        {
            "well_code": "e",
            "oil_production_kbd": None,
            "water_production_kbd": 9.0,
            "days_on_production": 10,
        },
    ]
    query = opened(merged(tmp_path, [json_row(**rates | well) for well in wells]))
    [row] = query.totals().rows

    assert (row["ratio_gas_mmcfd"], row["ratio_oil_kbd"]) == (6.0, 2.0)
    assert (row["cut_water_kbd"], row["cut_liquids_kbd"]) == (3.0, 7.0 + 4.0)
    assert (
        row["gas_producing_mmcfd"] == 6.0 * 30 / 15 + 50.0
    )  # no well that brought gas hides its days
    assert row["oil_producing_kbd"] is None  # c does
    query.close()


def test_what_is_divided_by_next_to_nothing_is_no_number(tmp_path: Path) -> None:
    """JSON has no form for infinity."""
    nothing = {"oil_production_kbd": 1e-310, "days_on_production": 1e-310}
    query = opened(merged(tmp_path, [json_row(**nothing, gas_production_mmcfd=10.0)]))

    [row] = query.totals().rows
    [well] = query.register().rows

    assert (row["oil_producing_kbd"], row["gas_producing_mmcfd"]) == (None, None)
    assert well["gas_oil_ratio"] is None
    json.dumps([row, well], allow_nan=False, default=str)
    query.close()


# ------------------------------------------------------------------------------------------------ wells


def test_a_well_has_its_latest_names_and_its_range(query: ProductionQuery) -> None:
    [well] = query.wells(field_code="2").rows

    assert well == {
        "source": "default",
        "field_code": "2",
        "field_name": "Field 2",
        "well_code": "420000000001",
        "well_reference": "15/9-1",
        "well_name": "New Name",
        "first_period": "2023-01-01",
        "last_period": "2025-01-01",
        "periods": 7,
    }


def test_the_list_is_the_view_of_the_file(query: ProductionQuery, store: Path) -> None:
    columns = "* REPLACE (CAST(first_period AS VARCHAR) AS first_period, CAST(last_period AS VARCHAR) AS last_period)"
    with duckdb.connect(store, read_only=True) as connection:
        view = connection.execute(
            f"SELECT {columns} FROM wells ORDER BY source, field_code, well_code"
        ).fetchall()

    assert [tuple(well.values()) for well in query.wells().rows] == view


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("new name", {"420000000001"}),
        ("  NEW ", {"420000000001"}),
        ("old name", {"420000000001"}),  # still its name in the other field
        ("årdal", {"420000000002"}),
        ("ÅRDAL", {"420000000002"}),
        ("50%_a", {"420000000002"}),
        ("%", {"420000000002"}),
        ("_", {"420000000002"}),
        ("50_", set()),
        ("15/9-2", {"420000000002"}),
        ("4200000", {"420000000001", "420000000002"}),
        ("-3", {"-3"}),
        ("", {"420000000001", "420000000002", "-3"}),
        ("'; DROP TABLE well_production; --", set()),
        ("\\", set()),
        ("\0", set()),
    ],
)
def test_a_search_looks_into_name_reference_and_code(
    query: ProductionQuery, search: str, found: set[str]
) -> None:
    assert {well["well_code"] for well in query.wells(search=search).rows} == found


# ---------------------------------------------------------------------------------------------- rejects


def test_rejects_of_a_job_come_in_the_order_of_the_source(query: ProductionQuery) -> None:
    rejects = query.rejects("job-1").rows

    assert [(row["page"], row["position"], row["reason"]) for row in rejects] == [
        (1, len(ROWS), "MISSING_KEY"),
        (1, len(ROWS) + 1, "NOT_A_NUMBER"),
        (1, len(ROWS) + 2, "NOT_A_DATE"),
    ]
    assert rejects[1]["raw"] == BAD[1].decode()
    assert rejects[1]["detail"].startswith("oil_production_kbd: ")
    assert rejects[1]["rejected_at"] == "2024-01-01T12:00:01.000Z"
    assert query.rejects("job-2").rows == query.rejects("no job").rows == []


# ---------------------------------------------------------------------------------------------- summary


def test_the_summary_says_what_the_file_holds(query: ProductionQuery) -> None:
    counts = {
        "wells": 4,
        "fields": 3,
        "wells_with_gaps": 3,
        "missing_periods": 2 * 18 + 18,
        "missing_months": 2 * 18 + 18,  # of 24 months each 6 are there; the well with a 25th has 7
        "replaced_rows": 1,
    }
    assert query.summary() == {
        **counts,
        "rows": 20,
        "first_period": "2023-01-01",
        "last_period": "2025-01-01",
        "rejected_rows": 3,
        "sources": [
            {
                **counts,
                "source": "default",
                "period": "month",
                "rows": 20,
                "first_period": "2023-01-01",
                "last_period": "2025-01-01",
            }
        ],
        "last_import": {
            "job_id": "job-2",
            "source": "https://example.org/odata/WellProduction",
            "triggered_by": "ada",
            "started_at": "2024-01-01T12:25:00.000Z",
            "merged_at": "2024-01-01T12:00:02.000Z",
            "new_records": 2,
            "updated_records": 1,
            "duplicate_records": 0,
            "failed_records": 0,
            "expected_records": None,
            "warnings": {"UNKNOWN_FIELDS": 2, "FUTURE_PERIOD": 1, "WELL_WITH_TWO_NAMES": 1},
        },
        "schema_version": 3,
        "storage_version": "v1.4.0",
    }


def test_gaps_are_the_months_without_a_period_between_a_wells_first_and_last(
    tmp_path: Path,
) -> None:
    periods = {
        "1": ["2024-01-31", "2024-02-29"],
        "2": ["2023-11-15", "2024-02-01"],
        "3": ["2024-05-05"],
    }
    rows = [
        json_row(well_code=well, production_period=day)
        for well, days in periods.items()
        for day in days
    ]
    query = opened(merged(tmp_path, rows))

    assert (query.summary()["wells_with_gaps"], query.summary()["missing_months"]) == (1, 2)
    query.close()


def test_a_store_without_rows_has_a_summary(tmp_path: Path) -> None:
    query = opened(merged(tmp_path, []))

    assert {
        name: query.summary()[name]
        for name in ("rows", "wells", "fields", "first_period", "missing_months")
    } == {
        "rows": 0,
        "wells": 0,
        "fields": 0,
        "first_period": None,
        "missing_months": 0,
    }
    assert query.summary()["last_import"]["new_records"] == 0
    assert query.production().rows == query.wells().rows == query.totals().rows == []
    query.close()


# --------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("limit", [0, -1, MOST_ROWS + 1])
def test_a_limit_out_of_bounds_is_refused(query: ProductionQuery, limit: int) -> None:
    with pytest.raises(ValidationError, match=f"limit must be from 1 to {MOST_ROWS:,}") as caught:
        query.production(limit=limit)

    assert caught.value.details == {"field": "limit"}
    with pytest.raises(ValidationError, match=f"{MOST_REJECTS:,}"):
        query.rejects("job-1", limit=MOST_REJECTS + 1)


@given(cursor=st.text(min_size=1) | st.binary(min_size=1).map(lambda raw: raw.decode("latin-1")))
def test_a_cursor_that_is_none_is_refused(query: ProductionQuery, cursor: str) -> None:
    with pytest.raises(ValidationError, match="no cursor of this list"):
        query.production(cursor=cursor)


@pytest.mark.parametrize(
    "place",
    [
        [],
        {},
        None,
        "production",
        ["production"],
        ["production", 1, 2],
        ["production", 1, 2, "2024-13-01"],
        ["production", 1, 2, 3],
        ["production", 1, 2.5, "2024-01-01"],
        ["production", True, 2, "2024-01-01"],
        ["production", 2**63, 2, "2024-01-01"],
        ["production", None, 2, "2024-01-01"],
        ["production", 1, 2, "2024-01-01", 4],
        ["wells", 1, 2],
        [["production"], 1, 2, "2024-01-01"],
    ],
)
def test_a_cursor_made_up_or_of_another_list_is_refused(query: ProductionQuery, place: Any) -> None:
    text = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()

    with pytest.raises(ValidationError, match="no cursor of this list"):
        query.production(cursor=text)


def test_a_cursor_of_another_snapshot_or_of_another_job_is_refused(
    tmp_path: Path, query: ProductionQuery
) -> None:
    store = merged(tmp_path, [json.dumps(row).encode() for row in ROWS] + BAD)
    here, there = opened(store, snapshot="here"), opened(store, snapshot="there")
    cursor = here.production(limit=1).next_cursor
    rejects = here.rejects("job-1", limit=1).next_cursor

    assert keys(here.production(cursor=cursor)) == keys(there.production())[1:]
    for ask in (there, query):
        with pytest.raises(ValidationError, match="no cursor of this list"):
            ask.production(cursor=cursor)
    assert there.rejects("job-1", cursor=rejects) == query.rejects(
        "job-1", cursor=rejects
    )  # of any snapshot
    with pytest.raises(ValidationError, match="no cursor of this list"):
        here.rejects("job-2", cursor=rejects)
    for each in (here, there):
        each.close()


def test_a_cursor_with_a_sign_changed_is_refused_wherever_it_is(query: ProductionQuery) -> None:
    cursor = (
        query.revisions(limit=1, field_code="2").next_cursor
        or query.production(limit=1).next_cursor
    )
    assert cursor
    for place, sign in enumerate(cursor):
        for other in {"A", "b", "_", chr(ord(sign) ^ 1)} - {sign}:
            with pytest.raises(ValidationError, match="no cursor of this list"):
                query.production(cursor=f"{cursor[:place]}{other}{cursor[place + 1 :]}")


def test_the_longest_cursor_is_one_that_a_request_may_hold() -> None:
    job = "018cc251-f400-7000-8000-000000000000"
    key: dict[str, int | str | None] = {
        "source": "s" * 40,
        "field_code": "\x01" * 100,
        "well_code": "\U0001f6e2" * 100,
    }
    key |= {"production_period": "2024-01-01", "job_id": job}

    cursor = Cursor(key=key, snapshot=f"snapshots/wells-99999999999999999999-{job}.duckdb")

    assert len(write_cursor(cursor, of="revisions")) < MOST_CURSOR


# ----------------------------------------------------------------------------------------- the file itself


def test_many_threads_ask_at_once(query: ProductionQuery) -> None:
    start = threading.Barrier(8)

    def ask(_: int) -> list[dict[str, Any]]:
        start.wait()
        return [*query.production().rows, *query.wells().rows]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))

    assert all(answer == answers[0] for answer in answers)


def test_reading_writes_nothing_and_one_can_read_beside_it(
    query: ProductionQuery, store: Path
) -> None:
    before = store.read_bytes()
    with duckdb.connect(store, read_only=True) as other:
        assert other.execute("SELECT count(*) FROM well_production").fetchall() == [(20,)]
    query.production()

    assert store.read_bytes() == before
    assert not store.with_suffix(".duckdb.wal").exists()


def test_a_file_of_a_later_schema_is_told_as_such(tmp_path: Path) -> None:
    store = merged(tmp_path, [])
    with duckdb.connect(store) as connection:
        connection.execute("UPDATE wellhead_schema SET version = version + 1")

    with pytest.raises(WarehouseTooNew):
        opened(store)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("empty", WarehouseForeign),
        ("text", WarehouseForeign),
        ("other", WarehouseForeign),
        ("half", QueryFailed),
        ("header", WarehouseCorrupt),
    ],
)
def test_a_file_is_called_damaged_for_a_checksum_alone(
    tmp_path: Path, store: Path, damage: str, told: type[WellheadError]
) -> None:
    """Who knows what its checksum should be tells more: PublishedProduction."""
    whole, damaged = store.read_bytes(), tmp_path / "damaged.duckdb"
    made = {"empty": b"", "text": b"well_code,oil\n" * 1000, "half": whole[: len(whole) // 2]}
    damaged.write_bytes(made.get(damage, whole[:4096] + bytes(8192) + whole[12288:]))
    if damage == "other":
        damaged.unlink()
        duckdb.connect(damaged).close()

    with pytest.raises(WellheadError) as raised:
        opened(damaged).production()

    assert type(raised.value) is told


def test_too_little_memory_is_told_as_such(store: Path) -> None:
    with pytest.raises(QueryTooLarge):
        opened(store, memory_mb=1).summary()


def test_a_file_that_may_not_be_opened_is_no_damaged_one(tmp_path: Path, store: Path) -> None:
    """Root may open everything, so the process becomes somebody else."""
    store.chmod(0)
    code = (
        "import os, sys; from chalicelib.queries.production import ProductionQuery; from pathlib import Path\n"
        "from chalicelib.store.own_directory import OwnDirectory\n"
        "os.getuid() or os.setuid(65534)\n"
        "try: ProductionQuery.open(Path(sys.argv[1]), directory=OwnDirectory(Path('/tmp')), memory_mb=100)\n"
        "except Exception as exc: print(exc.code, exc.retryable)"
    )

    command = [sys.executable, "-c", code, str(store)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)

    assert ended.stdout == "WAREHOUSE_UNAVAILABLE True\n", ended.stderr


def test_a_file_that_breaks_while_it_is_read_is_told_as_such(tmp_path: Path) -> None:
    """The header is right, all blocks after it are not."""
    store = merged(tmp_path, [json_row(well_code=well, raw="x" * 50) for well in range(3000)])
    whole = store.read_bytes()
    store.write_bytes(whole[:12288] + bytes(byte ^ 0xFF for byte in whole[12288:]))

    with pytest.raises(WarehouseCorrupt):
        opened(store).production()


# ------------------------------------------------------------------------------------------------ pruning

WELLS, MONTHS = 1_000, 300


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300,000 rows of 100 fields, then three more months of every well, one import each."""
    directory = tmp_path_factory.mktemp("large")
    repository = DuckDBWellProductionRepository(directory=directory / "scratch", memory_mb=300)
    repository.merge(directory / "wells.duckdb", facts(0), now=NOON, warnings={})
    repository.close()
    for number, months in enumerate(
        [range(MONTHS), *([month] for month in range(MONTHS, MONTHS + 3))]
    ):
        rows = [
            b'{"field_code":%d,"well_code":%d,"production_period":"%d-%02d-01","oil_production_kbd":%d}'
            % (well % 100, well * 7919 % WELLS, 1990 + month // 12, month % 12 + 1, month)
            for well in range(WELLS)
            for month in months
        ]
        repository = DuckDBWellProductionRepository(
            directory=directory / f"{number}", memory_mb=300
        )
        repository.stage(batch_of(directory, rows), SAME_READING)
        repository.merge(
            directory / "wells.duckdb", facts(number + 1), now=NOON + number + 1, warnings={}
        )
        repository.close()
    return directory / "wells.duckdb"


def scanned(query: ProductionQuery, **filters: Any) -> int:
    """How many rows of the table DuckDB looked at, in whole row groups."""
    values = (
        dict.fromkeys(["source", "field_code", "well_code", "first", "last"])
        | filters
        | {"limit": 1001}
    )
    values |= dict.fromkeys(
        ["after_source", "after_field_code", "after_well_code", "after_production_period"]
    )
    question = query._text("production", stood=False)
    answer = query._connection.execute(
        f"EXPLAIN (ANALYZE, FORMAT json) {question}", values
    ).fetchall()
    return sum(_scans(json.loads(answer[0][1])))


def _scans(operator: dict[str, Any]) -> Iterator[int]:
    if operator.get("operator_type") == "TABLE_SCAN":
        yield operator["operator_rows_scanned"]
    for child in operator.get("children", []):
        yield from _scans(child)


def test_a_question_about_one_well_reads_few_row_groups(large: Path) -> None:
    query = opened(large, memory_mb=200)
    [well] = query.wells(field_code="50", limit=1).rows
    one_well = {"field_code": "50", "well_code": well["well_code"]}

    assert len(query.production(**one_well).rows) == MONTHS + 3
    assert scanned(query, **one_well) < 2 * 122_880 < WELLS * MONTHS
    query.close()


def test_a_question_that_nobody_waits_for_any_more_is_stopped_and_the_next_one_answered() -> None:
    endless = "SELECT count(*) FROM range(10_000_000_000) AS a, range(1_000) AS b"
    with duckdb.connect() as connection:
        with (
            pytest.raises(QueryTooSlow),
            duckdb_errors(),
            time_limit(connection, seconds=0.2),
        ):
            connection.execute(endless).fetchall()
        with time_limit(connection, seconds=0.2):
            assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_each_question_is_stopped(store: Path, tmp_path: Path) -> None:
    """The function goes on, and so would a question that nobody waits for."""
    published = opened(store)
    asked: dict[str, Callable[[], object]] = {
        "production": published.production,
        "revisions": published.revisions,
        "totals": published.totals,
        "wells": published.wells,
        "register": published.register,
        "fields": published.fields,
        "rejects": lambda: published.rejects("x"),
        "changes": lambda: published.changes("x"),
        "summary": published.summary,
        "fetch": lambda: published.fetch("SELECT 1", {}),
        "write_parquet": lambda: published.write_parquet(tmp_path / "a.parquet"),
        "write_list": lambda: published.write_list("wells", tmp_path / "b.parquet", {}, most=10),
    }
    public = {
        name
        for name, each in vars(production_query.ProductionQuery).items()
        if inspect.isfunction(each)
    }
    assert {name for name in public if name[0] != "_"} - {"close"} == asked.keys()
    for name, ask in asked.items():
        with pytest.raises(QueryTooSlow), one_question(seconds=0):
            ask()
        assert not (tmp_path / "b.parquet").exists(), name
    with pytest.raises(QueryTooSlow):
        published.write_list("wells", tmp_path / "b.parquet", {}, most=10, seconds=0)
    assert published.register().rows  # what was stopped is made by the next one
    published.close()


def test_a_copy_of_the_lake_is_stopped_where_somebody_waits() -> None:
    with duckdb.connect() as connection:
        with pytest.raises(QueryTooSlow), moving._stop_after(connection, 0.2):
            connection.execute(
                "SELECT count(*) FROM range(10_000_000_000) AS a, range(1_000) AS b"
            ).fetchall()
        with moving._stop_after(connection, None):
            assert connection.execute("SELECT 1").fetchall() == [(1,)]
