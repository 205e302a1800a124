"""The states of the machine:
the rows of one worker, whatever dies when, and nothing that a zombie writes counts.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from simulation.mutants import LooseTable
from support.coordination import RepeatingTable
from support.imports import Budget, Died, die, expected_rows, files, rejected_rows, stored_rows
from support.machine import EXECUTION, StatesWorker, read_by_two
from support.shelf import shelved_by

from chalicelib.errors import LeaseLost, NoProgress, WorkerTimeSpent
from chalicelib.imports.prefetch import Prefetch
from chalicelib.imports.publication import FilePublication
from chalicelib.imports.states import fail_import
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.lock import Claim, Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.parts import PartTable
from chalicelib.jobs.starting import retry_import, start_import
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.warehouse.names import segment_names
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.checkpoint import Plan
    from chalicelib.jobs.parts import Part

ROWS, PAGE, PARTS = 940, 26, 4  # no page ends between the two rows of one key
DATA = GeneratedProduction(ROWS)
EXPECTED = expected_rows(DATA)


@pytest.fixture(scope="session")
def server() -> Iterator[SampleSource]:
    """It stays at its address, which what is on the shelf was read from."""
    with SampleSource(DATA, max_page_size=PAGE) as server:
        yield server


@pytest.fixture
def source(server: SampleSource) -> SampleSource:
    server.credentials = None
    server.requests.clear()
    return server


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> StatesWorker:
    environment |= {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_WORKERS": "2",
        "WELLHEAD_CHECKPOINT_SECONDS": "3600",
        "WELLHEAD_MEMORY_MB": "200",
    }
    return StatesWorker(environment, dynamodb)


def planned_by(worker: StatesWorker) -> dict[str, Any]:
    """Of the first job, whose parts nobody has read."""
    return shelved_by(worker, "states-planned", lambda: worker.plan(worker.trigger()))


def fetched_by(worker: StatesWorker) -> dict[str, Any]:
    """All parts of it are read, and nothing is merged."""

    def fetch() -> dict[str, Any]:
        planned = worker.plan(worker.trigger())
        worker.fetch_all(planned)
        return planned

    return shelved_by(worker, "states-fetched", fetch)


def published(worker: StatesWorker) -> Path:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    return Path(worker.settings.warehouse) / snapshot.name


def assert_whole(worker: StatesWorker, job: Job) -> None:
    told = DATA.expected_counts()
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    assert (job.new_records, job.duplicate_records, job.failed_records) == (
        told.new,
        told.duplicate,
        told.failed,
    )
    assert (job.fetched_records, job.expected_records, job.total_records) == (ROWS, ROWS, ROWS)
    assert (job.completeness or {})["state"] == "proved"
    assert job.parts == {"count": PARTS, "done": PARTS}
    assert stored_rows(published(worker)) == EXPECTED
    assert rejected_rows(published(worker)) == told.failed
    assert worker.manager.lock().owner is None
    clear_orphans(
        job_manager=worker.manager, warehouse=worker.warehouse, kept=3, clock=worker.clock
    )
    assert [name for name in files(worker.settings.warehouse) if name.startswith("segments/")] == []
    assert files(worker.settings.scratch) == {}


def test_the_states_together_do_what_one_worker_does(worker: StatesWorker) -> None:
    job = worker.import_all()

    assert_whole(worker, job)
    assert [event.name for event in job.events if event.name in ("claimed", "planned")] == [
        "claimed",
        "planned",
        "claimed",
    ]


def test_a_part_asks_for_its_own_rows_alone_and_the_merge_for_none(
    worker: StatesWorker, source: SampleSource
) -> None:
    planned = planned_by(worker)
    first = len(source.requests)
    worker.fetch(planned, 3)
    filters = {
        seen.query["$filter"] for seen in list(source.requests)[first:] if "$filter" in seen.query
    }
    assert len(filters) == 1
    worker.clock.advance(30)
    for number in (0, 1, 2):
        worker.fetch(planned, number)
    pages = len([seen for seen in list(source.requests) if "$filter" in seen.query])
    worker.merge(planned["job_id"])

    assert len([seen for seen in list(source.requests) if "$filter" in seen.query]) == pages
    job = worker.manager.get(planned["job_id"])
    assert job.stats["pages"] == PARTS * 10
    assert job.stats["bytes"] > 0
    assert job.stats["fetching_seconds"] >= 30  # seconds
    assert_whole(worker, worker.manager.get(planned["job_id"]))


def test_a_part_whose_time_is_over_says_more_and_goes_on(
    worker: StatesWorker, source: SampleSource
) -> None:
    planned = planned_by(worker)
    looks = Budget(worker.clock, 5)

    assert worker.fetch(planned, 0, remaining=looks)["outcome"] == "more"
    asked = len(source.requests)
    worker.fetch_all(planned)
    worker.merge(planned["job_id"])

    assert_whole(worker, worker.manager.get(planned["job_id"]))
    assert len(source.requests) > asked


def test_a_part_that_comes_no_further_is_not_asked_for_more_for_ever(worker: StatesWorker) -> None:
    planned = planned_by(worker)

    with pytest.raises(NoProgress):
        worker.fetch(planned, 0, remaining=lambda: 0.0, prefetch=_out_of_time)


@contextmanager
def _out_of_time(*sources: Any, **options: Any) -> Iterator[Any]:
    """The first page does not come in time; what is seen of the source before does."""
    with Prefetch(*sources, **options) as arriving:
        if "threads" in options:
            raise WorkerTimeSpent
        yield arriving


def test_the_worker_of_a_part_dies_midway(worker: StatesWorker) -> None:
    worker.set(checkpoint_seconds=0)
    planned = planned_by(worker)
    with pytest.raises(Died):
        worker.fetch(planned, 2, remaining=Budget(worker.clock, 7, die))

    worker.set(checkpoint_seconds=3600)
    worker.fetch_all(planned)
    worker.merge(planned["job_id"])

    assert_whole(worker, worker.manager.get(planned["job_id"]))


def test_a_worker_that_froze_adds_nothing_to_a_part_that_another_one_has_begun(
    worker: StatesWorker,
) -> None:
    """The two write segments of other names, and the table takes the later one's alone."""
    worker.set(checkpoint_seconds=0)
    planned = planned_by(worker)

    assert read_by_two(worker, planned, 2) == ("lease lost", "read")
    worker.set(checkpoint_seconds=3600)
    worker.fetch_all(planned)
    worker.merge(planned["job_id"])
    assert_whole(worker, worker.manager.get(planned["job_id"]))


