"""The statements of well_production.sql:
their lists of columns are filled here, values are bound as they run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .columns import COLUMNS, KEY, STORED_KEY, VALUES, VOLUMES, Column, Kind
from .grain import Grain
from .local_duckdb import exhaustion_errors
from .row_reading import literal
from .statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from .row_reading import ColumnReading, RowReading
    from .table import Table

USUAL = Grain()
NOTHING = "CAST(NULL AS VARCHAR)"
# Stands in place of a problem, of a row that the source's definition does not mean.
PASSED_OVER = "PASSED OVER"
_SQL = named_statements(Path(__file__).with_suffix(".sql"))
# The type in JSON of a table's column, where its format knows one.
_JSON_TYPES = {"number": "DOUBLE", "boolean": "BOOLEAN"}
_TEXTS = [column for column in COLUMNS if column.kind in (Kind.WORDS, Kind.CODE)]


def _value(column: Column, reading: ColumnReading) -> str:
    """The draft of staging: it is cheaper, and what is wrong with it is found by is_sound_."""
    if reading.value:
        return reading.value
    macro = "draft" if column.kind in (Kind.NUMBER, Kind.CODE) else "read"
    return f"{macro}_{column.kind}({column.name})"


def _exact_value(column: Column, reading: ColumnReading) -> str:
    """As _value, of a row whose texts are in JSON of these `types`:
    they tell whether a code was a number.
    """
    if column.kind is Kind.CODE:
        return f"read_code({column.name}, {_json_type(column)})"
    return _value(column, reading)


def _value_columns(expressions: Mapping[str, str]) -> str:
    """Each value as a column value_of_; those first that others are computed of:
    a rate of a volume needs the days on production, and these the period.
    """
    of_others = ("production_period", "days_on_production")
    names = [name for name in of_others if name in expressions]
    names += [name for name in expressions if name not in names]
    return ", ".join(f"{expressions[name]} AS value_of_{name}" for name in names)


def _stored_value(column: Column) -> str:
    value = f"value_of_{column.name}"
    return f"first_day({value})" if column.kind is Kind.DAY else value


def _json_type(column: Column) -> str:
    """`types` are in the order of _TEXTS."""
    if column not in _TEXTS:
        return "NULL"
    number = _TEXTS.index(column) + 1
    return f"types[{number}]"


def _problem(column: Column) -> str:
    """What is wrong with the column of a row."""
    name = column.name
    of_column = f"'{name}', {name}, value_of_{name}, {_json_type(column)}"
    if column.kind is Kind.CODE:
        return f"code_problem({of_column}, {column.high})"
    return f"{column.kind}_problem({of_column}, {column.low}, {column.high})"


def _is_exact_value_sound(column: Column) -> str:
    """Whether what _exact_value read is in order."""
    name = column.name
    if column.kind is Kind.CODE:
        return f"is_sound_read_code(value_of_{name}, {_json_type(column)}, {column.high})"
    return _is_sound(column)


def _is_sound(column: Column) -> str:
    name = column.name
    of_column = f"{name}, value_of_{name}, {column.low}, {column.high}"
    return f"(is_sound_{column.kind}({of_column}))"


VALUES_DIFFER = " OR ".join(f"accepted.{name} IS DISTINCT FROM stored.{name}" for name in VALUES)
_LISTS = {
    "columns": ", ".join(column.name for column in COLUMNS),
    "columns_with_types": ", ".join(f"{column.name} {column.type}" for column in COLUMNS),
    "columns_of_nulls": ", ".join(
        f"CAST(NULL AS {column.type}) AS {column.name}" for column in COLUMNS
    ),
    "accepted_columns": ", ".join(f"accepted.{column.name}" for column in COLUMNS),
    "key": ", ".join(KEY),
    "order": ", ".join(KEY),
    "store": "wells",
    "stored_rows": "(SELECT count(*) FROM wells.well_production)",
    "rejected_now": "wells.rejected_rows",
    "members": ", ".join(f"{column.name} := staged.{column.name}" for column in COLUMNS),
    "stored_key": ", ".join(STORED_KEY),
    "volumes": ", ".join(VOLUMES),
    "values_compared": ", ".join(VALUES),
    "values_read": ", ".join(f"{_stored_value(column)} AS {column.name}" for column in COLUMNS),
    "all_sound": " AND ".join(map(_is_sound, COLUMNS)),
    "checked_sound": " AND ".join(map(_is_exact_value_sound, COLUMNS)),
    "problems_found": ", ".join(map(_problem, COLUMNS)),
    "passed_over": f"'{PASSED_OVER}'",
}


class WellProductionSql:
    """The statements, on one connection.
    Each may raise ScratchFull, OutOfMemory and any other duckdb.Error.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        macros = [fill(name) for name in _SQL if name.startswith("macro_")]
        with exhaustion_errors():
            connection.execute("\n".join(macros))

    def run(
        self, name: str, lists: Mapping[str, str] | None = None, **values: Any
    ) -> duckdb.DuckDBPyConnection:
        text = fill(name, lists)
        with exhaustion_errors():
            return self._connection.execute(text, values or None)

    def rows(
        self, name: str, lists: Mapping[str, str] | None = None, **values: Any
    ) -> list[tuple[Any, ...]]:
        """All of the answer: a result left open blocks what follows."""
        with exhaustion_errors():
            return self.run(name, lists, **values).fetchall()

    def one(self, name: str, lists: Mapping[str, str] | None = None) -> tuple[Any, ...]:
        """The one row of the answer."""
        (row,) = self.rows(name, lists)
        return tuple(row)


