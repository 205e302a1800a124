"""The columns that rows lack which were published before them: they are null there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

# Of the declared columns: what a question may ask of rows of any age.
DECLARED = {column.name: column.type for column in COLUMNS}


def columns_of(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[str, str]:
    """The names of the columns in their order, and DuckDB's types of them.
    `rows` is what stands after FROM.
    """
    described = connection.execute(f"DESCRIBE SELECT * FROM {rows} AS stored").fetchall()  # noqa: S608  names of ours
    return {name: column_type for name, column_type, *_ in described}


def with_nulls(connection: duckdb.DuckDBPyConnection, rows: str, columns: Mapping[str, str]) -> str:
    """What stands for the rows after FROM, with all of the columns: names, and DuckDB's types."""
    found = columns_of(connection, rows)
    lacking = {name: each for name, each in columns.items() if name not in found}
    if not lacking:
        return rows
    nulls = ", ".join(f"CAST(NULL AS {each}) AS {name}" for name, each in lacking.items())
    # As with well_name, added last: (SELECT *, CAST(NULL AS VARCHAR) AS well_name FROM … AS stored).
    return f"(SELECT *, {nulls} FROM {rows} AS stored)"  # noqa: S608  names of ours
