"""LakeSql: the statements of merge.sql, for the rows of a source, on a connection with the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.store.columns import KEY
from chalicelib.store.well_production import VALUES_DIFFER

from .delta import STATEMENTS

if TYPE_CHECKING:
    import duckdb


class LakeSql:
    def __init__(self, connection: duckdb.DuckDBPyConnection, source_name: str) -> None:
        self._connection = connection
        self._source_name = source_name

    def run(self, name: str, **lists: Any) -> list[tuple[Any, ...]]:
        """The answer of a statement that is filled with the lists;
        those that it names as $values are bound.
        """
        all_lists = {"values_differ": VALUES_DIFFER, "key": ", ".join(KEY), **lists}
        statement = STATEMENTS[name].format_map(all_lists)

        # DuckDB refuses a value that the statement does not name.
        parameters = {"source_name": self._source_name, **lists}
        values = {key: value for key, value in parameters.items() if f"${key}" in statement}
        return self._connection.execute(statement, values or None).fetchall()

    def one(self, name: str, **lists: Any) -> tuple[Any, ...]:
        """The one row of the answer."""
        (row,) = self.run(name, **lists)
        return row

    def bounds(self, statement: str = "bounds") -> dict[str, str]:
        """The `first` and `last` period of the rows, as SQL."""
        first, last = self.one(statement)
        return {"first": _date(first), "last": _date(last)}


def _date(day: str | None) -> str:
    """As SQL."""
    return f"DATE '{day}'" if day else "NULL"
