"""The sweeper clears what dead workers left in the warehouse,
and nothing that anybody may still need.

A run takes one kind of warehouse by lot for each test, `make soak` both.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, RecordingDispatcher, a_job, aws_client
from support.small_imports import Imports

from chalicelib.imports.publication import show_latest
from chalicelib.jobs.clearing import READER_SECONDS, SEGMENT_SECONDS
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.lock import Lease, job_key
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.pulse import take_pulse
from chalicelib.jobs.sweeper import sweep
from chalicelib.jobs.table import Table
from chalicelib.services import open_warehouse
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import LATEST, PART_SECONDS, Warehouse, job_of, segment_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from local.aws.emulator import LocalAws


pytestmark = pytest.mark.by_lot


@pytest.fixture
def s3(aws: LocalAws) -> Iterator[Any]:
    client = aws_client(aws.url, "s3")
    yield client
    client.close()


@pytest.fixture(params=["directory", "s3"])
def imports(
    request: pytest.FixtureRequest, manager: JobManager, clock: Clock, tmp_path: Path
) -> Imports:
    if request.param == "s3":
        warehouse = open_warehouse(
            f"s3://wellhead-local/{uuid.uuid4()}", s3=request.getfixturevalue("s3")
        )
    else:
        warehouse = open_warehouse(str(tmp_path / "warehouse"))
    return Imports(manager, clock, warehouse, tmp_path)


def test_the_current_snapshot_and_the_newest_published_ones_are_kept(imports: Imports) -> None:
    published = [imports.publish(imports.begin()) for _ in range(4)]
    imports.clock.advance(READER_SECONDS)

    assert imports.clear() == published[:2]

    assert imports.warehouse.names("") == published[2:]
    assert imports.clear() == []


def test_a_reader_that_has_just_read_the_pointer_still_finds_its_file(
    imports: Imports, tmp_path: Path
) -> None:
    """However many snapshots are published before it opens the file:
    each is kept for an hour after its turn.
    """
    published = []
    for _ in range(5):
        imports.clock.advance(READER_SECONDS / 4)
        published.append(imports.publish(imports.begin()))

    imports.clock.advance(READER_SECONDS / 4 - 1)
    assert imports.clear() == []  # the first was replaced an hour ago less one second
    imports.clock.advance(1)
    assert imports.clear() == published[:1]

    imports.warehouse.fetch(published[1], tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == published[1]


def test_who_has_a_file_open_reads_it_to_its_end(
    manager: JobManager, clock: Clock, tmp_path: Path
) -> None:
    imports = Imports(manager, clock, DirectoryWarehouse(tmp_path / "warehouse"), tmp_path)
    published = [imports.publish(imports.begin()) for _ in range(4)]
    clock.advance(READER_SECONDS)
    with Path(tmp_path, "warehouse", published[0]).open() as file:
        assert imports.clear() == published[:2]

        assert file.read() == published[0]


def test_the_folders_of_segments_that_are_gone_go_too(
    manager: JobManager, clock: Clock, tmp_path: Path
) -> None:
    """An empty one may be young: a worker is about to put its first segment there."""
    imports = Imports(manager, clock, DirectoryWarehouse(tmp_path / "warehouse"), tmp_path)
    claim = imports.begin()
    imports.put_segment(claim)
    segments = tmp_path / "warehouse" / "segments"
    (segments / "young").mkdir()
    imports.fail(claim)
    clock.advance(SEGMENT_SECONDS)
    for folder, age in (("young", PART_SECONDS - 1), (claim.job.job_id, PART_SECONDS + 1)):
        os.utime(segments / folder, (clock() - age, clock() - age))
    assert imports.clear()

    left = [folder.name for folder in segments.iterdir()]

    assert "young" in left
    os.utime(
        segments / claim.job.job_id, (clock() - PART_SECONDS - 1,) * 2
    )  # the segment has gone just now
    imports.clear()
    assert [folder.name for folder in segments.iterdir()] == ["young"]


def test_what_zombies_left_goes_and_takes_no_kept_ones_place(imports: Imports) -> None:
    older = imports.publish(imports.begin())
    frozen = imports.begin()
    late = [imports.put_snapshot(frozen), imports.put_segment(frozen)]
    again = imports.take_over(frozen)
    late += [imports.put_snapshot(again), imports.put_segment(again), imports.put_segment(again, 1)]
    newest = imports.publish(imports.take_over(again))
    failing = imports.begin()
    late.append(imports.put_snapshot(failing))
    imports.fail(failing)

    assert imports.clear() == sorted(late)

    assert imports.warehouse.names("") == sorted([older, newest])


def test_the_segments_of_a_job_that_may_go_on_are_kept_for_a_week(imports: Imports) -> None:
    failing = imports.begin()
    segments = [imports.put_segment(failing, number) for number in range(2)]
    imports.fail(failing)
    unknown = imports.put(segment_name(a_job(imports.clock).job_id, 0, 0))

    assert imports.clear() == [unknown]
    imports.clock.advance(SEGMENT_SECONDS - 1)
    assert imports.clear() == []
    imports.clock.advance(1)
    assert imports.clear() == segments


def test_nothing_goes_while_an_import_waits_or_runs(imports: Imports) -> None:
    for _ in range(4):
        imports.publish(imports.begin())
    imports.clock.advance(READER_SECONDS)
    before = imports.warehouse.names("")
    job = imports.manager.create(a_job(imports.clock))
    assert imports.clear() == []
    claim = imports.manager.claim(job.job_id, holder="w1")
    assert imports.clear() == []
    imports.manager.hand_over(claim, claim.job)
    assert imports.clear() == []

    assert imports.warehouse.names("") == before
    imports.fail(imports.manager.claim(job.job_id, holder="w2"))
    assert imports.clear() == before[:2]


def test_the_current_snapshot_is_kept_when_nobody_knows_its_job_any_more(
    imports: Imports, dynamodb: Any
) -> None:
    name = imports.publish(imports.begin())
    dynamodb.delete_item(TableName="wellhead-test", Key=to_item(job_key(job_of(name))))
    imports.clock.advance(READER_SECONDS)

    assert imports.clear() == []

    assert imports.warehouse.names("") == [name]


class CountedTable(Table):
    """Counts what is read of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.reads: Counter[str] = Counter()

    def read(self, key: Mapping[str, str]) -> dict[str, Any] | None:
        self.reads[key["sk"]] += 1
        return super().read(key)


