"""A partial import:
the source is asked for it alone, by every kind of paging and by later workers too.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.coordination import a_job
from support.imports import Budget, Worker, published_rows
from support.scripted_source import KEY

from chalicelib.errors import SourceColumns
from chalicelib.imports.partial import part_filter, whole_periods
from chalicelib.jobs.job import JobStatus
from chalicelib.odata.filters import V2, Digits
from chalicelib.odata.metadata import EntityType
from chalicelib.odata.survey import Survey
from chalicelib.store.period import Period
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.files.json_lines import Key
    from chalicelib.jobs.job import Job
    from local.source.odata_format import Version

CHANGED = "2023-02-10T06:00:00Z"
LATER = "2023-03-10T06:00:00Z"
SAME = {name: name for name in KEY}
PART = {"field_code": "2", "from": "2024-02-01", "to": "2024-03-01"}
OF_THE_PART = {("2", well, f"2024-0{month}-01") for well in "123" for month in (2, 3)}


class Months:
    """Fields 1 to 3, wells 1 to 3 and four months each, in key order."""

    ordered = True

    def __init__(self, changed: str = CHANGED) -> None:
        months = [f"2024-0{month}-01" for month in range(1, 5)]
        self.keys = [
            (field, well, month) for field in (1, 2, 3) for well in (1, 2, 3) for month in months
        ]
        self.changed = changed

    def __len__(self) -> int:
        return len(self.keys)

    def key(self, position: int) -> Key:
        return self.keys[position]

    def page(self, skip: int, top: int) -> list[bytes]:
        more = {"oil_production_kbd": 1.5, "updated_at": self.changed}
        return [
            json.dumps(dict(zip(KEY, key, strict=True)) | more).encode()
            for key in self.keys[skip : skip + top]
        ]


def worker_on(
    source: SampleSource, environment: dict[str, str], dynamodb: Any, **settings: str
) -> Worker:
    more = {"SOURCE_URL": source.url, "PAGE_SIZE": "2", **settings}
    return Worker(
        environment | {f"WELLHEAD_{name}": value for name, value in more.items()}, dynamodb
    )


def begin(worker: Worker, parameters: Mapping[str, Any]) -> str:
    return worker.manager.create(replace(a_job(worker.clock), parameters=dict(parameters))).job_id


def import_part(worker: Worker, parameters: Mapping[str, Any]) -> Job:
    job_id = begin(worker, parameters)
    worker.run(job_id)
    return worker.manager.get(job_id)


def keys_stored(worker: Worker) -> set[tuple[str, str, str]]:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    rows = published_rows(worker)
    return {(row[0], row[2], row[5].isoformat()) for row in rows}


@pytest.mark.by_lot
@pytest.mark.parametrize("paging", ["links", "skip", "keys"])
@pytest.mark.parametrize("version", [2, 4])
def test_every_paging_and_version_asks_for_the_part_alone(
    environment: dict[str, str], dynamodb: Any, paging: str, version: Version
) -> None:
    with SampleSource(
        Months(), version=version, paging="links" if paging == "links" else "skip"
    ) as source:
        worker = worker_on(source, environment, dynamodb, SOURCE_PAGING=paging)
        job = import_part(worker, PART)

    assert (job.status, job.error, job.warnings) == (JobStatus.COMPLETED, None, [])
    assert (job.fetched_records, job.expected_records) == (6, 6)
    assert keys_stored(worker) == OF_THE_PART
    assert job.view(0)["parameters"] == PART


@pytest.mark.parametrize("paging", ["skip", "keys"])
def test_a_later_worker_and_a_retry_ask_for_the_same_part(
    environment: dict[str, str], dynamodb: Any, paging: str
) -> None:
    with SampleSource(Months(), paging="skip") as source:
        worker = worker_on(
            source, environment, dynamodb, SOURCE_PAGING=paging, CHECKPOINT_SECONDS="1"
        )
        job_id = begin(worker, PART)
        worker.run(job_id, remaining=Budget(worker.clock, 3))
        handed_over = worker.manager.get(job_id)
        worker.manager.cancel(job_id)
        old = worker.manager.get(job_id)
        again = worker.manager.create(old.retry(now=worker.clock(), triggered_by="ada"))
        worker.run(again.job_id)
        pages = [
            asked.query.get("$filter", "") for asked in source.requests if "$orderby" in asked.query
        ]

    job = worker.manager.get(again.job_id)
    assert handed_over.cursor
    assert handed_over.cursor["delivered"] > 0
    assert (old.status, job.status, job.parameters) == (
        JobStatus.CANCELLED,
        JobStatus.COMPLETED,
        PART,
    )
    assert keys_stored(worker) == OF_THE_PART
    assert len(pages) >= 3
    assert all("field_code eq 2" in each for each in pages)


def test_a_part_never_moves_the_watermark(environment: dict[str, str], dynamodb: Any) -> None:
    """What changed outside of the part was not asked for,
    so the next import must still ask for it.
    """
    with SampleSource(Months()) as source:
        worker = worker_on(source, environment, dynamodb, SOURCE_CHANGED="updated_at")
        import_part(worker, PART)
        without = worker.manager.current_snapshot()
        worker.import_all()
        before = worker.manager.current_snapshot()
        source.rows = Months(LATER)
        source.requests.clear()
        part = import_part(worker, PART)
        after = worker.manager.current_snapshot()
        whole = worker.import_all()

    assert without
    assert before
    assert after
    assert without.changed_until is None
    assert (
        before.changed_until == after.changed_until == datetime.fromisoformat(CHANGED).timestamp()
    )
    assert (part.fetched_records, part.stats["changed_since"]) == (6, whole.stats["changed_since"])
    assert whole.fetched_records == len(Months())
    filters = {asked.query["$filter"] for asked in source.requests if "$count" in asked.query}
    limits = "(field_code eq 2) and (production_period ge 2024-02-01) and (production_period lt 2024-03-02)"
    assert filters == {
        f"({limits}) and (updated_at ge 2023-02-10T05:00:00Z)",
        "updated_at ge 2023-02-10T05:00:00Z",
    }


def test_a_limit_joins_the_filter_of_the_url(environment: dict[str, str], dynamodb: Any) -> None:
    with SampleSource(Months()) as source:
        worker = worker_on(
            source, environment, dynamodb, SOURCE_URL=f"{source.url}?$filter=well_code lt 3"
        )
        job = import_part(worker, {"field_code": "3", "to": "2024-01-31"})

    assert job.status is JobStatus.COMPLETED
    assert keys_stored(worker) == {("3", "1", "2024-01-01"), ("3", "2", "2024-01-01")}


def test_a_source_without_rows_is_asked_all_the_same(
    environment: dict[str, str], dynamodb: Any
) -> None:
    rows = Months()
    rows.keys = []
    with SampleSource(rows) as source:
        job = import_part(worker_on(source, environment, dynamodb), PART)

    assert (job.status, job.fetched_records) == (JobStatus.COMPLETED, 0)


# --- the expressions


def survey_of(version: int, code: Any, period: str) -> Survey:
    return Survey(
        fields=list(KEY), values=dict(zip(KEY, (code, code, period), strict=True)), version=version
    )


@pytest.mark.parametrize(
    ("survey", "written"),
    [
        (survey_of(4, Digits("1"), "2024-01-01"), ("7", "2024-01-31", "2024-03-01")),
        (
            survey_of(4, Digits("1"), "2024-01-01T00:00:00Z"),
            ("7", "2024-01-31T00:00:00Z", "2024-03-01T00:00:00Z"),
        ),
        (survey_of(4, "1", "2024-01-01T00:00:00"), ("'7'", "'2024-01-31'", "'2024-03-01'")),
        (
            survey_of(V2, Digits("1"), "/Date(1704067200000)/"),
            ("7", "datetime'2024-01-31T00:00:00'", "datetime'2024-03-01T00:00:00'"),
        ),
    ],
    ids=["dates", "moments", "text", "v2"],
)
def test_a_limit_is_written_as_the_field_wants_it(
    survey: Survey, written: tuple[str, str, str]
) -> None:
    code, first, after = written

    said = part_filter({"field_code": "7", "from": "2024-01-31", "to": "2024-02-29"}, SAME, survey)

    assert (
        said
        == f"(field_code eq {code}) and (production_period ge {first}) and (production_period lt {after})"
    )


def test_nothing_is_said_where_nothing_is_left_out() -> None:
    survey = survey_of(4, Digits("1"), "2024-01-01")

    assert part_filter({}, SAME, survey) == part_filter({"full": True}, SAME, survey) == ""
    assert part_filter({"to": "9999-12-31"}, SAME, survey) == ""


def test_a_field_that_cannot_be_compared_is_reported() -> None:
    entity = EntityType(key=[], types={"field_code": "Edm.Guid"})

    with pytest.raises(SourceColumns, match=r"field_code is Edm\.Guid"):
        part_filter({"field_code": "7"}, SAME, Survey(fields=list(KEY), entity=entity))


@pytest.mark.parametrize("code", ["007", "7.0", "1e3", "AC025", "\u0667"])
def test_a_code_that_no_number_is_written_as_is_not_asked_of_a_field_of_numbers(code: str) -> None:
    """As a number 007 would be 7, and the rows of another field would come."""
    with pytest.raises(SourceColumns, match=f"cannot be compared with {code}"):
        part_filter({"field_code": code}, SAME, survey_of(4, Digits("1"), "2024-01-01"))

    assert (
        part_filter({"field_code": code}, SAME, survey_of(4, "AC1", "2024-01-01"))
        == f"field_code eq '{code}'"
    )


def test_the_number_of_an_older_job_is_asked_for_as_its_digits() -> None:
    assert (
        part_filter({"field_code": 7}, SAME, survey_of(4, "AC1", "2024-01-01"))
        == "field_code eq '7'"
    )


@given(first=st.dates(), last=st.dates())
def test_every_range_has_its_filter(first: date, last: date) -> None:
    parameters = {"from": first.isoformat(), "to": last.isoformat()}

    said = part_filter(parameters, SAME, survey_of(4, Digits("1"), "2024-01-01T00:00:00Z"))

    assert f"production_period ge {first.isoformat()}T00:00:00Z" in said
    if last < date.max:
        assert f"production_period lt {(last + timedelta(days=1)).isoformat()}T00:00:00Z" in said


@pytest.mark.parametrize(
    ("period", "whole"),
    [
        (Period.DAY, {"from": "2024-02-10", "to": "2024-05-20"}),
        (Period.MONTH, {"from": "2024-02-01", "to": "2024-05-31"}),
        (Period.QUARTER, {"from": "2024-01-01", "to": "2024-06-30"}),
        (Period.YEAR, {"from": "2024-01-01", "to": "2024-12-31"}),
    ],
)
def test_a_part_of_sums_has_whole_periods(period: Period, whole: dict[str, str]) -> None:
    part = {"field_code": "7", "from": "2024-02-10", "to": "2024-05-20"}

    assert whole_periods(part, period) == {"field_code": "7", **whole}
    assert whole_periods({"field_code": "7"}, period) == {"field_code": "7"}


@given(day=st.dates(), period=st.sampled_from(Period))
def test_every_day_has_the_first_and_the_last_one_of_its_period(day: date, period: Period) -> None:
    first, last = period.first_day(day), period.last_day(day)

    assert first <= day <= last
    assert period.first_day(last) == first
    if last < date.max:
        assert (last - first).days + 1 in period.days
        assert period.first_day(last + timedelta(days=1)) == last + timedelta(days=1)
