"""A job: one import from its trigger to its final state. Pure: no clock, no I/O.

    PENDING ──claim──▶ RUNNING (FETCHING → MERGING → CHECKING → PUBLISHING) ──finish──▶ COMPLETED | FAILED | CANCELLED
       └────────────────────── never started, or cancelled ──────────────────────────────▶ FAILED | CANCELLED

Final states never change. A held import is FAILED too: an operator accepts it, which makes a new
job, or discards it.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from chalicelib.errors import InvalidJobId, WellheadError

# At run time too: the OpenAPI document is written from the types of the fields.
from .checkpoint import Checkpoint, StoredCursor  # noqa: TC001
from .event import Event
from .finding import Finding, holding

if TYPE_CHECKING:
    from chalicelib.warehouse.names import SegmentRun

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
    """All that is known of one import. Times are epoch seconds, counts are rows.

    `claimed_cursor` is that of the checkpoint which the latest attempt began at, and
    `stalled_attempts` how many attempts in a row began at the same. `cancel_requested_at` is set by
    whoever asks the job to stop, never by its worker. `source_name` is that of the source it
    imports, None of an older job, and `source_version` that of its definition, None where the
    settings are the source. `source_id` tells which settings of the source the checkpoint belongs
    to (Settings.source_id), `reading_since` when the job began whose checkpoint this one goes on
    from. `waiting` tells what the worker waits for before it asks the source again, until when, and
    which try that will be. Of a source that is read in parts, `parts` has the `count` of them and
    how many are `done`.

    Of an import that was judged: `completeness` as imports/completeness.py tells, `diff` as
    store/diff.py does, and the `findings`. When these held it, it can be accepted until
    `accept_until`, or was discarded by `discarded_by`. A job that publishes such an import was
    started by `accepted_by`, who has `accepted` these fingerprints.

    A job with `rollback_to` imports nothing: it publishes the snapshot of that name once more.
    """

    job_id: str
    created_at: float
    status: JobStatus = JobStatus.PENDING
    phase: Phase | None = None
    started_at: float | None = None
    completed_at: float | None = None
    heartbeat_at: float | None = None
    cancel_requested_at: float | None = None
    triggered_by: str = "anonymous"
    parameters: dict[str, Any] = field(default_factory=dict)
    retry_of: str | None = None
    retried_by: str | None = None
    rollback_to: str | None = None
    source_id: str | None = None
    reading_since: float | None = None
    source_name: str | None = None
    source_version: int | None = None
    attempt: int = 0
    stalled_attempts: int = 0
    claimed_cursor: StoredCursor | None = None
    fence: int = 0
    waiting: dict[str, Any] | None = None
    progress_percentage: float | None = None
    expected_records: int | None = None
    fetched_records: int = 0
    new_records: int = 0
    updated_records: int = 0
    duplicate_records: int = 0
    skipped_records: int = 0
    withdrawn_records: int = 0
    failed_records: int = 0
    parts: dict[str, int] | None = None
    checkpoint: Checkpoint | None = None
    stats: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    completeness: dict[str, Any] | None = None
    diff: dict[str, Any] | None = None
    findings: list[Finding] = field(default_factory=list)
    accept_until: float | None = None
    accepted: list[str] = field(default_factory=list)
    accepted_by: str | None = None
    discarded_at: float | None = None
    discarded_by: str | None = None

    @property
    def is_held(self) -> bool:
        """Whether its findings held it, whatever has become of it since."""
        return self.accept_until is not None

    @property
    def waits_for_word(self) -> bool:
        """It is held, and nobody has accepted or discarded it yet."""
        return self.is_held and self.discarded_at is None and self.retried_by is None

    @property
    def cursor(self) -> StoredCursor | None:
        return self.checkpoint.cursor if self.checkpoint else None

    @property
    def segments(self) -> list[SegmentRun]:
        return self.checkpoint.segments if self.checkpoint else []

    @property
    def total_records(self) -> int:
        kept = self.new_records + self.updated_records + self.duplicate_records
        return kept + self.failed_records + self.skipped_records

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
        job = self.retry(now=now, triggered_by=by)
        return replace(job, accepted=list(each_once), accepted_by=by)

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
        shown["total_records"] = self.total_records
        shown["too_late"] = too_late
        shown["waiting"] = self._waiting(now)
        shown["execution_time_seconds"] = self._seconds_running(now)
        shown["records_per_second"] = self._records_per_second(now)
        shown["estimated_completion_at"] = self._estimated_completion_at(now)
        return shown

    def _waiting(self, now: float) -> dict[str, Any] | None:
        """What a worker that died has left says nothing any more."""
        if self.status is not JobStatus.RUNNING or not self.waiting:
            return None
        return self.waiting if self.waiting["until"] > now else None

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
        job_id=uuid7(now, os.urandom(10)),
        created_at=now,
        triggered_by=triggered_by,
        parameters=parameters,
        source_id=source_id,
        source_name=source_name,
        source_version=source_version,
        rollback_to=rollback_to,
    )
    return job.with_event(now, "created", by=triggered_by)


def uuid7(now: float, randomness: bytes) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): it sorts by its creation time in milliseconds.

    bits 127 to 80   milliseconds since 1970
    bits  79 to 76   the version, 7
    bits  63 and 62  the variant, 2
    the others       random
    """
    milliseconds = int(now * 1000)
    value = milliseconds << 80 | int.from_bytes(randomness, "big")
    value = _with_bits(value, 7, at=76, mask=0xF)
    value = _with_bits(value, 2, at=62, mask=0x3)
    return str(uuid.UUID(int=value))


def _with_bits(value: int, bits: int, *, at: int, mask: int) -> int:
    cleared = value & ~(mask << at)
    return cleared | bits << at


def parse_job_id(text: str) -> str:
    """The job id in its canonical form; raises InvalidJobId."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        raise InvalidJobId from None
    if str(parsed) != text.lower() or parsed.version != 7:  # noqa: PLR2004
        raise InvalidJobId
    return str(parsed)
