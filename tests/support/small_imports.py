"""Imports without rows: the writes of their workers to table and warehouse, in the same order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.errors import SourceUnavailable
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.jobs.ownership import own_warehouse
from chalicelib.warehouse.names import Warehouse, segment_name, sha256_of, snapshot_name
from support.coordination import Clock, a_job

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.manager import JobManager

KEPT = 2


class Imports:
    """Workers of imports whose files are a few bytes long."""

    def __init__(
        self, manager: JobManager, clock: Clock, warehouse: Warehouse, directory: Path
    ) -> None:
        self.manager = manager
        self.clock = clock
        self.warehouse = warehouse
        self._directory = directory

    def begin(self) -> Claim:
        own_warehouse(job_manager=self.manager, warehouse=self.warehouse)
        return self.manager.claim(self.create().job_id, holder="w1")

    def create(self) -> Job:
        return self.manager.create(a_job(self.clock))

    def take_over(self, dead: Claim) -> Claim:
        self.clock.advance(76)
        return self.manager.claim(dead.job.job_id, holder=f"after {dead.fence}")

    def put(self, name: str) -> str:
        path = self._directory / "file"
        path.write_text(name)
        self.warehouse.put(name, path, sha256=sha256_of(path))
        return name

    def put_snapshot(self, claim: Claim) -> str:
        return self.put(snapshot_name(claim.fence, claim.job.job_id))

    def put_segment(self, claim: Claim, number: int = 0) -> str:
        return self.put(segment_name(claim.job.job_id, claim.fence, number))

    def publish(self, claim: Claim) -> str:
        name, base = self.put_snapshot(claim), self.manager.current_snapshot()
        job = replace(claim.job, status=JobStatus.COMPLETED, phase=None, completed_at=self.clock())
        snapshot = Snapshot(
            name=name, fence=claim.fence, rows=1, bytes=1, sha256="ab", job_id=job.job_id
        )
        self.manager.finish(claim, job, snapshot=snapshot, base=base.name if base else None)
        return name

    def fail(self, claim: Claim) -> None:
        self.manager.finish(claim, claim.job.fail(SourceUnavailable(), at=self.clock()))

    def clear(self, warehouse: Warehouse | None = None) -> list[str]:
        return clear_orphans(
            job_manager=self.manager,
            warehouse=warehouse or self.warehouse,
            kept=KEPT,
            clock=self.clock,
        )
