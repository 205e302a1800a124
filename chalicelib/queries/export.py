"""Export: what is published in another form than that in which it lies, for whoever asks for it;
made once for each published state. Of a lake one database file, and of either kind of store the
rows of production as one Parquet file.

What is larger is read where it is: it would take longer than anybody's request may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import ExportTooLarge, StoreDiffers, WarehouseUnavailable
from chalicelib.lake.versions import Versions
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.warehouse.checksum import stored_with_checksum
from chalicelib.warehouse.names import StoredFile, Warehouse, export_name, sha256_of

from .query import DATABASE, PARQUET
from .question_time import QUESTION_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot

    from .production import Lake
    from .published import PublishedProduction

MOST_ROWS = {DATABASE: 2_000_000, PARQUET: 5_000_000}  # some ten seconds of one core


@dataclass(frozen=True, kw_only=True)
class Export:
    """`directory` is on local disk. Without a `lake` there is none to make a database of."""

    warehouse: Warehouse
    published: PublishedProduction
    lake: Lake | None
    directory: Path
    memory_mb: int
    seconds: float = QUESTION_SECONDS

    def of(self, snapshot: Snapshot, form: str) -> StoredFile:
        """The file in the warehouse. Raises ExportTooLarge, StoreDiffers, LakeUnavailable,
        LakeUnprepared, ScratchFull, OutOfMemory, QueryTooSlow, WarehouseUnavailable, and what
        PublishedProduction does.
        """
        name = export_name(snapshot.name, form)
        stored = stored_with_checksum(self.warehouse, name)
        if stored:
            return stored
        if snapshot.rows > MOST_ROWS[form]:
            raise ExportTooLarge(rows=snapshot.rows, most_rows=MOST_ROWS[form])
        own = OwnDirectory(self.directory)
        try:
            path = own.path / f"wells.{form}"
            if form == PARQUET:
                self._write_parquet(snapshot, path)
            else:
                self._write_database(snapshot, path, own.path)
            return self._put(name, path)
        finally:
            own.remove()

    def _write_parquet(self, snapshot: Snapshot, path: Path) -> None:
        with self.published.query(snapshot.name) as production:
            production.write_parquet(path)

    def _write_database(self, snapshot: Snapshot, path: Path, directory: Path) -> None:
        if self.lake is None:
            raise StoreDiffers
        from chalicelib.lake.moving import copy_into_file

        versions = Versions.from_attributes(snapshot.versions, rows=snapshot.rows)
        copy_into_file(
            self.lake.catalog,
            self.lake.session,
            versions,
            path,
            directory=directory,
            memory_mb=self.memory_mb,
            seconds=self.seconds,
        )

    def _put(self, name: str, path: Path) -> StoredFile:
        made = StoredFile(
            name=name,
            bytes=path.stat().st_size,
            sha256=sha256_of(path),
        )
        try:
            self.warehouse.put(name, path, sha256=str(made.sha256))
        except WarehouseUnavailable:
            # Somebody else has made it meanwhile.
            stored = stored_with_checksum(self.warehouse, name)
            if stored:
                return stored
            raise
        return made
