"""A lake of before a column was added gets it with the next import, and nobody sees it halfway."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.disturbed_catalog import DisturbedHandler, lose_the_answer, lose_the_request
from support.merge_model import Import
from support.older_lake import LACKING, OlderLake, attach_older_store
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

from chalicelib.errors import LakeUnavailable, LeaseLost, WarehouseTooNew
from chalicelib.lake.extensions import lake_config
from chalicelib.lake.moving import _copy, copy_into_file
from chalicelib.lake.tables import ICEBERG_TYPES, TYPES, prepare_tables
from chalicelib.lake.versions import HISTORY, PRODUCTION, REJECTS, RUNS, TABLES, Versions
from chalicelib.queries.production import Lake, ProductionQuery
from chalicelib.store.older_columns import columns_of
from chalicelib.store.outcome import Looks
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.store.schema import prepare_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.merging import LakeStore

    from chalicelib.lake.catalog import Head
    from chalicelib.lake.compared import Compared
    from chalicelib.lake.repository import LakeRepository

REFUSED = "NOT_A_WHOLE_NUMBER well_code"


def rows_of(water: float, wells: range) -> list[bytes]:
    """Rows of these wells, and a bad one."""
    rows = [json_row(well_code=str(well), water_production_kbd=water) for well in wells]
    return [*rows, json_row(well_code=0.5, water_production_kbd=water)]


def an_import(water: float, wells: range) -> Import:
    *rows, bad = rows_of(water, wells)
    read: list[Any] = [json.loads(row) for row in rows]
    return Import([[[*read, (bad, REFUSED)]]])


NEXT = an_import(2.0, range(1, 4))


@pytest.fixture
def handler() -> type[DisturbedHandler]:
    return type("Handler", (DisturbedHandler,), {"disturb": {}, "commits": []})


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> OlderLake:
    return OlderLake(tmp_path_factory.mktemp("kept"), an_import(1.0, range(3)))


@pytest.fixture
def store(tmp_path: Path, kept: OlderLake, handler: type[DisturbedHandler]) -> Iterator[LakeStore]:
    """After an import of a release that did not know the columns."""
    with kept.opened(tmp_path, handler) as store:
        yield store


@pytest.fixture
def worker(
    store: LakeStore, tmp_path: Path
) -> Iterator[Callable[[int], tuple[LakeRepository, Compared]]]:
    """Starts an import as far as its commits of rows."""
    started = []

    def start(number: int) -> tuple[LakeRepository, Compared]:
        repository = store.repository()
        started.append(repository)
        place = tmp_path / f"batch-{number}"
        place.mkdir()
        repository.stage(batch_of(place, rows_of(2.0, range(1, 4))), SAME_READING)
        looks = Looks(now=NOON + number * 1000, warnings={})
        return repository, repository.compare(store.published, facts(number), looks)

    yield start
    for repository in started:
        repository.close()


def heads_of(store: LakeStore) -> dict[str, Head]:
    heads = {table: store.catalog.head(table) for table in TABLES}
    return {table: head for table, head in heads.items() if head}


def water_of(rows: list[dict[str, Any]]) -> dict[str, float | None]:
    return {row["well_code"]: row["water_production_kbd"] for row in rows}


@contextmanager
def asked(store: LakeStore, directory: Path, versions: Versions) -> Iterator[ProductionQuery]:
    query = ProductionQuery.of_lake(
        versions,
        Lake(catalog=store.catalog, session=store.session),
        directory=OwnDirectory(directory / "reading"),
        memory_mb=200,
    )
    yield query
    query.close()


def assert_are_of_today(heads: dict[str, Head]) -> None:
    """Each column of a new store is there once, of the type that the table would be made with."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS wells")
        prepare_store(connection, is_new=True)
        for table, head in heads.items():
            columns = columns_of(connection, f"wells.{table}")
            types = {name: ICEBERG_TYPES[TYPES.get(each, each)] for name, each in columns.items()}
            assert {field["name"]: field["type"] for field in head.schema["fields"]} == types
            assert len(head.columns) == len(types)


def assert_next_is_published(store: LakeStore, job_id: str) -> None:
    """The values of NEXT, once; null where only the older release wrote."""
    found = store.tables()
    assert water_of(found[PRODUCTION]) == {"0": None, "1": 2.0, "2": 2.0, "3": 2.0}
    assert water_of(found[HISTORY]) == {"1": None, "2": None}
    assert {row["job_id"] for row in found[HISTORY]} == {job_id}
    assert [run["triggered_by"] for run in found[RUNS]] == [None, "ada"]
    assert [row["detail"] is None for row in found[REJECTS]] == [True, False]
    assert_are_of_today(heads_of(store))


