"""Whole imports from services that are made to differ:
each brings every row, or fails and publishes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.imports import Worker, expected_rows, stored_rows
from support.shared_cases import case_server

from chalicelib.jobs.job import JobStatus
from local.source.faults import Fault, Faults
from local.source.habits import Habits
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.job import Job
    from local.source.server import Paging

DATA = GeneratedProduction(700, bad_rows=False)  # no key comes twice


@pytest.fixture
def worker_at(environment: dict[str, str], dynamodb: Any) -> Callable[..., Worker]:
    def worker_at(url: str, **settings: str) -> Worker:
        more = {f"WELLHEAD_{name.upper()}": value for name, value in settings.items()}
        return Worker(environment | {"WELLHEAD_SOURCE_URL": url} | more, dynamodb)

    return worker_at


@dataclass(frozen=True)
class Kind:
    habits: Habits = field(default_factory=Habits)
    paging: Paging = "links"
    largest: int = 100
    faults: tuple[Fault, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


REFUSE = {option: Habits(refused={f"${option}"}) for option in ("count", "orderby")}
WHOLE = {
    "as the specification has it": Kind(),
    "as the specification has it, in smaller pages than its own": Kind(
        settings={"page_size": "30"}
    ),
    "a client that pages by $skip": Kind(settings={"source_paging": "skip"}),
    "a client that pages by key": Kind(settings={"source_paging": "keys"}),
    "a key that is declared": Kind(Habits(declares_key=True)),
    "$top is the size of a page": Kind(Habits(top_is_page_size=True)),
    "no link under $top and no $skip": Kind(Habits(no_link_under_top=True, no_skip=True)),
    "a limit of $top, no links": Kind(Habits(top_limit=50), paging="skip"),
    "a limit of $top, several connections": Kind(
        Habits(top_limit=50), paging="skip", settings={"source_connections": "4"}
    ),
    "a limit of $top, by key": Kind(Habits(top_limit=50), settings={"source_paging": "keys"}),
    "no $count": Kind(REFUSE["count"]),
    "no $count and no links": Kind(REFUSE["count"], paging="skip"),
    "no $orderby": Kind(REFUSE["orderby"]),
    "no $orderby, though a key is declared": Kind(Habits(refused={"$orderby"}, declares_key=True)),
    "no $filter, though a key is declared": Kind(Habits(refused={"$filter"}, declares_key=True)),
    "neither $count nor $orderby": Kind(Habits(refused={"$count", "$orderby"}), paging="skip"),
    "a count that is never told": Kind(Habits(ignores_count=True)),
    "a count that is never told, no links": Kind(Habits(ignores_count=True), paging="skip"),
    "a preference that does nothing": Kind(
        Habits(ignores_prefer=True), settings={"page_size": "30"}
    ),
    "a link on every page": Kind(Habits(link_on_every_page=True)),
    "a wait of a minute and a half": Kind(faults=(Fault(3, "fail", status=429, retry_after="90"),)),
    "a wait of five minutes": Kind(faults=(Fault(3, "fail", status=429, retry_after="300"),)),
}


@pytest.mark.by_lot
@pytest.mark.parametrize("kind", WHOLE.values(), ids=WHOLE)
def test_every_row_of_a_service_is_published(worker_at: Callable[..., Worker], kind: Kind) -> None:
    with SampleSource(
        DATA,
        paging=kind.paging,
        max_page_size=kind.largest,
        habits=kind.habits,
        faults=Faults(*kind.faults),
    ) as source:
        worker = worker_at(source.url, **kind.settings)
        job = worker.import_all()

    assert (job.status, job.error, job.fetched_records) == (JobStatus.COMPLETED, None, 700)
    assert published(worker) == expected_rows(DATA)
    assert len(source.requests) < 60


def test_keys_are_asked_for_where_the_service_declares_them_and_takes_them(
    worker_at: Callable[..., Worker],
) -> None:
    with SampleSource(DATA, max_page_size=100, habits=Habits(declares_key=True)) as source:
        job = worker_at(source.url).import_all()

    assert job.status == JobStatus.COMPLETED
    pages = [asked.query for asked in source.requests if asked.query.get("$top") == "10000"]
    assert len(pages) == 8  # seven pages, and one that shows the end
    assert ["$filter" in query for query in pages] == [False] + [True] * 7


def test_empty_pages_without_end_are_no_reason_to_read_for_ever(
    worker_at: Callable[..., Worker],
) -> None:
    habits = Habits(link_on_every_page=True, ignores_count=True)
    with SampleSource(DATA, max_page_size=100, habits=habits) as source:
        worker = worker_at(source.url)
        job = worker.import_all()

    assert (job.status, (job.error or {})["code"]) == (JobStatus.FAILED, "SOURCE_PAGING_LOOP")
    assert "100 pages in a row without a single row" in (job.error or {})["message"]
    assert len(source.requests) < 120
    assert worker.manager.current_snapshot() is None


def test_the_source_s_own_sentence_is_told(worker_at: Callable[..., Worker]) -> None:
    habits = Habits(no_skip=True)
    with SampleSource(DATA, paging="skip", max_page_size=100, habits=habits) as source:
        job = worker_at(source.url, source_paging="skip").import_all()

    assert (job.error or {})["code"] == "SOURCE_REFUSED"
    assert (job.error or {})["message"].endswith(
        'It says: "The query option $skip is not supported."'
    )


def test_no_way_to_the_rows_that_are_counted_is_an_incomplete_reading(
    worker_at: Callable[..., Worker],
) -> None:
    with SampleSource(
        DATA, paging="skip", max_page_size=100, habits=Habits(no_skip=True)
    ) as source:
        worker = worker_at(source.url)
        job = worker.import_all()

    assert (job.status, (job.error or {})["code"]) == (JobStatus.FAILED, "HELD")
    assert "counts 700 rows and delivered 100" in (job.error or {})["message"]
    assert worker.manager.current_snapshot() is None


def test_the_watermark_stays_where_nobody_knows_that_all_rows_came(
    worker_at: Callable[..., Worker],
) -> None:
    marks = []
    for habits in (Habits(ignores_count=True), Habits()):
        with SampleSource(DATA, max_page_size=100, habits=habits) as source:
            worker = worker_at(source.url, source_changed="updated_at")
            assert worker.import_all().status == JobStatus.COMPLETED
            snapshot = worker.manager.current_snapshot()
            assert snapshot
            marks.append(snapshot.changed_until)

    assert marks[0] is None
    assert marks[1] is not None


# --- servers of others, where they are there


SHARED = {"01": 12_000, "11": 3_000, "12": 3_000, "13": 12_000, "14": 2_000, "20": 2_500}


@pytest.mark.parametrize("number", SHARED)
def test_a_server_of_the_cases_is_read_to_its_end(
    worker_at: Callable[..., Worker], number: str
) -> None:
    with case_server(number) as url:
        worker = worker_at(url)
        job = worker.import_all()

    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    assert counts(job) == (SHARED[number], 0, 0)
    assert len(published(worker)) == SHARED[number]


def test_an_increment_of_the_cases_leaves_no_row_behind(worker_at: Callable[..., Worker]) -> None:
    with case_server("21") as url:
        worker = worker_at(url, source_changed="updated_at")
        first, second = worker.import_all(), worker.import_all()

    assert counts(first) == (12_000, 0, 0)
    assert (second.status, second.new_records) == (JobStatus.COMPLETED, 0)
    assert len(published(worker)) == 12_000


def counts(job: Job) -> tuple[int, int, int]:
    return job.new_records, job.updated_records, job.failed_records


def published(worker: Worker) -> list[tuple[Any, ...]]:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    return stored_rows(Path(worker.settings.warehouse, snapshot.name))
