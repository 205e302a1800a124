"""Table: a piece of a file that DuckDB reads where it lies, all values text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .local_duckdb import plain_text, sql_path
from .row_reading import field_text

if TYPE_CHECKING:
    from pathlib import Path

# Bytes of one row of a CSV. DuckDB takes two million where it is not set.
LONGEST_RECORD = 1 << 20
PLACE = "_row"  # the column of a table that tells of each row where it stands in the file, from 0
# Nothing is guessed, so that a row is read the same wherever the piece was cut.
PLAIN_CSV = (
    "auto_detect = false, header = false, new_line = '\\n', nullstr = '', strict_mode = true, "
    "null_padding = false, parallel = false, compression = 'none', hive_partitioning = false"
)


@dataclass(frozen=True)
class Unreadable:
    """A row that cannot be told apart into its fields.
    In the piece stands a row without values in its place.
    """

    row: int  # in the file, as Table.first_row counts
    raw: bytes  # the beginning of its text
    problem: str


@dataclass(frozen=True, kw_only=True)
class Table:
    path: Path  # on local disk; who has staged it removes it
    format: str  # "csv" | "parquet"
    # Of its columns, in order, unique in small letters too. A definition calls them fields.
    names: tuple[str, ...]
    rows: int  # data rows in this piece, as DuckDB counts them
    first_row: int  # place in the file (or sheet) of the first one, data rows from 0
    file: str  # what the field _file holds: its name (a member of a zip: "a.zip/b.csv")
    sheet: str = ""  # _sheet
    delimiter: str = ","  # of a CSV, which is UTF-8, has no header line and line feeds alone
    quote: str = '"'  # or "" for none
    kinds: tuple[str, ...] = ()  # per column "text" | "number" | "date" | "boolean"; () = all text
    unreadable: tuple[Unreadable, ...] = ()
    has_places: bool = False  # in PLACE, because several rows come of one of the file

    @property
    def place(self) -> str:
        """Of each row of `relation`, read as `field`,
        where it stands in the file (or sheet), from 0; as SQL.
        """
        if self.has_places:
            return f'CAST(field."{PLACE}" AS BIGINT)'
        return f"{self.first_row} + row_number() OVER () - 1"

    @property
    def row_text(self) -> str:
        """Of each row of `relation`, read as `field`, the JSON of an object with all its fields;
        as SQL. They are named one by one: of a table with a column that is called field too,
        `field` alone is that column.
        """
        if not self.names:
            return "'{}'"
        members = ", ".join(f"{plain_text(name)}: {field_text(name)}" for name in self.names)
        return f"CAST(to_json({{{members}}}) AS VARCHAR)"

    @property
    def relation(self) -> str:
        """What stands after FROM to read it;
        the columns have their names, and all of them are VARCHAR.
        """
        if self.format == "parquet":
            return f"read_parquet('{sql_path(self.path)}', hive_partitioning = false)"
        columns = ", ".join(f"{plain_text(name)}: 'VARCHAR'" for name in self.names)
        quote = plain_text(self.quote)
        marks = f"delim = {plain_text(self.delimiter)}, quote = {quote}, escape = {quote}"
        path = sql_path(self.path)
        return f"read_csv('{path}', columns = {{{columns}}}, {marks}, {PLAIN_CSV})"
