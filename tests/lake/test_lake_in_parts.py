"""A source that is read in parts, by four threads, into a lake:
each row once, whatever dies when, as in a file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.imports import Budget, Died, Worker, die, expected_rows, opened, published_rows
from support.machine import StatesWorker
from support.merging import assert_main_is
from support.soak import SOAK
from support.store_kinds import LAKE

from chalicelib.jobs.job import Job, JobStatus
from chalicelib.lake.catalog import Catalog
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = LAKE
ROWS, PAGE, PARTS = 3_000, 46, 8  # no page ends between the two rows of one key
DATA = GeneratedProduction(ROWS)
EXPECTED = expected_rows(DATA)
TOLD = DATA.expected_counts()


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(DATA, max_page_size=PAGE) as source:
        yield source


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> Worker:
    environment |= {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_WORKERS": "4",
        "WELLHEAD_CHECKPOINT_SECONDS": "30",
        "WELLHEAD_MEMORY_MB": "200",
    }
    return Worker(environment, dynamodb)


def assert_whole(worker: Worker, job: Job, *, parts: int = PARTS) -> None:
    """Of the first import:
    its rows, its run, the rejected ones, and main of each table is what the pointer names.
    """
    assert (job.status, job.error, job.parts) == (
        JobStatus.COMPLETED,
        None,
        {"count": parts, "done": parts},
    )
    assert (job.fetched_records, job.total_records) == (ROWS, ROWS)
    assert published_rows(worker) == EXPECTED
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    assert snapshot.is_lake
    assert_main_is(Catalog(worker.settings.catalog, session=None), snapshot)  # type: ignore[arg-type]  # unsigned
    with opened(worker.settings, snapshot) as connection:
        runs = connection.execute(
            "SELECT job_id, new_records, duplicate_records FROM import_runs"
        ).fetchall()
        rejected = connection.execute("SELECT job_id, page FROM rejected_rows").fetchall()
    assert runs == [(job.job_id, job.new_records, job.duplicate_records)]
    assert len(rejected) == TOLD.failed


def test_an_import_of_parts_ends_in_the_lake_as_it_does_in_a_file(worker: Worker) -> None:
    job = worker.import_all()

    assert_whole(worker, job)
    assert (job.new_records, job.duplicate_records, job.failed_records) == (
        TOLD.new,
        TOLD.duplicate,
        TOLD.failed,
    )

    again = worker.import_all()

    assert (again.status, again.new_records, again.updated_records) == (JobStatus.COMPLETED, 0, 0)
    assert again.duplicate_records == ROWS - TOLD.failed
    assert published_rows(worker) == EXPECTED


def test_the_states_of_the_machine_end_in_the_lake_too(
    worker: Worker, environment: dict[str, str], dynamodb: Any
) -> None:
    states = StatesWorker(environment, dynamodb)
    states.set(workers=2)

    job = states.import_all()

    assert_whole(worker, job, parts=4)
    assert worker.import_all().duplicate_records == ROWS - TOLD.failed


def test_rows_that_parts_replace_are_in_the_history_once(worker: Worker) -> None:
    """Each thread brings some of the rows that change."""
    worker.import_all()
    with SampleSource(GeneratedProduction(ROWS, revision=1), max_page_size=PAGE) as revised:
        worker.settings = replace(worker.settings, source_url=revised.url)
        job = worker.import_all()

    snapshot = worker.manager.current_snapshot()
    assert snapshot
    with opened(worker.settings, snapshot) as connection:
        kept = connection.execute(
            "SELECT field_code, well_code, CAST(production_period AS VARCHAR) FROM well_production_history"
        ).fetchall()
    assert (job.status, job.parts, job.new_records) == (
        JobStatus.COMPLETED,
        {"count": PARTS, "done": PARTS},
        0,
    )
    assert len(kept) == job.updated_records > ROWS / 100
    assert set(Counter(kept).values()) == {1}
    assert published_rows(worker) == expected_rows(GeneratedProduction(ROWS, revision=1))


@pytest.mark.by_lot
@pytest.mark.parametrize("calls", [10, 25, 35, 50, 70] if SOAK else [35])
@pytest.mark.parametrize("is_killed", [True, False], ids=["dies", "hands over"])
def test_who_goes_on_after_a_worker_of_parts_brings_each_row_once(
    worker: Worker, calls: int, is_killed: bool
) -> None:
    job_id = worker.trigger()
    if is_killed:
        with pytest.raises(Died):
            worker.run(job_id, remaining=Budget(worker.clock, calls, die))
    else:
        worker.run(job_id, remaining=Budget(worker.clock, calls))
    worker.clock.advance(100)

    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert_whole(worker, job)
    assert [event.name for event in job.events].count("planned") == 1
