"""Whatever goes wrong: the job says what, the published data stays, and no zombie publishes."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.coordination import a_job, table_contents
from support.imports import ENOUGH, Budget, Worker, files
from support.scripted_source import Answer, ScriptedSource, Serve, page
from support.shelf import shelved

from chalicelib.errors import SourceUnavailable, StateUnavailable, WarehouseSilent
from chalicelib.jobs.event import Event
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Lock
from chalicelib.services import Services
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.warehouse.directory import DirectoryWarehouse
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.store.outcome import MergeResult
    from local.aws.emulator import LocalAws

TABLE = "wellhead-test"
SECRET = "pa55word"  # of nobody


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(GeneratedProduction(300)) as source:
        yield source


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> Worker:
    """After a first import, so that there is something to lose."""
    environment |= {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_PAGE_SIZE": "30",
        "WELLHEAD_SOURCE_RETRIES": "0",
        "WELLHEAD_PAGE_MB": "1",
        "WELLHEAD_MEMORY_MB": "200",
    }
    worker = Worker(environment, dynamodb)
    worker.clock.now = shelved("300 rows", environment, lambda: ended_at(worker))
    return worker


def ended_at(worker: Worker) -> float:
    assert worker.import_all().status is JobStatus.COMPLETED
    return worker.clock.now


@pytest.fixture
def unchanged(worker: Worker) -> Iterator[None]:
    """The pointer and every file of the warehouse are afterwards what they were before."""
    before = worker.manager.current_snapshot(), published(worker)
    yield
    assert (worker.manager.current_snapshot(), published(worker)) == before


def published(worker: Worker) -> dict[str, str]:
    """What a failed import had fetched may stay for its retry."""
    found = files(worker.settings.warehouse)
    return {name: digest for name, digest in found.items() if not name.startswith("segments/")}


FIRST = {
    "field_code": 1,
    "well_code": 1,
    "production_period": "2024-01-01",
    "oil_production_kbd": 1.0,
}
FIELDS = Answer(page([FIRST]))
FAILURES: dict[str, list[Answer]] = {
    "SOURCE_UNAVAILABLE": [FIELDS, Answer(status=503)],
    "SOURCE_UNAUTHORIZED": [Answer(status=401)],
    "SOURCE_THROTTLED": [FIELDS, Answer(status=429)],
    "SOURCE_FORBIDDEN": [FIELDS, Answer(status=403)],
    "SOURCE_NOT_FOUND": [FIELDS, Answer(status=404)],
    "SOURCE_GONE": [FIELDS, Answer(status=410)],
    "SOURCE_ENCODING": [FIELDS, Answer(page([FIRST]), headers={"Content-Encoding": "br"})],
    "SOURCE_REFUSED": [FIELDS, Answer(status=400)],
    "SOURCE_REDIRECTED": [FIELDS, Answer(page([FIRST], odata_nextLink="http://127.0.0.2/"))],
    "SOURCE_INVALID_RESPONSE": [
        FIELDS,
        Answer(page([FIRST], odata_nextLink="?a")),
        Answer(b"<html>"),
    ],
    "SOURCE_LIMIT_EXCEEDED": [FIELDS, Answer(b" " * (2 << 20))],
    "SOURCE_PAGING_LOOP": [FIELDS, Answer(page([FIRST], odata_nextLink="?a"))],
    "SOURCE_COLUMNS_MISSING": [Answer(page([{"well": 1}]))],
}


@pytest.mark.usefixtures("unchanged")
def test_a_failing_source_ends_the_job_with_its_own_code(worker: Worker, serve: Serve) -> None:
    for fence, (code, answers) in enumerate(FAILURES.items(), start=2):
        worker.settings = replace(worker.settings, source_url=serve(*answers).url)

        job = worker.import_all()

        assert (job.status, job.completed_at) == (JobStatus.FAILED, worker.clock())
        assert job.error is not None
        assert (job.error["code"], job.error["attempt"], job.error["phase"]) == (
            code,
            1,
            "FETCHING",
        )
        assert job.events[-1] == Event(at=worker.clock(), name="failed", facts={"code": code})
        assert files(worker.settings.scratch) == {}
        assert worker.manager.lock() == Lock(fence=fence)


@pytest.mark.usefixtures("unchanged")
def test_a_source_that_is_gone_is_unreachable(worker: Worker) -> None:
    with ScriptedSource(Answer()) as gone:
        worker.settings = replace(worker.settings, source_url=gone.url)

    error = worker.import_all().error

    assert error is not None
    assert (error["code"], error["retryable"], error["page"]) == ("SOURCE_UNREACHABLE", True, 1)


def test_after_a_failure_the_next_import_is_free_to_start(
    worker: Worker, source: SampleSource
) -> None:
    source.faults.fail_page(3)
    failed = worker.import_all()

    completed = worker.import_all()

    assert (failed.error or {})["code"] == SourceUnavailable.code
    assert (completed.status, completed.duplicate_records) == (JobStatus.COMPLETED, 300)


# --- what nobody foresaw


class BrokenWarehouse(DirectoryWarehouse):
    def put(self, name: str, path: Path, *, sha256: str) -> None:
        raise RuntimeError(f"the password is {SECRET}")


class SilentWarehouse(DirectoryWarehouse):
    """It gives no answer to so many puts."""

    def __init__(self, root: Path, silences: int) -> None:
        super().__init__(root)
        self._silences = iter(range(silences))

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        if next(self._silences, None) is not None:
            raise WarehouseSilent
        super().put(name, path, sha256=sha256)


def broken_repository(**_: Any) -> Any:
    raise ValueError(f"the password is {SECRET}")


def broken_remaining() -> float:
    raise KeyError(f"the password is {SECRET}")


def test_an_import_outlives_a_warehouse_that_gives_no_answer(worker: Worker) -> None:
    """The event is delivered again, and the next attempt goes on when the lease is over.
    An attempt asks twice: for the snapshot, then for a checkpoint of what was fetched.
    """
    worker.warehouse = SilentWarehouse(Path(worker.settings.warehouse), silences=8)
    job_id = worker.trigger()

    for _ in range(4):
        with pytest.raises(WarehouseSilent):
            worker.run(job_id)
        assert worker.manager.get(job_id).status is JobStatus.RUNNING
    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert (job.status, job.attempt, job.duplicate_records) == (JobStatus.COMPLETED, 5, 300)


@pytest.mark.usefixtures("unchanged")
def test_a_warehouse_that_stays_silent_ends_the_job(worker: Worker) -> None:
    worker.warehouse = SilentWarehouse(Path(worker.settings.warehouse), silences=99)
    job_id = worker.trigger()

    for _ in range(4):
        with pytest.raises(WarehouseSilent):
            worker.run(job_id)
    assert worker.run(job_id) == {"job_id": job_id, "outcome": "FAILED"}

    error = worker.manager.get(job_id).error
    assert error is not None
    assert (error["code"], error["retryable"], error["attempt"]) == (
        "WAREHOUSE_UNAVAILABLE",
        True,
        5,
    )


@pytest.mark.usefixtures("unchanged")
def test_an_unexpected_error_is_told_without_its_words(
    worker: Worker, dynamodb: Any, caplog: pytest.LogCaptureFixture
) -> None:
    worker.warehouse = BrokenWarehouse(Path(worker.settings.warehouse))
    broken: list[dict[str, Any]] = [
        {},
        {"new_repository": broken_repository},
        {"remaining": broken_remaining},
    ]
    for options in broken:
        caplog.clear()
        job_id = worker.trigger()

        assert worker.run(job_id, **options) == {"job_id": job_id, "outcome": "FAILED"}

        job = worker.manager.get(job_id)
        assert job.error is not None
        assert (job.error["code"], job.error["retryable"]) == ("IMPORT_FAILED", False)
        item = json.dumps(table_contents(dynamodb, TABLE)[f"JOB#{job_id}"])
        assert [word for word in (SECRET, "Traceback", "Error", ".py") if word in item] == []
        assert any(record.exc_info for record in caplog.records)  # the log tells its type and place


def repository_on_a_full_disk(**_: Any) -> Any:
    with Path("/dev/full").open("w") as full:
        full.write("a batch of rows")


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="only Linux has /dev/full, a device without room"
)
@pytest.mark.usefixtures("unchanged")
def test_a_full_local_disk_is_told_as_such(worker: Worker) -> None:
    job_id = worker.trigger()

    assert worker.run(job_id, new_repository=repository_on_a_full_disk) == {
        "job_id": job_id,
        "outcome": "FAILED",
    }

    error = worker.manager.get(job_id).error
    assert error is not None
    assert error["code"] == "SCRATCH_FULL"


class SegmentsOnAFullDisk(DuckDBWellProductionRepository):
    def stage(self, *details: Any, **more: Any) -> Path:
        (self._directory / "staged-0.parquet").symlink_to("/dev/full")
        return super().stage(*details, **more)


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="only Linux has /dev/full, a device without room"
)
@pytest.mark.usefixtures("unchanged")
def test_a_disk_that_is_full_when_a_segment_is_written_is_told_as_such(worker: Worker) -> None:
    job_id = worker.trigger()

    worker.run(job_id, remaining=Budget(worker.clock, 8), new_repository=SegmentsOnAFullDisk)

    error = worker.manager.get(job_id).error
    assert error is not None
    assert error["code"] == "SCRATCH_FULL"


class LosesARow(DuckDBWellProductionRepository):
    def merge(self, store: Path, *details: Any, **more: Any) -> MergeResult:
        merged = super().merge(store, *details, **more)
        with duckdb.connect(store) as connection:
            connection.execute("DELETE FROM well_production WHERE rowid = 0")
        return merged


class CountsARowTwice(DuckDBWellProductionRepository):
    def merge(self, *details: Any, **more: Any) -> MergeResult:
        merged = super().merge(*details, **more)
        return replace(merged, duplicate_records=merged.duplicate_records + 1)


@pytest.mark.parametrize(
    ("repository", "sentence"),
    [
        (LosesARow, r"holds \d+ rows and 0 keys twice instead of \d+ rows"),
        (CountsARowTwice, "delivered 300 rows and 301 are accounted for"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_what_does_not_hold_every_row_that_came_is_not_published(
    worker: Worker, repository: type[DuckDBWellProductionRepository], sentence: str
) -> None:
    job_id = worker.trigger()

    worker.run(job_id, new_repository=repository)

    error = worker.manager.get(job_id).error
    assert error is not None
    assert error["code"] == "PUBLISH_REFUSED"
    assert re.search(sentence, error["message"])


@pytest.mark.usefixtures("unchanged")
def test_too_little_memory_is_no_fault_of_the_source(worker: Worker) -> None:
    """DuckDB takes 32 MB to read any file of rows; no setting allows less than 100."""
    worker.settings = replace(worker.settings, memory_mb=30)

    error = worker.import_all().error

    assert error is not None
    assert (error["code"], error["retryable"]) == ("OUT_OF_MEMORY", False)
    assert "WELLHEAD_MEMORY_MB was too little memory" in error["message"]


def repository_without_memory(**_: Any) -> Any:
    bytes(1 << 60)


@pytest.mark.usefixtures("unchanged")
def test_memory_that_the_system_refuses_is_told_as_such(worker: Worker) -> None:
    job_id = worker.trigger()

    assert worker.run(job_id, new_repository=repository_without_memory) == {
        "job_id": job_id,
        "outcome": "FAILED",
    }

    error = worker.manager.get(job_id).error
    assert error is not None
    assert error["code"] == "OUT_OF_MEMORY"


@pytest.mark.usefixtures("unchanged")
def test_an_import_that_the_local_disk_cannot_take_ends_before_it_is_fetched(
    worker: Worker, serve: Serve
) -> None:
    """8 TB for its segments at least: nothing of them is written, no working copy made."""
    source = serve(FIELDS, Answer(page([FIRST], odata_count=10**12)))
    worker.settings = replace(worker.settings, source_url=source.url)
    job_id = worker.trigger()

    worker.run(job_id)

    error = worker.manager.get(job_id).error
    assert error is not None
    assert error["code"] == "SCRATCH_FULL"
    assert re.search(
        r"needs about [78],\d{3},\d{3} MB of local disk, at least .* MB for rows and \d+ MB for the database, "
        r"with 1,000,000,000,000 rows still to come, and [\d,]+ MB are free\. .* WELLHEAD_SCRATCH",
        error["message"],
    )


@pytest.mark.usefixtures("unchanged")
def test_credentials_that_cannot_be_read_end_the_job(
    environment: dict[str, str], aws: LocalAws, worker: Worker
) -> None:
    environment |= {"WELLHEAD_SOURCE_AUTH": "basic", "WELLHEAD_SOURCE_SECRET": "/unreadable"}
    services = Services(environment)
    for secret in (None, "not JSON", '{"username": "reader"}', "[]"):
        if secret:
            aws.put_parameter("/unreadable", secret)
        job_id = worker.trigger()

        outcome = services.work_on(job_id, request_id="r", remaining=lambda: ENOUGH)

        assert outcome == {"job_id": job_id, "outcome": "FAILED"}
        error = worker.manager.get(job_id).error
        assert error is not None
        assert (error["code"], error["retryable"]) == ("SECRET_INVALID", False)


def test_not_even_the_debug_log_holds_the_credentials(
    environment: dict[str, str],
    aws: LocalAws,
    worker: Worker,
    source: SampleSource,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.NOTSET, "chalicelib")  # put back after the test
    source.credentials = ("reader", SECRET)
    aws.put_parameter("/source", json.dumps({"username": "reader", "password": SECRET}))
    environment |= {
        "WELLHEAD_SOURCE_AUTH": "basic",
        "WELLHEAD_SOURCE_SECRET": "/source",
        "WELLHEAD_LOG_LEVEL": "DEBUG",
        "WELLHEAD_SOURCE_URL": f"{source.url}?$filter=well_code gt 0",
    }
    job_id = worker.trigger()

    Services(environment).work_on(job_id, request_id="r", remaining=lambda: ENOUGH)

    assert worker.manager.get(job_id).status is JobStatus.COMPLETED
    assert "attempt 1" in caplog.text
    assert [
        word
        for word in (SECRET, "cmVhZGVy", "well_code gt", "well_code%20gt")
        if word in caplog.text
    ] == []


# --- zombies


def taken_over(worker: Worker, job_id: str) -> Callable[[], float]:
    def take_over() -> float:
        if worker.manager.lock().holder != "another":
            worker.clock.advance(10_000)
            worker.manager.claim(job_id, holder="another")
        return ENOUGH

    return take_over


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("calls", [0, 3, 10])
def test_a_worker_that_lost_its_lease_leaves_nothing(
    worker: Worker, dynamodb: Any, calls: int
) -> None:
    job_id = worker.trigger()

    outcome = worker.run(
        job_id, remaining=Budget(worker.clock, calls, then=taken_over(worker, job_id))
    )

    assert outcome == {"job_id": job_id, "outcome": "lease lost"}
    lock, job = worker.manager.lock(), worker.manager.get(job_id)
    assert (lock.owner, lock.holder, lock.fence) == (job_id, "another", 3)
    assert (job.status, job.attempt, job.events[-1].name) == (JobStatus.RUNNING, 2, "claimed")
    assert files(worker.settings.scratch) == {}


class SlowWarehouse(DirectoryWarehouse):
    """A put takes so long that another worker takes over."""

    take_over: Callable[[], float]

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        super().put(name, path, sha256=sha256)
        self.take_over()


def test_a_snapshot_put_too_late_is_not_published(worker: Worker) -> None:
    job_id = worker.trigger()
    before = worker.manager.current_snapshot(), published(worker)
    slow = worker.warehouse = SlowWarehouse(Path(worker.settings.warehouse))
    slow.take_over = taken_over(worker, job_id)

    assert worker.run(job_id)["outcome"] == "lease lost"

    orphan = f"snapshots/wells-0000000002-{job_id}.duckdb"
    left = files(worker.settings.warehouse)
    assert left.pop(orphan)
    assert (worker.manager.current_snapshot(), left) == before


@pytest.mark.parametrize("calls", [0, 5])
def test_without_the_table_lambda_is_asked_to_try_again(
    worker: Worker, aws: LocalAws, calls: int
) -> None:
    job_id = worker.trigger()
    before = files(worker.settings.warehouse)

    def lose_the_table() -> float:
        aws.stop()
        worker.clock.advance(5)
        return ENOUGH

    with pytest.raises(StateUnavailable):
        worker.run(job_id, remaining=Budget(worker.clock, calls, then=lose_the_table))

    assert files(worker.settings.warehouse) == before
    assert files(worker.settings.scratch) == {}


def test_a_job_of_another_age_is_left_alone(worker: Worker) -> None:
    """The event of a job that was given up long ago arrives at last."""
    old = worker.trigger()
    worker.clock.advance(10_000)
    new = worker.manager.create(a_job(worker.clock))

    assert worker.run(old)["outcome"] == "nothing to do"

    assert worker.manager.lock().owner == new.job_id
    assert (worker.manager.get(old).error or {})["code"] == "DISPATCH_FAILED"
