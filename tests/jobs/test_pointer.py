"""The end of an import:
the job, the lock and the pointer to the published snapshot change together or not at all.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, a_job, notice_of, table_contents

from chalicelib.errors import LeaseLost, SourceUnavailable
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.lock import Claim, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.manager import JobManager

TABLE = "wellhead-test"

Contents = dict[str, dict[str, Any]]


@pytest.fixture
def contents(dynamodb: Any) -> Callable[[], Contents]:
    return lambda: table_contents(dynamodb, TABLE)


def snapshot_of(claim: Claim) -> Snapshot:
    return Snapshot(
        name=f"wells-{claim.fence}",
        fence=claim.fence,
        rows=5,
        bytes=99,
        sha256="ab",
        job_id=claim.job.job_id,
    )


def completed(claim: Claim, clock: Clock) -> Job:
    return replace(
        claim.job, status=JobStatus.COMPLETED, phase=None, completed_at=clock(), new_records=5
    )


def failed(claim: Claim, clock: Clock) -> Job:
    return claim.job.fail(SourceUnavailable(page=3), at=clock())


def publish(manager: JobManager, clock: Clock, *, base: str | None = None) -> Snapshot:
    """A whole import, from its creation to its snapshot."""
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="publisher")
    snapshot = snapshot_of(claim)
    manager.finish(claim, completed(claim, clock), snapshot=snapshot, base=base)
    return snapshot


def test_finish_ends_the_job_frees_the_lock_and_moves_the_pointer(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    snapshot = snapshot_of(claim)

    ended = manager.finish(claim, completed(claim, clock), snapshot=snapshot, base=None)

    assert contents() == {
        f"JOB#{ended.job_id}": job_attributes(completed(claim, clock)),
        **notice_of(ended),
        "LOCK#import": {"fence": 1},
        "WAREHOUSE#current": asdict(snapshot),
        f"WAREHOUSE#{snapshot.name}": asdict(snapshot),
    }
    assert manager.current_snapshot() == manager.pointer_to(snapshot.name) == snapshot


def test_a_failed_job_leaves_the_pointer(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    published = publish(manager, clock)
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")

    ended = manager.finish(claim, failed(claim, clock))

    assert ended.error is not None
    assert (ended.error["code"], ended.error["page"]) == ("SOURCE_UNAVAILABLE", 3)
    assert contents()[f"JOB#{ended.job_id}"] == job_attributes(failed(claim, clock))
    assert contents()["LOCK#import"] == {"fence": 2}
    assert contents()["WAREHOUSE#current"] == asdict(published)


@pytest.mark.parametrize("base", [None, "wells-of-another"])
def test_the_pointer_moves_from_its_base_and_from_nowhere_else(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents], base: str | None
) -> None:
    publish(manager, clock)
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    before = contents()

    with pytest.raises(LeaseLost):
        manager.finish(claim, completed(claim, clock), snapshot=snapshot_of(claim), base=base)

    assert contents() == before


def test_no_pointer_is_moved_where_a_base_is_expected(
    manager: JobManager, clock: Clock, contents: Callable[[], Contents]
) -> None:
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    before = contents()

    with pytest.raises(LeaseLost):
        manager.finish(claim, completed(claim, clock), snapshot=snapshot_of(claim), base="wells-0")

    assert contents() == before


def test_each_import_has_a_fence_of_its_own(manager: JobManager, clock: Clock) -> None:
    fences = [
        publish(manager, clock, base=f"wells-{number}" if number else None).fence
        for number in range(3)
    ]

    assert fences == [1, 2, 3]
