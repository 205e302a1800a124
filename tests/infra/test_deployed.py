"""The real zip and the real template, deployed by the real deploy command into an AWS on this
machine.

One stack for the whole story, because making it takes longer than living in it: created, asked with
and without a token, imported into, killed, failed, broken, and deleted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from support.imports import expected_rows, stored_rows
from support.mini_stack import REGION, MiniStack, for_mini_stack, guard
from support.packaged import STAGE, packaged
from support.waiting import wait_until

from infra.__main__ import summary
from infra.deployment import Deployment, DeploymentError
from infra.smoke import AGAIN, UPDATE, Smoke
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from infra.package import Package

OLD, NEW = GeneratedProduction(2_000), GeneratedProduction(3_000, revision=1)
USER, PASSWORD = "wells", "open sesame"
STACK = f"wellhead-{STAGE}"
EVENTS = Path(__file__).parents[2] / "infra" / "events"
LOOKS = {"Delay": 1, "MaxAttempts": 60}


class Deployed:
    """The stack, over HTTP through its gateway as anybody would use it,
    and the keys to what lies behind.
    """

    def __init__(self, mini_stack: MiniStack, *, api_id: str, token: str) -> None:
        self.mini_stack = mini_stack
        self.client = mini_stack.client
        self.token = token
        self.base = f"{mini_stack.url}/_aws/execute-api/{api_id}/{STAGE}"

    def ask(self, method: str, path: str, *, token: str | None = "") -> tuple[int, dict[str, Any]]:
        """With the operator's token unless told otherwise; None for no token."""
        headers = {} if token is None else {"Authorization": f"Bearer {token or self.token}"}
        request = urllib.request.Request(self.base + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, json.load(exc)

    def status_of(self, method: str, path: str) -> int:
        request = urllib.request.Request(
            self.base + path, method=method, headers={"Authorization": f"Bearer {self.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return int(response.status)
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code

    def text(self, path: str) -> str:
        with urllib.request.urlopen(self.base + path, timeout=60) as response:
            return str(response.read().decode())

    def trigger(self) -> str:
        status, answer = self.ask("POST", "/api/v1/wells/import/trigger")
        assert status == 202, answer
        return str(answer["data"]["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        status, answer = self.ask("GET", f"/api/v1/wells/import/status/{job_id}")
        assert status == 200, answer
        view: dict[str, Any] = answer["data"]
        return view

    def job_at_its_end(self, job_id: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            view = self.job(job_id)
            return view if view["status"] in ("COMPLETED", "FAILED", "CANCELLED") else None

        view: dict[str, Any] = wait_until(ended, seconds=120, longest_pause=0.4)
        return view

    def published(self, directory: Path) -> list[tuple[Any, ...]]:
        """The rows of the database that the export sends its reader to."""
        status, answer = self.ask("GET", "/api/v1/wells/export")
        assert status == 200, answer
        with urllib.request.urlopen(answer["data"]["url"], timeout=60) as response:
            (directory / "wells.duckdb").write_bytes(response.read())
        return stored_rows(directory / "wells.duckdb")

    def call(self, function: str, event: Any) -> str:
        answer = self.client("lambda").invoke(
            FunctionName=f"{STACK}-{function}", Payload=json.dumps(event)
        )
        text = str(answer["Payload"].read().decode())
        assert "FunctionError" not in answer, text
        return text.strip('"')  # which MiniStack leaves out

    def workers(self, function: str) -> list[int]:
        """The processes of a function."""
        mark = f"AWS_LAMBDA_FUNCTION_NAME={STACK}-{function}".encode()
        address = f"GATEWAY_PORT={self.mini_stack.port}".encode()
        return [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/environ")
            if {mark, address} <= _environment(path)
        ]

    def set_source_secret(self, password: str) -> None:
        secret = json.dumps({"username": USER, "password": password})
        self.client("ssm").put_parameter(
            Name=f"/{STACK}/source", Value=secret, Type="SecureString", Overwrite=True
        )

    def break_function(self, function: str) -> None:
        """It fails at every start from now on: a setting of it is wrong."""
        functions = self.client("lambda")
        told = functions.get_function_configuration(FunctionName=f"{STACK}-{function}")[
            "Environment"
        ]["Variables"]
        functions.update_function_configuration(
            FunctionName=f"{STACK}-{function}",
            Environment={"Variables": {**told, "WELLHEAD_LEASE_SECONDS": "never"}},
        )


def _environment(path: Path) -> set[bytes]:
    try:
        return set(path.read_bytes().split(b"\0"))
    except OSError:  # the process has ended
        return set()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the bundle is for Linux")
def test_a_deployed_stack_from_its_creation_to_its_end(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    package = for_mini_stack(packaged(tmp_path_factory), tmp_path)
    with (
        MiniStack(tmp_path) as mini_stack,
        SampleSource(OLD, credentials=(USER, PASSWORD)) as source,
    ):
        deployment = Deployment(client=mini_stack.client, region=REGION, stage=STAGE, waiter=LOOKS)
        _a_failed_deploy_is_told(deployment, package, source)
        stack = _created(deployment, package, mini_stack, source)
        _only_tokens_open_it(stack)
        _an_import_is_published(stack, source, tmp_path)
        _a_killed_worker_is_survived(stack, source, tmp_path)
        _a_failing_source_ends_the_job(stack, tmp_path)
        _a_job_is_cancelled(stack, source)
        _every_route_answers(stack)
        _a_smoke_test_shows_all_but_what_only_aws_can(deployment, stack, package)
        _failed_events_are_taken_up(stack)
        _deleted(deployment, mini_stack)


def _a_failed_deploy_is_told(
    deployment: Deployment, package: Package, source: SampleSource
) -> None:
    template = json.loads(package.template.read_text())
    template["Resources"]["Impossible"] = {"Type": "AWS::Impossible::Thing"}
    broken = replace(package, template=package.template.with_name("broken.json"))
    broken.template.write_text(json.dumps(template))
    with pytest.raises(DeploymentError, match="SourceUrl"):
        deployment.deploy(package, {})
    with pytest.raises(DeploymentError, match=r"^Impossible: "):
        deployment.deploy(broken, {"SourceUrl": source.url})
    assert deployment.plan(package, {"SourceUrl": source.url})[0].startswith("The first deploy of")


def _created(
    deployment: Deployment, package: Package, mini_stack: MiniStack, source: SampleSource
) -> Deployed:
    with pytest.raises(DeploymentError, match="There is no parameter SourceURL"):
        deployment.deploy(package, {"SourceURL": source.url})
    given = {
        "SourceUrl": source.url,
        "SourceAuth": "basic",
        "NotificationEmail": "wells@example.com",
    }
    outputs = deployment.deploy(package, given)  # removes what is left of the one that failed
    planned = deployment.plan(package, {"LogDays": "7"})
    assert {line.split()[-1] for line in planned} >= {"ImportLogs", "ApiAccessLogs"}
    assert all(line.startswith("  change") and line.endswith("Logs") for line in planned)
    for change in ({"LogDays": "7"}, {}):  # the second changes nothing
        assert deployment.deploy(package, change) == outputs
        assert given.items() | {("LogDays", "7")} <= _parameters(mini_stack).items()
    _alarms_that_go_to_nobody_are_told(deployment, outputs)
    guard(mini_stack.client, package, api_id=outputs["RestAPIId"], stack=STACK)
    token = _command(
        mini_stack, "token", "--role", "admin", "--name", "ada", "--days", "90"
    ).splitlines()[0]
    stack = Deployed(mini_stack, api_id=outputs["RestAPIId"], token=token)
    stack.set_source_secret(PASSWORD)
    return stack


def _alarms_that_go_to_nobody_are_told(deployment: Deployment, outputs: dict[str, str]) -> None:
    topic, sns = outputs["AlarmTopicArn"], deployment.client("sns")
    said = summary(deployment, outputs)
    assert any(line.startswith("Make a token") for line in said[:-3])
    assert said[-3].startswith("ALARMS GO TO NOBODY: ")
    assert f"make deploy STAGE={STAGE} PARAMETERS='AlarmEmail=" in said[-2]
    assert said[-1].endswith(topic)

    arn = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=_function_arn(deployment))[
        "SubscriptionArn"
    ]
    assert deployment.warnings() == []
    assert summary(deployment, outputs) == said[:-3]
    sns.unsubscribe(SubscriptionArn=arn)


def _function_arn(deployment: Deployment) -> str:
    functions = deployment.client("lambda")
    return str(
        functions.get_function(FunctionName=f"{STACK}-sweeper")["Configuration"]["FunctionArn"]
    )


def _parameters(mini_stack: MiniStack) -> dict[str, str]:
    [stack] = mini_stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    return {told["ParameterKey"]: told["ParameterValue"] for told in stack["Parameters"]}


def _command(mini_stack: MiniStack, *arguments: str) -> str:
    """What `make` calls, as a person would."""
    command = [sys.executable, "-m", "infra", *arguments, "--stage", STAGE]
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": REGION}
    environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": mini_stack.url, **keys}
    return subprocess.check_output(
        command, cwd=Path(__file__).parents[2], env=environment, text=True
    )


def _only_tokens_open_it(stack: Deployed) -> None:
    jobs = "/api/v1/wells/import/jobs"
    assert stack.ask("GET", jobs, token=None)[0] == 401
    assert stack.ask("GET", jobs, token="wellhead_wrong")[0] == 401
    assert stack.ask("GET", jobs)[0] == 200
    status, answer = stack.ask("PATCH", jobs)
    assert (status, answer["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    status, answer = stack.ask("GET", "/api/v1/health", token=None)
    assert (status, answer["data"]["checks"]["query_function"]) == (200, "ok"), answer
    assert "<!doctype html>" in stack.text("/console").lower()
    assert stack.call("sweeper", json.loads((EVENTS / "sweeper.json").read_text())) == "nothing"


def _an_import_is_published(stack: Deployed, source: SampleSource, directory: Path) -> None:
    source.latency = 2
    job_id = stack.trigger()
    status, answer = stack.ask("POST", "/api/v1/wells/import/trigger")
    source.latency = 0
    assert (status, answer["error"]["rule"]) == (409, "SINGLE_IMPORT_RULE")
    assert answer["error"]["details"]["job_id"] == job_id
    view = stack.job_at_its_end(job_id)
    assert view["status"] == "COMPLETED", view["error"]
    assert (view["new_records"], view["failed_records"]) == (
        OLD.expected_counts().new,
        OLD.expected_counts().failed,
    )
    assert stack.published(directory) == expected_rows(OLD)
    status, answer = stack.ask("GET", "/api/v1/wells/production?limit=3")
    assert (status, len(answer["data"]["rows"])) == (200, 3)


def _a_killed_worker_is_survived(stack: Deployed, source: SampleSource, directory: Path) -> None:
    source.rows, source.latency = NEW, 1
    job_id = stack.trigger()
    wait_until(lambda: stack.job(job_id)["status"] == "RUNNING")
    [worker] = stack.workers("import")
    wait_until(lambda: any(event["event"] == "checkpoint" for event in stack.job(job_id)["events"]))
    os.kill(worker, signal.SIGKILL)
    source.latency = 0
    view = stack.job_at_its_end(job_id)
    assert view["status"] == "COMPLETED", view["error"]
    assert [event["event"] for event in view["events"]].count("claimed") == 2
    assert "resumed" in [event["event"] for event in view["events"]]
    assert stack.published(directory) == expected_rows(NEW)


def _a_failing_source_ends_the_job(stack: Deployed, directory: Path) -> None:
    stack.set_source_secret("wrong")
    view = stack.job_at_its_end(stack.trigger())
    assert (view["status"], view["error"]["code"]) == ("FAILED", "SOURCE_UNAUTHORIZED")
    assert stack.published(directory) == expected_rows(NEW)
    stack.set_source_secret(PASSWORD)

    status, answer = stack.ask("POST", f"/api/v1/wells/import/jobs/{view['job_id']}/retry")
    assert (status, answer["data"]["retry_of"]) == (202, view["job_id"])
    again = stack.job_at_its_end(answer["data"]["job_id"])
    assert (again["status"], again["new_records"]) == ("COMPLETED", 0)


def _a_job_is_cancelled(stack: Deployed, source: SampleSource) -> None:
    source.latency = 1
    job_id = stack.trigger()
    assert stack.ask("POST", f"/api/v1/wells/import/jobs/{job_id}/cancel")[0] == 202
    source.latency = 0
    assert stack.job_at_its_end(job_id)["status"] == "CANCELLED"


def _every_route_answers(stack: Deployed) -> None:
    """As the served document lists them; what changes something has been asked before."""
    document = json.loads(stack.text("/api/v1/openapi.json"))
    job_id = stack.ask("GET", "/api/v1/wells/import/jobs?status=COMPLETED&limit=1")[1]["data"][
        "jobs"
    ][0]["job_id"]
    asked = [
        (method.upper(), f"/api/v1{path.format(job_id=job_id, name='default', token_name='ada')}")
        for path, methods in document["paths"].items()
        for method in methods
        if method in ("get", "head", "options")
        and (method, path) != ("get", "/wells/import/trigger")
        if "{check_id}" not in path  # of which there is none
    ]
    answered = {(method, path): stack.status_of(method, path) for method, path in asked}
    assert len(asked) > 35
    assert answered == {
        (method, path): 204 if method == "OPTIONS" else 200 for method, path in asked
    }


def _a_smoke_test_shows_all_but_what_only_aws_can(
    deployment: Deployment, stack: Deployed, package: Package
) -> None:
    beyond = {
        UPDATE: "MiniStack ends what a function is doing when its code becomes another",
        AGAIN: "MiniStack deletes what a policy keeps, and takes nothing over",
    }
    smoke = Smoke(deployment, stack.base, patience=60, package=package, beyond=beyond)
    lines = {line.what: line for line in smoke.run()}
    assert [str(line) for line in lines.values() if not line.shown] == []
    assert lines["status to COMPLETED"].found == "40 rows, 1 rejected"
    assert lines["405 with Allow"].found == "Allow: GET, HEAD, OPTIONS"
    assert len(lines) == 14
    for what in (UPDATE, AGAIN):
        assert f"| {what} | not tried | | MiniStack" in smoke.table()
    assert stack.ask("GET", "/api/v1/sources/wellhead-smoke")[0] == 404
    with pytest.raises(DeploymentError, match="a stage that holds nothing of worth"):
        Smoke(replace(deployment, stage="prod"), stack.base).run()


def _failed_events_are_taken_up(stack: Deployed) -> None:
    """Of the import function by the function failed-event;
    of that one by the queue that the alarm watches.
    """
    stack.break_function("import")
    view = stack.job_at_its_end(stack.trigger())
    assert (view["status"], view["error"]["code"]) == ("FAILED", "DISPATCH_FAILED")

    stack.break_function("failed-event")
    record = {"requestPayload": {"job_id": view["job_id"]}}
    stack.client("lambda").invoke(
        FunctionName=f"{STACK}-failed-event", InvocationType="Event", Payload=json.dumps(record)
    )
    queue = stack.client("sqs")
    url = queue.get_queue_url(QueueName=f"{STACK}-untaken-events")["QueueUrl"]
    [message] = wait_until(lambda: queue.receive_message(QueueUrl=url).get("Messages"))
    assert (
        json.loads(message["Body"])["requestPayload"]["requestPayload"] == record["requestPayload"]
    )


def _deleted(deployment: Deployment, mini_stack: MiniStack) -> None:
    """MiniStack knows no DeletionPolicy; tests/infra/test_redeploy.py looks at what stays."""
    client, outputs = deployment.client, deployment.outputs()
    with pytest.raises(subprocess.CalledProcessError):
        _command(mini_stack, "destroy", "--data", "delete", "--yes", "wellhead-another")
    assert deployment.outputs() == outputs

    told = _command(mini_stack, "destroy", "--data", "delete", "--yes", STACK)
    assert f"the bucket {outputs['BucketName']}: " in told
    assert told.splitlines()[-1].startswith(f"{STACK} is gone, and so are its table")
    with pytest.raises(ClientError):
        client("s3").head_bucket(Bucket=outputs["BucketName"])
    with pytest.raises(ClientError):
        client("dynamodb").describe_table(TableName=outputs["TableName"])
    assert (
        client("ssm").get_parameters_by_path(Path=f"/{STACK}", Recursive=True)["Parameters"] == []
    )
    with pytest.raises(DeploymentError, match="There is no stack"):
        deployment.outputs()
    assert client("lambda").list_functions()["Functions"] == []
    with pytest.raises(subprocess.CalledProcessError):
        _command(mini_stack, "destroy")
