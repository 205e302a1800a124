"""PartProgress: what one of several workers of a job reports. It writes of the job what all of them
have done together, and leaves the rest to the one that merges.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .progress import REPORT_SECONDS, Progress

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.parts import PartTable

SHOWN = ("fetched_records", "parts", "progress_percentage", "waiting")
# Forty workers write the same two items: each of them seldom, all together every second.
REPORTS_OF_A_LEASE = 6


class PartProgress(Progress):
    def __init__(self, *, table: PartTable, lease_seconds: float, **options: Any) -> None:
        super().__init__(lease_seconds=lease_seconds, **options)
        self._table = table
        self._every = max(REPORT_SECONDS, lease_seconds / REPORTS_OF_A_LEASE)

    def _store(self, lease_seconds: float | None) -> None:  # noqa: ARG002  a part has no phase without heartbeats
        job = self._of_all_parts().with_progress()
        self._job_manager.show(self._claim, job, SHOWN)

    def _of_all_parts(self) -> Job:
        """The job as the items of the parts tell it."""
        checkpoint = self._claim.job.checkpoint
        plan = checkpoint.plan if checkpoint else None
        items = (self._table.read(plan) if plan else None) or []
        done = sum(item.is_done for item in items)
        return replace(
            self._claim.job,
            fetched_records=sum(item.delivered for item in items),
            parts={"count": len(items), "done": done},
            waiting=self.job.waiting,
        )