def test_one_that_froze_before_it_began_with_a_part_does_not_take_the_next_ones_attempt_for_its_own(
    worker: StatesWorker,
) -> None:
    planned = planned_by(worker)
    seen: list[Any] = []

    def read_meanwhile() -> None:
        if not seen:
            seen.append(None)
            seen.append(worker.fetch(planned, 2)["outcome"])
            seen.append((_items(worker, planned)[2], files(worker.settings.warehouse)))

    late = worker.fetch(planned, 2, prefetch=_Interrupted(read_meanwhile))

    assert (late["outcome"], seen[1]) == ("lease lost", "read")
    assert (_items(worker, planned)[2], files(worker.settings.warehouse)) == seen[2]
    worker.fetch_all(planned)
    worker.merge(planned["job_id"])
    assert_whole(worker, worker.manager.get(planned["job_id"]))


def test_a_part_is_begun_with_by_the_worker_whose_answer_was_lost(worker: StatesWorker) -> None:
    """The write is refused when it comes again, and the item tells whose it is."""
    planned = planned_by(worker)
    claim, plan, item = _claim(worker, planned), _plan(worker, planned), _items(worker, planned)[1]
    table = RepeatingTable(dynamodb=worker.manager.table._dynamodb, name=worker.settings.table)
    begun = PartTable(table=table, clock=worker.clock).begin(claim, plan, item)

    assert begun == _items(worker, planned)[1]
    with pytest.raises(LeaseLost):
        PartTable(table=worker.manager.table, clock=worker.clock).begin(claim, plan, item)


def test_a_part_of_an_attempt_is_written_by_its_worker_alone(worker: StatesWorker) -> None:
    planned = planned_by(worker)
    claim, plan, item = _claim(worker, planned), _plan(worker, planned), _items(worker, planned)[1]
    parts = PartTable(table=worker.manager.table, clock=worker.clock)
    parts.store(
        claim, plan, replace(item, delivered=1)
    )  # nobody has begun with it, as ever since parts are stored
    begun = parts.begin(claim, plan, item)

    for worker_name in ("another", None):
        with pytest.raises(LeaseLost):
            parts.store(claim, plan, replace(begun, worker=worker_name))
    parts.store(claim, plan, replace(begun, delivered=2))
    assert _items(worker, planned)[1].delivered == 2


def test_without_a_condition_on_the_attempt_it_would(worker: StatesWorker) -> None:
    table = LooseTable(dynamodb=worker.manager.table._dynamodb, name=worker.settings.table)
    worker.manager = JobManager(table=table, lease=Lease(), clock=worker.clock)
    worker.set(checkpoint_seconds=0)
    planned = planned_by(worker)

    with table.loose(("#attempt = :read_attempt", "#worker = :worker"), None):
        assert read_by_two(worker, planned, 2) == ("read", "read")


