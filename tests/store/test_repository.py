"""The merge against a plain Python model: the counts of every import and all tables whole, over random histories."""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import given, settings
from support.merge_model import Import, Model, Page, Row, histories
from support.soak import longer
from support.staging import NOON, SAME_READING, batch_of, facts, json_row, tables

from chalicelib.errors import PublishRefused, WarehouseCorrupt, WarehouseForeign, WarehouseTooNew
from chalicelib.store.columns import COLUMNS, REJECTION_REASONS, VOLUMES
from chalicelib.store.diff import Diff
from chalicelib.store.repository import (
    REJECTS_KEPT_SECONDS,
    STORAGE_VERSION,
    DuckDBWellProductionRepository,
    MergeResult,
)
from chalicelib.store.settle import Settled

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = Path("/dev/shm")
BESIDE = 5


class Store:
    """A store on disk and the scratch directories of the imports into it."""

    def __init__(self, directory: Path, part_rows: tuple[int | None, ...] = (None,)) -> None:
        self.path = directory / "published" / "wells.duckdb"
        self.path.parent.mkdir()
        self._directory = directory
        self._scratches = 0
        self._part_rows = part_rows  # of one scratch database after the other

    def repository(self) -> DuckDBWellProductionRepository:
        self._scratches += 1
        part_rows = self._part_rows[self._scratches % len(self._part_rows)]
        return DuckDBWellProductionRepository(
            directory=self._directory / f"{self._scratches}", memory_mb=200, part_rows=part_rows
        )

    def run(
        self, number: int, an_import: Import, expected: int | None = None, warnings: dict[str, int] | None = None
    ) -> MergeResult:
        repository = self.repository()
        segments: list[Path] = []
        unstored: list[Path] = []
        page = 1
        for place, batch in enumerate(an_import.batches):
            if place in an_import.restarts:
                repository.close()
                repository = self.repository()
                for segment in segments:
                    repository.load_segment(segment)
            texts = [[text_of(row) for row in rows] for rows in batch]
            staged = batch_of(self._directory, *texts, first=page)
            if staged.rows:
                unstored.append(repository.stage(staged, SAME_READING))
            staged.clear()
            page += len(batch)
            if place in an_import.checkpoints:
                segments += unstored
                unstored = []
        result = repository.merge(self.path, facts(number, expected), now=NOON + number * 1000, warnings=warnings or {})
        repository.verify(self.path, rows=result.stored_records)
        repository.close()
        return result

    def tables(self) -> dict[str, list[Row]]:
        found = tables(self.path)
        for run in found["import_runs"]:
            run["warnings"] = json.loads(run["warnings"])
        return found


def text_of(row: Row | tuple[bytes, str]) -> bytes:
    return row[0] if isinstance(row, tuple) else json.dumps(row).encode()


