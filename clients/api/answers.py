"""What the API answers, as values. docs/workflow.md explains each field of a job, docs/api.md the
rest.

Times are epoch seconds where they are numbers, counts are rows. A field that a newer API adds is
left out here and stays in `raw`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NotRequired,
    Self,
    TypedDict,
    TypeVar,
)

from clients.api.findings import HELD, Finding
from clients.api.words import FINAL, Phase, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Row = TypeVar("Row")


class JobError(TypedDict):
    code: str
    message: str
    retryable: bool
    phase: Phase | None
    page: int | None
    attempt: int


# A code, epoch s of the API's clock, from 2.
Waiting = TypedDict("Waiting", {"for": str, "until": float, "try": int})


class Warned(TypedDict):
    rule: str
    count: int
    message: str


class Completeness(TypedDict, total=False):
    """`state` is proved, unprovable or disproved; the counts are rows."""

    state: str
    reason: str | None
    announced: int | None
    counted_again: int | None
    delivered: int | None


class Sum(TypedDict):
    """Volumes of stored periods: thousand barrels, million standard cubic feet."""

    before: float
    after: float


class FieldSum(Sum):
    code: str
    name: str | None
    column: str


class Diff(TypedDict, total=False):
    """What an import would change, or has changed:
    rows, and stored volumes of the periods that it covers.
    """

    new: int
    updated: int
    unchanged: int
    rejected: int
    is_first: bool
    nulled: dict[str, dict[str, int]]
    sums: dict[str, Sum]
    fields: list[FieldSum]
    examples: dict[str, list[dict[str, Any]]]


class Parts(TypedDict):
    """Of a source that is read in parts at once:
    how many there are, and how many are read to their end.
    """

    count: int
    done: int


class TooLate(TypedDict, total=False):
    """Why a held import cannot be accepted any more:
    a sentence, and the job that was held or published since.
    """

    message: str
    held_since: str
    published_by: str
    accept_until: float


@dataclass(frozen=True, kw_only=True)
class Job:
    """One import. What a trigger answers has the first three fields alone;
    a list of jobs lacks `events` and `diff`.
    """

    job_id: str
    status: Status
    created_at: float
    phase: Phase | None = None
    started_at: float | None = None
    completed_at: float | None = None
    heartbeat_at: float | None = None
    cancel_requested_at: float | None = None
    triggered_by: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    source: str | None = None
    source_version: int | None = None
    retry_of: str | None = None
    retried_by: str | None = None
    rollback_to: str | None = None
    attempt: int = 0
    waiting: Waiting | None = None
    parts: Parts | None = None
    progress_percentage: float | None = None
    expected_records: int | None = None
    fetched_records: int = 0
    new_records: int = 0
    updated_records: int = 0
    duplicate_records: int = 0
    skipped_records: int = 0
    withdrawn_records: int = 0
    failed_records: int = 0
    total_records: int = 0
    records_per_second: float | None = None
    execution_time_seconds: float | None = None
    estimated_completion_at: float | None = None
    stats: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[Warned, ...] = ()
    error: JobError | None = None
    findings: tuple[Finding, ...] = ()
    accept_until: float | None = None
    too_late: TooLate | None = None
    accepted_by: str | None = None
    accepted: tuple[str, ...] = ()
    discarded_at: float | None = None
    discarded_by: str | None = None
    completeness: Completeness | None = None
    diff: Diff | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_view(cls, view: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError when that is no job."""
        names = [each.name for each in fields(cls) if each.name != "raw"]
        values = {name: view[name] for name in names if name in view}
        for name in ("events", "warnings", "accepted"):
            values[name] = tuple(values.get(name) or ())
        findings = values.get("findings") or ()
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
        return self.status == "FAILED" and self.error is not None and self.error["code"] == HELD

    @property
    def waits_for_word(self) -> bool:
        """It is held, and nobody has accepted or discarded it yet."""
        return self.is_held and self.discarded_at is None and self.retried_by is None

    @property
    def holding(self) -> tuple[Finding, ...]:
        """What must be accepted, each by its name."""
        return tuple(each for each in self.findings if each.holds)

    @property
    def checks(self) -> list[str]:
        """The names of these."""
        return list(dict.fromkeys(finding.check for finding in self.holding))

    @property
    def can_be_accepted(self) -> bool:
        """As far as was known when it was asked for; the API knows in the end."""
        is_open = self.waits_for_word and self.too_late is None
        return is_open and bool(self.holding) and all(each.can_be_accepted for each in self.holding)


