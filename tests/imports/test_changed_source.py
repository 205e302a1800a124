"""Rows that were read with one source and mapping are never put together with those of another."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.imports import Budget, Worker, files
from support.scripted_source import Answer, ScriptedHandler, ScriptedSource, page
from support.soak import SOAK, longer

from chalicelib.jobs.job import JobStatus
from chalicelib.store.columns import COLUMNS
from chalicelib.warehouse.names import OWNER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.jobs.job import Job

ROWS, PAGE = 40, 5
OIL, GAS = "oil_production_kbd", "gas_production_mmcfd"
SLICES = range(2, ROWS // PAGE) if SOAK else [2, 5]


@dataclass
class Shape:
    """A source of a few rows, whose fields are called as `names` says.
    What it says may change while it is read.
    """

    names: dict[str, str] = field(
        default_factory=lambda: {OIL: "Oil", GAS: "Gas", "well_name": "WellName"}
    )
    leaves_out: Callable[[int, str], bool] = lambda _row, _column: False

    def serve(self, handler: ScriptedHandler) -> Answer:
        query = handler.asked.query
        if "$orderby" not in query and "$skiptoken" not in query:
            return Answer(page([self._row(number) for number in range(20)]))
        first = int(query.get("$skiptoken", 0))
        rows = [self._row(number) for number in range(first, first + PAGE)]
        link = {"odata_nextLink": f"?$skiptoken={first + PAGE}"} if first + PAGE < ROWS else {}
        return Answer(page(rows, odata_count=ROWS, **link))

    def _row(self, number: int) -> dict[str, Any]:
        values = {
            "field_code": 1,
            "well_code": number,
            "production_period": "2024-01-01",
            **{column.name: None for column in COLUMNS if column.name in self.names},
            OIL: 1.0,
            GAS: 2.0,
        }
        return {
            self.names.get(column, column): value
            for column, value in values.items()
            if not self.leaves_out(number, column) and self.names.get(column) != ""
        }


@pytest.fixture
def shape() -> Shape:
    return Shape()


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, shape: Shape) -> Iterator[Worker]:
    with ScriptedSource(shape.serve) as source:
        more = {
            "WELLHEAD_SOURCE_URL": source.url,
            "WELLHEAD_SOURCE_CONNECTIONS": "1",
            "WELLHEAD_PAGE_SIZE": str(PAGE),
            "WELLHEAD_CHECKPOINT_SECONDS": "1",
            "WELLHEAD_SOURCE_COLUMNS": f"{OIL}=Oil,{GAS}=Gas",
        }
        yield Worker(environment | more, dynamodb)


def stopped_after(worker: Worker, pages: int) -> str:
    job_id = worker.trigger()
    outcome = worker.run(job_id, remaining=Budget(worker.clock, pages))
    assert outcome["outcome"] == "handed over"
    assert worker.manager.get(job_id).fetched_records < ROWS
    return job_id


def ended(worker: Worker, job_id: str) -> Job:
    worker.run(job_id)
    return worker.manager.get(job_id)


def other_columns(worker: Worker, _: Shape) -> None:
    worker.settings = replace(worker.settings, source_columns={OIL: "Gas", GAS: "Oil"})


def other_address(worker: Worker, _: Shape) -> None:
    worker.settings = replace(worker.settings, source_url=worker.settings.source_url + "?year=2024")


def other_paging(worker: Worker, _: Shape) -> None:
    worker.settings = replace(worker.settings, source_paging="skip")


def other_change_field(worker: Worker, _: Shape) -> None:
    worker.settings = replace(worker.settings, source_changed="production_period")


def a_renamed_field(_: Worker, shape: Shape) -> None:
    shape.names["well_name"] = "well_name"


def a_renamed_key(_: Worker, shape: Shape) -> None:
    shape.names["well_code"] = "WELL-CODE"


def a_field_of_a_missing_name(_: Worker, shape: Shape) -> None:
    shape.names[OIL] = "Petrol"


def a_field_less(_: Worker, shape: Shape) -> None:
    shape.names["well_name"] = ""


def a_field_more(_: Worker, shape: Shape) -> None:
    shape.names["field_name"] = "FieldName"


def no_rows_any_more(_: Worker, shape: Shape) -> None:
    shape.leaves_out = lambda _row, _column: True


CHANGES = [
    other_columns,
    other_address,
    other_paging,
    other_change_field,
    a_renamed_field,
    a_renamed_key,
    a_field_of_a_missing_name,
    a_field_less,
    a_field_more,
    no_rows_any_more,
]


@pytest.mark.by_lot
@pytest.mark.timeout(longer(120, 600))
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("pages", SLICES)
def test_a_source_that_changes_between_two_slices_is_refused(
    worker: Worker, shape: Shape, pages: int, change: Callable[[Worker, Shape], None]
) -> None:
    job_id = stopped_after(worker, pages)
    change(worker, shape)

    job = ended(worker, job_id)

    assert job.error
    assert (job.status, job.error["code"], job.error["retryable"]) == (
        JobStatus.FAILED,
        "SOURCE_CHANGED_SINCE",
        False,
    )
    assert worker.manager.current_snapshot() is None
    assert all(
        name.startswith("segments/") or name == OWNER for name in files(worker.settings.warehouse)
    )


def test_a_source_that_stays_the_same_is_not(worker: Worker) -> None:
    job = ended(worker, stopped_after(worker, 5))

    assert (job.status, job.new_records) == (JobStatus.COMPLETED, ROWS)


def test_an_import_that_failed_and_finds_another_mapping_is_refused(
    worker: Worker, shape: Shape
) -> None:
    """What the API cannot see, the worker does."""
    first = worker.manager.cancel(stopped_after(worker, 5))
    again = worker.manager.create(first.retry(now=worker.clock(), triggered_by="ann"))
    a_renamed_field(worker, shape)

    assert (ended(worker, again.job_id).error or {})["code"] == "SOURCE_CHANGED_SINCE"


def test_other_settings_are_seen_before_the_source_is_asked(worker: Worker) -> None:
    job_id = stopped_after(worker, 5)
    with ScriptedSource(Answer(b"{}")) as other:
        worker.settings = replace(worker.settings, source_url=other.url)

        assert (ended(worker, job_id).error or {})["code"] == "SOURCE_CHANGED_SINCE"

        assert other.asked == []


# --- a source that leaves out what has no value


def test_fields_that_are_left_out_at_random_are_no_change(worker: Worker, shape: Shape) -> None:
    shape.leaves_out = lambda row, column: column == "well_name" and row != 3
    job_id = stopped_after(worker, 5)
    shape.leaves_out = lambda row, column: column == "well_name" and row != 30

    job = ended(worker, job_id)

    assert (job.status, job.new_records) == (JobStatus.COMPLETED, ROWS)


@pytest.mark.parametrize("pages", SLICES)
def test_a_late_field_that_comes_under_another_name_is_refused(
    worker: Worker, shape: Shape, pages: int
) -> None:
    shape.leaves_out = lambda row, column: column == "well_name" and row != 3
    job_id = stopped_after(worker, pages)
    shape.names["well_name"] = "WELL_NAME"
    shape.leaves_out = lambda row, column: column == "well_name" and row < ROWS - 1

    job = ended(worker, job_id)

    assert (job.error or {})["code"] == "SOURCE_CHANGED_SINCE"
    assert worker.manager.current_snapshot() is None


def test_a_late_field_that_takes_the_place_of_another_is_refused(
    worker: Worker, shape: Shape
) -> None:
    """Within one slice, too: the rows before were read by the other."""
    original = shape.serve

    def serve(handler: ScriptedHandler) -> Answer:
        if int(handler.asked.query.get("$skiptoken", 0)) >= ROWS // 2:
            shape.names["well_name"] = "well_name"
        return original(handler)

    with ScriptedSource(serve) as source:
        worker.settings = replace(worker.settings, source_url=source.url)
        job = worker.import_all()

    assert (job.error or {})["code"] == "SOURCE_CHANGED_SINCE"
    assert json.loads(json.dumps(job.error))["retryable"] is False
    assert not (Path(worker.settings.warehouse) / "wells.duckdb").exists()
