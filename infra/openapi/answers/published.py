"""What is answered of what is published: the snapshot, its figures, and where it can be read."""

from typing import Annotated, TypedDict

from .kinds import Address, Day, Moment, PeriodLength, Sha256, Uuid

_Expiry = Annotated[float | None, "epoch seconds; null for a file"]
_OfWells = Annotated[
    int | None,
    "null where several sources are stored and none was asked for: two may report the same well",
]


class Snapshot(TypedDict):
    """What the rows were read from."""

    name: str
    fence: int
    job_id: Uuid


class _File(TypedDict):
    name: str
    rows: int
    bytes: int
    sha256: Sha256


class _CurrentSnapshot(_File):
    fence: int
    job_id: Uuid


class StoredSource(TypedDict):
    """What is published of one source."""

    source: Annotated[str, "name of the source"]
    period: Annotated[
        PeriodLength | None, "length of its periods; null in a file that does not tell it"
    ]
    rows: int
    first_period: Day
    last_period: Day
    wells: int
    fields: int
    wells_with_gaps: int
    missing_periods: int
    missing_months: int
    replaced_rows: int


class LastImport(TypedDict):
    job_id: Uuid
    source: str
    triggered_by: str
    started_at: Moment
    merged_at: Moment
    new_records: int
    updated_records: int
    duplicate_records: int
    failed_records: int
    expected_records: int | None
    warnings: Annotated[dict[str, int], "rule: count"]


class Summary(TypedDict):
    """What is published, and by which import."""

    rows: int
    wells: _OfWells
    fields: _OfWells
    first_period: Day | None
    last_period: Day | None
    wells_with_gaps: _OfWells
    missing_periods: _OfWells
    missing_months: _OfWells
    replaced_rows: int
    rejected_rows: int
    sources: list[StoredSource]
    last_import: LastImport | None
    schema_version: int
    storage_version: str
    snapshot: _CurrentSnapshot


class Export(_File):
    url: Address
    expires_at: _Expiry
    created_at: Annotated[float | None, "when the import completed, epoch seconds"]
    job_id: Uuid


class ListFile(_File):
    url: Address
    expires_at: _Expiry
    snapshot: Snapshot
