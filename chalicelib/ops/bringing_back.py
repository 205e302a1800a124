"""A snapshot's file that was lost or changed is brought back, from what the bucket still has of
older versions.

Nothing is deleted for good: what stands in its place becomes an older version too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SnapshotUnknown
from chalicelib.warehouse.names import Warehouse, is_fenced, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot
    from chalicelib.jobs.manager import JobManager

    from .looks import Looks


@dataclass(frozen=True, kw_only=True)
class BringingBack:
    """`looks` and this share a directory on local disk."""

    job_manager: JobManager
    warehouse: Warehouse
    looks: Looks

    def report(self, name: str) -> dict[str, Any]:
        """Raises SnapshotUnknown for one whose checksum nobody knows, NoOlderVersion,
        WarehouseUnavailable, StateUnavailable, and what Looks does.
        """
        told = self._facts_of(name)
        file = self.looks.directory / "brought-back"
        if self._is_whole(name, told, file):
            return self._view(name, told, restored=False, version=None)
        version = self.warehouse.fetch_older(name, file, sha256=told.sha256)
        self.warehouse.remove(name)
        self.warehouse.put(name, file, sha256=told.sha256)
        return self._view(name, told, restored=True, version=version)

    def _facts_of(self, name: str) -> Snapshot:
        current = self.job_manager.current_snapshot()
        told = current if current and current.name == name else self.job_manager.pointer_to(name)
        if told is None or not is_fenced(name):
            raise SnapshotUnknown(
                "Nobody has noted what a snapshot of this name had in it, so no older version can be known for it.",
                snapshot=name,
            )
        return told

    def _is_whole(self, name: str, told: Snapshot, file: Path) -> bool:
        if self.warehouse.stat(name) is None:
            return False
        self.warehouse.fetch(name, file)
        return sha256_of(file) == told.sha256

    @staticmethod
    def _view(name: str, told: Snapshot, *, restored: bool, version: str | None) -> dict[str, Any]:
        return {
            "snapshot": name,
            "rows": told.rows,
            "bytes": told.bytes,
            "sha256": told.sha256,
            "is_restored": restored,
            "version": version,
        }
