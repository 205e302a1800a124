"""What is answered of statements: those that are offered, and the rows of one."""

from typing import Annotated, Literal, TypedDict

from .published import Snapshot


class _Question(TypedDict):
    name: str
    title: str
    explanation: str
    statement: str


class SqlOffer(TypedDict):
    off: Annotated[str | None, "why statements are not answered; null where they are"]
    questions: list[_Question]


class _Column(TypedDict):
    name: str
    type: str


class SqlAnswer(TypedDict):
    columns: list[_Column]
    rows: Annotated[
        list[list[str | float | bool | None]],
        "the values in the order of the columns; what JSON has no form for is text",
    ]
    cut: Annotated[
        Literal["rows", "bytes"] | None,
        "by what the rows are cut; null where they are all there",
    ]
    snapshot: Snapshot
