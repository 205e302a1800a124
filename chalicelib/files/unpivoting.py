"""LongReader: a table with a column a month, or a product, read as one with a row for each of them.

A cell that holds nothing is no row.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import category

from chalicelib.errors import FileUnreadable
from chalicelib.store.local_duckdb import exhaustion_errors, quoted_name, sql_path
from chalicelib.store.row_reading import literal
from chalicelib.store.statements import named_statements
from chalicelib.store.table import PLACE, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .piece import Mark, Piece, Reader
    from .tools import Tools

# What DuckDB's trim takes away: neither tabs nor line breaks.
SPACES = "".join(char for char in map(chr, range(0x3001)) if category(char) == "Zs")
_SQL = named_statements(Path(__file__).with_name("unpivoting.sql"))


class LongReader:
    """The columns whose whole name is like `pattern` become rows: its named groups are fields of
    them, and what the column holds is the field `value`. All other columns stand beside each of
    these rows.
    """

    def __init__(
        self, reader: Reader, *, pattern: str, value: str, decimal: str, tools: Tools
    ) -> None:
        self._reader = reader
        self._pattern = re.compile(pattern)
        self._value = value
        self._decimal = decimal
        self._tools = tools
        self._fields = (*self._pattern.groupindex, value)

    @property
    def file(self) -> str:
        return self._reader.file

    @property
    def names(self) -> tuple[str, ...]:
        """Raises FileUnreadable: no column is like the pattern."""
        if not self._reader.names or not self._wide:
            return ()
        return (*self._other_names(self._reader.names), *self._fields)

    @property
    def examples(self) -> dict[str, Any]:
        """Of the columns that stay, and of the first one that becomes rows."""
        wide_examples = self._reader.examples
        others = self._other_names(self._reader.names)
        examples = {name: wide_examples[name] for name in others if name in wide_examples}
        for name, groups in self._wide.items():
            if name in wide_examples:
                return examples | groups | {self._value: wide_examples[name]}
        return examples

    def marks(self) -> Iterator[Mark]:
        return self._reader.marks()

    def pieces(self, mark: Mark, until: int | None = None) -> Iterator[Piece]:
        for piece in self._reader.pieces(mark, until):
            if piece.table:
                yield replace(piece, table=self._long(piece.table))
            else:
                rows = [long_row for row in piece.rows for long_row in self._long_rows(row)]
                yield replace(piece, rows=rows)

    @cached_property
    def _wide(self) -> dict[str, dict[str, str]]:
        """Of each column that becomes rows, what its name says."""
        groups_by_name = self._groups_by_name(self._reader.names)
        if not groups_by_name:
            raise FileUnreadable(
                f"No column of {self.file} is like {self._pattern.pattern!r}. Correct fields under [unpivot] in the "
                "definition.",
                file=self.file,
                row=0,
            )
        return groups_by_name

    def _groups_by_name(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        matches = {name: self._pattern.fullmatch(name) for name in names}
        return {name: match.groupdict("") for name, match in matches.items() if match}

    def _other_names(self, names: Iterable[str]) -> list[str]:
        """A column that is called like one of the new fields gives way."""
        new_names = {name.lower() for name in self._fields}
        narrow = [name for name in names if not self._pattern.fullmatch(name)]
        return [name for name in narrow if name.lower() not in new_names]

    # -- a table ------------------------------------------------------------------------------

    def _long(self, table: Table) -> Table:
        """Raises ScratchFull, OutOfMemory."""
        path = self._tools.new_path(".parquet")
        kept = self._other_names(table.names)
        wide = self._groups_by_name(table.names)

        # Numbers stand for the names within the statement, which has a `place` and `cells` of its own.
        columns = [f"kept_{place} AS {quoted_name(name)}" for place, name in enumerate(kept)]
        columns += [f"cell.{quoted_name(name)} AS {quoted_name(name)}" for name in self._fields]
        fields = [f"field.{quoted_name(name)} AS kept_{place}" for place, name in enumerate(kept)]
        cells = [self._cell(groups, self._text(table, name)) for name, groups in wide.items()]
        unreadable = ", ".join(str(record.row) for record in table.unreadable)
        lists = {
            "columns": ", ".join(columns),
            "kept": ", ".join(fields) or "NULL",
            "value": quoted_name(self._value),
            "place": quoted_name(PLACE),
            "cells": ", ".join(cells),
            "nothing": self._cell({}, "NULL"),
            "unreadable": f"CAST([{unreadable}] AS BIGINT[])",
            "row": table.place,
            "relation": table.relation,
            "path": sql_path(path),
        }
        statement = _SQL["write_long_rows"].format_map(lists)
        with exhaustion_errors():
            ((rows,),) = self._tools.duckdb.execute(statement).fetchall()
        table.path.unlink()

        return replace(
            table,
            path=path,
            format="parquet",
            names=(*kept, *self._fields, PLACE),
            rows=int(rows),
            kinds=self._kinds(table, kept),
            has_places=True,
        )

    def _text(self, table: Table, name: str) -> str:
        """Of a column of numbers with the decimal sign that the texts of others have: the new field
        is one of both.
        """
        text = f"field.{quoted_name(name)}"
        kinds = dict(zip(table.names, table.kinds, strict=False))
        if self._decimal == "." or kinds.get(name) != "number":
            return text
        return f"replace({text}, '.', {literal(self._decimal)})"

    def _cell(self, groups: Mapping[str, str], value: str) -> str:
        """A row's new fields, as struct_pack("month" := 'JAN', "OIL" := field."JAN_OIL")."""
        texts = {name: literal(groups.get(name, "")) for name in self._pattern.groupindex}
        members = [f"{quoted_name(name)} := {text}" for name, text in texts.items()]
        members.append(f"{quoted_name(self._value)} := {value}")
        return f"struct_pack({', '.join(members)})"

    def _kinds(self, table: Table, kept: list[str]) -> tuple[str, ...]:
        kinds = dict(zip(table.names, table.kinds, strict=False))  # of a CSV none are known
        if not kinds:
            return ()
        kept_kinds = [kinds[name] for name in kept]
        new_kinds = ["text"] * (len(self._fields) + 1)  # and that of the place
        return (*kept_kinds, *new_kinds)

    # -- JSON ---------------------------------------------------------------------------------

    def _long_rows(self, row: Any) -> list[Any]:
        """What is no object, or has a member twice, stays as it is, to be rejected."""
        try:
            members = json.loads(bytes(row), object_pairs_hook=_members)
        except (ValueError, RecursionError):
            return [row]
        if not isinstance(members, dict):
            return [row]

        kept = {name: members[name] for name in self._other_names(members)}
        wide = self._groups_by_name(members)
        long_rows = [
            kept | groups | {self._value: members[name]}
            for name, groups in wide.items()
            if _holds_something(members[name])
        ]
        return [json.dumps(long_row, ensure_ascii=False).encode() for long_row in long_rows]


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError: of two members of one name nobody knows which one counts."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is there twice")
    return members


def _holds_something(cell: Any) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip(SPACES)))
