"""What is answered of jobs, besides a job itself: its fields stand in chalicelib/jobs/job.py."""

from typing import Annotated, Literal, NotRequired, TypedDict

from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.job_log import LONGEST_LINE, MOST_LINES
from chalicelib.jobs.job_types import Shape
from chalicelib.store.columns import WARNING_RULES

from .kinds import JobSummary, Uuid


class Accepted(TypedDict):
    job_id: Uuid
    status: JobStatus
    created_at: float
    source: str | None
    retry_of: NotRequired[Uuid]


class LogLine(TypedDict):
    """A line of the log of a job."""

    at: Annotated[float, "epoch seconds, by the clock of who wrote it"]
    level: Literal["INFO", "WARNING", "ERROR", "CRITICAL"]
    text: Annotated[str, Shape("text", {"maxLength": LONGEST_LINE})]
    attempt: Annotated[int | None, "which worker; null of a line that none wrote"]
    fence: Annotated[int, "the number of the newest claim when it was written"]


class JobLog(TypedDict):
    job_id: Uuid
    lines: Annotated[list[LogLine], Shape("list", {"maxItems": MOST_LINES})]


class JobPage(TypedDict):
    jobs: list[JobSummary]
    next_cursor: Annotated[str | None, "null after the oldest job"]


class JobWarning(TypedDict):
    rule: Annotated[str, Shape("text", {"enum": sorted(WARNING_RULES)})]
    count: int
    message: str
