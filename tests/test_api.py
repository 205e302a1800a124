"""The HTTP contract, over HTTP: one envelope for every answer, and what each route says to whom."""

from __future__ import annotations

import http.client
import importlib
import json
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from chalice.config import Config
from coordination import LambdaHandler, table_contents

from chalicelib.errors import NotStarted, SourceUnavailable
from chalicelib.services import Services
from local.api_gateway import create_server
from local.loopback import LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.job_manager import JobManager
    from local.aws import LocalAws

TABLE = "wellhead-test"
TRIGGER = "/api/v1/wells/import/trigger"
STATUS = "/api/v1/wells/import/status"
UNKNOWN = "018cc251-f400-7000-8000-000000000000"


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    envelope: dict[str, Any]


class Api:
    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """Checks what holds for every answer, and leaves request id and time out of the envelope."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        envelope = json.loads(response.read())
        connection.close()
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Request-ID"] == envelope.pop("request_id")
        then = datetime.strptime(envelope.pop("timestamp"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        assert abs((datetime.now(UTC) - then).total_seconds()) < 10
        assert envelope["success"] == (response.status < 400)
        return Reply(response.status, response.headers, envelope)


@pytest.fixture
def lambda_handler(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[LambdaHandler]]:
    handler = type("Handler", (LambdaHandler,), {"invocations": []})
    server = LoopbackServer(handler).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    yield handler
    server.stop()


@pytest.fixture
def api(
    environment: dict[str, str], lambda_handler: type[LambdaHandler], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> Iterator[Api]:
    """The app behind a gateway, imported anew, so that it reads this test's environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    app = importlib.import_module("app").app
    config = Config.create(chalice_stage="local", chalice_app=app, app_name="wellhead", project_dir=str(tmp_path))
    server = create_server(app, config, port=0).start()
    yield Api(server.server_port)
    server.stop()


@pytest.fixture
def manager(environment: dict[str, str]) -> JobManager:
    return Services(environment).job_manager


def end(manager: JobManager) -> str:
    """The job that holds the lock fails."""
    claim = manager.claim(str(manager.lock().owner), holder="w1")
    return manager.finish(claim, claim.job.failed_with(SourceUnavailable(page=2), at=time.time())).job_id


# --- trigger


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 202)])
def test_a_trigger_starts_an_import(
    api: Api, dynamodb: Any, lambda_handler: type[LambdaHandler], method: str, status: int
) -> None:
    reply = api.ask(method, TRIGGER)

    job_id = reply.envelope["data"]["job_id"]
    stored = table_contents(dynamodb, TABLE)
    assert (reply.status, reply.envelope) == (
        status,
        {
            "success": True,
            "data": {"job_id": job_id, "status": "PENDING", "created_at": stored[f"JOB#{job_id}"]["created_at"]},
            "message": "The import has been started. Follow it at the address in Location.",
        },
    )
    assert (reply.headers["Location"], reply.headers["Retry-After"]) == (f"status/{job_id}", "1")
    assert stored["LOCK#import"]["owner"] == job_id
    path = "/2015-03-31/functions/wellhead-test-import/invocations"
    assert lambda_handler.invocations == [(path, "Event", {"job_id": job_id})]


def test_a_second_trigger_is_told_who_runs(api: Api, dynamodb: Any, lambda_handler: type[LambdaHandler]) -> None:
    running = api.ask("POST", TRIGGER).envelope["data"]
    before = table_contents(dynamodb, TABLE)

    for method in ("POST", "GET"):
        reply = api.ask(method, TRIGGER)

        message = reply.envelope["error"].pop("message")
        assert message.startswith("An import is already running")
        assert (reply.status, reply.envelope["error"], reply.headers["Retry-After"]) == (
            409,
            {
                "code": "BUSINESS_RULE_VIOLATION",
                "rule": "SINGLE_IMPORT_RULE",
                "details": {"job_id": running["job_id"], "started_at": running["created_at"]},
                "retryable": True,
            },
            "5",
        )
    assert table_contents(dynamodb, TABLE) == before
    assert len(lambda_handler.invocations) == 1


