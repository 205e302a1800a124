"""A smoke test leaves no token behind, whatever else goes wrong;
and what it changes, it changes as it says.
"""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import aws_client
from support.formation import Account, Stack, formation
from support.packaged import packaged
from support.rights import ACCOUNT, REGION

from infra.deployment import DeploymentError
from infra.renewal import MARK, QUEUE_SECONDS, Imports, other_code, renew
from infra.smoke import AGAIN, GOOD, UPDATE, NotShown, Smoke
from local.aws.loopback import LoopbackHandler, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.package import Package
    from local.aws.emulator import LocalAws

STACK = "wellhead-try"
TABLE = ("AWS::DynamoDB::Table", STACK)
NOWHERE = "http://127.0.0.1:9"
GIVEN = {"SourceUrl": "https://odata.example.com/v4/WellProduction", "LogDays": "7"}
WEBHOOK = "https://hooks.example.com/a-secret-of-theirs"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """With less to upload."""
    code = tmp_path_factory.mktemp("code") / "small.zip"
    with zipfile.ZipFile(code, "w") as files:
        files.writestr("app.py", "")
    return replace(packaged(tmp_path_factory), bundle=code, layer=code)


def test_a_stage_that_cannot_be_reached_gets_a_table_and_no_token_stays(
    aws: LocalAws, package: Package
) -> None:
    with formation(aws, "try") as (deployment, account, _):
        stack = Stack(
            f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/1", status="CREATE_COMPLETE"
        )
        account.stacks[STACK] = stack
        smoke = Smoke(deployment, NOWHERE, patience=0)
        lines = {line.what: line for line in smoke.run()}
        assert not smoke.passed
        assert "URLError" in lines["health"].found
        assert {"the source goes", "the file goes"} <= lines.keys()
        assert "| a token works | **NO** |" in smoke.table()
        for what in (UPDATE, AGAIN):
            assert f"| {what} | not tried | | it changes the stack: CHANGES=1 |" in smoke.table()
        assert stack.status == "CREATE_COMPLETE"
        names = deployment.client("ssm").get_parameters_by_path(Path=f"/{STACK}", Recursive=True)
        assert names["Parameters"] == []
        told = Smoke(deployment, NOWHERE, package=package, beyond={AGAIN: "because"}).table()
        assert f"| {AGAIN} | not tried | | because |" in told
        assert UPDATE not in told  # which would be tried


@pytest.fixture
def api(request: pytest.FixtureRequest) -> Iterator[tuple[LoopbackServer, list[int]]]:
    """It has so many rows, look by look.
    Lambda answers here too, of the function that posts to the webhook.
    """
    rows = list(request.param)

    class Api(LoopbackHandler):
        def do_GET(self) -> None:  # noqa: N802  http.server's name
            if self.path.endswith("/configuration"):
                variables = {
                    "WELLHEAD_WEBHOOK_URL": WEBHOOK if "try-notices" in self.path else "another"
                }
                told = json.dumps({"Environment": {"Variables": variables}}).encode()
                self.answer(200, told, {"Content-Type": "application/json"})
                return
            count = rows.pop(0) if "/production" in self.path else 0
            self.answer(
                200, json.dumps({"data": {"rows": [{"well": n} for n in range(count)]}}).encode()
            )

    server = LoopbackServer(Api).start()
    yield server, rows
    server.stop()


@pytest.mark.parametrize(
    ("api", "is_shown"), [((GOOD, GOOD), True), ((GOOD, 0), False)], indirect=["api"]
)
def test_a_stack_is_made_anew_with_what_was_said_for_it(
    aws: LocalAws, package: Package, api: tuple[LoopbackServer, list[int]], is_shown: bool
) -> None:
    with formation(aws, "try") as (deployment, account, said):
        deployment.deploy(
            package, {**GIVEN, "WebhookUrl": WEBHOOK, "WebhookForm": "slack"}, {"team": "wells"}
        )
        functions = aws_client(api[0].url, "lambda")
        clients = replace(
            deployment,
            client=lambda name: functions if name == "lambda" else deployment.client(name),
        )
        before, account.api = account.stacks[STACK], f"{api[0].url}/api/v1"
        rests: list[float] = []
        smoke = Smoke(clients, api[0].url, patience=1, package=package, rest=rests.append)
        if is_shown:
            assert smoke._again(package) == f"{GOOD} rows, at {api[0].url}"
        else:
            with pytest.raises(NotShown, match=f"{GOOD} rows before, 0 after"):
                smoke._again(package)
        assert rests == [QUEUE_SECONDS]
        now = account.stacks[STACK]
        assert (now is before, now.status) == (False, "CREATE_COMPLETE")
        assert now.parameters.items() >= GIVEN.items()
        assert (now.tags["team"], account.exists[TABLE]) == ("wells", STACK)
        assert (now.parameters["WebhookUrl"], now.parameters["WebhookForm"]) == (WEBHOOK, "slack")
        assert WEBHOOK not in "\n".join(said)


