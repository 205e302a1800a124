"""The reports of what is looked at or done meanwhile: a check of a source, a look at the
warehouse, a drill, a snapshot that was restored.
"""

from typing import Annotated, Any, Literal, TypedDict

from chalicelib.sources.checks import CheckStatus

from .kinds import Uuid

_Problems = Annotated[list[str], "a sentence for each thing that is not as it should be"]


class _Fault(TypedDict):
    code: str
    message: str


class _Report(TypedDict):
    check_id: Uuid
    status: CheckStatus
    created_at: float
    error: Annotated[_Fault | None, "why it FAILED"]


class Check(_Report):
    """A look at what an import of a definition would find."""

    result: Annotated[
        dict[str, Any] | None,
        "what was found, when DONE: problems and hints, fields, columns with examples as written "
        "and as stored, a few rows, and a draft of the definition where it has no columns",
    ]


class _LookedAt(TypedDict):
    name: str
    kind: Literal["snapshot", "stable name", "owner", "segments"]
    bytes: int | None
    rows: int | None
    problems: _Problems
    seconds: float


class _Verified(TypedDict):
    is_right: bool
    looked_at: int
    wrong: int
    seconds: float
    files: Annotated[list[_LookedAt], "what is wrong first; 200 at most"]


class Verification(_Report):
    result: Annotated[_Verified | None, "what was found, when DONE"]


class _Step(TypedDict):
    step: Literal["fetch", "restore", "verify", "remove"]
    seconds: float


class _Drilled(TypedDict):
    is_right: bool
    snapshot: Annotated[str, "the backup that was restored"]
    is_current: Annotated[bool, "there was no older one"]
    published_at: float | None
    restored_as: Annotated[str, "where it stood meanwhile"]
    rows: int | None
    bytes: int
    problems: _Problems
    steps: list[_Step]
    seconds: float


class Drill(_Report):
    result: Annotated[_Drilled | None, "what was found, when DONE"]


class _RestoredSnapshot(TypedDict):
    snapshot: str
    rows: int
    bytes: int
    sha256: str
    is_restored: Annotated[bool, "false when it was there, and as it should be"]
    version: Annotated[str | None, "the older version that it was made of"]


class Restored(_Report):
    result: Annotated[_RestoredSnapshot | None, "what was found, when DONE"]
