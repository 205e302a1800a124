"""The merge against a plain Python model:
the counts of every import and all tables whole, over random histories.
"""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import given, settings
from support.merge_model import Import, histories
from support.merging import Store, assert_ends_as_the_model_says
from support.soak import longer
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

from chalicelib.errors import PublishRefused, WarehouseCorrupt, WarehouseForeign, WarehouseTooNew
from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.store.columns import COLUMNS, VOLUMES

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = Path("/dev/shm")
BESIDE = 5


@contextmanager
def new_store() -> Iterator[Store]:
    """In memory where that is possible: a merge waits mostly for the disk."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        yield Store(Path(directory), part_rows=(None, None, 4))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


# ------------------------------------------------------------------------------------------------ the tests


# So that several processes share the work. Where Hypothesis draws the same examples each time, each
# of them would draw those of the first one.
@pytest.mark.parametrize("part", range(longer(1, 4)))
@settings(max_examples=longer(9, 255))
@given(history=histories(beside=BESIDE))
def test_every_history_of_imports_ends_as_the_model_says(part: int, history: list[Import]) -> None:
    """Duplicates, revisions, rejects, provenance alone, and imports that go on from their segments.

    An import into a store costs a tenth of a second however few its rows are, so five histories
    share one.
    """
    with new_store() as store:
        assert_ends_as_the_model_says(store, history)


@settings(max_examples=longer(6, 300))
@given(history=histories(beside=1))
def test_a_history_alone_in_its_store_ends_as_the_model_says(history: list[Import]) -> None:
    """Here an import often brings nothing at all, or nothing but rejects."""
    with new_store() as store:
        assert_ends_as_the_model_says(store, history)


def test_rejected_rows_among_many_keep_their_places(store: Store) -> None:
    """More rows than one thread of DuckDB reads at once,
    on pages of uneven length, with a row group's border.
    """
    pages, expected = [], []
    for page in range(1, 61):
        rows = [json_row(field_code=page, well_code=row) for row in range(2_000 + page)]
        for position in range(page % 7, len(rows), 900):
            rows[position] = json_row(field_code=page, well_code=position + 0.5)
            expected.append((page, position, rows[position].decode()))
        pages.append(rows)
    repository = store.repository()
    repository.stage(batch_of(store.path.parent, *pages), SAME_READING)

    result = repository.merge(store.path, facts(), now=NOON, warnings={})

    repository.close()
    found = [(row["page"], row["position"], row["raw"]) for row in store.tables()["rejected_rows"]]
    assert found == expected
    assert result.failed_records + result.new_records == sum(map(len, pages))


def test_every_column_says_what_it_holds_and_in_which_unit(store: Store) -> None:
    store.run(1, Import([]))

    with duckdb.connect(store.path, read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
            "WHERE table_name LIKE 'well_production%' AND column_name NOT IN ('job_id', 'replaced_at')"
        ).fetchall()
    wanted = [(column.name, column.type, column.comment) for column in COLUMNS]
    wanted += [("created_at", "TIMESTAMP WITH TIME ZONE", "first seen by an import (UTC)")]
    wanted += [("updated_at", "TIMESTAMP WITH TIME ZONE", "last changed by an import (UTC)")]
    wanted += [("source", "VARCHAR", "name of the source")]
    wanted += [("period_days", "SMALLINT", "calendar days of the production period (days)")]
    wanted += [("source_rows", "INTEGER", "rows of the source in this one (rows)")]
    both = ("well_production", "well_production_history")
    assert sorted(found) == sorted((table, *column) for table in both for column in wanted)
    units = {name: comment.partition("(")[2] for name, _, comment in wanted}
    assert units["days_on_production"] == "days)"
    assert units["gas_production_mmcfd"] == "million standard cubic feet per day)"
    assert {units[name] for name in VOLUMES if name != "gas_production_mmcfd"} == {
        "thousand barrels per day)"
    }


def test_a_store_is_one_closed_file_that_duckdb_1_4_opens(store: Store) -> None:
    """A file's header holds its storage version (bytes 12 to 20); 1.4.0 reads 64 to 67."""
    for number in (1, 2):
        store.run(number, Import([[[json.loads(json_row(well_name=f"{number}"))]]]))

        assert [path.name for path in store.path.parent.iterdir()] == ["wells.duckdb"]
        assert struct.unpack("<Q", store.path.read_bytes()[12:20]) == (67,)
        with duckdb.connect(store.path, read_only=True) as connection:
            [(tags,)] = connection.execute(
                "SELECT tags FROM duckdb_databases() WHERE NOT internal"
            ).fetchall()
        assert tags == {"storage_version": "v1.4.0+"}


# ---------------------------------------------------------------------------------------- what is refused


def test_a_store_with_a_repeated_key_or_another_count_is_not_published(store: Store) -> None:
    store.run(1, Import([[[json.loads(json_row())]]]))
    repository = store.repository()

    with pytest.raises(PublishRefused, match="holds 1 rows and 0 keys twice instead of 2 rows"):
        repository.verify(store.path, rows=2)
    with duckdb.connect(store.path) as connection:
        connection.execute("INSERT INTO well_production SELECT * FROM well_production")
    with pytest.raises(PublishRefused, match="holds 2 rows and 1 keys twice instead of 2 rows"):
        repository.verify(store.path, rows=2)
    repository.close()


def test_a_store_of_a_later_wellhead_is_left_alone(store: Store) -> None:
    store.run(1, Import([]))
    with duckdb.connect(store.path) as connection:
        connection.execute("UPDATE wellhead_schema SET version = version + 1")
    before = store.path.read_bytes()

    with pytest.raises(WarehouseTooNew):
        store.run(2, Import([[[json.loads(json_row())]]]))

    assert store.path.read_bytes() == before


def test_a_database_that_is_not_wellheads_is_left_alone(store: Store) -> None:
    with duckdb.connect(
        store.path, config={"storage_compatibility_version": STORAGE_VERSION}
    ) as connection:
        connection.execute("CREATE TABLE well_production (well_code BIGINT)")
    before = store.path.read_bytes()

    with pytest.raises(WarehouseForeign, match="none of Wellhead's"):
        store.run(1, Import([[[json.loads(json_row())]]]))

    assert store.path.read_bytes() == before


@pytest.mark.parametrize("damage", ["text", "half", "block", "header"])
def test_a_file_that_is_no_whole_database_is_told_as_such(store: Store, damage: str) -> None:
    store.run(1, Import([[[json.loads(json_row())]]]))
    whole = store.path.read_bytes()
    made = {
        "text": b"well_code,oil\n" * 1000,
        "half": whole[: len(whole) // 2],
        "header": bytes(12288) + whole[12288:],
    }
    store.path.write_bytes(made.get(damage, whole[:12288] + bytes(len(whole) - 12288)))

    with pytest.raises(WarehouseCorrupt, match="not the file that was published"):
        store.run(2, Import([[[json.loads(json_row())]]]))


def test_a_rejected_row_is_known_again_by_an_earlier_sentence(store: Store) -> None:
    """The sentences of reasons may become others in a later release."""
    with_a_bad_row = Import([[[(json_row(), ""), (json_row(well_code=None), "")]]])
    store.run(1, with_a_bad_row)
    with duckdb.connect(store.path) as connection:
        connection.execute("UPDATE rejected_rows SET detail = 'An earlier sentence.'")

    store.run(2, with_a_bad_row)

    with duckdb.connect(store.path, read_only=True) as connection:
        kept = connection.execute("SELECT job_id FROM rejected_rows").fetchall()
    assert kept == [("job-2",)]
