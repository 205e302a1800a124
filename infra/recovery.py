"""What an operator does with AWS credentials of his own, when the API cannot:
a table that came back from a backup, a warehouse that moves, a warehouse whose table was lost.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chalicelib.imports.rollback import read_snapshot
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import ABSENT, CURRENT, LOCK, Lease, Snapshot, published_key
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.ownership import take_over
from chalicelib.jobs.table import ConditionRefused, Table
from chalicelib.warehouse.names import (
    SNAPSHOTS,
    Warehouse,
    fence_of,
    is_fenced,
    is_of_lake,
    sha256_of,
)

FENCES = 1_000_000  # more than were given since the moment that is restored
COPIED = ("JOB", "WAREHOUSE", "SOURCE", "SOURCE_VERSION")


class RecoveryError(Exception):
    """It cannot be done now; the message says why."""


def manager_of(dynamodb: Any, table: str) -> JobManager:
    return JobManager(
        table=Table(dynamodb=dynamodb, name=table),
        lease=Lease(),
    )


def restore_table(dynamodb: Any, *, table: str, restored: str) -> int:
    """How many items of the restored table were copied: jobs that had ended, pointer, sources. The
    lock is not one of them, its fence must never fall; where the table has none, it gets one beyond
    all that were given. Raises RecoveryError.
    """
    current = dynamodb.get_item(
        TableName=table,
        Key=to_item(dict(LOCK)),
        ConsistentRead=True,
    ).get("Item", {})
    if "owner" in current:
        raise RecoveryError("An import is running; wait for its end.")
    pages = dynamodb.get_paginator("scan").paginate(TableName=restored, ConsistentRead=True)
    items = [item for page in pages for item in page["Items"]]
    wanted = [item for item in items if item["pk"]["S"] in COPIED and not _is_open(item)]
    for item in wanted:
        dynamodb.put_item(TableName=table, Item=item)
    if not current:
        fence = max((_fence_of(item) for item in items), default=0) + FENCES
        dynamodb.put_item(TableName=table, Item=to_item({**LOCK, "fence": fence}))
    return len(wanted)


def _is_open(item: Mapping[str, Any]) -> bool:
    """Its worker is gone."""
    if item["pk"]["S"] != "JOB" or "status" not in item:
        return False
    return not JobStatus(item["status"]["S"]).final


def _fence_of(item: Mapping[str, Any]) -> int:
    fence = item.get("fence", {"N": "0"})
    return int(fence["N"])


def move_warehouse(job_manager: JobManager, old: Warehouse, new: Warehouse) -> Snapshot:
    """The current snapshot is copied, looked at on its way, and its stable name set; the pointer
    stays as it is: it names the file relative to the warehouse. Raises RecoveryError,
    WarehouseUnavailable.
    """
    _refuse_running(job_manager)
    current = job_manager.current_snapshot()
    if current is None:
        raise RecoveryError(
            "Nothing is published yet: name the new warehouse in the settings, and import."
        )
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "moving")
        old.fetch(current.name, file)
        if sha256_of(file) != current.sha256:
            raise RecoveryError("The published file is not what was published. Restore it first.")
        new.put(current.name, file, sha256=current.sha256)
    if not current.is_lake:
        new.set_latest(current.name)
    return current


def take_warehouse(
    job_manager: JobManager, warehouse: Warehouse, *, name: str | None = None
) -> Snapshot | None:
    """The warehouse is this table's from now on. A table that points at nothing gets a pointer to
    the snapshot of this name, or to the newest one; None where the warehouse has none. Raises
    RecoveryError, WarehouseUnavailable, WarehouseOwned, WarehouseCorrupt.
    """
    _refuse_running(job_manager)
    current = job_manager.current_snapshot()
    if current and name not in (None, current.name):
        raise RecoveryError(
            "The table points at a snapshot already. Go back to another one: wellhead ops rollback."
        )
    if current is None and (chosen := name or _newest(warehouse)):
        current = _point_at(job_manager, warehouse, chosen)
    take_over(job_manager=job_manager, warehouse=warehouse)
    if current and not is_of_lake(current.name):
        warehouse.set_latest(current.name)
    return current


def _newest(warehouse: Warehouse) -> str | None:
    names = [name for name in warehouse.names(SNAPSHOTS) if is_fenced(name)]
    return max(names, key=fence_of, default=None)


def _point_at(job_manager: JobManager, warehouse: Warehouse, name: str) -> Snapshot:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "snapshot")
        warehouse.fetch(name, file)
        snapshot = read_snapshot(name, file, sha256=sha256_of(file))
    table = job_manager.table
    keys = (CURRENT, published_key(name))
    try:
        table.transact([table.put({**key, **asdict(snapshot)}, when=ABSENT) for key in keys])
    except ConditionRefused as exc:
        raise RecoveryError(
            "Somebody has published meanwhile. Look at it: wellhead ops status."
        ) from exc
    return snapshot


def _refuse_running(job_manager: JobManager) -> None:
    if job_manager.lock().owner:
        raise RecoveryError("An import is running; wait for its end.")
