"""The schema of the store and how an older store becomes a new one. The steps stand in schema.sql.

All functions work on a connection that has the store attached as `wells`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from chalicelib.errors import PeriodChanged, WarehouseForeign, WarehouseTooNew

from .columns import COLUMNS
from .period import Period, RowSource
from .statements import named_statements

SCHEMA_VERSION = 3
STORE = "wells.well_production"  # the stored rows
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


def prepare_store(
    connection: duckdb.DuckDBPyConnection, *, is_new: bool, source: RowSource | None = None
) -> None:
    """Take the steps that the store lacks, all or none. Rows of an older store become the source's.
    Raises WarehouseTooNew, WarehouseForeign, PeriodChanged.
    """
    source = source or RowSource()
    version = 0 if is_new else read_version(connection)
    if version < SCHEMA_VERSION:
        source.period.define(connection)
        connection.execute("BEGIN")
        for step in range(version + 1, SCHEMA_VERSION + 1):
            connection.execute(_SQL[f"version_{step}"].format(source=source.name))
        connection.execute(_SQL["describe"].format_map(_comments()))
        if version:
            _refuse_shorter_periods(connection, source.period)
        connection.execute("COMMIT")
    refuse_other_periods(connection, source)


def read_version(connection: duckdb.DuckDBPyConnection) -> int:
    """The version of the store's schema. Raises WarehouseTooNew, WarehouseForeign."""
    try:
        rows = connection.execute(_SQL["schema_version"]).fetchall()
    except duckdb.CatalogException as exc:
        raise _foreign_store() from exc
    if len(rows) != 1 or rows[0][0] is None:
        raise _foreign_store()
    version = int(rows[0][0])
    if version > SCHEMA_VERSION:
        raise WarehouseTooNew
    return version


def _refuse_shorter_periods(connection: duckdb.DuckDBPyConnection, period: Period) -> None:
    """An older store does not say how long its periods are;
    several of a well within one tell that they are shorter.
    """
    for field, well, first_day, count in connection.execute(_SQL["repeated_key"]).fetchall():
        raise PeriodChanged(
            f"The published database has {count} rows of well {well} in field {field} within the "
            f"{period} that begins on {first_day}, so its periods are shorter than a {period}. Set "
            "WELLHEAD_SOURCE_PERIOD to their length and start the import again."
        )


def refuse_other_periods(
    connection: duckdb.DuckDBPyConnection, source: RowSource, *, stored: str = STORE
) -> None:
    """`stored` is what stands after FROM for rows of the source, all or some.
    Raises PeriodChanged.
    """
    days = source.period.days
    bounds = {"source": source.name, "shortest": days[0], "longest": days[-1]}
    query = _SQL["other_periods"].format(stored=stored)
    ((other_days,),) = connection.execute(query, bounds).fetchall()
    if other_days is not None:
        other = Period.of(other_days) or f"{other_days} days"
        raise PeriodChanged(
            f"The published rows of the source {source.name} have periods of a {other}, and "
            f"WELLHEAD_SOURCE_PERIOD is {source.period}. Set it to {other}, or give the rows of "
            "another length a separate source with another WELLHEAD_SOURCE_NAME. Nothing was "
            "published."
        )


def _foreign_store() -> WarehouseForeign:
    return WarehouseForeign(
        "The published database is none of Wellhead's: it says no schema version. Restore a "
        "snapshot; docs/workflow.md says how."
    )


def _comments() -> dict[str, str]:
    """What `describe` is filled with: the two tables of rows have the same columns."""
    ours = {
        "source": "name of the source",
        "period_days": "calendar days of the production period (days)",
        "source_rows": "rows of the source in this one (rows)",
        "created_at": "first seen by an import (UTC)",
        "updated_at": "last changed by an import (UTC)",
    }
    comments = {column.name: column.comment.replace("'", "''") for column in COLUMNS} | ours
    statements = {}
    for table in ("well_production", "well_production_history"):
        lines = [
            f"COMMENT ON COLUMN wells.{table}.{name} IS '{text}';"
            for name, text in comments.items()
        ]
        statements[table] = "\n".join(lines)
    return statements
