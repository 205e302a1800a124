"""A retry goes on from the checkpoint of a job that ended, once, and only where that brings what a
new import would.

A run takes a lake where it shows something of its own, a soak everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, InterruptedTable, RepeatingTable, SilentTable
from support.imports import Budget, Worker, expected_rows, files, published_rows
from support.shelf import shelved_by
from support.store_kinds import FILE_AND_LAKE_IN_SOAK, file_or_lake

from chalicelib.errors import (
    ImportAlreadyRunning,
    JobNotFound,
    NotResumable,
    NotRetryable,
    RetriedAlready,
    SourceChangedSince,
    SourceUnavailable,
    StateUnavailable,
    ValidationError,
    WarehouseUnavailable,
)
from chalicelib.jobs.clearing import SEGMENT_SECONDS, clear_orphans
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.starting import RETRY_SECONDS, retry_import, start_import
from chalicelib.jobs.table import Table
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import SNAPSHOTS, SegmentRun, segment_names
from local.source.faults import Faults
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = FILE_AND_LAKE_IN_SOAK
DATA = GeneratedProduction(90)
TABLE = "wellhead-test"


@pytest.fixture(scope="session")
def server() -> Iterator[SampleSource]:
    """It stays at its address, which what is on the shelf was read from."""
    with SampleSource(DATA) as server:
        yield server


@pytest.fixture
def source(server: SampleSource) -> SampleSource:
    server.faults = Faults()
    server.requests.clear()
    return server


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> Worker:
    more = {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_PAGE_SIZE": "10",
        "WELLHEAD_CHECKPOINT_SECONDS": "1",
    }
    return Worker(environment | more, dynamodb)


def start(worker: Worker, **options: Any) -> Job:
    return start_import(
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        source_id=worker.settings.source_id,
        clock=worker.clock,
        **options,
    )


def retry(
    worker: Worker, job_id: str, *, manager: JobManager | None = None, key: str | None = None
) -> Job:
    return retry_import(
        job_id,
        job_manager=manager or worker.manager,
        dispatcher=worker.dispatcher,
        warehouse=worker.warehouse,
        triggered_by="ann",
        source_id=worker.settings.source_id,
        key=key,
        clock=worker.clock,
    )


def stopped_midway(worker: Worker) -> Job:
    """CANCELLED after some checkpoints."""
    return shelved_by(worker, "retry-stopped", lambda: stop_midway(worker))


def stop_midway(worker: Worker, **options: Any) -> Job:
    job = start(worker, **options)
    worker.run(job.job_id, remaining=Budget(worker.clock, 8))
    assert worker.manager.get(job.job_id).segments
    return worker.manager.cancel(job.job_id)


def fail(worker: Worker, job_id: str) -> Job:
    claim = worker.manager.claim(job_id, holder="w9")
    return worker.manager.finish(claim, claim.job.fail(SourceUnavailable(), at=worker.clock()))


def kept(worker: Worker) -> list[str]:
    return [name for name in files(worker.settings.warehouse) if name.startswith("segments/")]


def clear(worker: Worker) -> None:
    clear_orphans(
        job_manager=worker.manager, warehouse=worker.warehouse, kept=3, clock=worker.clock
    )


# --- what a retry does


@file_or_lake
def test_a_retry_goes_on_after_the_last_checkpoint(worker: Worker, source: SampleSource) -> None:
    old = stop_midway(worker, parameters={"full": True})
    asked = len(source.requests)

    new = retry(worker, old.job_id)
    outcome = worker.run(new.job_id)

    done = worker.manager.get(new.job_id)
    assert old.cursor is not None
    assert (outcome["outcome"], done.status) == ("COMPLETED", JobStatus.COMPLETED)
    assert (done.retry_of, done.parameters, done.triggered_by) == (
        old.job_id,
        {"full": True},
        "ann",
    )
    assert worker.manager.get(old.job_id) == replace(old, retried_by=new.job_id)
    assert (
        len(source.requests) - asked == 2 + 10 - old.cursor["page"]
    )  # fields, types and the missing pages
    assert done.total_records == done.fetched_records == 90
    resumed = [event for event in done.events if event.name == "resumed"]
    [facts] = [event.facts for event in resumed]
    assert facts == {"page": old.cursor["page"], "records": old.cursor["delivered"]}
    assert published_rows(worker) == expected_rows(DATA)
    assert kept(worker) == []


def test_a_job_whose_source_failed_goes_on_after_its_last_page(
    worker: Worker, source: SampleSource
) -> None:
    """No checkpoint was due yet."""
    worker.settings = replace(
        worker.settings, checkpoint_seconds=3600, source_retries=0, source_connections=1
    )
    source.faults.fail_page(6)
    job = start(worker)
    worker.run(job.job_id)
    failed = worker.manager.get(job.job_id)
    assert (failed.error or {})["code"] == "SOURCE_UNAVAILABLE"
    assert (failed.cursor or {})["delivered"] == failed.fetched_records == 50

    done_id = retry(worker, failed.job_id).job_id
    worker.run(done_id)

    done = worker.manager.get(done_id)
    [resumed] = [event.facts for event in done.events if event.name == "resumed"]
    assert resumed == {"page": 6, "records": 50}
    assert (done.status, done.total_records) == (JobStatus.COMPLETED, 90)
    assert published_rows(worker) == expected_rows(DATA)


@file_or_lake
def test_a_job_that_could_not_publish_need_not_fetch_again(
    worker: Worker, source: SampleSource
) -> None:
    class Full(DirectoryWarehouse):
        def put(self, name: str, path: Path, *, sha256: str) -> None:
            if name.startswith(SNAPSHOTS):
                raise WarehouseUnavailable
            super().put(name, path, sha256=sha256)

    usual, worker.warehouse = worker.warehouse, Full(Path(worker.settings.warehouse))
    job = start(worker)
    worker.run(job.job_id)
    worker.warehouse = usual
    asked = len(source.requests)

    done_id = retry(worker, job.job_id).job_id
    worker.run(done_id)

    assert len(source.requests) - asked == 2  # the names of the fields, and their types
    done = worker.manager.get(done_id)
    assert (done.status, done.total_records) == (JobStatus.COMPLETED, 90)
    assert published_rows(worker) == expected_rows(DATA)


def test_a_job_that_had_no_checkpoint_begins_anew(worker: Worker) -> None:
    old = worker.manager.cancel(start(worker).job_id)

    new = retry(worker, old.job_id)

    assert (new.cursor, new.segments, new.retry_of) == (None, [], old.job_id)
    worker.run(new.job_id)
    assert worker.manager.get(new.job_id).total_records == 90


def test_retries_follow_each_other(worker: Worker) -> None:
    first = stopped_midway(worker)
    second = fail(worker, retry(worker, first.job_id).job_id)
    third = retry(worker, second.job_id)

    worker.run(third.job_id)

    assert (second.cursor, second.segments) == (first.cursor, first.segments)
    assert worker.manager.get(third.job_id).total_records == 90
    assert kept(worker) == []


# --- what it refuses


def test_only_what_ended_without_a_result_is_retried(worker: Worker) -> None:
    job = start(worker)
    with pytest.raises(NotRetryable) as refused:
        retry(worker, job.job_id)
    assert refused.value.details == {"job_id": job.job_id, "status": "PENDING"}
    worker.run(job.job_id)

    with pytest.raises(NotRetryable) as refused:
        retry(worker, job.job_id)

    assert refused.value.details == {"job_id": job.job_id, "status": "COMPLETED"}
    with pytest.raises(JobNotFound):
        retry(worker, "018cc251-f400-7000-8000-000000000000")


def test_not_while_an_import_runs(worker: Worker) -> None:
    old = stopped_midway(worker)
    running = start(worker)

    with pytest.raises(ImportAlreadyRunning) as refused:
        retry(worker, old.job_id)

    assert refused.value.details["job_id"] == running.job_id
    assert worker.manager.get(old.job_id) == old


def test_once(worker: Worker) -> None:
    old = stopped_midway(worker)
    new = retry(worker, old.job_id, key="k")

    assert retry(worker, old.job_id, key="k") == worker.manager.get(new.job_id)
    for _ in range(2):
        with pytest.raises(RetriedAlready) as refused:
            retry(worker, old.job_id)
        assert refused.value.details == {"job_id": old.job_id, "retried_by": new.job_id}
        if not worker.manager.get(new.job_id).status.final:
            fail(worker, new.job_id)
    with pytest.raises(ValidationError):
        retry(worker, new.job_id, key="k")


def test_not_after_another_import_was_published(worker: Worker) -> None:
    """Its rows may be older than what is published by now."""
    old = stopped_midway(worker)
    failed = fail(worker, start(worker).job_id)
    other = start(worker)
    worker.run(other.job_id)
    assert worker.manager.get(other.job_id).status is JobStatus.COMPLETED

    with pytest.raises(NotResumable) as refused:
        retry(worker, old.job_id)

    assert refused.value.details == {"job_id": old.job_id, "published_by": other.job_id}
    assert retry(worker, failed.job_id).cursor is None  # of a job that had fetched nothing


def test_an_import_that_failed_meanwhile_is_no_hindrance(worker: Worker) -> None:
    old = stopped_midway(worker)
    fail(worker, start(worker).job_id)

    assert retry(worker, old.job_id).cursor == old.cursor


@pytest.mark.by_lot
@pytest.mark.parametrize(
    "change",
    [
        {"source_url": "https://example.org/other"},
        {"source_paging": "skip"},
        {"source_changed": "updated_at"},
        {"source_columns": {"well_name": "Name"}},
    ],
)
def test_not_with_other_settings_of_the_source(worker: Worker, change: dict[str, Any]) -> None:
    old = stopped_midway(worker)
    worker.settings = replace(worker.settings, **change)

    with pytest.raises(SourceChangedSince, match="settings of the source have changed"):
        retry(worker, old.job_id)

    assert worker.manager.get(old.job_id) == old


def test_not_when_its_rows_are_gone(worker: Worker) -> None:
    old = stopped_midway(worker)
    for name in segment_names(old.segments):
        worker.warehouse.remove(name)

    with pytest.raises(NotResumable, match="not kept any more"):
        retry(worker, old.job_id)


def test_not_when_its_rows_may_be_cleared_at_any_moment(worker: Worker) -> None:
    old = stopped_midway(worker)
    worker.clock.advance(RETRY_SECONDS + 1)
    clear(worker)
    assert kept(worker)

    with pytest.raises(NotResumable, match="not kept any more"):
        retry(worker, old.job_id)


# --- what the sweeper leaves alone


def test_segments_stay_while_a_retry_names_them(worker: Worker) -> None:
    old = stopped_midway(worker)
    segments = kept(worker)
    worker.clock.advance(RETRY_SECONDS)
    again = retry(worker, old.job_id)
    fail(worker, again.job_id)
    worker.clock.advance(SEGMENT_SECONDS - 1)

    clear(worker)

    assert kept(worker) == segments
    worker.clock.advance(2)
    clear(worker)
    assert kept(worker) == []


def test_segments_go_when_the_retry_is_published(worker: Worker) -> None:
    old = stopped_midway(worker)
    stray = segment_names([SegmentRun(job_id=old.job_id, fence=old.fence, count=99)])[-1]
    path = Path(worker.settings.scratch) / "stray"
    path.write_text("of a worker that died before it named it")
    worker.warehouse.put(stray, path, sha256="x")
    worker.run(retry(worker, old.job_id).job_id)

    clear(worker)

    assert kept(worker) == []


# --- races and lost answers


def manager_on(table: Table, worker: Worker) -> JobManager:
    return JobManager(table=table, lease=Lease(), clock=worker.clock)


def test_of_two_retries_at_the_same_moment_one_is_done(worker: Worker, dynamodb: Any) -> None:
    old = stopped_midway(worker)
    first: list[Job] = []

    def overtake() -> None:
        first.append(retry(worker, old.job_id))
        worker.manager.cancel(first[0].job_id)  # the lock is as it was

    late = manager_on(InterruptedTable(overtake, dynamodb=dynamodb, name=TABLE), worker)
    with pytest.raises(RetriedAlready) as refused:
        retry(worker, old.job_id, manager=late)

    assert refused.value.details["retried_by"] == first[0].job_id
    jobs, _ = worker.manager.history(limit=10)
    assert [job.job_id for job in jobs] == [first[0].job_id, old.job_id]


def test_an_import_that_is_published_meanwhile_is_seen(worker: Worker, dynamodb: Any) -> None:
    old = stopped_midway(worker)
    late = manager_on(
        InterruptedTable(lambda: worker.run(start(worker).job_id), dynamodb=dynamodb, name=TABLE),
        worker,
    )

    with pytest.raises(NotResumable):
        retry(worker, old.job_id, manager=late)


def test_an_answer_that_got_lost_is_no_second_retry(worker: Worker, dynamodb: Any) -> None:
    old = stopped_midway(worker)
    new = retry(
        worker,
        old.job_id,
        manager=manager_on(RepeatingTable(dynamodb=dynamodb, name=TABLE), worker),
    )

    assert worker.manager.get(old.job_id).retried_by == new.job_id
    assert len(worker.manager.history(limit=10)[0]) == 2


def test_a_silent_table_leaves_one_retry_for_its_key(worker: Worker, dynamodb: Any) -> None:
    old = stopped_midway(worker)
    silent = manager_on(SilentTable(dynamodb=dynamodb, name=TABLE), worker)
    with pytest.raises(StateUnavailable):
        retry(worker, old.job_id, manager=silent, key="k")

    again = retry(worker, old.job_id, key="k")

    assert worker.manager.get(old.job_id).retried_by == again.job_id


def test_a_worker_knows_its_end_although_it_was_retried_at_once(
    worker: Worker, clock: Clock, dynamodb: Any
) -> None:
    """The answer to its last write got lost, and somebody was quick."""
    job = start(worker)

    class Quick(Table):
        def transact(self, writes: list[dict[str, Any]]) -> None:
            super().transact(writes)
            retry(worker, job.job_id)
            super().transact(writes)

    claim = worker.manager.claim(job.job_id, holder="w1")
    quick = manager_on(Quick(dynamodb=dynamodb, name=TABLE), worker)
    failed = claim.job.fail(SourceUnavailable(), at=worker.clock())

    assert quick.finish(claim, failed).retried_by is not None


# --- the watermark


def test_the_watermark_is_not_later_than_the_first_reading(
    environment: dict[str, str], dynamodb: Any
) -> None:
    """What changed on the first pages while the job was stopped is asked for by the next
    increment.
    """
    with SampleSource(DATA) as source:
        more = {
            "WELLHEAD_SOURCE_URL": source.url,
            "WELLHEAD_PAGE_SIZE": "10",
            "WELLHEAD_CHECKPOINT_SECONDS": "1",
        }
        worker = Worker(environment | more | {"WELLHEAD_SOURCE_CHANGED": "updated_at"}, dynamodb)
        worker.clock.now = 1e9  # long before any row says it was changed
        old = stop_midway(worker)
        worker.clock.advance(86_400)
        second = fail(worker, retry(worker, old.job_id).job_id)
        worker.clock.advance(86_400)
        worker.run(retry(worker, second.job_id).job_id)

    current = worker.manager.current_snapshot()
    assert current
    assert current.changed_until == old.started_at
