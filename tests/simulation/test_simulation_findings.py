"""What the simulation has found, each as a scenario of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.coordination import Clock, a_job

from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Lease, Snapshot
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.ownership import own_warehouse
from chalicelib.jobs.table import Table
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import sha256_of, snapshot_name
from simulation.dynamodb import InMemoryDynamoDb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


class OvertakenTable(Table):
    """Once, something happens right after an item of this kind was read."""

    after = "IDEMPOTENCY"
    meanwhile: Callable[[], object] | None = None

    def read(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        item = super().read(key)
        if key["pk"] == self.after and self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return item


def test_two_requests_with_one_key_at_once_get_one_job() -> None:
    """The second looked its key up, the first made the job:
    the second was refused in favour of its own job.
    """
    clock = Clock()
    table = OvertakenTable(dynamodb=cast("Any", InMemoryDynamoDb()), name="table")
    manager = JobManager(table=table, lease=Lease(), clock=clock)
    first = a_job(clock)
    table.meanwhile = lambda: manager.create(first, key="k")

    assert manager.create(a_job(clock), key="k").job_id == first.job_id


@pytest.mark.parametrize("after", ["JOB", "LOCK"])
def test_a_cancel_keeps_what_the_worker_reported_meanwhile(after: str) -> None:
    """It read the job, the worker wrote a checkpoint and handed over,
    and the job ended as it had been read.
    """
    clock = Clock()
    table = OvertakenTable(dynamodb=cast("Any", InMemoryDynamoDb()), name="table")
    manager = JobManager(table=table, lease=Lease(), clock=clock)
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    checkpoint = Checkpoint(cursor={"url": "page 3"})
    checkpointed = replace(
        claim.job, checkpoint=checkpoint, fetched_records=20, progress_percentage=40.0
    )

    def work() -> None:
        manager.hand_over(claim, manager.progress(claim, checkpointed))

    table.after, table.meanwhile = after, work
    manager.cancel(claim.job.job_id)

    stored = manager.get(claim.job.job_id)
    assert (stored.cursor, stored.progress_percentage) == ({"url": "page 3"}, 40.0)
    assert stored.status is JobStatus.CANCELLED or stored.cancel_requested_at


def test_the_snapshot_of_a_dead_attempt_goes_though_its_job_completed(tmp_path: Path) -> None:
    """It counted as published, and took the place of one that was."""
    clock = Clock()
    table = Table(dynamodb=cast("Any", InMemoryDynamoDb()), name="table")
    manager = JobManager(table=table, lease=Lease(), clock=clock)
    warehouse = DirectoryWarehouse(tmp_path / "warehouse")
    own_warehouse(job_manager=manager, warehouse=warehouse)
    file = tmp_path / "file"
    file.write_text("a database")
    job = manager.create(a_job(clock))
    manager.claim(job.job_id, holder="died after it stored its snapshot")
    clock.advance(76)
    claim = manager.claim(job.job_id, holder="completes")
    left, name = (snapshot_name(fence, job.job_id) for fence in (1, 2))
    for each in (left, name):
        warehouse.put(each, file, sha256=sha256_of(file))
    snapshot = Snapshot(
        name=name, fence=2, rows=1, bytes=10, sha256=sha256_of(file), job_id=job.job_id
    )
    manager.finish(claim, replace(claim.job, status=JobStatus.COMPLETED), snapshot=snapshot)

    removed = clear_orphans(job_manager=manager, warehouse=warehouse, kept=3, clock=clock)

    assert removed == [left]
    assert warehouse.names("") == [name]
