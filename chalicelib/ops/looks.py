"""Looks at one published state:
whether its file is the one that the pointer tells of, and its tables agree.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.errors import (
    LakeUnavailable,
    PublishRefused,
    StoreDiffers,
    WarehouseCorrupt,
    WarehouseTooNew,
)
from chalicelib.lake.connection import lake_errors
from chalicelib.lake.extensions import lake_config
from chalicelib.lake.reading import show_lake
from chalicelib.lake.versions import TABLES, Versions
from chalicelib.store.local_duckdb import (
    exhaustion_errors,
    local_config,
    raise_if_unreadable,
    sql_path,
)
from chalicelib.store.read_back import read_back
from chalicelib.store.statements import named_statements
from chalicelib.warehouse.names import is_of_lake, sha256_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.lock import Snapshot
    from chalicelib.queries.production import Lake
    from chalicelib.store.local_duckdb import Config

_SQL = named_statements(Path(__file__).with_name("verification.sql"))


@dataclass(frozen=True, kw_only=True)
class Looks:
    """`directory` is on local disk. Every method gives sentences, one for each thing that is not as
    it should be, and raises ScratchFull, OutOfMemory, LakeUnavailable, LakeUnprepared.
    """

    directory: Path
    memory_mb: int
    lake: Lake | None = None

    def at_file(self, path: Path, told: Snapshot | None) -> list[str]:
        """Of a file that was fetched, whether it is the same;
        nobody knows of one that was published long ago.
        """
        if told is None:
            return []
        size = path.stat().st_size
        sha256 = sha256_of(path)
        if size == told.bytes and sha256 == told.sha256:
            return []
        return [
            f"The file has {size:,} bytes and the SHA-256 {sha256} instead of {told.bytes:,} and {told.sha256}."
        ]

    def at_state(self, path: Path, name: str, told: Snapshot | None) -> list[str]:
        """Of the database in a file, or of the lake whose snapshots the file names."""
        if is_of_lake(name):
            return self.at_lake(path, told)
        return self.at_database(path, told.rows if told else None)

    def at_database(self, path: Path, rows: int | None) -> list[str]:
        """Every value is read, every key is looked at."""
        try:
            with self._connection() as connection:
                connection.execute(f"ATTACH '{sql_path(path)}' AS wells (READ_ONLY)")
                found = _one(connection, "count_rows")
                read_back(
                    connection, rows=found if rows is None else rows, written=None, unchanged=()
                )
                return _check_account_of_rows(connection)
        except PublishRefused:
            return [f"The database does not hold {rows:,} rows, each key once."]
        except (duckdb.Error, WarehouseCorrupt, WarehouseTooNew) as exc:
            return [_unreadable(exc)]

    def at_lake(self, path: Path, told: Snapshot | None) -> list[str]:
        """The lake's own files have no checksum that we know:
        every value is read, and every key looked at.
        """
        if self.lake is None:
            raise StoreDiffers
        try:
            versions = Versions.read(path.read_text("utf-8"))
        except (ValueError, KeyError):
            return ["The file names no snapshots of a lake."]
        missing = [table for table in TABLES if not self._has(self.lake, table, versions.of(table))]
        if missing:
            return [f"The lake no longer keeps the snapshot of {', '.join(missing)}."]
        try:
            with self._connection(lake_config()) as connection, lake_errors():
                show_lake(connection, self.lake.catalog, self.lake.session, versions)
                return self._at_tables(connection, told.rows if told else versions.rows)
        except (duckdb.Error, LakeUnavailable) as exc:
            return [_unreadable(exc)]

    @staticmethod
    def _has(lake: Lake, table: str, snapshot: int | None) -> bool:
        head = lake.catalog.head(table)
        if snapshot is None:
            return True
        return head is not None and snapshot in head.snapshots

    @staticmethod
    def _at_tables(connection: duckdb.DuckDBPyConnection, rows: int) -> list[str]:
        for table in TABLES:
            connection.execute(_SQL["read_all"].format(table=table)).fetchall()
        count = _one(connection, "count_rows")
        repeated = _one(connection, "count_repeated")
        problems = []
        if count != rows:
            problems.append(f"The lake holds {count:,} rows instead of {rows:,}.")
        if repeated:
            problems.append(f"The lake holds {repeated:,} keys more than once.")
        return [*problems, *_check_account_of_rows(connection)]

    @contextmanager
    def _connection(self, more: Config | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        config = local_config(self.directory, self.memory_mb) | (more or {})
        with exhaustion_errors(), duckdb.connect(config=config) as connection:
            yield connection


def _check_account_of_rows(connection: duckdb.DuckDBPyConnection) -> list[str]:
    count = _one(connection, "count_unaccounted")
    if not count:
        return []
    return [f"Rows and history are {count:,} more or fewer than all imports have counted."]


def _one(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    rows = connection.execute(_SQL[name]).fetchall()
    ((found,),) = rows
    return int(found)


def _unreadable(exc: Any) -> str:
    """Its own words may hold values."""
    if isinstance(exc, (duckdb.CatalogException, duckdb.BinderException)):
        return "The database is of another version than this Wellhead's; the next import upgrades an older one."
    try:
        raise_if_unreadable(exc) if isinstance(exc, duckdb.Error) else None
    except WarehouseTooNew:
        return "The file was written by a newer DuckDB."
    except WarehouseCorrupt:
        pass
    return f"A part of it cannot be read ({type(exc).__name__})."
