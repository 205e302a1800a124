"""Which findings somebody accepts."""

from __future__ import annotations

from typing import Any

from chalicelib.errors import ValidationError
from chalicelib.jobs.finding import Check

from .request_fields import json_body

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
    named = sent.get("findings") if isinstance(sent, dict) and sent.keys() == {"findings"} else None
    if not isinstance(named, list) or not named or not all(isinstance(name, str) for name in named):
        raise ValidationError(
            'Say which findings you accept, such as {"findings": ["REJECTED"]}: all that hold the job.',
            field="findings",
        )
    if not set(named) <= set(Check):
        raise ValidationError(
            "A finding is named by its check.", field="findings", allowed=", ".join(str(check) for check in Check)
        )
    return [str(name) for name in named]
