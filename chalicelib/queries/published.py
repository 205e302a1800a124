"""PublishedProduction: the current snapshot, opened for questions. A new one takes the place of the old by itself.

A directory's file is opened in place. A bucket's file is fetched once to local disk, under the snapshot's name,
and checked; then the older ones go, so that there is room for one database and the next.
"""

from __future__ import annotations

import secrets
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from chalicelib.errors import NothingPublished, ScratchFull, WarehouseCorrupt, WarehouseUnavailable
from chalicelib.warehouse.names import PART_SECONDS, Warehouse, sha256_of

from .production import ProductionQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.jobs.lock import Snapshot


FACTS = ("name", "fence", "rows", "bytes", "sha256", "job_id")


@dataclass(frozen=True, kw_only=True)
class Opened:
    snapshot: Snapshot
    query: ProductionQuery


class PublishedProduction:
    """One for a process; its threads may share it. `directory` is on local disk and may be shared by processes.

    What asks raises NothingPublished, StateUnavailable, WarehouseUnavailable, WarehouseCorrupt, WarehouseTooNew,
    ScratchFull.
    """

    def __init__(
        self, *, current: Callable[[], Snapshot | None], warehouse: Warehouse, directory: Path, memory_mb: int
    ) -> None:
        self._current = current
        self._warehouse = warehouse
        self._directory = directory
        self._memory_mb = memory_mb
        self._opening = Lock()
        self._opened: Opened | None = None

    @contextmanager
    def query(self) -> Iterator[ProductionQuery]:
        """The current snapshot. It stays readable to the end of the block, whatever is published meanwhile."""
        with self._asked() as opened:
            yield opened.query

    def summary(self) -> dict[str, Any]:
        """What ProductionQuery.summary tells, and `snapshot`: the FACTS of the file."""
        with self._asked() as opened:
            return {**opened.query.summary, "snapshot": {name: getattr(opened.snapshot, name) for name in FACTS}}

    @contextmanager
    def _asked(self) -> Iterator[Opened]:
        opened = self._open_current()
        try:
            yield opened
        except WarehouseCorrupt:
            self._forget(opened.snapshot)
            raise

    def _open_current(self) -> Opened:
        """A snapshot may be replaced and removed between a look at the pointer and the opening: look again."""
        snapshot = self._pointed()
        with self._opening:
            while self._opened is None or self._opened.snapshot != snapshot:
                try:
                    self._opened = Opened(snapshot=snapshot, query=self._open(snapshot))
                except (WarehouseUnavailable, WarehouseCorrupt):
                    self._local_copy(snapshot).unlink(missing_ok=True)
                    newer = self._pointed()
                    if newer == snapshot:
                        raise
                    snapshot = newer
            return self._opened

    def _pointed(self) -> Snapshot:
        snapshot = self._current()
        if snapshot is None:
            raise NothingPublished
        return snapshot

    def _open(self, snapshot: Snapshot) -> ProductionQuery:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._warehouse.local_path(snapshot.name) or self._fetched(snapshot)
        if not path.exists():
            raise WarehouseUnavailable(f"The warehouse has no {snapshot.name}. Restore it; docs/workflow.md says how.")
        if path.stat().st_size != snapshot.bytes:
            raise WarehouseCorrupt
        return ProductionQuery.open(path, directory=self._directory, memory_mb=self._memory_mb)

    def _fetched(self, snapshot: Snapshot) -> Path:
        """A file has its name only when it was checked, so processes that fetch the same one do no harm."""
        path = self._local_copy(snapshot)
        if not path.exists():
            self._make_room(path, snapshot.bytes)
            part = path.with_suffix(f".{secrets.token_hex(4)}.part")
            try:
                self._warehouse.fetch(snapshot.name, part)
                if sha256_of(part) != snapshot.sha256:
                    raise WarehouseCorrupt
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        return path

    def _local_copy(self, snapshot: Snapshot) -> Path:
        return self._directory / Path(snapshot.name).name

    def _make_room(self, path: Path, needed: int) -> None:
        """Who has an older file open keeps reading it; its room is free when he closes it."""
        for other in self._directory.glob("wells-*"):
            young = other.suffix == ".part" and time.time() - other.stat().st_mtime < PART_SECONDS
            if other.name < path.name and not young:
                other.unlink(missing_ok=True)
        free = shutil.disk_usage(self._directory).free
        if free < needed:
            raise ScratchFull(
                f"Reading needs {needed >> 20:,} MB of local disk for a copy of the database and {free >> 20:,} MB "
                "are free. Give the function more ephemeral storage, or WELLHEAD_SCRATCH more room."
            )

    def _forget(self, snapshot: Snapshot) -> None:
        """The next question opens the file anew: it may have been restored. A copy is fetched again."""
        with self._opening:
            if self._opened and self._opened.snapshot == snapshot:
                self._opened = None
        self._local_copy(snapshot).unlink(missing_ok=True)
