"""One table, one warehouse:
another table over it is refused at its first write, and its sweeper removes nothing.

A run takes one kind of warehouse by lot for each test, `make soak` both.
"""

from __future__ import annotations

import json
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from simulation.dynamodb import InMemoryDynamoDb
from support.coordination import Clock, InterruptedTable, SilentTable
from support.imports import Worker, files
from support.small_imports import Imports
from support.warehouses import own_prefix, s3_client

from chalicelib.errors import StateUnavailable, WarehouseOwned
from chalicelib.imports.publication import show_latest
from chalicelib.jobs.clearing import READER_SECONDS
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.ownership import own_warehouse, take_over
from chalicelib.jobs.table import Table
from chalicelib.services import open_warehouse
from chalicelib.warehouse.names import OWNER, Warehouse, fence_of
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws


pytestmark = pytest.mark.by_lot


@pytest.fixture
def s3(aws: LocalAws) -> Iterator[Any]:
    client = s3_client(aws.url)
    yield client
    client.close()


@pytest.fixture(params=["directory", "s3"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    if request.param == "directory":
        return open_warehouse(str(tmp_path / "warehouse"))
    return open_warehouse(own_prefix(), s3=request.getfixturevalue("s3"))


class Tables:
    """Tables in memory, each with its imports into the one warehouse."""

    def __init__(self, warehouse: Warehouse, directory: Path) -> None:
        self.clock = Clock()
        self._warehouse = warehouse
        self._directory = directory

    def imports(
        self, name: str, dynamodb: Any = None, kind: type[Table] = Table, **options: Any
    ) -> Imports:
        database: Any = dynamodb or InMemoryDynamoDb()
        table = kind(dynamodb=database, name=name, **options)
        manager = JobManager(table=table, lease=Lease(), clock=self.clock)
        return Imports(manager, self.clock, self._warehouse, self._directory)


@pytest.fixture
def tables(warehouse: Warehouse, tmp_path: Path) -> Tables:
    return Tables(warehouse, tmp_path)


def own(imports: Imports) -> None:
    own_warehouse(job_manager=imports.manager, warehouse=imports.warehouse)


def test_the_table_and_the_warehouse_name_each_other(tables: Tables, warehouse: Warehouse) -> None:
    database = InMemoryDynamoDb()
    imports = tables.imports("first", database)

    for _ in range(2):
        own(imports)

    told = json.loads(warehouse.owner() or "")
    kept = {
        name: value["S"] for name, value in database.items["WAREHOUSE", "WAREHOUSE#owner"].items()
    }
    assert kept == {"pk": "WAREHOUSE", "sk": "WAREHOUSE#owner", **told}
    assert (told["table"], uuid.UUID(told["id"]).hex) == ("first", told["id"])
    assert warehouse.names("") == []


def test_a_second_table_is_refused_and_its_sweeper_removes_nothing(
    tables: Tables, warehouse: Warehouse
) -> None:
    first, second = tables.imports("first"), tables.imports("second")
    current = first.publish(first.begin())
    warehouse.set_latest(current)
    before = warehouse.names(""), warehouse.owner()
    for _ in range(3):  # beyond every fence in the warehouse
        claim = second.manager.claim(second.create().job_id, holder="w")
        second.fail(claim)

    with pytest.raises(WarehouseOwned) as refused:
        own(second)
    tables.clock.advance(READER_SECONDS)

    assert second.clear() == []
    assert (warehouse.names(""), warehouse.owner()) == before
    assert refused.value.details == {"table": "first"}
    own(first)


def test_a_second_table_does_not_move_the_stable_name(tables: Tables, warehouse: Warehouse) -> None:
    first = tables.imports("first")
    current = first.publish(first.begin())
    warehouse.set_latest(current)
    second = tables.imports("second")
    claim = second.manager.claim(second.create().job_id, holder="w")
    second.publish(claim)

    show_latest(job_manager=second.manager, warehouse=warehouse)

    assert warehouse.latest() == current


def test_a_whole_import_of_a_second_table_ends_before_it_writes(
    environment: dict[str, str], dynamodb: Any, tmp_path: Path
) -> None:
    with SampleSource(GeneratedProduction(60)) as source:
        environment |= {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_MEMORY_MB": "200"}
        assert Worker(environment, dynamodb).import_all().status is JobStatus.COMPLETED
        before = files(environment["WELLHEAD_WAREHOUSE"])
        asked = len(source.requests)
        second: Any = InMemoryDynamoDb()

        job = Worker(environment | {"WELLHEAD_TABLE": "second"}, second).import_all()

    assert (job.status, len(source.requests)) == (JobStatus.FAILED, asked)
    assert job.error
    assert (job.error["code"], job.error["retryable"]) == ("WAREHOUSE_OWNED", False)
    assert "WELLHEAD_WAREHOUSE" in job.error["message"]
    assert files(environment["WELLHEAD_WAREHOUSE"]) == before


# -- a warehouse without owner.json ------------------------------------------------------------------------


def test_an_old_warehouse_is_adopted_by_the_table_that_published_it(
    tables: Tables, warehouse: Warehouse
) -> None:
    imports = tables.imports("first")
    imports.publish(imports.begin())
    warehouse.remove(OWNER)
    assert imports.clear() == []  # the sweeper adopts nothing

    with pytest.raises(WarehouseOwned):
        own(tables.imports("empty"))
    assert warehouse.owner() is None
    own(imports)

    assert json.loads(warehouse.owner() or "")["table"] == "first"


def test_an_old_warehouse_is_adopted_by_the_table_of_its_jobs(
    tables: Tables, warehouse: Warehouse
) -> None:
    """None of them has published yet."""
    imports = tables.imports("first")
    claim = imports.begin()
    imports.put_segment(claim)
    imports.fail(claim)
    warehouse.remove(OWNER)

    with pytest.raises(WarehouseOwned):
        own(tables.imports("empty"))
    own(imports)


def test_a_table_whose_data_is_elsewhere_takes_no_empty_place(
    tables: Tables, warehouse: Warehouse
) -> None:
    """A mistyped WELLHEAD_WAREHOUSE."""
    imports = tables.imports("first")
    name = imports.publish(imports.begin())
    for each in (name, OWNER):
        warehouse.remove(each)

    with pytest.raises(WarehouseOwned, match="WELLHEAD_WAREHOUSE"):
        own(imports)

    assert warehouse.owner() is None


def test_a_worker_that_died_between_the_two_is_gone_on_from(
    tables: Tables, warehouse: Warehouse
) -> None:
    database = InMemoryDynamoDb()
    with pytest.raises(StateUnavailable):
        own(tables.imports("first", database, SilentTable))
    noted = database.items["WAREHOUSE", "WAREHOUSE#owner"]["id"]["S"]
    assert warehouse.owner() is None

    own(tables.imports("first", database))

    assert json.loads(warehouse.owner() or "")["id"] == noted


def test_two_workers_of_one_table_make_one_id(tables: Tables, warehouse: Warehouse) -> None:
    database: Any = InMemoryDynamoDb()
    first = tables.imports("first", database)

    own(tables.imports("first", database, InterruptedTable, meanwhile=lambda: own(first)))

    told = json.loads(warehouse.owner() or "")
    assert told["id"] == database.items["WAREHOUSE", "WAREHOUSE#owner"]["id"]["S"]


class OvertakenWarehouse:
    """Between the look at owner.json and its writing another table writes it."""

    def __init__(self, warehouse: Warehouse, other: Imports) -> None:
        self._warehouse = warehouse
        self._other = other

    def set_owner(self, text: str) -> bool:
        own(self._other)
        return self._warehouse.set_owner(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)


def test_of_two_tables_that_come_at_once_one_is_refused(
    tables: Tables, warehouse: Warehouse
) -> None:
    first, second = tables.imports("first"), tables.imports("second")
    busy: Any = OvertakenWarehouse(warehouse, first)

    with pytest.raises(WarehouseOwned):
        own_warehouse(job_manager=second.manager, warehouse=busy)

    assert json.loads(warehouse.owner() or "")["table"] == "first"


def test_of_many_that_write_it_at_once_one_does(warehouse: Warehouse) -> None:
    together, written = threading.Barrier(8), []

    def write(text: str) -> None:
        together.wait()
        if warehouse.set_owner(text):
            written.append(text)

    threads = [threading.Thread(target=write, args=[str(number)]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [warehouse.owner()] == written


# -- tables and warehouses that change hands ---------------------------------------------------------------


def test_a_copy_of_the_table_under_another_name_does_not_own_it(
    tables: Tables, warehouse: Warehouse
) -> None:
    database = InMemoryDynamoDb()
    first = tables.imports("first", database)
    first.publish(first.begin())
    copied = InMemoryDynamoDb()
    copied.items = dict(database.items)
    before = warehouse.names("")

    copy = tables.imports("copy", copied)

    with pytest.raises(WarehouseOwned):
        own(copy)
    tables.clock.advance(READER_SECONDS)
    assert (copy.clear(), warehouse.names("")) == ([], before)
    warehouse.remove(OWNER)
    with pytest.raises(WarehouseOwned):
        own(copy)


@pytest.mark.parametrize("is_copy", [False, True])
def test_an_operator_gives_a_warehouse_to_another_table(
    tables: Tables, warehouse: Warehouse, is_copy: bool
) -> None:
    database, other = InMemoryDynamoDb(), InMemoryDynamoDb()
    first = tables.imports("first", database)
    published = [first.publish(first.begin()) for _ in range(3)]
    other.items = dict(database.items) if is_copy else {}
    second = tables.imports("second", other)
    before = warehouse.owner()
    if not is_copy:
        with pytest.raises(WarehouseOwned, match="Restore one first"):
            take_over(job_manager=second.manager, warehouse=warehouse)
        assert warehouse.owner() == before
        other.items["WAREHOUSE", "WAREHOUSE#current"] = database.items[
            "WAREHOUSE", "WAREHOUSE#current"
        ]

    take_over(job_manager=second.manager, warehouse=warehouse)

    own(second)
    with pytest.raises(WarehouseOwned):
        own(first)
    assert first.clear() == []
    assert warehouse.names("") == published
    assert fence_of(second.put_snapshot(second.begin())) > fence_of(published[-1])


def test_no_warehouse_changes_hands_while_an_import_runs(
    tables: Tables, warehouse: Warehouse
) -> None:
    second = tables.imports("second")
    second.create()

    with pytest.raises(WarehouseOwned, match="wait for its end"):
        take_over(job_manager=second.manager, warehouse=warehouse)

    assert warehouse.owner() is None


@pytest.mark.parametrize(
    "told", ["", "no JSON", "[]", '{"table": 7}', '{"id": "x", "table": "first", "more": 1}']
)
def test_an_owner_that_nobody_can_read_is_another(
    tables: Tables, warehouse: Warehouse, told: str
) -> None:
    warehouse.set_owner(told)

    with pytest.raises(WarehouseOwned):
        own(tables.imports("first"))

    assert warehouse.owner() == told