def test_the_next_import_adds_the_columns_that_a_lake_lacks(store: LakeStore) -> None:
    before = heads_of(store)
    assert all(LACKING[table] not in head.columns for table, head in before.items())

    result = store.run(2, NEXT)

    assert (result.new_records, result.updated_records) == (1, 2)
    assert_next_is_published(store, "job-2")
    for table, head in heads_of(store).items():
        *older, added = head.schema["fields"]
        assert older == before[table].schema["fields"]
        assert added["id"] == before[table].last_field + 1


def test_a_state_of_before_shows_null_there(store: LakeStore, tmp_path: Path) -> None:
    """Before the next import, afterwards to who reads on in it or opens it anew, and in a file."""
    older = store.published
    with asked(store, tmp_path, older) as query:
        before = query.production().rows
        assert water_of(before) == {"0": None, "1": None, "2": None}
        assert query.summary()
        assert query.rejects("job-1").rows

        store.run(2, NEXT)

        assert (query.production().rows, query.revisions().rows) == (before, [])
    with asked(store, tmp_path, older) as query:
        assert (query.production().rows, query.revisions().rows) == (before, [])
    with asked(store, tmp_path, store.published) as query:
        assert water_of(query.production().rows)["3"] == 2.0
        assert water_of(query.revisions().rows) == {"1": None, "2": None}
    file = tmp_path / "file.duckdb"
    copy_into_file(
        store.catalog, store.session, older, file, directory=tmp_path / "room", memory_mb=200
    )
    with duckdb.connect(file, read_only=True) as connection:
        values = "SELECT well_code, water_production_kbd FROM well_production ORDER BY ALL"
        assert connection.execute(values).fetchall() == [("0", None), ("1", None), ("2", None)]
        assert connection.execute("SELECT triggered_by FROM import_runs").fetchall() == [(None,)]


@pytest.mark.by_lot
@pytest.mark.parametrize("lose", [lose_the_answer, lose_the_request])
def test_who_ends_when_the_columns_are_added_leaves_nothing_to_take_back(
    store: LakeStore, handler: type[DisturbedHandler], lose: Callable[..., Any]
) -> None:
    """Two tables have the column by then, the third may have it, and the fourth has not."""
    before = store.tables()
    heads = heads_of(store)
    handler.disturb[PRODUCTION] = lose

    with pytest.raises(LakeUnavailable):
        store.run(2, NEXT)

    assert store.tables() == before
    for table, head in heads_of(store).items():
        assert (head.snapshot, head.properties) == (heads[table].snapshot, heads[table].properties)
    store.run(3, NEXT)
    assert_next_is_published(store, "job-3")


def test_of_two_who_add_the_columns_at_once_one_does(
    store: LakeStore,
    handler: type[DisturbedHandler],
    worker: Callable[[int], tuple[LakeRepository, Compared]],
) -> None:
    others = []

    def be_slower(commit: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        others.append(worker(3))
        return commit()

    handler.disturb[PRODUCTION] = be_slower
    slower, dead = worker(2)
    ((faster, compared),) = others

    assert_are_of_today(heads_of(store))
    assert {head.schema["schema-id"] for head in heads_of(store).values()} == {1}
    store.published = faster.commit(compared, beat=lambda: None)
    faster.check(store.published)
    with pytest.raises(LeaseLost):
        slower.commit(dead, beat=lambda: None)
    assert_next_is_published(store, "job-3")


def test_a_release_that_does_not_know_a_column_refuses_it(store: LakeStore) -> None:
    """To import, and to take the lake into a file: it would drop what stands there."""
    store.run(2, NEXT)
    before = heads_of(store)
    assert_are_of_today(before)

    with duckdb.connect(config=lake_config()) as connection:
        attach_older_store(connection, store.catalog)
        with pytest.raises(WarehouseTooNew, match="not know: detail"):
            prepare_tables(connection, store.catalog)
        with pytest.raises(WarehouseTooNew, match="not know: water_production_kbd"):
            _copy(connection, PRODUCTION, store.published.of(PRODUCTION))
        # A state without such rows can be taken, whatever columns the table has by now.
        assert _copy(connection, PRODUCTION, None) == 0

    assert heads_of(store) == before
