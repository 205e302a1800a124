"""What an import leaves in its log, into a file and into a lake,
over attempts, and what the API shows of it.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from support.api_client import OPERATOR, READER
from support.credentials import KINDS, SECRETS, SENT, TokenEndpoint, leaks
from support.imports import ENOUGH
from support.scripted_source import Answer, ScriptedHandler, Serve, page
from support.store_kinds import FILE_AND_LAKE

from chalicelib.errors import JobNotFound
from chalicelib.jobs.job import new_job
from chalicelib.services import Services
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.api_client import Api

JOBS = "/api/v1/wells/import/jobs"
URL_KEY = "canary-of-the-url"


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "field_code": 1,
        "well_code": number,
        "production_period": "2024-01-01",
        "oil_production_kbd": 1.0,
    } | more


def triggered(services: Services) -> str:
    return services.job_manager.create(new_job(now=1.0, triggered_by="ada", parameters={})).job_id


def texts(services: Services, job_id: str) -> list[str]:
    return [line.text for line in services.job_log.read(job_id)]


@FILE_AND_LAKE
def test_an_import_is_told_from_its_claim_to_its_end(
    environment: dict[str, str], serve: Serve
) -> None:
    bad = row(3, oil_production_kbd="much")
    source = serve(Answer(page([row(1), row(2), bad], odata_count=3)))
    services = Services(environment | {"WELLHEAD_SOURCE_URL": source.url})
    job_id = triggered(services)

    assert (
        services.work_on(job_id, request_id="r", remaining=lambda: ENOUGH)["outcome"] == "COMPLETED"
    )

    assert texts(services, job_id) == [
        "attempt 1 has claimed the job",
        "merging",
        "rows are rejected (reason NOT_A_NUMBER, rows 1)",
        "checking",
        "publishing",
        "the job is COMPLETED",
    ]


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(GeneratedProduction(500)) as source:
        yield source


def test_each_attempt_is_there_with_its_fence(
    environment: dict[str, str], source: SampleSource
) -> None:
    settings = {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_PAGE_SIZE": "100"}
    services = Services(environment | settings)
    job_id = triggered(services)
    budget = iter([ENOUGH] * 4)

    outcomes = [
        services.work_on(job_id, request_id="r1", remaining=lambda: next(budget, 0.0))["outcome"],
        services.work_on(job_id, request_id="r2", remaining=lambda: ENOUGH)["outcome"],
    ]

    assert outcomes == ["handed over", "COMPLETED"]
    lines = services.job_log.read(job_id)
    assert {(line.attempt, line.fence) for line in lines} == {(1, 1), (2, 2)}
    told = [line.text for line in lines]
    assert told.index("handed over to the next worker") < told.index(
        "attempt 2 has claimed the job"
    )
    assert told[-1] == "the job is COMPLETED"


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_gets_into_the_log_of_a_job_even_when_a_line_has_one(
    environment: dict[str, str], serve: Serve, kind: str
) -> None:
    """The source repeats what it was sent, and a line is logged that should not have been."""
    tokens = serve(TokenEndpoint())
    careless = logging.getLogger("chalicelib.of_a_test")
    jobs: list[str] = []

    def repeat(handler: ScriptedHandler) -> Answer:
        for said in (SENT[kind][1], f"{asked.url}?key={URL_KEY}", *SECRETS[kind].values()):
            careless.warning("sent %s", said, extra={"job_id": jobs[0], "fence": 1})
        return Answer(
            json.dumps({"error": f"{handler.asked.headers} {handler.path}"}).encode(), status=403
        )

    asked = serve(repeat)
    services = Services(
        environment
        | {
            "WELLHEAD_SOURCE_URL": f"{asked.url}?key={URL_KEY}",
            "WELLHEAD_SOURCE_AUTH": kind,
            "WELLHEAD_SOURCE_SECRET": "env:SECRET",
            "SECRET": json.dumps(SECRETS[kind]),
            "WELLHEAD_SOURCE_TOKEN_URL": tokens.root,
            "WELLHEAD_SOURCE_RETRIES": "0",
        }
    )
    jobs.append(triggered(services))

    services.work_on(jobs[0], request_id="r", remaining=lambda: ENOUGH)

    told = texts(services, jobs[0])
    assert [text for text in told if text.startswith("sent ")]
    assert any("SOURCE_FORBIDDEN" in text for text in told)
    secrets = {
        value
        for name, value in SECRETS[kind].items()
        if name not in ("username", "client_id", "client_secret")
    }
    assert [
        text for text in told if URL_KEY in text or any(secret in text for secret in secrets)
    ] == []
    assert kind == "oauth2" or not leaks(str(told))


def test_the_log_of_an_import_whose_table_is_slow_to_take_it_ends_all_the_same(
    environment: dict[str, str], serve: Serve
) -> None:
    source = serve(Answer(page([row(1)], odata_count=1)))
    services = Services(environment | {"WELLHEAD_SOURCE_URL": source.url})
    tries: list[str] = []

    class Refusing:
        def write(self, job_id: str, *_: Any, **__: Any) -> None:
            tries.append(job_id)
            raise RuntimeError("hunter2")

    services.__dict__["job_log"] = Refusing()
    job_id = triggered(services)

    assert (
        services.work_on(job_id, request_id="r", remaining=lambda: ENOUGH)["outcome"] == "COMPLETED"
    )
    assert tries == [job_id]  # the next try would be half a minute later


# --- the route


def test_the_log_is_read_by_readers_once_and_again_when_there_is_more(
    api: Api, environment: dict[str, str], serve: Serve
) -> None:
    services = Services(
        environment | {"WELLHEAD_SOURCE_URL": serve(Answer(page([row(1)], odata_count=1))).url}
    )
    job_id = triggered(services)
    path = f"{JOBS}/{job_id}/logs"
    before = api.ask("GET", path, Authorization=f"Bearer {READER}")
    assert (before.status, before.envelope["data"]) == (200, {"job_id": job_id, "lines": []})
    assert before.envelope["message"] == "Nothing is logged of the job, or no longer."
    assert before.headers["Retry-After"]
    again = api.ask("GET", path, If_None_Match=before.headers["ETag"])
    assert again.status == 304

    services.work_on(job_id, request_id="r", remaining=lambda: ENOUGH)

    after = api.ask("GET", path, If_None_Match=before.headers["ETag"])
    first = after.envelope["data"]["lines"][0]
    assert (after.status, first["text"]) == (200, "attempt 1 has claimed the job")
    assert (first["level"], first["attempt"], first["fence"]) == ("INFO", 1, 1)
    assert "Retry-After" not in after.headers


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("018cc251-f400-7000-8000-000000000000/logs", 404, JobNotFound.code),
        ("LOG%23x/logs", 400, "INVALID_JOB_ID"),
        ("018cc251-f400-7000-8000-000000000000/logs?limit=1", 400, "VALIDATION_ERROR"),
    ],
)
def test_what_is_no_log_is_refused(api: Api, path: str, status: int, code: str) -> None:
    reply = api.ask("GET", f"{JOBS}/{path}", Authorization=f"Bearer {OPERATOR}")

    assert (reply.status, reply.envelope["error"]["code"]) == (status, code)
