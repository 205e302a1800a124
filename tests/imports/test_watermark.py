"""An import asks for what changed since the published data, and for nothing less: whole imports on
a real source.

A run takes a lake where it shows something of its own, a soak everywhere.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import a_job
from support.imports import Budget, Worker, published_rows
from support.scripted_source import KEY, Answer, ScriptedHandler, Serve, page
from support.store_kinds import FILE_AND_LAKE_IN_SOAK, file_or_lake

from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import CURRENT, Snapshot
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.files.json_lines import Key
    from chalicelib.jobs.job import Job
    from local.source.odata_format import Version

pytestmark = FILE_AND_LAKE_IN_SOAK
JANUARY, FEBRUARY, MARCH = (f"2023-{month:02}-10T06:00:00Z" for month in (1, 2, 3))
LONG_AFTER = "9999-12-31T23:59:59Z"
HOUR = 3600


def seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


class Wells:
    """Rows (well, oil, changed) of one field and month."""

    ordered = True

    def __init__(self, *rows: tuple[Any, Any, str | None]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, position: int) -> Key:
        return 1, self.rows[position][0], "2023-01-01"

    def page(self, skip: int, top: int) -> list[bytes]:
        places = range(len(self))[skip : skip + top]
        return [json.dumps(self._row(place)).encode() for place in places]

    def _row(self, place: int) -> dict[str, Any]:
        _, oil, changed = self.rows[place]
        return dict(zip(KEY, self.key(place), strict=True)) | {
            "oil_production_kbd": oil,
            "updated_at": changed,
        }


FIRST = Wells((1, 1.0, JANUARY), (2, 2.0, FEBRUARY))


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(FIRST) as source:
        yield source


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> Worker:
    return Worker(
        environment | {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_SOURCE_CHANGED": "updated_at"},
        dynamodb,
    )


def change(worker: Worker, **settings: Any) -> None:
    worker.settings = replace(worker.settings, **settings)


def import_full(worker: Worker) -> Job:
    job = worker.manager.create(replace(a_job(worker.clock), parameters={"full": True}))
    worker.run(job.job_id)
    return worker.manager.get(job.job_id)


def snapshot(worker: Worker) -> Snapshot:
    current = worker.manager.current_snapshot()
    assert current
    return current


def wells(worker: Worker) -> dict[int, float]:
    rows = published_rows(worker)
    return {int(row[2]): row[7] for row in rows}


def filters(source: SampleSource) -> set[str | None]:
    """What the pages with a count were asked for: the first one of each import."""
    return {asked.query.get("$filter") for asked in source.requests if "$count" in asked.query}


@file_or_lake
def test_the_first_import_asks_for_all_and_later_ones_for_what_changed(
    worker: Worker, source: SampleSource
) -> None:
    first = worker.import_all()
    assert (first.status, first.error, "changed_since" in first.stats) == (
        JobStatus.COMPLETED,
        None,
        False,
    )
    assert (filters(source), snapshot(worker).changed_until) == ({None}, seconds(FEBRUARY))

    source.requests.clear()
    source.rows = Wells((1, 1.0, JANUARY), (2, 2.5, FEBRUARY), (3, 3.0, MARCH))
    second = worker.import_all()

    assert filters(source) == {"updated_at ge 2023-02-10T05:00:00Z"}
    assert second.stats["changed_since"] == seconds(FEBRUARY) - HOUR
    assert second.view(0)["parameters"] == {}
    assert (second.fetched_records, second.new_records, second.updated_records) == (2, 1, 1)
    assert wells(worker) == {1: 1.0, 2: 2.5, 3: 3.0}
    assert snapshot(worker).changed_until == seconds(MARCH)


@file_or_lake
def test_nothing_new_leaves_data_and_watermark(worker: Worker, source: SampleSource) -> None:
    worker.import_all()
    source.rows = Wells()

    job = worker.import_all()

    assert (job.status, job.fetched_records) == (JobStatus.COMPLETED, 0)
    assert (wells(worker), snapshot(worker).changed_until) == ({1: 1.0, 2: 2.0}, seconds(FEBRUARY))


def test_full_asks_for_all_and_never_lowers_the_watermark(
    worker: Worker, source: SampleSource
) -> None:
    worker.import_all()
    source.requests.clear()
    source.rows = Wells((1, 1.5, JANUARY))

    job = import_full(worker)

    assert (filters(source), "changed_since" in job.stats) == ({None}, False)
    assert job.parameters == {"full": True}
    assert wells(worker) == {1: 1.5, 2: 2.0}
    assert snapshot(worker).changed_until == seconds(FEBRUARY)


@pytest.mark.by_lot
@pytest.mark.parametrize(
    "other",
    [
        {"source_url": "?$filter=well_code ge 1"},
        {"source_changed": "created_at"},
        {"source_changed": ""},
        {"source_columns": {"oil_production_kbd": "oil_production_kbd"}},
    ],
    ids=["filter", "field", "no field", "mapping"],
)
def test_another_source_inherits_no_watermark(
    worker: Worker, source: SampleSource, other: dict[str, Any]
) -> None:
    worker.import_all()
    source.requests.clear()
    before = worker.settings
    url = before.source_url + other.get("source_url", "")
    change(worker, **(other | {"source_url": url}))

    assert worker.import_all().status is JobStatus.COMPLETED

    assert not any("updated_at" in str(each) for each in filters(source))
    assert snapshot(worker).changed_until in (None, seconds(FEBRUARY))
    change(
        worker,
        **{
            name: getattr(before, name)
            for name in ("source_url", "source_changed", "source_columns")
        },
    )
    source.requests.clear()
    worker.import_all()
    assert filters(source) == {None}


def test_a_failed_import_moves_nothing(worker: Worker, source: SampleSource) -> None:
    worker.import_all()
    before = snapshot(worker)
    source.rows = Wells((3, 3.0, MARCH))
    source.faults.fail_page(1, status=404, times=9)

    assert worker.import_all().status is JobStatus.FAILED
    assert snapshot(worker) == before


def test_a_change_dated_in_the_future_does_not_hide_what_comes_before_it(
    worker: Worker, source: SampleSource
) -> None:
    """Nor does what was changed while it was being read:
    the watermark stays at the import's beginning.
    """
    source.rows = Wells((1, 1.0, JANUARY), (2, 2.0, LONG_AFTER))

    job = worker.import_all()

    assert snapshot(worker).changed_until == job.started_at


def test_rows_that_are_rejected_or_undated_do_not_stop_the_watermark(
    worker: Worker, source: SampleSource
) -> None:
    source.rows = Wells((1, "n/a", FEBRUARY), (2, 2.0, None), (3, 3.0, "soon"), (4, 4.0, JANUARY))

    job = worker.import_all()

    assert (job.status, job.failed_records, job.new_records) == (JobStatus.COMPLETED, 1, 3)
    assert snapshot(worker).changed_until == seconds(FEBRUARY)
    assert [(warning["rule"], warning["count"]) for warning in job.warnings] == [
        ("WITHOUT_CHANGE_TIME", 2)
    ]


@file_or_lake
def test_a_later_worker_keeps_the_filter_and_the_watermark(
    worker: Worker, source: SampleSource
) -> None:
    worker.import_all()
    source.requests.clear()
    source.rows = Wells(*((well, 3.0, MARCH if well == 1 else FEBRUARY) for well in range(1, 9)))
    change(worker, page_size=2, checkpoint_seconds=1, source_paging="skip")
    source.paging = "skip"
    job_id = worker.trigger()

    worker.run(job_id, remaining=Budget(worker.clock, 3))
    assert worker.manager.get(job_id).status is JobStatus.RUNNING
    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert (job.status, job.attempt, job.fetched_records) == (JobStatus.COMPLETED, 2, 8)
    pages = [asked.query["$filter"] for asked in source.requests if "$orderby" in asked.query]
    assert len(pages) >= 4
    assert set(pages) == {"updated_at ge 2023-02-10T05:00:00Z"}
    assert snapshot(worker).changed_until == seconds(MARCH)


def test_undated_rows_are_counted_over_all_workers(worker: Worker, source: SampleSource) -> None:
    source.rows = Wells(
        *((well, 3.0, None if well in (1, 8) else FEBRUARY) for well in range(1, 9))
    )
    change(worker, page_size=2, checkpoint_seconds=1, source_paging="skip")
    source.paging = "skip"
    job_id = worker.trigger()

    worker.run(job_id, remaining=Budget(worker.clock, 3))
    assert worker.manager.get(job_id).status is JobStatus.RUNNING
    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert (job.status, job.attempt) == (JobStatus.COMPLETED, 2)
    assert [(warning["rule"], warning["count"]) for warning in job.warnings] == [
        ("WITHOUT_CHANGE_TIME", 2)
    ]


@pytest.mark.by_lot
@pytest.mark.parametrize("paging", ["links", "skip", "keys"])
@pytest.mark.parametrize("version", [2, 4])
def test_every_paging_and_version_asks_for_what_changed(
    environment: dict[str, str], dynamodb: Any, paging: str, version: Version
) -> None:
    with SampleSource(
        FIRST, version=version, paging="links" if paging == "links" else "skip"
    ) as source:
        query = "?$filter=well_code lt 9 or well_code gt 99"
        more = {
            "SOURCE_URL": source.url + query,
            "SOURCE_CHANGED": "updated_at",
            "PAGE_SIZE": "1",
            "SOURCE_PAGING": paging,
        }
        worker = Worker(
            environment | {f"WELLHEAD_{name}": value for name, value in more.items()}, dynamodb
        )
        worker.import_all()
        source.rows = Wells(
            (1, 1.5, JANUARY), (2, 2.5, FEBRUARY), (3, 3.0, MARCH), (50, 4.0, MARCH)
        )
        job = worker.import_all()

    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    assert wells(worker) == {1: 1.0, 2: 2.5, 3: 3.0}
    assert snapshot(worker).changed_until == seconds(MARCH)


@pytest.mark.parametrize(("counted", "ends"), [(3, "COMPLETED"), (None, "FAILED")])
def test_a_count_of_all_rows_whatever_the_filter_holds_no_increment(
    worker: Worker, serve: Serve, counted: int | None, ends: str
) -> None:
    """It proves nothing either, so the watermark stays.
    A service that cannot be asked for it is not excused.
    """
    three = Wells((1, 1.0, JANUARY), (2, 2.0, FEBRUARY), (3, 3.0, FEBRUARY))
    rows = [json.loads(row) for row in three.page(0, 3)]

    def answer(handler: ScriptedHandler) -> Answer:
        found = rows[1:] if "$filter" in handler.asked.query else rows
        return Answer(page([] if "$skip" in handler.asked.query else found, odata_count=len(rows)))

    source = serve(answer)
    source.counted = counted
    change(worker, source_url=source.url)
    first = worker.import_all()
    second = worker.import_all()

    assert (first.status, second.status) == (JobStatus.COMPLETED, JobStatus(ends))
    assert second.completeness
    assert second.completeness["state"] == ("unprovable" if ends == "COMPLETED" else "disproved")
    assert snapshot(worker).changed_until == seconds(FEBRUARY)


@pytest.mark.parametrize(
    ("field", "says"),
    [("nothing", "no field"), ("well_code", "Edm.Int64"), ("field_name", "Edm.String")],
)
def test_a_change_field_that_tells_no_time_is_reported(
    worker: Worker, source: SampleSource, field: str, says: str
) -> None:
    change(worker, source_changed=field)

    job = worker.import_all()

    assert job.error
    assert (job.status, job.error["code"]) == (JobStatus.FAILED, "SOURCE_COLUMNS_MISSING")
    assert says in job.error["message"]


@file_or_lake
def test_an_increment_is_never_published_on_another_base(
    worker: Worker, source: SampleSource, dynamodb: Any
) -> None:
    """Somebody restored an older database, which lacks what the import did not ask for."""
    worker.import_all()
    job_id = worker.trigger()
    worker.run(job_id, remaining=Budget(worker.clock, 1))
    older = replace(snapshot(worker), changed_until=None, changed_of=None)
    dynamodb.put_item(TableName=worker.settings.table, Item=to_item(CURRENT | asdict(older)))

    worker.run(job_id)

    job = worker.manager.get(job_id)
    assert job.error
    assert (job.status, job.error["code"]) == (JobStatus.FAILED, "PUBLISH_REFUSED")
