"""A stack over the data of an earlier one, held against the rules that AWS writes down:
no emulator has them.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.formation import STACK as KIND
from support.formation import Account, Stack, formation, identifier
from support.packaged import packaged
from support.rights import ACCOUNT, REGION, VALUES

from infra.changes import Change, Prepared, Progress, lines_of
from infra.deployment import DeploymentError
from infra.failed import failure_of
from infra.names import Place, parameters_of, with_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.deployment import Deployment
    from infra.package import Package
    from local.aws.emulator import LocalAws

STACK = "wellhead-dev"
PLACE = Place(stack=STACK, account=ACCOUNT, region=REGION, partition="aws")
TABLE = ("AWS::DynamoDB::Table", STACK)
BUCKET = ("AWS::S3::Bucket", f"{STACK}-{ACCOUNT}-{REGION}")
GIVEN = {"SourceUrl": "https://odata.example.com/v4/WellProduction"}
KEPT = {"Retain", "RetainExceptOnCreate"}
CODE = {"bucket": "code", "key": "wellhead.zip", "layer": "lake.zip", "job": "merge_job.py"}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """With less to upload."""
    code = tmp_path_factory.mktemp("code") / "small.zip"
    code.write_bytes(b"code")
    return replace(packaged(tmp_path_factory), bundle=code, layer=code)


@pytest.fixture(scope="module")
def template(package: Package) -> dict[str, Any]:
    return with_names(package.template_with_code(**CODE), PLACE)


@pytest.fixture
def stage(aws: LocalAws) -> Iterator[tuple[Deployment, Account, list[str]]]:
    with formation(aws, "dev") as stage:
        yield stage


@pytest.fixture
def deployment(stage: tuple[Deployment, Account, list[str]]) -> Deployment:
    return stage[0]


@pytest.fixture
def account(stage: tuple[Deployment, Account, list[str]]) -> Account:
    return stage[1]


@pytest.fixture
def said(stage: tuple[Deployment, Account, list[str]]) -> list[str]:
    return stage[2]


# -- the rules, of the template


def kept(template: dict[str, Any]) -> dict[str, Any]:
    return {
        name: told
        for name, told in template["Resources"].items()
        if told.get("DeletionPolicy") in KEPT
    }


def test_what_is_taken_over_has_a_name_without_a_function(template: dict[str, Any]) -> None:
    names = {
        name: told["Properties"].get(identifier(told["Type"]))
        for name, told in kept(template).items()
    }
    assert names["Table"] == STACK
    assert names["Bucket"] == f"{STACK}-{ACCOUNT}-{REGION}"
    assert not [name for name, value in names.items() if isinstance(value, dict)]
    without = {name for name, value in names.items() if value is None}
    assert without == {
        "FileSystem",
        "ApiAccount",
        "ApiLogsRole",
    }  # none of them is taken over, and a README says so


def test_what_holds_data_goes_only_with_a_creation_that_failed(template: dict[str, Any]) -> None:
    policies = {
        name: (told["DeletionPolicy"], told["UpdateReplacePolicy"])
        for name, told in kept(template).items()
    }
    for name in ("Table", "Bucket", "FileSystem"):
        assert policies[name] == ("RetainExceptOnCreate", "Retain")


def test_what_is_taken_over_refers_to_nothing_that_a_new_stack_makes(
    template: dict[str, Any],
) -> None:
    """It keeps what it was made with, also the address of an API that is gone."""
    known = set(template["Parameters"]) | set(VALUES) | {"AWS::URLSuffix", "AWS::NoValue"}
    for name in ("Table", "Bucket"):
        text = json.dumps(template["Resources"][name]["Properties"])
        referred = set(re.findall(r'"Ref": "([^"]+)"', text)) | set(
            re.findall(r"\$\{([^}]+)\}", text)
        )
        assert referred <= known
        assert "Fn::GetAtt" not in text
        functions = set(re.findall(r'"(Fn::\w+)"', text))
        assert functions <= {"Fn::If", "Fn::Join", "Fn::Split", "Fn::Sub"}, name


def test_of_the_names_nothing_else_changes(package: Package, template: dict[str, Any]) -> None:
    before = package.template_with_code(**CODE)
    changed = {
        name for name, told in before["Resources"].items() if told != template["Resources"][name]
    }
    assert {"Table", "Bucket"} <= changed <= {*kept(template)}
    elsewhere = with_names(
        before, Place(stack="w-x", account="1", region="cn-north-1", partition="aws-cn")
    )
    assert elsewhere["Resources"]["Bucket"]["Properties"]["BucketName"] == "w-x-1-cn-north-1"


def test_the_parameters_of_what_is_taken_over(template: dict[str, Any]) -> None:
    found = parameters_of(template, ["Table", "Bucket"])
    assert {
        "DeletionProtection",
        "OldVersionDays",
        "UploadDays",
        "CorsOrigins",
        "DomainName",
    } <= set(found)
    assert "LogDays" not in found


# -- the stories, under these rules


def test_destroyed_and_deployed_again_over_the_data(
    deployment: Deployment, account: Account, package: Package, said: list[str]
) -> None:
    deployment.deploy(package, GIVEN)
    assert {account.exists[TABLE], account.exists[BUCKET]} == {STACK}
    deployment.delete_stack()
    assert account.exists == {TABLE: None, BUCKET: None}

    plan = deployment.plan(package, {**GIVEN, "OldVersionDays": "7"})
    assert "  take over         Table" in plan
    assert any("DeletionProtection" in line and "whatever you say now" in line for line in plan)
    assert deployment.description() is None  # nothing of it was done

    deployment.deploy(package, {**GIVEN, "OldVersionDays": "7"})
    assert {account.exists[TABLE], account.exists[BUCKET]} == {STACK}
    assert "Taken over, with the data and the settings that they have: Table, Bucket." in "\n".join(
        said
    )
    assert "OldVersionDays" in "\n".join(said)


def test_a_plan_leaves_no_stack_and_removes_none(
    deployment: Deployment, account: Account, package: Package
) -> None:
    cloudformation = deployment.client("cloudformation")
    cloudformation.meta.events.register("before-call.cloudformation.DescribeChangeSet", _break_off)
    with pytest.raises(RuntimeError):
        deployment.plan(package, GIVEN)
    assert account.stacks[STACK].status == "DELETE_COMPLETE"
    cloudformation.meta.events.unregister(
        "before-call.cloudformation.DescribeChangeSet", _break_off
    )

    def deployed_by_another(**_: Any) -> None:
        account.stacks[STACK].status = "CREATE_IN_PROGRESS"

    cloudformation.meta.events.register(
        "after-call.cloudformation.DeleteChangeSet", deployed_by_another
    )
    deployment.plan(package, GIVEN)
    assert account.stacks[STACK].status == "CREATE_IN_PROGRESS"


def _break_off(**_: Any) -> None:
    raise RuntimeError


def test_after_a_first_deploy_that_failed_the_next_one_goes_through(
    deployment: Deployment, account: Account, package: Package, said: list[str]
) -> None:
    account.breaks = {"Dashboard"}
    with pytest.raises(
        DeploymentError, match=r"^Dashboard: It cannot be made\.\nwellhead-dev is in the state"
    ) as told:
        deployment.deploy(package, {**GIVEN, "DeletionProtection": "false"})
    assert "ROLLBACK_COMPLETE" in str(told.value)
    assert account.exists.keys().isdisjoint({TABLE, BUCKET})  # they were new and empty

    account.breaks = set()
    deployment.deploy(package, GIVEN)
    assert {account.exists[TABLE], account.exists[BUCKET]} == {STACK}
    assert "what is left of it is removed" in "\n".join(said)


@pytest.fixture
def data(deployment: Deployment, account: Account) -> Iterator[None]:
    """A table and a bucket that an earlier stack left."""
    dynamodb, s3 = deployment.client("dynamodb"), deployment.client("s3")
    key = {"AttributeName": "pk"}
    dynamodb.create_table(
        TableName=STACK,
        KeySchema=[{**key, "KeyType": "HASH"}],
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    s3.create_bucket(Bucket=BUCKET[1])
    account.exists = {TABLE: None, BUCKET: None}
    yield
    dynamodb.delete_table(TableName=STACK)
    s3.delete_bucket(Bucket=BUCKET[1])


@pytest.mark.usefixtures("data")
def test_what_was_taken_over_stays_when_the_creation_fails(
    deployment: Deployment, account: Account, package: Package
) -> None:
    account.breaks = {"Dashboard"}
    with pytest.raises(DeploymentError, match="ROLLBACK_COMPLETE"):
        deployment.deploy(package, {**GIVEN, "DeletionProtection": "false"})
    assert account.exists == {TABLE: None, BUCKET: None}

    account.breaks = set()
    deployment.deploy(package, GIVEN)
    assert account.exists[TABLE] == account.exists[BUCKET] == STACK
    policies = [
        account.stacks[STACK].template["Resources"][name]["DeletionPolicy"]
        for name in ("Table", "Bucket")
    ]
    assert policies == ["Retain", "Retain"]
    deployment.deploy(package, {"LogDays": "7"})
    policies = [
        account.stacks[STACK].template["Resources"][name]["DeletionPolicy"]
        for name in ("Table", "Bucket")
    ]
    assert policies == ["RetainExceptOnCreate", "RetainExceptOnCreate"]


def test_what_was_said_with_a_first_deploy_that_failed_is_not_forgotten(
    deployment: Deployment, account: Account, package: Package, said: list[str]
) -> None:
    account.breaks = {"Dashboard"}
    first = {
        **GIVEN,
        "DeletionProtection": "false",
        "LogDays": "7",
        "WebhookUrl": "https://hooks.example.com/1",
    }
    with pytest.raises(DeploymentError, match="ROLLBACK_COMPLETE"):
        deployment.deploy(package, first, {"team": "wells", "cost": "42"})
    account.breaks = set()
    deployment.deploy(package, {"LogDays": "90"}, {"cost": "43"})
    now = account.stacks[STACK]
    assert now.parameters["SourceUrl"] == GIVEN["SourceUrl"]
    assert (now.parameters["DeletionProtection"], now.parameters["LogDays"]) == ("false", "90")
    assert "WebhookUrl" not in now.parameters  # nobody can read it
    assert "Give WebhookUrl again" in "\n".join(said)
    assert now.tags == {"application": "wellhead", "stage": "dev", "team": "wells", "cost": "43"}


def test_after_a_deletion_that_failed_the_stage_can_be_deployed(
    deployment: Deployment, account: Account, package: Package, said: list[str]
) -> None:
    deployment.deploy(package, GIVEN)
    account.stuck = {"Dashboard"}
    with pytest.raises(
        DeploymentError,
        match=r"^Dashboard: It is in use\.\nwellhead-dev is in the state DELETE_FAILED",
    ):
        deployment.delete_stack()
    assert "The deletion of wellhead-dev failed" in deployment.plan(package, {})[0]
    deployment.deploy(package, {})
    assert "look at it yourself: Dashboard." in "\n".join(said)
    assert account.stacks[STACK].status == "CREATE_COMPLETE"
    assert account.exists[TABLE] == STACK


@pytest.mark.parametrize(
    ("status", "outputs", "what"),
    [
        ("ROLLBACK_COMPLETE", [], "first deploy"),
        ("IMPORT_ROLLBACK_COMPLETE", [], "first deploy"),
        (
            "IMPORT_ROLLBACK_COMPLETE",
            [{"OutputKey": "ApiUrl"}],
            "",
        ),  # somebody's import into a stack that stands
        ("DELETE_FAILED", [{"OutputKey": "ApiUrl"}], "deletion"),
        ("UPDATE_ROLLBACK_COMPLETE", [{"OutputKey": "ApiUrl"}], ""),
        ("CREATE_COMPLETE", [], ""),
    ],
)
def test_only_a_stack_of_no_use_is_removed(
    status: str, outputs: list[dict[str, str]], what: str
) -> None:
    assert failure_of({"StackStatus": status, "Outputs": outputs}) == what


def test_nor_does_it_hinder_that_the_new_table_refused_to_go(
    deployment: Deployment, account: Account, package: Package
) -> None:
    account.breaks = {"Dashboard"}
    with pytest.raises(DeploymentError, match="ROLLBACK_FAILED"):
        deployment.deploy(package, GIVEN)
    assert account.exists[TABLE] == STACK

    account.breaks = set()
    deployment.deploy(package, GIVEN)
    assert {account.exists[TABLE], account.exists[BUCKET]} == {STACK}


def test_an_update_that_fails_says_why_and_leaves_the_code_that_runs(
    stage: tuple[Deployment, Account, list[str]], package: Package, tmp_path: Path
) -> None:
    deployment, account, said = stage
    deployment.deploy(package, GIVEN)
    s3, bucket = deployment.client("s3"), f"wellhead-code-{ACCOUNT}-{REGION}-an"
    runs = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    broken = json.loads(package.template.read_text())
    broken["Resources"]["More"] = {"Type": "AWS::SQS::Queue"}
    changed = replace(package, template=tmp_path / "template.json")
    changed.template.write_text(json.dumps(broken))
    account.breaks = {"More"}
    with pytest.raises(DeploymentError, match=r"^More: It cannot be made\."):
        deployment.deploy(changed, {})
    assert runs <= {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}

    account.breaks = set()
    deployment.deploy(changed, {})
    now = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert len(now - runs) == 1  # the template
    assert len(runs - now) == 1  # the one before, of which versions are kept
    assert "More: update complete" in "\n".join(said)
    assert deployment.plan(changed, {}) == ["Nothing would change."]


def test_a_stage_of_production_is_protected(
    deployment: Deployment, account: Account, package: Package
) -> None:
    assert not deployment.is_production
    for stage in ("prod", "production", "live", "prod-eu", "prd", "prod2", "eu-prod"):
        assert replace(deployment, stage=stage).is_production
    for stage in ("preprod", "product", "deliver", "try"):
        assert not replace(deployment, stage=stage).is_production
    production = replace(deployment, stage="prod")
    production.deploy(package, GIVEN)
    assert account.stacks["wellhead-prod"].protected
    deployment.deploy(package, GIVEN)
    assert not account.stacks[STACK].protected


def test_everything_has_the_tags_of_its_stack(
    deployment: Deployment, account: Account, package: Package
) -> None:
    deployment.deploy(package, GIVEN, {"team": "wells"})
    expected = {"application": "wellhead", "stage": "dev", "team": "wells"}
    assert account.stacks[STACK].tags == expected
    deployment.deploy(package, {"LogDays": "7"}, {"cost": "42"})
    assert account.stacks[STACK].tags == expected | {"cost": "42"}


def test_a_tag_that_differs_in_case_alone_takes_the_place_of_the_other(
    deployment: Deployment, account: Account, package: Package
) -> None:
    """IAM takes both for one key, and refuses every role."""
    deployment.deploy(package, GIVEN, {"Stage": "prod"})
    assert account.stacks[STACK].tags == {"application": "wellhead", "Stage": "prod"}
    deployment.deploy(package, {"LogDays": "7"}, {"Application": "wells"})
    assert account.stacks[STACK].tags == {"Application": "wells", "Stage": "prod"}
    with pytest.raises(DeploymentError, match="but for small and capital letters"):
        deployment.deploy(package, {}, {"Team": "a", "team": "b"})


def test_a_role_that_the_account_has_for_logs_is_not_replaced(
    deployment: Deployment, account: Account, package: Package
) -> None:
    deployment.deploy(package, GIVEN)
    assert account.stacks[STACK].parameters["ApiLogRole"] == "create"
    deployment.deploy(package, {"LogDays": "7"})
    assert account.stacks[STACK].parameters["ApiLogRole"] == "create"  # it is ours now
    deployment.delete_stack()

    account.log_role = f"arn:aws:iam::{ACCOUNT}:role/of-another"
    deployment.deploy(package, GIVEN)
    assert account.stacks[STACK].parameters["ApiLogRole"] == "existing"
    deployment.delete_stack()
    deployment.deploy(package, {**GIVEN, "ApiLogRole": "create"})  # somebody asks for it
    assert account.stacks[STACK].parameters["ApiLogRole"] == "create"


def test_a_deploy_that_is_throttled_goes_on_to_its_end(
    deployment: Deployment, account: Account, package: Package
) -> None:
    events = deployment.client("cloudformation").meta.events
    events.register(
        "after-call.cloudformation.ExecuteChangeSet", lambda **_: setattr(account, "throttled", 3)
    )
    replace(deployment, stage="prod").deploy(package, GIVEN)
    assert account.throttled == 0
    assert account.stacks["wellhead-prod"].protected


# -- a change set in words


def test_what_endangers_data_is_told_first() -> None:
    def told(name: str, kind: str, action: str, **more: Any) -> Change:
        return Change.of(
            {"LogicalResourceId": name, "ResourceType": kind, "Action": action, **more}
        )

    named = [
        {"Target": {"Attribute": "Properties", "Name": "TableName", "RequiresRecreation": "Always"}}
    ]
    changes = [
        told("Alarm", "AWS::CloudWatch::Alarm", "Add"),
        told("Import", "AWS::Lambda::Function", "Modify", Replacement="False"),
        told(
            "Topic",
            "AWS::SNS::Topic",
            "Modify",
            Replacement="True",
            PolicyAction="ReplaceAndDelete",
        ),
        told("Bucket", "AWS::S3::Bucket", "Remove", PolicyAction="Delete"),
        told(
            "Table",
            "AWS::DynamoDB::Table",
            "Modify",
            Replacement="True",
            PolicyAction="ReplaceAndRetain",
            Details=named,
        ),
    ]
    jobs = "the jobs, the sources and what is published are in it"
    assert lines_of(changes) == [
        "  remove            Bucket\n    DATA AT RISK: the published data is in it, and IT IS DELETED",
        f"  replace           Table (TableName)\n    DATA AT RISK: {jobs}, and it stays, but belongs to no stack",
        "  replace           Topic",
        "  create            Alarm",
        "  change            Import",
    ]


def test_a_network_of_before_is_told_of() -> None:
    """The stack was on EFS once, and goes on naming the network of then."""
    added = Change(resource="FunctionSecurityGroup", kind="AWS::EC2::SecurityGroup", action="Add")
    prepared = Prepared(template={}, keys=frozenset(), change_set="", stack_id="", changes=(added,))
    assert "FUNCTIONS GET A NETWORK" in prepared.remarks()[0]
    assert "VpcId= SubnetA= SubnetB=" in prepared.remarks()[1]
    assert replace(prepared, given=frozenset({"VpcId", "SubnetA", "SubnetB"})).remarks() == []
    assert replace(prepared, changes=(replace(added, action="Modify"),)).remarks() == []


def test_a_long_history_is_not_read_at_each_look(account: Account, deployment: Deployment) -> None:
    stack = account.stacks[STACK] = Stack(
        f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1"
    )
    for number in range(250):
        stack.note(f"Old{number}", "AWS::SNS::Topic", "UPDATE_FAILED", "of last year")
    lines: list[str] = []
    progress = Progress(deployment.client("cloudformation"), stack.id, lines.append)
    stack.note("New", "AWS::SNS::Topic", "UPDATE_COMPLETE")
    for _ in range(3):
        assert progress.follow() is None
    assert len(account.calls) == 4  # a page each
    stack.note("Tie", "AWS::SNS::Topic", "UPDATE_COMPLETE")
    stack.events[-2:] = reversed(
        stack.events[-2:]
    )  # it is listed below one of the same moment that was seen
    progress.follow()
    assert lines[-1].endswith("Tie: update complete")
    account.calls.clear()
    for number in range(120):  # more than a page between two looks
        stack.note(f"New{number}", "AWS::SNS::Topic", "UPDATE_COMPLETE")
    progress.follow()
    assert len(account.calls) == 2
    assert len(lines) == 122


def test_the_first_failure_of_this_change_is_the_reason(
    account: Account, deployment: Deployment
) -> None:
    """Not one of an earlier change, nor what was stopped beside it."""
    stack = account.stacks[STACK] = Stack(
        f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1"
    )
    stack.note("Old", "AWS::SNS::Topic", "CREATE_FAILED", "of last year")
    lines: list[str] = []
    progress = Progress(deployment.client("cloudformation"), stack.id, lines.append)
    stack.note("Beside", "AWS::SNS::Topic", "CREATE_FAILED", "Resource creation cancelled")
    stack.note("First", "AWS::SNS::Topic", "CREATE_FAILED", "no right")
    assert progress.follow() is None
    stack.note("Beside", "AWS::SNS::Topic", "DELETE_FAILED", "later")
    stack.note(STACK, KIND, "UPDATE_ROLLBACK_COMPLETE")
    assert progress.follow() == "UPDATE_ROLLBACK_COMPLETE"
    assert progress.reason() == "First: no right"
    assert [line[line.index("s  ") + 3 :] for line in lines] == [
        "Beside: create failed",
        "First: create failed",
        "Beside: delete failed",
    ]
