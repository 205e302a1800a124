"""Moving: a published state of the lake as a file,
for whoever wants one, and for an import that goes back to files.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from chalicelib.errors import PublishRefused, QueryTooSlow
from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.store.columns import STORED_KEY
from chalicelib.store.local_duckdb import exhaustion_errors, local_config, sql_path, time_limit
from chalicelib.store.older_columns import columns_of
from chalicelib.store.schema import prepare_store
from chalicelib.store.statements import named_statements

from .connection import attach_lake, lake_errors
from .extensions import lake_config
from .tables import BY_YEAR, at, refuse_later
from .versions import PRODUCTION, TABLES, Versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.session import Session

    from .catalog import Catalog

_SQL = named_statements(Path(__file__).with_suffix(".sql"))


def copy_into_file(
    catalog: Catalog,
    session: Session,
    versions: Versions,
    store: Path,
    *,
    directory: Path,
    memory_mb: int,
    seconds: float | None = None,
) -> None:
    """A new store of all that the lake holds in this state; what does not fit into memory goes into
    `directory`. After so many `seconds` it is stopped, where somebody waits for it. Raises
    LakeUnavailable, LakeUnprepared, WarehouseTooNew, PublishRefused, ScratchFull, OutOfMemory,
    QueryTooSlow.
    """
    config = (
        local_config(directory, memory_mb)
        | lake_config()
        | {"storage_compatibility_version": STORAGE_VERSION}
    )
    with duckdb.connect(config=config) as connection, _stop_after(connection, seconds):
        attach_lake(connection, catalog, session)
        with exhaustion_errors():
            connection.execute(
                f"ATTACH '{sql_path(store)}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')"
            )
            prepare_store(connection, is_new=True)
        with lake_errors():
            copied = {table: _copy(connection, table, versions.of(table)) for table in TABLES}
        with exhaustion_errors():
            connection.execute("CHECKPOINT wells")
            connection.execute("DETACH DATABASE wells")
    if copied[PRODUCTION] != versions.rows:
        raise PublishRefused(
            f"The lake gave {copied[PRODUCTION]:,} rows instead of {versions.rows:,}. Ask once "
            "more; if it stays, go back to another published state; docs/lake.md says how."
        )


@contextmanager
def _stop_after(connection: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    try:
        with time_limit(connection, seconds=seconds):
            yield
    except duckdb.InterruptException as exc:
        raise QueryTooSlow from exc


def _copy(connection: duckdb.DuckDBPyConnection, table: str, snapshot: int | None) -> int:
    if snapshot is None:
        return 0  # and the columns of today's table say nothing of a state without rows
    order = ", ".join(STORED_KEY) if table in BY_YEAR else "ALL"
    rows = at(table, snapshot)
    known = columns_of(connection, f"wells.{table}")
    refuse_later(table, columns_of(connection, rows), known=known)
    text = _SQL["copy_table"].format(table=table, rows=rows, order=order)
    ((copied,),) = connection.execute(text).fetchall()
    return int(copied)
