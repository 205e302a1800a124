"""What the list of jobs is asked for: which of them, how many, and from where on."""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import InvalidJobId, ValidationError
from .job import JobStatus, parse_job_id
from .request_fields import single_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JOBS_DEFAULT = 20
JOBS_MOST = 100


@dataclass(frozen=True, kw_only=True)
class HistoryPage:
    """`before` is the job that the page comes after, newest first."""

    status: JobStatus | None = None
    limit: int = JOBS_DEFAULT
    before: str | None = None

    @classmethod
    def parse(cls, query: Mapping[str, Sequence[str]]) -> HistoryPage:
        """Raises ValidationError."""
        told = single_values(query, allowed=("status", "limit", "cursor"))
        return cls(
            status=_status(told["status"]) if "status" in told else None,
            limit=_limit(told["limit"]) if "limit" in told else JOBS_DEFAULT,
            before=_job_before(told["cursor"]) if "cursor" in told else None,
        )


def cursor_of(job_id: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(job_id).bytes).decode().rstrip("=")


def _job_before(cursor: str) -> str:
    try:
        job_id = parse_job_id(str(uuid.UUID(bytes=base64.urlsafe_b64decode(f"{cursor}=="))))
    except (ValueError, InvalidJobId):
        job_id = ""
    if not job_id or cursor_of(job_id) != cursor:
        raise ValidationError(
            "That is no cursor. Send the next_cursor of the page before as it is, or none to begin at the newest job.",
            field="cursor",
        )
    return job_id


def _status(text: str) -> JobStatus:
    try:
        return JobStatus(text)
    except ValueError:
        raise ValidationError(f"The status is one of {', '.join(JobStatus)}.", field="status") from None


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= JOBS_MOST:
        raise ValidationError(f"The limit is a whole number from 1 to {JOBS_MOST}.", field="limit")
    return int(text)
