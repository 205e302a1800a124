"""What the API answers, as values. docs/workflow.md explains each field of a job, docs/api.md the
rest. The fields themselves are in answer_types.py, which is written from the API's own schemas.

Times are epoch seconds where they are numbers, counts are rows. A field that a newer API adds is
left out here and stays in `raw`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Self, TypedDict, TypeVar

from clients.api.answer_types import (
    Change,
    ChangedField,
    Check,
    Completeness,
    Delivery,
    Diff,
    Field,
    Health,
    JobError,
    JobFields,
    LogLine,
    NewToken,
    Notice,
    Parts,
    Pause,
    Phase,
    Preset,
    Production,
    RejectedRow,
    ScheduleState,
    SnapshotFacts,
    Source,
    Status,
    StoredSource,
    Summary,
    Token,
    TooLate,
    Totals,
    Upload,
    Waiting,
    Warned,
    Well,
)
from clients.api.findings import HELD, Finding
from clients.api.words import FINAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "FINAL",
    "Change",
    "ChangedField",
    "Check",
    "Completeness",
    "CsvPage",
    "Delivery",
    "Diff",
    "Export",
    "Fault",
    "Field",
    "Health",
    "Job",
    "JobError",
    "LogLine",
    "NewToken",
    "Notice",
    "Page",
    "Parts",
    "Pause",
    "Phase",
    "Preset",
    "Production",
    "RejectedRow",
    "Row",
    "ScheduleState",
    "SnapshotFacts",
    "Source",
    "Status",
    "StoredSource",
    "Summary",
    "Token",
    "TooLate",
    "Totals",
    "Upload",
    "Waiting",
    "Warned",
    "Well",
    "fault_lines",
]

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class Job(JobFields):
    """One import. What a trigger answers has the first three fields only;
    a list of jobs lacks `events` and `diff`.
    """

    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_view(cls, view: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError when that is no job."""
        names = [each.name for each in fields(cls) if each.name != "raw"]
        values: dict[str, Any] = {}
        for name in names:
            value = view[name] if name in view else None  # noqa: SIM401  no object has no `get`
            if value is not None:
                values[name] = tuple(value) if isinstance(value, list) else value
        findings = values.get("findings", ())
        values["findings"] = tuple(Finding.from_view(finding) for finding in findings)
        return cls(**values, raw=dict(view))

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def state(self) -> str:
        """Its status; HELD of one that FAILED because it is held."""
        return HELD if self.is_held else self.status

    @property
    def is_held(self) -> bool:
        """It ended before anything was published, because of what was found."""
        if self.status != "FAILED" or self.error is None:
            return False
        return self.error["code"] == HELD

    @property
    def waits_for_word(self) -> bool:
        """It is held, and nobody has accepted or discarded it yet."""
        is_discarded = self.discarded_at is not None
        is_accepted = self.retried_by is not None
        return self.is_held and not is_discarded and not is_accepted

    @property
    def holding(self) -> tuple[Finding, ...]:
        """What must be accepted, each by its name."""
        return tuple(each for each in self.findings if each.holds)

    @property
    def checks(self) -> list[str]:
        """The names of these."""
        names = [finding.check for finding in self.holding]
        return list(dict.fromkeys(names))

    @property
    def can_be_accepted(self) -> bool:
        """As far as was known when it was asked for; the API knows in the end."""
        if not self.waits_for_word or self.too_late is not None:
            return False
        if not self.holding:
            return False
        return all(finding.can_be_accepted for finding in self.holding)


class Fault(TypedDict):
    """Of a definition: the key, what is wrong with it, and what to write instead."""

    key: str
    problem: str
    instead: str


def fault_lines(faults: Iterable[Fault]) -> list[str]:
    return [
        f"{fault['key'] or 'the definition'} {fault['problem']}: write {fault['instead']}"
        for fault in faults
    ]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """`next_cursor` asks for the page after; None on the last one.
    `snapshot` names what the rows were read from; None where they are no part of the data, as jobs.
    """

    rows: tuple[Row, ...]
    next_cursor: str | None
    snapshot: str | None = None


class CsvPage(NamedTuple):
    """RFC 4180 with a line of headings."""

    text: str
    next_cursor: str | None
    snapshot: str | None


@dataclass(frozen=True, kw_only=True)
class Export:
    """Where the published database can be read from; whoever has a signed `url` needs no token."""

    url: str = field(repr=False)
    name: str
    rows: int
    bytes: int
    sha256: str
    job_id: str
    created_at: float | None
    expires_at: float | None

    @classmethod
    def from_view(cls, view: Mapping[str, Any]) -> Self:
        """Raises KeyError when that is no export."""
        names = [each.name for each in fields(cls)]
        values = {name: view[name] for name in names}
        return cls(**values)