@contextmanager
def new_store() -> Iterator[Store]:
    """In memory where that is possible: a merge waits mostly for the disk."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        yield Store(Path(directory), part_rows=(None, None, 4))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


# ------------------------------------------------------------------------------------------------ the tests


def assert_ends_as_the_model_says(history: list[Import]) -> None:
    """The counts of each import, and after the last one every table whole: it tells when each row came and went."""
    with new_store() as store:
        model = Model()
        for number, an_import in enumerate(history, start=1):
            expected, warnings = (None, {}) if number % 2 else (number * 5, {"SOURCE_CHANGED": number})
            result = store.run(number, an_import, expected, warnings)

            told = replace(result, settled=Settled(), rejects={}, diff=Diff())
            assert told == model.run(number, an_import.pages, expected, warnings)
            changes = (result.diff.new, result.diff.updated, result.diff.rejected)
            assert changes == (result.new_records, result.updated_records, result.failed_records)
        assert store.tables() == model.tables()


@pytest.mark.parametrize("part", range(4))  # so that several processes share the work
@settings(max_examples=longer(26, 255))
@given(history=histories(beside=BESIDE))
def test_every_history_of_imports_ends_as_the_model_says(part: int, history: list[Import]) -> None:
    """Duplicates, revisions, rejects, provenance alone, and imports that go on from their segments.

    An import into a store costs a tenth of a second however few its rows are, so five histories share one.
    """
    assert_ends_as_the_model_says(history)


@settings(max_examples=longer(30, 300))
@given(history=histories(beside=1))
def test_a_history_alone_in_its_store_ends_as_the_model_says(history: list[Import]) -> None:
    """Here an import often brings nothing at all, or nothing but rejects."""
    assert_ends_as_the_model_says(history)


def test_rows_that_contradict_each_other_keep_their_places_across_batches_and_segments(store: Store) -> None:
    batches = [
        [[json.loads(json_row(well_name=f"{batch}-{page}-{row}")) for row in range(40)] for page in range(5)]
        for batch in range(3)
    ]

    result = store.run(1, Import(batches, checkpoints={0, 1}, restarts={1, 2}))

    assert (result.failed_records, result.stored_records) == (600, 0)
    found = [
        (row["page"], row["position"], json.loads(row["raw"])["well_name"]) for row in store.tables()["rejected_rows"]
    ]
    assert found == [
        (5 * batch + page + 1, row, f"{batch}-{page}-{row}")
        for batch in range(3)
        for page in range(5)
        for row in range(40)
    ]


def test_every_wrong_column_of_a_row_is_named_and_counted(store: Store) -> None:
    """As a state agency writes them."""
    bad = {"field_code": 1.5, "well_code": 2.5, "production_period": "2021-09"}
    rows: Page = [(json_row(**bad, oil_production_kbd="1,234"), ""), (json_row(**bad, oil_production_kbd=1.0), "")]

    result = store.run(1, Import([[rows]]))

    codes = {"NOT_A_WHOLE_NUMBER field_code": 2, "NOT_A_WHOLE_NUMBER well_code": 2}
    assert result.rejects == codes | {"NOT_A_DATE production_period": 2, "NOT_A_NUMBER oil_production_kbd": 1}
    first, second = store.tables()["rejected_rows"]
    whole = REJECTION_REASONS["NOT_A_WHOLE_NUMBER"]
    named = f"field_code: {whole}; well_code: {whole}; production_period: {REJECTION_REASONS['NOT_A_DATE']}"
    assert (second["reason"], second["detail"]) == ("NOT_A_WHOLE_NUMBER", named)
    assert first["detail"] == f"{named}; oil_production_kbd: {REJECTION_REASONS['NOT_A_NUMBER']}"


def test_a_row_that_is_rejected_again_stands_with_the_newest_import_alone(store: Store) -> None:
    again, once = ((json_row(well_code=number + 0.5), "") for number in range(2))
    store.run(1, Import([[[again, once]]]))
    store.run(2, Import([[[once]], [[again, again]]]))
    store.run(3, Import([[[again]]]))

    found = [(row["job_id"], row["page"], row["position"], row["raw"]) for row in store.tables()["rejected_rows"]]
    assert found == [("job-2", 1, 0, once[0].decode()), ("job-3", 1, 0, again[0].decode())]


def test_what_no_import_has_rejected_for_long_is_forgotten(store: Store) -> None:
    old, new = ((json_row(well_code=number + 0.5), "") for number in range(2))
    store.run(1, Import([[[old]]]))
    days = REJECTS_KEPT_SECONDS // 1000

    store.run(days, Import([[[new]]]))
    kept = [row["raw"] for row in store.tables()["rejected_rows"]]
    store.run(days + 2, Import([]))

    assert kept == [old[0].decode(), new[0].decode()]
    assert [row["raw"] for row in store.tables()["rejected_rows"]] == [new[0].decode()]


def test_rejected_rows_among_many_keep_their_places(store: Store) -> None:
    """More rows than one thread of DuckDB reads at once, on pages of uneven length, with a row group's border."""
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
    assert {units[name] for name in VOLUMES if name != "gas_production_mmcfd"} == {"thousand barrels per day)"}


def test_a_store_is_one_closed_file_that_duckdb_1_4_opens(store: Store) -> None:
    """A file's header holds its storage version (bytes 12 to 20); 1.4.0 reads 64 to 67."""
    for number in (1, 2):
        store.run(number, Import([[[json.loads(json_row(well_name=f"{number}"))]]]))

        assert [path.name for path in store.path.parent.iterdir()] == ["wells.duckdb"]
        assert struct.unpack("<Q", store.path.read_bytes()[12:20]) == (67,)
        with duckdb.connect(store.path, read_only=True) as connection:
            [(tags,)] = connection.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchall()
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
    with duckdb.connect(store.path, config={"storage_compatibility_version": STORAGE_VERSION}) as connection:
        connection.execute("CREATE TABLE well_production (well_code BIGINT)")
    before = store.path.read_bytes()

    with pytest.raises(WarehouseForeign, match="none of Wellhead's"):
        store.run(1, Import([[[json.loads(json_row())]]]))

    assert store.path.read_bytes() == before


@pytest.mark.parametrize("damage", ["text", "half", "block", "header"])
def test_a_file_that_is_no_whole_database_is_told_as_such(store: Store, damage: str) -> None:
    store.run(1, Import([[[json.loads(json_row())]]]))
    whole = store.path.read_bytes()
    made = {"text": b"well_code,oil\n" * 1000, "half": whole[: len(whole) // 2], "header": bytes(12288) + whole[12288:]}
    store.path.write_bytes(made.get(damage, whole[:12288] + bytes(len(whole) - 12288)))

    with pytest.raises(WarehouseCorrupt, match="not the file that was published"):
        store.run(2, Import([[[json.loads(json_row())]]]))


def test_a_failed_merge_tells_its_cause_and_changes_nothing(store: Store) -> None:
    """A count beyond 64 bits fails at the merge's last statement, when all rows have been written."""
    store.run(1, Import([[[json.loads(json_row(well_name="A"))]]]))
    before = store.tables()
    repository = store.repository()
    repository.stage(batch_of(store.path.parent, [json_row(well_name="B")]), SAME_READING)

    with pytest.raises(duckdb.ConversionException):
        repository.merge(store.path, facts(2, expected=2**63), now=NOON, warnings={})

    assert store.tables() == before
    assert repository.merge(store.path, facts(2), now=NOON, warnings={}).updated_records == 1
    repository.close()
