"""A file that was published before a column was added answers as if it had been there, empty."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb
from support.older_stack import as_version_2
from support.stores import ROWS, merged, opened

from chalicelib.store.columns import SHOWN

if TYPE_CHECKING:
    from pathlib import Path


def test_a_column_that_a_file_lacks_is_null_in_it(tmp_path: Path) -> None:
    store = merged(tmp_path, [json.dumps(row).encode() for row in ROWS])
    older = as_version_2(store, tmp_path / "older.duckdb")
    with duckdb.connect(older) as connection:
        for table in ("well_production", "well_production_history"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN partition_0")

    query = opened(older)
    rows = query.production().rows
    query.close()

    assert len(rows) == len(ROWS)
    assert {row["partition_0"] for row in rows} == {None}
    assert list(rows[0]) == [*SHOWN, "created_at", "updated_at"]
