"""Snapshots of so many rows, published one after the other, and readers of them."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from chalicelib.jobs.lock import Snapshot
from chalicelib.queries.published import PublishedProduction
from chalicelib.services import open_warehouse
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.warehouse.names import Warehouse, sha256_of, snapshot_name
from support.staging import NOON, SAME_READING, batch_of, facts, json_row
from support.stores import wide
from support.warehouses import own_prefix, s3_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JOB = "018cc251-f400-7000-8000-00000000000"


class Publisher:
    """Publishes stores of so many rows, and is the pointer to the last one."""

    def __init__(self, directory: Path, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.reading = directory / "reading"
        self.pointer: Snapshot | None = None
        self.published: set[str] = set()
        self.looks = 0
        self.at_look: dict[int, Callable[[], object]] = {}
        self._directory = directory
        self._numbers = count(1)

    def publish(self, rows: int) -> Snapshot:
        number = next(self._numbers)
        store = self._directory / f"{number}.duckdb"
        shutil.copyfile(_store_of(number, rows), store)
        return self._point_to(store, number, rows)

    def publish_wide(self) -> Snapshot:
        """More wells than 35 MB of memory take."""
        number = next(self._numbers)
        return self._point_to(wide(self._directory / f"{number}.duckdb"), number, 600_000)

    def _point_to(self, store: Path, number: int, rows: int) -> Snapshot:
        name = snapshot_name(number, f"{JOB}{number}")
        size, sha256 = store.stat().st_size, sha256_of(store)
        self.warehouse.put(name, store, sha256=sha256)
        self.published.add(name)
        self.pointer = Snapshot(
            name=name, fence=number, rows=rows, bytes=size, sha256=sha256, job_id=f"{JOB}{number}"
        )
        return self.pointer

    def replace(self, rows: int) -> None:
        """Publish another one and remove the one before, as the sweeper does later."""
        before = self.pointer
        self.publish(rows)
        assert before
        self.warehouse.remove(before.name)

    def look(self) -> Snapshot | None:
        """The pointer; `at_look[n]` happens right after the n-th look at it."""
        self.looks += 1
        pointer = self.pointer
        self.at_look.pop(self.looks, lambda: None)()
        return pointer

    def reader(self, **options: Any) -> PublishedProduction:
        wanted: dict[str, Any] = {
            "current": self.look,
            "was_published": self.published.__contains__,
            "warehouse": self.warehouse,
            "directory": self.reading,
            "memory_mb": 100,
        }
        return PublishedProduction(**wanted | options)

    def copies(self) -> list[str]:
        return sorted(path.name for path in self.reading.glob("wells-*"))


@cache
def _store_of(number: int, rows: int) -> Path:
    """What the import of this number leaves: made once in a process."""
    directory = Path(_shelf().name, f"{number}-{rows}")
    directory.mkdir()
    repository = DuckDBWellProductionRepository(directory=directory / "merge", memory_mb=100)
    repository.stage(
        batch_of(directory, [json_row(well_code=well) for well in range(rows)]), SAME_READING
    )
    repository.merge(directory / "wells.duckdb", facts(number), now=NOON, warnings={})
    repository.close()
    return directory / "wells.duckdb"


@cache
def _shelf() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="wellhead-stores-")


@contextmanager
def publisher_into_a_bucket(url: str, directory: Path) -> Iterator[Publisher]:
    client = s3_client(url)
    yield Publisher(directory, open_warehouse(own_prefix(), s3=client))
    client.close()


def rows_of(published: PublishedProduction) -> int:
    with published.query() as production:
        return len(production.production(limit=4000).rows)