class Well(TypedDict):
    """One well in one field; the periods are days, such as 2024-01-01.
    Codes are text, as the source writes them.
    """

    source: str | None
    field_code: str
    field_name: str | None
    well_code: str
    well_reference: str | None
    well_name: str | None
    first_period: str
    last_period: str
    periods: int


class Field(TypedDict):
    """One field of a source; `well_periods` are the stored periods of all its wells."""

    source: str | None
    field_code: str
    field_name: str | None
    wells: int
    first_period: str
    last_period: str
    well_periods: int


class Production(TypedDict):
    """One well, in one field, for one period. Oil, liquids and water in thousand barrels a day, gas
    in million standard cubic feet a day; a rate times `period_days` (calendar days) is a volume. It
    sums so many `source_rows`.
    """

    source: str | None
    field_code: str
    field_name: str | None
    well_code: str
    well_reference: str | None
    well_name: str | None
    production_period: str
    period_days: int
    days_on_production: float | None
    oil_production_kbd: float | None
    gas_production_mmcfd: float | None
    liquids_production_kbd: float | None
    water_production_kbd: float | None
    data_source: str | None
    source_data: str | None
    partition_0: str | None
    source_rows: int | None
    created_at: str
    updated_at: str


class Totals(TypedDict):
    """The sums of one period over `wells` rows, in the units of Production. Those of `cut` and
    `ratio` are in pairs, of the wells that tell both sides; those of `producing` are for a day on
    which all wells produce. An older server tells none of these.
    """

    source: str | None
    production_period: str
    period_days: int
    wells: int
    oil_production_kbd: float | None
    gas_production_mmcfd: float | None
    liquids_production_kbd: float | None
    water_production_kbd: float | None
    cut_water_kbd: NotRequired[float | None]
    cut_liquids_kbd: NotRequired[float | None]
    ratio_gas_mmcfd: NotRequired[float | None]
    ratio_oil_kbd: NotRequired[float | None]
    oil_producing_kbd: NotRequired[float | None]
    gas_producing_mmcfd: NotRequired[float | None]
    liquids_producing_kbd: NotRequired[float | None]
    water_producing_kbd: NotRequired[float | None]


class RejectedRow(TypedDict):
    page: int
    position: int
    reason: str
    detail: str
    raw: str
    rejected_at: str


class LogLine(TypedDict):
    """`at` is by the clock of who wrote it; `attempt` is None of a line that no worker wrote."""

    at: float
    level: str
    text: str
    attempt: int | None
    fence: int


class Token(TypedDict):
    """`role` is None of a parameter that is no token,
    `last_used_at` the first use of the day when it was used last.
    """

    name: str
    role: str | None
    created_at: float | None
    expires_at: float | None
    last_used_at: float | None
    previous_until: float | None


class NewToken(TypedDict):
    """`token` is told this once; `previous_until` is until when the one before works."""

    name: str
    role: str
    token: str
    expires_at: float | None
    previous_until: float


class Change(TypedDict):
    """What an import made of a row. `before` and `after` hold its values,
    None where it was not there; `differs` are the names of those that are others.
    """

    change: Literal["new", "updated", "withdrawn"]
    source: str
    field_code: str
    field_name: str | None
    well_code: str
    well_name: str | None
    production_period: str
    period_days: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    differs: list[str]


