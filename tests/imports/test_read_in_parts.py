"""A source that is read in parts:
the same rows as from end to end, whatever dies when, and nothing asked for twice.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import table_contents
from support.imports import (
    Budget,
    Died,
    Worker,
    die,
    expected_rows,
    files,
    rejected_rows,
    stored_rows,
)
from support.shelf import shelved_by

from chalicelib.errors import LeaseLost
from chalicelib.jobs.checkpoint import Checkpoint, Plan
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.parts import Part, PartState, PartTable
from chalicelib.jobs.starting import accept_import, retry_import, start_import
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.warehouse.names import segment_names
from local.source.faults import Faults
from local.source.habits import Habits
from local.source.production import GeneratedProduction
from local.source.server import Reply, SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.store.batch import Batch

TABLE = "wellhead-test"
ROWS, PAGE, PARTS = 3_000, 46, 8  # no page ends between the two rows of one key
SMALL_PAGE = 26  # so that a field, which is a fifth of the rows, has pages for two parts
DATA = GeneratedProduction(ROWS)
EXPECTED = expected_rows(DATA)


@pytest.fixture(scope="session")
def server() -> Iterator[SampleSource]:
    """It stays at its address, which what is on the shelf was read from."""
    with SampleSource(DATA, max_page_size=PAGE) as server:
        yield server


@pytest.fixture
def source(server: SampleSource) -> SampleSource:
    server.faults = Faults()
    server.requests.clear()
    return server


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> Worker:
    environment |= {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_WORKERS": "4",
        "WELLHEAD_CHECKPOINT_SECONDS": "3600",
        "WELLHEAD_MEMORY_MB": "200",
    }
    return Worker(environment, dynamodb)


def start(worker: Worker, parameters: dict[str, Any] | None = None) -> Job:
    return start_import(
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        source_id=worker.settings.source_id,
        parameters=parameters or {},
        clock=worker.clock,
    )


def imported(worker: Worker) -> Job:
    """The first import, in parts."""
    return shelved_by(worker, "parts-imported", worker.import_all)


def stopped_midway(worker: Worker) -> str:
    """A job whose worker has handed over after some pages of each part."""

    def stop() -> str:
        job_id = worker.trigger()
        worker.run(job_id, remaining=Budget(worker.clock, 25))
        return job_id

    return shelved_by(worker, "parts-stopped", stop)


def published(worker: Worker) -> Path:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    return Path(worker.settings.warehouse) / snapshot.name


def assert_whole(worker: Worker, job: Job) -> None:
    told = DATA.expected_counts()
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    assert (job.new_records, job.duplicate_records, job.failed_records) == (
        told.new,
        told.duplicate,
        told.failed,
    )
    assert (job.fetched_records, job.expected_records, job.total_records) == (ROWS, ROWS, ROWS)
    assert stored_rows(published(worker)) == EXPECTED
    assert rejected_rows(published(worker)) == told.failed
    clear_orphans(
        job_manager=worker.manager, warehouse=worker.warehouse, kept=3, clock=worker.clock
    )
    assert [name for name in files(worker.settings.warehouse) if name.startswith("segments/")] == []
    assert files(worker.settings.scratch) == {}
    assert (job.completeness or {})["state"] == "proved"


def ranges_asked(source: SampleSource, first: int = 0) -> list[str]:
    """The filters of the requests for rows, from that one on."""
    wanted = [seen.query for seen in list(source.requests)[first:] if "$filter" in seen.query]
    return [options["$filter"] for options in wanted if options.get("$top") != "0"]


# -- whole imports --------------------------------------------------------------------------------


@pytest.mark.by_lot
@pytest.mark.parametrize("paging", ["auto", "links", "skip", "keys"])
def test_a_source_is_read_in_parts(worker: Worker, source: SampleSource, paging: str) -> None:
    worker.settings = replace(worker.settings, source_paging=paging, page_size=PAGE)

    job = worker.import_all()

    assert_whole(worker, job)
    assert job.parts == {"count": PARTS, "done": PARTS}
    assert len(set(ranges_asked(source))) >= PARTS
    [planned] = [event.facts for event in job.events if event.name == "planned"]
    assert planned == {"parts": PARTS, "records": ROWS}


@pytest.mark.parametrize(
    ("habits", "rows"),
    [
        (Habits(no_skip=True, refused={"$filter"}), ROWS),
        (Habits(ignores_count=True), ROWS),
        (Habits(), 15 * PAGE),
    ],
    ids=["no way to cut", "no count", "few pages"],
)
@pytest.mark.by_lot
def test_what_cannot_or_need_not_be_cut_is_read_from_end_to_end(
    worker: Worker, habits: Habits, rows: int
) -> None:
    with SampleSource(GeneratedProduction(rows), max_page_size=PAGE, habits=habits) as source:
        worker.settings = replace(worker.settings, source_url=source.url)

        job = worker.import_all()

        assert (job.status, job.parts, job.fetched_records) == (JobStatus.COMPLETED, None, rows)
        assert not any(
            "$skiptoken" not in seen.query and "$filter" in seen.query
            for seen in list(source.requests)[49:]
        )
    assert stored_rows(published(worker)) == expected_rows(GeneratedProduction(rows))


def test_with_one_worker_no_plan_is_made(worker: Worker, source: SampleSource) -> None:
    worker.settings = replace(worker.settings, workers=1)

    job = worker.import_all()

    assert_whole(worker, job)
    assert job.parts is None
    assert ranges_asked(source) == []


def test_rows_are_merged_in_the_order_of_the_source_and_a_rejected_one_tells_its_part(
    worker: Worker,
) -> None:
    """However the pages of the parts have come: who reads the store finds its rows in order."""
    import duckdb

    imported(worker)

    with duckdb.connect(published(worker), read_only=True) as connection:
        [(page, position)] = connection.execute(
            "SELECT page, position FROM rejected_rows"
        ).fetchall()
        found = connection.execute(
            "SELECT well_code, production_period FROM well_production ORDER BY rowid"
        ).fetchall()
    assert found == sorted(found, key=lambda key: (int(key[0]), key[1]))
    part, page_of_part = divmod(page, 1_000_000)
    assert part == 2
    assert (
        749 + (page_of_part - 1) * PAGE + position == 900
    )  # the part begins with both rows of a key


def test_a_partial_import_is_read_in_parts_too(worker: Worker, source: SampleSource) -> None:
    imported(worker)
    asked, code = len(source.requests), EXPECTED[-1][0]
    worker.settings = replace(worker.settings, page_size=SMALL_PAGE)

    job = start(worker, {"field_code": code})
    worker.run(job.job_id)

    partial = worker.manager.get(job.job_id)
    assert (partial.status, partial.parts) == (JobStatus.COMPLETED, {"count": 2, "done": 2})
    assert partial.fetched_records == ROWS // 5  # fields
    assert all(
        f"(field_code eq {code}) and" in wanted for wanted in ranges_asked(source, asked)[-5:]
    )
    assert stored_rows(published(worker)) == EXPECTED


def test_an_increment_is_read_in_parts_too(worker: Worker, source: SampleSource) -> None:
    long = 3 * 365 * 86_400
    worker.settings = replace(
        worker.settings, source_changed="updated_at", source_overlap_seconds=long
    )
    worker.import_all()
    asked = len(source.requests)

    job = worker.import_all()

    assert job.parts == {"count": (job.parts or {})["done"], "done": (job.parts or {})["count"]}
    assert job.stats["changed_since"]
    assert all("(updated_at ge " in wanted for wanted in ranges_asked(source, asked)[-5:])
    assert stored_rows(published(worker)) == EXPECTED


def test_the_batches_of_all_parts_together_take_no_more_than_a_few_of_one(worker: Worker) -> None:
    job_id = worker.trigger()
    worker.run(job_id, remaining=Budget(worker.clock, 50), open_bytes=60_000)

    runs = [run for part in items_of(worker, job_id) for run in part.checkpoint.segments]
    assert sum(run.count for run in runs) > PARTS * 2  # one of each would do
    worker.run(job_id, open_bytes=60_000)
    assert_whole(worker, worker.manager.get(job_id))


def test_what_came_is_staged_while_the_rest_is_waited_for(worker: Worker) -> None:
    """Else all parts would be staged one after the other when the last page is there."""
    staged: list[int] = []

    class Noted(DuckDBWellProductionRepository):
        def stage(self, batch: Batch, *rest: Any, **options: Any) -> Path:
            staged.append(batch.rows)
            return super().stage(batch, *rest, **options)

    def one_after_the_other(*sources: Any, meanwhile: Any = lambda: None, **_: Any) -> Any:
        def items() -> Iterator[Any]:
            for item in chain.from_iterable(zip_longest(*sources)):
                meanwhile()
                if item is not None:
                    yield item

        return nullcontext(items())

    job_id = worker.trigger()
    worker.run(
        job_id, new_repository=Noted, prefetch=one_after_the_other, early_rows=ROWS // PARTS // 8
    )

    assert len(staged) == 2 * PARTS  # and no third of what is still to come
    assert sum(staged) == ROWS
    assert max(staged) < ROWS // PARTS * 2 / 3
    assert_whole(worker, worker.manager.get(job_id))


# -- what dies ------------------------------------------------------------------------------------


def test_a_worker_that_hands_over_leaves_each_part_where_it_stood(
    worker: Worker, source: SampleSource
) -> None:
    job_id = worker.trigger()
    attempts = 0
    while not worker.manager.get(job_id).status.final:
        worker.run(job_id, remaining=Budget(worker.clock, 50))
        attempts += 1

    job = worker.manager.get(job_id)
    assert_whole(worker, job)
    assert attempts > 1
    pages = ranges_asked(source)
    assert (
        len(pages) <= ROWS // PAGE + PARTS + attempts * 4 * 3
    )  # each thread has a few pages ahead that are lost


@pytest.mark.by_lot
@pytest.mark.parametrize("calls", [10, 25, 50])
def test_a_worker_that_dies_loses_what_came_after_the_last_checkpoints(
    worker: Worker, source: SampleSource, calls: int
) -> None:
    worker.settings = replace(worker.settings, checkpoint_seconds=10)
    job_id = worker.trigger()
    with pytest.raises(Died):
        worker.run(job_id, remaining=Budget(worker.clock, calls, die))
    before = worker.manager.get(job_id)
    worker.clock.advance(100)

    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert_whole(worker, job)
    assert before.parts
    assert before.parts["count"] == PARTS
    assert job.parts == {"count": PARTS, "done": PARTS}
    assert (job.attempt, [event.name for event in job.events].count("planned")) == (2, 1)


def test_a_part_that_is_done_is_not_asked_for_again(worker: Worker, source: SampleSource) -> None:
    worker.settings = replace(worker.settings, checkpoint_seconds=10)
    job_id = worker.trigger()
    with pytest.raises(Died):
        worker.run(job_id, remaining=Budget(worker.clock, 50, die))
    items = items_of(worker, job_id)
    done = [part.filter for part in items if part.state is PartState.DONE]
    asked = len(source.requests)
    worker.clock.advance(100)

    worker.run(job_id)

    assert done
    assert not set(done) & set(ranges_asked(source, asked))
    assert_whole(worker, worker.manager.get(job_id))


def items_of(worker: Worker, job_id: str) -> list[Part]:
    plan = Plan(job_id=job_id, parts=PARTS)
    return PartTable(table=worker.manager.table, clock=worker.clock).read(plan) or []


def test_a_source_that_fails_in_one_part_keeps_the_rows_of_all_for_a_retry(
    worker: Worker, source: SampleSource
) -> None:
    worker.settings = replace(worker.settings, source_retries=0)
    source.faults.fail_page(40)
    job = start(worker)
    worker.run(job.job_id)
    failed = worker.manager.get(job.job_id)
    assert (failed.error or {})["code"] == "SOURCE_UNAVAILABLE"
    items = items_of(worker, job.job_id)
    kept = sum(part.delivered for part in items)
    assert 0 < kept == failed.fetched_records < ROWS

    new = retry_import(
        job.job_id,
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        warehouse=worker.warehouse,
        triggered_by="ann",
        source_id=worker.settings.source_id,
        clock=worker.clock,
    )
    worker.run(new.job_id)

    done = worker.manager.get(new.job_id)
    assert_whole(worker, done)
    [resumed] = [event.facts for event in done.events if event.name == "resumed"]
    assert resumed["records"] == kept


def test_an_error_of_a_part_tells_the_page_of_the_part(
    worker: Worker, source: SampleSource
) -> None:
    source.faults.fail_page(40, status=403)  # of the whole: about row 1,800, where a part has 375

    error = worker.import_all().error or {}

    part, page_of_part = divmod(error["page"], 1_000_000)
    assert (error["code"], part) == ("SOURCE_FORBIDDEN", 4)
    assert page_of_part * PAGE == pytest.approx(1_800 - 4 * 375, abs=2 * PAGE)


def test_a_part_that_ends_early_holds_a_partial_import_too(worker: Worker) -> None:
    """The service counts 300 rows of each part and gives 200:
    what it counts is not all the rows there are.
    """
    habits = Habits(filter_limit=200)
    with SampleSource(DATA, max_page_size=SMALL_PAGE, habits=habits) as source:
        worker.settings = replace(worker.settings, source_url=source.url, source_paging="links")

        job = start(worker, {"field_code": EXPECTED[-1][0]})
        worker.run(job.job_id)

    held = worker.manager.get(job.job_id)
    assert held.parts == {"count": 2, "done": 2}
    assert (held.status, (held.error or {})["code"]) == (JobStatus.FAILED, "HELD")
    assert (held.completeness or {})["state"] == "disproved"


@pytest.mark.by_lot
@pytest.mark.parametrize("which", ["first", "last"])
def test_a_part_whose_segment_is_lost_begins_anew_and_no_other_does(
    worker: Worker, source: SampleSource, which: str
) -> None:
    job_id = stopped_midway(worker)
    worker.run(job_id, remaining=Budget(worker.clock, 12))
    items = [part for part in items_of(worker, job_id) if part.checkpoint.segments]
    part = items[0 if which == "first" else -1]
    worker.warehouse.remove(segment_names(part.checkpoint.segments)[0])

    worker.run(job_id, remaining=Budget(worker.clock, 12))

    told = worker.manager.get(job_id)
    assert sum(part.rejected for part in items_of(worker, job_id)) == told.failed_records
    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert_whole(worker, job)
    [lost] = [event.facts for event in job.events if event.name == "gone back"]
    assert lost["lost_records"] == part.delivered


def test_a_plan_whose_parts_are_gone_is_made_anew(worker: Worker, dynamodb: Any) -> None:
    job_id = stopped_midway(worker)
    key = {"pk": {"S": f"PART#{job_id}"}, "sk": {"S": "00003"}}
    dynamodb.delete_item(TableName=TABLE, Key=key)

    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert_whole(worker, job)
    assert [event.name for event in job.events].count("planned") == 2


def test_a_held_import_of_parts_can_be_accepted(worker: Worker, source: SampleSource) -> None:
    imported(worker)
    worker.settings = replace(
        worker.settings, source_columns={"oil_production_kbd": "gas_production_mmcfd"}
    )
    job = start(worker)
    worker.run(job.job_id)
    held = worker.manager.get(job.job_id)
    assert (held.error or {})["code"] == "HELD"
    asked = len(source.requests)

    accepted = accept_import(
        job.job_id,
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        findings=[str(finding.check) for finding in held.findings if finding.holds],
        by="ann",
        source_id=worker.settings.source_id,
    )
    worker.run(accepted.job_id)

    done = worker.manager.get(accepted.job_id)
    assert (done.status, done.error, len(source.requests)) == (JobStatus.COMPLETED, None, asked)
    assert done.total_records == ROWS
    assert done.updated_records > ROWS * 0.9
    assert (done.completeness or {})["state"] == "proved"


# -- the source is spared -------------------------------------------------------------------------


@pytest.mark.by_lot
@pytest.mark.parametrize(
    ("spare", "ends"),
    [(0, (JobStatus.COMPLETED, None)), (-1, (JobStatus.FAILED, "SOURCE_LIMIT_EXCEEDED"))],
)
def test_the_limit_of_pages_is_that_of_all_parts_together(
    worker: Worker, spare: int, ends: tuple[JobStatus, str | None]
) -> None:
    pages = PARTS * -(-ROWS // PARTS // PAGE)
    worker.settings = replace(worker.settings, max_pages=pages + spare)

    job = worker.import_all()

    assert (job.status, (job.error or {}).get("code")) == ends
    assert job.stats["pages"] == pages + spare


@pytest.mark.by_lot
@pytest.mark.parametrize("connections", [1, 2, 3])
def test_no_more_requests_are_under_way_than_are_allowed(worker: Worker, connections: int) -> None:
    with CountingSource(DATA, max_page_size=PAGE, at_once=connections) as source:
        worker.settings = replace(
            worker.settings, source_url=source.url, source_connections=connections, workers=8
        )

        job = worker.import_all()

        assert_whole(worker, job)
        assert source.most_active == connections


def test_a_plan_that_a_source_has_no_time_for_is_given_up(worker: Worker) -> None:
    """Its questions are asked once; the rows are as many as ever."""
    with BusySource(DATA, max_page_size=PAGE) as source:
        worker.settings = replace(worker.settings, source_url=source.url)

        job = worker.import_all()

        assert_whole(worker, job)
        assert job.parts is None
        assert job.attempt == 1
        assert source.refused <= 2 * PARTS


class BusySource(SampleSource):
    """Has no time for what a plan asks."""

    refused = 0

    def answer(self, target: str, headers: dict[str, str]) -> Any:
        if "top=1" not in target and "top=0" not in target:
            return super().answer(target, headers)
        self.refused += 1
        return Reply(503, b"", {"Retry-After": "200"})


class CountingSource(SampleSource):
    """Notes how many requests are answered at once. Until they are as many as they may be, each is
    held back a little, for the others to come.
    """

    def __init__(self, *details: Any, at_once: int, **more: Any) -> None:
        super().__init__(*details, **more)
        self.most_active = self._active = 0
        self._at_once = at_once
        self._counting = threading.Condition()

    def answer(self, *details: Any, **more: Any) -> Any:
        with self._counting:
            self._active += 1
            self.most_active = max(self.most_active, self._active)
            self._counting.notify_all()
            self._counting.wait_for(lambda: self.most_active >= self._at_once, timeout=1)
        try:
            threading.Event().wait(0.005)
            return super().answer(*details, **more)
        finally:
            with self._counting:
                self._active -= 1


# -- what the table keeps -------------------------------------------------------------------------


def test_the_items_of_the_parts_tell_their_rows(worker: Worker, dynamodb: Any) -> None:
    job_id = stopped_midway(worker)

    contents = table_contents(dynamodb, TABLE)
    items = items_of(worker, job_id)
    assert (
        len([key for key in contents if key in {f"{number:05d}" for number in range(PARTS)}])
        == PARTS
    )
    assert sum(part.expected or 0 for part in items) == ROWS
    assert sum(part.delivered for part in items) == worker.manager.get(job_id).fetched_records
    assert sum(part.rejected for part in items) == worker.manager.get(job_id).failed_records
    assert {part.attempt for part in items} == {1}


def test_a_worker_that_froze_writes_no_part(worker: Worker) -> None:
    """Neither under an older fence, nor as an earlier attempt with the part."""
    job_id = worker.trigger()
    parts = PartTable(table=worker.manager.table, clock=worker.clock)
    plan = Plan(job_id=job_id, parts=1)
    frozen = worker.manager.claim(job_id, holder="a")
    part = Part(
        number=0, filter="x ge 1", checkpoint=Checkpoint(cursor={"delivered": 0}), attempt=1
    )
    parts.plan(frozen, [part])
    worker.clock.advance(1_000)
    claim = worker.manager.claim(job_id, holder="b")
    begun = parts.begin(claim, plan, part)

    for claimed, written in [(frozen, part), (frozen, begun), (claim, part)]:
        with pytest.raises(LeaseLost):
            parts.store(claimed, plan, replace(written, delivered=99))
    with pytest.raises(LeaseLost):
        parts.begin(frozen, plan, part)
    with pytest.raises(LeaseLost):
        parts.plan(frozen, [part])
    with pytest.raises(LeaseLost):
        parts.begin(
            claim, plan, part
        )  # another worker of the same claim, which read the part before

    parts.store(claim, plan, replace(begun, delivered=7))
    assert parts.read(plan) == [replace(begun, delivered=7)]
