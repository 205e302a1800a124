"""Publication: how the rows of an import become what is published. Here into a file: from the current snapshot to a
working copy, and from that to a new snapshot in the warehouse; lake_publication.py does the same with a lake.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.errors import ScratchFull, StoreDiffers, WarehouseCorrupt, WarehouseUnavailable
from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.jobs.ownership import owns
from chalicelib.warehouse.names import Warehouse, sha256_of, snapshot_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chalicelib.jobs.manager import JobManager
    from chalicelib.store.repository import Looks, MergeResult, RunFacts

# Bytes of local disk, rounded up from 1,000,000 rows, sorted and in no order, imported first, again, and again with all
# of them revised, at 100 and 300 MB of memory. A row of the store took 25 to 48 bytes, so three times the store is its
# copy, what it grows by, and the copy without free room.
STAGED_ROW_BYTES = 128  # 32 to 59 where they lie; rows with long remarks take more
MERGED_ROW_BYTES = 288  # beside the segments: 1 to 71; with all revised, 130 to 270
STORE_FACTOR = 3
FILE_ROW_BYTES = 48  # of a store, where none is there to be looked at
MERGE_ROWS_PER_SECOND = 20_000  # a tenth of what two slow cores merge
PUBLISH_BYTES_PER_SECOND = 5 << 20  # the same for verifying, hashing and copying

log = logging.getLogger(__name__)


def show_latest(*, job_manager: JobManager, warehouse: Warehouse, made_by: str | None = None) -> None:
    """The stable name follows the pointer, also when the worker died between the two; with `made_by`, only if
    this job made the current snapshot. Not in a warehouse of another table. Raises StateUnavailable,
    WarehouseUnavailable.
    """
    current = job_manager.current_snapshot()
    if current is None or current.is_lake or made_by not in (None, current.job_id):
        return
    if warehouse.latest() != current.name and owns(job_manager=job_manager, warehouse=warehouse):
        warehouse.set_latest(current.name)


def check_room(directory: Path, base: Snapshot | None, *, to_stage: int, to_merge: int) -> None:
    """Whether local disk takes the rows still to be staged, and the merge of all. Raises ScratchFull."""
    for_rows = to_stage * STAGED_ROW_BYTES + to_merge * MERGED_ROW_BYTES
    for_store = STORE_FACTOR * base.bytes if base else 0
    free = shutil.disk_usage(directory).free
    if free < for_rows + for_store:
        raise ScratchFull(
            f"This import needs about {for_rows + for_store >> 20:,} MB of local disk, {for_rows >> 20:,} MB for "
            f"{to_merge:,} rows and {for_store >> 20:,} MB for the database, and {free >> 20:,} MB are free. Give the "
            "function more ephemeral storage, or WELLHEAD_SCRATCH more room."
        )


def merge_seconds(base: Snapshot | None, *, rows: int) -> float:
    """How long the merge of so many rows may take at most."""
    return (rows + (base.rows if base else 0)) / MERGE_ROWS_PER_SECOND


def publish_seconds(store: Path) -> float:
    """How long it may take at most to verify the store and to put it into the warehouse."""
    return store.stat().st_size / PUBLISH_BYTES_PER_SECOND


class Publication(Protocol):
    """The pointer moves elsewhere, in the transaction that ends the job. What an import may do after `merge`, judge it
    and hold it, leaves nothing where somebody reads.
    """

    def merge_seconds(self, base: Snapshot | None, *, rows: int) -> float:
        """How long the merge of so many rows may take at most."""

    def merge(self, repository: Any, base: Snapshot | None, facts: RunFacts, looks: Looks, *, rows: int) -> MergeResult:
        """What becomes of all that is staged, `rows` as the source counts them."""

    def publish_seconds(self) -> float:
        """How long `publish` may take at most."""

    def publish(self, repository: Any, merged: MergeResult, *, beat: Callable[[], object]) -> Snapshot:
        """A new snapshot that nothing points at yet; it holds what it should, or PublishRefused is raised. `beat` is
        called between its steps, and may stop it.
        """

    def follow(self, snapshot: Snapshot, *, segments: list[str]) -> None:
        """What comes after the pointer has moved; what fails of it, the sweeper does."""


@dataclass(kw_only=True)
class FilePublication:
    """`directory` is on the worker's own disk. With `copy_lake` what lies in a lake becomes a file, at a path."""

    warehouse: Warehouse
    directory: Path
    claim: Claim
    copy_lake: Callable[[Snapshot, Path, Path], None] | None = None

    @property
    def store(self) -> Path:
        """The working copy."""
        return self.directory / "wells.duckdb"

    def merge_seconds(self, base: Snapshot | None, *, rows: int) -> float:
        return merge_seconds(base, rows=rows)

    def merge(self, repository: Any, base: Snapshot | None, facts: RunFacts, looks: Looks, *, rows: int) -> MergeResult:
        store = self.working_copy(base, rows=rows)
        merged: MergeResult = repository.merge(store, facts, **vars(looks))
        return merged

    def publish_seconds(self) -> float:
        return publish_seconds(self.store)

    def publish(self, repository: Any, merged: MergeResult, *, beat: Callable[[], object]) -> Snapshot:  # noqa: ARG002
        """Its lease is as long as it takes: there is no beat in between."""
        repository.verify(self.store, rows=merged.stored_records)
        return self.put(self.store, rows=merged.stored_records)

    def working_copy(self, base: Snapshot | None, *, rows: int) -> Path:
        """Where the store to merge so many rows into is; there is no file yet before the first import.

        Raises ScratchFull, WarehouseUnavailable, WarehouseCorrupt, StoreDiffers.
        """
        store = self.store
        if base and base.is_lake:
            return self._copy_of_lake(base, rows=rows)
        check_room(self.directory, base, to_stage=0, to_merge=rows)
        if base:
            self.warehouse.fetch(base.name, store)
            if sha256_of(store) != base.sha256:
                raise WarehouseCorrupt
        return store

    def _copy_of_lake(self, base: Snapshot, *, rows: int) -> Path:
        if self.copy_lake is None:
            raise StoreDiffers
        check_room(self.directory, replace(base, bytes=base.rows * FILE_ROW_BYTES), to_stage=0, to_merge=rows)
        self.copy_lake(base, self.store, self.directory)
        return self.store

    def put(self, store: Path, *, rows: int) -> Snapshot:
        """The closed store as a new file under a name with the claim's fence. Raises WarehouseUnavailable."""
        snapshot = Snapshot(
            name=snapshot_name(self.claim.fence, self.claim.job.job_id),
            fence=self.claim.fence,
            rows=rows,
            bytes=store.stat().st_size,
            sha256=sha256_of(store),
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
        remove_segments(self.warehouse, segments)


def remove_segments(warehouse: Warehouse, segments: list[str]) -> None:
    """Of an import that is published."""
    try:
        for name in segments:
            warehouse.remove(name)
    except WarehouseUnavailable as exc:
        log.warning("the import is published, its segments could not be removed: %s", exc.message)