class ManyNames(DirectoryWarehouse):
    """Ten thousand segments of the first job,
    retried again and again, and of the others one each.
    """

    def __init__(self, root: Path, jobs: list[str]) -> None:
        super().__init__(root)
        self._jobs = jobs

    def names(self, prefix: str) -> list[str]:
        first, *others = self._jobs
        many = [segment_name(first, 1, number) for number in range(10_000 - len(others))]
        return sorted([*many, *(segment_name(job_id, 1, 0) for job_id in others)])


def test_ten_thousand_segments_cost_one_read_a_job(
    dynamodb: Any, clock: Clock, tmp_path: Path
) -> None:
    """Each minute, for the seven days that they are kept."""
    table = CountedTable(dynamodb=dynamodb, name="wellhead-test")
    manager = JobManager(table=table, lease=Lease(), clock=clock)
    imports = Imports(manager, clock, DirectoryWarehouse(tmp_path / "warehouse"), tmp_path)
    imports.publish(imports.begin())
    failed = []
    for _ in range(3):
        claim = imports.begin()
        imports.fail(claim)
        failed.append(claim.job.job_id)
    imports.warehouse = ManyNames(tmp_path / "warehouse", failed)
    table.reads.clear()

    take_pulse(job_manager=manager, clock=clock)
    sweep(job_manager=manager, dispatcher=RecordingDispatcher())
    show_latest(job_manager=manager, warehouse=imports.warehouse)
    assert imports.clear() == []

    of_jobs = {name: count for name, count in table.reads.items() if name.startswith("JOB#")}
    assert {name: of_jobs[f"JOB#{name}"] for name in failed} == dict.fromkeys(failed, 1)
    assert sum(table.reads.values()) <= 20
    clock.advance(SEGMENT_SECONDS)
    assert len(imports.clear()) == 10_000


