"""Rollback: an older snapshot is published once more, by a job as every publication.

Its file is looked at and put into the warehouse again, under a name with the fence of this claim.
So the fences in the names still tell the order of what was published; who reads by name, or clears
by fence, need not know of rollbacks:

    import A (fence 5) ── import B (fence 6) ── rollback to A (fence 7)
                                                A's file as fence 7 ── the pointer: fence 7
"""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from chalicelib.errors import NoOlderVersion, StoreDiffers, WarehouseCorrupt, WarehouseUnavailable
from chalicelib.jobs.job import Phase
from chalicelib.jobs.lock import Snapshot
from chalicelib.lake.settling import settle_lake
from chalicelib.lake.versions import Versions
from chalicelib.store.room import ask_for_room
from chalicelib.warehouse.names import (
    Warehouse,
    fence_of,
    is_of_lake,
    job_of,
    missing_file,
    sha256_of,
    snapshot_name,
)

from .progress import Progress
from .publication import PUBLISH_BYTES_PER_SECOND, show_latest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Claim
    from chalicelib.jobs.manager import JobManager
    from chalicelib.lake.catalog import Catalog

log = logging.getLogger(__name__)

LAKE_SECONDS = 150.0  # to set back the tables of a lake: each is asked and told once, as a rule


class Rollback:
    """One claimed rollback. `job` is always the newest state, also when `run` raises.
    `directory` is on local disk; without a `catalog` there is no lake to go back in.
    """

    def __init__(
        self,
        *,
        claim: Claim,
        job_manager: JobManager,
        warehouse: Warehouse,
        directory: Path,
        lease_seconds: float,
        catalog: Catalog | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._claim = claim
        self._job_manager = job_manager
        self._warehouse = warehouse
        self._directory = directory
        self._catalog = catalog
        self._progress = Progress(
            claim=claim, job_manager=job_manager, lease_seconds=lease_seconds, clock=clock
        )

    @property
    def job(self) -> Job:
        return self._progress.job

    at_once = 1

    def plan(self) -> list[int]:
        """There is nothing to read."""
        return []

    def run(self) -> Job:
        """Raises LeaseLost, CancelRequested, WarehouseUnavailable, WarehouseCorrupt,
        StoreDiffers, ScratchFull, LakeUnavailable, LakeMoved, StateUnavailable.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            base = self._job_manager.current_snapshot()
            snapshot = self._put(self._check())
            if snapshot.is_lake:
                # Before the pointer moves: whoever reads main meanwhile reads what the pointer is
                # about to name.
                self._set_back(snapshot)
            self._progress.complete(snapshot, base=base.name if base else None, warnings={})
            self._show()
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)
        return self.job

    def _show(self) -> None:
        """What fails of it, the sweeper does: the rollback is published."""
        try:
            show_latest(job_manager=self._job_manager, warehouse=self._warehouse)
        except WarehouseUnavailable as exc:
            sentence = (
                "the rollback is published, and the stable name still holds the old snapshot: %s"
            )
            log.error(sentence, exc.message, extra={"code": exc.code})  # noqa: TRY400  the cause says no more

    @property
    def _file(self) -> Path:
        return self._directory / "snapshot"

    def _check(self) -> Snapshot:
        """The snapshot as the pointer named it once. Its file is here then, and as it was.
        Raises WarehouseFileMissing, WarehouseCorrupt.
        """
        name = str(self.job.rollback_to)
        published = self._job_manager.pointer_to(name)  # None of one that no pointer tells any more
        stored = self._warehouse.stat(name)  # None where its file is gone, or was never there
        size = 0
        if stored:
            size = stored.bytes
        elif published:
            size = published.bytes
        self._progress.enter(Phase.CHECKING, seconds=size / PUBLISH_BYTES_PER_SECOND)
        ask_for_room(self._directory, size, f"{size >> 20:,} MB for the database")
        sha256 = self._fetch(name) if stored else None
        if published:
            if sha256 != published.sha256:
                self._fetch_older(name, published, is_there=sha256 is not None)
            return published
        if sha256 is None:
            raise missing_file(name)
        # A bucket knows the sum that the file was stored with, a directory does not.
        if stored and sha256 != (stored.sha256 or sha256):
            raise WarehouseCorrupt
        return read_snapshot(name, self._file, sha256=sha256)

    def _fetch(self, name: str) -> str:
        self._warehouse.fetch(name, self._file)
        return sha256_of(self._file)

    def _fetch_older(self, name: str, published: Snapshot, *, is_there: bool) -> None:
        """A bucket keeps what was removed or changed.
        Raises WarehouseFileMissing, WarehouseCorrupt.
        """
        try:
            self._warehouse.fetch_older(name, self._file, sha256=published.sha256)
        except NoOlderVersion as exc:
            raise WarehouseCorrupt if is_there else missing_file(name) from exc

    def _put(self, old: Snapshot) -> Snapshot:
        """The same file as a new one that nothing points at yet."""
        fence = self._claim.fence
        job_id = self.job.job_id
        new = replace(
            old,
            name=snapshot_name(fence, job_id, is_lake=old.is_lake),
            fence=fence,
            job_id=job_id,
            rollback_fence=fence,
        )
        seconds = old.bytes / PUBLISH_BYTES_PER_SECOND + LAKE_SECONDS
        self._progress.enter(Phase.PUBLISHING, seconds=seconds)
        self._warehouse.put(new.name, self._file, sha256=old.sha256)
        return new

    def _set_back(self, snapshot: Snapshot) -> None:
        """Main of each table becomes what the pointer is about to name, as a commit would.
        Where this dies in between, whoever claims next sets it to what is published.
        """
        if self._catalog is None:
            raise StoreDiffers
        settle_lake(
            self._catalog,
            Versions.from_attributes(snapshot.versions, rows=snapshot.rows),
            fence=self._claim.fence,
        )


def read_snapshot(name: str, file: Path, *, sha256: str) -> Snapshot:
    """What a pointer can tell of a snapshot by its file alone. It has no watermark,
    so the next import of each source asks for everything. Raises WarehouseCorrupt.
    """
    try:
        versions = Versions.read(file.read_text("utf-8")) if is_of_lake(name) else None
        rows = versions.rows if versions else _count(file)
    except (duckdb.Error, ValueError) as exc:
        raise WarehouseCorrupt from exc
    return Snapshot(
        name=name,
        fence=fence_of(name),
        rows=rows,
        bytes=file.stat().st_size,
        sha256=sha256,
        job_id=job_of(name),
        versions=dict(versions.snapshots) if versions else None,
    )


def _count(file: Path) -> int:
    with duckdb.connect(file, read_only=True) as database:
        ((rows,),) = database.execute("SELECT count(*) FROM well_production").fetchall()
        return int(rows)