@pytest.mark.parametrize("ends", ["COMPLETED", "FAILED"])
def test_an_import_is_under_way_when_its_code_becomes_another(
    aws: LocalAws, package: Package, ends: str
) -> None:
    """The second one ends when it has."""
    with formation(aws, "try") as (deployment, account, _):
        deployment.deploy(package, GIVEN)
        old = _code(account)
        triggers: list[None] = []

        class Stage(LoopbackHandler):
            """The API, and what Lambda tells of a function."""

            def do_GET(self) -> None:  # noqa: N802  http.server's name
                if self.path.endswith("/configuration"):
                    self._tell({"CodeSha256": _code(account)})
                else:
                    runs = len(triggers) == 2 and _code(account) == old
                    self._tell(
                        {
                            "data": {
                                "status": "RUNNING"
                                if runs
                                else ends
                                if len(triggers) > 1
                                else "COMPLETED"
                            }
                        }
                    )

            def do_POST(self) -> None:  # noqa: N802
                triggers.append(None)
                self._tell({"data": {"job_id": str(len(triggers))}}, status=202)

            def _tell(self, told: Any, *, status: int = 200) -> None:
                self.answer(status, json.dumps(told).encode(), {"Content-Type": "application/json"})

        server = LoopbackServer(Stage).start()
        functions = aws_client(server.url, "lambda")
        clients = replace(
            deployment,
            client=lambda name: functions if name == "lambda" else deployment.client(name),
        )
        smoke = Smoke(clients, server.url, patience=30, package=package)
        if ends == "COMPLETED":
            assert re.fullmatch(
                r"\d+ imports COMPLETED, 1 of them begun with the old code", smoke._update(package)
            )
        else:
            with pytest.raises(NotShown, match="COMPLETED, FAILED"):
                smoke._update(package)
        server.stop()
        assert _code(account) != old
        assert account.stacks[STACK].parameters["LogDays"] == "7"


def _code(account: Account) -> str:
    return str(
        account.stacks[STACK].template["Resources"]["Import"]["Properties"]["CodeUri"]["Key"]
    )


def test_nothing_is_removed_that_the_next_stack_would_not_take_over(
    aws: LocalAws, package: Package
) -> None:
    with formation(aws, "try") as (deployment, account, _):
        with pytest.raises(DeploymentError, match="There is no stack"):
            renew(deployment, package)
        deployment.deploy(
            package, {**GIVEN, "Warehouse": "efs", "VpcId": "v", "SubnetA": "a", "SubnetB": "b"}
        )
        with pytest.raises(DeploymentError, match="An EFS file system is not taken over"):
            renew(deployment, package)
        assert _is_there(account)


def _is_there(account: Account) -> bool:
    return account.stacks[STACK].status == "CREATE_COMPLETE"


def test_other_code_is_the_same_code_in_another_zip(package: Package, tmp_path: Path) -> None:
    other = other_code(package, tmp_path, "now")
    assert other.bundle.read_bytes() != package.bundle.read_bytes()
    with zipfile.ZipFile(other.bundle) as new, zipfile.ZipFile(package.bundle) as old:
        assert new.namelist() == [*old.namelist(), MARK]
    assert (other.template, other.layer) == (package.template, package.layer)


def test_it_is_seen_whether_the_code_was_exchanged_under_an_import() -> None:
    codes = ["old", "old", "old", "new", "new", "new"]
    runs: list[Any] = []

    def run() -> str:
        runs.append(None)
        return "COMPLETED"

    with Imports(run, lambda: codes.pop(0)) as imports:
        while codes:
            pass
    assert (imports.ends[:3], imports.exchanged) == (["COMPLETED"] * 3, 1)
    with Imports(run, lambda: codes.pop(0)) as imports:
        pass
    assert isinstance(imports.fault, IndexError)
