"""Publication: how the rows of an import become what is published. Here into a file: from the
current snapshot to a working copy, and from that to a new snapshot in the warehouse;
lake_publication.py does the same with a lake.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.errors import StoreDiffers, WarehouseCorrupt, WarehouseUnavailable
from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.jobs.ownership import owns
from chalicelib.store.blocks import Blocks, read_blocks
from chalicelib.store.room import LEAST_ROW, ask_for_room, room_of_merge
from chalicelib.warehouse.names import Warehouse, snapshot_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chalicelib.jobs.manager import JobManager
    from chalicelib.store.outcome import Looks, MergeResult, RunFacts

FILE_ROW_BYTES = 48  # of a store, where none is there to be looked at
MERGE_ROWS_PER_SECOND = 20_000  # a tenth of what two slow cores merge
PUBLISH_BYTES_PER_SECOND = 5 << 20  # the same for verifying, hashing and copying

log = logging.getLogger(__name__)


def show_latest(
    *, job_manager: JobManager, warehouse: Warehouse, made_by: str | None = None
) -> None:
    """The stable name follows the pointer, also when the worker died between the two; with
    `made_by`, only if this job made the current snapshot. Not in a warehouse of another table.
    Raises StateUnavailable, WarehouseUnavailable.
    """
    current = job_manager.current_snapshot()
    if current is None or current.is_lake:
        return
    if made_by is not None and made_by != current.job_id:
        return
    if warehouse.latest() == current.name:
        return
    if owns(job_manager=job_manager, warehouse=warehouse):
        warehouse.set_latest(current.name)


def check_room(directory: Path, base: Snapshot | None, *, to_stage: int, staged_bytes: int) -> None:
    """Whether local disk takes what is certain to come: at least some bytes for each row still to
    be staged, a copy of the database, and before there is one all rows. What is staged is on it
    already. Raises ScratchFull.
    """
    size = base.bytes if base else 0
    for_segments = to_stage * LEAST_ROW
    for_rows = float(for_segments)
    if base is None:
        # All rows are new. What counts of `rows` and `new` is their ratio.
        for_rows += room_of_merge(staged_bytes + for_segments, rows=1, new=1, revised=0)
    purpose = f"{int(for_rows) >> 20:,} MB for rows and {size >> 20:,} MB for the database"
    if to_stage:
        purpose = f"at least {purpose}, with {to_stage:,} rows still to come"
    ask_for_room(directory, for_rows + size, purpose)


def merge_seconds(base: Snapshot | None, *, rows: int) -> float:
    """How long the merge of so many rows may take at most."""
    stored_rows = base.rows if base else 0
    return (rows + stored_rows) / MERGE_ROWS_PER_SECOND


def publish_seconds(store: Path) -> float:
    """How long it may take at most to verify the store and to put it into the warehouse."""
    size = store.stat().st_size
    return size / PUBLISH_BYTES_PER_SECOND


class Publication(Protocol):
    """The pointer moves elsewhere, in the transaction that ends the job.
    What an import may do after `merge`, judge it and hold it, leaves nothing where somebody reads.
    """

    def merge_seconds(self, base: Snapshot | None, *, rows: int) -> float:
        """How long the merge of so many rows may take at most."""

    def merge(
        self, repository: Any, base: Snapshot | None, facts: RunFacts, looks: Looks, *, rows: int
    ) -> MergeResult:
        """What becomes of all that is staged, `rows` as the source counts them."""

    def publish_seconds(self) -> float:
        """How long `publish` may take at most."""

    def publish(
        self, repository: Any, merged: MergeResult, *, beat: Callable[[], object]
    ) -> Snapshot:
        """A new snapshot that nothing points at yet; it holds what it should,
        or PublishRefused is raised. `beat` is called between its steps, and may stop it.
        """

    def follow(self, snapshot: Snapshot, *, segments: list[str]) -> None:
        """What comes after the pointer has moved; what fails of it, the sweeper does."""


@dataclass(kw_only=True)
class FilePublication:
    """`directory` is on the worker's own disk.
    With `copy_lake` what lies in a lake becomes a file, at a path.
    """

    warehouse: Warehouse
    directory: Path
    claim: Claim
    copy_lake: Callable[[Snapshot, Path, Path], None] | None = None
    base_blocks: Blocks | None = None  # what each block of the working copy was when it came

    @property
    def store(self) -> Path:
        """The working copy."""
        return self.directory / "wells.duckdb"

    def merge_seconds(self, base: Snapshot | None, *, rows: int) -> float:
        return merge_seconds(base, rows=rows)

    def merge(
        self,
        repository: Any,
        base: Snapshot | None,
        facts: RunFacts,
        looks: Looks,
        *,
        rows: int,  # noqa: ARG002  of a lake it tells more than the bytes do
    ) -> MergeResult:
        store = self.working_copy(base, staged_bytes=repository.staged_bytes)
        merged: MergeResult = repository.merge(store, facts, **vars(looks))
        return merged

    def publish_seconds(self) -> float:
        return publish_seconds(self.store)

    def publish(
        self,
        repository: Any,
        merged: MergeResult,
        *,
        beat: Callable[[], object],  # noqa: ARG002  of a lake there are many steps
    ) -> Snapshot:
        """Its lease is as long as it takes: there is no beat in between."""
        sha256 = self.read_back(repository, merged)
        return self.put(self.store, rows=merged.stored_records, sha256=sha256)

    def working_copy(self, base: Snapshot | None, *, staged_bytes: int) -> Path:
        """The store to merge the staged rows into; there is no file yet before the first import.

        Raises ScratchFull, WarehouseUnavailable, WarehouseCorrupt, StoreDiffers.
        """
        store = self.store
        if base and base.is_lake:
            return self._copy_of_lake(base, staged_bytes=staged_bytes)
        check_room(self.directory, base, to_stage=0, staged_bytes=staged_bytes)
        if base:
            self.warehouse.fetch(base.name, store)
            self.base_blocks = read_blocks(store)
            if self.base_blocks.sha256 != base.sha256:
                raise WarehouseCorrupt
        return store

    def _copy_of_lake(self, base: Snapshot, *, staged_bytes: int) -> Path:
        if self.copy_lake is None:
            raise StoreDiffers
        as_file = replace(base, bytes=base.rows * FILE_ROW_BYTES)
        check_room(self.directory, as_file, to_stage=0, staged_bytes=staged_bytes)
        self.copy_lake(base, self.store, self.directory)
        return self.store

    def read_back(self, repository: Any, merged: MergeResult) -> str:
        """The SHA-256 of the store, which is then known to hold what it should.
        Raises PublishRefused.
        """
        blocks = read_blocks(self.store)
        repository.verify(
            self.store, rows=merged.stored_records, unchanged=blocks.same_as(self.base_blocks)
        )
        return blocks.sha256

    def put(self, store: Path, *, rows: int, sha256: str) -> Snapshot:
        """The closed store as a new file under a name with the claim's fence.
        Raises WarehouseUnavailable.
        """
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
            sentence = (
                "the import is published, and the stable name still holds the old snapshot: %s"
            )
            log.error(sentence, exc.message, extra={"code": exc.code})  # noqa: TRY400  the cause says no more
        remove_segments(self.warehouse, segments)


def remove_segments(warehouse: Warehouse, segments: list[str]) -> None:
    """Of an import that is published."""
    try:
        for name in segments:
            warehouse.remove(name)
    except WarehouseUnavailable as exc:
        log.warning("the import is published, its segments could not be removed: %s", exc.message)
