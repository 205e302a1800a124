"""ListRows: the rows of a Parquet file on local disk,
some thousand at a time, by a DuckDB of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import duckdb

from chalicelib.store.local_duckdb import exhaustion_errors, local_config, lock_down, sql_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH = 5_000
MOMENT = "TIMESTAMP WITH TIME ZONE"


class ListRows:
    """`directory` is the file's own. Raises ScratchFull, OutOfMemory."""

    def __init__(self, path: Path, *, directory: Path, memory_mb: int) -> None:
        config = local_config(directory, memory_mb) | {"threads": 1}
        self._connection = duckdb.connect(config=config)
        lock_down(self._connection, directory)
        self._file = f"read_parquet('{sql_path(path)}')"
        description = self._connection.execute(f"DESCRIBE FROM {self._file}").fetchall()
        self._types = {str(name): str(column_type) for name, column_type, *_ in description}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def columns(self) -> list[str]:
        return list(self._types)

    def as_text(self) -> Iterator[list[tuple[Any, ...]]]:
        """Days and moments as an answer has them: 2024-01-31, and ISO 8601 in UTC."""
        return self._batches({MOMENT: _ISO_8601, "DATE": "CAST({name} AS VARCHAR)"})

    def as_values(self) -> Iterator[list[tuple[Any, ...]]]:
        """Days as dates, moments as times of UTC without a zone."""
        return self._batches({MOMENT: "make_timestamp(epoch_us({name}))"})

    def _batches(self, casts: dict[str, str]) -> Iterator[list[tuple[Any, ...]]]:
        replaced = [
            f"{casts[column_type].format(name=name)} AS {name}"
            for name, column_type in self._types.items()
            if column_type in casts
        ]
        columns = f"* REPLACE ({', '.join(replaced)})" if replaced else "*"
        with exhaustion_errors():
            result = self._connection.execute(f"SELECT {columns} FROM {self._file}")  # noqa: S608  names of our own
            while rows := result.fetchmany(BATCH):
                yield rows


_ISO_8601 = "strftime(make_timestamp(epoch_us({name})), '%Y-%m-%dT%H:%M:%S.%gZ')"
