"""A job whose item somebody removed, while it had the lock:
nothing waits for it, and nobody is told of a ghost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, RecordingDispatcher, a_job, table_contents

from chalicelib.errors import JobNotFound, LeaseLost, SourceUnavailable
from chalicelib.imports.worker import claim_patiently
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.lock import job_key
from chalicelib.jobs.pulse import take_pulse
from chalicelib.jobs.sweeper import sweep, take_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.lock import Claim
    from chalicelib.jobs.manager import JobManager

TABLE = "wellhead-test"


@pytest.fixture
def remove(dynamodb: Any) -> Callable[[str], None]:
    return lambda job_id: dynamodb.delete_item(TableName=TABLE, Key=to_item(job_key(job_id)))


@pytest.fixture(params=["waits", "runs"])
def gone(
    request: pytest.FixtureRequest, manager: JobManager, clock: Clock, remove: Callable[[str], None]
) -> str:
    """It has the lock, and its lease is not over."""
    job = manager.create(a_job(clock), key="k")
    if request.param == "runs":
        manager.claim(job.job_id, holder="w1")
    remove(job.job_id)
    return job.job_id


def assert_its_end_is_told(contents: dict[str, Any], gone: str) -> None:
    [notice] = [item for name, item in contents.items() if name.startswith("NOTICE#")]
    assert (notice["key"], notice["kind"]) == (gone, "import.failed")
    assert notice["facts"]["error"]["code"] == "JOB_NOT_FOUND"


def test_the_next_trigger_takes_the_lock(
    manager: JobManager, clock: Clock, dynamodb: Any, gone: str
) -> None:
    fence = manager.lock().fence

    job = manager.create(a_job(clock))

    contents = table_contents(dynamodb, TABLE)
    assert contents[f"JOB#{job.job_id}"] == job_attributes(job)
    lock = {"owner": job.job_id, "since": clock(), "fence": fence, "lease_until": clock() + 360}
    assert contents["LOCK#import"] == lock
    assert [name for name in contents if name.startswith("JOB#")] == [f"JOB#{job.job_id}"]
    assert_its_end_is_told(contents, gone)


def test_its_callers_key_makes_another_job(manager: JobManager, clock: Clock, gone: str) -> None:
    job = manager.create(a_job(clock), key="k")

    assert job.job_id != gone
    assert manager.create(a_job(clock), key="k") == job


def test_the_sweeper_frees_the_lock(
    manager: JobManager, clock: Clock, dynamodb: Any, gone: str
) -> None:
    fence, dispatcher = manager.lock().fence, RecordingDispatcher()
    take_pulse(job_manager=manager, clock=clock)

    assert sweep(job_manager=manager, dispatcher=dispatcher) == "freed"
    assert sweep(job_manager=manager, dispatcher=dispatcher) == "nothing"

    contents = table_contents(dynamodb, TABLE)
    assert contents["LOCK#import"] == {"fence": fence}
    assert_its_end_is_told(contents, gone)
    assert dispatcher.dispatched == []


def test_a_failed_event_frees_the_lock(manager: JobManager, dynamodb: Any, gone: str) -> None:
    fence = manager.lock().fence

    assert take_up(gone, job_manager=manager, dispatcher=RecordingDispatcher()) == "freed"

    assert table_contents(dynamodb, TABLE)["LOCK#import"] == {"fence": fence}


def test_a_delivery_frees_the_lock_and_leaves(
    manager: JobManager, clock: Clock, dynamodb: Any, gone: str
) -> None:
    """Of one that runs when its lease is over: until then nobody looks at the job."""
    fence = manager.lock().fence

    assert claim_patiently(gone, holder="w2", job_manager=manager, sleep=clock.advance) is None

    assert table_contents(dynamodb, TABLE)["LOCK#import"] == {"fence": fence}


def test_two_that_free_it_at_once_do_no_harm(manager: JobManager, clock: Clock, gone: str) -> None:
    seen = manager.lock()
    job = manager.create(a_job(clock))

    assert not manager.free_of_nobody(seen)
    assert manager.lock().owner == job.job_id


@pytest.mark.parametrize(
    "write",
    [
        lambda manager, claim: manager.progress(claim, claim.job),
        lambda manager, claim: manager.hand_over(claim, claim.job),
        lambda manager, claim: manager.finish(claim, claim.job.fail(SourceUnavailable(), at=1.0)),
    ],
    ids=["progress", "hand over", "finish"],
)
def test_its_worker_is_told_that_it_has_lost_its_place(
    manager: JobManager,
    clock: Clock,
    remove: Callable[[str], None],
    write: Callable[[JobManager, Claim], object],
) -> None:
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    remove(claim.job.job_id)

    with pytest.raises(LeaseLost):
        write(manager, claim)


def test_who_asks_for_it_is_told_that_it_is_not_there(manager: JobManager, gone: str) -> None:
    for ask in (manager.get, manager.cancel):
        with pytest.raises(JobNotFound):
            ask(gone)
