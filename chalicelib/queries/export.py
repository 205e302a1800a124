"""Export: a lake as one database file, for whoever asks for it; made once for each published state.

A lake that is larger is read where it is: a download of it would take longer than anybody's request may.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.errors import ExportTooLarge, WarehouseUnavailable
from chalicelib.lake.versions import Versions
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.warehouse.names import StoredFile, Warehouse, export_name, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot

    from .production import Lake

MOST_ROWS = 2_000_000  # some ten seconds of one core, and 100 MB


def exported(snapshot: Snapshot, warehouse: Warehouse, lake: Lake, *, directory: Path, memory_mb: int) -> StoredFile:
    """The file in the warehouse. Raises ExportTooLarge, LakeUnavailable, LakeUnprepared, ScratchFull, OutOfMemory,
    WarehouseUnavailable.
    """
    name = export_name(snapshot.name)
    if stored := _stored(name, warehouse):
        return stored
    if snapshot.rows > MOST_ROWS:
        raise ExportTooLarge(rows=snapshot.rows, most_rows=MOST_ROWS)
    from chalicelib.lake.moving import copy_into_file

    own = OwnDirectory(directory)
    path = own.path / "wells.duckdb"
    versions = Versions.stored(snapshot.versions, rows=snapshot.rows)
    try:
        copy_into_file(lake.catalog, lake.session, versions, path, directory=own.path, memory_mb=memory_mb)
        return _put(name, path, warehouse)
    finally:
        own.remove()


def _stored(name: str, warehouse: Warehouse) -> StoredFile | None:
    """With its checksum, which a directory has noted nowhere."""
    stored, path = warehouse.stored(name), warehouse.local_path(name)
    if stored and stored.sha256 is None and path:
        return replace(stored, sha256=sha256_of(path))
    return stored


def _put(name: str, path: Path, warehouse: Warehouse) -> StoredFile:
    made = StoredFile(name=name, bytes=path.stat().st_size, sha256=sha256_of(path))
    try:
        warehouse.put(name, path, sha256=str(made.sha256))
    except WarehouseUnavailable:
        if stored := _stored(name, warehouse):  # somebody else has made it meanwhile
            return stored
        raise
    return made
