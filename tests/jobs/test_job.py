"""A job's id, progress and view."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulation.dynamodb import size_of

from chalicelib.errors import InvalidJobId, SourceUnreachable
from chalicelib.imports.service import MOST_RUNS
from chalicelib.jobs.checkpoint import Checkpoint, Plan
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.event import Event
from chalicelib.jobs.finding import Check, Finding, few_examples, fingerprint_of
from chalicelib.jobs.job import MAX_EVENTS, Job, JobStatus, Phase, new_job
from chalicelib.jobs.job_id import parse_job_id, uuid7
from chalicelib.jobs.job_item import absent_attributes, job_attributes, job_from_attributes
from chalicelib.jobs.lock import job_key
from chalicelib.odata.cursor import LONGEST_CURSOR
from chalicelib.store.columns import VALUES, VOLUMES
from chalicelib.store.diff import MOST_FIELDS, Absence, Diff
from chalicelib.warehouse.names import SegmentRun

OF_CHECKPOINT = {"cursor", "segments", "seal", "source", "plan"}
NOON = 1_704_110_400.0
JOB_ID = uuid7(NOON, bytes(10))
MANY = 10**12

moments = st.floats(0, 10_000_000_000, allow_nan=False)
randomness = st.binary(min_size=10, max_size=10)


def a_job(**facts: Any) -> Job:
    facts.setdefault("created_at", NOON)
    return Job(job_id=JOB_ID, **facts)


# --------------------------------------------------------------------------------------------- the id


@given(now=moments, randomness=randomness)
def test_an_id_is_a_uuid_of_version_7_that_tells_its_time(now: float, randomness: bytes) -> None:
    parsed = uuid.UUID(uuid7(now, randomness))

    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(now * 1000)
    free = ~((0xF << 76) | (0x3 << 62))
    assert parsed.int & free & ((1 << 80) - 1) == int.from_bytes(randomness, "big") & free
    assert parse_job_id(str(parsed).upper()) == str(parsed)


@given(one=moments, other=moments, randomness=st.tuples(randomness, randomness))
def test_ids_sort_by_time(one: float, other: float, randomness: tuple[bytes, bytes]) -> None:
    ids = uuid7(one, randomness[0]), uuid7(other, randomness[1])

    if int(one * 1000) != int(other * 1000):
        assert (ids[0] < ids[1]) == (one < other)


def test_two_jobs_of_one_moment_have_two_ids() -> None:
    assert (
        len({new_job(now=NOON, triggered_by="ada", parameters={}).job_id for _ in range(1000)})
        == 1000
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "../../etc/passwd",
        JOB_ID[:-1],
        JOB_ID + "0",
        f" {JOB_ID}",
        f"{JOB_ID}\n",
        f"{{{JOB_ID}}}",
        f"urn:uuid:{JOB_ID}",
        JOB_ID.replace("-", ""),
        JOB_ID.replace("0", "\uff10"),
        str(uuid.UUID(int=0)),
        "018cc251-f400-4000-8000-000000000000",
        "018cc251-f400-7000-c000-000000000000",
        "\x00" * 36,
    ],
)
def test_what_is_no_job_id(text: str) -> None:
    with pytest.raises(InvalidJobId):
        parse_job_id(text)


@given(text=st.text(max_size=40))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    try:
        outcome = parse_job_id(text)
    except InvalidJobId as refused:
        outcome = refused.message

    assert outcome in {text.lower(), InvalidJobId().message}


# ------------------------------------------------------------------------------------------- progress


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([None, *Phase]),
            st.none() | st.integers(-5, 10**12),
            st.integers(0, 10**12),
        ),
        max_size=20,
    )
)
def test_progress_never_falls_and_is_never_100_before_the_end(
    steps: list[tuple[Phase | None, int | None, int]],
) -> None:
    job, seen = a_job(status=JobStatus.RUNNING), [0.0]

    for phase, expected, fetched in steps:
        job = Job(
            **{
                **vars(job),
                "phase": phase,
                "expected_records": expected,
                "fetched_records": fetched,
            }
        ).with_progress()
        seen.append(job.progress_percentage or 0.0)

    assert seen == sorted(seen)
    assert seen[-1] < 100


@pytest.mark.parametrize(
    ("facts", "percentage"),
    [
        ({"phase": Phase.FETCHING, "fetched_records": 5}, None),
        ({"phase": Phase.FETCHING, "fetched_records": 0, "expected_records": 0}, None),
        ({"phase": Phase.FETCHING, "fetched_records": 0, "expected_records": 10}, 0.0),
        ({"phase": Phase.FETCHING, "fetched_records": 5, "expected_records": 10}, 45.0),
        ({"phase": Phase.FETCHING, "fetched_records": 50, "expected_records": 10}, 90.0),
        ({"phase": Phase.MERGING}, 90.0),
        ({"phase": Phase.PUBLISHING}, 97.0),
        (
            {
                "phase": Phase.FETCHING,
                "fetched_records": 1,
                "expected_records": 10,
                "progress_percentage": 50.0,
            },
            50.0,
        ),
    ],
)
def test_progress_is_the_share_of_the_work_done(
    facts: dict[str, Any], percentage: float | None
) -> None:
    job = a_job(**facts)

    assert job.with_progress() == a_job(**facts | {"progress_percentage": percentage})


# ------------------------------------------------------------------------------------------- the view


def test_a_new_job_shows_what_is_known_of_it() -> None:
    job = new_job(now=NOON, triggered_by="ada", parameters={"why": "test"})

    assert job.view(NOON + 5) == {
        "job_id": job.job_id,
        "status": "PENDING",
        "phase": None,
        "created_at": NOON,
        "started_at": None,
        "completed_at": None,
        "execution_time_seconds": None,
        "progress_percentage": None,
        "expected_records": None,
        "fetched_records": 0,
        "total_records": 0,
        "new_records": 0,
        "updated_records": 0,
        "duplicate_records": 0,
        "failed_records": 0,
        "skipped_records": 0,
        "withdrawn_records": 0,
        "parts": None,
        "records_per_second": None,
        "estimated_completion_at": None,
        "attempt": 0,
        "heartbeat_at": None,
        "cancel_requested_at": None,
        "triggered_by": "ada",
        "parameters": {"why": "test"},
        "source": None,
        "source_version": None,
        "retry_of": None,
        "retried_by": None,
        "rollback_to": None,
        "waiting": None,
        "stats": {},
        "events": [{"at": NOON, "event": "created", "by": "ada"}],
        "error": None,
        "warnings": [],
        "completeness": None,
        "diff": None,
        "findings": [],
        "accept_until": None,
        "too_late": None,
        "accepted": [],
        "accepted_by": None,
        "discarded_at": None,
        "discarded_by": None,
    }


def test_a_running_job_shows_its_speed_and_when_it_may_end() -> None:
    job = a_job(
        status=JobStatus.RUNNING,
        phase=Phase.FETCHING,
        started_at=NOON,
        expected_records=1000,
        fetched_records=250,
        new_records=1,
        updated_records=2,
        duplicate_records=3,
        failed_records=4,
    ).with_progress()

    view = job.view(NOON + 10)

    assert view["total_records"] == 10
    assert view["execution_time_seconds"] == 10.0
    assert view["records_per_second"] == 25.0
    assert view["progress_percentage"] == 22.5
    assert view["estimated_completion_at"] == round(NOON + 10 + 10 * 77.5 / 22.5, 3)


@pytest.mark.parametrize(
    "facts",
    [
        {"status": JobStatus.PENDING, "expected_records": 10, "progress_percentage": 50.0},
        {"status": JobStatus.RUNNING, "started_at": NOON},
        {
            "status": JobStatus.RUNNING,
            "started_at": NOON,
            "expected_records": 10,
            "progress_percentage": 0.0,
        },
        {
            "status": JobStatus.RUNNING,
            "started_at": NOON + 9,
            "expected_records": 10,
            "progress_percentage": 50.0,
        },
        {
            "status": JobStatus.FAILED,
            "started_at": NOON,
            "expected_records": 10,
            "progress_percentage": 50.0,
        },
    ],
)
def test_without_a_ground_for_it_no_end_is_estimated(facts: dict[str, Any]) -> None:
    assert a_job(**facts).view(NOON + 5)["estimated_completion_at"] is None


def test_the_time_of_a_job_that_ended_stands_still() -> None:
    job = a_job(
        status=JobStatus.COMPLETED, started_at=NOON, completed_at=NOON + 4, fetched_records=8
    )

    assert job.view(NOON + 5) == job.view(NOON + 5000)
    assert (job.view(NOON)["execution_time_seconds"], job.view(NOON)["records_per_second"]) == (
        4.0,
        2.0,
    )


def test_a_failed_job_shows_the_error_and_the_place() -> None:
    job = a_job(status=JobStatus.RUNNING, phase=Phase.FETCHING, attempt=3, progress_percentage=40.0)

    failed = job.fail(SourceUnreachable("No route.", page=12, secret="x"), at=NOON + 1)

    error = {
        "code": "SOURCE_UNREACHABLE",
        "message": "No route.",
        "retryable": True,
        "phase": "FETCHING",
        "page": 12,
        "attempt": 3,
    }
    assert failed == a_job(
        status=JobStatus.FAILED,
        phase=Phase.FETCHING,
        attempt=3,
        progress_percentage=40.0,
        completed_at=NOON + 1,
        error=error,
        events=[Event(at=NOON + 1, name="failed", facts={"code": "SOURCE_UNREACHABLE"})],
    )


def test_a_long_time_line_keeps_its_beginning_and_its_end() -> None:
    job = a_job()
    for number in range(1000):
        job = job.with_event(NOON + number, "checkpoint", page=number)

    pages = [event.facts["page"] for event in job.events]
    assert len(pages) == MAX_EVENTS
    assert pages == [*range(MAX_EVENTS // 2), *range(1000 - MAX_EVENTS // 2, 1000)]


def test_a_status_is_final_or_open() -> None:
    assert [status for status in JobStatus if status.final] == ["COMPLETED", "FAILED", "CANCELLED"]


def test_what_is_stored_of_a_job_comes_back() -> None:
    """The marks of cancel, retry and discard are others' to write:
    a worker's writes neither store nor remove them.
    """
    segments = [SegmentRun(job_id=JOB_ID, fence=1, count=2)]
    checkpoint = Checkpoint(
        cursor={"url": None}, segments=segments, seal="5ea1", source={"settings": "a"}
    )
    finding = Finding(
        check=Check.REJECTED,
        limit="5 %",
        found="all",
        message="Odd.",
        fingerprint="REJECTED rows=1.0",
    )
    older_form = Checkpoint(cursor={"url": None}, segments=segments)
    planned = Checkpoint(
        cursor={"url": None}, seal="", source={"settings": "a"}, plan=Plan(job_id=JOB_ID, parts=16)
    )
    jobs = [
        new_job(now=NOON, triggered_by="ada", parameters={}),
        a_job(status=JobStatus.RUNNING, phase=Phase.MERGING, checkpoint=checkpoint),
        a_job(status=JobStatus.RUNNING, phase=Phase.MERGING, checkpoint=older_form),
        a_job(status=JobStatus.RUNNING, checkpoint=planned, parts={"count": 16, "done": 3}),
        a_job(
            status=JobStatus.RUNNING, waiting={"for": "SOURCE_THROTTLED", "until": NOON, "try": 2}
        ),
        a_job(status=JobStatus.CANCELLED, cancel_requested_at=NOON, retried_by=JOB_ID),
        a_job(
            status=JobStatus.FAILED,
            accept_until=NOON,
            findings=[finding],
            discarded_at=NOON,
            discarded_by="ada",
        ),
    ]

    for job in jobs:
        attributes, absent = job_attributes(job), absent_attributes(job)
        others = ("cancel_requested_at", "retried_by", "discarded_at", "discarded_by")
        marks = {name: value for name in others if (value := getattr(job, name)) is not None}
        assert (
            job_from_attributes({**attributes, **marks, "pk": "JOB", "of a later version": 1})
            == job
        )
        assert {*attributes, *absent, *others} == {*vars(job), *OF_CHECKPOINT} - {"checkpoint"}
        assert (
            len(attributes) + len(absent) + len(others) == len(vars(job)) + len(OF_CHECKPOINT) - 1
        )


def test_a_checkpoint_and_the_time_line_are_stored_as_plain_values() -> None:
    """In the form that every deployed version reads and writes."""
    cursor = {"url": "https://example.org/wells?$skiptoken=7", "page": 7, "expected": None}
    segments = [SegmentRun(job_id=JOB_ID, fence=1, count=2), SegmentRun(job_id=JOB_ID, fence=3)]
    job = a_job(checkpoint=Checkpoint(cursor=cursor, segments=segments))

    attributes = job_attributes(job.with_event(NOON, "checkpoint", page=7, records=90))

    assert attributes["cursor"] == cursor
    assert attributes["segments"] == [
        {"job_id": JOB_ID, "fence": 1, "count": 2},
        {"job_id": JOB_ID, "fence": 3, "count": 1},
    ]
    assert attributes["events"] == [{"at": NOON, "event": "checkpoint", "page": 7, "records": 90}]


def test_a_job_without_a_checkpoint_stores_no_cursor_and_no_segments() -> None:
    job = a_job()

    assert (job.cursor, job.segments) == (None, [])
    assert "cursor" in absent_attributes(job)
    assert job_attributes(job)["segments"] == []


def test_a_cancelled_job_keeps_what_it_had() -> None:
    job = a_job(
        status=JobStatus.RUNNING, phase=Phase.FETCHING, fetched_records=5, cancel_requested_at=NOON
    )

    assert job.cancel(at=NOON + 1) == a_job(
        status=JobStatus.CANCELLED,
        fetched_records=5,
        cancel_requested_at=NOON,
        completed_at=NOON + 1,
        events=[Event(at=NOON + 1, name="cancelled")],
    )


# --------------------------------------------------------------------------------------------- its item


def test_the_item_of_the_longest_import_stays_below_64_kb() -> None:
    """An item is paid for by its size at each write, and DynamoDB takes none beyond 400 KB."""
    wide = [{"raw": "é" * 4096, "problem": "p" * 500} | dict.fromkeys(VALUES, "é" * 1_000_000)] * 3
    cursor = {
        "url": "x" * LONGEST_CURSOR,
        "page": MANY,
        "delivered": MANY,
        "bytes": MANY,
        "expected": MANY,
    }
    job = Job(
        job_id=JOB_ID,
        created_at=NOON + 0.123456,
        triggered_by="n" * 64,
        parameters={"full": True, "field_code": MANY, "from": "2024-01-01", "to": "2024-12-31"},
        retry_of=JOB_ID,
        retried_by=JOB_ID,
        source_id="f" * 64,
        checkpoint=Checkpoint(
            cursor=cursor,
            segments=[SegmentRun(job_id=JOB_ID, fence=MANY, count=MANY)] * MOST_RUNS,
            seal="f" * 64,
            source={
                "settings": "f" * 64,
                "mapping": {f"column_{number}": "x" * 60 for number in range(14)},
            },
        ),
        claimed_cursor=cursor,
        stats={
            f"{phase}_seconds": 1234.567
            for phase in ("fetching", "staging", "merging", "publishing")
        },
        warnings=[{"rule": "r" * 25, "count": MANY, "message": "m" * 150}] * 12,
        findings=[
            Finding(
                check=check,
                limit="l" * 100,
                found="f" * 500,
                message="m" * 500,
                fingerprint=fingerprint_of(check, dict.fromkeys(VALUES, float(MANY))),
                examples=few_examples(wide),
            )
            for check in Check
        ],
        diff=Diff(
            nulled={name: {"nulled": MANY, "stored": MANY, "in_store": MANY} for name in VALUES},
            sums={name: {"before": float(MANY), "after": float(MANY)} for name in VOLUMES},
            fields=[
                {"code": "c" * 100, "name": "n" * 1_000_000, "column": "c" * 30, "before": MANY}
            ]
            * MOST_FIELDS,
            examples=dict.fromkeys(("NULLED", "RESTATED", "REJECTED"), wide),
            absent={
                name: Absence(stored=MANY, rows=MANY, filled=MANY, stretch=MANY) for name in VALUES
            },
        ).to_attributes(),
    )
    for second in range(10 * MAX_EVENTS):
        job = job.with_event(NOON + 0.123456 + second, "checkpoint", page=MANY, records=MANY)

    failed = job.fail(SourceUnreachable("é" * 100_000), at=NOON)

    size = size_of(to_item(job_key(JOB_ID) | job_attributes(failed)))
    assert 50_000 < size < 64 << 10
