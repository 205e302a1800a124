"""The statements of well_production.sql: their lists of columns are filled here, values are bound as they run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .columns import COLUMNS, KEY, STORED_KEY, VALUES, VOLUMES, Column, Kind
from .grain import Grain
from .local_duckdb import exhaustion_told
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

USUAL = Grain()
NOTHING = "CAST(NULL AS VARCHAR)"
_SQL = named_statements(Path(__file__).with_suffix(".sql"))
_TEXTS = [column for column in COLUMNS if column.kind in (Kind.WORDS, Kind.CODE)]


def _reading_of(column: Column) -> str:
    """The macro of staging: a draft is cheaper, and what is wrong with it is found by is_sound_."""
    return f"{'draft' if column.kind in (Kind.NUMBER, Kind.CODE) else 'read'}_{column.kind}"


def _checked(column: Column) -> str:
    """As _reading_of, of a row whose texts are in JSON of these `types`: they tell whether a code was a number."""
    if column.kind is Kind.CODE:
        return f"read_code({column.name}, {_type_of(column)})"
    return f"{_reading_of(column)}({column.name})"


def _kept_of(column: Column) -> str:
    value = f"value_of_{column.name}"
    return f"first_day({value})" if column.kind is Kind.DAY else value


def _type_of(column: Column) -> str:
    """`types` are in the order of _TEXTS."""
    return f"types[{_TEXTS.index(column) + 1}]" if column in _TEXTS else "NULL"


def _problem(column: Column) -> str:
    """What is wrong with the column of a row."""
    if column.kind is Kind.CODE:
        value = f"value_of_{column.name}"
        return f"code_problem('{column.name}', {column.name}, {value}, {_type_of(column)}, {column.high})"
    return f"{column.kind}_problem('{column.name}', {column.name}, {_type_of(column)}, {column.low}, {column.high})"


def _checked_sound(column: Column) -> str:
    """Whether what _checked read is in order."""
    value = f"value_of_{column.name}"
    if column.kind is Kind.CODE:
        return f"code_problem('', {column.name}, {value}, {_type_of(column)}, {column.high}) IS NULL"
    return _sound(column, value)


def _sound(column: Column, value: str) -> str:
    return f"(is_sound_{column.kind}({column.name}, {value}, {column.low}, {column.high}))"


_LISTS = {
    "columns": ", ".join(column.name for column in COLUMNS),
    "columns_with_types": ", ".join(f"{column.name} {column.type}" for column in COLUMNS),
    "columns_of_nulls": ", ".join(f"CAST(NULL AS {column.type}) AS {column.name}" for column in COLUMNS),
    "accepted_columns": ", ".join(f"accepted.{column.name}" for column in COLUMNS),
    "key": ", ".join(KEY),
    "members": ", ".join(f"{column.name} := staged.{column.name}" for column in COLUMNS),
    "stored_key": ", ".join(STORED_KEY),
    "volumes": ", ".join(VOLUMES),
    "values_differ": " OR ".join(f"accepted.{name} IS DISTINCT FROM stored.{name}" for name in VALUES),
    "values": ", ".join(f"{_reading_of(column)}({column.name}) AS value_of_{column.name}" for column in COLUMNS),
    "checked_values": ", ".join(f"{_checked(column)} AS value_of_{column.name}" for column in COLUMNS),
    "values_read": ", ".join(f"{_kept_of(column)} AS {column.name}" for column in COLUMNS),
    "all_sound": " AND ".join(_sound(column, f"value_of_{column.name}") for column in COLUMNS),
    "checked_sound": " AND ".join(map(_checked_sound, COLUMNS)),
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


def field_lists(fields: list[str], grain: Grain = USUAL) -> dict[str, str]:
    """What a statement needs that reads the source, which calls the COLUMNS `fields`, in their order."""
    pointers = [_pointer(field) for column, field in zip(COLUMNS, fields, strict=True) if column in _TEXTS]
    return {
        "source_fields": ", ".join(map(_field, fields)),
        "grain_fields": f"{_primary_key(grain)}, {_field(grain.order_by) if grain.order_by else NOTHING}",
        "pointers": f"[{', '.join(pointers)}]",
    }


def _field(name: str) -> str:
    return 'field."' + name.replace('"', '""') + '"'


def _primary_key(grain: Grain) -> str:
    """One text of all its fields."""
    fields = [_field(name) for name in grain.primary_key]
    if len(fields) > 1:
        return f"CAST(to_json([{', '.join(fields)}]) AS VARCHAR)"
    return fields[0] if fields else NOTHING


def _pointer(field: str) -> str:
    """A JSON pointer (RFC 6901) takes any name, quotes and dots included."""
    return "'/" + field.replace("~", "~0").replace("/", "~1").replace("'", "''") + "'"
