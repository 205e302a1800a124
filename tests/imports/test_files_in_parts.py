"""Neighbouring files are a part of a source:
read beside others they bring what they bring one after the other.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.coordination import a_job
from support.drop import COLUMNS, Drop
from support.files import adapter_of, read
from support.imports import ENOUGH, Budget
from support.machine import StatesWorker
from support.preset_imports import no_client

from chalicelib.files.limits import Limits
from chalicelib.files.piece import Mark
from chalicelib.files.stretch import Stretch, stretches_of
from chalicelib.files.tools import Tools
from chalicelib.imports.time_budget import HAND_OVER_SECONDS
from chalicelib.odata.survey import Survey
from chalicelib.sources.definition import definition_of
from chalicelib.sources.opening import Opening
from chalicelib.sources.overlay import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.imports.service import WellProductionImportService
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Claim
    from chalicelib.settings import Settings
    from chalicelib.sources.reader import SourceReader


class DropInParts(Drop):
    """Every file may be a part, however small it is."""

    def __init__(
        self, environment: dict[str, str], dynamodb: Any, directory: Path, *, workers: int
    ) -> None:
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
    """What is to be stored:
    keys come in several files, with other values, and the later file holds.
    """
    draw = random.Random(seed)
    expected: dict[tuple[str, str], float] = {}
    for number in range(8):
        keys = {
            (f"W{draw.randint(1, 9)}", f"2024-{draw.randint(1, 12):02}")
            for _ in range(draw.choice([0, 3, 40]))
        }
        rows = {key: draw.randint(0, 99) for key in sorted(keys)}
        drop.write(
            f"{number}.csv", *(f"{well},{month},x,{oil}" for (well, month), oil in rows.items())
        )
        expected |= {(well, f"{month}-01"): float(oil) for (well, month), oil in rows.items()}
    drop.write("9.csv", "Z,2024-01,x,1", "Z,2024-13,x,2")
    return expected | {("Z", "2024-01-01"): 1.0}


@pytest.fixture
def drop(environment: dict[str, str], dynamodb: Any, tmp_path: Path) -> DropInParts:
    return DropInParts(environment, dynamodb, tmp_path / "drop", workers=4)


@pytest.mark.by_lot
@pytest.mark.parametrize("seed", range(4))
def test_files_in_parts_are_stored_as_files_one_after_the_other(
    drop: DropInParts, seed: int
) -> None:
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


@pytest.mark.by_lot
@pytest.mark.parametrize("workers", [1, 4])
def test_what_comes_after_the_last_file_was_read_is_for_the_next_import(
    environment: dict[str, str], dynamodb: Any, tmp_path: Path, workers: int
) -> None:
    """The worker that publishes lists the files once more;
    what it did not read it may not call read.
    """
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
    drop.write("3.csv", "Changed,2024-01,x,5")

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


class OneFile(DropInParts, StatesWorker):
    """Read in ranges of a few rows, however small it is,
    by threads or by the states of the machine.
    """

    def _new_service(self, claim: Claim) -> WellProductionImportService:
        service = super()._new_service(claim)
        cut_small(service._source)
        return service

    def settings_of_import(self) -> Settings:
        return settings_of(self._definition, self.settings)

    def new_source(self, settings: Settings, directory: Path) -> SourceReader:
        opening = Opening(
            settings=settings,
            client=no_client,
            environment={},
            remaining=lambda: ENOUGH,
            directory=directory,
        )
        return cut_small(opening.reader())

    def planned(self) -> dict[str, Any]:
        self._definition = definition_of(VALUES | {"url": str(self._directory)})
        return self.plan(self.manager.create(a_job(self.clock)).job_id, build=self._new_service)

    def import_by_states(self) -> Job:
        planned = self.planned()
        self.fetch_all(planned)
        self.merge(planned["job_id"], build=self._new_service)
        return self.manager.get(planned["job_id"])


VALUES = {"name": "drop", "kind": "files", "columns": COLUMNS, "across_files": "replace"}


def cut_small(reader: Any) -> SourceReader:
    reader._part_bytes = reader._cut_bytes = 1
    reader._open_in = partial(reader._open_in, limits=Limits(piece_rows=12))
    reader._own = reader._open_in(reader._place, Tools(reader._directory))
    return cast("SourceReader", reader)


@pytest.fixture
def one_file(environment: dict[str, str], dynamodb: Any, tmp_path: Path) -> OneFile:
    """One key is in a later file too, and two rows are bad."""
    drop = OneFile(environment, dynamodb, tmp_path / "drop", workers=4)
    drop.write("0-large.csv", *rows_of_one_file())
    drop.write("1-later.csv", "W02,2024-01,x,77")
    return drop


def rows_of_one_file() -> list[str]:
    rows = [f'W{number:02},2024-01,"a\nb",{number}' for number in range(40)]
    rows[20] = "W20,2024-13,x,20"
    rows[33] = "W33,2024-01,x,1,2,3"
    return rows


STORED = {
    (f"W{number:02}", "2024-01-01"): float(number) for number in range(40) if number not in (20, 33)
}
STORED |= {("W02", "2024-01-01"): 77.0}
REJECTED = [(1, 20), (1, 33)]  # page and position, as of a file that is read from end to end


def assert_as_from_end_to_end(drop: OneFile, job: Job) -> None:
    assert (job.status, job.error, job.total_records, job.failed_records) == (
        "COMPLETED",
        None,
        41,
        2,
    )
    assert (job.completeness or {})["state"] == "proved"
    assert drop.stored == STORED
    snapshot = drop.manager.current_snapshot()
    assert snapshot
    with duckdb.connect(
        Path(drop.settings.warehouse) / snapshot.name, read_only=True
    ) as connection:
        assert (
            connection.execute("SELECT page, position FROM rejected_rows ORDER BY ALL").fetchall()
            == REJECTED
        )


@pytest.mark.by_lot
@pytest.mark.parametrize("workers", [1, 4])
def test_ranges_of_a_file_are_stored_as_the_file_is(one_file: OneFile, workers: int) -> None:
    one_file.settings = replace(one_file.settings, workers=workers)

    job = one_file.imported(across_files="replace")

    assert_as_from_end_to_end(one_file, job)
    assert job.parts == (None if workers == 1 else {"count": 4, "done": 4})


def test_a_later_row_of_a_file_replaces_none_of_another_range(one_file: OneFile) -> None:
    """Two of one key contradict each other, in whichever parts of the file they are read."""
    rows = rows_of_one_file()
    rows[38] = "W01,2024-01,x,99"
    one_file.write("0-large.csv", *rows)

    job = one_file.imported(across_files="replace")

    assert [finding.check for finding in job.findings] == ["CONFLICTS"]
    assert (job.parts or {})["count"] > 2


def test_ranges_of_a_file_are_read_by_workers_of_their_own(one_file: OneFile) -> None:
    job = one_file.import_by_states()

    assert_as_from_end_to_end(one_file, job)
    assert job.parts == {"count": 5, "done": 5}


@pytest.mark.by_lot
@pytest.mark.parametrize("calls", [3, 4, 5])
def test_a_worker_goes_on_within_the_range_of_a_file(one_file: OneFile, calls: int) -> None:
    one_file.budget = Budget(one_file.clock, calls)
    job = one_file.imported(across_files="replace")
    assert job.status == "RUNNING"
    one_file.budget = None

    one_file.run(job.job_id, build=one_file._new_service)

    assert_as_from_end_to_end(one_file, one_file.manager.get(job.job_id))


def test_a_damaged_segment_of_a_range_is_cut_out_of_the_file_again(one_file: OneFile) -> None:
    planned = one_file.planned()
    one_file.fetch_all(planned)
    first = min((Path(one_file.settings.warehouse) / "segments").rglob("*.parquet"))
    first.write_bytes(b"damaged")

    one_file.merge(planned["job_id"], build=one_file._new_service)

    assert_as_from_end_to_end(one_file, one_file.manager.get(planned["job_id"]))


@pytest.mark.by_lot
@pytest.mark.parametrize("name", ["0-first.csv", "0-middle.csv", "9-last.csv"])
def test_a_file_that_comes_while_many_workers_read_is_for_the_next_import(
    one_file: OneFile, name: str
) -> None:
    planned = one_file.planned()
    one_file.fetch(planned, 0)
    time.sleep(0.02)  # by the clock of the disk
    one_file.write(name, "New,2024-01,x,5")

    one_file.fetch_all(planned)
    one_file.merge(planned["job_id"], build=one_file._new_service)

    assert_as_from_end_to_end(one_file, one_file.manager.get(planned["job_id"]))
    later = one_file.imported(across_files="replace")
    assert (later.status, later.error) == ("COMPLETED", None)
    assert one_file.stored == STORED | {("New", "2024-01-01"): 5.0}
    read_with_it = {"0-first.csv": 41, "0-middle.csv": 1, "9-last.csv": 0}[
        name
    ]  # for they replace it
    assert later.total_records == 1 + read_with_it


def test_a_file_that_changes_while_many_workers_read_ends_the_import(one_file: OneFile) -> None:
    planned = one_file.planned()
    time.sleep(0.02)
    one_file.write("1-later.csv", "W02,2024-01,x,78")

    one_file.fetch(planned, 0)

    assert (one_file.manager.get(planned["job_id"]).error or {})["code"] == "FILE_CHANGED"


def cut_evenly(place: int, wanted: int) -> list[Mark]:
    return [Mark(row=number, byte=number) for number in range(1, wanted)]


@given(
    sizes=st.lists(st.integers(0, 90), max_size=40),
    most=st.integers(1, 16),
    least=st.integers(1, 100),
    cuts=st.sampled_from([cut_evenly, lambda *_: []]),
)
def test_each_row_of_each_file_is_in_one_part(
    sizes: list[int], most: int, least: int, cuts: Any
) -> None:
    parts = list(stretches_of(sizes, most=most, least=least, cuts=cuts))

    whole = [
        place for part in parts if part.begun is None for place in range(part.first, part.past)
    ]
    cut = [part for part in parts if part.begun is not None]
    assert sorted([*whole, *{part.first for part in cut}]) == list(range(len(sizes)))
    for part, following in pairwise(parts):
        assert part.past == following.first or (
            part.until == following.mark.row and part.first == following.first
        )
    for part in cut:
        assert parts[part.begun or 0].mark == Mark()
        assert parts[part.begun or 0].first == part.first == part.past - 1
    assert [Stretch.of(str(part)) for part in parts] == parts
    assert len(parts) <= 2 * most + 1
