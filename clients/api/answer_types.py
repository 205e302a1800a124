"""What the API answers, as types. Written by `make openapi` from the schemas of the API:
infra/openapi and, for a job, chalicelib/jobs/job.py say what each field is.

Times are epoch seconds where they are numbers, counts are rows. A field of an older server may be
missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clients.api.findings import Finding

Status = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]

Phase = Literal["FETCHING", "MERGING", "CHECKING", "PUBLISHING"]


class JobError(TypedDict):
    code: str
    message: str
    retryable: bool
    phase: Literal["FETCHING", "MERGING", "CHECKING", "PUBLISHING"] | None
    page: int | None
    attempt: int


# `for`: the code of what failed; docs/errors.md lists them
# `until`: epoch seconds
# `try`: which try that will be; 2 is the first that repeats
Waiting = TypedDict("Waiting", {"for": str, "until": float, "try": int})


class Warned(TypedDict):
    rule: str
    count: int
    message: str


class Completeness(TypedDict):
    """The counts are rows; `state` says whether all of them came."""

    state: Literal["proved", "unprovable", "disproved"]
    reason: str
    """A sentence for people; empty when there is nothing to say."""
    announced: int | None
    """Rows that the source counted at the beginning."""
    counted_again: int | None
    """Rows that it counted at the end."""
    delivered: int


class Sum(TypedDict):
    """Volumes of stored periods: thousand barrels, million standard cubic feet."""

    before: float
    after: float


class FieldSum(TypedDict):
    code: int | str
    name: str | None
    column: str
    before: float
    after: float


class Diff(TypedDict):
    """What an import would change, or has changed: rows, and stored volumes of the periods that
    it covers.
    """

    new: int
    updated: int
    unchanged: int
    rejected: int
    withdrawn: int
    covered: int
    """Of an import that withdraws rows: how many are stored of its periods."""
    is_first: bool
    """Nothing was stored before."""
    nulled: dict[str, dict[str, Any]]
    """By column: of so many stored values that the import touches so many turn null."""
    absent: dict[str, dict[str, Any]]
    """By column that lacks a field: values stored, rows that came, those with a value, and the
    stretch of neighbouring rows without one.
    """
    sums: dict[str, Sum]
    """By column: the stored volume of the periods that the import covers, before and after; new
    rows are left out.
    """
    fields: list[FieldSum]
    """The changes of stored volumes that are largest, by field and column."""
    examples: dict[str, list[dict[str, Any]]]
    """By check: a few rows."""


class Parts(TypedDict):
    """Of a source that is read in parts at once."""

    count: int
    """Of the source, each a range of its key."""
    done: int
    """Read to their end."""


class TooLate(TypedDict):
    """Why a held import cannot be accepted any more: a sentence, and the job that was held or
    published since.
    """

    message: str
    held_since: NotRequired[str]
    """The job that was held later."""
    published_by: NotRequired[str]
    """The job that was published later."""
    accept_until: NotRequired[float]
    """Epoch seconds; the week is over."""


class LogLine(TypedDict):
    """A line of the log of a job."""

    at: float
    """Epoch seconds, by the clock of who wrote it."""
    level: Literal["INFO", "WARNING", "ERROR", "CRITICAL"]
    text: str
    attempt: int | None
    """Which worker; null of a line that none wrote."""
    fence: int
    """The number of the newest claim when it was written."""


class Well(TypedDict):
    """One well in one field, with its first and last stored period."""

    source: str | None
    """Name of the source."""
    field_code: str
    """Code of the field, as the source writes it."""
    field_name: str | None
    """Name of the field."""
    well_code: str
    """Code of the well, such as an API number or a UWI, as the source writes it."""
    well_reference: str | None
    """The operator's reference of the well."""
    well_name: str | None
    """Name of the well."""
    first_period: str
    last_period: str
    periods: int


class Field(TypedDict):
    """One field of a source, with its first and last stored period."""

    source: str | None
    """Name of the source."""
    field_code: str
    """Code of the field, as the source writes it."""
    field_name: str | None
    """Name of the field."""
    wells: int
    first_period: str
    last_period: str
    well_periods: int
    """Stored periods of all its wells."""


