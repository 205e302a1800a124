"""One invocation of the import function,
from its claim to the job's end, against a real source over HTTP.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import NOON, a_job, table_contents
from support.imports import (
    ENOUGH,
    Budget,
    Died,
    Worker,
    die,
    expected_rows,
    files,
    rejected_rows,
    stored_rows,
)
from support.scripted_source import Answer, Serve, page

from chalicelib.imports.publication import MERGE_ROWS_PER_SECOND, PUBLISH_BYTES_PER_SECOND
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.jobs.event import Event
from chalicelib.jobs.job import Job, JobStatus, Phase
from chalicelib.jobs.lock import Lease, Snapshot
from chalicelib.jobs.manager import JobManager
from chalicelib.services import Services
from chalicelib.warehouse.names import LATEST, LATEST_NOTE, OWNER, sha256_of
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.lock import Claim
    from local.aws.emulator import LocalAws

TABLE = "wellhead-test"
ROWS = 1_000  # with a bad row and a repeated key
DATA = GeneratedProduction(ROWS)
EXPECTED = expected_rows(DATA)


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(DATA) as source:
        yield source


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> Worker:
    environment |= {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_PAGE_SIZE": "125",
        "WELLHEAD_CHECKPOINT_SECONDS": "3600",
        "WELLHEAD_MEMORY_MB": "200",
    }
    return Worker(environment, dynamodb)


def published(worker: Worker) -> Path:
    snapshot = worker.manager.current_snapshot()
    assert snapshot is not None
    path = Path(worker.settings.warehouse) / snapshot.name
    assert (snapshot.sha256, snapshot.bytes) == (sha256_of(path), path.stat().st_size)
    return path


def assert_whole(worker: Worker, job: Job) -> None:
    """Every row of the source exactly once, each count right, and nothing left over."""
    expected = DATA.expected_counts()
    assert job.status is JobStatus.COMPLETED
    assert (job.new_records, job.updated_records) == (expected.new, expected.updated)
    assert (job.duplicate_records, job.failed_records) == (expected.duplicate, expected.failed)
    assert (job.fetched_records, job.expected_records, job.total_records) == (ROWS, ROWS, ROWS)
    assert job.progress_percentage == 100
    path = published(worker)
    assert stored_rows(path) == EXPECTED
    assert rejected_rows(path) == expected.failed
    left = files(worker.settings.warehouse)
    assert sorted(left) == sorted(
        [path.relative_to(worker.settings.warehouse).as_posix(), LATEST, LATEST_NOTE, OWNER]
    )
    assert left[LATEST] == sha256_of(path)
    assert files(worker.settings.scratch) == {}
    assert worker.manager.lock().owner is None


class LeasesOfPhases(JobManager):
    """Keeps how long each report asks for the lease; None for the usual time."""

    def __init__(self, **collaborators: Any) -> None:
        super().__init__(**collaborators)
        self.leases: list[tuple[Phase | None, float | None]] = []

    def progress(self, claim: Claim, job: Job, *, lease_seconds: float | None = None) -> Job:
        self.leases.append((job.phase, lease_seconds))
        return super().progress(claim, job, lease_seconds=lease_seconds)


def test_phases_without_heartbeats_hold_the_lease_as_long_as_they_may_take(
    worker: Worker,
) -> None:
    """Nobody may come in between where one takes longer than a usual lease."""
    manager = LeasesOfPhases(table=worker.manager.table, lease=Lease(), clock=worker.clock)
    worker.manager = manager

    job = worker.import_all()

    usual = worker.settings.lease_seconds
    leases = dict(reversed(manager.leases))  # as each phase is entered
    assert leases[Phase.MERGING] == usual + job.total_records / MERGE_ROWS_PER_SECOND
    size = published(worker).stat().st_size
    assert leases[Phase.PUBLISHING] == usual + size / PUBLISH_BYTES_PER_SECOND


def test_an_import_brings_every_row_once(worker: Worker, dynamodb: Any) -> None:
    job_id = worker.trigger()

    outcome = worker.run(job_id)

    assert outcome == {"job_id": job_id, "outcome": "COMPLETED"}
    job = worker.manager.get(job_id)
    assert_whole(worker, job)
    assert [event.name for event in job.events] == [
        "created",
        "claimed",
        "merging",
        "checking",
        "publishing",
        "completed",
    ]
    assert (job.attempt, job.phase, job.error) == (1, None, None)
    twice = [(warning["rule"], warning["count"]) for warning in job.warnings]
    assert twice == [
        ("SAME_KEY_ON_TWO_PAGES", 1)
    ]  # the source has a row twice, and a page ends between the two
    assert job.stats["pages"] == 8
    path, current = published(worker), worker.manager.current_snapshot()
    assert current
    assert current.sources
    assert current == Snapshot(
        name=f"snapshots/wells-0000000001-{job_id}.duckdb",
        fence=1,
        rows=len(EXPECTED),
        bytes=path.stat().st_size,
        sha256=sha256_of(path),
        job_id=job_id,
        sources={"default": {"fence": 1, "job_id": job_id, "at": current.sources["default"]["at"]}},
    )
    assert table_contents(dynamodb, TABLE)["LOCK#import"] == {"fence": 1}


@pytest.mark.by_lot
@pytest.mark.parametrize("most_runs", [1, 3])
def test_an_import_of_many_attempts_joins_its_segments(worker: Worker, most_runs: int) -> None:
    """Each attempt adds a run of segments to the job's item,
    which must not grow with the import.
    """
    job_id, job = worker.trigger(), None
    seen = []
    while job is None or not job.status.final:
        worker.run(job_id, remaining=Budget(worker.clock, 1), most_runs=most_runs)
        job = worker.manager.get(job_id)
        seen.append(len(job.segments))

    clear_orphans(
        job_manager=worker.manager, warehouse=worker.warehouse, kept=3, clock=worker.clock
    )

    assert_whole(worker, job)
    assert (job.attempt, max(seen)) == (len(seen), most_runs)
    assert len(seen) > 4


def test_services_build_an_import_from_the_environment(
    environment: dict[str, str], worker: Worker, source: SampleSource, aws: LocalAws
) -> None:
    source.credentials = ("reader", "pa55wörd")
    aws.put_parameter("/source", json.dumps({"username": "reader", "password": "pa55wörd"}))
    environment |= {"WELLHEAD_SOURCE_AUTH": "basic", "WELLHEAD_SOURCE_SECRET": "/source"}
    services = Services(environment)
    job = services.job_manager.create(replace(a_job(worker.clock), created_at=time.time()))

    outcome = services.work_on(job.job_id, request_id="r", remaining=lambda: ENOUGH)

    assert outcome == {"job_id": job.job_id, "outcome": "COMPLETED"}
    assert_whole(worker, services.job_manager.get(job.job_id))


def test_a_second_import_updates_what_was_revised(worker: Worker, source: SampleSource) -> None:
    first = worker.import_all()
    worker.clock.advance(60)
    source.rows = revised = GeneratedProduction(ROWS, revision=1)

    second = worker.import_all()

    expected = revised.expected_counts(previous=0)
    assert (second.new_records, second.updated_records) == (0, expected.updated)
    assert (second.duplicate_records, second.failed_records) == (
        expected.duplicate,
        expected.failed,
    )
    assert stored_rows(published(worker)) == expected_rows(revised)
    assert worker.manager.get(first.job_id) == first


def test_an_empty_source_is_an_empty_database(worker: Worker, source: SampleSource) -> None:
    source.rows = GeneratedProduction(0)

    job = worker.import_all()

    assert (job.status, job.total_records, job.expected_records) == (JobStatus.COMPLETED, 0, 0)
    assert stored_rows(published(worker)) == []


@pytest.mark.parametrize(
    ("count", "warnings"), [(3, [("SOURCE_CHANGED", 1)]), (9, [("SOURCE_CHANGED", 7)]), (2, [])]
)
def test_a_source_that_changes_is_warned_of(
    worker: Worker, serve: Serve, count: int, warnings: list[Any]
) -> None:
    job = import_two_rows(worker, serve, count)

    assert (job.status, job.new_records) == (JobStatus.COMPLETED, 2)
    assert [(warning["rule"], warning["count"]) for warning in job.warnings] == warnings


def test_a_source_that_brings_fewer_rows_than_it_counts_is_held(
    worker: Worker, serve: Serve
) -> None:
    job = import_two_rows(worker, serve, 9, counted=9)

    assert job.error is not None
    assert (job.status, job.error["code"], job.new_records) == (JobStatus.FAILED, "HELD", 0)
    assert [finding.check for finding in job.findings] == ["SOURCE_INCOMPLETE"]
    assert worker.manager.current_snapshot() is None


def import_two_rows(worker: Worker, serve: Serve, count: int, *, counted: int = 2) -> Job:
    """From a source that counts so many at its last page, and `counted` when it is asked again."""
    row = {"field_code": 1, "production_period": "2024-01-01", "oil_production_kbd": 1.0}
    first = page(
        [row | {"well_code": 1}],
        odata_count=count if count > 3 else 2,
        odata_nextLink="?$skiptoken=1",
    )
    second = page([row | {"well_code": 2}], odata_count=count)
    source = serve(Answer(first), Answer(first), Answer(second), Answer(page([])))
    source.counted = counted
    worker.settings = replace(worker.settings, source_url=source.url)
    return worker.import_all()


# --- deliveries


def test_a_delivery_after_the_end_does_nothing(worker: Worker, dynamodb: Any) -> None:
    job = worker.import_all()
    before = table_contents(dynamodb, TABLE), files(worker.settings.warehouse)

    assert worker.run(job.job_id) == {"job_id": job.job_id, "outcome": "nothing to do"}

    assert (table_contents(dynamodb, TABLE), files(worker.settings.warehouse)) == before


def test_a_delivery_of_an_unknown_job_does_nothing(worker: Worker, dynamodb: Any) -> None:
    job_id = a_job(worker.clock).job_id

    assert worker.run(job_id) == {"job_id": job_id, "outcome": "nothing to do"}

    assert table_contents(dynamodb, TABLE) == {}


def test_a_duplicate_delivery_leaves_when_the_worker_shows_life(
    worker: Worker, dynamodb: Any
) -> None:
    claim = worker.manager.claim(worker.trigger(), holder="living")
    living: list[Any] = []

    def beat(seconds: float) -> None:
        worker.clock.advance(seconds)
        worker.manager.progress(claim, claim.job)
        living.append(table_contents(dynamodb, TABLE))

    worker.sleep = beat

    assert worker.run(claim.job.job_id) == {"job_id": claim.job.job_id, "outcome": "nothing to do"}

    assert living == [table_contents(dynamodb, TABLE)]
    assert files(worker.settings.warehouse) == {}


def test_the_retry_of_a_dead_workers_event_waits_for_its_lease_and_resumes(
    environment: dict[str, str], dynamodb: Any, worker: Worker, source: SampleSource
) -> None:
    worker = Worker(environment | {"WELLHEAD_CHECKPOINT_SECONDS": "5"}, dynamodb)
    job_id = worker.trigger()
    with pytest.raises(Died):
        worker.run(job_id, remaining=Budget(worker.clock, 8, then=die))
    checkpoint = worker.manager.get(job_id).cursor
    died_at, asked = worker.clock(), len(source.requests)
    assert checkpoint is not None

    outcome = worker.run(job_id)

    assert outcome == {"job_id": job_id, "outcome": "COMPLETED"}
    assert worker.clock() - died_at >= 60
    job = worker.manager.get(job_id)
    assert_whole(worker, job)
    assert (job.attempt, job.fence) == (2, 2)
    facts = {"page": checkpoint["page"], "records": checkpoint["delivered"]}
    assert [event for event in job.events if event.name == "resumed"] == [
        Event(at=job.events[-4].at, name="resumed", facts=facts)
    ]
    again = [request.query.get("$skiptoken") for request in list(source.requests)[asked:]]
    assert len(list(filter(None, again))) == 9 - checkpoint["page"]  # the pages that were missing


# --- slices


@pytest.mark.by_lot
@pytest.mark.parametrize("calls", [2, 4])
def test_an_import_goes_through_many_hands(worker: Worker, calls: int) -> None:
    job_id = worker.trigger()
    outcomes: list[str] = []
    while not outcomes or outcomes[-1] == "handed over":
        outcomes.append(worker.run(job_id, remaining=Budget(worker.clock, calls))["outcome"])

    job = worker.manager.get(job_id)
    assert_whole(worker, job)
    slices = len(outcomes) - 1
    assert slices >= 2
    assert outcomes == ["handed over"] * slices + ["COMPLETED"]
    assert worker.dispatcher.dispatched == [job_id] * slices
    assert (job.attempt, job.stalled_attempts) == (slices + 1, 0)
    assert [event.name for event in job.events].count("handed over") == slices


def test_a_hand_over_that_cannot_be_dispatched_waits_for_the_sweeper(worker: Worker) -> None:
    job_id = worker.trigger()
    worker.dispatcher.failing = True

    assert worker.run(job_id, remaining=Budget(worker.clock, 3))["outcome"] == "handed over"

    lock = worker.manager.lock()
    assert (lock.owner, lock.holder, lock.lease_until) == (job_id, None, worker.clock() + 360)
    worker.run(job_id)
    assert_whole(worker, worker.manager.get(job_id))


def test_attempts_that_die_at_the_same_place_come_to_an_end(worker: Worker) -> None:
    job_id = worker.trigger()
    for _ in range(5):
        with pytest.raises(Died):
            worker.run(job_id, remaining=Budget(worker.clock, 2, then=die))

    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert (job.status, job.attempt, job.stalled_attempts) == (JobStatus.FAILED, 6, 5)
    assert job.error is not None
    assert job.error["code"] == "NO_PROGRESS"
    assert worker.manager.lock().owner is None


def test_attempts_that_die_before_they_begin_come_to_an_end(worker: Worker) -> None:
    """As when a library cannot be loaded without the end of the process."""

    def dies(_: object) -> Any:
        raise Died

    job_id = worker.trigger()
    for _ in range(5):
        with pytest.raises(Died):
            worker.run(job_id, build=dies)

    assert worker.run(job_id, build=dies)["outcome"] == "FAILED"

    error = worker.manager.get(job_id).error
    assert error is not None
    assert error["code"] == "NO_PROGRESS"
    assert worker.manager.lock().owner is None


def test_too_many_attempts_come_to_an_end(
    environment: dict[str, str], dynamodb: Any, worker: Worker
) -> None:
    worker = Worker(environment | {"WELLHEAD_MAX_ATTEMPTS": "2"}, dynamodb)
    job_id = worker.trigger()

    outcomes = [worker.run(job_id, remaining=Budget(worker.clock, 1))["outcome"] for _ in range(3)]

    assert outcomes == ["handed over", "handed over", "FAILED"]
    error = worker.manager.get(job_id).error
    assert error is not None
    assert error["code"] == "TOO_MANY_ATTEMPTS"


def test_what_a_job_is_made_of_is_plain(worker: Worker) -> None:
    job = worker.import_all()

    assert json.loads(json.dumps(asdict(job))) == asdict(job)
    assert job.created_at == NOON
