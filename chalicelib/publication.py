"""Publication: from the current snapshot to a working copy, and from that to a new snapshot in the warehouse."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import ScratchFull, WarehouseCorrupt, WarehouseUnavailable
from .job_manager import Claim, Snapshot
from .warehouse import Warehouse, sha256_of, snapshot_name

if TYPE_CHECKING:
    from pathlib import Path

    from .job_manager import JobManager

ROOM_FACTOR = 3  # the store is copied, grows, and sorts beside itself

log = logging.getLogger(__name__)


def show_latest(*, job_manager: JobManager, warehouse: Warehouse, made_by: str | None = None) -> None:
    """The stable name follows the pointer, also when the worker died between the two; with `made_by`, only if
    this job made the current snapshot. Raises StateUnavailable, WarehouseUnavailable.
    """
    current = job_manager.current_snapshot()
    if current is None or made_by not in (None, current.job_id):
        return
    if warehouse.latest() != current.name:
        warehouse.set_latest(current.name)


@dataclass(frozen=True, kw_only=True)
class Publication:
    """`directory` is on the worker's own disk. The pointer moves elsewhere, in the transaction that ends the job."""

    warehouse: Warehouse
    directory: Path
    claim: Claim

    def working_copy(self, base: Snapshot | None) -> Path:
        """Where the store to merge into is; there is no file yet before the first import.

        Raises ScratchFull, WarehouseUnavailable, WarehouseCorrupt.
        """
        store = self.directory / "wells.duckdb"
        if base:
            self._check_room(base)
            self.warehouse.fetch(base.name, store)
            if sha256_of(store) != base.sha256:
                raise WarehouseCorrupt
        return store

    def _check_room(self, base: Snapshot) -> None:
        needed, free = ROOM_FACTOR * base.bytes, shutil.disk_usage(self.directory).free
        if free < needed:
            raise ScratchFull(
                f"Merging needs about {needed >> 20:,} MB of local disk and {free >> 20:,} MB are free. Give the "
                "function more ephemeral storage, or WELLHEAD_SCRATCH more room."
            )

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
        """What comes after the pointer has moved; when it fails, the sweeper does it."""
        try:
            self.warehouse.set_latest(snapshot.name)
            for name in segments:
                self.warehouse.remove(name)
        except WarehouseUnavailable as exc:
            log.warning("the import is published, tidying the warehouse failed: %s", exc.message)