class Production(TypedDict):
    """One well, in one field, for one period: rates of calendar days. A rate times
    `period_days` is a volume.
    """

    source: str | None
    """Name of the source."""
    field_code: str
    """Code of the field, as the source writes it."""
    field_name: str | None
    """Name of the field."""
    well_code: str
    """Code of the well, such as an API number or a UWI, as the source writes it."""
    well_reference: str | None
    """The operator's reference of the well."""
    well_name: str | None
    """Name of the well."""
    production_period: str
    """First day of the production period."""
    period_days: int
    """Calendar days of the period; null in a file that does not tell them."""
    days_on_production: float | None
    """Days on production in the period (days)."""
    oil_production_kbd: float | None
    """Oil rate (thousand barrels per day)."""
    gas_production_mmcfd: float | None
    """Gas rate (million standard cubic feet per day)."""
    liquids_production_kbd: float | None
    """Liquids rate, oil and condensate (thousand barrels per day)."""
    water_production_kbd: float | None
    """Water rate (thousand barrels per day)."""
    data_source: str | None
    """Where the source has the row from."""
    source_data: str | None
    """The source's own remarks on the row."""
    partition_0: str | None
    """The source's partition."""
    source_rows: int | None
    """Rows of the source in this one."""
    created_at: str
    updated_at: str


class Totals(TypedDict):
    """The sums of one period over `wells` rows. Those of `cut` and `ratio` are in pairs, of the
    wells that have both sides; those of `producing` are for a day on which all wells produce.
    """

    oil_production_kbd: float | None
    """Sum: oil rate (thousand barrels per day)."""
    gas_production_mmcfd: float | None
    """Sum: gas rate (million standard cubic feet per day)."""
    liquids_production_kbd: float | None
    """Sum: liquids rate, oil and condensate (thousand barrels per day)."""
    water_production_kbd: float | None
    """Sum: water rate (thousand barrels per day)."""
    oil_producing_kbd: float | None
    """What the wells of oil_production_kbd make on a day on which all of them produce; null
    where one of them does not tell its days on production.
    """
    gas_producing_mmcfd: float | None
    """What the wells of gas_production_mmcfd make on a day on which all of them produce; null
    where one of them does not tell its days on production.
    """
    liquids_producing_kbd: float | None
    """What the wells of liquids_production_kbd make on a day on which all of them produce; null
    where one of them does not tell its days on production.
    """
    water_producing_kbd: float | None
    """What the wells of water_production_kbd make on a day on which all of them produce; null
    where one of them does not tell its days on production.
    """
    source: str | None
    """Name of the source; * for the sum over all of them."""
    production_period: str
    period_days: int
    """Calendar days of the period; null in a file that does not tell them."""
    wells: int
    cut_water_kbd: float | None
    """Water of the wells that tell water and liquids, or water and oil: the one side of a water
    cut.
    """
    cut_liquids_kbd: float | None
    """Liquids of these wells, or oil of those that tell no liquids: the other side."""
    ratio_gas_mmcfd: float | None
    """Gas of the wells that tell gas and oil: the one side of a gas-oil ratio."""
    ratio_oil_kbd: float | None
    """Oil of these wells: the other side."""


class RejectedRow(TypedDict):
    """A row that an import rejected, and why."""

    page: int
    position: int
    reason: str
    detail: str | None
    raw: str | None
    """Up to 4 KiB of what the source sent."""
    rejected_at: str


class Change(TypedDict):
    """What an import made of a row: its values before and after, null where it was not there."""

    source: str
    """Name of the source."""
    field_code: str
    """Code of the field, as the source writes it."""
    field_name: str | None
    """Name of the field."""
    well_code: str
    """Code of the well, such as an API number or a UWI, as the source writes it."""
    well_name: str | None
    """Name of the well."""
    production_period: str
    """First day of the production period."""
    period_days: int | None
    """Calendar days of the period; null in a file that does not tell them."""
    change: Literal["new", "updated", "withdrawn"]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    differs: list[str]
    """The values that differ."""


