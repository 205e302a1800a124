"""Which findings somebody accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.errors import ValidationError
from chalicelib.jobs.finding import Check
from chalicelib.jobs.job import JobStatus

from .request_fields import json_body

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job

FINDINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["findings"],
    "properties": {
        "findings": {
            "type": "array",
            "items": {"type": "string", "enum": [str(check) for check in Check]},
            "minItems": 1,
            "description": "the checks of all findings that hold the job",
        }
    },
}


def parse_findings(body: str | bytes) -> list[str]:
    """The names of checks in `{"findings": […]}`. Raises ValidationError."""
    sent = json_body(body)
    is_known = isinstance(sent, dict) and sent.keys() == {"findings"}
    named = sent["findings"] if is_known else None
    if not isinstance(named, list) or not named or not all(isinstance(name, str) for name in named):
        raise ValidationError(
            'Say which findings you accept, such as {"findings": ["REJECTED"]}: all that hold the job.',
            field="findings",
        )
    if not set(named) <= set(Check):
        raise ValidationError(
            "A finding is named by its check.",
            field="findings",
            allowed=", ".join(map(str, Check)),
        )
    return [str(name) for name in named]


def accepted_sentence(job: Job) -> str:
    """What an accept is answered with:
    `job` publishes, or has ended when the same was accepted before.
    """
    if not job.status.final:
        return "The findings are accepted. The import that publishes is at the address in Location."
    before = "The findings were accepted before, and the import that publishes is at the address in Location. "
    if job.status is JobStatus.COMPLETED:
        return f"{before}It is published."
    if job.retried_by:
        return f"{before}It ended without a result, and {job.retried_by} goes on from it: follow that one."
    if job.is_held:
        return f"{before}It is held itself, by new findings: accept or discard that one."
    return f"{before}It ended without a result, so nothing is published: retry that one, or start a new import."
