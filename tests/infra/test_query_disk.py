"""A database that the query function of a stage has no room for, as make deploy tells it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from support.small_imports import Imports

from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Snapshot
from chalicelib.services import open_warehouse
from chalicelib.warehouse.names import snapshot_name
from infra.query_disk import disk_warnings

if TYPE_CHECKING:
    from pathlib import Path

    from support.coordination import Clock

    from chalicelib.jobs.manager import JobManager


def publish(manager: JobManager, clock: Clock, directory: Path, *, mb: int) -> None:
    claim = Imports(manager, clock, open_warehouse(str(directory / "warehouse")), directory).begin()
    job, name = claim.job, snapshot_name(claim.fence, claim.job.job_id)
    snapshot = Snapshot(
        name=name, fence=claim.fence, rows=1, bytes=mb << 20, sha256="ab", job_id=job.job_id
    )
    base = manager.current_snapshot()
    done = replace(job, status=JobStatus.COMPLETED, phase=None, completed_at=clock())
    manager.finish(claim, done, snapshot=snapshot, base=base.name if base else None)


def test_a_deploy_tells_of_a_database_that_does_not_fit(
    manager: JobManager, clock: Clock, tmp_path: Path
) -> None:
    def told(disk: str, warehouse: str = "s3") -> list[str]:
        return disk_warnings(manager, {"QueryDiskMb": disk, "Warehouse": warehouse}, stage="dev")

    assert told("2048") == []  # nothing is published
    publish(manager, clock, tmp_path, mb=3000)
    assert told("3000") == told("2048", "efs") == []
    assert told("2048") == [
        "NO QUESTION CAN BE ANSWERED: the database has 3,000 MB, and the query function's disk 2,048 MB.",
        "  To change that: make deploy STAGE=dev PARAMETERS='QueryDiskMb=6000'",
    ]

    publish(manager, clock, tmp_path, mb=20_000)
    assert told("10240")[1].startswith("  To change that: Warehouse=efs")
