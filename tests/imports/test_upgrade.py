"""A stack from before codes were text goes on with its table,
its warehouse and an import that was under way.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import a_job
from support.imports import Budget, Worker, expected_rows, stored_rows
from support.older_stack import make_checkpoint_older, make_older
from support.staging import tables

from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.starting import retry_import
from chalicelib.store.columns import COLUMNS
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.job import Job

DATA = GeneratedProduction(90, bad_rows=False)
CODES = [place for place, column in enumerate(COLUMNS) if column.kind == "code"]


class Revised(GeneratedProduction):
    """Each row has another rate of gas, about as high."""

    def page(self, skip: int, top: int) -> list[bytes]:
        rows = [json.loads(row) for row in super().page(skip, top)]
        return [json.dumps(row | {"gas_production_mmcfd": revised(row)}).encode() for row in rows]


class Padded(Revised):
    """Its codes are texts with zeros in front."""

    def page(self, skip: int, top: int) -> list[bytes]:
        rows = [json.loads(row) for row in super().page(skip, top)]
        return [
            json.dumps(
                row | {name: padded(row[name]) for name in ("field_code", "well_code")}
            ).encode()
            for row in rows
        ]


REVISED = Revised(90, bad_rows=False)


def revised(row: dict[str, Any]) -> float:
    return round((row["gas_production_mmcfd"] or 0) * 1.5 + 0.01, 3)


def padded(code: Any) -> str:
    return f"00{code}"


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(DATA) as source:
        yield source


@pytest.fixture
def worker(
    environment: dict[str, str], dynamodb: Any, source: SampleSource, tmp_path: Path
) -> Worker:
    """Of a stack that has published two imports, the second one with revisions."""
    more = {
        "SOURCE_URL": source.url,
        "PAGE_SIZE": "10",
        "CHECKPOINT_SECONDS": "1",
        "SOURCE_CONNECTIONS": "1",
    }
    more |= {"SOURCE_CHANGED": "production_period"}
    worker = Worker(
        environment | {f"WELLHEAD_{name}": value for name, value in more.items()}, dynamodb
    )
    worker.import_all()
    source.rows = REVISED
    worker.manager.create(full := replace(a_job(worker.clock), parameters={"full": True}))
    worker.run(full.job_id)
    make_older(worker, dynamodb, tmp_path)
    return worker


def published(worker: Worker) -> Path:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    return Path(worker.settings.warehouse, snapshot.name)


def counts(job: Job) -> tuple[Any, ...]:
    return job.status, job.error, job.new_records, job.updated_records, job.fetched_records


def test_the_next_import_asks_for_everything_and_finds_every_row_again(worker: Worker) -> None:
    before = tables(published(worker))

    job = worker.import_all()

    assert counts(job) == (JobStatus.COMPLETED, None, 0, 0, len(DATA))
    assert "changed_since" not in job.stats
    after = tables(published(worker))
    assert stored_rows(published(worker)) == expected_rows(REVISED)
    assert after["import_runs"][:-1] == before["import_runs"]
    assert [row["oil_production_kbd"] for row in after["well_production_history"]] == [
        row["oil_production_kbd"] for row in before["well_production_history"]
    ]
    assert worker.import_all().stats["changed_since"]


def test_codes_that_the_source_writes_with_zeros_are_found_again_and_renamed(
    worker: Worker, source: SampleSource
) -> None:
    source.rows = Padded(90, bad_rows=False)

    job = worker.import_all()

    assert counts(job) == (JobStatus.COMPLETED, None, 0, 0, len(DATA))
    renamed = [
        tuple(padded(value) if place in CODES else value for place, value in enumerate(row))
        for row in expected_rows(REVISED)
    ]
    assert sorted(stored_rows(published(worker))) == sorted(renamed)
    assert {
        row["well_code"][:2] for row in tables(published(worker))["well_production_history"]
    } == {"00"}


def test_a_part_that_would_store_wells_twice_is_refused_and_publishes_nothing(
    worker: Worker, source: SampleSource
) -> None:
    source.rows = Padded(90, bad_rows=False)
    before = published(worker).read_bytes()
    part = replace(a_job(worker.clock), parameters={"from": "2000-01-01"})
    worker.manager.create(part)

    worker.run(part.job_id)

    job = worker.manager.get(part.job_id)
    assert job.error is not None
    assert (job.status, job.error["code"], job.error["retryable"]) == (
        JobStatus.FAILED,
        "FULL_IMPORT_FIRST",
        False,
    )
    assert published(worker).read_bytes() == before


def test_another_length_of_period_is_refused_and_publishes_nothing(worker: Worker) -> None:
    worker.import_all()
    before = published(worker).read_bytes()
    worker.settings = replace(worker.settings, source_period="day")

    job = worker.import_all()

    assert job.error is not None
    assert (job.status, job.error["code"]) == (JobStatus.FAILED, "PERIOD_CHANGED")
    assert published(worker).read_bytes() == before


@pytest.mark.parametrize("is_retried", [False, True], ids=["hand-over", "retry"])
def test_an_import_that_was_under_way_begins_anew_in_the_new_form(
    worker: Worker, dynamodb: Any, is_retried: bool
) -> None:
    job_id = worker.manager.create(
        replace(a_job(worker.clock), source_id=worker.settings.source_id)
    ).job_id
    assert worker.run(job_id, remaining=Budget(worker.clock, 4))["outcome"] == "handed over"
    make_checkpoint_older(worker, dynamodb, job_id)
    fetched = worker.manager.get(job_id).fetched_records
    assert 0 < fetched < len(DATA)
    if is_retried:
        worker.manager.cancel(job_id)
        job_id = retry_import(
            job_id,
            triggered_by="ada",
            source_id=worker.settings.source_id,
            job_manager=worker.manager,
            dispatcher=worker.dispatcher,
            warehouse=worker.warehouse,
            clock=worker.clock,
        ).job_id

    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert counts(job) == (JobStatus.COMPLETED, None, 0, 0, len(DATA))
    assert [event.facts["lost_records"] for event in job.events if event.name == "gone back"] == [
        fetched
    ]
    assert stored_rows(published(worker)) == expected_rows(REVISED)
