"""When another look at a job is worth while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job

SHARE = 10  # a tenth of the time that the job has taken so far
SECONDS = (1, 30)  # at least, at most


def poll(job: Job) -> dict[str, str]:
    """The header: after a tenth of the job's age, 6 s for one a minute old."""
    if job.status.final:
        return {}
    age = int(time.time() - job.created_at)
    least, most = SECONDS
    seconds = min(most, max(least, age // SHARE))
    return {"Retry-After": str(seconds)}
