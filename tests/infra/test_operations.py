"""The procedures of the runbook work as they are written, and its costs are those of its arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, a_job, table_contents
from support.documents import blocks, section, table, text
from support.staging import run_import

from chalicelib.errors import SourceUnavailable
from chalicelib.jobs.dynamodb_item import from_item, to_item
from chalicelib.jobs.lock import LOCK, Claim
from chalicelib.services import Services
from chalicelib.warehouse.names import sha256_of
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.jobs.manager import JobManager

TABLE, RESTORED = "wellhead-test", "wellhead-test-restored"


def follow(title: str) -> dict[str, Any]:
    """Runs the procedure below this heading, and gives what it has named."""
    [procedure] = blocks(section(text("docs/operations.md"), title), "python")
    names: dict[str, Any] = {}
    exec(compile(procedure, "docs/operations.md", "exec"), names)
    return names


# -- restoring the table ----------------------------------------------------------------------------------


@pytest.fixture
def restored(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty table beside the live one, and both named as the procedure wants them."""
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    dynamodb.create_table(
        TableName=RESTORED, KeySchema=keys, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST"
    )
    monkeypatch.setenv("TABLE", TABLE)
    monkeypatch.setenv("RESTORED", RESTORED)
    yield RESTORED
    dynamodb.delete_table(TableName=RESTORED)


def claimed(manager: JobManager, clock: Clock) -> Claim:
    return manager.claim(manager.create(a_job(clock)).job_id, holder="w")


def fail(manager: JobManager, claim: Claim, clock: Clock) -> None:
    manager.finish(claim, claim.job.failed_with(SourceUnavailable(), at=clock()))


def keep_as_restored(dynamodb: Any, restored: str) -> dict[str, Any]:
    """The moment that is restored."""
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        dynamodb.put_item(TableName=restored, Item=item)
    return table_contents(dynamodb, restored)


def test_a_restored_table_brings_jobs_back_and_leaves_the_lock_alone(
    manager: JobManager, dynamodb: Any, clock: Clock, restored: str
) -> None:
    fail(manager, claimed(manager, clock), clock)
    later = claimed(manager, clock)
    then = keep_as_restored(dynamodb, restored)
    fail(manager, later, clock)
    lost = next(sk for sk in then if sk.startswith("JOB#") and sk != f"JOB#{later.job.job_id}")
    before = table_contents(dynamodb, TABLE)
    dynamodb.delete_item(TableName=TABLE, Key=to_item({"pk": "JOB", "sk": lost}))

    follow("Restoring the table")

    assert table_contents(dynamodb, TABLE) == before
    assert manager.get(later.job.job_id).status.final  # it was open at that moment


def test_an_empty_table_gets_a_lock_whose_fence_no_worker_has(
    manager: JobManager, dynamodb: Any, clock: Clock, restored: str
) -> None:
    fail(manager, claimed(manager, clock), clock)
    asleep = claimed(manager, clock)
    keep_as_restored(dynamodb, restored)
    for sk in table_contents(dynamodb, TABLE):
        dynamodb.delete_item(TableName=TABLE, Key=to_item({"pk": sk.partition("#")[0], "sk": sk}))

    follow("Restoring the table")

    lock = from_item(dynamodb.get_item(TableName=TABLE, Key=to_item(LOCK))["Item"])
    assert (set(lock) - {"pk", "sk"}, lock["fence"] > asleep.fence + 1000) == ({"fence"}, True)
    assert claimed(manager, clock).fence == lock["fence"] + 1


def test_a_running_import_stops_the_restoring(manager: JobManager, dynamodb: Any, clock: Clock, restored: str) -> None:
    claimed(manager, clock)
    before = table_contents(dynamodb, TABLE)

    with pytest.raises(SystemExit):
        follow("Restoring the table")

    assert table_contents(dynamodb, TABLE) == before


# -- changing the warehouse -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["directory", "bucket"])
def test_the_next_import_goes_on_in_the_new_warehouse(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    new = "s3://wellhead-local/moved" if place == "bucket" else str(tmp_path / "moved")
    with SampleSource(GeneratedProduction(40)) as source:
        run_import(environment, source.url)
    for name, value in {**environment, "NEW_WAREHOUSE": new}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    follow("Changing the warehouse")

    moved = Services(environment | {"WELLHEAD_WAREHOUSE": new})
    current = moved.job_manager.current_snapshot()
    assert current
    moved.warehouse.fetch(current.name, tmp_path / "there.duckdb")
    assert sha256_of(tmp_path / "there.duckdb") == current.sha256
    assert moved.warehouse.latest() == current.name
    with SampleSource(GeneratedProduction(90)) as source:
        assert run_import(environment | {"WELLHEAD_WAREHOUSE": new}, source.url).new_records == 50


# -- another table for a warehouse ------------------------------------------------------------------------


def test_a_new_table_goes_on_with_the_warehouse_of_a_lost_one(
    environment: dict[str, str], restored: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with SampleSource(GeneratedProduction(40)) as source:
        run_import(environment, source.url)
    lost, new = Services(environment), environment | {"WELLHEAD_TABLE": restored}
    current = lost.job_manager.current_snapshot()
    assert current
    for name, value in {**new, "SNAPSHOT": current.name}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with SampleSource(GeneratedProduction(90)) as source:
        assert (run_import(new, source.url).error or {})["code"] == "WAREHOUSE_OWNED"

        [restoring] = blocks(section(text("docs/workflow.md"), "Restoring a snapshot"), "python")
        exec(compile(restoring, "docs/workflow.md", "exec"), {})
        follow("Another table for a warehouse")

        assert Services(new).sweep() == "nothing"
        assert run_import(new, source.url).new_records == 50
        assert (run_import(environment, source.url).error or {})["code"] == "WAREHOUSE_OWNED"


# -- costs ------------------------------------------------------------------------------------------------


def test_the_costs_are_those_of_the_arithmetic() -> None:
    told = follow("What a month costs")
    rows = {
        row[0]: [cell.strip("*") for cell in row[1:]]
        for row in table(section(text("docs/operations.md"), "What a month costs"))
    }
    sizes, costs = told["SIZES"], told["costs"]

    assert rows.pop("rows of an import") == [f"{size[0]:,}" for size in sizes.values()]
    assert rows.pop("requests of the API") == [f"{size[2]:,}" for size in sizes.values()]
    assert rows.pop("**together**") == [f"{sum(cost.values()):.2f}" for cost in costs.values()]
    assert rows == {what: [f"{cost[what]:.2f}" for cost in costs.values()] for what in costs["small"]}
