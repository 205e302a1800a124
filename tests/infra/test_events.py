"""The test events for the AWS console:
each does what docs/operations.md says, as it is and with a real job.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support.api_client import OPERATOR, Api
from support.coordination import table_contents
from support.documents import names, section, text

from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import PULSE
from chalicelib.services import Services
from local.aws.app_graph import deployed_functions, load_config
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.jobs.job import Job

ROOT = Path(__file__).parents[2]
EVENTS = sorted((ROOT / "infra" / "events").glob("*.json"))
NO_JOB = "00000000-0000-7000-8000-000000000000"
CONTEXT = SimpleNamespace(aws_request_id="console", get_remaining_time_in_millis=lambda: 900_000)


@pytest.fixture
def environment(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    with SampleSource(GeneratedProduction(60)) as source:
        yield environment | {"WELLHEAD_SOURCE_URL": source.url}


@pytest.fixture
def send(api: Api) -> Callable[..., Any]:
    """Sends the event of this name, with another job, to the function that it is for."""
    module = sys.modules["app"]
    handlers = {
        function.name.removeprefix("wellhead-local-"): function.handler.removeprefix("app.")
        for function in deployed_functions(load_config(ROOT, stage="local"))
    }

    def send(name: str, job_id: str = NO_JOB, **changes: str) -> Any:
        text = (
            (ROOT / "infra" / "events" / f"{name}.json").read_text("utf-8").replace(NO_JOB, job_id)
        )
        function = "app" if name.startswith("api-") else handlers.get(name, name)
        return getattr(module, function)({**json.loads(text), **changes}, CONTEXT)

    return send


@pytest.fixture
def services(environment: dict[str, str]) -> Services:
    return Services(environment)


def pending(services: Services, send: Callable[..., Any]) -> Job:
    job_id = json.loads(send("api-trigger")["body"])["data"]["job_id"]
    return services.job_manager.get(job_id)


def test_every_event_is_described_where_people_look_for_it() -> None:
    described = section(text("docs/operations.md"), "Test events for the AWS console")

    assert {path.name for path in EVENTS} == names(described)


def test_as_they_are_they_change_nothing(send: Callable[..., Any], dynamodb: Any) -> None:
    """All but the trigger: it starts an import, which is what it is for.
    The sweeper says in the table that it ran.
    """
    with pytest.raises(ValueError, match="Unauthorized"):  # what API Gateway answers with 401
        send("authorizer")
    told = {
        path.stem: send(path.stem)
        for path in EVENTS
        if path.stem not in ("api-trigger", "authorizer")
    }

    assert told["import"] == {"job_id": NO_JOB, "outcome": "nothing to do"}
    assert told["query"]["error"]["code"] == "NO_DATA_YET"
    assert told["sweeper"] == told["failed-event"] == "nothing"
    assert (told["api-status"]["statusCode"], "JOB_NOT_FOUND" in told["api-status"]["body"]) == (
        404,
        True,
    )
    assert set(table_contents(dynamodb, "wellhead-test")) == {PULSE["sk"]}


def test_with_a_real_job_they_run_it(services: Services, send: Callable[..., Any]) -> None:
    job = pending(services, send)
    assert job.triggered_by == "console-test"

    assert send("import", job.job_id) == {"job_id": job.job_id, "outcome": "COMPLETED"}

    status = json.loads(send("api-status", job.job_id)["body"])["data"]
    assert (status["status"], status["total_records"]) == ("COMPLETED", 60)
    assert send("query")["data"]["rows"] == status["new_records"]


def test_a_failed_event_ends_a_job_that_never_began(
    services: Services, send: Callable[..., Any]
) -> None:
    job = pending(services, send)

    assert send("failed-event", job.job_id) == "failed"

    assert services.job_manager.get(job.job_id).status is JobStatus.FAILED


def test_the_authorizer_lets_a_known_token_in(send: Callable[..., Any]) -> None:
    told = send("authorizer", authorizationToken=f"Bearer {OPERATOR}")

    assert told["principalId"] == "ada"
    assert told["policyDocument"]["Statement"][0]["Effect"] == "Allow"
