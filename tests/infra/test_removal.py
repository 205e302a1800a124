"""A stage goes only after somebody has seen what goes, and said so."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.formation import Account, Stack, formation
from support.rights import ACCOUNT, REGION

from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.lock import LOCK
from infra.__main__ import _confirm, _deploy, _destroy
from infra.deployment import Deployment, DeploymentError
from infra.removal import Removal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.aws.emulator import LocalAws

STACK = "wellhead-prod"
BUCKET = f"{STACK}-{ACCOUNT}-{REGION}"


@pytest.fixture
def stage(aws: LocalAws) -> Iterator[tuple[Deployment, Account, list[str]]]:
    with formation(aws, "prod") as stage:
        yield stage


@pytest.fixture
def removal(stage: tuple[Deployment, Account, list[str]]) -> Removal:
    return Removal(stage[0])


@pytest.fixture
def stack(stage: tuple[Deployment, Account, list[str]]) -> Stack:
    stack = Stack(
        f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1", status="CREATE_COMPLETE"
    )
    stage[1].stacks[STACK] = stack
    stack.protected = True
    return stack


@pytest.fixture
def dynamodb(removal: Removal) -> Iterator[Any]:
    """With a protected table of the stage."""
    dynamodb = removal.deployment.client("dynamodb")
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    dynamodb.create_table(
        TableName=STACK,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=attributes,
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )
    yield dynamodb
    if STACK in dynamodb.list_tables()["TableNames"]:
        dynamodb.update_table(TableName=STACK, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=STACK)


@pytest.fixture
def data(removal: Removal, dynamodb: Any) -> None:
    s3, ssm = removal.deployment.client("s3"), removal.deployment.client("ssm")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for size in (1_500_000, 500_000):
        s3.put_object(Bucket=BUCKET, Key="wells.duckdb", Body=b"x" * size)
    s3.delete_object(Bucket=BUCKET, Key="wells.duckdb")
    for name in ("tokens/ada", "tokens/bob", "source"):
        ssm.put_parameter(Name=f"/{STACK}/{name}", Value="text", Type="String")
    lock(dynamodb)


def lock(dynamodb: Any, **more: Any) -> None:
    dynamodb.put_item(TableName=STACK, Item=to_item({**LOCK, "fence": 1, **more}))


def test_a_stage_that_is_not_there_is_an_error(removal: Removal) -> None:
    with pytest.raises(
        DeploymentError, match="There is no stack wellhead-prod in this account and region, and no"
    ):
        removal.look()
    with pytest.raises(DeploymentError, match="There is no stack"):
        removal.deployment.delete_stack()


@pytest.mark.usefixtures("data")
def test_what_goes_is_listed_with_its_size(removal: Removal, stack: Stack) -> None:
    remains = removal.look()
    lines = removal.lines(remains, data=True)
    goes, stays = lines[: lines.index("This stays:")], lines[lines.index("This stays:") :]
    assert goes[0] == "This goes, and cannot be brought back:"
    assert goes[1].startswith("  the stack wellhead-prod: functions, API, alarms, and all logs")
    assert goes[3].startswith("  the table wellhead-prod: about 1 items, ")
    assert f"  the bucket {BUCKET}: 3 files and versions, 2.0 MB" in goes
    assert "  2 tokens and 1 secrets below /wellhead-prod in SSM" in goes
    assert (
        sum("protected against deletion; the protection is switched off" in line for line in goes)
        == 2
    )
    assert stays == ["This stays:", "  a file system, if there is one"]

    kept = removal.lines(remains, data=False)
    assert kept.index("This stays:") < kept.index(
        f"  the bucket {BUCKET}: 3 files and versions, 2.0 MB"
    )


@pytest.mark.usefixtures("data")
def test_the_data_stays_and_goes_later(removal: Removal, stack: Stack, dynamodb: Any) -> None:
    removal.remove(removal.look(), data=False)
    assert stack.status == "DELETE_COMPLETE"
    assert STACK in dynamodb.list_tables()["TableNames"]

    remains = removal.look()
    assert not remains.stack
    with pytest.raises(DeploymentError, match=r"its data is kept. To delete that too: DATA=delete"):
        removal.lines(remains, data=False)
    removal.remove(remains, data=True)
    with pytest.raises(DeploymentError, match="and no data of one"):
        removal.look()
    assert STACK not in dynamodb.list_tables()["TableNames"]


def test_a_table_is_gone_when_it_is_said_to_be(removal: Removal, dynamodb: Any) -> None:
    """It is ready again before it is deleted, and one without protection is not changed before."""
    calls: list[str] = []
    dynamodb.meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.append(model.name)
    )
    lock(dynamodb)
    first = removal.look()
    calls.clear()
    removal.remove(first, data=True)
    assert calls == ["UpdateTable", "DescribeTable", "DeleteTable", "DescribeTable"]

    calls.clear()
    kept = replace(first, table=replace(first.table, protected=False)) if first.table else first
    removal.remove(kept, data=True)  # the table is gone already
    assert calls == ["DeleteTable"]


@pytest.mark.usefixtures("data")
def test_nothing_goes_while_an_import_runs(removal: Removal, stack: Stack, dynamodb: Any) -> None:
    lock(dynamodb, owner="018cc251", since=0, holder="w", lease_until=int(time.time() + 30))
    with pytest.raises(
        DeploymentError, match=r"An import runs .job 018cc251.*wellhead cancel 018cc251"
    ):
        removal.look()
    lock(dynamodb, owner="018cc251", since=0, holder="w", lease_until=int(time.time() - 30))
    assert removal.look().job is None  # whoever ran it is dead
    assert stack.status == "CREATE_COMPLETE"


@pytest.mark.usefixtures("data")
def test_the_name_is_asked_for_in_production_whether_protected_or_not(
    removal: Removal, stack: Stack
) -> None:
    stack.protected = False
    remains = removal.look()
    assert not remains.protected
    assert removal.asks(remains, data=False)
    of_dev = replace(removal, deployment=replace(removal.deployment, stage="dev"))
    assert not of_dev.asks(remains, data=False)
    assert of_dev.asks(remains, data=True)
    assert of_dev.asks(replace(remains, protected=True), data=False)


@pytest.mark.parametrize("run", [_deploy, _destroy])
@pytest.mark.parametrize("stage", ["code", "local"])
def test_the_bucket_of_code_is_no_bucket_of_a_stage(
    run: Callable[[argparse.Namespace], None], stage: str
) -> None:
    options = argparse.Namespace(
        stage=stage, parameter=[], tag=[], plan=True, data="delete", yes=f"wellhead-{stage}"
    )
    with pytest.raises(DeploymentError, match=f"No stage is called {stage}"):
        run(options)


def test_the_name_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["", "y", "wellhead-dev", "wellhead-prod "])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    for _ in range(3):
        with pytest.raises(
            DeploymentError, match=r"Nothing was done.*In a script: YES=wellhead-prod"
        ):
            _confirm(STACK, None)
    _confirm(STACK, None)
    _confirm(STACK, STACK)
    with pytest.raises(DeploymentError):
        _confirm(STACK, "wellhead-dev")
