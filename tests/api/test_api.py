"""The HTTP contract, over HTTP: one envelope for every answer, and what each route says to whom."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from support.api_client import ADMIN, OPERATOR, READER
from support.coordination import LambdaHandler, table_contents

import app
from chalicelib.api.tokens import digest_of
from chalicelib.errors import NotStarted, SourceUnavailable
from chalicelib.jobs.job import new_job
from chalicelib.routes.table import ROUTES
from chalicelib.services import Services

if TYPE_CHECKING:
    from support.api_client import Api

    from chalicelib.jobs.manager import JobManager
    from local.aws.emulator import LocalAws

TABLE = "wellhead-test"
TRIGGER = "/api/v1/wells/import/trigger"
STATUS = "/api/v1/wells/import/status"
JOBS = "/api/v1/wells/import/jobs"
UNKNOWN = "018cc251-f400-7000-8000-000000000000"


@pytest.fixture
def manager(environment: dict[str, str]) -> JobManager:
    return Services(environment).job_manager


def end(manager: JobManager) -> str:
    """The job that holds the lock fails."""
    claim = manager.claim(str(manager.lock().owner), holder="w1")
    return manager.finish(claim, claim.job.fail(SourceUnavailable(page=2), at=time.time())).job_id


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
            "data": {
                "job_id": job_id,
                "status": "PENDING",
                "created_at": stored[f"JOB#{job_id}"]["created_at"],
                "source": "default",
            },
            "message": "The import has been started. Follow it at the address in Location.",
        },
    )
    assert (reply.headers["Location"], reply.headers["Retry-After"]) == (f"status/{job_id}", "1")
    assert stored["LOCK#import"]["owner"] == job_id
    path = "/2015-03-31/functions/wellhead-test-import/invocations"
    assert lambda_handler.invocations == [(path, "Event", {"job_id": job_id})]


def test_a_second_trigger_is_told_who_runs(
    api: Api, dynamodb: Any, lambda_handler: type[LambdaHandler]
) -> None:
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


def test_an_import_whose_dispatch_fails_is_accepted_all_the_same(
    api: Api, lambda_handler: type[LambdaHandler]
) -> None:
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
        reply = api.ask(
            "POST", TRIGGER, body, **({"Content_Type": content_type} if content_type else {})
        )

        assert (reply.status, reply.envelope["data"]["job_id"]) == (202, end(manager)), (
            body,
            content_type,
        )


def test_a_body_of_something_is_refused(api: Api, dynamodb: Any) -> None:
    for body in [
        b"{",
        b"[]",
        b"null",
        b"0",
        b'""',
        b"NaN",
        b'{"full": true, "more": 1}',
        b"a=b",
        b"\xff\xfe",
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ]:
        reply = api.ask("POST", TRIGGER, body, Content_Type="application/json")

        error = reply.envelope["error"]
        assert (reply.status, error["code"], error["details"]) == (
            400,
            "VALIDATION_ERROR",
            {"field": "body"},
        ), body[:9]
        assert error["retryable"] is False
    assert table_contents(dynamodb, TABLE) == {}


def test_a_full_import_is_asked_for_by_query_or_body(
    api: Api, manager: JobManager, dynamodb: Any
) -> None:
    for method, query, body in [
        ("GET", "?full=true", None),
        ("POST", "?full=true", None),
        ("POST", "", b'{"full": true}'),
    ]:
        reply = api.ask(method, TRIGGER + query, body)
        job_id = reply.envelope["data"]["job_id"]
        assert manager.get(job_id).parameters == {"full": True}
        assert end(manager) == job_id

    for method, query, body in [("GET", "?full=maybe", None), ("POST", "", b'{"full": 1}')]:
        reply = api.ask(method, TRIGGER + query, body)
        details = {"field": "full", "allowed": "true or false"}
        assert (reply.status, reply.envelope["error"]["details"]) == (400, details)


def test_a_part_is_asked_for_by_query_or_body(api: Api, manager: JobManager) -> None:
    part = {"field_code": "1001", "from": "2024-01-01", "to": "2024-06-30"}
    whole = "?field_code=1001&from=2024-01-01&to=2024-06-30"
    for method, query, body in [
        ("GET", whole, None),
        ("POST", "?to=2024-06-30", json.dumps(part).encode()),
    ]:
        job_id = api.ask(method, TRIGGER + query, body).envelope["data"]["job_id"]
        assert api.ask("GET", f"{STATUS}/{job_id}").envelope["data"]["parameters"] == part
        end(manager)

    for query, field in [
        ("?from=2024-02-01&to=2024-01-31", "from"),
        ("?field_code=" + "x" * 101, "field_code"),
    ]:
        reply = api.ask("POST", TRIGGER + query)
        assert (reply.status, reply.envelope["error"]["details"]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("number", "code"),
    [("7", "7"), ("7.0", "7"), ("1e3", "1000"), ("-0.0", "0"), ("7.5", None), ("1e16", None)],
)
def test_a_code_in_the_body_may_be_a_whole_number(api: Api, number: str, code: str | None) -> None:
    reply = api.ask("POST", TRIGGER, f'{{"field_code": {number}}}'.encode())

    if code is None:
        assert (reply.status, reply.envelope["error"]["details"]["field"]) == (400, "field_code")
        return
    job_id = reply.envelope["data"]["job_id"]
    assert api.ask("GET", f"{STATUS}/{job_id}").envelope["data"]["parameters"] == {
        "field_code": code
    }


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
    ended = manager.finish(claim, claim.job.fail(NotStarted(page=2), at=time.time()))
    failed = api.ask("GET", f"{STATUS}/{job_id}")

    job = claim.job
    assert (pending.status, pending.headers["Retry-After"]) == (200, "1")
    assert pending.envelope["message"] == "The import waits for its worker."
    assert pending.envelope["data"] == {
        **dict.fromkeys(
            (
                "phase",
                "started_at",
                "completed_at",
                "heartbeat_at",
                "cancel_requested_at",
                "waiting",
                "parts",
            )
        ),
        **dict.fromkeys(("progress_percentage", "expected_records", "error", "records_per_second")),
        **dict.fromkeys(("execution_time_seconds", "estimated_completion_at")),
        **{
            f"{name}_records": 0
            for name in ("fetched", "total", "new", "updated", "duplicate", "failed", "skipped")
        },
        "withdrawn_records": 0,
        "job_id": job_id,
        "status": "PENDING",
        "created_at": job.created_at,
        "triggered_by": "ada",
        "parameters": {},
        "source": "default",
        "source_version": None,
        "retry_of": None,
        "retried_by": None,
        "rollback_to": None,
        "attempt": 0,
        "stats": {},
        "events": [job.events[0].to_attributes()],
        "warnings": [],
        "findings": [],
        "accepted": [],
        **dict.fromkeys(
            (
                "completeness",
                "diff",
                "accept_until",
                "too_late",
                "accepted_by",
                "discarded_at",
                "discarded_by",
            )
        ),
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
        assert (
            api.ask("GET", f"{STATUS}/{UNKNOWN}", X_Request_ID=wished).headers["X-Request-ID"]
            == wished
        )

    for wished in [
        "",
        "a b",
        "a" * 129,
        "<script>",
        "a%0d%0aSet-Cookie:x=1",
        "a\tb",
        "\xe9",
        "a;b",
        '"',
        "../x",
    ]:
        reply = api.ask("GET", f"{STATUS}/{UNKNOWN}", X_Request_ID=wished)

        given = reply.headers["X-Request-ID"]
        assert str(uuid.UUID(given)) == given, wished
        assert reply.headers["Set-Cookie"] is None


def test_a_table_that_does_not_answer_is_told_as_such(api: Api, aws: LocalAws) -> None:
    api.ask("GET", f"{STATUS}/{UNKNOWN}")  # the token is known for a while
    aws.stop()

    for method, path in [("POST", TRIGGER), ("GET", f"{STATUS}/{UNKNOWN}")]:
        reply = api.ask(method, path)

        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert (reply.envelope["error"]["code"], reply.envelope["error"]["retryable"]) == (
            "STATE_UNAVAILABLE",
            True,
        )


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


# --- tokens and roles

RULES: dict[str, str | None] = {
    "GET /api/v1/wells/import/trigger": "operator",
    "POST /api/v1/wells/import/trigger": "operator",
    "POST /api/v1/wells/import/jobs/{job_id}/cancel": "operator",
    "POST /api/v1/wells/import/jobs/{job_id}/retry": "operator",
    "POST /api/v1/wells/import/jobs/{job_id}/accept": "operator",
    "POST /api/v1/wells/import/jobs/{job_id}/discard": "operator",
    "GET /api/v1/wells/import/status/{job_id}": "reader",
    "GET /api/v1/wells/import/jobs": "reader",
    "GET /api/v1/wells/import/jobs/{job_id}/rejects": "reader",
    "GET /api/v1/wells/import/jobs/{job_id}/changes": "reader",
    "GET /api/v1/wells/import/jobs/{job_id}/logs": "reader",
    "GET /api/v1/wells/production": "reader",
    "GET /api/v1/wells/production/revisions": "reader",
    "GET /api/v1/wells/production/totals": "reader",
    "GET /api/v1/wells/production/summary": "reader",
    "GET /api/v1/wells/fields": "reader",
    "GET /api/v1/wells": "reader",
    "GET /api/v1/wells/register": "reader",
    "GET /api/v1/wells/export": "reader",
    "GET /api/v1/wells/sql": "reader",
    "POST /api/v1/wells/sql": "reader",
    "GET /api/v1/sources": "reader",
    "GET /api/v1/sources/{name}": "reader",
    "PUT /api/v1/sources/{name}": "admin",
    "DELETE /api/v1/sources/{name}": "admin",
    "POST /api/v1/sources/check": "admin",
    "GET /api/v1/sources/check/{check_id}": "admin",
    "POST /api/v1/sources/{name}/pause": "operator",
    "POST /api/v1/sources/{name}/resume": "operator",
    "POST /api/v1/sources/{name}/files": "admin",
    "GET /api/v1/sources/presets": "reader",
    "GET /api/v1/sources/units": "reader",
    "GET /api/v1/ops/status": "admin",
    "GET /api/v1/ops/snapshots": "admin",
    "GET /api/v1/ops/tokens": "admin",
    "POST /api/v1/ops/tokens/{token_name}/rotate": "admin",
    "POST /api/v1/ops/rollback": "admin",
    "POST /api/v1/ops/verify": "admin",
    "GET /api/v1/ops/verify/{check_id}": "admin",
    "POST /api/v1/ops/drill": "admin",
    "GET /api/v1/ops/drill/{check_id}": "admin",
    "POST /api/v1/ops/restore": "admin",
    "GET /api/v1/ops/restore/{check_id}": "admin",
    "GET /api/v1/notices": "reader",
    "POST /api/v1/notices/test": "admin",
    "GET /api/v1/health": None,
    "GET /api/v1/openapi.json": None,
    "GET /": None,
    "GET /console": None,
    "GET /console/{file}": None,
}


def routes() -> set[str]:
    """A HEAD is for those who may GET, an OPTIONS for everybody."""
    listed = {
        (method.replace("HEAD", "GET"), path)
        for path, methods in app.app.routes.items()
        for method in methods
    }
    return {f"{method} {path}" for method, path in listed if method != "OPTIONS"}


def test_every_route_has_a_rule() -> None:
    """Who adds a route says here who may call it: reader, operator, admin, or None for everybody.
    Of the feed, which takes a password too, tests/queries/test_feed.py tells.
    """
    assert {route for route in routes() if "/odata/v4" not in route} == set(RULES)


def test_no_route_takes_what_it_does_not_know(api: Api, dynamodb: Any) -> None:
    """A misspelt parameter would be ignored in silence, and so would a body."""
    asked = [route for route, _ in ROUTES if route.query is not None]
    for route in asked:
        path = route.path.replace("{job_id}", UNKNOWN)
        for method in route.methods:
            answer = api.exchange(method, f"{path}?hunter=2", Authorization=f"Bearer {ADMIN}")
            assert answer.status == 400, (method, path)
            if method != "HEAD":
                error = json.loads(answer.content)["error"]
                assert error["details"] == {"field": "hunter"}, (method, path)
    for route in asked:
        if route.method == "POST" and not route.body:
            path = route.path.replace("{job_id}", UNKNOWN)
            reply = api.ask("POST", path, b'{"a": 1}', Authorization=f"Bearer {ADMIN}")
            assert (reply.status, reply.envelope["error"]["details"]) == (400, {"field": "body"})
    assert table_contents(dynamodb, TABLE) == {}


def test_each_route_is_for_those_who_may(api: Api) -> None:
    for route, needed in RULES.items():
        method, path = route.replace("{job_id}", UNKNOWN).split()
        if needed:
            assert_closed_to_the_unknown(api, method, path)
        as_reader = api.exchange(method, path, Authorization=f"Bearer {READER}")
        if needed in ("operator", "admin"):
            error = json.loads(as_reader.content)["error"]
            assert (as_reader.status, error["code"], error["details"]) == (
                403,
                "ROLE_REQUIRED",
                {"needed": needed},
            ), route
            told = f"This needs the role {needed}; the token has the role reader."
            assert error["message"] == told
        else:
            assert as_reader.status not in (401, 403), route
        as_operator = api.exchange(method, path, Authorization=f"bearer  {OPERATOR}").status
        assert (as_operator in (401, 403)) == (needed == "admin"), route
        as_admin = api.exchange(method, path, Authorization=f"Bearer {ADMIN}").status
        assert as_admin not in (401, 403), route


def assert_closed_to_the_unknown(api: Api, method: str, path: str) -> None:
    unknown: list[str | None] = [
        None,
        "",
        "Bearer",
        "Bearer x",
        f"Basic {OPERATOR}",
        OPERATOR,
        f"Bearer {READER} x",
    ]
    for authorization in unknown:
        reply = api.ask(method, path, Authorization=authorization)
        error = reply.envelope["error"]
        assert (reply.status, error["code"], error["retryable"]) == (401, "UNAUTHORIZED", False), (
            method,
            path,
            authorization,
        )
        assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_a_route_without_the_authorizer_is_closed_to_everybody(aws: LocalAws) -> None:
    """What no gateway has let through has no principal."""
    event = {
        "requestContext": {
            "httpMethod": "GET",
            "resourcePath": "/api/v1/wells/import/jobs",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "path": "/api/v1/wells/import/jobs",
        "headers": {"authorization": f"Bearer {OPERATOR}"},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
        "isBase64Encoded": False,
    }

    answer = app.app(event, None)

    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["error"]["code"] == "UNAUTHORIZED"


def test_a_store_of_tokens_that_does_not_answer_lets_nobody_in(api: Api, aws: LocalAws) -> None:
    aws.stop()

    reply = api.ask("GET", JOBS)

    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert (reply.envelope["error"]["code"], reply.envelope["error"]["retryable"]) == (
        "TOKENS_UNAVAILABLE",
        True,
    )


def test_one_callers_key_is_not_anothers(api: Api, aws: LocalAws, manager: JobManager) -> None:
    aws.put_parameter(
        "/wellhead/tokens/eve", json.dumps({"sha256": digest_of("eves"), "role": "operator"})
    )
    first = api.ask("POST", TRIGGER, Idempotency_Key="k").envelope["data"]["job_id"]
    end(manager)

    second = api.ask("POST", TRIGGER, Idempotency_Key="k", Authorization="Bearer eves").envelope[
        "data"
    ]["job_id"]

    assert [manager.get(job_id).triggered_by for job_id in (first, second)] == ["ada", "eve"]


# --- history


def test_the_history_is_read_page_by_page(api: Api, manager: JobManager) -> None:
    made = [api.ask("POST", TRIGGER).envelope["data"]["job_id"]]
    for _ in range(4):
        end(manager)
        made.append(api.ask("POST", TRIGGER).envelope["data"]["job_id"])

    first = api.ask("GET", f"{JOBS}?limit=2").envelope["data"]
    second = api.ask("GET", f"{JOBS}?limit=2&cursor={first['next_cursor']}").envelope["data"]
    third = api.ask("GET", f"{JOBS}?limit=2&cursor={second['next_cursor']}").envelope["data"]

    pages = [[job["job_id"] for job in page["jobs"]] for page in (first, second, third)]
    assert pages == [made[:2:-1], made[2:0:-1], made[:1]]
    assert third["next_cursor"] is None
    whole = api.ask("GET", f"{STATUS}/{made[0]}").envelope["data"]
    assert third["jobs"][0] == {
        name: value for name, value in whole.items() if name not in ("events", "diff")
    }
    failed = api.ask("GET", f"{JOBS}?status=FAILED&limit=3").envelope["data"]
    assert [job["job_id"] for job in failed["jobs"]] == made[3:0:-1]
    rest = api.ask("GET", f"{JOBS}?status=FAILED&limit=3&cursor={failed['next_cursor']}").envelope[
        "data"
    ]
    assert ([job["job_id"] for job in rest["jobs"]], rest["next_cursor"]) == (made[:1], None)
    assert api.ask("GET", f"{JOBS}?status=COMPLETED").envelope["data"] == {
        "jobs": [],
        "next_cursor": None,
    }


def test_a_query_that_is_not_understood_names_its_field(api: Api) -> None:
    many = "&".join(f"limit={number}" for number in range(2))
    for query, field in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        (many, "limit"),
        ("status=failed", "status"),
        ("status=", "status"),
        ("status=FAILED%00", "status"),
        ("cursor=", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=" + "A" * 22, "cursor"),
        ("cursor=" + "x" * 4000, "cursor"),
        ("cursor=%F0%9F%92%A9", "cursor"),
        ("Limit=1", "Limit"),
        ("order=asc", "order"),
        ("x" * 100 + "=1", "x" * 64),
        ("%22%3Cscript%3E=1", '"<script>'),
    ]:
        reply = api.ask("GET", f"{JOBS}?{query}")

        error = reply.envelope["error"]
        assert (reply.status, error["code"], error["details"]["field"]) == (
            400,
            "VALIDATION_ERROR",
            field,
        ), query
    for method, path in [
        ("GET", f"{STATUS}/{UNKNOWN}"),
        ("POST", f"{JOBS}/{UNKNOWN}/cancel"),
        ("POST", f"{JOBS}/{UNKNOWN}/retry"),
        ("POST", f"{JOBS}/{UNKNOWN}/accept"),
        ("POST", f"{JOBS}/{UNKNOWN}/discard"),
    ]:
        reply = api.ask(method, f"{path}?token=hunter2")
        assert (reply.status, reply.envelope["error"]["details"]) == (400, {"field": "token"})
        assert "hunter2" not in str(reply)


# --- conditional requests


@pytest.mark.parametrize("path", [STATUS, JOBS])
def test_what_is_known_is_not_sent_again(api: Api, manager: JobManager, path: str) -> None:
    job_id = api.ask("POST", TRIGGER).envelope["data"]["job_id"]
    path = f"{path}/{job_id}" if path == STATUS else path
    tag = api.ask("GET", path).headers["ETag"]
    assert tag.startswith('W/"')

    for known in (tag, f'"other", {tag}', "*"):
        again = api.ask("GET", path, If_None_Match=known)
        assert (again.status, again.headers["ETag"]) == (304, tag)
        assert again.headers["Retry-After"] == ("1" if path.startswith(STATUS) else None)
    for other in ('W/"other"', "", tag[:-2], "W/", "\xe9"):
        assert api.ask("GET", path, If_None_Match=other).status == 200
    end(manager)

    changed = api.ask("GET", path, If_None_Match=tag)

    assert changed.status == 200
    assert changed.headers["ETag"] != tag


def test_polling_slows_down_as_the_job_grows_old(api: Api, manager: JobManager) -> None:
    for age, seconds in [(5, "1"), (45, "4"), (3600, "30")]:
        job = new_job(now=time.time() - age, triggered_by="ada", parameters={})
        manager.create(job)

        assert api.ask("GET", f"{STATUS}/{job.job_id}").headers["Retry-After"] == seconds
        end(manager)


# --- cancel


def test_a_waiting_job_is_cancelled_at_once(api: Api) -> None:
    job_id = api.ask("POST", TRIGGER).envelope["data"]["job_id"]

    reply = api.ask("POST", f"{JOBS}/{job_id}/cancel")

    assert (reply.status, reply.envelope["data"]["status"]) == (202, "CANCELLED")
    assert reply.envelope["message"] == "The import was stopped."
    assert (reply.headers["Location"], reply.headers["Retry-After"]) == (
        f"../../status/{job_id}",
        None,
    )
    again = api.ask("POST", f"{JOBS}/{job_id}/cancel", b"{}")
    error = again.envelope["error"]
    assert (again.status, error["rule"], error["retryable"]) == (409, "FINAL_STATE_RULE", False)
    assert error["details"] == {"job_id": job_id, "status": "CANCELLED"}


def test_a_running_job_is_asked_to_stop(api: Api, manager: JobManager) -> None:
    job_id = api.ask("POST", TRIGGER).envelope["data"]["job_id"]
    manager.claim(job_id, holder="w1")

    reply = api.ask("POST", f"{JOBS}/{job_id}/cancel")

    assert (reply.status, reply.headers["Retry-After"]) == (202, "1")
    assert reply.envelope["data"]["status"] == "RUNNING"
    assert reply.envelope["data"]["cancel_requested_at"] > 0
    assert (
        reply.envelope["message"]
        == "The import has been asked to stop; it ends at its next report."
    )


@pytest.mark.parametrize("action", ["cancel", "retry", "discard"])
def test_only_a_known_job_takes_orders(api: Api, action: str) -> None:
    assert (
        api.ask("POST", f"{JOBS}/{UNKNOWN}/{action}").envelope["error"]["code"] == "JOB_NOT_FOUND"
    )
    for text in ("1", str(uuid.uuid4()), "%27", "x" * 5000):
        reply = api.ask("POST", f"{JOBS}/{text}/{action}")
        assert (reply.status, reply.envelope["error"]["code"]) == (400, "INVALID_JOB_ID")
    for body in (b"x", b"[]", b'{"a": 1}', b"\xff", b"null", b"[" * 100_000):
        reply = api.ask("POST", f"{JOBS}/{UNKNOWN}/{action}", body)
        assert (reply.status, reply.envelope["error"]["details"]) == (400, {"field": "body"}), body[
            :9
        ]


# --- retry


def test_a_failed_job_is_retried_once(
    api: Api, manager: JobManager, lambda_handler: type[LambdaHandler]
) -> None:
    started = api.ask("POST", f"{TRIGGER}?full=true").envelope["data"]["job_id"]
    early = api.ask("POST", f"{JOBS}/{started}/retry").envelope["error"]
    old = end(manager)

    reply = api.ask("POST", f"{JOBS}/{old}/retry", Idempotency_Key="r")
    again = api.ask("POST", f"{JOBS}/{old}/retry", Idempotency_Key="r")
    without_key = api.ask("POST", f"{JOBS}/{old}/retry")

    job_id = reply.envelope["data"]["job_id"]
    assert (early["rule"], early["details"]) == ("RETRY_RULE", {"job_id": old, "status": "PENDING"})
    assert (reply.status, reply.envelope["data"]["retry_of"]) == (202, old)
    assert (reply.headers["Location"], reply.headers["Retry-After"]) == (
        f"../../status/{job_id}",
        "1",
    )
    assert again.envelope["data"] == reply.envelope["data"]
    error = without_key.envelope["error"]
    assert (without_key.status, error["rule"]) == (409, "SINGLE_RETRY_RULE")
    assert error["details"] == {"job_id": old, "retried_by": job_id}
    view = api.ask("GET", f"{STATUS}/{job_id}").envelope["data"]
    assert (view["retry_of"], view["parameters"], view["triggered_by"]) == (
        old,
        {"full": True},
        "ada",
    )
    assert api.ask("GET", f"{STATUS}/{old}").envelope["data"]["retried_by"] == job_id
    assert [payload["job_id"] for *_, payload in lambda_handler.invocations] == [
        started,
        job_id,
        job_id,
    ]


# --- problem details


def test_who_asks_for_problem_details_gets_them(api: Api) -> None:
    def ask(**headers: str) -> tuple[int, str | None, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=20)
        connection.request(
            "GET", f"{STATUS}/{UNKNOWN}", headers={"Authorization": f"Bearer {READER}", **headers}
        )
        response = connection.getresponse()
        body = json.loads(response.read())
        connection.close()
        return response.status, response.headers["Content-Type"], body

    status, kind, problem = ask(
        Accept="text/html, application/problem+json;q=0.9", **{"X-Request-ID": "r1"}
    )
    plain = ask(Accept="application/json")

    assert problem.pop("timestamp")
    assert problem.pop("detail").startswith("There is no job with this id.")
    assert (status, kind, problem) == (
        404,
        "application/problem+json",
        {
            "title": "Not Found",
            "status": 404,
            "code": "JOB_NOT_FOUND",
            "details": {"job_id": UNKNOWN},
            "retryable": False,
            "request_id": "r1",
        },
    )
    assert plain[1] == "application/json"


# --- other methods


def test_head_is_get_without_a_body_and_starts_nothing(api: Api, dynamodb: Any) -> None:
    for path in (JOBS, "/api/v1/openapi.json"):
        get = api.exchange("GET", path, X_Request_ID="r")
        head = api.exchange("HEAD", path, X_Request_ID="r")
        assert (head.status, head.content) == (200, b"")
        assert dict(head.headers) | {"x-amzn-RequestId": ""} == dict(get.headers) | {
            "x-amzn-RequestId": ""
        }
    assert api.ask("HEAD", JOBS, Authorization=None).status == 401
    assert api.ask("HEAD", JOBS, If_None_Match="*").status == 304
    assert api.ask("HEAD", f"{STATUS}/{UNKNOWN}").status == 404
    assert api.ask("HEAD", TRIGGER).status == 405
    assert table_contents(dynamodb, TABLE).keys() == {"TOKEN#ada"}  # that ada has asked


def test_options_tells_the_methods(api: Api) -> None:
    """To everybody, and to no other origin."""
    asked: dict[str, Any] = {
        "Origin": "https://example.org",
        "Access_Control_Request_Method": "GET",
    }
    for path, methods in app.app.routes.items():
        address = path.replace("{job_id}", UNKNOWN)
        reply = api.exchange("OPTIONS", address, Authorization=None, **asked)

        assert (reply.status, reply.content) == (204, b""), path
        assert reply.headers["Allow"].split(", ") == sorted(methods), path
        assert not [name for name in reply.headers if name.startswith("Access-Control")], path


def test_other_methods_are_refused(api: Api, dynamodb: Any) -> None:
    trigger, jobs = "GET, OPTIONS, POST", "GET, HEAD, OPTIONS"
    for path, allowed in [
        (TRIGGER, trigger),
        (JOBS, jobs),
        (f"{JOBS}/{UNKNOWN}/cancel", "OPTIONS, POST"),
    ]:
        for method in ("DELETE", "PUT", "PATCH"):
            reply = api.ask(method, path, Authorization=None)

            assert (reply.status, reply.headers["Allow"]) == (405, allowed)
            assert reply.envelope["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert table_contents(dynamodb, TABLE) == {}


# --- pages of other origins

CONSOLE = "https://console.example.org"


def cors(headers: http.client.HTTPMessage) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name.startswith("Access-Control") or name == "Vary"
    }


def test_no_other_origin_is_allowed_by_default(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cors(api.ask("GET", JOBS, Origin=CONSOLE).headers) == {}

    monkeypatch.setenv("WELLHEAD_CORS_ORIGINS", "no origin")
    assert cors(api.exchange("GET", "/api/v1/openapi.json", Origin="no origin").headers) == {}


def test_a_listed_origin_may_ask(api: Api, monkeypatch: pytest.MonkeyPatch, dynamodb: Any) -> None:
    monkeypatch.setenv("WELLHEAD_CORS_ORIGINS", f"https://other.example.org,{CONSOLE}")
    preflight: dict[str, Any] = {
        "Access_Control_Request_Method": "POST",
        "Access_Control_Request_Headers": "authorization",
    }

    asked = api.exchange("OPTIONS", TRIGGER, Authorization=None, Origin=CONSOLE, **preflight)
    foreign = api.exchange(
        "OPTIONS", TRIGGER, Authorization=None, Origin="https://evil.example.org", **preflight
    )
    refused = api.ask(
        "POST", TRIGGER, Origin="https://evil.example.org", Sec_Fetch_Site="cross-site"
    )
    nothing = table_contents(dynamodb, TABLE)
    started = api.ask("POST", TRIGGER, Origin=CONSOLE, Sec_Fetch_Site="cross-site")
    failed = api.ask("GET", f"{STATUS}/{UNKNOWN}", Origin=CONSOLE)

    shown = (
        "ETag, Location, Retry-After, X-Next-Cursor, X-Request-ID, "
        "X-Wellhead-Cut, X-Wellhead-Role, X-Wellhead-Snapshot"
    )
    allowed = {
        "Vary": "Origin",
        "Access-Control-Allow-Origin": CONSOLE,
        "Access-Control-Expose-Headers": shown,
    }
    assert cors(started.headers) == cors(failed.headers) == allowed
    assert cors(asked.headers) == allowed | {
        "Access-Control-Allow-Methods": "GET, HEAD, POST",
        "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, "
        "X-Request-ID",
        "Access-Control-Max-Age": "600",
    }
    assert cors(foreign.headers) == cors(refused.headers) == {"Vary": "Origin"}
    assert (started.status, refused.status, nothing) == (202, 403, {})


def test_no_route_leaves_origins_to_the_gateway() -> None:
    """Chalice would write them into the packaged gateway,
    and a setting that is read later would say otherwise.
    """
    told: list[Any] = [
        route.cors for methods in app.app.routes.values() for route in methods.values()
    ]

    assert set(told) == {None}
