"""What an operator is answered: how everything is, and which snapshots are kept."""

from typing import Annotated, Literal, TypedDict

from .kinds import JobSummary, Uuid


class Health(TypedDict):
    version: str
    checks: dict[str, str]


class KeptSnapshot(TypedDict):
    name: str
    job_id: str
    fence: int
    published_at: float | None
    triggered_by: str | None
    rollback_to: Annotated[
        str | None, "the snapshot that it is a copy of, where a rollback published it"
    ]
    rows: Annotated[
        int | None,
        "null of what was published before this was kept; so are bytes and sha256",
    ]
    bytes: int | None
    sha256: str | None
    store: Literal["file", "iceberg"]
    is_current: bool
    is_there: Annotated[bool | None, "whether the warehouse has its file; null where nobody looked"]


class SnapshotList(TypedDict):
    snapshots: list[KeptSnapshot]


class _Lock(TypedDict):
    fence: Annotated[int, "how many claims there were"]
    job_id: Annotated[str | None, "the job that has the lock; null while it is free"]
    since: float | None
    holder: Annotated[str | None, "the worker of that job; null while it waits for one"]
    lease_until: float | None
    is_over: Annotated[bool, "the lease is over: the sweeper takes the job up"]


class _Sweeper(TypedDict):
    at: Annotated[float | None, "when it was last at work; null before the first time"]


class _Failure(TypedDict):
    job_id: Uuid
    source: str | None
    rollback_to: str | None
    completed_at: float | None
    code: str | None
    message: str | None


class OpsStatus(TypedDict):
    version: str
    is_healthy: bool
    checks: Annotated[dict[str, str], "as GET /health tells them"]
    lock: _Lock
    running: Annotated[JobSummary | None, "the job that has the lock"]
    snapshot: Annotated[KeptSnapshot | None, "what is published"]
    sweeper: _Sweeper
    last_failures: Annotated[list[_Failure], "the newest jobs that FAILED"]
