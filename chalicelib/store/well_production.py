"""The statements of well_production.sql: their lists of columns are filled here, values are bound as they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .columns import COLUMNS, KEY, VALUES, VOLUMES, Column, Kind
from .local_duckdb import exhaustion_told
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

_SQL = named_statements(Path(__file__).with_suffix(".sql"))
_WORDS = [column for column in COLUMNS if column.kind is Kind.WORDS]


def _problem(column: Column) -> str:
    """What is wrong with the column of a row, whose texts are in JSON of these `types`, in the order of _WORDS."""
    json_type = f"types[{_WORDS.index(column) + 1}]" if column in _WORDS else "NULL"
    return f"{column.kind}_problem('{column.name}', {column.name}, {json_type}, {column.low}, {column.high})"


def _sound(column: Column, value: str) -> str:
    return f"(is_sound_{column.kind}({column.name}, {value}, {column.low}, {column.high}))"


_LISTS = {
    "columns": ", ".join(column.name for column in COLUMNS),
    "columns_with_types": ", ".join(f"{column.name} {column.type}" for column in COLUMNS),
    "staged_columns": ", ".join(f"staged.{column.name}" for column in COLUMNS),
    "key": ", ".join(KEY),
    "volumes": ", ".join(VOLUMES),
    "values_differ": " OR ".join(f"staged.{name} IS DISTINCT FROM stored.{name}" for name in VALUES),
    "values": ", ".join(
        f"{'draft' if column.kind == 'number' else 'read'}_{column.kind}({column.name}) AS value_of_{column.name}"
        for column in COLUMNS
    ),
    "values_read": ", ".join(f"value_of_{column.name} AS {column.name}" for column in COLUMNS),
    "all_sound": " AND ".join(_sound(column, f"value_of_{column.name}") for column in COLUMNS),
    "words_sound": " AND ".join(_sound(column, column.name) for column in _WORDS),
    "problems_found": ", ".join(map(_problem, COLUMNS)),
}


class WellProductionSql:
    """The statements, on one connection. Each may raise ScratchFull, OutOfMemory and any other duckdb.Error."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        for name in _SQL:
            if name.startswith("macro_"):
                self.run(name)

    def run(self, name: str, lists: Mapping[str, str] | None = None, **values: Any) -> duckdb.DuckDBPyConnection:
        text = filled(name, lists)
        with exhaustion_told():
            return self._connection.execute(text, values) if values else self._connection.execute(text)

    def rows(self, name: str, lists: Mapping[str, str] | None = None, **values: Any) -> list[tuple[Any, ...]]:
        """All of the answer: a result left open blocks what follows."""
        with exhaustion_told():
            return self.run(name, lists, **values).fetchall()

    def one(self, name: str) -> tuple[Any, ...]:
        """The one row of the answer."""
        (row,) = self.rows(name)
        return tuple(row)


def filled(name: str, lists: Mapping[str, str] | None = None) -> str:
    """The text of a statement with its lists; `lists` are added to those of the columns."""
    return _SQL[name].format_map({**_LISTS, **(lists or {})})


def field_lists(fields: list[str]) -> dict[str, str]:
    """What a statement needs that reads the source, which calls the COLUMNS `fields`, in their order."""
    pointers = [_pointer(field) for column, field in zip(COLUMNS, fields, strict=True) if column in _WORDS]
    return {
        "source_fields": ", ".join('field."' + field.replace('"', '""') + '"' for field in fields),
        "words_pointers": f"[{', '.join(pointers)}]",
    }


def _pointer(field: str) -> str:
    """A JSON pointer (RFC 6901) takes any name, quotes and dots included."""
    return "'/" + field.replace("~", "~0").replace("/", "~1").replace("'", "''") + "'"
