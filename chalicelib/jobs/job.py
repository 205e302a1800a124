"""A job: one import from its trigger to its final state. Pure: no clock, no I/O.

    PENDING ──claim──▶ RUNNING (FETCHING → MERGING → CHECKING → PUBLISHING) ──finish──▶ COMPLETED | FAILED | CANCELLED
       └────────────────────── never started, or cancelled ──────────────────────────────▶ FAILED | CANCELLED

Final states never change. A held import is FAILED too: an operator accepts it, which makes a new
job, or discards it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

# At run time too: the OpenAPI document is written from the types of the fields.
from .checkpoint import Checkpoint, StoredCursor  # noqa: TC001
from .event import Event
from .finding import Finding, holding
from .job_id import uuid7

if TYPE_CHECKING:
    from chalicelib.errors import WellheadError
    from chalicelib.warehouse.names import SegmentRun

    from .job_types import (
        Completeness,
        Diff,
        Epoch,
        JobError,
        JobId,
        Parameters,
        Parts,
        Percent,
        Rows,
        RowsPerSecond,
        Seconds,
        Stats,
        TooLate,
        Waiting,
        WarningView,
    )

# About 15 KB; an item is paid for by its size at each write, and this one stays below 64 KB.
MAX_EVENTS = 200
LONGEST_MESSAGE = 2_000  # characters
ACCEPT_SECONDS = 7 * 86_400  # for so long after its end a held import can be accepted
# Percent of the progress bar given to fetching; merging and publishing share the rest.
FETCH_SHARE = 90.0


class JobStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def final(self) -> bool:
        return self not in (JobStatus.PENDING, JobStatus.RUNNING)


class Phase(StrEnum):
    FETCHING = "FETCHING"
    MERGING = "MERGING"
    CHECKING = "CHECKING"
    PUBLISHING = "PUBLISHING"


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that is known of one import.

    This is the one place of a field: its annotation says what it is and means. The item of the
    table, the view of the API, its schema, the table in docs/workflow.md and the client's class are
    made of it. A field without words is `_HIDDEN`. What is an object in it stands in job_parts.py.

    `claimed_cursor` is that of the checkpoint which the latest attempt began at, and
    `stalled_attempts` how many attempts in a row began at the same. `source_id` tells which
    settings of the source the checkpoint belongs to (Settings.source_id), `reading_since` when the
    job began whose checkpoint this one goes on from.
    """

    job_id: Annotated[JobId, "a UUID of version 7: it sorts by creation"]
    created_at: Annotated[Epoch, "when it was triggered"]
    status: Annotated[
        JobStatus, "PENDING and RUNNING go on; the others are final and never change"
    ] = JobStatus.PENDING
    phase: Annotated[
        Phase | None, "of a RUNNING job; a FAILED one keeps the phase it failed in"
    ] = None
    started_at: Annotated[Epoch | None, "its first claim"] = None
    completed_at: Annotated[Epoch | None, "its final state"] = None
    heartbeat_at: Annotated[
        Epoch | None,
        "the worker's last sign of life, about every second; none while merging and publishing",
    ] = None
    cancel_requested_at: Annotated[
        Epoch | None,
        "when somebody asked it to stop; the worker sees it when it next reports progress",
    ] = None
    triggered_by: Annotated[str, "the name of the token that started it"] = "anonymous"
    parameters: Annotated[
        Parameters,
        "what the trigger was given: `full` when it was true, and [the part](api.md#start-an-import) "
        "of the source that was asked for",
    ] = field(default_factory=dict)
    retry_of: Annotated[JobId | None, "the job that this one goes on from"] = None
    retried_by: Annotated[JobId | None, "the job that goes on from this one; set after its end"] = (
        None
    )
    rollback_to: Annotated[
        str | None,
        "the snapshot that this job [publishes once more](operations.md#going-back); null of an import",
    ] = None
    source_id: str | None = None
    reading_since: float | None = None
    source_name: Annotated[
        str | None,
        "the name of the [source](api.md#sources) that is imported; null in a job from before "
        "sources had names",
    ] = None
    source_version: Annotated[
        int | None,
        "the version of the source's definition that it was started with; null where the settings "
        "are the source",
    ] = None
    attempt: Annotated[int, "how many workers have claimed it"] = 0
    stalled_attempts: int = 0
    claimed_cursor: StoredCursor | None = None
    fence: int = 0
    waiting: Annotated[
        Waiting | None,
        "while RUNNING: the source is given time before it is asked again; null otherwise",
    ] = None
    progress_percentage: Annotated[
        Percent | None, "null while unknown; never falls; 100 only when COMPLETED"
    ] = None
    expected_records: Annotated[Rows | None, "what the source announced on its first page"] = None
    fetched_records: Annotated[
        Rows, "fetched so far; falls to the last checkpoint when another worker goes on"
    ] = 0
    new_records: Annotated[Rows, "0 until COMPLETED"] = 0
    updated_records: Annotated[Rows, "0 until COMPLETED"] = 0
    duplicate_records: Annotated[Rows, "0 until COMPLETED"] = 0
    skipped_records: Annotated[
        Rows, "those that the definition of the source leaves out, by `where` or `skip`"
    ] = 0
    withdrawn_records: Annotated[
        Rows,
        "stored ones that the source [has no more](data.md#rows-that-the-source-has-no-more), not "
        "among the total; 0 until COMPLETED",
    ] = 0
    failed_records: Annotated[
        Rows, "rejected; while RUNNING those among the rows staged so far"
    ] = 0
    parts: Annotated[
        Parts | None,
        "of a source that is [read in parts](configuration.md#parts-that-are-read-at-once); null otherwise",
    ] = None
    checkpoint: Checkpoint | None = None
    stats: Annotated[Stats, "each there when it is known"] = field(default_factory=dict)
    events: Annotated[list[Event], "the time line; not in a list of jobs"] = field(
        default_factory=list
    )
    warnings: Annotated[
        list[WarningView], "what is odd about the rows, [by rule](errors.md#warnings)"
    ] = field(default_factory=list)
    error: Annotated[JobError | None, "why it FAILED"] = None
    completeness: Annotated[
        Completeness | None,
        "whether all rows of the source came; null until that was looked at",
    ] = None
    diff: Annotated[
        Diff | None,
        "[what the import would change](#when-an-import-is-held), or has changed; null until that was "
        "looked at; not in a list of jobs",
    ] = None
    findings: Annotated[
        list[Finding],
        "[what is odd about the import as a whole](errors.md#why-an-import-is-held); of a job that "
        "FAILED with HELD those that hold it, too",
    ] = field(default_factory=list)
    accept_until: Annotated[Epoch | None, "of a held job: until when it can be accepted"] = None
    accepted: Annotated[
        list[str], "the fingerprints of the findings that this job publishes with"
    ] = field(default_factory=list)
    accepted_by: Annotated[str | None, "the name of the token that accepted them"] = None
    discarded_at: Annotated[Epoch | None, "when somebody discarded the held job"] = None
    discarded_by: Annotated[str | None, "the name of the token that discarded it"] = None

    @property
    def is_held(self) -> bool:
        """Whether its findings held it, whatever has become of it since."""
        return self.accept_until is not None

    @property
    def waits_for_word(self) -> bool:
        """It is held, and nobody has accepted or discarded it yet."""
        is_discarded = self.discarded_at is not None
        is_accepted = self.retried_by is not None
        return self.is_held and not is_discarded and not is_accepted

    @property
    def cursor(self) -> StoredCursor | None:
        if self.checkpoint:
            return self.checkpoint.cursor
        return None

    @property
    def segments(self) -> list[SegmentRun]:
        if self.checkpoint:
            return self.checkpoint.segments
        return []

    @property
    def total_records(self) -> int:
        return (
            self.new_records
            + self.updated_records
            + self.duplicate_records
            + self.failed_records
            + self.skipped_records
        )

    def with_event(self, at: float, name: str, **facts: Any) -> Job:
        """The job with one more event on its time line;
        the middle gives way when it grows too long.
        """
        event = Event(at=at, name=name, facts=facts)
        events = [*self.events, event]
        if len(events) > MAX_EVENTS:  # how it began and how it goes now tell most
            half = MAX_EVENTS // 2
            events = events[:half] + events[-half:]
        return replace(self, events=events)

    def with_progress(self) -> Job:
        """The job with its progress worked out anew:
        null while nothing is expected, never falling.
        """
        match self.phase, self.expected_records:
            case Phase.PUBLISHING, _:
                percentage = 97.0
            case Phase.CHECKING, _:
                percentage = 95.0
            case Phase.MERGING, _:
                percentage = FETCH_SHARE
            case _, int(expected) if expected > 0:
                percentage = min(FETCH_SHARE, FETCH_SHARE * self.fetched_records / expected)
            case _:
                return self
        so_far = self.progress_percentage or 0.0
        return replace(self, progress_percentage=max(round(percentage, 1), so_far))

    def fail(self, error: WellheadError, *, at: float) -> Job:
        cause = {
            "code": error.code,
            "message": error.message[:LONGEST_MESSAGE],
            "retryable": error.retryable,
            "phase": self.phase,
            "page": error.details.get("page"),
            "attempt": self.attempt,
        }
        failed = replace(
            self,
            status=JobStatus.FAILED,
            completed_at=at,
            waiting=None,
            claimed_cursor=None,
            error=cause,
        )
        return failed.with_event(at, "failed", code=error.code)

    def hold(self, error: WellheadError, *, at: float) -> Job:
        """FAILED by its findings, until somebody accepts them."""
        failed = self.fail(error, at=at)
        return replace(failed, accept_until=at + ACCEPT_SECONDS)

    def cancel(self, *, at: float) -> Job:
        stopped = replace(
            self,
            status=JobStatus.CANCELLED,
            phase=None,
            completed_at=at,
            waiting=None,
        )
        return stopped.with_event(at, "cancelled")

    def retry(self, *, now: float, triggered_by: str) -> Job:
        """A new job that goes on from this one's last checkpoint.
        The segments keep the names they have.
        """
        job = new_job(
            now=now,
            triggered_by=triggered_by,
            parameters=self.parameters,
            source_id=self.source_id,
            source_name=self.source_name,
            source_version=self.source_version,
        )
        reading_since = None
        if self.checkpoint:
            reading_since = self.reading_since or self.started_at
        return replace(
            job,
            retry_of=self.job_id,
            checkpoint=self.checkpoint,
            reading_since=reading_since,
            warnings=self.warnings,
            accepted=self.accepted,
            accepted_by=self.accepted_by,
        )

    def accept(self, *, now: float, by: str) -> Job:
        """A new job that publishes what this one was held with.
        It asks the source nothing, so what only the source could tell, the warnings, goes with it.
        """
        fingerprints = [finding.fingerprint for finding in holding(self.findings)]
        each_once = dict.fromkeys([*self.accepted, *fingerprints])
        accepted = list(each_once)
        job = self.retry(now=now, triggered_by=by)
        return replace(job, accepted=accepted, accepted_by=by)

    def summary(self, now: float, *, too_late: dict[str, Any] | None = None) -> dict[str, Any]:
        """What a list of jobs shows: the time line alone can be ten times the rest."""
        view = self.view(now, too_late=too_late)
        return {name: value for name, value in view.items() if name not in _LONG}

    def view(self, now: float, *, too_late: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the API shows. `now` closes the execution time of a job that still runs;
        `too_late` tells why a held one cannot be accepted any more.
        """
        shown = {_AS_SHOWN.get(name, name): getattr(self, name) for name in _SHOWN}
        shown["events"] = [event.to_attributes() for event in self.events]
        shown["findings"] = [finding.to_attributes() for finding in self.findings]
        shown["waiting"] = self._waiting(now)
        derived = Derived(
            total_records=self.total_records,
            too_late=too_late,
            execution_time_seconds=self._seconds_running(now),
            records_per_second=self._records_per_second(now),
            estimated_completion_at=self._estimated_completion_at(now),
        )
        return {**shown, **derived}

    def _waiting(self, now: float) -> dict[str, Any] | None:
        """What a worker that died has left says nothing any more."""
        if self.status is not JobStatus.RUNNING or not self.waiting:
            return None
        if self.waiting["until"] > now:
            return self.waiting
        return None

    def _seconds_running(self, now: float) -> float | None:
        if self.started_at is None:
            return None
        end = self.completed_at or now
        return round(max(0.0, end - self.started_at), 3)

    def _records_per_second(self, now: float) -> float | None:
        seconds = self._seconds_running(now)
        if not seconds:
            return None
        return round(self.fetched_records / seconds, 1)

    def _estimated_completion_at(self, now: float) -> float | None:
        """If the rest goes as fast as what is done: after 30 s at 25 %, in another 90 s."""
        seconds = self._seconds_running(now)
        percent = self.progress_percentage
        if self.status is not JobStatus.RUNNING or not self.expected_records:
            return None
        if not seconds or not percent:
            return None
        seconds_left = seconds * (100.0 - percent) / percent
        return round(now + seconds_left, 3)


class Derived(TypedDict):
    """What a view has besides the fields: worked out of them, and of the clock."""

    total_records: Annotated[
        Rows,
        "new, updated, duplicate, failed and skipped rows; equals `fetched_records` when COMPLETED",
    ]
    too_late: Annotated[
        TooLate | None,
        "of a held job that nobody has accepted or discarded: why it cannot be accepted any more, as "
        "[an accept would be refused](api.md#accept-or-discard-a-held-import); null while it can",
    ]
    execution_time_seconds: Annotated[
        Seconds | None,
        "from the first claim until now or the end, waiting for a next worker included",
    ]
    records_per_second: Annotated[
        RowsPerSecond | None, "`fetched_records` by `execution_time_seconds`"
    ]
    estimated_completion_at: Annotated[
        Epoch | None,
        "while RUNNING, from the progress so far; null without an expected count",
    ]


_FIELDS = [each.name for each in fields(Job)]
_HIDDEN = {
    "fence",
    "checkpoint",
    "claimed_cursor",
    "stalled_attempts",
    "source_id",
    "reading_since",
}
_SHOWN = [name for name in _FIELDS if name not in _HIDDEN]
_AS_SHOWN = {"source_name": "source"}  # which is an attribute of the checkpoint in the table
_LONG = {"events", "diff"}
SUMMARISED = [name for name in _SHOWN if name not in _LONG]  # what a list of jobs reads of each


def new_job(
    *,
    now: float,
    triggered_by: str,
    parameters: dict[str, Any],
    source_id: str | None = None,
    source_name: str | None = None,
    source_version: int | None = None,
    rollback_to: str | None = None,
) -> Job:
    job = Job(
        job_id=uuid7(now, os.urandom(10)),  # the 80 bits below the milliseconds
        created_at=now,
        triggered_by=triggered_by,
        parameters=parameters,
        source_id=source_id,
        source_name=source_name,
        source_version=source_version,
        rollback_to=rollback_to,
    )
    return job.with_event(now, "created", by=triggered_by)
