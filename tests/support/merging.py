"""Stores that imports are merged into, one after the other: a file, and a lake.
Both end as the same model says.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import botocore.session
import duckdb

from chalicelib.lake.catalog import Catalog
from chalicelib.lake.connection import attach_lake
from chalicelib.lake.extensions import lake_config
from chalicelib.lake.repository import LakeRepository
from chalicelib.lake.tables import at
from chalicelib.lake.versions import TABLES as OF_THE_LAKE
from chalicelib.lake.versions import Versions
from chalicelib.store.diff import Diff
from chalicelib.store.outcome import Looks, MergeResult, RunFacts
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.settle import Settled
from support.merge_model import Import, Model, Row
from support.staging import NOON, SAME_READING, TABLES, as_dicts, batch_of, facts, tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot


class Store:
    """A store on disk and the scratch directories of the imports into it."""

    def __init__(self, directory: Path, part_rows: tuple[int | None, ...] = (None,)) -> None:
        self.path = directory / "published" / "wells.duckdb"
        self.path.parent.mkdir()
        self._directory = directory
        self._scratches = 0
        self._part_rows = part_rows  # of one scratch database after the other

    def repository(self) -> DuckDBWellProductionRepository:
        return DuckDBWellProductionRepository(**self._details())

    def _details(self) -> dict[str, Any]:
        self._scratches += 1
        part_rows = self._part_rows[self._scratches % len(self._part_rows)]
        return {
            "directory": self._directory / f"{self._scratches}",
            "memory_mb": 200,
            "part_rows": part_rows,
        }

    def run(
        self,
        number: int,
        an_import: Import,
        expected: int | None = None,
        warnings: dict[str, int] | None = None,
    ) -> MergeResult:
        repository = self.repository()
        segments: list[Path] = []
        unstored: list[Path] = []
        page = 1
        for place, batch in enumerate(an_import.batches):
            if place in an_import.restarts:
                repository.close()
                repository = self.repository()
                for segment in segments:
                    repository.load_segment(segment)
            texts = [[text_of(row) for row in rows] for rows in batch]
            staged = batch_of(self._directory, *texts, first=page)
            if staged.rows:
                unstored.append(repository.stage(staged, SAME_READING))
            staged.clear()
            page += len(batch)
            if place in an_import.checkpoints:
                segments += unstored
                unstored = []
        result = self.merge(repository, number, expected, warnings or {})
        repository.close()
        return result

    def merge(
        self, repository: Any, number: int, expected: int | None, warnings: dict[str, int]
    ) -> MergeResult:
        result: MergeResult = repository.merge(
            self.path, facts(number, expected), now=NOON + number * 1000, warnings=warnings
        )
        repository.verify(self.path, rows=result.stored_records)
        return result

    def tables(self) -> dict[str, list[Row]]:
        found = tables(self.path)
        for run in found["import_runs"]:
            run["warnings"] = json.loads(run["warnings"])
        return found


class LakeStore(Store):
    """The tables of a catalog, as the latest import that was published left them."""

    def __init__(
        self, directory: Path, catalog_url: str, part_rows: tuple[int | None, ...] = (None,)
    ) -> None:
        super().__init__(directory, part_rows)
        self.session = botocore.session.get_session()
        self.catalog = Catalog(catalog_url, session=self.session)
        self.published = Versions(snapshots={})

    def repository(self) -> LakeRepository:
        return LakeRepository(catalog=self.catalog, session=self.session, **self._details())

    def merge(
        self,
        repository: Any,
        number: int,
        expected: int | None,
        warnings: dict[str, int],
        *,
        now: float | None = None,
    ) -> MergeResult:
        looks = Looks(now=NOON + number * 1000 if now is None else now, warnings=warnings)
        return self.commit(repository, looks, facts(number, expected))

    def commit(self, repository: Any, looks: Looks, run: RunFacts) -> MergeResult:
        compared = repository.compare(self.published, run, looks)
        versions = repository.commit(compared, beat=lambda: None)
        repository.check(versions)
        self.published = versions
        result: MergeResult = compared.result
        return result

    def tables(self) -> dict[str, list[Row]]:
        found = lake_tables(self.catalog, self.published)
        for run in found["import_runs"]:
            run["warnings"] = json.loads(run["warnings"])
        return found


def lake_tables(catalog: Catalog, versions: Versions) -> dict[str, list[Row]]:
    """Every table of a state of the lake, whole, as `tables` shows those of a file."""
    with open_lake(catalog, versions) as connection:
        return {name: as_dicts(connection.execute(query)) for name, query in TABLES.items()}


@contextmanager
def open_lake(catalog: Catalog, versions: Versions) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of a state of the lake, by the names that a file's have."""
    with duckdb.connect(
        config={"autoinstall_known_extensions": False, **lake_config()}
    ) as connection:
        attach_lake(connection, catalog, botocore.session.get_session(), os.environ)
        for table in OF_THE_LAKE:
            rows = at(table, versions.of(table))
            connection.execute(f"CREATE TEMP VIEW {table} AS SELECT * FROM {rows}")
        yield connection


def assert_main_is(catalog: Catalog, snapshot: Snapshot) -> None:
    """Of each table, what is published: who reads main reads the same."""
    for table in OF_THE_LAKE:
        head = catalog.head(table)
        assert head
        assert head.snapshot == (snapshot.versions or {}).get(table), table


def text_of(row: Row | tuple[bytes, str]) -> bytes:
    return row[0] if isinstance(row, tuple) else json.dumps(row).encode()


def assert_ends_as_the_model_says(store: Store, history: list[Import]) -> None:
    """The counts of each import, and after the last one every table whole:
    it tells when each row came and went.
    """
    model = Model()
    for number, an_import in enumerate(history, start=1):
        expected, warnings = (None, {}) if number % 2 else (number * 5, {"SOURCE_CHANGED": number})
        result = store.run(number, an_import, expected, warnings)

        told = replace(result, settled=Settled(), rejects={}, diff=Diff())
        assert told == model.run(number, an_import.pages, expected, warnings)
        changes = (result.diff.new, result.diff.updated, result.diff.rejected)
        assert changes == (result.new_records, result.updated_records, result.failed_records)
    assert store.tables() == model.tables()
