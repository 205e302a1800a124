"""The lake's tables:
those of a store, as far as rows are in them, in Iceberg's types, by year of the period.

A release may know more columns than the one that made a table. The next import adds them before it
reads anything: a commit a table of its columns alone, which makes no snapshot and moves no main.
What is published stays as it is, so whoever dies in between leaves nothing to take back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import LakeMoved, WarehouseTooNew
from chalicelib.store.older_columns import columns_of
from chalicelib.store.statements import named_statements

from .connection import lake_errors
from .settling import TRIES
from .versions import HISTORY, PRODUCTION, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

    from .catalog import Catalog

BY_YEAR = (PRODUCTION, HISTORY)
# Iceberg has no 16-bit integers and no JSON. https://iceberg.apache.org/spec/#primitive-types
TYPES = {"SMALLINT": "INTEGER", "JSON": "VARCHAR"}
# What Iceberg calls DuckDB's types.
ICEBERG_TYPES = {
    "BIGINT": "long",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double",
    "INTEGER": "int",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "VARCHAR": "string",
}
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


def prepare_tables(connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Make the tables that the lake lacks, and add to the others the columns that they lack.
    `wells` is a store of today's schema. Raises LakeUnavailable, LakeMoved, WarehouseTooNew.
    """
    for table in TABLES:
        _prepare_table(connection, catalog, table)


def _prepare_table(connection: duckdb.DuckDBPyConnection, catalog: Catalog, table: str) -> None:
    columns = columns_of(connection, f"wells.{table}")
    types = {name: TYPES.get(column_type, column_type) for name, column_type in columns.items()}
    for _ in range(TRIES):
        head = catalog.head(table)
        if head is None:
            with lake_errors():
                connection.execute(_SQL["schema"])
                connection.execute(_create_table(table, types))
            return

        refuse_later(table, head.columns, known=types)
        lacking = {
            name: ICEBERG_TYPES[each] for name, each in types.items() if name not in head.columns
        }
        if not lacking:
            return
        # The table is read once more, whether this worker has added them or another was faster.
        catalog.add_columns(table, head, lacking)
    raise LakeMoved


def refuse_later(table: str, columns: Iterable[str], *, known: Iterable[str]) -> None:
    """Raises WarehouseTooNew for rows with a column that this release would drop."""
    unknown = sorted(set(columns) - set(known))
    if unknown:
        raise WarehouseTooNew(
            f"The table {table} of the lake has columns that this Wellhead does not know: "
            f"{', '.join(unknown)}. A later version has added them; upgrade this one before "
            "importing."
        )


def _create_table(table: str, types: Mapping[str, str]) -> str:
    """The statement, for columns of these names and types."""
    columns = [f"{name} {each}" for name, each in types.items()]
    partitioned = _SQL["partitioned"] if table in BY_YEAR else ""
    return _SQL["table"].format(table=table, columns=", ".join(columns), partitioned=partitioned)


def at(table: str, snapshot: int | None) -> str:
    """What stands after FROM for the rows of this snapshot, with the columns of its day;
    of none, no rows. In brackets, so that a name may follow it.
    """
    when = "WHERE FALSE" if snapshot is None else f"AT (VERSION => {snapshot})"
    return f"(SELECT * FROM lake.wellhead.{table} {when})"  # noqa: S608  names of ours and a number