def fill(name: str, lists: Mapping[str, str] | None = None) -> str:
    """The text of a statement with its lists; `lists` are added to those of the columns."""
    all_lists = {**_LISTS, **(lists or {})}
    return _SQL[name].format_map(all_lists)


def reading_lists(
    reading: RowReading, grain: Grain = USUAL, table: Table | None = None
) -> dict[str, str]:
    """What a statement needs that reads the source: JSON lines, or the table."""
    columns = {column: reading.columns[column.name] for column in COLUMNS}
    order_by = reading.text_of(grain.order_by) if grain.order_by else NOTHING
    drafts = {column.name: _value(column, each) for column, each in columns.items()}
    exact = {column.name: _exact_value(column, each) for column, each in columns.items()}
    return {
        "source_fields": ", ".join(each.text for each in columns.values()),
        "grain_fields": f"{_primary_key(grain, reading)}, {order_by}",
        "is_meant": reading.is_meant,
        "values": _value_columns(drafts),
        "checked_values": _value_columns(exact),
        **(_rows_of_json(columns) if table is None else _rows_of_table(columns, table)),
    }


def _rows_of_json(columns: Mapping[Column, ColumnReading]) -> dict[str, str]:
    rows = fill("json_rows")
    return {
        "rows_of_source": rows,
        "placed_rows_of_source": fill("placed_json_rows", {"json_rows": rows}),
        "types": _types_of_json(columns),
        "text": "line.text",
        "page": "place.page",
        "position": "place.position",
        "is_unreadable": "FALSE",
    }


def _types_of_json(columns: Mapping[Column, ColumnReading]) -> str:
    """In one look at the row.
    A column that no field fills by itself is text, unless an object or a list is all of it.
    """
    typed_by = [columns[column].typed_by for column in _TEXTS]
    pointers = [_pointer(field) for field in typed_by if field]
    looked_up = f"json_type(text, [{', '.join(pointers)}])"
    if all(typed_by):
        return looked_up
    types = []
    number = 0  # of the field among those that are looked up
    for column, field in zip(_TEXTS, typed_by, strict=True):
        if field:
            number += 1
            types.append(f"found[{number}]")
        else:
            is_json = f"is_json_of_more({column.name})"
            types.append(f"CASE WHEN {is_json} THEN 'OBJECT' ELSE 'VARCHAR' END")
    type_list = f"[{', '.join(types)}]"
    if not pointers:
        return type_list
    return f"list_transform([{looked_up}], lambda found: {type_list})[1]"


def _rows_of_table(columns: Mapping[Column, ColumnReading], table: Table) -> dict[str, str]:
    """Its text is that of an object with all its fields. On one thread the rows come in the order
    of the file. Of rows that cannot be told apart the texts stand beside the table.
    """
    kinds = dict(zip(table.names, table.kinds, strict=False))
    types = []
    for column in _TEXTS:
        kind = kinds.get(columns[column].typed_by, "text")
        types.append(_JSON_TYPES.get(kind, "VARCHAR"))
    rows = f"{table.relation} AS field"
    text = table.row_text
    position = table.place
    is_unreadable = "FALSE"
    if table.unreadable:
        text_beside = f"$unreadable_texts[list_position($unreadable_rows, {position})]"
        text = f"coalesce({text_beside}, {text})"
        is_unreadable = "list_contains($unreadable_rows, position)"
    return {
        "rows_of_source": rows,
        "placed_rows_of_source": rows,
        "types": f"[{', '.join(map(literal, types))}]",
        "text": text,
        "page": "$page",
        "position": position,
        "is_unreadable": is_unreadable,
    }


def _primary_key(grain: Grain, reading: RowReading) -> str:
    """One text of all its fields, each without blanks around it, as codes are."""
    texts = [reading.text_of(name) for name in grain.primary_key]
    fields = [
        f"CASE WHEN has_blanks({text}) THEN stripped({text}) ELSE {text} END" for text in texts
    ]
    if len(fields) > 1:
        return f"CAST(to_json([{', '.join(fields)}]) AS VARCHAR)"
    return fields[0] if fields else NOTHING


def _pointer(field: str) -> str:
    """A JSON pointer (RFC 6901) takes any name, quotes and dots included."""
    name = field.replace("~", "~0").replace("/", "~1")
    return literal(f"/{name}")
