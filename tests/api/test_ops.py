"""The routes of an operator, over HTTP."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.api_client import ADMIN, OPERATOR, READER, Reply
from support.coordination import table_contents
from support.two_snapshots import publish_two

from chalicelib.api.tokens import digest_of
from chalicelib.errors import SourceUnavailable
from chalicelib.jobs.job import new_job
from chalicelib.jobs.pulse import note_pulse
from chalicelib.services import Services
from chalicelib.warehouse.names import LATEST, snapshot_name

if TYPE_CHECKING:
    from support.api_client import Api
    from support.coordination import LambdaHandler

    from chalicelib.jobs.lock import Snapshot
    from local.aws.emulator import LocalAws

OPS = "/api/v1/ops"
TABLE = "wellhead-test"
UNKNOWN = "c02841a6-d267-491c-a25d-020a5d70712a"


@pytest.fixture
def two(
    environment: dict[str, str], api: Api, lambda_handler: type[LambdaHandler]
) -> tuple[Snapshot, Snapshot]:
    found = publish_two(environment)
    lambda_handler.invocations.clear()
    return found


def ask(api: Api, method: str, what: str, sent: Any = None, **headers: str) -> Reply:
    body = sent if isinstance(sent, bytes) else None if sent is None else json.dumps(sent).encode()
    return api.ask(method, f"{OPS}/{what}", body, Authorization=f"Bearer {ADMIN}", **headers)


def data(reply: Reply, status: int = 200) -> Any:
    assert reply.status == status, reply.envelope
    return reply.envelope["data"]


def refused(reply: Reply) -> tuple[int, str, str | None]:
    error = reply.envelope["error"]
    return reply.status, error["code"], error.get("rule") or error["details"].get("field")


def test_the_status_of_an_empty_stack(api: Api) -> None:
    status = data(ask(api, "GET", "status"))

    assert (status["running"], status["snapshot"], status["sweeper"], status["last_failures"]) == (
        None,
        None,
        {"at": None},
        [],
    )
    assert status["lock"] == {
        "fence": 0,
        "job_id": None,
        "since": None,
        "holder": None,
        "lease_until": None,
        "is_over": False,
    }


def test_the_status_tells_what_runs_what_is_published_and_what_failed(
    environment: dict[str, str], two: tuple[Snapshot, Snapshot], api: Api
) -> None:
    manager = Services(environment).job_manager
    for _ in range(2):
        job = manager.create(new_job(now=time.time(), triggered_by="ada", parameters={}))
        claim = manager.claim(job.job_id, holder="worker")
        manager.finish(claim, claim.job.fail(SourceUnavailable(), at=time.time()))
    running = manager.create(new_job(now=time.time(), triggered_by="ada", parameters={}))
    manager.claim(running.job_id, holder="worker-7")
    note_pulse(job_manager=manager, clock=lambda: 1795407861.5)

    reply = ask(api, "GET", "status")

    status = data(reply)
    assert status["running"]["job_id"] == status["lock"]["job_id"] == running.job_id
    assert (status["lock"]["holder"], status["lock"]["fence"], status["lock"]["is_over"]) == (
        "worker-7",
        5,
        False,
    )
    told = status["snapshot"]
    assert (told["name"], told["rows"], told["sha256"], told["is_current"]) == (
        two[1].name,
        two[1].rows,
        two[1].sha256,
        True,
    )
    assert [failure["code"] for failure in status["last_failures"]] == ["SOURCE_UNAVAILABLE"] * 2
    assert status["sweeper"] == {"at": 1795407861.5}
    assert running.job_id in reply.envelope["message"]


def test_what_does_not_answer_is_told_and_no_error(
    api: Api, lambda_handler: type[LambdaHandler]
) -> None:
    lambda_handler.status = 404

    status = data(ask(api, "GET", "status"))

    assert (status["is_healthy"], status["checks"]["table"]) == (False, "ok")
    assert status["checks"]["query_function"] == "QUERY_FUNCTION_MISSING"


def test_the_kept_snapshots_are_listed(two: tuple[Snapshot, Snapshot], api: Api) -> None:
    kept = data(ask(api, "GET", "snapshots"))["snapshots"]

    assert [
        (each["name"], each["rows"], each["is_current"], each["is_there"]) for each in kept
    ] == [
        (two[1].name, two[1].rows, True, True),
        (two[0].name, two[0].rows, False, True),
    ]


def test_a_rollback_is_a_job_that_the_import_function_is_told_of(
    environment: dict[str, str],
    two: tuple[Snapshot, Snapshot],
    api: Api,
    lambda_handler: type[LambdaHandler],
) -> None:
    replies = [
        ask(api, "POST", "rollback", {"snapshot": two[0].name}, Idempotency_Key="k")
        for _ in range(2)
    ]

    job = data(replies[0], 202)
    assert data(replies[1], 202)["job_id"] == job["job_id"]
    assert (job["rollback_to"], job["triggered_by"], job["source"], job["status"]) == (
        two[0].name,
        "eve",
        None,
        "PENDING",
    )
    assert replies[0].headers["Location"] == f"../wells/import/status/{job['job_id']}"
    assert {invocation[2]["job_id"] for invocation in lambda_handler.invocations} == {job["job_id"]}
    assert refused(ask(api, "POST", "rollback", {"snapshot": two[0].name})) == (
        409,
        "BUSINESS_RULE_VIOLATION",
        "SINGLE_IMPORT_RULE",
    )

    services = Services(environment)
    services.work_on(job["job_id"], request_id="test", remaining=lambda: 900.0)

    shown = api.ask("GET", f"/api/v1/wells/import/status/{job['job_id']}").envelope
    assert (shown["data"]["status"], shown["message"]) == (
        "COMPLETED",
        f"The rollback to {two[0].name} is complete.",
    )
    now = services.job_manager.current_snapshot()
    assert now
    assert (now.rows, now.job_id) == (two[0].rows, job["job_id"])


def test_a_rollback_to_what_is_not_there_is_refused(
    two: tuple[Snapshot, Snapshot], api: Api
) -> None:
    before = ask(api, "GET", "status").envelope["data"]["lock"]
    strange = snapshot_name(7, two[0].job_id)

    assert (
        refused(ask(api, "POST", "rollback", {"snapshot": two[1].name}))[2]
        == "CURRENT_SNAPSHOT_RULE"
    )
    unknown = ask(api, "POST", "rollback", {"snapshot": strange})
    assert (unknown.status, unknown.envelope["error"]["code"]) == (404, "SNAPSHOT_UNKNOWN")
    wrong: list[Any] = [
        {},
        [],
        b"[",
        {"snapshot": 1},
        {"snapshot": LATEST},
        {"snapshot": two[0].name, "x": 1},
    ]
    for sent in wrong:
        assert refused(ask(api, "POST", "rollback", sent))[:2] == (400, "VALIDATION_ERROR"), sent
    assert ask(api, "GET", "status").envelope["data"]["lock"] == before


@pytest.mark.parametrize("what", ["verify", "drill", "restore"])
def test_a_report_is_begun_done_and_shown(
    environment: dict[str, str],
    two: tuple[Snapshot, Snapshot],
    api: Api,
    lambda_handler: type[LambdaHandler],
    what: str,
) -> None:
    sent: Any = {"verify": {"all": True}, "drill": None, "restore": {"snapshot": two[0].name}}[what]
    reply = ask(api, "POST", what, sent)
    begun = data(reply, 202)
    address = f"{what}/{begun['check_id']}"
    assert (begun["status"], reply.headers["Location"]) == ("PENDING", address)
    assert lambda_handler.invocations[-1][2] == {"check_id": begun["check_id"]}
    assert data(ask(api, "GET", address))["status"] == "PENDING"

    Services(environment).check(begun["check_id"])

    shown = data(ask(api, "GET", address))
    assert (shown["status"], shown["error"]) == ("DONE", None)
    assert shown["result"].get("is_right", True)
    other = {"verify": "drill", "drill": "restore", "restore": "verify"}[what]
    for unknown in (f"{other}/{begun['check_id']}", f"{what}/{UNKNOWN}", f"{what}/x"):
        assert ask(api, "GET", unknown).envelope["error"]["code"] == "OPS_REPORT_UNKNOWN"


def test_a_body_that_is_none_of_a_report_is_refused(api: Api, dynamodb: Any) -> None:
    for what, sent in [
        ("verify", {"all": 1}),
        ("verify", {"every": True}),
        ("verify", []),
        ("drill", {"x": 1}),
        ("restore", {}),
        ("restore", {"snapshot": "owner.json"}),
    ]:
        assert refused(ask(api, "POST", what, sent))[:2] == (400, "VALIDATION_ERROR"), (what, sent)
    assert table_contents(dynamodb, TABLE) == {}


def test_tokens_are_listed_without_what_is_secret(api: Api, aws: LocalAws) -> None:
    aws.put_parameter("/wellhead/tokens/odd", "no token")

    reply = ask(api, "GET", "tokens")

    tokens = data(reply)["tokens"]
    assert [(token["name"], token["role"]) for token in tokens] == [
        ("ada", "operator"),
        ("bob", "reader"),
        ("eve", "admin"),
        ("odd", None),
    ]
    assert all(abs(token["created_at"] - time.time()) < 600 for token in tokens)
    text = json.dumps(reply.envelope)
    assert not any(
        secret in text
        for token in (ADMIN, OPERATOR, READER)
        for secret in (token, digest_of(token))
    )
