"""Several segments between two checkpoints:
each is a place to go on from, with the cursor behind its own rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.staging import NOON, SAME_READING, batch_of, json_row

from chalicelib.errors import WarehouseUnavailable
from chalicelib.imports.segments import Segments
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.job import new_job
from chalicelib.jobs.lock import Claim
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import segment_names

if TYPE_CHECKING:
    from pathlib import Path

CLAIM = Claim(
    job=replace(new_job(now=NOON, triggered_by="ada", parameters={}), fence=3), fence=3, holder="a"
)
ROWS = 5  # of a segment


class Place:
    """One worker's segments and repository; the warehouse is everybody's."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory / name
        self.repository = DuckDBWellProductionRepository(directory=self.directory, memory_mb=100)
        self.warehouse = DirectoryWarehouse(directory / "warehouse")
        self.segments = Segments(warehouse=self.warehouse, directory=self.directory, claim=CLAIM)

    def stage(self, *numbers: int) -> None:
        for number in numbers:
            rows = [json_row(well_code=number * ROWS + each) for each in range(ROWS)]
            path = self.repository.stage(batch_of(self.directory, rows, first=number), SAME_READING)
            self.segments.add(path, {"page": number, "delivered": (number + 1) * ROWS})

    def wells(self) -> list[int]:
        self.repository._staging.end()
        found = self.repository._connection.execute(
            "SELECT CAST(well_code AS INTEGER) FROM staged ORDER BY arrival"
        )
        return [well for (well,) in found.fetchall()]


def after(page: int) -> Checkpoint:
    return Checkpoint(cursor={"page": page, "delivered": (page + 1) * ROWS}, source={})


@pytest.fixture
def stored(tmp_path: Path) -> Checkpoint:
    """Two checkpoints with three segments and two."""
    first = Place(tmp_path, "first")
    first.stage(0, 1, 2)
    checkpoint = first.segments.store(None, after(2))
    first.stage(3, 4)
    return first.segments.store(checkpoint, after(4))


def test_all_segments_of_a_checkpoint_come_back_in_their_order(
    stored: Checkpoint, tmp_path: Path
) -> None:
    next_one = Place(tmp_path, "next")

    assert next_one.segments.load(next_one.repository, stored, beat=lambda: None) == stored

    assert next_one.wells() == list(range(5 * ROWS))


@pytest.mark.parametrize("lost", range(5))
def test_the_cursor_is_that_of_the_last_segment_that_is_proved(
    stored: Checkpoint, tmp_path: Path, lost: int
) -> None:
    next_one = Place(tmp_path, "next")
    next_one.warehouse.remove(segment_names(stored.segments)[lost])

    place = next_one.segments.load(next_one.repository, stored, beat=lambda: None)

    assert (place and place.cursor["delivered"]) == (lost * ROWS or None)
    assert next_one.wells() == list(range(lost * ROWS))


class OnceUnavailable(DirectoryWarehouse):
    """The second file that is put is refused once."""

    puts = 0

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        self.puts += 1
        if self.puts == 2:
            raise WarehouseUnavailable
        super().put(name, path, sha256=sha256)


def test_what_could_not_be_put_is_put_by_the_next_try(tmp_path: Path) -> None:
    first = Place(tmp_path, "first")
    segments = replace(first.segments, warehouse=OnceUnavailable(tmp_path / "warehouse"))
    first.segments = segments
    first.stage(0, 1, 2)
    with pytest.raises(WarehouseUnavailable):
        segments.store(None, after(2))

    stored = segments.store(None, after(2))

    next_one = Place(tmp_path, "next")
    assert next_one.segments.load(next_one.repository, stored, beat=lambda: None) == stored
    assert next_one.wells() == list(range(3 * ROWS))
    assert first.wells() == list(range(3 * ROWS))
