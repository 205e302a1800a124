"""The columns that a published file of before them lacks: they are null in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.store.columns import COLUMNS, Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb


def lacking_columns(connection: duckdb.DuckDBPyConnection) -> list[Column]:
    no_rows = connection.execute("SELECT * FROM wells.well_production LIMIT 0")
    description = no_rows.description or ()
    names = {name for name, *_ in description}
    return [column for column in COLUMNS if column.name not in names]


def with_nulls(table: str, columns: Sequence[Column]) -> str:
    """What stands for the table after FROM."""
    if not columns:
        return table
    nulls = ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in columns)
    # As with well_name, added last: (SELECT *, CAST(NULL AS VARCHAR) AS well_name FROM … AS stored).
    return f"(SELECT *, {nulls} FROM {table} AS stored)"  # noqa: S608  names of ours