class ChangedField(TypedDict):
    """How many rows of a field an import changed, and the volumes of these rows before and
    after: thousand barrels and million standard cubic feet.
    """

    source: str
    """Name of the source."""
    field_code: str
    """Code of the field, as the source writes it."""
    field_name: str | None
    """Name of the field."""
    oil_production_kb_before: float | None
    """Of the changed rows."""
    oil_production_kb_after: float | None
    """Of the changed rows."""
    gas_production_mmcf_before: float | None
    """Of the changed rows."""
    gas_production_mmcf_after: float | None
    """Of the changed rows."""
    liquids_production_kb_before: float | None
    """Of the changed rows."""
    liquids_production_kb_after: float | None
    """Of the changed rows."""
    water_production_kb_before: float | None
    """Of the changed rows."""
    water_production_kb_after: float | None
    """Of the changed rows."""
    new_records: int
    updated_records: int
    withdrawn_records: int


class Token(TypedDict):
    """A token of the API, without what is secret."""

    name: str
    role: Literal["reader", "operator", "admin"] | None
    """Null of a parameter that is no token and lets nobody in."""
    created_at: float | None
    """When it was made, or made again, epoch seconds."""
    expires_at: float | None
    """Null without an end, epoch seconds."""
    last_used_at: float | None
    """Its first use of the day when it was used last; null when never, epoch seconds."""
    previous_until: float | None
    """Until when one that it has replaced works; null when none does, epoch seconds."""


class NewToken(TypedDict):
    """A token that was just made."""

    name: str
    role: Literal["reader", "operator", "admin"]
    token: str
    """In plain text, only in this answer."""
    expires_at: float | None
    """Epoch seconds; null without an end."""
    previous_until: float
    """Until when the one before works, epoch seconds."""


class SnapshotFacts(TypedDict):
    name: str
    rows: int
    bytes: int
    sha256: str
    fence: int
    job_id: str


class StoredSource(TypedDict):
    """What is published of one source."""

    source: str
    """Name of the source."""
    period: Literal["day", "month", "quarter", "year"] | None
    """Length of its periods; null in a file that does not tell it."""
    rows: int
    first_period: str
    last_period: str
    wells: int
    fields: int
    wells_with_gaps: int
    missing_periods: int
    missing_months: int
    replaced_rows: int


class Summary(TypedDict):
    """What is published, and by which import."""

    rows: int
    wells: int | None
    """Null where several sources are stored and none was asked for: two may report the same
    well.
    """
    fields: int | None
    """Null where several sources are stored and none was asked for: two may report the same
    well.
    """
    first_period: str | None
    last_period: str | None
    wells_with_gaps: int | None
    """Null where several sources are stored and none was asked for: two may report the same
    well.
    """
    missing_periods: int | None
    """Null where several sources are stored and none was asked for: two may report the same
    well.
    """
    missing_months: int | None
    """Null where several sources are stored and none was asked for: two may report the same
    well.
    """
    replaced_rows: int
    rejected_rows: int
    sources: list[StoredSource]
    last_import: dict[str, Any] | None
    schema_version: int
    storage_version: str
    snapshot: SnapshotFacts


class Pause(TypedDict):
    at: float
    by: str | None
    """Who paused it; null: its failures."""
    reason: str
    code: str | None
    """Of the last failure."""


class ScheduleState(TypedDict):
    """What becomes of a schedule. Times are epoch seconds."""

    name: str
    next_due: float | None
    """When it is started next; null without a schedule, and in a pause."""
    last_due: float | None
    """The due time that was started last."""
    last_due_job_id: str | None
    """The job that was started for it."""
    skipped: int
    """Due times that were not started: missed before a later one, or in a pause."""
    paused: Pause | None
    """Since when its schedule starts nothing, and why."""


