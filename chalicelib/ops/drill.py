"""The restore drill: the newest backup is restored beside what is published, looked at, and removed
again.

It goes the way of a loss: the newest snapshot before the current one is taken out of the warehouse,
put back under drills/, and read from there. Of a lake the state is made a database of its own. What
a drill leaves that died midway the sweeper removes after an hour.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import NothingPublished, StoreDiffers
from chalicelib.jobs.snapshots import kept_snapshots
from chalicelib.lake.moving import copy_into_file
from chalicelib.lake.versions import Versions
from chalicelib.warehouse.names import Warehouse, drill_name, is_of_lake, sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.jobs.manager import JobManager
    from chalicelib.jobs.snapshots import Kept

    from .looks import Looks


@dataclass(frozen=True, kw_only=True)
class Drill:
    """`looks` and this share a directory on local disk."""

    job_manager: JobManager
    warehouse: Warehouse
    looks: Looks
    clock: Callable[[], float] = time.time
    _steps: list[dict[str, Any]] = field(default_factory=list)

    def report(self, drill_id: str) -> dict[str, Any]:
        """Raises NothingPublished, WarehouseUnavailable, StateUnavailable, and what Looks does;
        nothing is left in the warehouse then either.
        """
        began = self.clock()
        backup = self._newest_backup()
        place = drill_name(int(began), drill_id)
        file = self.looks.directory / "restored"
        try:
            with self._time("fetch"):
                problems = self._fetch(backup, file)
            with self._time("restore"):
                self.warehouse.put(place, file, sha256=sha256_of(file))
                size = file.stat().st_size
            with self._time("verify"):
                self.warehouse.fetch(place, file)
                problems += self.looks.at_database(file, backup.told.rows if backup.told else None)
        finally:
            with self._time("remove"):
                self.warehouse.remove(place)
        return {
            "is_right": not problems,
            "snapshot": backup.name,
            "is_current": backup.is_current,
            "published_at": backup.job.completed_at if backup.job else None,
            "restored_as": place,
            "rows": backup.told.rows if backup.told else None,
            "bytes": size,
            "problems": problems,
            "steps": self._steps,
            "seconds": round(self.clock() - began, 3),
        }

    def _newest_backup(self) -> Kept:
        """The newest one that is not the current one; where there is no other, that.
        Raises NothingPublished.
        """
        kept = kept_snapshots(job_manager=self.job_manager, warehouse=self.warehouse)
        for each in [*(each for each in kept if not each.is_current), *kept]:
            if each.is_there:
                return each
        raise NothingPublished

    def _fetch(self, backup: Kept, file: Path) -> list[str]:
        """A database at the path, and what is wrong with the backup. Raises StoreDiffers."""
        self.warehouse.fetch(backup.name, file)
        problems = self.looks.at_file(file, backup.told)
        if is_of_lake(backup.name):
            if self.looks.lake is None:
                raise StoreDiffers
            try:
                versions = Versions.read(file.read_text("utf-8"))
            except (ValueError, KeyError):
                return [*problems, "The file names no snapshots of a lake."]
            file.unlink()
            copy_into_file(
                self.looks.lake.catalog,
                self.looks.lake.session,
                versions,
                file,
                directory=self.looks.directory,
                memory_mb=self.looks.memory_mb,
            )
        return problems

    @contextmanager
    def _time(self, step: str) -> Iterator[None]:
        began = self.clock()
        yield
        seconds = self.clock() - began
        self._steps.append({"step": step, "seconds": round(seconds, 3)})
