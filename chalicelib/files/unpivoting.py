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

from chalicelib.errors import FileUnreadable
from chalicelib.store.local_duckdb import exhaustion_errors, sql_path
from chalicelib.store.row_reading import literal
from chalicelib.store.statements import named_statements
from chalicelib.store.table import PLACE, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .piece import Mark, Piece, Reader
    from .tools import Tools

_SQL = named_statements(Path(__file__).with_name("unpivoting.sql"))


class LongReader:
    """The columns whose whole name is like `pattern` become rows: its named groups are fields of
    them, and what the column holds is the field `value`. All other columns stand beside each of
    these rows.
    """

    def __init__(self, reader: Reader, *, pattern: str, value: str, tools: Tools) -> None:
        self._reader = reader
        self._pattern = re.compile(pattern)
        self._value = value
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
        found = self._reader.examples
        others = self._other_names(self._reader.names)
        examples = {name: found[name] for name in others if name in found}
        for name, groups in self._wide.items():
            if name in found:
                return examples | groups | {self._value: found[name]}
        return examples

    def marks(self) -> Iterator[Mark]:
        return self._reader.marks()

    def pieces(self, mark: Mark, until: int | None = None) -> Iterator[Piece]:
        for piece in self._reader.pieces(mark, until):
            if piece.table:
                yield replace(piece, table=self._long(piece.table))
            else:
                rows = [each for row in piece.rows for each in self._long_rows(row)]
                yield replace(piece, rows=rows)

    @cached_property
    def _wide(self) -> dict[str, dict[str, str]]:
        """Of each column that becomes rows, what its name says."""
        found = self._groups_by_name(self._reader.names)
        if not found:
            raise FileUnreadable(
                f"No column of {self.file} is like {self._pattern.pattern!r}. Correct fields under [unpivot] in the "
                "definition.",
                file=self.file,
                row=0,
            )
        return found

    def _groups_by_name(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        matches = {name: self._pattern.fullmatch(name) for name in names}
        return {name: match.groupdict("") for name, match in matches.items() if match}

    def _other_names(self, names: Iterable[str]) -> list[str]:
        """A column that is called like one of the new fields gives way."""
        new = {name.lower() for name in self._fields}
        return [
            name for name in names if name.lower() not in new and not self._pattern.fullmatch(name)
        ]

    # -- a table ------------------------------------------------------------------------------

    def _long(self, table: Table) -> Table:
        """Raises ScratchFull, OutOfMemory."""
        path = self._tools.new_path(".parquet")
        kept = self._other_names(table.names)
        wide = self._groups_by_name(table.names)
        columns = [f"kept_{place} AS {_name(name)}" for place, name in enumerate(kept)]
        columns += [f"cell.{_name(name)} AS {_name(name)}" for name in self._fields]
        fields = [f"field.{_name(name)} AS kept_{place}" for place, name in enumerate(kept)]
        cells = [self._cell(groups, f"field.{_name(name)}") for name, groups in wide.items()]
        unreadable = ", ".join(str(each.row) for each in table.unreadable)
        lists = {
            "columns": ", ".join(columns),
            "kept": ", ".join(fields) or "NULL",
            "value": _name(self._value),
            "place": _name(PLACE),
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
        names = (*kept, *self._fields, PLACE)
        kinds = self._kinds(table, kept)
        return replace(
            table,
            path=path,
            format="parquet",
            names=names,
            rows=int(rows),
            kinds=kinds,
            has_places=True,
        )

    def _cell(self, groups: Mapping[str, str], value: str) -> str:
        members = [
            f"{_name(name)} := {literal(groups.get(name, ''))}" for name in self._pattern.groupindex
        ]
        members.append(f"{_name(self._value)} := {value}")
        return f"struct_pack({', '.join(members)})"

    def _kinds(self, table: Table, kept: list[str]) -> tuple[str, ...]:
        kinds = dict(zip(table.names, table.kinds, strict=False))
        if not kinds:
            return ()
        of_kept = [kinds[name] for name in kept]
        of_new = ["text"] * (len(self._fields) + 1)  # and of the place
        return (*of_kept, *of_new)

    # -- JSON ---------------------------------------------------------------------------------

    def _long_rows(self, row: Any) -> list[Any]:
        """What is no object stays as it is, to be rejected."""
        try:
            found = json.loads(bytes(row))
        except (ValueError, RecursionError):
            return [row]
        if not isinstance(found, dict):
            return [row]
        kept = {name: found[name] for name in self._other_names(found)}
        wide = self._groups_by_name(found).items()
        cells = [
            kept | groups | {self._value: found[name]}
            for name, groups in wide
            if found[name] not in (None, "")
        ]
        return [json.dumps(cell, ensure_ascii=False).encode() for cell in cells]


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
