"""Stores of earlier versions become stores of this one, whole or not at all;
every table and column is described.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.staging import NOON, SAME_NAMES, SAME_READING, batch_of, facts, json_row, tables
from support.stores import opened

from chalicelib.errors import WarehouseForeign
from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.store.columns import COLUMNS
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from chalicelib.store.outcome import MergeResult

STORES = Path(__file__).with_name("stores")
OLDER = sorted(STORES.glob("version_*.sql"))
SCHEMA = {
    "tables": "SELECT table_name, comment, has_primary_key FROM duckdb_tables() WHERE database_name = 'store'",
    "views": "SELECT view_name, comment, sql FROM duckdb_views() WHERE database_name = 'store' AND NOT internal",
    "columns": "SELECT table_name, column_index, column_name, data_type, is_nullable, column_default, comment "
    "FROM duckdb_columns() WHERE database_name = 'store'",
}


def merge(store: Path, scratch: Path, *rows: bytes) -> MergeResult:
    repository = DuckDBWellProductionRepository(directory=scratch, memory_mb=100)
    try:
        repository.stage(batch_of(store.parent, list(rows)), SAME_READING)
        result = repository.merge(store, facts(7), now=NOON, warnings={})
        repository.verify(store, rows=result.stored_records)
    finally:
        repository.close()
    return result


TODAY = {"source": "default", "period_days": 31, "source_rows": 1}


def as_text(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(row[name]) for name in ("field_code", "well_code")}


def built(script: Path, store: Path) -> Path:
    """The store that the script of an earlier version makes."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{store}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute(script.read_text("utf-8"))
    return store


def schema(store: Path) -> dict[str, list[Any]]:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{store}' AS store (READ_ONLY)")
        return {
            name: connection.execute(f"{question} ORDER BY ALL").fetchall()
            for name, question in SCHEMA.items()
        }


@pytest.fixture
def new(tmp_path: Path) -> Path:
    store = tmp_path / "new.duckdb"
    merge(store, tmp_path / "scratch-of-new")
    return store


@pytest.fixture(params=OLDER, ids=lambda path: path.stem)
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return built(request.param, tmp_path / "older.duckdb")


def test_each_version_before_this_one_has_its_store() -> None:
    assert [path.stem for path in OLDER] == [
        f"version_{number}" for number in range(1, SCHEMA_VERSION)
    ]


def test_an_import_upgrades_an_older_store_to_the_schema_of_a_new_one(
    older: Path, new: Path, tmp_path: Path
) -> None:
    merge(older, tmp_path / "scratch")

    assert schema(older) == schema(new)
    with duckdb.connect(older, read_only=True) as connection:
        assert connection.execute("SELECT version FROM wellhead_schema").fetchall() == [
            (SCHEMA_VERSION,)
        ]


def test_an_upgrade_keeps_every_row(older: Path, tmp_path: Path) -> None:
    before = tables(older)

    result = merge(older, tmp_path / "scratch", json_row(field_code="5", well_name="New"))

    after = tables(older)
    assert result.new_records == 1
    assert after["import_runs"].pop()["job_id"] == "job-7"
    assert after["well_production"].pop()["well_name"] == "New"
    for name in ("well_production", "well_production_history"):
        before[name] = [row | TODAY | as_text(row) for row in before[name]]
    assert after == before


def test_an_older_store_is_read_as_it_is(older: Path, tmp_path: Path) -> None:
    """Between an upgrade of Wellhead and the next import."""
    query = opened(older)

    assert query.schema_version < SCHEMA_VERSION
    assert [
        row["oil_production_kbd"] for row in query.production(well_code="420000000001").rows
    ] == [1.5, 1.25]
    assert query.wells(search="alpha").rows[0]["periods"] == 2
    assert query.summary()["last_import"]["job_id"] == "job-b"
    assert len(query.rejects("job-a").rows) == 1
    assert (query.production().rows[0]["source"], query.production().rows[0]["period_days"]) == (
        "default",
        None,
    )
    assert query.production(field_code="01").rows == query.production(source="other").rows == []
    assert [row["source"] for row in query.totals(source="*").rows] == ["*", "*"]
    query.close()


