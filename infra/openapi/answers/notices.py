"""What is answered of notices."""

from typing import Annotated, Any, Literal, TypedDict

from chalicelib.jobs.notice import State


class _Delivery(TypedDict):
    channel: Literal["events", "mail", "webhook"]
    state: State
    attempts: int
    due_at: Annotated[float, "when WAITING: not before then"]
    at: Annotated[float | None, "when it was sent or given up"]
    error: Annotated[str | None, "why the last attempt failed"]


class Notice(TypedDict):
    """That something has happened, and what has become of the news."""

    key: Annotated[str, "the same each time that it is sent; of the end of a job its id"]
    kind: Annotated[str, "such as import.completed, import.held, import.failed, import.cancelled"]
    at: Annotated[float, "when it happened, epoch seconds"]
    text: Annotated[str, "what happened, for people"]
    facts: Annotated[dict[str, Any], "what happened, by kind"]
    state: State
    deliveries: Annotated[list[_Delivery], "by channel; none until it was looked at for sending"]


class NoticeList(TypedDict):
    notices: list[Notice]


class NoticeKey(TypedDict):
    key: str
