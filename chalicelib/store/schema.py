"""The schema of the store and how an older store becomes a new one. The steps stand in store_schema.sql.

All functions work on a connection that has the store attached as `wells`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from chalicelib.errors import WarehouseForeign, WarehouseTooNew

from .columns import COLUMNS
from .statements import named_statements

SCHEMA_VERSION = 2
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


def prepare_store(connection: duckdb.DuckDBPyConnection, *, is_new: bool) -> None:
    """Take the steps that the store lacks, all or none. Raises WarehouseTooNew, WarehouseForeign."""
    version = 0 if is_new else read_version(connection)
    if version < SCHEMA_VERSION:
        connection.execute("BEGIN")
        for step in range(version + 1, SCHEMA_VERSION + 1):
            connection.execute(_SQL[f"version_{step}"])
        connection.execute(_SQL["describe"].format_map(_comments()))
        connection.execute("COMMIT")


def read_version(connection: duckdb.DuckDBPyConnection) -> int:
    """The version of the store's schema. Raises WarehouseTooNew, WarehouseForeign."""
    try:
        found = connection.execute(_SQL["schema_version"]).fetchall()
    except duckdb.CatalogException as exc:
        raise _not_ours() from exc
    if len(found) != 1 or found[0][0] is None:
        raise _not_ours()
    version = int(found[0][0])
    if version > SCHEMA_VERSION:
        raise WarehouseTooNew
    return version


def _not_ours() -> WarehouseForeign:
    return WarehouseForeign(
        "The published database is none of Wellhead's: it says no schema version. Restore a snapshot; docs/workflow.md "
        "says how."
    )


def _comments() -> dict[str, str]:
    """What `describe` is filled with: the two tables of rows have the same columns."""
    ours = {"created_at": "first seen by an import (UTC)", "updated_at": "last changed by an import (UTC)"}
    comments = {column.name: column.comment.replace("'", "''") for column in COLUMNS} | ours
    return {
        table: "\n".join(f"COMMENT ON COLUMN wells.{table}.{name} IS '{text}';" for name, text in comments.items())
        for table in ("well_production", "well_production_history")
    }