def test_an_import_whose_dispatch_fails_is_accepted_all_the_same(api: Api, lambda_handler: type[LambdaHandler]) -> None:
    lambda_handler.status = 404

    reply = api.ask("POST", TRIGGER)

    assert (reply.status, reply.envelope["data"]["status"]) == (202, "PENDING")


def test_a_body_of_nothing_is_accepted(api: Api, manager: JobManager) -> None:
    for body, content_type in [
        (None, None),
        (b"", "application/json"),
        (b"{}", "application/json"),
        (b" {}\n", "application/json; charset=utf-8"),
        (b"{}", "text/plain"),
        (b"{}", "application/octet-stream"),
        (b"", "application/x-www-form-urlencoded"),
    ]:
        reply = api.ask("POST", TRIGGER, body, **({"Content_Type": content_type} if content_type else {}))

        assert (reply.status, reply.envelope["data"]["job_id"]) == (202, end(manager)), (body, content_type)


def test_a_body_of_something_is_refused(api: Api, dynamodb: Any) -> None:
    for body in [
        b"{",
        b"[]",
        b"null",
        b"0",
        b'""',
        b"NaN",
        b'{"full": 1}',
        b'{"full": true, "more": 1}',
        b"a=b",
        b"\xff\xfe",
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ]:
        reply = api.ask("POST", TRIGGER, body, Content_Type="application/json")

        error = reply.envelope["error"]
        assert (reply.status, error["code"], error["details"]) == (400, "VALIDATION_ERROR", {"field": "body"}), body[:9]
        assert error["retryable"] is False
    assert table_contents(dynamodb, TABLE) == {}


def test_a_full_import_is_asked_for_by_query_or_body(api: Api, manager: JobManager, dynamodb: Any) -> None:
    for method, query, body in [
        ("GET", "?full=true", None),
        ("POST", "?full=true", None),
        ("POST", "", b'{"full": true}'),
    ]:
        reply = api.ask(method, TRIGGER + query, body)
        job_id = reply.envelope["data"]["job_id"]
        assert manager.get(job_id).parameters == {"full": True}
        assert end(manager) == job_id

    reply = api.ask("GET", TRIGGER + "?full=maybe")
    assert (reply.status, reply.envelope["error"]["details"]) == (400, {"field": "full"})


def test_what_a_browser_sends_by_itself_starts_nothing(api: Api, dynamodb: Any) -> None:
    unasked: list[dict[str, Any]] = [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
    ]
    for headers in unasked:
        for method in ("GET", "POST"):
            reply = api.ask(method, TRIGGER, **headers)

            assert (reply.status, reply.envelope["error"]["code"]) == (403, "FORBIDDEN"), headers
    assert table_contents(dynamodb, TABLE) == {}


def test_the_same_idempotency_key_is_the_same_job(api: Api, manager: JobManager) -> None:
    first = api.ask("POST", TRIGGER, Idempotency_Key="a")
    again = api.ask("POST", TRIGGER, Idempotency_Key="a")
    end(manager)
    after_its_end = api.ask("GET", TRIGGER, Idempotency_Key="a")
    other = api.ask("POST", TRIGGER, Idempotency_Key="b")

    assert [reply.status for reply in (first, again, after_its_end, other)] == [202, 202, 200, 202]
    ids = [reply.envelope["data"]["job_id"] for reply in (first, again, after_its_end, other)]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    for key in ("", "a b", "x" * 256, "\xe9"):
        reply = api.ask("POST", TRIGGER, Idempotency_Key=key)
        assert (reply.status, reply.envelope["error"]["code"]) == (400, "VALIDATION_ERROR"), key


# --- status