class Source(TypedDict):
    """A source, as a list shows it."""

    name: str
    next_due: float | None
    """When it is started next; null without a schedule, and in a pause."""
    last_due: float | None
    """The due time that was started last."""
    last_due_job_id: str | None
    """The job that was started for it."""
    skipped: int
    """Due times that were not started: missed before a later one, or in a pause."""
    paused: Pause | None
    """Since when its schedule starts nothing, and why."""
    version: int | None
    """Of its definition, from 1 on; null where the settings are the source."""
    is_default: bool
    """The one that a trigger without a source means."""
    adopts: str
    """The earlier source whose rows become this one's; empty: none."""
    kind: Literal["odata", "files"]
    period: Literal["day", "month", "quarter", "year"]
    schedule: str
    """Cron; empty: by hand."""
    timezone: str
    """Of the schedule, a name of the IANA list; empty: UTC."""
    fresh_for: str
    """How old its latest import may be, such as "26 h"; empty: of any age."""
    pause_after: int | None
    """So many imports that fail one after the other pause its schedule."""
    stale_since: float | None
    """When its data grew too old; null while it is fresh."""
    created_at: float | None
    """Epoch seconds."""
    created_by: str | None
    updated_at: float | None
    """Epoch seconds."""
    updated_by: str | None
    is_of_settings: bool
    """The settings WELLHEAD_SOURCE_* are the source."""
    last_import: NotRequired[dict[str, Any] | None]
    """Its latest import that was published."""
    definition: NotRequired[dict[str, Any] | None]
    """As it was written; null where the settings are the source. The query of its address is
    shown only to admins.
    """


class Check(TypedDict):
    """A look at what an import of a definition would find."""

    check_id: str
    status: Literal["PENDING", "RUNNING", "DONE", "FAILED"]
    created_at: float
    error: dict[str, Any] | None
    """Why it FAILED."""
    result: dict[str, Any] | None
    """What was found, when DONE: problems and hints, fields, columns with examples as written
    and as stored, a few rows, and a draft of the definition where it has no columns.
    """


class Delivery(TypedDict):
    channel: Literal["events", "mail", "webhook"]
    state: Literal["WAITING", "SENT", "GIVEN_UP"]
    attempts: int
    due_at: float
    """When WAITING: not before then."""
    at: float | None
    """When it was sent or given up."""
    error: str | None
    """Why the last attempt failed."""


class Notice(TypedDict):
    """That something has happened, and what has become of the news."""

    key: str
    """The same each time that it is sent; of the end of a job its id."""
    kind: str
    """Such as import.completed, import.held, import.failed, import.cancelled."""
    at: float
    """When it happened, epoch seconds."""
    text: str
    """What happened, for people."""
    facts: dict[str, Any]
    """What happened, by kind."""
    state: Literal["WAITING", "SENT", "GIVEN_UP"]
    deliveries: list[Delivery]
    """By channel; none until it was looked at for sending."""


class Upload(TypedDict):
    """How a file is sent, and where it is then."""

    url: str
    """Where the form is sent to, by POST as multipart/form-data."""
    fields: dict[str, str]
    """Of the form, in any order; `file` comes after them and is the last one."""
    address: str
    """Of the file: what a definition writes as url."""
    folder: str
    """Of all files that were sent for the source, for a definition of them."""
    most_bytes: int
    """A longer file is refused, and an empty one."""
    expires_at: int
    """Until when the file may be sent, epoch seconds."""


class Preset(TypedDict):
    """A mapping of a public source that ships with Wellhead."""

    name: str
    """What a definition writes as preset."""
    title: str | None
    publisher: str | None
    address: str | None
    """Where its publisher tells of the data."""
    verified: bool | None
    """It was checked against data as published."""
    checked_against: str | None
    assumed: list[str] | None
    definition: dict[str, Any]
    """Its mapping."""


