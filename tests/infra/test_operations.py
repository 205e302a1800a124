"""What an operator does with AWS credentials works."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, a_job, table_contents
from support.documents import blocks, text
from support.staging import run_import

from chalicelib.errors import SourceUnavailable
from chalicelib.jobs.dynamodb_item import from_item, to_item
from chalicelib.jobs.lock import LOCK, Claim
from chalicelib.services import Services
from chalicelib.warehouse.names import sha256_of
from infra.recovery import RecoveryError, move_warehouse, restore_table, take_warehouse
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.jobs.manager import JobManager

TABLE, RESTORED = "wellhead-test", "wellhead-test-restored"


# -- restoring the table ----------------------------------------------------------------------------------


@pytest.fixture
def restored(dynamodb: Any) -> Iterator[str]:
    """An empty table beside the live one."""
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    dynamodb.create_table(
        TableName=RESTORED,
        KeySchema=keys,
        AttributeDefinitions=attributes,
        BillingMode="PAY_PER_REQUEST",
    )
    yield RESTORED
    dynamodb.delete_table(TableName=RESTORED)


def claimed(manager: JobManager, clock: Clock) -> Claim:
    return manager.claim(manager.create(a_job(clock)).job_id, holder="w")


def fail(manager: JobManager, claim: Claim, clock: Clock) -> None:
    manager.finish(claim, claim.job.fail(SourceUnavailable(), at=clock()))


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

    assert restore_table(dynamodb, table=TABLE, restored=restored) > 0

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

    assert restore_table(dynamodb, table=TABLE, restored=restored) > 0

    lock = from_item(dynamodb.get_item(TableName=TABLE, Key=to_item(LOCK))["Item"])
    assert (set(lock) - {"pk", "sk"}, lock["fence"] > asleep.fence + 1000) == ({"fence"}, True)
    assert claimed(manager, clock).fence == lock["fence"] + 1


def test_a_running_import_stops_the_restoring(
    manager: JobManager, dynamodb: Any, clock: Clock, restored: str
) -> None:
    claimed(manager, clock)
    before = table_contents(dynamodb, TABLE)

    with pytest.raises(RecoveryError, match="wait for its end"):
        restore_table(dynamodb, table=TABLE, restored=restored)

    assert table_contents(dynamodb, TABLE) == before


# -- changing the warehouse -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["directory", "bucket"])
def test_the_next_import_goes_on_in_the_new_warehouse(
    environment: dict[str, str], tmp_path: Path, place: str
) -> None:
    new = "s3://wellhead-local/moved" if place == "bucket" else str(tmp_path / "moved")
    with SampleSource(GeneratedProduction(40)) as source:
        run_import(environment, source.url)
    moved = Services(environment | {"WELLHEAD_WAREHOUSE": new})

    move_warehouse(moved.job_manager, Services(environment).warehouse, moved.warehouse)

    current = moved.job_manager.current_snapshot()
    assert current
    moved.warehouse.fetch(current.name, tmp_path / "there.duckdb")
    assert sha256_of(tmp_path / "there.duckdb") == current.sha256
    assert moved.warehouse.latest() == current.name
    with SampleSource(GeneratedProduction(90)) as source:
        assert run_import(environment | {"WELLHEAD_WAREHOUSE": new}, source.url).new_records == 50


# -- another table for a warehouse ------------------------------------------------------------------------


def test_a_new_table_goes_on_with_the_warehouse_of_a_lost_one(
    environment: dict[str, str], restored: str
) -> None:
    with SampleSource(GeneratedProduction(40)) as source:
        run_import(environment, source.url)
    lost, new = Services(environment), environment | {"WELLHEAD_TABLE": restored}
    current = lost.job_manager.current_snapshot()
    assert current
    with SampleSource(GeneratedProduction(90)) as source:
        assert (run_import(new, source.url).error or {})["code"] == "WAREHOUSE_OWNED"

        taken = take_warehouse(Services(new).job_manager, Services(new).warehouse)

        assert taken == replace(current, changed_until=None, changed_of=None, sources=None)
        assert Services(new).warehouse.latest() == current.name
        assert Services(new).sweep() == "nothing"
        assert run_import(new, source.url).new_records == 50
        assert (run_import(environment, source.url).error or {})["code"] == "WAREHOUSE_OWNED"


def test_a_table_that_points_at_something_takes_no_other_snapshot(
    environment: dict[str, str],
) -> None:
    with SampleSource(GeneratedProduction(40)) as source:
        run_import(environment, source.url)
    services = Services(environment)

    with pytest.raises(RecoveryError, match="ops rollback"):
        take_warehouse(services.job_manager, services.warehouse, name="snapshots/another")
    assert (
        take_warehouse(services.job_manager, services.warehouse)
        == services.job_manager.current_snapshot()
    )


def test_the_runbook_has_no_program_to_paste() -> None:
    for document in ("docs/operations.md", "docs/workflow.md"):
        assert blocks(text(document), "python") == []
