"""Tools: what readers of files share:
fresh paths in one directory, and a DuckDB that counts and converts.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import duckdb

from chalicelib.store.local_duckdb import exhaustion_errors, local_config

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.store.table import Table

# A piece is read in vectors of 2,048 rows; a row group of Parquet is what takes more.
MEMORY_MB = 200


class Tools:
    """Of one adapter, and of one thread at a time."""

    def __init__(self, directory: Path, *, memory_mb: int = MEMORY_MB) -> None:
        self.directory = directory
        self._memory_mb = memory_mb
        self._numbers = count()
        self._duckdb: duckdb.DuckDBPyConnection | None = None

    def new_path(self, ending: str = "") -> Path:
        """Each of its own:
        DuckDB may keep pages of a file that had the same path a moment before.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        return self.directory / f"file-{next(self._numbers)}{ending}"

    def count_rows(self, table: Table) -> int:
        """As DuckDB reads them. Raises duckdb.Error, OutOfMemory."""
        with exhaustion_errors():
            ((rows,),) = self.duckdb.execute(f"SELECT count(*) FROM {table.relation}").fetchall()  # noqa: S608
        return int(rows)

    @property
    def duckdb(self) -> duckdb.DuckDBPyConnection:
        if self._duckdb is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._duckdb = duckdb.connect(config=local_config(self.directory, self._memory_mb))
            self._duckdb.execute("SET threads = 1")
            # One thread keeps it, and needs less memory.
            self._duckdb.execute("SET preserve_insertion_order = false")
            self._duckdb.execute("SET enable_external_file_cache = false")
        return self._duckdb

    def close(self) -> None:
        if self._duckdb:
            self._duckdb.close()
        self._duckdb = None