class SlowWarehouse(DirectoryWarehouse):
    """Each removal takes three seconds."""

    def __init__(self, root: Path, clock: Clock) -> None:
        super().__init__(root)
        self._clock = clock

    def remove(self, name: str) -> None:
        super().remove(name)
        self._clock.advance(3)


def test_what_cannot_be_removed_in_time_is_left_to_the_next_sweep(
    manager: JobManager, clock: Clock, tmp_path: Path
) -> None:
    imports = Imports(manager, clock, SlowWarehouse(tmp_path / "warehouse", clock), tmp_path)
    claim = imports.begin()
    segments = [imports.put_segment(claim, number) for number in range(9)]
    imports.fail(claim)
    clock.advance(SEGMENT_SECONDS)

    sweeps = [imports.clear() for _ in range(4)]

    assert sweeps == [segments[:4], segments[4:8], segments[8:], []]


class BusyWarehouse:
    """An import begins just before the names are read, and one goes on between two removals."""

    def __init__(self, warehouse: Warehouse, meanwhile: Callable[[], object]) -> None:
        self._warehouse = warehouse
        self._meanwhile = meanwhile

    def names(self, prefix: str) -> list[str]:
        self._meanwhile()
        return self._warehouse.names(prefix)

    def remove(self, name: str) -> None:
        self._warehouse.remove(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)


@pytest.mark.parametrize("ends", [False, True])
def test_the_files_of_an_import_that_begins_meanwhile_are_its_own(
    imports: Imports, ends: bool
) -> None:
    published = [imports.publish(imports.begin()) for _ in range(3)]
    imports.clock.advance(READER_SECONDS)
    files: list[str] = []

    def begin() -> None:
        claim = imports.begin()
        files.append(imports.put_segment(claim))
        files.append(imports.publish(claim) if ends else imports.put_snapshot(claim))

    busy: Any = BusyWarehouse(imports.warehouse, begin)
    removed = imports.clear(busy)

    assert removed == published[:1]
    assert imports.warehouse.names("") == sorted([*published[1:], *files])


def test_what_is_not_an_imports_is_left_alone(imports: Imports) -> None:
    strangers = [
        "notes.txt",
        "snapshots/wells-backup.duckdb",
        f"snapshots/wells-1-{a_job(imports.clock).job_id}.duckdb.gz",
        "segments/readme.md",
        "exports/wells-0000000001.parquet",
    ]
    for name in strangers:
        imports.put(name)
    imports.warehouse.set_latest(imports.publish(imports.begin()))
    before = imports.warehouse.names("")

    assert imports.clear() == []

    assert imports.warehouse.names("") == before
    assert {*strangers, LATEST} <= set(before)


def test_the_stable_name_follows_the_pointer(imports: Imports, tmp_path: Path) -> None:
    def show() -> tuple[str | None, str]:
        show_latest(job_manager=imports.manager, warehouse=imports.warehouse)
        imports.warehouse.fetch(LATEST, tmp_path / "latest")
        return imports.warehouse.latest(), (tmp_path / "latest").read_text()

    show_latest(job_manager=imports.manager, warehouse=imports.warehouse)
    assert imports.warehouse.names("") == []
    first = imports.publish(imports.begin())
    assert show() == (first, first)
    second = imports.publish(imports.begin())
    assert show() == (second, second)
    imports.warehouse.set_latest(first)  # by a worker that slept for long
    assert show() == (second, second)
    assert imports.warehouse.names("wells") == [LATEST]