class Health(TypedDict):
    version: str
    checks: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class JobFields:
    """One import. What a trigger answers has the first three fields only; a list of jobs lacks
    `events` and `diff`.
    """

    job_id: str
    """A UUID of version 7: it sorts by creation."""
    status: Status
    """PENDING and RUNNING go on; the others are final and never change."""
    created_at: float
    """Epoch seconds: when it was triggered."""
    phase: Phase | None = None
    """Of a RUNNING job; a FAILED one keeps the phase it failed in."""
    started_at: float | None = None
    """Epoch seconds: its first claim."""
    completed_at: float | None = None
    """Epoch seconds: its final state."""
    heartbeat_at: float | None = None
    """Epoch seconds: the worker's last sign of life, about every second; none while merging and
    publishing.
    """
    cancel_requested_at: float | None = None
    """Epoch seconds: when somebody asked it to stop; the worker sees it when it next reports
    progress.
    """
    triggered_by: str | None = None
    """The name of the token that started it."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What the trigger was given: `full` when it was true, and the part of the source that was
    asked for.
    """
    retry_of: str | None = None
    """The job that this one goes on from."""
    retried_by: str | None = None
    """The job that goes on from this one; set after its end."""
    rollback_to: str | None = None
    """The snapshot that this job publishes once more; null of an import."""
    source: str | None = None
    """The name of the source that is imported; null in a job from before sources had names."""
    source_version: int | None = None
    """The version of the source's definition that it was started with; null where the settings
    are the source.
    """
    attempt: int = 0
    """How many workers have claimed it."""
    waiting: Waiting | None = None
    """While RUNNING: the source is given time before it is asked again; null otherwise."""
    progress_percentage: float | None = None
    """Null while unknown; never falls; 100 only when COMPLETED."""
    expected_records: int | None = None
    """Rows: what the source announced on its first page."""
    fetched_records: int = 0
    """Rows: fetched so far; falls to the last checkpoint when another worker goes on."""
    new_records: int = 0
    """Rows: 0 until COMPLETED."""
    updated_records: int = 0
    """Rows: 0 until COMPLETED."""
    duplicate_records: int = 0
    """Rows: 0 until COMPLETED."""
    skipped_records: int = 0
    """Rows: those that the definition of the source leaves out, by `where` or `skip`."""
    withdrawn_records: int = 0
    """Rows: stored ones that the source has no more, not among the total; 0 until COMPLETED."""
    failed_records: int = 0
    """Rows: rejected; while RUNNING those among the rows staged so far."""
    parts: Parts | None = None
    """Of a source that is read in parts; null otherwise."""
    stats: Mapping[str, Any] = field(default_factory=dict)
    """Each there when it is known."""
    events: tuple[Mapping[str, Any], ...] = ()
    """The time line; not in a list of jobs."""
    warnings: tuple[Warned, ...] = ()
    """What is odd about the rows, by rule."""
    error: JobError | None = None
    """Why it FAILED."""
    completeness: Completeness | None = None
    """Whether all rows of the source came; null until that was looked at."""
    diff: Diff | None = None
    """What the import would change, or has changed; null until that was looked at; not in a
    list of jobs.
    """
    findings: tuple[Finding, ...] = ()
    """What is odd about the import as a whole; of a job that FAILED with HELD those that hold
    it, too.
    """
    accept_until: float | None = None
    """Epoch seconds: of a held job: until when it can be accepted."""
    accepted: tuple[str, ...] = ()
    """The fingerprints of the findings that this job publishes with."""
    accepted_by: str | None = None
    """The name of the token that accepted them."""
    discarded_at: float | None = None
    """Epoch seconds: when somebody discarded the held job."""
    discarded_by: str | None = None
    """The name of the token that discarded it."""
    total_records: int = 0
    """Rows: new, updated, duplicate, failed and skipped rows; equals `fetched_records` when
    COMPLETED.
    """
    too_late: TooLate | None = None
    """Of a held job that nobody has accepted or discarded: why it cannot be accepted any more,
    as an accept would be refused; null while it can.
    """
    execution_time_seconds: float | None = None
    """Seconds: from the first claim until now or the end, waiting for a next worker included.
    """
    records_per_second: float | None = None
    """`fetched_records` by `execution_time_seconds`."""
    estimated_completion_at: float | None = None
    """Epoch seconds: while RUNNING, from the progress so far; null without an expected count.
    """
