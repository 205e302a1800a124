"""A line of the log:
one JSON object, the named fields alone, and no word of a payload, a secret or an exception.
"""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.api_client import OPERATOR, READER, Api
from support.credentials import KINDS, SECRETS, TokenEndpoint, leaks
from support.imports import Worker
from support.log_lines import Log, logging_to_text
from support.scripted_source import Answer, ScriptedHandler, Serve, page

from chalicelib.errors import SourceUnavailable
from chalicelib.imports.prefetch import Prefetch
from chalicelib.logs import FIELDS, LONGEST, add_to_log_context, start_log_context, start_logging
from chalicelib.odata.requests_ahead import SpeculativeRequests
from chalicelib.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.coordination import LambdaHandler

OWN = {"timestamp", "level", "message", "logger", "function", "stage"}
BESIDES = {"error", "_aws"}
CANARY = "canary-1b9d"

ours = logging.getLogger("chalicelib.tests")


@pytest.fixture
def log() -> Iterator[Log]:
    with logging_to_text() as log:
        yield log


def test_a_line_tells_the_event_and_the_fields_that_are_known(log: Log) -> None:
    start_log_context(request_id="r-1", job_id="j-1", caller=None)
    add_to_log_context(attempt=2)
    ours.warning("no answer from %s", "there", extra={"code": "SOURCE_UNREACHABLE", "page": 7})

    [line] = log.lines
    then = datetime.strptime(line.pop("timestamp"), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    assert abs(datetime.now(UTC) - then) < timedelta(seconds=10)
    assert line == {
        "level": "WARNING",
        "message": "no answer from there",
        "logger": "chalicelib.tests",
        "function": "wellhead-test",
        "stage": "test",
        "request_id": "r-1",
        "job_id": "j-1",
        "attempt": 2,
        "code": "SOURCE_UNREACHABLE",
        "page": 7,
    }


def test_what_has_no_name_among_the_fields_is_not_told(log: Log) -> None:
    start_log_context(request_id="r-1", secret=CANARY)
    add_to_log_context(headers={"Authorization": CANARY})
    ours.warning("an event", extra={"body": CANARY, "row": [CANARY]})

    assert CANARY not in log.text
    assert set(log.lines[0]) == OWN | {"request_id"}


def test_a_request_knows_nothing_of_the_one_before(log: Log) -> None:
    start_log_context(request_id="first", job_id="j-1")
    add_to_log_context(attempt=1)
    start_log_context(request_id="second")
    ours.warning("an event")

    assert set(log.lines[0]) == OWN | {"request_id"}
    assert log.lines[0]["request_id"] == "second"


def test_requests_at_the_same_time_are_not_mixed_up(log: Log) -> None:
    both = threading.Barrier(2)

    def serve(name: str) -> None:
        start_log_context(request_id=name)
        both.wait()
        ours.warning("answered %s", name)

    threads = [threading.Thread(target=serve, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {line["message"]: line["request_id"] for line in log.lines} == {
        "answered a": "a",
        "answered b": "b",
    }


def test_the_threads_of_an_import_tell_its_job(log: Log) -> None:
    start_log_context(job_id="j-1")

    def pages() -> Iterator[int]:
        ours.warning("in the maker")
        yield 1

    with Prefetch(pages(), ahead=1, while_waiting=lambda: None) as arriving:
        list(arriving)
    ahead = SpeculativeRequests(lambda _, number: ours.warning("page %d", number))
    ahead.expect({"u": 2})
    ahead.take("u", 2)

    told = [(line["message"], line["job_id"]) for line in log.lines]
    assert told[:2] == [("in the maker", "j-1"), ("page 2", "j-1")]


def test_an_exception_is_told_by_its_type_and_places_without_its_words(log: Log) -> None:
    def read(row: dict[str, str]) -> None:
        try:
            int(row["oil"])
        except ValueError as exc:
            raise SourceUnavailable(f"no number: {row}") from exc

    try:
        read({"oil": CANARY})
    except SourceUnavailable:
        ours.exception("unexpected error")

    assert CANARY not in log.text
    error = log.lines[0]["error"]
    assert (error["type"], error["code"], error["causes"]) == (
        "SourceUnavailable",
        "SOURCE_UNAVAILABLE",
        ["ValueError"],
    )
    assert [frame.partition(":")[0] for frame in error["frames"]] == [
        "test_logs.py",
        "test_logs.py",
    ]
    assert error["frames"][-1].endswith(" read")
    assert str(Path(__file__).parent) not in log.text


def test_a_deep_or_circular_chain_of_exceptions_comes_to_an_end(log: Log) -> None:
    one, other = ValueError(CANARY), KeyError(CANARY)
    one.__cause__, other.__context__ = other, one

    def sink(depth: int) -> None:
        if depth == 0:
            raise one
        sink(depth - 1)

    try:
        sink(50)
    except ValueError:
        ours.exception("unexpected error")

    assert log.lines[0]["error"]["causes"] == ["KeyError"]
    assert len(log.lines[0]["error"]["frames"]) == 8


@given(words=st.text(), known=st.text())
def test_whatever_is_told_it_is_one_line_of_json(words: str, known: str) -> None:
    with logging_to_text() as log:
        start_log_context(caller=known)
        ours.warning("%s", words)

        [text] = log.text.splitlines()
    line = json.loads(text)
    assert (line["message"], line["caller"]) == (words[:LONGEST], known)


def test_libraries_tell_their_warnings_alone(log: Log) -> None:
    logging.getLogger("botocore.parsers").debug(CANARY)
    logging.getLogger("urllib3.connectionpool").info(CANARY)
    logging.getLogger("urllib3.connection").warning(
        "Failed to parse headers (url=%s)", CANARY
    )  # the address whole
    logging.getLogger("botocore.retries").warning("slow")

    assert [line["message"] for line in log.lines] == ["slow"]


@pytest.mark.parametrize(
    ("stage", "told"), [("prod-2", "prod-2"), ("no/stage", "local"), ("", "local")]
)
def test_a_wrong_stage_does_not_stop_the_log(stage: str, told: str) -> None:
    with logging_to_text(WELLHEAD_STAGE=stage) as log:
        ours.warning("an event")

    assert log.lines[0]["stage"] == told


def test_the_lines_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    with logging_to_text():
        start_logging({})
        ours.warning("an event")

    assert json.loads(capsys.readouterr().out)["message"] == "an event"


# -- whole runs -------------------------------------------------------------------------------------------


def row(number: int) -> dict[str, Any]:
    return {
        "field_code": 1,
        "well_code": number,
        "well_name": CANARY,
        "production_period": "2024-01-01",
        "oil_production_kbd": 1.0,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_no_line_of_an_import_holds_a_secret_or_a_row(
    environment: dict[str, str], dynamodb: Any, serve: Serve, log: Log, kind: str
) -> None:
    """One that ends well with a rejected row,
    and one whose source repeats what it was sent, row and credentials.
    """
    source, tokens = serve(Answer()), serve(TokenEndpoint())
    environment |= {
        "WELLHEAD_SOURCE_URL": f"{source.url}?key={CANARY}",
        "WELLHEAD_SOURCE_AUTH": kind,
        "WELLHEAD_SOURCE_SECRET": "env:SECRET",
        "SECRET": json.dumps(SECRETS[kind]),
        "WELLHEAD_SOURCE_TOKEN_URL": tokens.root,
        "WELLHEAD_SOURCE_RETRIES": "1" if kind == "bearer" else "0",
        "WELLHEAD_LOG_LEVEL": "DEBUG",
    }
    worker = Worker(environment, dynamodb)
    bad = {**row(3), "oil_production_kbd": CANARY}

    def repeat(handler: ScriptedHandler) -> Answer:
        return Answer(
            json.dumps({"error": f"{row(1)} {handler.asked.headers}"}).encode(), status=503
        )

    for steps, status in (
        ([Answer(page([row(1), row(2), bad], odata_count=3))], "COMPLETED"),
        ([repeat], "FAILED"),
    ):
        source.steps = list(steps)
        job_id = worker.trigger()
        outcome = Services(environment).work_on(job_id, request_id="r", remaining=lambda: 900.0)
        assert outcome == {"job_id": job_id, "outcome": status}
        kept = [line.text for line in Services(environment).job_log.read(job_id)]
        assert kept[-1].startswith(f"the job is {status}")
        assert not leaks(str(kept))
        assert CANARY not in str(kept)

    assert not leaks(log.text)
    assert CANARY not in log.text
    told = [line["message"] for line in log.lines]
    assert {"the job is COMPLETED", "rows are rejected", "the job is FAILED"} <= set(told)
    assert log.told("rows are rejected")["reason"] == "NOT_A_NUMBER"
    for line in log.lines:
        figures = {
            metric["Name"]
            for metric in line.get("_aws", {}).get("CloudWatchMetrics", [{"Metrics": []}])[0][
                "Metrics"
            ]
        }
        assert set(line) <= OWN | BESIDES | set(FIELDS) | figures
        assert line["job_id"]


def test_every_line_of_an_import_tells_its_worker(
    environment: dict[str, str], dynamodb: Any, serve: Serve, log: Log
) -> None:
    source = serve(Answer(page([row(1)], odata_count=1)))
    worker = Worker(environment | {"WELLHEAD_SOURCE_URL": source.url}, dynamodb)
    job_id = worker.trigger()
    start_log_context(request_id="r-7")

    worker.run(job_id)

    assert {line["job_id"] for line in log.lines} == {job_id}
    assert {line["request_id"] for line in log.lines} == {"r-7"}
    assert {(line["attempt"], line["fence"]) for line in log.lines} == {(1, 1)}


def test_a_delivery_that_has_nothing_to_do_says_so(
    environment: dict[str, str], dynamodb: Any, log: Log
) -> None:
    worker = Worker(environment, dynamodb)
    worker.manager.cancel(job_id := worker.trigger())

    worker.run(job_id)

    assert log.told("nothing to do")["code"] == "CLAIM_REFUSED"


def test_a_request_is_one_line_without_its_token_query_or_body(
    api: Api, log: Log, lambda_handler: type[LambdaHandler]
) -> None:
    started = api.ask(
        "POST", "/api/v1/wells/import/trigger", b'{"full": true}', X_Request_ID="mine"
    )
    job_id = started.envelope["data"]["job_id"]
    api.ask("GET", f"/api/v1/wells/import/status/{job_id}", Authorization=f"Bearer {READER}")
    api.ask("GET", f"/api/v1/wells?search={CANARY}&{CANARY}={CANARY}", X_Canary=CANARY)
    api.ask("GET", f"/api/v1/wells/import/status/{CANARY}")
    api.ask("POST", "/api/v1/wells/import/trigger", Idempotency_Key=CANARY)

    assert [word for word in (OPERATOR, READER, CANARY, "Bearer") if word in log.text] == []
    lines = [line for line in log.lines if line["message"] == "answered"]
    assert [
        (line["method"], line["route"], line["status"], line.get("code")) for line in lines
    ] == [
        ("POST", "/api/v1/wells/import/trigger", 202, None),
        ("GET", "/api/v1/wells/import/status/{job_id}", 200, None),
        ("GET", "/api/v1/wells", 400, "VALIDATION_ERROR"),
        ("GET", "/api/v1/wells/import/status/{job_id}", 400, "INVALID_JOB_ID"),
        ("POST", "/api/v1/wells/import/trigger", 409, "BUSINESS_RULE_VIOLATION"),
    ]
    assert (lines[0]["request_id"], lines[0]["job_id"], lines[0]["caller"]) == (
        "mine",
        job_id,
        "ada",
    )
    assert (lines[1]["job_id"], lines[1]["caller"]) == (job_id, "bob")


def test_an_error_of_ours_is_told_as_an_error(api: Api, log: Log) -> None:
    assert api.ask("GET", "/api/v1/wells/export").status == 503

    told = log.told("answered")
    assert (told["level"], told["code"], told["status"]) == ("ERROR", "QUERY_FUNCTION_MISSING", 503)
