"""Publication: from the current snapshot to a working copy, and from that to a new snapshot in the warehouse."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import WarehouseCorrupt, WarehouseUnavailable
from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.jobs.ownership import owns
from chalicelib.store.blocks import Blocks, read_blocks
from chalicelib.store.room import LEAST_ROW, ask_for_room, room_of_merge
from chalicelib.warehouse.names import Warehouse, snapshot_name

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.manager import JobManager

MERGE_ROWS_PER_SECOND = 20_000  # a tenth of what two slow cores merge
PUBLISH_BYTES_PER_SECOND = 5 << 20  # the same for verifying, hashing and copying

log = logging.getLogger(__name__)


def show_latest(*, job_manager: JobManager, warehouse: Warehouse, made_by: str | None = None) -> None:
    """The stable name follows the pointer, also when the worker died between the two; with `made_by`, only if
    this job made the current snapshot. Not in a warehouse of another table. Raises StateUnavailable,
    WarehouseUnavailable.
    """
    current = job_manager.current_snapshot()
    if current is None or made_by not in (None, current.job_id):
        return
    if warehouse.latest() != current.name and owns(job_manager=job_manager, warehouse=warehouse):
        warehouse.set_latest(current.name)


def check_room(directory: Path, base: Snapshot | None, *, to_stage: int, staged_bytes: int) -> None:
    """Whether local disk takes what is certain to come: at least some bytes for each row still to be staged, a copy of
    the database, and before there is one all rows. What is staged is on it already. Raises ScratchFull.
    """
    for_segments = to_stage * LEAST_ROW
    size = base.bytes if base else 0
    for_rows = 0.0 if base else room_of_merge(staged_bytes + for_segments, rows=1, new=1, revised=0)
    told = f"{int(for_segments + for_rows) >> 20:,} MB for rows and {size >> 20:,} MB for the database"
    if to_stage:
        told = f"at least {told}, with {to_stage:,} rows still to come"
    ask_for_room(directory, for_segments + for_rows + size, told)


def merge_seconds(base: Snapshot | None, *, rows: int) -> float:
    """How long the merge of so many rows may take at most."""
    return (rows + (base.rows if base else 0)) / MERGE_ROWS_PER_SECOND


def publish_seconds(store: Path) -> float:
    """How long it may take at most to verify the store and to put it into the warehouse."""
    return store.stat().st_size / PUBLISH_BYTES_PER_SECOND


@dataclass(frozen=True, kw_only=True)
class WorkingCopy:
    """The store to merge into, and what each block of it was when it came; without a base there is no file yet."""

    path: Path
    base: Blocks | None = None


@dataclass(frozen=True, kw_only=True)
class Publication:
    """`directory` is on the worker's own disk. The pointer moves elsewhere, in the transaction that ends the job."""

    warehouse: Warehouse
    directory: Path
    claim: Claim

    def working_copy(self, base: Snapshot | None, *, staged_bytes: int) -> WorkingCopy:
        """The store to merge the staged rows into; there is no file yet before the first import.

        Raises ScratchFull, WarehouseUnavailable, WarehouseCorrupt.
        """
        store = self.directory / "wells.duckdb"
        check_room(self.directory, base, to_stage=0, staged_bytes=staged_bytes)
        if base is None:
            return WorkingCopy(path=store)
        self.warehouse.fetch(base.name, store)
        blocks = read_blocks(store)
        if blocks.sha256 != base.sha256:
            raise WarehouseCorrupt
        return WorkingCopy(path=store, base=blocks)

    def put(self, store: Path, *, rows: int, sha256: str) -> Snapshot:
        """The closed store as a new file under a name with the claim's fence. Raises WarehouseUnavailable."""
        snapshot = Snapshot(
            name=snapshot_name(self.claim.fence, self.claim.job.job_id),
            fence=self.claim.fence,
            rows=rows,
            bytes=store.stat().st_size,
            sha256=sha256,
            job_id=self.claim.job.job_id,
        )
        self.warehouse.put(snapshot.name, store, sha256=snapshot.sha256)
        return snapshot

    def follow(self, snapshot: Snapshot, *, segments: list[str]) -> None:
        """What comes after the pointer has moved; what fails of it, the sweeper does."""
        try:
            self.warehouse.set_latest(snapshot.name)
        except WarehouseUnavailable as exc:
            told = "the import is published, and the stable name still holds the old snapshot: %s"
            log.error(told, exc.message, extra={"code": exc.code})  # noqa: TRY400  the cause says no more
        try:
            for name in segments:
                self.warehouse.remove(name)
        except WarehouseUnavailable as exc:
            log.warning("the import is published, its segments could not be removed: %s", exc.message)
