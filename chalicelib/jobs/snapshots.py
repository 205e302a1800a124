"""The published snapshots that the warehouse still keeps:
what an operator sees, and can roll back to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SnapshotIsCurrent, SnapshotUnknown
from chalicelib.warehouse.names import SNAPSHOTS, fence_of, is_fenced, is_of_lake, job_of

from .job import JobStatus

if TYPE_CHECKING:
    from chalicelib.warehouse.names import Warehouse

    from .job import Job
    from .lock import Snapshot
    from .manager import JobManager


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A snapshot that was current once. `told` is what the pointer said of it; None of one from
    before that was kept. `is_there` tells whether the warehouse has its file, None where nobody
    looked: the current one is shown without it too.
    """

    name: str
    job: Job | None
    told: Snapshot | None
    is_current: bool
    is_there: bool | None

    def view(self) -> dict[str, Any]:
        job = self.job
        pointer = self.told
        return {
            "name": self.name,
            "job_id": job_of(self.name),
            "fence": fence_of(self.name),
            "published_at": job.completed_at if job else None,
            "triggered_by": job.triggered_by if job else None,
            "rollback_to": job.rollback_to if job else None,
            "rows": pointer.rows if pointer else None,
            "bytes": pointer.bytes if pointer else None,
            "sha256": pointer.sha256 if pointer else None,
            "store": "iceberg" if is_of_lake(self.name) else "file",
            "is_current": self.is_current,
            "is_there": self.is_there,
        }


def kept_snapshots(*, job_manager: JobManager, warehouse: Warehouse) -> list[Kept]:
    """Newest first. Raises StateUnavailable, WarehouseUnavailable."""
    current = job_manager.current_snapshot()
    stored = {name for name in warehouse.names(SNAPSHOTS) if is_fenced(name)}
    # The current one is shown also where its file is lost: that is what somebody has to see.
    names = stored | {current.name} if current else stored
    snapshots = []
    for name in names:
        kept = _find(name, current, is_there=name in stored, job_manager=job_manager)
        if kept:
            snapshots.append(kept)
    return sorted(snapshots, key=_fence, reverse=True)


def find_current(*, job_manager: JobManager) -> Kept | None:
    """The current one, by the table alone. Raises StateUnavailable."""
    current = job_manager.current_snapshot()
    if current is None:
        return None
    return _find(current.name, current, is_there=None, job_manager=job_manager)


def refuse_rollback(name: str, *, job_manager: JobManager, warehouse: Warehouse) -> None:
    """What was published once can be gone back to while its file is there, or a bucket may have an
    older version of it. Raises SnapshotUnknown, SnapshotIsCurrent, StateUnavailable,
    WarehouseUnavailable.
    """
    current = job_manager.current_snapshot()
    if current and current.name == name:
        raise SnapshotIsCurrent(snapshot=name)
    if not is_fenced(name) or _job_of(name, job_manager) is None:
        raise SnapshotUnknown(snapshot=name)
    is_in_bucket = warehouse.local_path(name) is None
    may_have_older = is_in_bucket and job_manager.pointer_to(name) is not None
    if not may_have_older and name not in warehouse.names(name):
        raise SnapshotUnknown(snapshot=name)


def _fence(kept: Kept) -> int:
    return fence_of(kept.name)


def _find(
    name: str, current: Snapshot | None, *, is_there: bool | None, job_manager: JobManager
) -> Kept | None:
    """None of what a worker left that lost its lease."""
    is_current = current is not None and current.name == name
    job = _job_of(name, job_manager)
    if job is None and not is_current:
        return None
    pointer = current if is_current else job_manager.pointer_to(name)
    return Kept(
        name=name,
        job=job,
        told=pointer,
        is_current=is_current,
        is_there=is_there,
    )


def _job_of(name: str, job_manager: JobManager) -> Job | None:
    """That which published it."""
    job = job_manager.find(job_of(name))
    if job is None or job.status is not JobStatus.COMPLETED:
        return None
    if job.fence == fence_of(name):
        return job
    return None
