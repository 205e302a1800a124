"""Ask the published data, for somebody who may have the answer already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.api.etag import etag_of, is_known
from chalicelib.errors import NothingPublished, RejectsNotKept, RejectsNotYet
from chalicelib.jobs.job import JobStatus

if TYPE_CHECKING:
    from chalicelib.jobs.manager import JobManager

    from .client import QueryClient
    from .query import Query


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`data` is None when it is what the caller has."""

    etag: str
    data: Any


def ask_published(
    query: Query, *, job_manager: JobManager, query_client: QueryClient, form: str = "json", known: str = ""
) -> Answer:
    """`known` is an If-None-Match. A published database never changes, so the pointer to it, one read, tells
    whether the answer has: the query function is asked only when it has.

    Raises NothingPublished, StateUnavailable, what QueryClient.ask raises; for rejects JobNotFound,
    RejectsNotYet, RejectsNotKept.
    """
    if query.name == "rejects":
        _check_published(query.arguments["job_id"], job_manager)
    snapshot = job_manager.current_snapshot()
    if snapshot is None:
        raise NothingPublished
    etag = etag_of(snapshot.name, query.event, form)
    data = None if is_known(known, etag) else query_client.ask(query)
    return Answer(etag=etag, data=data)


def _check_published(job_id: str, job_manager: JobManager) -> None:
    status = job_manager.get(job_id).status
    if not status.final:
        raise RejectsNotYet(job_id=job_id, status=status)
    if status is not JobStatus.COMPLETED:
        raise RejectsNotKept(job_id=job_id, status=status)


def sentence(data: dict[str, Any]) -> str:
    """What the answer holds, for people."""
    if "next_cursor" not in data:
        return f"{data['rows']:,} rows of {data['wells']:,} wells are published."
    count = len(data["rows"])
    more = " Ask for the following ones with next_cursor." if data["next_cursor"] else ""
    return f"{count:,} row{'' if count == 1 else 's'}.{more}"
