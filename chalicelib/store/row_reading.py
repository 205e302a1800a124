"""RowReading: how the rows of a source become ours,
an SQL expression a column, for the statements of staging.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .columns import COLUMNS
from .local_duckdb import quoted_name
from .local_duckdb import quoted_text as literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "DOUBTFUL_DATE",
    "UNREADABLE",
    "ColumnReading",
    "RowReading",
    "field_text",
    "literal",
    "plain_reading",
    "text_of_json",
    "unique",
]

DOUBTFUL_DATE = "doubtful date"  # what a statement ends with that reads ISO dates alone
# Before a text that is none in the form that was declared: then it is none in any.
UNREADABLE = "'?' || "


@dataclass(frozen=True, kw_only=True)
class ColumnReading:
    """`text` is of the source's row, which is called `field`; NULL where the row says nothing.
    `value` is of the text, which has the column's name, and of `value_of_production_period` and
    `value_of_days_on_production`; empty is the usual reading of the column's kind. `typed_by` is
    the field whose type in JSON tells whether a code was a number.

    `iso_text` is of a date that may have other forms too: the text where it is in the usual one,
    else an error that says DOUBTFUL_DATE. Empty where `text` knows one form alone.
    """

    text: str = "CAST(NULL AS VARCHAR)"
    iso_text: str = ""
    value: str = ""
    typed_by: str = ""


@dataclass(frozen=True, kw_only=True)
class RowReading:
    """`columns` has all of COLUMNS, `fields` are what is read of the source, as text.
    Rows that are not `is_meant` are passed over, and counted. Of JSON, fields that are read
    `as_json` tell a text from a number.
    """

    columns: Mapping[str, ColumnReading] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    is_meant: str = "TRUE"
    as_json: bool = False

    @property
    def takes_all(self) -> bool:
        return self.is_meant == "TRUE"

    def text_of(self, name: str) -> str:
        """Of the field."""
        return text_of_json(name) if self.as_json else field_text(name)

    @property
    def of_iso_dates(self) -> RowReading:
        """The same, or DOUBTFUL_DATE where a row has a date in another form."""
        columns = {
            name: replace(column, text=column.iso_text or column.text)
            for name, column in self.columns.items()
        }
        return replace(self, columns=columns)


def plain_reading(mapping: Mapping[str, str]) -> RowReading:
    """Of fields that hold our columns as they are: `{column: field}`."""
    columns = {column.name: ColumnReading() for column in COLUMNS}
    for name in columns:
        if name in mapping:
            field_name = mapping[name]
            columns[name] = ColumnReading(text=field_text(field_name), typed_by=field_name)
    return RowReading(columns=columns, fields=unique(mapping.values()))


def field_text(name: str) -> str:
    """The field of a row, as a quoted name."""
    return f"field.{quoted_name(name)}"


def text_of_json(name: str) -> str:
    """The field of a row that is read as JSON, as its text."""
    return f"({field_text(name)} ->> '$')"


def unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
