"""Neighbouring files are a part of a source: read beside others they bring what they bring one after the other."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drop import Drop
from support.files import adapter_of, read
from support.imports import Budget

from chalicelib.files.piece import Mark
from chalicelib.files.stretch import Stretch, stretches_of
from chalicelib.imports.time_budget import HAND_OVER_SECONDS
from chalicelib.odata.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.imports.service import WellProductionImportService
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Claim


class DropInParts(Drop):
    """Every file may be a part, however small it is."""

    def __init__(self, environment: dict[str, str], dynamodb: Any, directory: Path, *, workers: int) -> None:
        super().__init__(environment, dynamodb, directory)
        self.settings = replace(self.settings, workers=workers, checkpoint_seconds=1)
        self.budget: Callable[[], float] | None = None

    def _new_service(self, claim: Claim) -> WellProductionImportService:
        service = super()._new_service(claim)
        reader: Any = service._source
        reader._part_bytes = 1
        if self.budget:
            service._budget = replace(service._budget, remaining=self.budget)
        return service


def filled(drop: Drop, seed: int) -> dict[tuple[str, str], float]:
    """What is to be stored: keys come in several files, with other values, and the later file holds."""
    draw = random.Random(seed)
    expected: dict[tuple[str, str], float] = {}
    for number in range(8):
        keys = {(f"W{draw.randint(1, 9)}", f"2024-{draw.randint(1, 12):02}") for _ in range(draw.choice([0, 3, 40]))}
        rows = {key: draw.randint(0, 99) for key in sorted(keys)}
        drop.write(f"{number}.csv", *(f"{well},{month},x,{oil}" for (well, month), oil in rows.items()))
        expected |= {(well, f"{month}-01"): float(oil) for (well, month), oil in rows.items()}
    drop.write("9.csv", "Z,2024-01,x,1", "Z,2024-13,x,2")
    return expected | {("Z", "2024-01-01"): 1.0}


@pytest.fixture
def drop(environment: dict[str, str], dynamodb: Any, tmp_path: Path) -> DropInParts:
    return DropInParts(environment, dynamodb, tmp_path / "drop", workers=4)


@pytest.mark.by_lot
@pytest.mark.parametrize("seed", range(4))
def test_files_in_parts_are_stored_as_files_one_after_the_other(drop: DropInParts, seed: int) -> None:
    expected = filled(drop, seed)

    job = drop.imported(across_files="replace")

    assert (job.status, job.error, job.failed_records) == ("COMPLETED", None, 1)
    assert job.parts in ({"count": 3, "done": 3}, {"count": 4, "done": 4})
    assert (job.completeness or {})["state"] == "proved"
    assert drop.stored == expected


@pytest.mark.by_lot
@pytest.mark.parametrize("calls", [3, 5, 8])
def test_a_worker_that_goes_on_reads_what_is_not_done(drop: DropInParts, calls: int) -> None:
    expected = filled(drop, 7)
    drop.budget = Budget(drop.clock, calls)
    job = drop.imported(across_files="replace")
    assert job.status == "RUNNING"
    drop.budget = None

    drop.run(job.job_id, build=drop._new_service)

    done = drop.manager.get(job.job_id)
    assert (done.status, done.error, done.attempt) == ("COMPLETED", None, 2)
    assert drop.stored == expected


def test_files_that_changed_since_are_not_mixed(drop: DropInParts) -> None:
    filled(drop, 7)
    drop.budget = Budget(drop.clock, 5)
    job = drop.imported(across_files="replace")
    drop.budget = None
    drop.write("3.csv", "A,2024-01,x,1")

    drop.run(job.job_id, build=drop._new_service)

    assert (drop.manager.get(job.job_id).error or {})["code"] == "FILE_CHANGED"


def read_to_the_end(drop: DropInParts) -> Job:
    """All rows are fetched by a worker that has too little time left to merge them."""
    drop.budget = lambda: HAND_OVER_SECONDS
    job = drop.imported(across_files="replace")
    drop.budget = None
    assert job.checkpoint
    assert (job.status, job.checkpoint.cursor["url"]) == ("RUNNING", None)
    return job


@pytest.mark.parametrize("workers", [1, 4])
def test_what_comes_after_the_last_file_was_read_is_for_the_next_import(
    environment: dict[str, str], dynamodb: Any, tmp_path: Path, workers: int
) -> None:
    """The worker that publishes lists the files once more; what it did not read it may not call read."""
    drop = DropInParts(environment, dynamodb, tmp_path / "drop", workers=workers)
    expected = filled(drop, 7)
    job = read_to_the_end(drop)
    drop.write("3.csv", "Changed,2024-01,x,3")
    drop.write("A.csv", "New,2024-01,x,5")

    drop.run(job.job_id, build=drop._new_service)

    done = drop.manager.get(job.job_id)
    assert (done.status, done.error) == ("COMPLETED", None)
    assert drop.stored == expected
    assert drop.imported(across_files="replace").status == "COMPLETED"
    assert drop.stored == expected | {("Changed", "2024-01-01"): 3.0, ("New", "2024-01-01"): 5.0}


def test_a_part_that_is_damaged_is_not_cut_out_of_other_files(drop: DropInParts) -> None:
    filled(drop, 7)
    job = read_to_the_end(drop)
    for segment in (Path(drop.settings.warehouse) / "segments").rglob("*.parquet"):
        segment.write_bytes(b"damaged")
    drop.write("00.csv", "New,2024-01,x,5")

    drop.run(job.job_id, build=drop._new_service)

    assert (drop.manager.get(job.job_id).error or {})["code"] == "FILE_CHANGED"


def test_a_few_small_files_are_one_part(drop: DropInParts) -> None:
    filled(drop, 1)
    adapter = adapter_of(drop._directory, drop._directory.parent / "work")
    first = adapter.first_cursor([], Survey())

    assert adapter.parts(first, Survey(), most=16) == [first]
    adapter.close()


def test_a_part_ends_where_the_next_one_begins(drop: DropInParts) -> None:
    filled(drop, 3)
    adapter: Any = adapter_of(drop._directory, drop._directory.parent / "work")
    adapter._part_bytes = 1
    first = adapter.first_cursor([], Survey())

    parts = adapter.parts(first, Survey(), most=4)

    found = [row for part in parts for row in read(adapter, part).rows]
    assert found == read(adapter, first).rows
    assert [adapter.part(first, Survey(), like=part) for part in parts] == parts
    adapter.close()


def cut_evenly(place: int, wanted: int) -> list[Mark]:
    return [Mark(row=number, byte=number) for number in range(1, wanted)]


@given(
    sizes=st.lists(st.integers(0, 90), max_size=40),
    most=st.integers(1, 16),
    least=st.integers(1, 100),
    cuts=st.sampled_from([cut_evenly, lambda *_: []]),
)
def test_each_row_of_each_file_is_in_one_part(sizes: list[int], most: int, least: int, cuts: Any) -> None:
    parts = list(stretches_of(sizes, most=most, least=least, cuts=cuts))

    whole = [place for part in parts if part.begun is None for place in range(part.first, part.past)]
    cut = [part for part in parts if part.begun is not None]
    assert sorted([*whole, *{part.first for part in cut}]) == list(range(len(sizes)))
    for part, following in pairwise(parts):
        assert part.past == following.first or (part.until == following.mark.row and part.first == following.first)
    for part in cut:
        assert parts[part.begun or 0].mark == Mark()
        assert parts[part.begun or 0].first == part.first == part.past - 1
    assert [Stretch.of(str(part)) for part in parts] == parts
    assert len(parts) <= 2 * most + 1