def test_the_status_shows_the_job(api: Api, manager: JobManager) -> None:
    job_id = api.ask("POST", TRIGGER).envelope["data"]["job_id"]

    pending = api.ask("GET", f"{STATUS}/{job_id}")
    claim = manager.claim(job_id, holder="w1")
    running = api.ask("GET", f"{STATUS}/{job_id.upper()}")
    ended = manager.finish(claim, claim.job.failed_with(NotStarted(page=2), at=time.time()))
    failed = api.ask("GET", f"{STATUS}/{job_id}")

    job = claim.job
    assert (pending.status, pending.headers["Retry-After"]) == (200, "1")
    assert pending.envelope["message"] == "The import waits for its worker."
    assert pending.envelope["data"] == {
        **dict.fromkeys(("phase", "started_at", "completed_at", "heartbeat_at", "cancel_requested_at")),
        **dict.fromkeys(("progress_percentage", "expected_records", "error", "records_per_second")),
        **dict.fromkeys(("execution_time_seconds", "estimated_completion_at")),
        **{f"{name}_records": 0 for name in ("fetched", "total", "new", "updated", "duplicate", "failed")},
        "job_id": job_id,
        "status": "PENDING",
        "created_at": job.created_at,
        "triggered_by": "anonymous",
        "parameters": {},
        "attempt": 0,
        "stats": {},
        "events": job.events[:1],
        "warnings": [],
    }
    assert (running.envelope["data"]["status"], running.headers["Retry-After"]) == ("RUNNING", "1")
    assert running.envelope["data"]["execution_time_seconds"] >= 0
    assert (failed.status, failed.headers["Retry-After"]) == (200, None)
    assert failed.envelope["message"] == NotStarted().message
    assert failed.envelope["data"]["error"] == ended.error
    assert failed.envelope["data"]["completed_at"] == ended.completed_at


def test_a_job_that_is_not_there_is_not_found(api: Api) -> None:
    reply = api.ask("GET", f"{STATUS}/{UNKNOWN}")

    assert reply.envelope["error"].pop("message").startswith("There is no job with this id.")
    assert (reply.status, reply.envelope["error"]) == (
        404,
        {"code": "JOB_NOT_FOUND", "details": {"job_id": UNKNOWN}, "retryable": False},
    )


def test_what_is_no_job_id_is_refused(api: Api) -> None:
    for text in [
        "1",
        UNKNOWN[:-1],
        f"{{{UNKNOWN}}}",
        UNKNOWN.replace("-", ""),
        str(uuid.uuid4()),
        "%00",
        "%2e%2e",
        "'",
    ]:
        reply = api.ask("GET", f"{STATUS}/{text}")

        assert (reply.status, reply.envelope["error"]["code"]) == (400, "INVALID_JOB_ID"), text


# --- every answer


def test_a_well_formed_request_id_is_honoured_and_another_replaced(api: Api) -> None:
    for wished in ["a", "0f.-_Z9" * 18, str(uuid.uuid4())]:
        assert api.ask("GET", f"{STATUS}/{UNKNOWN}", X_Request_ID=wished).headers["X-Request-ID"] == wished

    for wished in ["", "a b", "a" * 129, "<script>", "a%0d%0aSet-Cookie:x=1", "a\tb", "\xe9", "a;b", '"', "../x"]:
        reply = api.ask("GET", f"{STATUS}/{UNKNOWN}", X_Request_ID=wished)

        given = reply.headers["X-Request-ID"]
        assert str(uuid.UUID(given)) == given, wished
        assert reply.headers["Set-Cookie"] is None


def test_a_table_that_does_not_answer_is_told_as_such(api: Api, aws: LocalAws) -> None:
    aws.stop()

    for method, path in [("POST", TRIGGER), ("GET", f"{STATUS}/{UNKNOWN}")]:
        reply = api.ask(method, path)

        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert (reply.envelope["error"]["code"], reply.envelope["error"]["retryable"]) == ("STATE_UNAVAILABLE", True)


def test_a_missing_setting_is_named(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WELLHEAD_TABLE")

    reply = api.ask("POST", TRIGGER)

    assert (reply.status, reply.envelope["error"]["code"]) == (500, "INVALID_SETTING")
    assert reply.envelope["error"]["message"] == "WELLHEAD_TABLE is not set; it is required."


def test_an_unexpected_error_shows_nothing_of_the_inside(api: Api, dynamodb: Any) -> None:
    item = {"pk": {"S": "JOB"}, "sk": {"S": f"JOB#{UNKNOWN}"}, "status": {"S": "pa55word"}}
    dynamodb.put_item(TableName=TABLE, Item=item)

    reply = api.ask("GET", f"{STATUS}/{UNKNOWN}")

    error = reply.envelope["error"]
    assert error.pop("message").startswith("Wellhead failed unexpectedly.")
    assert (reply.status, error) == (500, {"code": "INTERNAL_ERROR", "retryable": False})
