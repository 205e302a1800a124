"""Rows that come on more than one page: when others are missing for it, and when not."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.imports import Worker, stored_rows
from support.scripted_source import Answer, ScriptedHandler, Serve, page

from chalicelib.imports.repeats import RULE, judge_repeats
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.odata.reading import Reading, Way
from chalicelib.store.settle import Settled

ROWS, PAGE = 600, 100
DESCRIBED = b"""<Edmx xmlns="http://docs.oasis-open.org/odata/ns/edmx"><DataServices>
<Schema xmlns="http://docs.oasis-open.org/odata/ns/edm" Namespace="w">
<EntityType Name="Well"><Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int64"/></EntityType>
<EntityContainer Name="c"><EntitySet Name="Wells" EntityType="w.Well"/></EntityContainer>
</Schema></DataServices></Edmx>"""


def row(number: int) -> dict[str, Any]:
    day = {"production_period": "2024-01-01", "oil_production_kbd": 1.0}
    return {"ID": number, "field_code": 1, "well_code": number, **day}


class Service:
    """Answers `$skip`, and filters by its key.
    `order` tells the numbers of the rows for a request from `skip` on.
    """

    def __init__(self, order: Callable[[int], list[int]], *, filters: bool = False) -> None:
        self._order = order
        self._filters = filters

    def __call__(self, handler: ScriptedHandler) -> Answer:
        query = handler.asked.query
        top, skip = int(query.get("$top", PAGE)), int(query.get("$skip", 0))
        after = re.search(r"(?:ID|well_code) gt (\d+)", query.get("$filter", ""))
        if after and not self._filters:
            return Answer(status=400)
        numbers = [n for n in range(ROWS) if n > int(after[1])] if after else self._order(skip)
        if self._filters and (after or query.get("$orderby") == "ID"):
            numbers = sorted(numbers)
        return Answer(
            page([row(n) for n in numbers[skip : skip + min(top, PAGE)]], odata_count=len(numbers))
        )


def shuffled(skip: int) -> list[int]:
    """Each request sees another order, as a database without ORDER BY may."""
    order = list(range(ROWS))
    random.Random(skip).shuffle(order)
    return order


def twice(_: int) -> list[int]:
    """The source has each of its rows twice, far from each other."""
    half = [*range(ROWS // 2)]
    return half + half[50:] + half[:50]


def reloaded(skip: int) -> list[int]:
    """After the first page fifty of its rows are loaded anew, and stand at the end."""
    order = [*range(ROWS)]
    return order[50:] + order[:50] if skip else order


Order = Callable[[int], list[int]]
REPEATED: dict[Order, int] = {twice: ROWS // 2, reloaded: 50}


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any) -> Worker:
    return Worker(environment, dynamodb)


def imported(worker: Worker, url: str, **settings: Any) -> Job:
    worker.settings = replace(
        worker.settings, source_url=url, page_size=PAGE, source_connections=1, **settings
    )
    job_id = worker.trigger()
    while worker.run(job_id)["outcome"] == "handed over":
        pass
    return worker.manager.get(job_id)


def published(worker: Worker) -> Path:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    return Path(worker.settings.warehouse, snapshot.name)


def test_an_order_that_changes_from_page_to_page_is_found_out_by_asking_twice(
    worker: Worker, serve: Serve
) -> None:
    job = imported(worker, serve(Service(shuffled)).url)

    error = job.error or {}
    assert (job.status, error["code"]) == (JobStatus.FAILED, "HELD")
    assert "SOURCE_INCOMPLETE" in [finding.check for finding in job.findings]
    assert "rows came on more than one page" in error["message"]
    assert worker.manager.current_snapshot() is None


@pytest.mark.parametrize(
    "order", [twice, reloaded], ids=["it has them twice", "rows went and came again elsewhere"]
)
def test_keys_on_two_pages_of_one_order_prove_nothing(
    worker: Worker, serve: Serve, order: Order
) -> None:
    job = imported(worker, serve(Service(order)).url)

    assert (job.status, job.new_records, job.duplicate_records) == (
        JobStatus.COMPLETED,
        ROWS - REPEATED[order],
        REPEATED[order],
    )
    assert {warning["rule"]: warning["count"] for warning in job.warnings} == {
        "UNKNOWN_FIELDS": 1,
        RULE: REPEATED[order],
    }
    assert job.completeness
    assert job.completeness["state"] == "unprovable"
    assert "WELLHEAD_SOURCE_PRIMARY_KEY" in job.completeness["reason"]


@pytest.mark.parametrize("paging", ["skip", "links", "auto"])
def test_a_declared_key_tells_whatever_the_paging(
    worker: Worker, serve: Serve, paging: str
) -> None:
    source = serve(Service(reloaded))
    source.described = Answer(DESCRIBED)

    job = imported(worker, source.url, source_paging=paging)

    assert (job.error or {})["code"] == "HELD"
    assert job.completeness
    assert job.completeness["state"] == "disproved"


def test_with_a_key_that_is_declared_the_rows_are_read_again_by_it(
    worker: Worker, serve: Serve
) -> None:
    source = serve(Service(shuffled, filters=True))
    source.described = Answer(DESCRIBED)

    job = imported(worker, source.url, source_paging="skip", source_primary_key=("ID",))

    assert (job.status, job.new_records, job.duplicate_records, job.attempt) == (
        JobStatus.COMPLETED,
        ROWS,
        0,
        2,
    )
    assert [event.facts for event in job.events if event.name == "reads again by keys"] != []
    assert len(stored_rows(published(worker))) == ROWS


def test_with_a_key_that_cannot_be_asked_for_nothing_is_published(
    worker: Worker, serve: Serve
) -> None:
    source = serve(Service(shuffled))
    source.described = Answer(DESCRIBED)

    job = imported(worker, source.url, source_paging="skip", source_primary_key=("ID",))

    assert (job.error or {})["code"] == "HELD"
    assert "SOURCE_INCOMPLETE" in [finding.check for finding in job.findings]
    assert worker.manager.current_snapshot() is None


def test_rows_that_are_added_are_not_read_again_by_a_key_that_they_share(
    worker: Worker, serve: Serve
) -> None:
    job = imported(worker, serve(Service(shuffled, filters=True)).url, source_rows="sum")

    assert (job.error or {})["code"] == "HELD"
    assert "SOURCE_INCOMPLETE" in [finding.check for finding in job.findings]


@pytest.mark.parametrize("counts", [True, False])
def test_one_product_after_the_other_is_no_loop(worker: Worker, serve: Serve, counts: bool) -> None:
    """A service that does not sort:
    the wells come again with each product, on pages as long as before.
    """
    products = [
        ("OIL", "oil_production_kbd"),
        ("GAS", "gas_production_mmcfd"),
        ("WATER", "water_production_kbd"),
    ]
    rows = [
        row(number) | {"oil_production_kbd": None, "product": product, column: 1.0 + number / 1000}
        for product, column in products
        for number in range(ROWS // 2)
    ]

    def answer(handler: ScriptedHandler) -> Answer:
        skip = int(handler.asked.query.get("$skip", 0))
        return Answer(
            page(rows[skip : skip + PAGE], **({"odata_count": len(rows)} if counts else {}))
        )

    job = imported(
        worker,
        serve(answer).url,
        source_paging="skip",
        source_rows="sum",
        source_primary_key=("product",),
    )

    assert (job.status, job.error, job.new_records) == (JobStatus.COMPLETED, None, ROWS // 2)


# --------------------------------------------------------------------------------------- what is judged

FOUND = Settled(repeated_keys=3, overlapping_keys=2)


def reading(way: Way) -> Reading:
    return Reading(announced=9, counted_again=None, delivered=9, ended=None, way=way)


@pytest.mark.parametrize(
    ("way", "is_unique", "steady", "repeated", "warned"),
    [
        (Way.KEYS, True, None, 0, 0),
        (Way.LINKS, True, None, 5, 0),
        (Way.SKIP, True, None, 5, 0),
        (Way.SKIP, False, True, 0, 5),  # or rows went, and came again elsewhere
        (Way.SKIP, False, False, 5, 0),
        (Way.SKIP, False, None, 0, 5),
        (Way.LINKS, False, None, 0, 5),
    ],
)
def test_what_repeats_tell(
    way: Way, *, is_unique: bool, steady: bool | None, repeated: int, warned: int
) -> None:
    found = judge_repeats(FOUND, reading(way), is_unique=is_unique, is_steady=lambda: steady)

    assert (found.repeated_keys, found.warnings) == (repeated, {RULE: warned} if warned else {})


@pytest.mark.parametrize(("announced", "repeated"), [(7, 3), (None, 3), (8, 5)])
def test_links_may_overlap_by_rows_that_come_beside_all_that_are_counted(
    announced: int | None, repeated: int
) -> None:
    """Nine rows, two of them twice because their pages overlap:
    seven rows, or two others came on no page.
    """
    linked = replace(reading(Way.LINKS), announced=announced)

    assert (
        judge_repeats(FOUND, linked, is_unique=True, is_steady=lambda: None).repeated_keys
        == repeated
    )


def test_the_source_is_asked_only_when_there_is_doubt() -> None:
    def never() -> bool:
        raise AssertionError

    assert (
        judge_repeats(Settled(), reading(Way.SKIP), is_unique=False, is_steady=never) == Settled()
    )
    assert (
        json.dumps(
            judge_repeats(FOUND, reading(Way.SKIP), is_unique=True, is_steady=never).repeated_keys
        )
        == "5"
    )


@pytest.mark.parametrize(
    ("again", "steady", "repeated", "warned"),
    [(14, False, 0, 5), (13, False, 5, 0), (13, True, 0, 5)],
)
def test_as_many_rows_as_came_in_meanwhile_may_come_twice(
    again: int, *, steady: bool, repeated: int, warned: int
) -> None:
    """Each moves one other onto a second page, and none is missing for it."""
    grown = replace(reading(Way.SKIP), counted_again=again)

    found = judge_repeats(FOUND, grown, is_unique=False, is_steady=lambda: steady)

    assert (found.repeated_keys, found.warnings) == (repeated, {RULE: warned} if warned else {})
