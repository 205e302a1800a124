"""What is answered of sources: what they are, and what becomes of their schedules."""

from typing import Annotated, Any, Literal, TypedDict

from .kinds import PeriodLength, Uuid

_EpochOrNone = Annotated[float | None, "epoch seconds"]


class _Pause(TypedDict):
    at: float
    by: Annotated[str | None, "who paused it; null: its failures"]
    reason: str
    code: Annotated[str | None, "of the last failure"]


class _Schedule(TypedDict):
    next_due: Annotated[
        float | None, "when it is started next; null without a schedule, and in a pause"
    ]
    last_due: Annotated[float | None, "the due time that was started last"]
    last_due_job_id: Annotated[str | None, "the job that was started for it"]
    skipped: Annotated[
        int, "due times that were not started: missed before a later one, or in a pause"
    ]
    paused: Annotated[_Pause | None, "since when its schedule starts nothing, and why"]


class _Named(TypedDict):
    name: str


class ScheduleState(_Named, _Schedule):
    """What becomes of a schedule. Times are epoch seconds."""


class _Defined(_Named, _Schedule):
    version: Annotated[
        int | None, "of its definition, from 1 on; null where the settings are the source"
    ]
    is_default: Annotated[bool, "the one that a trigger without a source means"]
    adopts: Annotated[str, "the earlier source whose rows become this one's; empty: none"]
    kind: Literal["odata", "files"]
    period: PeriodLength
    schedule: Annotated[str, "cron; empty: by hand"]
    timezone: Annotated[str, "of the schedule, a name of the IANA list; empty: UTC"]
    fresh_for: Annotated[str, 'how old its latest import may be, such as "26 h"; empty: of any age']
    pause_after: Annotated[
        int | None, "so many imports that fail one after the other pause its schedule"
    ]
    stale_since: Annotated[float | None, "when its data grew too old; null while it is fresh"]
    created_at: _EpochOrNone
    created_by: str | None
    updated_at: _EpochOrNone
    updated_by: str | None
    is_of_settings: Annotated[bool, "the settings WELLHEAD_SOURCE_* are the source"]


class _LatestImport(TypedDict):
    job_id: Uuid
    at: float


class SourceSummary(_Defined):
    """A source, as a list shows it."""

    last_import: Annotated[_LatestImport | None, "its latest import that was published"]


class DefinedSource(_Defined):
    """A source and its definition."""

    definition: Annotated[
        dict[str, Any] | None,
        "as it was written; null where the settings are the source. The query of its address is "
        "shown only to admins",
    ]


class SourceList(TypedDict):
    sources: list[SourceSummary]


class DeletedSource(_Named):
    version: int
