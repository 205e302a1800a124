"""What was written of a new store is read back before it is published, every value of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.staging import SAME_READING, batch_of

from chalicelib.errors import PublishRefused
from chalicelib.store.repository import DuckDBWellProductionRepository, RunFacts

if TYPE_CHECKING:
    from pathlib import Path

HEADERS, BLOCK = 3 * 4096, 1 << 18  # of a DuckDB file: https://duckdb.org/docs/stable/internals/storage
ROWS = 30_000


def rows() -> list[bytes]:
    return [
        b'{"field_code": 1, "well_code": %d, "production_period": "2024-01-01", "well_name": "Well %d",'
        b' "oil_production_kbd": %d.%d, "gas_production_mmcfd": %d.5}' % (n, n * 7919, n, n * 31, n * 13)
        for n in range(ROWS)
    ]


def content(store: Path) -> Any:
    """None when it cannot be read."""
    with suppress(duckdb.Error), duckdb.connect(store, read_only=True) as connection:
        return connection.execute(
            "SELECT * EXCLUDE (created_at, updated_at) FROM well_production ORDER BY ALL"
        ).fetchall()
    return None


def test_a_flipped_bit_in_any_block_is_found(tmp_path: Path) -> None:
    repository = DuckDBWellProductionRepository(directory=tmp_path / "scratch", memory_mb=200)
    repository.stage(batch_of(tmp_path, rows()), SAME_READING)
    facts = RunFacts(job_id="a", fence=1, source="s", triggered_by="t", started_at=0.0, expected_records=None)
    store = tmp_path / "wells.duckdb"
    repository.merge(store, facts, now=1e9, warnings={})
    whole, expected = store.read_bytes(), content(store)
    found = 0
    for place in range(HEADERS + BLOCK // 3, len(whole), BLOCK):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        store.write_bytes(damaged)
        try:
            repository.verify(store, rows=ROWS)
        except PublishRefused:
            found += 1
        else:
            assert content(store) == expected, f"nobody reads the block at {place}"
    store.write_bytes(whole)
    repository.verify(store, rows=ROWS)
    with pytest.raises(PublishRefused):
        repository.verify(store, rows=ROWS + 1)
    repository.close()

    assert found >= 3
