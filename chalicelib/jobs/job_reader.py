"""JobReader: what the table says of the jobs, the lock and what is published.
Nothing here writes.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from chalicelib.errors import JobNotFound

from .dynamodb_item import without_none
from .holding import lateness
from .job import SUMMARISED
from .job_item import job_from_attributes
from .lock import CURRENT, LOCK, Lock, Snapshot, held_key, job_key, published_key
from .table import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .job import Job, JobStatus
    from .lock import Lease
    from .table import Table

HISTORY_LOOK = 100  # items at a look, where a filter leaves some of them out
HISTORY_LOOKS = 20  # in one answer: 2,000 jobs are read in a second or two


class JobReader:
    def __init__(
        self, *, table: Table, lease: Lease, clock: Callable[[], float] = time.time
    ) -> None:
        self.table = table
        self._lease = lease
        self._clock = clock

    def get(self, job_id: str) -> Job:
        """Raises JobNotFound, StateUnavailable."""
        job = self.find(job_id)
        if job is None:
            raise JobNotFound(job_id=job_id)
        return job

    def find(self, job_id: str) -> Job | None:
        """Raises StateUnavailable."""
        item = self.table.read(job_key(job_id))
        return job_from_attributes(item) if item else None

    def history(
        self,
        *,
        limit: int,
        status: JobStatus | None = None,
        source: str | None = None,
        before: str | None = None,
    ) -> tuple[list[Job], str | None]:
        """At most `limit` jobs, newest first, older than the job `before`; and where the rest
        begins, None at the end. They are read in part, as Job.summary shows them: without time line
        and checkpoint.

        One answer looks at a bounded number of jobs: with a `status` or a `source` that few have,
        it may hold fewer than `limit` and still have a rest. Raises StateUnavailable.
        """
        when = _with_values(status=status, source_name=source)
        items_a_look = HISTORY_LOOK if when else limit + 1  # one more tells whether there is a rest
        jobs: list[Job] = []
        place = job_key(before)["sk"] if before else None
        for _ in range(HISTORY_LOOKS):
            items, place = self.table.newest(
                "JOB",
                limit=items_a_look,
                names=SUMMARISED,
                before=place,
                when=when,
            )
            jobs += map(job_from_attributes, items)
            if len(jobs) > limit:
                return jobs[:limit], jobs[limit - 1].job_id
            if place is None:
                return jobs, None
        # The last job that was looked at, which need not be one of those that were found.
        return jobs, str(place).removeprefix("JOB#")

    def lock(self) -> Lock:
        item = self.table.read(LOCK) or {}
        return Lock(**item)

    def current_snapshot(self) -> Snapshot | None:
        item = self.table.read(CURRENT)
        return Snapshot(**item) if item else None

    def pointer_to(self, name: str) -> Snapshot | None:
        """What the pointer said of this snapshot; None too of one from before that was kept."""
        item = self.table.read(published_key(name))
        return Snapshot(**item) if item else None

    def newest_held_id(self, source_name: str | None = None) -> str | None:
        """The job of this source that its findings held last."""
        item = self.table.read(held_key(source_name))
        if item:
            return str(item["job_id"])
        return None

    def lateness(self, jobs: Iterable[Job]) -> dict[str, dict[str, Any]]:
        """Of those that wait for somebody's word and cannot be accepted any more: why, by job.
        Where there are such, it takes one read and one more for each source, else none. Raises
        StateUnavailable.
        """
        waiting = [job for job in jobs if job.waits_for_word]
        if not waiting:
            return {}

        newest_held_id = cache(self.newest_held_id)
        current = self.current_snapshot()
        now = self._clock()
        reasons = {}
        for job in waiting:
            newest = newest_held_id(job.source_name)
            reason = lateness(job, now=now, newest=newest, current=current)
            if reason:
                reasons[job.job_id] = reason
        return reasons

    def owner_of(self, lock: Lock) -> Job | None:
        """The job that has the lock. None also when its item is gone:
        a job is stored with the lock that it takes, and nothing of ours removes one.
        """
        if lock.owner:
            return self.find(lock.owner)
        return None

    def is_over(self, lock: Lock) -> bool:
        """Whether the lease is over,
        by the table's time and with what clocks may differ from it allowed for.
        """
        surely_over_at = lock.lease_until + self._lease.grace
        return self.seconds_until(surely_over_at) < 0

    def seconds_until(self, until: float) -> float:
        """From now to a moment of the table's time; rather too many than too few."""
        # The earliest time that it may be in the table: that leaves the most seconds.
        now = self.table.time.earliest(self._clock())
        return until - now

    def seconds_of_wait(self, lock: Lock) -> float:
        """Since the lock has no holder; rather too few than too many.
        With `pending` of 360, a lease that is over in 300 seconds has waited for 60.
        """
        remaining = self.seconds_until(lock.lease_until)
        return self._lease.pending - remaining


def _with_values(**wanted: str | None) -> Condition | None:
    """The items whose attributes have these values; None where nothing is wanted.

    Of status="FAILED": `#status = :status`, with "FAILED" bound to :status.
    """
    values = without_none(wanted)
    if not values:
        return None
    text = " AND ".join(f"#{name} = :{name}" for name in values)
    bound = {f":{name}": value for name, value in values.items()}
    return Condition(text, bound)
