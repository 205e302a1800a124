"""The schemas of the document, by name: of jobs by the fields of Job, of the other answers by their
classes (infra/openapi/answers), of requests by what reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.jobs import job_parts

from .answers import (
    defining,
    envelope,
    jobs,
    notices,
    operations,
    pages,
    published,
    reports,
    rows,
    sources,
    sql,
    tokens,
)
from .job_fields import LONG, job_fields
from .requests import REQUESTS
from .schema import reference, schemas_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .job_fields import JobField

_SUBJECTS = (
    envelope,
    job_parts,
    jobs,
    sources,
    defining,
    reports,
    rows,
    published,
    pages,
    sql,
    operations,
    notices,
    tokens,
)


def _job(shown: Sequence[JobField]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [each.name for each in shown],
        "properties": {each.name: each.schema for each in shown},
    }


_FIELDS = job_fields()
SCHEMAS: dict[str, Any] = {
    "Job": _job(_FIELDS),
    "JobSummary": _job([each for each in _FIELDS if each.name not in LONG]),
    **{name: schema for subject in _SUBJECTS for name, schema in schemas_in(subject).items()},
    **REQUESTS,
    "Document": {"type": "object", "description": "This document.", "additionalProperties": True},
}


def envelope_of(data: str, example: Any) -> dict[str, Any]:
    """The content of a success."""
    return {
        "schema": {"allOf": [reference("Success"), {"properties": {"data": reference(data)}}]},
        "example": example,
    }
