"""Rows that a merge deletes:
they cost memory of whoever reads the file, and a checkpoint may write others anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest
from support.staging import NOON, SAME_READING, batch_of, facts, json_row, tables

from chalicelib.errors import OutOfMemory
from chalicelib.store.blocks import read_blocks
from chalicelib.store.deletions import STRETCH, Deletions, must_be_rewritten
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROWS = 12_288  # six stretches


def rows(*, revised: Sequence[int] = (), new: int = 0) -> list[bytes]:
    return [
        json_row(well_code=f"{well:06}", oil_production_kbd=well / 8 + (well in revised))
        for well in range(ROWS + new)
    ]


def merged(
    directory: Path, number: int, texts: list[bytes], *, most_mb: float | None = None
) -> tuple[int, int]:
    """The places and the rows in the store afterwards."""
    store = directory / "wells.duckdb"
    base = read_blocks(store) if store.exists() else None
    repository = DuckDBWellProductionRepository(
        directory=directory / f"{number}", memory_mb=200, most_deletions_mb=most_mb
    )
    repository.stage(batch_of(directory, texts), SAME_READING)
    result = repository.merge(store, facts(number), now=NOON + number, warnings={})
    repository.verify(store, rows=result.stored_records, unchanged=read_blocks(store).same_as(base))
    repository.close()
    with duckdb.connect(store, read_only=True) as connection:
        asked = "SELECT estimated_size FROM duckdb_tables() WHERE table_name = 'well_production'"
        ((places,),) = connection.execute(asked).fetchall()
    return places, result.stored_records


def test_a_few_revised_rows_leave_the_others_where_they_are(tmp_path: Path) -> None:
    merged(tmp_path, 0, rows())
    assert merged(tmp_path, 1, rows(revised=range(0, ROWS, 8))) == (ROWS + ROWS // 8, ROWS)


def test_where_many_rows_are_revised_the_deleted_ones_go(tmp_path: Path) -> None:
    merged(tmp_path, 0, rows())
    places, stored = merged(tmp_path, 1, rows(revised=range(ROWS)))
    assert (places, stored) == (ROWS, ROWS)


def test_a_store_that_nobody_could_read_in_the_memory_is_written_anew_and_holds_the_same(
    tmp_path: Path,
) -> None:
    in_place, anew = tmp_path / "in place", tmp_path / "anew"
    for directory, most_mb in ((in_place, None), (anew, 0.05)):
        directory.mkdir()
        merged(directory, 0, rows())
        places, stored = merged(
            directory, 1, rows(revised=range(0, ROWS, 1000), new=5), most_mb=most_mb
        )
        assert stored == ROWS + 5
        assert places == (ROWS + 5 if most_mb else ROWS + 5 + 13)
    assert tables(anew / "wells.duckdb") == tables(in_place / "wells.duckdb")
    assert [path.name for path in anew.glob("wells*")] == ["wells.duckdb"]


def test_what_earlier_merges_deleted_counts_too(tmp_path: Path) -> None:
    merged(tmp_path, 0, rows())
    merged(tmp_path, 1, rows(revised=[0, STRETCH]))
    places, _ = merged(
        tmp_path, 2, rows(revised=[0, STRETCH, 2 * STRETCH]), most_mb=2.5 * 8 * STRETCH / (1 << 20)
    )
    assert places == ROWS


def test_without_room_for_a_new_file_it_is_told_how_much_memory_is_needed_before_anything_is_written() -> (
    None
):
    deletions = Deletions(places=50_000_000, deleted=50_000, stretches=24_415)
    with pytest.raises(
        OutOfMemory, match=r"381 MB of memory.*there are 150.*to 763.*1,300 MB.*instead of 100"
    ):
        must_be_rewritten(deletions, most_mb=150, size=1000 << 20, free=100 << 20)
    assert must_be_rewritten(deletions, most_mb=150, size=1000 << 20, free=2000 << 20)
    assert not must_be_rewritten(deletions, most_mb=400, size=1000 << 20, free=0)
