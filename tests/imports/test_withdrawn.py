"""Rows that a source has no more are withdrawn with the import that did not bring them, if nothing
is against it.

A run takes a lake where it shows something of its own, a soak everywhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.exchanged_source import ExchangedSource, Short
from support.imports import Worker, published_rows
from support.store_kinds import FILE_AND_LAKE_IN_SOAK, file_or_lake

from chalicelib.files.json_lines import NdjsonFile
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.starting import accept_import
from local.source.server import SampleSource

if TYPE_CHECKING:
    from pathlib import Path

    from support.exchanged_source import Row

pytestmark = FILE_AND_LAKE_IN_SOAK
ROWS: list[Row] = [
    {
        "field_code": 1 + well // 100,
        "well_code": well,
        "production_period": f"2024-0{month}-01",
        "oil_production_kbd": 2.0,
        "updated_at": "2024-06-01T00:00:00Z",
    }
    for well in range(150)
    for month in (1, 2)
]


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any) -> Worker:
    return Worker(environment | {"WELLHEAD_SOURCE_MISSING": "withdraw"}, dynamodb)


@pytest.fixture
def source(worker: Worker, tmp_path: Path) -> ExchangedSource:
    return ExchangedSource(worker, tmp_path)


def published(worker: Worker) -> int:
    return len(published_rows(worker))


def outcome(job: Job) -> tuple[str, int, list[str]]:
    return (
        job.status,
        job.withdrawn_records,
        [finding.check for finding in job.findings if finding.holds],
    )


@file_or_lake
def test_a_row_that_came_no_more_is_withdrawn(worker: Worker, source: ExchangedSource) -> None:
    source.has_imported(ROWS)

    job = source.imported(ROWS[1:])

    assert outcome(job) == (JobStatus.COMPLETED, 1, [])
    assert (job.duplicate_records, job.total_records, job.view(0.0)["withdrawn_records"]) == (
        299,
        299,
        1,
    )
    assert published(worker) == 299
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    assert snapshot.rows == 299


def test_by_default_it_stays(worker: Worker, source: ExchangedSource) -> None:
    worker.settings = replace(worker.settings, source_missing="keep")
    source.has_imported(ROWS)

    assert outcome(source.imported(ROWS[1:])) == (JobStatus.COMPLETED, 0, [])
    assert published(worker) == 300


@file_or_lake
def test_many_hold_the_import_until_somebody_accepts_them(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(ROWS)

    held = source.imported(ROWS[4:])

    assert outcome(held) == (JobStatus.FAILED, 0, ["WITHDRAWN"])
    assert ((held.diff or {})["withdrawn"], (held.diff or {})["covered"], published(worker)) == (
        4,
        300,
        300,
    )
    [finding] = held.findings
    assert finding.found == "4 of 300 rows"
    assert finding.examples[0] == {
        "field_code": "1",
        "well_code": "0",
        "production_period": "2024-01-01",
    }
    accepted = accept_import(
        held.job_id,
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        findings=["WITHDRAWN"],
        by="ann",
        source_id=worker.settings.source_id,
    )
    worker.run(accepted.job_id)
    assert outcome(worker.manager.get(accepted.job_id)) == (JobStatus.COMPLETED, 4, [])
    assert published(worker) == 296
    again = source.imported(ROWS[8:])
    assert outcome(again) == (
        JobStatus.FAILED,
        0,
        ["WITHDRAWN"],
    )  # what was accepted once is not accepted for good


@file_or_lake
def test_a_window_withdraws_nothing_that_it_covers_no_more(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(ROWS)
    later = [
        {**row, "production_period": "2024-03-01"}
        for row in ROWS
        if row["production_period"] == "2024-02-01"
    ]

    job = source.imported(
        [row for row in ROWS if row["production_period"] == "2024-02-01"][1:] + later
    )

    assert outcome(job) == (JobStatus.COMPLETED, 1, [])
    assert published(worker) == 300 - 1 + 150


@file_or_lake
def test_a_rejected_row_is_not_missing(worker: Worker, source: ExchangedSource) -> None:
    source.has_imported(ROWS)

    job = source.imported([{**ROWS[0], "oil_production_kbd": "much"}, *ROWS[2:]])

    assert outcome(job) == (JobStatus.COMPLETED, 1, [])
    assert (job.failed_records, published(worker)) == (1, 299)


@pytest.mark.parametrize("parameters", [{"field_code": "1"}, {"from": "2024-02-01"}])
def test_a_part_of_the_rows_withdraws_nothing(
    worker: Worker, source: ExchangedSource, parameters: dict[str, Any]
) -> None:
    source.has_imported(ROWS)

    job = source.imported(ROWS[2:], parameters=parameters)

    assert outcome(job) == (JobStatus.COMPLETED, 0, [])
    assert published(worker) == 300


def test_an_increment_withdraws_nothing(worker: Worker, tmp_path: Path) -> None:
    """It asks for less than there is."""
    paths = [tmp_path / "all.ndjson", tmp_path / "some.ndjson"]
    for path, rows in zip(paths, (ROWS, ROWS[100:]), strict=True):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (
        NdjsonFile(paths[0]) as all_rows,
        NdjsonFile(paths[1]) as some,
        SampleSource(all_rows) as source,
    ):
        worker.settings = replace(
            worker.settings, source_url=source.url, source_changed="updated_at"
        )
        worker.import_all()
        source.rows = some

        job = worker.import_all()

    assert job.stats["changed_since"]
    assert outcome(job) == (JobStatus.COMPLETED, 0, [])
    assert published(worker) == 300


def test_an_import_that_is_accepted_as_incomplete_withdraws_nothing(
    worker: Worker, source: ExchangedSource
) -> None:
    source.has_imported(ROWS)
    held = source.imported(ROWS[2:], file=Short)
    assert outcome(held) == (JobStatus.FAILED, 0, ["SOURCE_INCOMPLETE"])

    accepted = accept_import(
        held.job_id,
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        findings=["SOURCE_INCOMPLETE"],
        by="ann",
        source_id=worker.settings.source_id,
    )
    worker.run(accepted.job_id)

    assert outcome(worker.manager.get(accepted.job_id)) == (JobStatus.COMPLETED, 0, [])
    assert published(worker) == 300