def test_nothing_is_published_of_a_part_that_is_merged_twice(worker: StatesWorker) -> None:
    class Twice(DuckDBWellProductionRepository):
        def load_segment(self, path: Path, *, part: int = 0) -> bool:
            again = path.with_name(f"again-{path.name}")
            shutil.copy(path, again)
            return super().load_segment(path, part=part) and (
                part != 2 or super().load_segment(again, part=part)
            )

    planned = fetched_by(worker)

    assert worker.merge(planned["job_id"], new_repository=Twice)["outcome"] == JobStatus.FAILED
    assert (worker.manager.get(planned["job_id"]).error or {})["code"] == "PUBLISH_REFUSED"


def test_a_part_that_two_workers_read_is_merged_once(worker: StatesWorker) -> None:
    planned = fetched_by(worker)
    asked = [worker.fetch(planned, number)["outcome"] for number in planned["parts"]]
    worker.merge(planned["job_id"])

    assert set(asked) == {"read"}  # there is nothing more in them
    assert_whole(worker, worker.manager.get(planned["job_id"]))


def test_a_worker_that_froze_writes_nothing_once_the_merge_has_begun(worker: StatesWorker) -> None:
    planned = planned_by(worker)
    worker.fetch_all({**planned, "parts": [0, 1, 3]})
    merged: list[Any] = []

    def merge_meanwhile() -> float:
        if not merged:
            merged.append(None)
            merged.append(worker.merge(planned["job_id"])["outcome"])
        return 900.0

    assert (
        worker.fetch(planned, 2, remaining=Budget(worker.clock, 6, merge_meanwhile))["outcome"]
        == "lease lost"
    )
    assert merged == [None, JobStatus.COMPLETED]
    assert_whole(
        worker, worker.manager.get(planned["job_id"])
    )  # the merge has read the part itself


def test_a_merge_takes_over_from_one_that_froze_and_each_row_is_there_once(
    worker: StatesWorker,
) -> None:
    planned = fetched_by(worker)
    merged: list[Any] = []

    def merge_meanwhile() -> float:
        if not merged:
            merged.append(None)
            merged.append(worker.merge(planned["job_id"])["outcome"])
        return 900.0

    first = worker.merge(planned["job_id"], prefetch=_Interrupted(merge_meanwhile))

    assert (first["outcome"], merged) == ("lease lost", [None, JobStatus.COMPLETED])
    assert_whole(worker, worker.manager.get(planned["job_id"]))


class _Interrupted:
    """Something happens when the worker first waits for its source."""

    def __init__(self, happens: Any) -> None:
        self._happens = happens

    def __call__(self, *sources: Any, **options: Any) -> Any:
        self._happens()
        return Prefetch(*sources, **options)


def test_a_merge_that_dies_five_times_is_not_given_up(worker: StatesWorker) -> None:
    """What the parts have brought is progress,
    though the job's own checkpoint was written before them.
    """
    planned = fetched_by(worker)
    for _ in range(5):
        with pytest.raises(Died):
            worker.merge(planned["job_id"], new_publication=_DyingPublication)

    assert worker.merge(planned["job_id"])["outcome"] == JobStatus.COMPLETED
    assert_whole(worker, worker.manager.get(planned["job_id"]))


class _DyingPublication(FilePublication):
    def merge(self, *_: Any, **__: Any) -> Any:
        raise Died


def test_a_plan_takes_over_from_one_that_froze_and_that_one_writes_no_part(
    worker: StatesWorker,
) -> None:
    job_id = worker.trigger()
    later: list[Any] = []

    def plan_meanwhile() -> None:
        if not later:
            later.append(None)
            later.append(worker.plan(job_id))

    assert worker.plan(job_id, prefetch=_Interrupted(plan_meanwhile))["outcome"] == "lease lost"
    worker.fetch_all(later[1])
    worker.merge(job_id)
    assert_whole(worker, worker.manager.get(job_id))


def test_another_execution_of_the_job_has_nothing_to_do(worker: StatesWorker) -> None:
    planned = planned_by(worker)

    def sleep_while_it_works(_: float) -> None:
        worker.clock.advance(1)
        worker.manager.renew(worker.manager.lock(), 0)

    worker.sleep = sleep_while_it_works

    assert worker.plan(planned["job_id"], execution="execution-2")["outcome"] == "nothing to do"
    assert worker.merge(planned["job_id"], execution="execution-2")["outcome"] == "nothing to do"


