"""The list of jobs: complete, newest first, in pages, with one Query by key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation.dynamodb import InMemoryDynamoDb
from support.coordination import Clock, a_job
from support.soak import longer

from chalicelib.api.history import HistoryPage, cursor_of
from chalicelib.errors import ValidationError
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.event import Event
from chalicelib.jobs.job import MAX_EVENTS, Job, JobStatus, new_job
from chalicelib.jobs.job_id import uuid7
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.job_reader import HISTORY_LOOK, HISTORY_LOOKS
from chalicelib.jobs.lock import Lease, job_key
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUSES = st.sampled_from([JobStatus.COMPLETED, JobStatus.FAILED])


def manager_of(statuses: Sequence[JobStatus], dynamodb: Any = None) -> tuple[JobManager, list[Job]]:
    """Ended jobs, a second between two; newest first."""
    clock, stored = Clock(), []
    given: Any = dynamodb or InMemoryDynamoDb()
    table = Table(dynamodb=given, name="wellhead-test")
    manager = JobManager(table=table, lease=Lease(), clock=clock)
    for status in statuses:
        clock.advance(1)
        job = manager.create(a_job(clock))
        claim = manager.claim(job.job_id, holder="w1")
        ended = claim.job.cancel(at=clock())
        stored.append(manager.finish(claim, Job(**{**vars(ended), "status": status})))
    return manager, stored[::-1]


def told(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """A list reads no more of a job than it shows."""
    return [job.summary(0.0) for job in jobs]


def all_pages(manager: JobManager, *, limit: int, status: JobStatus | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before = None
    while True:
        page, rest = manager.history(limit=limit, status=status, before=before)
        assert len(page) == limit or rest is None
        found += told(page)
        if rest is None:
            return found
        before = rest


@given(
    statuses=st.lists(STATUSES, max_size=12), limit=st.integers(1, 5), status=st.none() | STATUSES
)
def test_the_pages_are_the_whole_history_newest_first(
    statuses: list[JobStatus], limit: int, status: JobStatus | None
) -> None:
    manager, jobs = manager_of(statuses)

    assert all_pages(manager, limit=limit, status=status) == told(
        [job for job in jobs if status in (None, job.status)]
    )


@pytest.mark.parametrize("status", [None, JobStatus.FAILED, JobStatus.RUNNING])
def test_the_same_of_moto(dynamodb: Any, status: JobStatus | None) -> None:
    manager, jobs = manager_of([JobStatus.FAILED, JobStatus.COMPLETED] * 4, dynamodb)

    assert all_pages(manager, limit=2, status=status) == told(
        [job for job in jobs if status in (None, job.status)]
    )


def test_a_page_never_claims_a_rest_that_is_not_there() -> None:
    manager, jobs = manager_of([JobStatus.FAILED] * 4)

    def page(**asked: Any) -> tuple[list[dict[str, Any]], str | None]:
        found, rest = manager.history(**asked)
        return told(found), rest

    assert page(limit=4) == (told(jobs), None)
    assert page(limit=2) == (told(jobs[:2]), jobs[1].job_id)
    assert page(limit=4, status=JobStatus.FAILED) == (told(jobs), None)


def test_a_list_does_not_carry_the_time_lines(dynamodb: Any) -> None:
    """Jobs with full ones and long checkpoints are megabytes: twenty, and a hundred in a soak."""
    many = longer(20, 100)
    for second in range(many):
        job = replace(
            new_job(now=1e9 + second, triggered_by="tests", parameters={}),
            events=[
                Event(at=1e9 + n, name="checkpoint", facts={"page": n, "records": 10_000})
                for n in range(MAX_EVENTS)
            ],
            checkpoint=Checkpoint(cursor={"url": "x" * 10_000}),
            claimed_cursor={"url": "x" * 10_000},
        )
        item = to_item(job_key(job.job_id) | job_attributes(job))
        dynamodb.put_item(TableName="wellhead-test", Item=item)
    heard: list[int] = []
    dynamodb.meta.events.register(
        "after-call.dynamodb.Query",
        lambda http_response, **_: heard.append(len(http_response.content)),
    )

    jobs, rest = JobManager(
        table=Table(dynamodb=dynamodb, name="wellhead-test"), lease=Lease()
    ).history(limit=100)

    assert (len(jobs), rest) == (many, None)
    assert sum(heard) < 2_000 * many


def test_a_rare_status_among_many_jobs_is_found_in_bounded_answers() -> None:
    dynamodb = InMemoryDynamoDb()
    for second in range(HISTORY_LOOK * HISTORY_LOOKS + 5):
        job_id = uuid7(1e9 + second, bytes(10))
        key = {"pk": {"S": "JOB"}, "sk": {"S": f"JOB#{job_id}"}}
        status = "FAILED" if second == 0 else "COMPLETED"
        item = {
            "job_id": {"S": job_id},
            "created_at": {"N": str(1e9 + second)},
            "status": {"S": status},
        }
        dynamodb.items[key["pk"]["S"], key["sk"]["S"]] = key | item
    manager = JobManager(table=Table(dynamodb=dynamodb, name="t"), lease=Lease())  # type: ignore[arg-type]

    first, rest = manager.history(limit=1, status=JobStatus.FAILED)
    second_page, end = manager.history(limit=1, status=JobStatus.FAILED, before=rest)

    assert first == []
    assert rest == uuid7(1e9 + 5, bytes(10))
    assert ([job.created_at for job in second_page], end) == ([1e9], None)


@given(milliseconds=st.integers(0, 2**48 - 1), randomness=st.binary(min_size=10, max_size=10))
def test_a_cursor_leads_back_to_its_job(milliseconds: int, randomness: bytes) -> None:
    job_id = uuid7(milliseconds / 1000, randomness)

    assert HistoryPage.parse({"cursor": [cursor_of(job_id)]}).before == job_id


@given(cursor=st.text(max_size=30) | st.binary(max_size=30).map(lambda raw: raw.hex()[:22]))
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValidationError) as refused:
        HistoryPage.parse({"cursor": [cursor]})

    assert refused.value.details == {"field": "cursor"}


def test_a_page_is_asked_for_with_defaults() -> None:
    assert HistoryPage.parse({}) == HistoryPage(status=None, limit=20, before=None)
    assert HistoryPage.parse({"limit": ["007"], "status": ["FAILED"]}) == HistoryPage(
        status=JobStatus.FAILED, limit=7
    )
