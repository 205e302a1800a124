"""A published file does not keep the room of what was replaced:
every later import would copy it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import duckdb
from support.staging import NOON, SAME_READING, batch_of, facts, json_row, tables

from chalicelib.store.repository import LEAST_BLOCKS, DuckDBWellProductionRepository

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 1 << 18  # bytes
ROWS = 7_000


def rows(number: int) -> list[bytes]:
    """Each import brings another remark, which hardly shrinks,
    and every second one other volumes.
    """
    draw = random.Random(number)
    return [
        json_row(
            well_code=f"{well:06}",
            well_name=f"{draw.getrandbits(9600):x}" if number else f"{well}",
            oil_production_kbd=draw.random(),
        )
        for well in range(ROWS)
    ]


def test_a_file_of_which_a_quarter_is_free_is_written_anew(tmp_path: Path) -> None:
    store = tmp_path / "wells.duckdb"
    for number in range(3):
        repository = DuckDBWellProductionRepository(directory=tmp_path / f"{number}", memory_mb=200)
        texts = rows(number)
        for first in range(0, ROWS, 3_500):
            repository.stage(batch_of(tmp_path, texts[first : first + 3_500]), SAME_READING)
        result = repository.merge(store, facts(number), now=NOON + number, warnings={})
        repository.verify(store, rows=ROWS)
        repository.close()
        assert result.updated_records == (ROWS if number else 0)

    with duckdb.connect(store, read_only=True) as connection:
        found = "SELECT free_blocks, total_blocks FROM pragma_database_size() WHERE database_name = 'wells'"
        ((free, blocks),) = connection.execute(found).fetchall()
    assert blocks > LEAST_BLOCKS
    assert free < blocks / 4
    assert sorted(path.name for path in tmp_path.glob("wells*")) == ["wells.duckdb"]
    kept = tables(store)
    assert len(kept["well_production"]) == ROWS
    assert len(kept["well_production_history"]) == 2 * ROWS
