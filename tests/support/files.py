"""Files of a source as a test reads them: every page, taken as staging takes it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from chalicelib.files.adapter import FilesAdapter
from chalicelib.files.form import FileForm
from chalicelib.files.limits import USUAL, Limits
from chalicelib.files.local_place import LocalPlace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.errors import FileError
    from chalicelib.files.place import Place
    from chalicelib.odata.cursor import Cursor, Page
    from chalicelib.store.table import Table


@dataclass
class Read:
    """What came of a reading:
    `rows` as dicts of texts, each with its place as (number of the file, row).
    """

    names: tuple[str, ...] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)

    @property
    def end(self) -> Cursor:
        return self.pages[-1].next


def adapter_of(
    place: Place | Path,
    directory: Path,
    *,
    limits: Limits = USUAL,
    decimal: str = ".",
    **form: Any,
) -> FilesAdapter:
    place = LocalPlace(place, limits=limits) if isinstance(place, Path) else place
    return FilesAdapter(FileForm(**form), place, directory, limits=limits, decimal=decimal)


def read(adapter: FilesAdapter, cursor: Cursor | None = None) -> Read:
    """From the beginning, or from a cursor; the pieces are removed as staging does."""
    found = Read()
    for page in pages(adapter, cursor):
        found.pages.append(page)
        rows = rows_of(page.table) if page.table else [json.loads(row) for row in page.rows]
        found.names = page.table.names if page.table else found.names
        found.rows += rows
        found.places += [(page.number, page.first_row + i) for i in range(len(rows))]
        found.files += [page.file] * len(rows)
        if page.table:
            page.table.path.unlink()
    return found


def pages(adapter: FilesAdapter, cursor: Cursor | None = None) -> Iterator[Page]:
    survey = adapter.survey()
    return adapter.pages(cursor or adapter.first_cursor([], survey), survey)


def read_file(path: Path, *, limits: Limits = USUAL, **form: Any) -> Read:
    """Which may be told the decimal sign too."""
    adapter = adapter_of(path, path.parent / "work", limits=limits, **form)
    try:
        return read(adapter)
    finally:
        adapter.close()


def rows_of(table: Table) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM {table.relation}")
        names = [column[0] for column in found.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert tuple(names) == table.names
    assert len(rows) == table.rows
    return rows


def refused(
    error: type[FileError], path: Path, *, limits: Limits = USUAL, **form: Any
) -> FileError:
    """The error that the reading of a file ends with."""
    with pytest.raises(error) as caught:
        read_file(path, limits=limits, **form)
    assert type(caught.value) is error
    return caught.value
