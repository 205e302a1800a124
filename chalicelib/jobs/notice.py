"""Notice: that something has happened which somebody wants to hear of. Pure: no clock, no I/O.

    written with what it tells ── WAITING ──▶ SENT on each channel, or GIVEN_UP after too many hours

`key` is the same each time that a notice is sent, so that who gets it twice can tell. Of the end of
a job it is the job's id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from .dynamodb_item import without_none
from .finding import holding
from .job import Job, JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .finding import Finding

# Standard Webhooks signs "id.timestamp.body": an id has no full stop.
KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
KIND = re.compile(r"[a-z]+\.[a-z]+")
TEST = "notice.test"
STALE = "source.stale"
PAUSED = "schedule.paused"
LONGEST_TEXT = 3_000  # characters; a card of Teams has 28 KB, a block of Slack 3,000 characters
MOST_FINDINGS = 10

_COUNTS = (
    "total_records",
    "new_records",
    "updated_records",
    "duplicate_records",
    "withdrawn_records",
    "skipped_records",
    "failed_records",
)
# Of a job's view, what the notice of its end tells.
_FACTS = (
    "job_id",
    "source",
    "status",
    "created_at",
    "started_at",
    "completed_at",
    "execution_time_seconds",
    "triggered_by",
    "retry_of",
    "rollback_to",
    "accepted_by",
    "accept_until",
    *_COUNTS,
)
_ENDS = {
    JobStatus.COMPLETED: "import.completed",
    JobStatus.FAILED: "import.failed",
    JobStatus.CANCELLED: "import.cancelled",
}
_ADDRESS = re.compile(r"(https?://[^/\s\"')]+)[^\s\"')]*")
# Controls, signs without a width, and those that turn the direction of writing.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")


class State(StrEnum):
    WAITING = "WAITING"
    SENT = "SENT"
    GIVEN_UP = "GIVEN_UP"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Of a notice on one channel. `attempts` counts those that have begun; `due_at` is the moment
    of the next one, `at` that of the end, in epoch seconds. `error` is the last one's sentence.
    """

    state: State = State.WAITING
    attempts: int = 0
    due_at: float = 0.0
    at: float | None = None
    error: str | None = None

    def to_attributes(self) -> dict[str, Any]:
        names = [each.name for each in fields(self)]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        names = [each.name for each in fields(cls) if each.name in attributes]
        values = {name: attributes[name] for name in names}
        values["state"] = State(attributes["state"])
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """`facts` are what happened, and `at` when, in epoch seconds. `deliveries` has a channel once
    the notice was looked at for sending; `version` counts the writes since.
    """

    key: str
    kind: str
    at: float
    facts: Mapping[str, Any]
    version: int = 0
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)

    @property
    def state(self) -> State:
        states = {delivery.state for delivery in self.deliveries.values()}
        if not states or State.WAITING in states:
            return State.WAITING
        if State.GIVEN_UP in states:
            return State.GIVEN_UP
        return State.SENT

    @property
    def title(self) -> str:
        """`import.completed` as "Import completed"."""
        return self.kind.replace(".", " ").capitalize()

    @property
    def text(self) -> str:
        """What happened, in a sentence or two on one line."""
        text = str(self.facts.get("text") or self.facts.get("message") or self.title)
        words = _UNSEEN.sub(" ", text).split()
        line = " ".join(words)
        if len(line) <= LONGEST_TEXT:
            return line
        return line[: LONGEST_TEXT - 1] + "…"

    def view(self) -> dict[str, Any]:
        """What the API shows, and what an event tells."""
        deliveries = []
        for channel, delivery in sorted(self.deliveries.items()):
            deliveries.append({"channel": channel, **delivery.to_attributes()})
        return {
            **self.content(),
            "state": str(self.state),
            "deliveries": deliveries,
        }

    def content(self) -> dict[str, Any]:
        """Without what has become of it."""
        return {
            "key": self.key,
            "kind": self.kind,
            "at": self.at,
            "text": self.text,
            "facts": dict(self.facts),
        }

    def with_deliveries(self, deliveries: Mapping[str, Delivery]) -> Notice:
        all_deliveries = {**self.deliveries, **deliveries}
        return replace(self, deliveries=all_deliveries)


def new_notice(*, kind: str, key: str, at: float, facts: Mapping[str, Any]) -> Notice:
    """Raises ValueError: a key or a kind of another form is a mistake in the code."""
    is_right = KIND.fullmatch(kind) and KEY.fullmatch(key)
    if not is_right:
        raise ValueError(f"{kind!r} is no kind of notice, or {key!r} no key of one")
    return Notice(kind=kind, key=key, at=at, facts=facts)


def end_of(job: Job) -> Notice:
    """That the job has ended.
    It tells what the job's view does, without rows of the source and what asks for them.
    """
    ended_at = job.completed_at or job.created_at
    view = job.view(ended_at)
    facts = without_none({name: view[name] for name in _FACTS})
    kind = "import.held" if job.is_held else _ENDS[job.status]

    if job.error:
        facts["error"] = {name: job.error[name] for name in ("code", "retryable")}
        facts["error"]["message"] = _without_paths(str(job.error["message"]))
    findings = holding(job.findings)[:MOST_FINDINGS]
    if findings:
        facts["findings"] = list(map(_finding_without_rows, findings))
    facts["text"] = _without_paths(_sentence(job, kind))

    return new_notice(kind=kind, key=job.job_id, at=ended_at, facts=facts)


def loss_of(job_id: str, *, at: float, since: float) -> Notice:
    """That a job's item was removed while it waited or ran:
    its import ended, and nobody knows more of it.
    """
    message = "Somebody removed the job's item from the table, so the import ended. What is published is as it was."
    facts = {
        "job_id": job_id,
        "status": "FAILED",
        "created_at": since,
        "error": {"code": "JOB_NOT_FOUND", "message": message, "retryable": False},
        "text": f"An import failed: {message} (job {job_id})",
    }
    return new_notice(kind="import.failed", key=job_id, at=at, facts=facts)


def _finding_without_rows(finding: Finding) -> dict[str, str]:
    return {
        "check": str(finding.check),
        "limit": finding.limit,
        "found": finding.found,
        "message": finding.message,
    }


def _without_paths(text: str) -> str:
    """Some sources have a key in the path of their address;
    what is sent to others names their host alone.
    """
    return _ADDRESS.sub(r"\1", text)


def _sentence(job: Job, kind: str) -> str:
    named = f"(job {job.job_id})"
    if job.rollback_to and kind == "import.completed":
        return f"The rollback is complete: {job.rollback_to} is published once more {named}"
    outcome = _outcome(job, kind)
    if job.rollback_to:
        return f"The rollback to {job.rollback_to} {outcome} {named}"
    source = job.source_name or "the source"
    return f"The import of {source} {outcome} {named}"


def _outcome(job: Job, kind: str) -> str:
    if kind == "import.completed":
        return (
            f"is complete: {job.total_records:,} rows, {job.new_records:,} new, {job.updated_records:,} updated, "
            f"{job.withdrawn_records:,} withdrawn, {job.failed_records:,} rejected."
        )
    if kind == "import.held":
        until = datetime.fromtimestamp(job.accept_until or 0.0, UTC)
        day_and_time = until.strftime("%Y-%m-%d %H:%M UTC")
        reasons = " ".join(finding.message for finding in holding(job.findings))
        return f"is held. {reasons} Nothing was published; it can be accepted or discarded until {day_and_time}."
    if kind == "import.cancelled":
        return "was cancelled. What is published is as it was."
    message = (job.error or {}).get("message", "nobody knows why.")
    return f"failed: {message}"
