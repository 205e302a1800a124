"""Reading: a published state of the lake, shown as the tables of a file,
so that both are asked in the same words.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from chalicelib.store.older_columns import columns_of, with_nulls
from chalicelib.store.schema import SCHEMA_VERSION, prepare_store
from chalicelib.store.statements import named_statements

from .connection import attach_lake, lake_errors
from .tables import BY_YEAR, at
from .versions import TABLES, Versions

if TYPE_CHECKING:
    from botocore.session import Session

    from .catalog import Catalog

_SQL = named_statements(Path(__file__).with_suffix(".sql"))


def show_lake(
    connection: duckdb.DuckDBPyConnection, catalog: Catalog, session: Session, versions: Versions
) -> None:
    """`wells` on the connection, as if a file were attached; columns that the state is too old for
    are null. No rows are read before somebody asks. Raises LakeUnprepared, LakeUnavailable.
    """
    attach_lake(connection, catalog, session)
    with lake_errors():
        connection.execute("ATTACH ':memory:' AS wells")
        for table in TABLES:
            statement = _SQL["production" if table in BY_YEAR else "others"]
            rows = at(table, versions.of(table))
            rows = with_nulls(connection, rows, _columns_of_today()[table])
            connection.execute(statement.format(table=table, rows=rows))
        connection.execute(_SQL["schema_version"].format(version=SCHEMA_VERSION))


@cache
def _columns_of_today() -> dict[str, dict[str, str]]:
    """Of each table of a new store: their names, and DuckDB's types of them."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS wells")
        prepare_store(connection, is_new=True)
        return {table: columns_of(connection, f"wells.{table}") for table in TABLES}
