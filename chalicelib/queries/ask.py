"""Ask the published data, for somebody who may have the answer already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.api.etag import etag_of, is_known
from chalicelib.errors import (
    ChangesNotKept,
    ChangesNotYet,
    NothingPublished,
    RejectsNotKept,
    RejectsNotYet,
)
from chalicelib.jobs.job import JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.jobs.manager import JobManager

    from .client import QueryClient
    from .query import Query


_OF_A_JOB = {"rejects": (RejectsNotYet, RejectsNotKept), "changes": (ChangesNotYet, ChangesNotKept)}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`data` is None when it is what the caller has.
    `snapshot` is the name of the one that it was read from.
    """

    etag: str
    snapshot: str
    data: Any


def ask_about_snapshot(
    query: Query,
    *,
    job_manager: JobManager,
    query_client: QueryClient,
    form: Any = "json",
    known: str = "",
) -> Answer:
    """`form` is what else makes the answer another one, `known` an If-None-Match. A snapshot never
    changes, so its name tells whether the answer has: that of the cursor, else of the pointer, one
    read. The query function is asked only when it has. A mark is made of the snapshot that was
    read, which is a newer one when an import completed meanwhile.

    Raises NothingPublished, StateUnavailable, what QueryClient.ask raises; for what is of a job
    JobNotFound, RejectsNotYet, RejectsNotKept, ChangesNotYet, ChangesNotKept.
    """
    if query.name in _OF_A_JOB:
        _check_publication(query, job_manager)
    snapshot = query.snapshot or _current(job_manager)
    etag = etag_of(snapshot, query.event, form)
    if is_known(known, etag):
        return Answer(etag=etag, snapshot=snapshot, data=None)

    data = query_client.ask(query)
    snapshot_read = str(data["snapshot"]["name"])
    etag_read = etag_of(snapshot_read, query.event, form)
    return Answer(etag=etag_read, snapshot=snapshot_read, data=data)


def _current(job_manager: JobManager) -> str:
    snapshot = job_manager.current_snapshot()
    if snapshot is None:
        raise NothingPublished
    return snapshot.name


def _check_publication(query: Query, job_manager: JobManager) -> None:
    # What an import rejected and changed is published with it, so there is none without that.
    job_id = query.arguments["job_id"]
    status = job_manager.get(job_id).status
    not_yet, not_kept = _OF_A_JOB[query.name]
    if not status.final:
        raise not_yet(job_id=job_id, status=status)
    if status is not JobStatus.COMPLETED:
        raise not_kept(job_id=job_id, status=status)


def sentence(data: dict[str, Any]) -> str:
    """What the answer holds, for people."""
    if "next_cursor" not in data:
        return _sentence_of_summary(data)
    if "found" in data:
        return _sentence_of_register(data)
    rows = count_of_rows(data)
    if data["next_cursor"]:
        return f"{rows}. Ask for the following ones with next_cursor."
    return f"{rows}."


def _sentence_of_summary(data: Mapping[str, Any]) -> str:
    # Where there are several sources no wells are counted: two may report the same one.
    wells = data["wells"]
    sources = data.get("sources", ())
    whose = f"{len(sources)} sources" if wells is None else f"{wells:,} wells"
    return f"{data['rows']:,} rows of {whose} are published."


def _sentence_of_register(data: Mapping[str, Any]) -> str:
    """Such as: 12 of 340 wells and 2 of 18 fields are found."""
    found = data["found"]
    total = data["total"]
    counts = [f"{found[of]:,} of {total[of]:,} {of}" for of in found]
    return f"{' and '.join(counts)} are found."


def count_of_rows(data: Mapping[str, Any]) -> str:
    count = len(data["rows"])
    return "1 row" if count == 1 else f"{count:,} rows"
