"""Parts of the key: each row is in exactly one of them, whatever the codes are."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

from chalicelib.store.parts import split
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from pathlib import Path

codes = st.text(st.characters(codec="utf-8"), min_size=1, max_size=3) | st.sampled_from(
    ["1", "10", "9", "a", "A", "'", "''", "Å", "15/9-F-1 C", "a\0b", "\0"]
)
keys = st.lists(st.tuples(codes, codes), max_size=60)


@given(keys, st.integers(1, 20))
def test_each_row_is_in_one_part(rows: list[tuple[str, str]], most: int) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE staged (field_code VARCHAR, well_code VARCHAR, problem VARCHAR, arrival BIGINT)"
        )
        if rows:
            numbered = [(*row, number) for number, row in enumerate(rows)]
            connection.executemany("INSERT INTO staged VALUES (?, ?, NULL, ?)", numbered)

        parts = split(connection, rows=len(rows), most=most)

        found = [
            row
            for part in parts
            for row in connection.execute(
                f"SELECT arrival FROM staged WHERE {part.condition('staged')}"
            ).fetchall()
        ]
    assert sorted(found) == [(number,) for number in range(len(rows))]


def test_parts_hold_about_as_many_rows_as_were_asked_for() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            """CREATE TABLE staged AS
            SELECT '1' AS field_code, CAST(i // 240 AS VARCHAR) AS well_code, NULL AS problem, i AS arrival
            FROM range(240_000) AS numbers(i)"""
        )

        parts = split(connection, rows=240_000, most=50_000)

        sizes = [
            connection.execute(
                f"SELECT count(*) FROM staged WHERE {part.condition('staged')}"
            ).fetchall()[0][0]
            for part in parts
        ]
    assert sum(sizes) == 240_000
    assert len(sizes) == 5
    assert all(40_000 < size < 60_000 for size in sizes), sizes


def keys_of(store: Path) -> list[tuple[Any, ...]]:
    """In the order in which they are stored."""
    with duckdb.connect(store, read_only=True) as connection:
        found: list[tuple[Any, ...]] = connection.execute(
            "SELECT well_code, CAST(production_period AS VARCHAR) FROM well_production ORDER BY rowid"
        ).fetchall()
    return found


@pytest.mark.parametrize("part_rows", [None, 100], ids=["whole", "in parts"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_rows_are_stored_in_the_order_of_the_key_however_they_arrive(
    tmp_path: Path, shuffled: bool, part_rows: int | None
) -> None:
    wanted = [(f"{well:03}", f"2024-{month:02}-01") for well in range(50) for month in range(1, 13)]
    arriving = random.Random(1).sample(wanted, len(wanted)) if shuffled else wanted
    rows = [json_row(well_code=well, production_period=period) for well, period in arriving]
    store = tmp_path / "wells.duckdb"
    for number in (1, 2):  # the second one finds them all
        repository = DuckDBWellProductionRepository(
            directory=tmp_path / f"{number}", memory_mb=100, part_rows=part_rows
        )
        for first in range(0, len(rows), 200):
            repository.stage(batch_of(tmp_path, rows[first : first + 200]), SAME_READING)

        result = repository.merge(store, facts(number), now=NOON, warnings={})

        repository.close()
        assert (result.new_records, result.duplicate_records) == (
            (600, 0) if number == 1 else (0, 600)
        )
    assert keys_of(store) == wanted


def test_wells_that_are_numbered_stay_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """A sort would cost more than all else of the merge,
    and the rows of a well are together anyway.
    """
    wanted = [
        (f"{well}", f"2024-{month:02}-01")
        for well in range(9_990, 20_400)
        for month in range(1, 13)
    ]
    repository = DuckDBWellProductionRepository(directory=tmp_path / "scratch", memory_mb=100)
    rows = [json_row(well_code=well, production_period=period) for well, period in wanted]
    repository.stage(batch_of(tmp_path, rows), SAME_READING)

    repository.merge(tmp_path / "wells.duckdb", facts(), now=NOON, warnings={})

    repository.close()
    assert keys_of(tmp_path / "wells.duckdb") == wanted
