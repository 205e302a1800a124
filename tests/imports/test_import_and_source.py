"""The connection to the source within a whole import:
its secrets stay with it, and it ends with the worker's time.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.credentials import KINDS, SECRETS, SENT, TokenEndpoint, leaks
from support.imports import Worker
from support.scripted_source import Answer, ScriptedHandler, Serve, page

from chalicelib.jobs.job import JobStatus
from chalicelib.services import Services


def rows(first: int, count: int) -> list[dict[str, Any]]:
    day = {"production_period": "2024-01-01", "oil_production_kbd": 1.0}
    return [{"field_code": 1, "well_code": number, **day} for number in range(first, first + count)]


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any) -> Worker:
    return Worker(environment, dynamodb)


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_keeps_its_secret_to_itself(
    environment: dict[str, str],
    worker: Worker,
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    """One import that ends well, and one whose source repeats in its error what it was sent.
    The table's journal is among the files.
    """
    name, value = SENT[kind]
    source, tokens = serve(Answer()), serve(TokenEndpoint())
    environment |= {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_SOURCE_AUTH": kind,
        "WELLHEAD_SOURCE_SECRET": "env:SECRET",
        "SECRET": json.dumps(SECRETS[kind]),
        "WELLHEAD_SOURCE_TOKEN_URL": tokens.root,
        "WELLHEAD_SOURCE_RETRIES": "0",
        "WELLHEAD_LOG_LEVEL": "DEBUG",
    }
    caplog.set_level(logging.NOTSET, "chalicelib")

    def repeat(handler: ScriptedHandler) -> Answer:
        return Answer(json.dumps({"error": f"no {handler.asked.headers[name]}"}).encode())

    for steps, status in (
        ([Answer(page(rows(0, 3), odata_count=3))], "COMPLETED"),
        ([repeat], "FAILED"),
    ):
        source.steps = list(steps)
        job_id = worker.trigger()
        outcome = Services(environment).work_on(job_id, request_id="r", remaining=lambda: 900.0)

        assert outcome == {"job_id": job_id, "outcome": status}

    assert source.saw(value)
    assert not leaks(caplog.text)
    kept = [
        path for path in Path(environment["WELLHEAD_WAREHOUSE"]).parent.rglob("*") if path.is_file()
    ]
    assert len(kept) > 2
    assert [path for path in kept if leaks(path.read_bytes().decode("latin-1"))] == []


def test_a_source_that_asks_to_wait_too_long_for_this_worker_gets_the_next_one(
    environment: dict[str, str], worker: Worker, serve: Serve
) -> None:
    busy = Answer(status=503, headers={"Retry-After": "50"})
    first = Answer(page(rows(0, 2), odata_count=4, odata_nextLink="?$skiptoken=2"))
    source = serve(first, first, busy)
    environment |= {"WELLHEAD_SOURCE_URL": source.url}
    job_id = worker.trigger()

    outcome = Services(environment).work_on(job_id, request_id="first", remaining=lambda: 60.0)

    job = worker.manager.get(job_id)
    assert outcome == {"job_id": job_id, "outcome": "handed over"}
    assert (job.status, job.fetched_records, (job.cursor or {})["page"]) == (
        JobStatus.RUNNING,
        2,
        2,
    )

    source.steps = [first, Answer(page(rows(2, 2), odata_count=4))]
    Services(environment).work_on(job_id, request_id="second", remaining=lambda: 900.0)

    job = worker.manager.get(job_id)
    assert (job.status, job.new_records, job.attempt) == (JobStatus.COMPLETED, 4, 2)


def test_the_time_for_the_whole_source_goes_on_with_the_next_worker(
    environment: dict[str, str], worker: Worker, serve: Serve
) -> None:
    """The clock of these jobs stands in the past, so the first worker's start is long ago."""
    source = serve(Answer(page(rows(0, 2))))
    environment |= {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_SOURCE_SECONDS": "3600"}
    worker.settings = replace(worker.settings, source_url=source.url)
    job_id = worker.trigger()
    assert worker.run(job_id, remaining=lambda: 0.0)["outcome"] == "handed over"

    Services(environment).work_on(job_id, request_id="later", remaining=lambda: 900.0)

    error = worker.manager.get(job_id).error
    assert error is not None
    assert (error["code"], error["retryable"]) == ("SOURCE_TIME_SPENT", False)
    assert worker.manager.current_snapshot() is None
