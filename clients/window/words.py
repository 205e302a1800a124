"""How figures, times and states of an import read in the window."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from clients.api.durations import HOUR, MINUTE, duration
from clients.api.findings import HELD, NOTHING
from clients.api.words import STATUS_WORDS, STEP_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clients.api.answers import Job

UNKNOWN = "\N{HORIZONTAL ELLIPSIS}"
# The parameters of an import of a part.
LIMITS = {"field_code": "field", "from": "from", "to": "to"}
STEP = 1000  # from one unit of size to the next


def count(number: float | None) -> str:
    if number is None:
        return NOTHING
    return f"{number:,.0f}"


def seconds_at_work(job: Job, seconds_of_silence: float) -> float | None:
    """Seconds of work until now, so many seconds after the server told of the job."""
    if job.execution_time_seconds is None or job.final:
        return job.execution_time_seconds
    return job.execution_time_seconds + seconds_of_silence


def remaining(job: Job, seconds_of_silence: float) -> str:
    """A guess, so without fractions. By the server's clock alone: ours may be another one."""
    if (
        job.estimated_completion_at is None
        or job.started_at is None
        or job.execution_time_seconds is None
    ):
        return NOTHING
    left = (
        job.estimated_completion_at
        - job.started_at
        - job.execution_time_seconds
        - seconds_of_silence
    )
    if left < 1:
        return "moments"
    if left < MINUTE:
        return f"{left:.0f} s"
    if left < HOUR:
        return f"{left / MINUTE:.0f} min"
    return str(duration(left))


def moment(epoch: float | None) -> str:
    """Local time; of another day without the seconds, of another year without the time."""
    if epoch is None:
        return NOTHING
    then = time.localtime(epoch)
    today = time.localtime()
    if then[:3] == today[:3]:
        return time.strftime("%H:%M:%S", then)
    return time.strftime("%d %b %H:%M" if then[0] == today[0] else "%d %b %Y", then)


def size(octets: float) -> str:
    if octets < STEP:
        return f"{octets:,.0f} bytes"
    for unit in ("kB", "MB"):
        octets /= STEP
        if octets < STEP:
            return f"{octets:,.1f} {unit}"
    return f"{octets / STEP:,.2f} GB"


def short(job_id: str) -> str:
    """Enough to tell two jobs apart: a UUIDv7 begins with the time and ends at random."""
    return f"…{job_id[-8:]}"


def state(job: Job) -> str:
    """What happens just now, in a few words."""
    if job.cancel_requested_at is not None and not job.final:
        return "Cancelled at its next progress report"
    if job.waiting:
        until = moment(job.waiting["until"])
        return f"Waiting until {until} for try {job.waiting['try']}, after {job.waiting['for']}"
    if job.parts and job.phase == "FETCHING" and not job.final:
        return f"{STEP_WORDS[job.phase]}, {job.parts['done']} of {job.parts['count']} parts done"
    if job.is_held:
        return f"{STATUS_WORDS[HELD]}: nothing was published"
    if job.final:
        return STATUS_WORDS[job.status]
    return STEP_WORDS.get(job.phase or job.status, "Starting")


def event(entry: Mapping[str, Any]) -> str:
    """A line of the time line without its time."""
    facts = []
    for name, value in entry.items():
        if name == "records":
            facts.append(f"{value:,} rows")
        elif name not in ("at", "event"):
            facts.append(f"{name} {value}")
    return " ".join([str(entry["event"]), ", ".join(facts)])


def origin(job: Job) -> str:
    """Which job, since when, by whom, and what was asked for."""
    facts = [
        short(job.job_id),
        f"started {moment(job.created_at)} by {job.triggered_by or 'somebody'}",
    ]
    if job.source:
        facts.append(f"source {job.source}")
    if job.parameters.get("full"):
        facts.append("full")
    for name, label in LIMITS.items():
        if name in job.parameters:
            facts.append(f"{label} {job.parameters[name]}")
    if job.retry_of:
        facts.append(f"goes on from {short(job.retry_of)}")
    if job.attempt > 1:
        facts.append(f"attempt {job.attempt}")
    return "  ·  ".join(facts)


def rows(job: Job) -> str:
    fetched = count(job.fetched_records)
    if job.expected_records is None:
        return f"{fetched} rows"
    return f"{fetched} of {count(job.expected_records)} rows"
