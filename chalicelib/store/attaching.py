"""Attaching: a store beside the scratch database of an import, and a smaller file in its place.

    wells.duckdb            `wells` ── rows are merged ── all of them are copied
    wells.duckdb.compact    `compact` ── takes the copy ── takes the place of wells.duckdb

A file of DuckDB does not shrink: what was deleted leaves room that each later import would copy.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb

from .deletions import copy_remaining
from .local_duckdb import raise_if_full, raise_if_out_of_memory, raise_if_unreadable, sql_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STORAGE_VERSION = "v1.4.0"  # the oldest DuckDB that opens a published file
CLEANING = ("ROLLBACK", "DETACH DATABASE IF EXISTS compact", "DETACH DATABASE IF EXISTS wells")


def attach(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool = False
) -> None:
    """To be written without a log, which takes several times the room of the rows:
    a merge that was cut short is begun again, and nobody makes use of the log.
    """
    writing = f"STORAGE_VERSION '{STORAGE_VERSION}', RECOVERY_MODE no_wal_writes"
    options = "READ_ONLY" if read_only else writing
    connection.execute(f"ATTACH '{sql_path(path)}' AS {name} ({options})")


@contextmanager
def attach_store(
    connection: duckdb.DuckDBPyConnection, store: Path, *, read_only: bool = False
) -> Iterator[None]:
    """The store is `wells` until the block ends.
    Raises ScratchFull, OutOfMemory, WarehouseTooNew, WarehouseCorrupt, WarehouseUnavailable.
    """
    try:
        attach(connection, store, "wells", read_only=read_only)
        yield
        connection.execute("DETACH DATABASE wells")
    except BaseException as exc:
        for statement in CLEANING:
            with suppress(duckdb.Error):  # people need to know what failed first
                connection.execute(statement)
        if isinstance(exc, duckdb.Error):
            raise_if_full(exc)
            raise_if_out_of_memory(exc)
            raise_if_unreadable(exc)
        raise


def compact_file(store: Path) -> Path:
    return store.with_name(f"{store.name}.compact")


def copy_compactly(
    connection: duckdb.DuckDBPyConnection, store: Path, *, without_gone: bool = False
) -> None:
    """All that is in the attached store, into a file that take_compact puts in its place."""
    attach(connection, compact_file(store), "compact")
    if without_gone:
        copy_remaining(connection)
    else:
        connection.execute("COPY FROM DATABASE wells TO compact")
    connection.execute("CHECKPOINT compact")
    connection.execute("DETACH DATABASE compact")


def take_compact(store: Path) -> None:
    """In place of the store, if there is one."""
    compact = compact_file(store)
    if compact.exists():
        compact.replace(store)