def test_a_cancel_stops_the_parts_and_frees_the_lock(worker: StatesWorker) -> None:
    worker.set(checkpoint_seconds=0)
    planned = planned_by(worker)
    worker.fetch(planned, 0)
    worker.manager.cancel(planned["job_id"])

    assert worker.fetch(planned, 1)["outcome"] == JobStatus.CANCELLED
    assert worker.manager.lock().owner is None
    assert worker.fetch(planned, 2)["outcome"] == "nothing to do"
    assert worker.merge(planned["job_id"])["outcome"] == "nothing to do"


def test_a_part_that_the_source_refuses_ends_the_job_and_a_retry_asks_only_for_the_rest(
    worker: StatesWorker, source: SampleSource
) -> None:
    job = start_import(
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        source_id=worker.settings.source_id,
        clock=worker.clock,
    )
    job_id, planned = job.job_id, worker.plan(job.job_id)
    worker.fetch_all({**planned, "parts": [0, 1]})
    told = source.credentials
    source.credentials = ("somebody", "else")
    assert worker.fetch(planned, 2)["outcome"] == JobStatus.FAILED
    failed = worker.manager.get(job_id)
    assert (failed.error or {})["code"] == "SOURCE_UNAUTHORIZED"
    assert worker.fetch(planned, 3)["outcome"] == "nothing to do"
    source.credentials = told
    again = retry_import(
        job_id,
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        warehouse=worker.warehouse,
        triggered_by="tests",
        source_id=worker.settings.source_id,
        clock=worker.clock,
    )

    planned = worker.plan(again.job_id, execution="execution-2")
    assert planned["parts"] == [2, 3]
    worker.fetch_all(planned)
    worker.merge(again.job_id, execution="execution-2")
    assert_whole(worker, worker.manager.get(again.job_id))


def test_what_cannot_be_cut_is_left_to_the_merge(worker: StatesWorker) -> None:
    worker.set(workers=1)
    job_id = worker.trigger()

    assert worker.plan(job_id)["parts"] == []
    assert worker.merge(job_id)["outcome"] == JobStatus.COMPLETED
    assert stored_rows(published(worker)) == EXPECTED


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        ("Runtime.ExitError", "MACHINE_STOPPED", True),
        ("WarehouseSilent", "WAREHOUSE_UNAVAILABLE", True),
        ("TypeVar", "MACHINE_STOPPED", True),
    ],
)
def test_an_execution_that_could_not_go_on_ends_its_job(
    worker: StatesWorker, error: str, code: str, retryable: bool
) -> None:
    planned = planned_by(worker)

    assert (
        fail_import(planned["job_id"], execution="another", error=error, job_manager=worker.manager)
        == "nothing"
    )
    assert (
        fail_import(planned["job_id"], execution=EXECUTION, error=error, job_manager=worker.manager)
        == "failed"
    )
    job = worker.manager.get(planned["job_id"])
    assert (job.status, (job.error or {})["code"], (job.error or {})["retryable"]) == (
        JobStatus.FAILED,
        code,
        retryable,
    )
    assert worker.manager.lock().owner is None
    assert (
        fail_import(planned["job_id"], execution=EXECUTION, error=error, job_manager=worker.manager)
        == "nothing"
    )


def test_an_execution_that_never_began_ends_its_job(worker: StatesWorker) -> None:
    job_id = worker.trigger()

    assert (
        fail_import(job_id, execution=EXECUTION, error="States.Timeout", job_manager=worker.manager)
        == "failed"
    )
    assert worker.manager.get(job_id).status is JobStatus.FAILED


def test_the_segments_of_an_attempt_have_names_of_their_own(worker: StatesWorker) -> None:
    planned = planned_by(worker)
    worker.fetch(planned, 1)
    plan, items = _plan(worker, planned), _items(worker, planned)
    [name] = segment_names(items[1].checkpoint.segments)

    assert name.endswith(f"/{planned['fence']:010d}-0001-0002-000000.parquet")
    with pytest.raises(LeaseLost):
        PartTable(table=worker.manager.table, clock=worker.clock).store(
            _claim(worker, planned), plan, replace(items[1], attempt=1)
        )


def _claim(worker: StatesWorker, planned: dict[str, Any]) -> Claim:
    return Claim(
        job=worker.manager.get(planned["job_id"]), holder=planned["holder"], fence=planned["fence"]
    )


def _plan(worker: StatesWorker, planned: dict[str, Any]) -> Plan:
    checkpoint = worker.manager.get(planned["job_id"]).checkpoint
    assert checkpoint
    assert checkpoint.plan
    return checkpoint.plan


def _items(worker: StatesWorker, planned: dict[str, Any]) -> list[Part]:
    items = PartTable(table=worker.manager.table, clock=worker.clock).read(_plan(worker, planned))
    assert items
    return items