def test_an_upgrade_that_stops_midway_leaves_the_store_as_it_was(
    older: Path, tmp_path: Path
) -> None:
    """What the last statement is about is missing;
    by then the view is made and the version is written.
    """
    with duckdb.connect(older) as connection:
        connection.execute("ALTER TABLE import_runs DROP COLUMN warnings")
    before, rows = schema(older), tables(older)

    with pytest.raises(duckdb.Error, match="warnings"):
        merge(older, tmp_path / "scratch", json_row())

    assert schema(older) == before
    assert tables(older) == rows


def test_a_store_of_this_version_is_not_touched_by_the_upgrade(new: Path, tmp_path: Path) -> None:
    with duckdb.connect(new) as connection:
        connection.execute("COMMENT ON TABLE import_runs IS 'ours'")
    before = schema(new)

    merge(new, tmp_path / "scratch")

    assert schema(new) == before


@pytest.mark.parametrize(
    "change", ["DELETE FROM wellhead_schema", "UPDATE wellhead_schema SET version = NULL"]
)
def test_a_store_that_says_no_version_is_none(new: Path, tmp_path: Path, change: str) -> None:
    with duckdb.connect(new) as connection:
        connection.execute(change)

    with pytest.raises(WarehouseForeign, match="says no schema version"):
        merge(new, tmp_path / "scratch")


def test_the_tables_of_rows_have_the_columns_of_the_rows(new: Path) -> None:
    columns = schema(new)["columns"]
    for table, more in (
        ("well_production", []),
        ("well_production_history", ["replaced_at", "job_id"]),
    ):
        found = [(name, kind) for owner, _, name, kind, *_ in columns if owner == table]
        ours = {"source": "VARCHAR", "period_days": "SMALLINT", "source_rows": "INTEGER"}
        assert [each for each in found if each[0] not in ours][: len(COLUMNS)] == [
            (column.name, column.type) for column in COLUMNS
        ]
        assert [name for name, _ in found if name not in SAME_NAMES] == [
            *ours,
            "created_at",
            "updated_at",
            *more,
        ]
        assert {name: kind for name, kind in found if name in ours} == ours


def test_every_table_view_and_column_says_what_it_is(new: Path) -> None:
    found = schema(new)

    assert {name for name, *_ in [*found["tables"], *found["views"]]} == {
        *(
            "well_production",
            "well_production_history",
            "rejected_rows",
            "import_runs",
            "wellhead_schema",
        ),
        *("codes_as_numbers", "wells", "fields", "monthly"),
    }
    assert all(comment for _, comment, _ in [*found["tables"], *found["views"]])
    assert [row for row in found["columns"] if not row[-1]] == []


def test_what_is_measured_has_its_unit(new: Path) -> None:
    units = {
        (owner, name): comment.rpartition("(")[2].rstrip(")")
        for owner, _, name, kind, *_, comment in schema(new)["columns"]
        if kind in {"DOUBLE", "TIMESTAMP WITH TIME ZONE"} or name.endswith(("_records", "_days"))
    }

    assert {unit for (_, name), unit in units.items() if name.endswith("_at")} == {"UTC"}
    assert {unit for (_, name), unit in units.items() if name.endswith("_kbd")} == {
        "thousand barrels per day"
    }
    assert {unit for (_, name), unit in units.items() if name.endswith("_records")} == {"rows"}
    assert (
        units["well_production_history", "gas_production_mmcfd"]
        == "million standard cubic feet per day"
    )
    assert (
        units["well_production", "days_on_production"]
        == units["well_production", "period_days"]
        == "days"
    )
    assert {unit for (_, name), unit in units.items() if name.endswith("_kb")} == {
        "thousand barrels"
    }
    assert units["monthly", "gas_production_mmcf"] == "million standard cubic feet"


def test_the_view_of_wells_works_under_any_name(new: Path, tmp_path: Path) -> None:
    merge(
        new,
        tmp_path / "scratch",
        json_row(well_name="A"),
        json_row(well_name="B", production_period="2024-02-01"),
    )
    renamed = tmp_path / "another name.duckdb"
    shutil.copyfile(new, renamed)

    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{renamed}' AS production (READ_ONLY)")
        assert connection.execute("SELECT well_name, periods FROM production.wells").fetchall() == [
            ("B", 2)
        ]
