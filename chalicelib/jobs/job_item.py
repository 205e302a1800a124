"""The item of a job: its fields as attributes of the table, and back."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from .checkpoint import Checkpoint
from .dynamodb_item import without_none
from .event import Event
from .finding import Finding
from .job import Job, JobStatus, Phase

_FIELDS = [field.name for field in fields(Job)]
# Its worker's writes leave them alone.
_OTHERS = {"cancel_requested_at", "retried_by", "discarded_at", "discarded_by"}
# Attributes of the field `checkpoint`, which has none of its own.
_OF_CHECKPOINT = ("cursor", "segments", "seal", "source", "plan")
_OF_WORKER = [name for name in _FIELDS if name not in {"checkpoint", *_OTHERS}]
_STORED = [*_OF_WORKER, *_OF_CHECKPOINT]


def job_attributes(job: Job) -> dict[str, Any]:
    """The job as its worker stores it: plain values, and nothing for what is null."""
    # `seal`, `source` and `plan` are no attributes of a Job; they come with its checkpoint.
    values = {name: getattr(job, name, None) for name in _STORED}
    if job.checkpoint:
        values |= job.checkpoint.to_attributes()
    values["events"] = [event.to_attributes() for event in job.events]
    values["findings"] = [finding.to_attributes() for finding in job.findings]
    return without_none(values)


def absent_attributes(job: Job) -> list[str]:
    present = job_attributes(job)
    return [name for name in _STORED if name not in present]


def job_from_attributes(attributes: dict[str, Any]) -> Job:
    # Without what a later version has added, and what is of the checkpoint.
    values = {name: value for name, value in attributes.items() if name in _FIELDS}
    values["status"] = JobStatus(values["status"])
    if "phase" in values:
        values["phase"] = Phase(values["phase"])
    if "cursor" in attributes:
        values["checkpoint"] = Checkpoint.from_attributes(attributes)

    events = attributes.get("events", ())
    findings = attributes.get("findings", ())
    values["events"] = [Event.from_attributes(event) for event in events]
    values["findings"] = [Finding.from_attributes(finding) for finding in findings]
    return Job(**values)


def same_but_for_others(stored: Job, job: Job) -> bool:
    """Whether the stored job is what its worker wrote, whatever others have added to it since."""
    additions = {name: getattr(job, name) for name in _OTHERS}
    return replace(stored, **additions) == job