class ChangedField(TypedDict):
    """How many rows of a field an import changed, and the volumes of these rows before and after,
    thousand barrels and million standard cubic feet.
    """

    source: str
    field_code: str
    field_name: str | None
    new_records: int
    updated_records: int
    withdrawn_records: int
    oil_production_kb_before: float | None
    oil_production_kb_after: float | None
    gas_production_mmcf_before: float | None
    gas_production_mmcf_after: float | None
    liquids_production_kb_before: float | None
    liquids_production_kb_after: float | None
    water_production_kb_before: float | None
    water_production_kb_after: float | None


class SnapshotFacts(TypedDict):
    name: str
    fence: int
    rows: int
    bytes: int
    sha256: str
    job_id: str


class Pause(TypedDict):
    """`by` is who paused it, None where its failures did; then `code` is that of the last one."""

    at: float
    by: str | None
    reason: str
    code: str | None


class ScheduleState(TypedDict):
    """What becomes of a schedule.
    Times are epoch seconds; `skipped` counts the due times that were not started.
    """

    name: str
    next_due: float | None
    last_due: float | None
    last_due_job_id: str | None
    skipped: int
    paused: Pause | None


class Source(ScheduleState):
    """`version` is that of its definition, None where the settings of the stack are the source.
    A list has no `definition`, and one source alone no `last_import`.
    """

    version: int | None
    is_default: bool
    adopts: str
    kind: str
    period: str
    schedule: str
    timezone: str
    fresh_for: str
    pause_after: int | None
    stale_since: float | None
    created_at: float | None
    created_by: str | None
    updated_at: float | None
    updated_by: str | None
    is_of_settings: bool
    last_import: NotRequired[dict[str, Any] | None]
    definition: NotRequired[dict[str, Any] | None]


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


class Check(TypedDict):
    """`status` is PENDING, RUNNING, DONE or FAILED; `result` is what was found (docs/api.md)."""

    check_id: str
    status: str
    created_at: float
    error: dict[str, str] | None
    result: dict[str, Any] | None


class Delivery(TypedDict):
    """Of a notice on one channel; `state` is WAITING, SENT or GIVEN_UP."""

    channel: str
    state: str
    attempts: int
    due_at: float
    at: float | None
    error: str | None


class Notice(TypedDict):
    """That something has happened, and what has become of telling it (docs/notices.md)."""

    key: str
    kind: str
    at: float
    text: str
    facts: dict[str, Any]
    state: str
    deliveries: list[Delivery]


class Upload(TypedDict):
    """How a file is sent, and `address`, where it is then;
    `folder` is that of all files of its source.
    """

    url: str
    fields: dict[str, str]
    address: str
    folder: str
    most_bytes: int
    expires_at: int


class Preset(TypedDict):
    name: str
    title: str | None
    publisher: str | None
    address: str | None
    verified: bool | None
    checked_against: str | None
    assumed: list[str] | None
    definition: dict[str, Any]


class StoredSource(TypedDict):
    """`period` is day, month, quarter or year; None where the file does not tell."""

    source: str
    period: str | None
    rows: int
    first_period: str | None
    last_period: str | None
    wells: NotRequired[int]
    fields: NotRequired[int]
    wells_with_gaps: NotRequired[int]
    missing_periods: NotRequired[int]
    missing_months: NotRequired[int]
    replaced_rows: NotRequired[int]


class Summary(TypedDict):
    rows: int
    wells: int | None
    fields: int | None
    first_period: str | None
    last_period: str | None
    wells_with_gaps: int | None
    missing_periods: NotRequired[int | None]
    missing_months: int | None
    replaced_rows: int
    rejected_rows: int
    last_import: dict[str, Any] | None
    sources: NotRequired[list[StoredSource]]
    schema_version: int
    storage_version: str
    snapshot: SnapshotFacts


class Health(TypedDict):
    version: NotRequired[str]
    checks: dict[str, str]


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
        return cls(**{each.name: view[each.name] for each in fields(cls)})
