"""Notices: what the banner says, and how a failure is told to people."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from clients.api.durations import duration
from clients.api.errors import ApiError, ClientError
from clients.api.findings import NOTHING
from clients.window import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from clients.api.answers import Job


@dataclass(frozen=True)
class Notice:
    """What the banner says; each action has the name of its button."""

    tone: Literal["good", "bad", "warning", "info"]
    text: str
    actions: dict[str, Callable[[], None]] = field(default_factory=dict)
    rings: bool = False


def end_notice(job: Job, retry: Callable[[], None]) -> Notice:
    """Of an import that has ended just now."""
    again = {"Retry": retry}
    if job.is_held:
        titles = "; ".join(finding.title for finding in job.holding)
        return Notice(
            "warning", f"The import is held, and nothing was published. {titles}.", rings=True
        )
    if job.error and job.status == "FAILED":
        return Notice("bad", f"The import failed. {job.error['message']}", again, rings=True)
    if job.status == "CANCELLED":
        return Notice(
            "info", "The import was cancelled. What is published is as it was.", again, rings=True
        )
    rows = f"{words.count(job.total_records)} rows, {words.count(job.new_records)} of them new"
    took = duration(job.execution_time_seconds) or NOTHING
    return Notice("good", f"The import is complete: {rows}, in {took}.", rings=True)


def sentence(failure: BaseException) -> str:
    """For people. Where the server is at fault, with the id by which its log finds the request."""
    if not isinstance(failure, ClientError):
        return f"Something unexpected happened in this window: {type(failure).__name__}: {failure}"
    if (
        isinstance(failure, ApiError)
        and failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        and failure.request_id
    ):
        return f"{failure.message} (request {failure.request_id})"
    return failure.message
