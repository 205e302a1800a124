"""When every delivery of an event has failed:
the real functions in processes of their own, and no sweeper.
"""

from __future__ import annotations

import os
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import KEYS, Clock, a_job
from support.imports import expected_rows, stored_rows

from chalicelib.errors import NotStarted
from chalicelib.jobs.job import JobStatus
from chalicelib.services import Services
from local.aws.app_graph import deployed_functions, load_config
from local.aws.lambda_endpoint import LambdaEndpoint
from local.aws.lambda_runtime import LambdaRuntime
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import DESTINATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.job import Job

ROOT = Path(__file__).parents[2]
[(IMPORT, FAILED_EVENT)] = DESTINATIONS.items()
DATA = GeneratedProduction(600)
HANDLERS = """
    import os, pathlib, sys
    sys.path.insert(0, {root!r})
    from app import import_wells, services, take_up_job

    def import_or_die(event, context):
        if pathlib.Path("cured").exists():
            return import_wells(event, context)
        services.job_manager.claim(event["job_id"], holder=context.aws_request_id)
        os._exit(1)
"""

Deploy = Callable[..., LambdaEndpoint]


@pytest.fixture
def services(environment: dict[str, str]) -> Services:
    """Of this process, with the settings of the functions.
    A lease is short, for a dead worker has no other end.
    """
    environment |= {
        "WELLHEAD_IMPORT_FUNCTION": IMPORT,
        "WELLHEAD_LEASE_SECONDS": "2",
        "WELLHEAD_LEASE_GRACE_SECONDS": "0",
        "WELLHEAD_MEMORY_MB": "200",
    }
    return Services(environment)


@pytest.fixture
def deploy(
    environment: dict[str, str], services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deploy]:
    """Makes the functions known, with changes to the import function; not the sweeper."""
    (tmp_path / "handlers.py").write_text(textwrap.dedent(HANDLERS.format(root=str(ROOT))))
    given: dict[str, str] = {}
    runtime = LambdaRuntime(project=tmp_path, logs=tmp_path / "logs", environment=given)
    endpoint = LambdaEndpoint(
        runtime=runtime,
        queue=tmp_path / "events.sqlite",
        keys=KEYS,
        destinations=DESTINATIONS,
        retry_delays=(0.05, 0.05),
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint.url)

    def deploy(**changed: Any) -> LambdaEndpoint:
        given.update(os.environ | environment)
        functions = {
            function.name: function
            for function in deployed_functions(load_config(ROOT, stage="local"))
        }
        destination = replace(functions[FAILED_EVENT], handler="handlers.take_up_job")
        endpoint.deploy([replace(functions[IMPORT], **changed), destination])
        return endpoint

    with endpoint:
        yield deploy


def at_its_end(services: Services, job_id: str) -> Job:
    deadline = time.monotonic() + 60
    while not (job := services.job_manager.get(job_id)).status.final:
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    return job


def log_of(function: str, tmp_path: Path) -> str:
    path = tmp_path / "logs" / f"{function}.log"
    return path.read_text() if path.exists() else ""


def test_a_job_whose_function_fails_at_every_start_ends_at_once(
    services: Services, deploy: Deploy, tmp_path: Path
) -> None:
    deploy(handler="handlers.import_wells", environment={"WELLHEAD_PAGE_SIZE": "many"})
    job = services.job_manager.create(a_job(Clock(time.time())))

    services.dispatcher.dispatch(job.job_id)

    ended = at_its_end(services, job.job_id)
    assert ended.status is JobStatus.FAILED
    assert ended.error is not None
    assert (ended.error["code"], ended.error["message"]) == (NotStarted.code, NotStarted().message)
    assert services.job_manager.lock().owner is None
    assert log_of(IMPORT, tmp_path).count("START RequestId") == 3
    assert log_of(FAILED_EVENT, tmp_path).count("START RequestId") == 1


def test_a_job_whose_workers_die_goes_on_at_its_checkpoint(
    services: Services, environment: dict[str, str], deploy: Deploy, tmp_path: Path
) -> None:
    with SampleSource(DATA) as source:
        environment |= {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_PAGE_SIZE": "200"}
        deploy(handler="handlers.import_or_die")
        job = services.job_manager.create(a_job(Clock(time.time())))
        budget = iter([900.0] * 4)  # for the look at the source, its types, and a page
        services.work_on(job.job_id, request_id="first", remaining=lambda: next(budget, 0.0))
        while "START" not in log_of(FAILED_EVENT, tmp_path):
            time.sleep(0.02)
        (tmp_path / "cured").touch()
        ended = at_its_end(services, job.job_id)

    assert ended.status is JobStatus.COMPLETED, ended
    assert ended.attempt >= 3  # the one before the checkpoint, at least one that died, and the last
    assert "resumed" in [event.name for event in ended.events]
    snapshot = services.job_manager.current_snapshot()
    assert snapshot
    assert stored_rows(Path(environment["WELLHEAD_WAREHOUSE"]) / snapshot.name) == expected_rows(
        DATA
    )


def test_the_destination_is_a_function_of_the_app() -> None:
    names = {function.name for function in deployed_functions(load_config(ROOT, stage="local"))}

    assert {*DESTINATIONS, *DESTINATIONS.values()} <= names
