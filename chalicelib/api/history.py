"""What the list of jobs is asked for: which of them, how many, and from where on."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chalicelib.errors import InvalidJobId, ValidationError
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.job_id import parse_job_id

from .parameters import CURSOR, SOURCE_NAME, choice, limit, read_value
from .request_fields import single_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .parameters import Parameter

JOBS_DEFAULT = 20
JOBS_MOST = 100


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """`before` is the job that the page comes after, newest first."""

    status: JobStatus | None = None
    source: str | None = None
    limit: int = JOBS_DEFAULT
    before: str | None = None

    @classmethod
    def parse(cls, query: Mapping[str, Sequence[str]]) -> HistoryPage:
        """Raises ValidationError."""
        texts = single_values(query, allowed=tuple(HISTORY))
        values = {name: read_value(name, HISTORY[name], text) for name, text in texts.items()}
        return cls(
            status=JobStatus(values["status"]) if "status" in values else None,
            source=values.get("source"),
            limit=values.get("limit", JOBS_DEFAULT),
            before=values.get("cursor"),
        )


def cursor_of(job_id: str) -> str:
    value = uuid.UUID(job_id).bytes
    letters = base64.urlsafe_b64encode(value).decode()
    return letters.rstrip("=")


def _job_before(cursor: str) -> str:
    try:
        value = base64.urlsafe_b64decode(f"{cursor}==")
        job_id = parse_job_id(str(uuid.UUID(bytes=value)))
    except (ValueError, InvalidJobId):
        job_id = ""
    # Of several texts that stand for the same bytes, one is the cursor.
    if not job_id or cursor_of(job_id) != cursor:
        raise ValidationError(
            "That is no cursor. Send the next_cursor of the page before as it is, or none to begin at the newest job.",
            field="cursor",
        )
    return job_id


HISTORY: Mapping[str, Parameter] = {
    "status": choice(*JobStatus, meaning="only jobs with this status"),
    "source": replace(SOURCE_NAME, meaning="only imports of this source"),
    "limit": limit(JOBS_MOST),
    "cursor": replace(CURSOR, read=_job_before),
}
