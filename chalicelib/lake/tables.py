"""The lake's tables:
those of a store, as far as rows are in them, in Iceberg's types, by year of the period.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.store.statements import named_statements

from .connection import lake_errors
from .versions import HISTORY, PRODUCTION, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from .catalog import Catalog

BY_YEAR = (PRODUCTION, HISTORY)
# Iceberg has no 16-bit integers and no JSON. https://iceberg.apache.org/spec/#primitive-types
TYPES = {"SMALLINT": "INTEGER", "JSON": "VARCHAR"}
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


def make_tables(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Those that the lake lacks. `wells` is a store of today's schema. Raises LakeUnavailable."""
    missing = [table for table in TABLES if catalog.head(table) is None]
    if not missing:
        return

    with lake_errors():
        connection.execute(_SQL["schema"])
        columns_of_store = _SQL["columns"].format(tables=tuple(TABLES))
        for table, names, types in connection.execute(columns_of_store).fetchall():
            if table in missing:
                connection.execute(_create_table(table, names, types))


def _create_table(table: str, names: Sequence[str], types: Sequence[str]) -> str:
    """The statement, for columns of these names and DuckDB's types."""
    iceberg_types = [TYPES.get(column_type, column_type) for column_type in types]
    columns = [f"{name} {each}" for name, each in zip(names, iceberg_types, strict=True)]
    partitioned = _SQL["partitioned"] if table in BY_YEAR else ""
    return _SQL["table"].format(table=table, columns=", ".join(columns), partitioned=partitioned)


def at(table: str, snapshot: int | None) -> str:
    """What stands after FROM for the rows of this snapshot; of none, no rows.
    In brackets, so that a name may follow it.
    """
    when = "WHERE FALSE" if snapshot is None else f"AT (VERSION => {snapshot})"
    return f"(SELECT * FROM lake.wellhead.{table} {when})"  # noqa: S608  names of ours and a number
