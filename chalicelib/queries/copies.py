"""LocalCopies: the snapshots of a bucket on local disk, each under its own name, fetched once and checked.

There is room for two: the current one, and the one before it, which readers in the midst of their pages still ask for.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import ScratchFull, WarehouseCorrupt
from chalicelib.warehouse.names import StoredFile, Warehouse, sha256_of

MOST = 2

if TYPE_CHECKING:
    from collections.abc import Iterator


class LocalCopies:
    """`directory` may be shared by processes. A copy is opened under a second name in a directory of the reader's own,
    so nobody takes it away from him; the room of one that was removed here is free when its last reader closes it.
    """

    def __init__(self, warehouse: Warehouse, directory: Path) -> None:
        self._warehouse = warehouse
        self._directory = directory

    def fetch(self, file: StoredFile, own: Path, *, beside: str | None) -> Path:
        """A copy in the directory `own`. `beside` names the snapshot whose copy stays when another has to go; without
        it, the one that was read last stays. Raises WarehouseUnavailable, WarehouseCorrupt, ScratchFull.
        """
        shared, copy = self._path(file.name), own / Path(file.name).name
        with suppress(FileNotFoundError):
            os.link(shared, copy)
            os.utime(copy)  # both names tell when it was read last
            return copy
        self._make_room(shared, file.bytes, beside=self._path(beside) if beside else None)
        self._warehouse.fetch(file.name, copy)
        if is_damaged(copy, file):
            raise WarehouseCorrupt
        with suppress(FileExistsError):  # another process has fetched it too
            os.link(copy, shared)
        return copy

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / Path(name).name

    def _make_room(self, path: Path, needed: int, *, beside: Path | None) -> None:
        others = [other for other in self._by_use(beside) if other != path]
        while len(others) >= MOST or (others and self._free() < needed):
            others.pop(0).unlink(missing_ok=True)
        if (free := self._free()) < needed:
            raise ScratchFull(
                f"Reading needs {needed >> 20:,} MB of local disk for a copy of the database and {free >> 20:,} MB "
                "are free. Give the function more ephemeral storage, or WELLHEAD_SCRATCH more room."
            )

    def _free(self) -> int:
        return shutil.disk_usage(self._directory).free

    def _by_use(self, beside: Path | None) -> list[Path]:
        """The copies, the first one may go first."""
        used = dict(self._used())
        return sorted(used, key=lambda path: (path == beside, used[path]))

    def _used(self) -> Iterator[tuple[Path, float]]:
        for path in self._directory.glob("wells-*.duckdb"):
            with suppress(FileNotFoundError):  # another process was faster
                yield path, path.stat().st_mtime


def is_damaged(path: Path, file: StoredFile) -> bool:
    """Whether what lies there is proved to be another file: another size is another checksum. What lies there no more
    proves nothing.
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size != file.bytes:
            return True
        return file.sha256 is not None and sha256_of(path) != file.sha256
    return False
