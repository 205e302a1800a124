"""Job ids as people type them: the first signs are enough where no other id begins so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clients.api.client import WellheadClient, every
from clients.api.errors import NotFound

if TYPE_CHECKING:
    from clients.api.answers import Job

BEGINNING = re.compile(r"[0-9a-f-]{4,35}")  # a whole one has 36
SHOWN = 13  # the millisecond in which the job was made
NAMED = 5
PAGE = 100


def short_id(job_id: str) -> str:
    return job_id[:SHOWN]


def whole_id(wellhead: WellheadClient, text: str) -> str:
    """What is no beginning of an id is left as it is: the API says what it thinks of it.
    Raises NotFound.
    """
    beginning = text.lower()
    if not BEGINNING.fullmatch(beginning):
        return text
    found = _beginning_with(wellhead, beginning)
    if len(found) == 1:
        return found[0].job_id
    if not found:
        told = f"No job has an id that begins with {text}. List them: wellhead jobs"
        raise NotFound(told, status=404, code="NO_SUCH_JOB")
    names = ", ".join(job.job_id for job in found[:NAMED])
    told = f"{len(found)} jobs have an id that begins with {text}: {names}. Give more of it."
    raise NotFound(told, status=404, code="SEVERAL_JOBS")


def _beginning_with(wellhead: WellheadClient, beginning: str) -> list[Job]:
    """Ids sort by time, and the newest come first: behind the last that begins so no other does."""
    found = []
    for job in every(lambda cursor: wellhead.history(limit=PAGE, cursor=cursor)):
        start = job.job_id[: len(beginning)]
        if start == beginning:
            found.append(job)
        elif start < beginning:
            break
    return found
