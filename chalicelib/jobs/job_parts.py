"""The parts of a job that are objects: what each field of them means. The schemas of the OpenAPI
document, and the types of the clients, are made of these classes. Nothing loads them where requests
are answered.

There is no `from __future__ import annotations` here: the annotations are read as values.
"""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from .finding import MOST_EXAMPLES, Check
from .job import Phase
from .job_types import JobId, Shape

_Check = Annotated[str, Shape("text", {"enum": sorted(Check)})]


class JobStats(TypedDict, total=False):
    pages: Annotated[int, "number of the last page"]
    bytes: Annotated[int, "received, decompressed, those of lost attempts included"]
    http_retries: Annotated[int, "requests made again, also of a job that then failed"]
    fetching_seconds: Annotated[float, "over all attempts"]
    staging_seconds: Annotated[float, "over all attempts, within those of fetching"]
    merging_seconds: Annotated[float, "over all attempts"]
    publishing_seconds: Annotated[float, "over all attempts"]
    checking_seconds: Annotated[float, "over all attempts"]
    changed_since: Annotated[float, "of an increment: from when on it asked, epoch seconds"]
    rejects: Annotated[
        dict[str, int],
        "what was wrong with rows, as `REASON column`, and how often, the most frequent first",
    ]


# `for` and `try` are words of Python, which a class could not have.
JobWaiting = TypedDict(
    "JobWaiting",
    {
        "for": Annotated[str, "the code of what failed; docs/errors.md lists them"],
        "until": Annotated[float, "epoch seconds"],
        "try": Annotated[int, "which try that will be; 2 is the first that repeats"],
    },
)
JobWaiting.__doc__ = "What a worker waits for before it asks the source again."


class JobParts(TypedDict):
    """Of a source that is read in parts at once."""

    count: Annotated[int, "of the source, each a range of its key"]
    done: Annotated[int, "read to their end"]


class JobTooLate(TypedDict):
    """Why a held import cannot be accepted any more: a sentence, and the job that was held or
    published since.
    """

    message: str
    held_since: NotRequired[Annotated[JobId, "the job that was held later"]]
    published_by: NotRequired[Annotated[JobId, "the job that was published later"]]
    accept_until: NotRequired[Annotated[float, "epoch seconds; the week is over"]]


class JobEvent(TypedDict):
    at: float
    event: str
    code: NotRequired[str]
    by: NotRequired[str]
    attempt: NotRequired[int]
    page: NotRequired[int]
    records: NotRequired[int]
    lost_records: NotRequired[int]


class JobError(TypedDict):
    code: str
    message: str
    retryable: bool
    phase: Phase | None
    page: int | None
    attempt: int


class JobFinding(TypedDict):
    check: _Check
    limit: Annotated[str, "what would have been in order"]
    found: str
    message: Annotated[str, "a sentence for people"]
    fingerprint: Annotated[str, "the check and how much of what was found"]
    examples: Annotated[list[dict[str, Any]], Shape("list", {"maxItems": MOST_EXAMPLES})]
    holds: Annotated[bool, "the import waits for an operator"]
    can_be_accepted: bool


class JobCompleteness(TypedDict):
    """The counts are rows; `state` says whether all of them came."""

    state: Literal["proved", "unprovable", "disproved"]
    reason: Annotated[str, "a sentence for people; empty when there is nothing to say"]
    announced: Annotated[int | None, "rows that the source counted at the beginning"]
    counted_again: Annotated[int | None, "rows that it counted at the end"]
    delivered: int


class _Nulled(TypedDict):
    nulled: int
    stored: int
    in_store: int


class _Absent(TypedDict):
    stored: int
    rows: int
    filled: int
    stretch: int


class _Sum(TypedDict):
    """Volumes of stored periods: thousand barrels, million standard cubic feet."""

    before: float
    after: float


class _FieldSum(TypedDict):
    code: int | str
    name: str | None
    column: str
    before: float
    after: float


class JobDiff(TypedDict):
    """What an import would change, or has changed: rows, and stored volumes of the periods that it
    covers.
    """

    new: int
    updated: int
    unchanged: int
    rejected: int
    withdrawn: int
    covered: Annotated[int, "of an import that withdraws rows: how many are stored of its periods"]
    is_first: Annotated[bool, "nothing was stored before"]
    nulled: Annotated[
        dict[str, _Nulled],
        "by column: of so many stored values that the import touches so many turn null",
    ]
    absent: Annotated[
        dict[str, _Absent],
        "by column that lacks a field: values stored, rows that came, those with a value, and the "
        "stretch of neighbouring rows without one",
    ]
    sums: Annotated[
        dict[str, _Sum],
        "by column: the stored volume of the periods that the import covers, before and after; new "
        "rows are left out",
    ]
    fields: Annotated[
        list[_FieldSum], "the changes of stored volumes that are largest, by field and column"
    ]
    examples: Annotated[dict[str, list[dict[str, Any]]], "by check: a few rows"]
