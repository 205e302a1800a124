"""The same caller's same key is the same job:
never a second one, and no refusal for one's own retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import (
    NOON,
    Clock,
    InterruptedTable,
    RecordingDispatcher,
    SilentTable,
    a_job,
    table_contents,
)

from chalicelib.api.import_request import parse_idempotency_key
from chalicelib.errors import ImportAlreadyRunning, StateUnavailable, ValidationError
from chalicelib.jobs.job import Job, JobStatus, new_job
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.lock import IDEMPOTENCY_SECONDS, Lease, idempotency_key
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.starting import start_import

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "wellhead-test"
KEY = "3f2c8a-secret"
NOTE = idempotency_key("tests", KEY)["sk"]


@pytest.fixture
def contents(dynamodb: Any) -> Callable[[], dict[str, Any]]:
    return lambda: table_contents(dynamodb, TABLE)


def cancel(manager: JobManager) -> None:
    manager.cancel(str(manager.lock().owner))


def test_a_key_is_written_with_the_job_and_hashed(
    manager: JobManager, clock: Clock, contents: Callable[[], dict[str, Any]]
) -> None:
    job = manager.create(a_job(clock), key=KEY)

    assert contents() == {
        f"JOB#{job.job_id}": job_attributes(job),
        "LOCK#import": {"owner": job.job_id, "since": NOON, "fence": 0, "lease_until": NOON + 360},
        NOTE: {"job_id": job.job_id, "expires_at": int(NOON) + IDEMPOTENCY_SECONDS},
    }
    assert KEY not in str(contents())


def test_the_same_key_is_the_same_job_whatever_has_become_of_it(
    manager: JobManager, clock: Clock, contents: Callable[[], dict[str, Any]]
) -> None:
    job = manager.create(a_job(clock), key=KEY)
    assert manager.create(a_job(clock), key=KEY) == job
    claim = manager.claim(job.job_id, holder="w1")
    assert manager.create(a_job(clock), key=KEY) == claim.job
    ended = manager.finish(claim, claim.job.cancel(at=clock()))
    before = contents()
    assert manager.create(a_job(clock), key=KEY) == ended

    assert contents() == before


def test_another_key_or_caller_is_refused_and_leaves_no_note(
    manager: JobManager, clock: Clock, contents: Callable[[], dict[str, Any]]
) -> None:
    manager.create(a_job(clock), key=KEY)
    before = contents()
    another = new_job(now=clock(), triggered_by="somebody else", parameters={})

    for job, key in ((a_job(clock), "another"), (a_job(clock), None), (another, KEY)):
        with pytest.raises(ImportAlreadyRunning):
            manager.create(job, key=key)

    assert contents() == before


def test_another_callers_same_key_is_another_job(manager: JobManager, clock: Clock) -> None:
    first = manager.create(a_job(clock), key=KEY)
    cancel(manager)
    another = new_job(now=clock(), triggered_by="somebody else", parameters={})

    assert manager.create(another, key=KEY) == another
    assert manager.create(a_job(clock), key=KEY).job_id == first.job_id


def test_a_key_is_new_again_after_a_day_though_its_note_is_still_there(
    manager: JobManager, clock: Clock, contents: Callable[[], dict[str, Any]]
) -> None:
    first = manager.create(a_job(clock), key=KEY)
    cancel(manager)
    clock.advance(IDEMPOTENCY_SECONDS - 1)
    assert manager.create(a_job(clock), key=KEY).job_id == first.job_id
    clock.advance(1)

    second = manager.create(a_job(clock), key=KEY)

    assert second.job_id != first.job_id
    assert contents()[NOTE] == {
        "job_id": second.job_id,
        "expires_at": int(clock()) + IDEMPOTENCY_SECONDS,
    }


def test_two_calls_with_one_key_at_the_same_moment_are_one_job(
    manager: JobManager, clock: Clock, dynamodb: Any, contents: Callable[[], dict[str, Any]]
) -> None:
    """Both have looked before either one writes."""
    written: list[Job] = []
    table = InterruptedTable(
        lambda: written.append(manager.create(a_job(clock), key=KEY)), dynamodb=dynamodb, name=TABLE
    )

    answer = JobManager(table=table, lease=Lease(), clock=clock).create(a_job(clock), key=KEY)

    assert [answer] == written
    assert sorted(contents()) == sorted([f"JOB#{answer.job_id}", "LOCK#import", NOTE])


def test_a_call_whose_answer_got_lost_is_answered_when_it_is_made_again(
    manager: JobManager, clock: Clock, dynamodb: Any, contents: Callable[[], dict[str, Any]]
) -> None:
    asked = a_job(clock)
    silent = JobManager(
        table=SilentTable(dynamodb=dynamodb, name=TABLE), lease=Lease(), clock=clock
    )
    with pytest.raises(StateUnavailable):
        silent.create(asked, key=KEY)
    before = contents()

    assert manager.create(a_job(clock), key=KEY) == asked

    assert contents() == before


def test_a_key_takes_over_from_a_dead_job(manager: JobManager, clock: Clock) -> None:
    old = manager.create(a_job(clock), key="old")
    clock.advance(376)

    new = manager.create(a_job(clock), key=KEY)

    assert (manager.lock().owner, new.status) == (new.job_id, JobStatus.PENDING)
    assert manager.create(a_job(clock), key="old").job_id == old.job_id
    assert manager.get(old.job_id).status is JobStatus.FAILED


def test_a_job_that_still_waits_is_dispatched_again_and_one_that_ran_is_not(
    manager: JobManager, clock: Clock
) -> None:
    dispatcher = RecordingDispatcher(failing=True)

    def start() -> str:
        return start_import(job_manager=manager, dispatcher=dispatcher, key=KEY, clock=clock).job_id

    first = start()
    dispatcher.failing = False
    again = start()
    manager.claim(first, holder="w1")
    running = start()

    assert first == again == running
    assert dispatcher.dispatched == [first]


@pytest.mark.parametrize("text", ["", " ", "a b", "x" * 256, "tab\t", "\xe9", "line\n"])
def test_a_key_that_no_header_carries_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        parse_idempotency_key(text)


def test_a_key_may_be_missing_or_anything_visible() -> None:
    assert [parse_idempotency_key(text) for text in (None, "!~", "x" * 255)] == [
        None,
        "!~",
        "x" * 255,
    ]
