"""`wellhead ops` as people and scripts run it:
a process of its own, against the API and a worker.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest
from support.api_client import ADMIN, READER
from support.program import Done, on_a_terminal, program_environment, run
from support.two_snapshots import publish_two

from chalicelib.services import Services
from chalicelib.warehouse.names import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.api_client import Api
    from support.coordination import LambdaHandler

    from chalicelib.jobs.lock import Snapshot


class Operator:
    """The program with a token of an admin; what it has the API begin is done."""

    def __init__(
        self, api: Api, environment: dict[str, str], invocations: list[Any], home: Path
    ) -> None:
        at = {"WELLHEAD_URL": f"http://127.0.0.1:{api.port}", "WELLHEAD_TOKEN": ADMIN}
        self.environment = program_environment(home) | at
        self.services = Services(environment)
        self._invocations = invocations
        self._stopped = threading.Event()
        self._worker = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._worker.join()

    def _work(self) -> None:
        done = 0
        while not self._stopped.wait(0.05):
            for _, _, event in self._invocations[done:]:
                done += 1
                if "check_id" in event:
                    self.services.check(event["check_id"])
                elif "job_id" in event:
                    self.services.work_on(
                        event["job_id"], request_id="test", remaining=lambda: 900.0
                    )

    def run(self, *arguments: str, **options: Any) -> Done:
        return run("ops", *arguments, environment=self.environment, **options)

    def told(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def current(self) -> Snapshot:
        snapshot = self.services.job_manager.current_snapshot()
        assert snapshot
        return snapshot


@pytest.fixture
def two(
    environment: dict[str, str], api: Api, lambda_handler: type[LambdaHandler]
) -> tuple[Snapshot, Snapshot]:
    found = publish_two(environment)
    lambda_handler.invocations.clear()
    return found


@pytest.fixture
def operator(
    two: tuple[Snapshot, Snapshot],
    api: Api,
    environment: dict[str, str],
    lambda_handler: type[LambdaHandler],
    tmp_path: Path,
) -> Iterator[Operator]:
    with Operator(api, environment, lambda_handler.invocations, tmp_path) as operator:
        yield operator


def test_what_is_kept_and_what_goes_on_is_shown(
    operator: Operator,
    two: tuple[Snapshot, Snapshot],
    lambda_handler: type[LambdaHandler],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WELLHEAD_QUERY_FUNCTION", "wellhead-test-query")
    status, plain = operator.told("status"), operator.run("status").stdout

    assert (status["lock"]["job_id"], status["snapshot"]["name"]) == (None, two[1].name)
    assert "lock\tfree" in plain
    assert f"snapshot\t{two[1].name}" in plain
    assert [kept["name"] for kept in operator.told("snapshots")] == [two[1].name, two[0].name]
    lines = operator.run("snapshots").stdout.splitlines()
    assert [line.split("\t")[:2] for line in lines[1:]] == [["now", two[1].name], ["", two[0].name]]
    screen, _ = on_a_terminal("ops", "snapshots", environment=operator.environment)
    assert all(snapshot.name in screen for snapshot in two)
    lambda_handler.status = 404
    silent = operator.run("status")
    assert (silent.returncode, "health\tNOT OK" in silent.stdout) == (1, True)


def test_a_rollback_is_asked_about_done_and_shown(
    operator: Operator, two: tuple[Snapshot, Snapshot]
) -> None:
    nobody = operator.run("rollback", two[0].name)
    assert (nobody.returncode, "--yes" in nobody.stderr) == (2, True)
    _, asked = on_a_terminal(
        "ops", "rollback", two[0].name, environment=operator.environment, typed="n\n", code=1
    )
    assert "Nothing was done." in asked
    assert "60" not in asked or two[1].name in asked.replace("\r\n", "")
    assert operator.current == two[1]

    job = operator.told("rollback", two[0].name, "--yes")

    assert (job["status"], job["rollback_to"], operator.current.rows) == (
        "COMPLETED",
        two[0].name,
        two[0].rows,
    )
    listed = run("jobs", environment=operator.environment).stdout
    assert "(rollback)" in listed
    again = operator.run("rollback", operator.current.name, "--yes", "--json")
    assert again.returncode == 1
    assert json.loads(again.stderr.splitlines()[-1])["error"]["details"] == {
        "snapshot": operator.current.name
    }


def test_a_verification_tells_what_is_wrong(operator: Operator) -> None:
    assert operator.told("verify", "--all")["is_right"]
    path = Path(operator.services.settings.warehouse, LATEST)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    done = operator.run("verify")

    assert done.returncode == 1
    assert f"stable name\tWRONG\t{LATEST}" in done.stdout
    assert f"{LATEST}: " in done.stderr
    assert operator.run("verify", "--all", "--here").returncode == 2


def test_a_drill_and_a_restore_tell_what_they_did(
    operator: Operator, two: tuple[Snapshot, Snapshot]
) -> None:
    drill = operator.run("drill")
    assert (drill.returncode, "outcome\tright" in drill.stdout) == (0, True)
    assert [line.split("\t")[0] for line in drill.stdout.splitlines()[-4:]] == [
        "fetch",
        "restore",
        "verify",
        "remove",
    ]

    assert "was there" in operator.run("restore", two[0].name).stdout
    operator.services.warehouse.remove(two[0].name)
    gone = operator.run("restore", two[0].name, "--json")
    assert gone.returncode == 1
    assert json.loads(gone.stderr.splitlines()[-1])["error"]["code"] == "NO_OLDER_VERSION"


def test_tokens_are_listed_for_an_admin_alone(operator: Operator) -> None:
    assert [token["name"] for token in operator.told("tokens")] == ["ada", "bob", "eve"]
    assert operator.told("tokens", "list") == operator.told("tokens")
    assert "ada\toperator\t" in operator.run("tokens").stdout

    refused = run("ops", "tokens", environment=operator.environment | {"WELLHEAD_TOKEN": READER})
    assert (refused.returncode, "ROLE_REQUIRED" in refused.stderr) == (4, True)
