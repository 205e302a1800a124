"""The sweeper clears what dead workers left in the warehouse, and nothing that anybody may still need."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, a_job, aws_client

from chalicelib.errors import SourceUnavailable
from chalicelib.imports.publication import show_latest
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.jobs.sweeper import READER_SECONDS, SEGMENT_SECONDS, clear_orphans
from chalicelib.services import open_warehouse
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import LATEST, PART_SECONDS, Warehouse, segment_name, sha256_of, snapshot_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.jobs.manager import JobManager
    from local.aws.emulator import LocalAws

KEPT = 2


@pytest.fixture
def s3(aws: LocalAws) -> Iterator[Any]:
    client = aws_client(aws.url, "s3")
    yield client
    client.close()


class Imports:
    """Workers of imports whose files are a few bytes long."""

    def __init__(self, manager: JobManager, clock: Clock, warehouse: Warehouse, directory: Path) -> None:
        self.manager = manager
        self.clock = clock
        self.warehouse = warehouse
        self._directory = directory

    def begin(self) -> Claim:
        return self.manager.claim(self.manager.create(a_job(self.clock)).job_id, holder="w1")

    def take_over(self, dead: Claim) -> Claim:
        self.clock.advance(76)
        return self.manager.claim(dead.job.job_id, holder=f"after {dead.fence}")

    def put(self, name: str) -> str:
        path = self._directory / "file"
        path.write_text(name)
        self.warehouse.put(name, path, sha256=sha256_of(path))
        return name

    def put_snapshot(self, claim: Claim) -> str:
        return self.put(snapshot_name(claim.fence, claim.job.job_id))

    def put_segment(self, claim: Claim, number: int = 0) -> str:
        return self.put(segment_name(claim.job.job_id, claim.fence, number))

    def publish(self, claim: Claim) -> str:
        name, base = self.put_snapshot(claim), self.manager.current_snapshot()
        job = replace(claim.job, status=JobStatus.COMPLETED, phase=None, completed_at=self.clock())
        snapshot = Snapshot(name=name, fence=claim.fence, rows=1, bytes=1, sha256="ab", job_id=job.job_id)
        self.manager.finish(claim, job, snapshot=snapshot, base=base.name if base else None)
        return name

    def fail(self, claim: Claim) -> None:
        self.manager.finish(claim, claim.job.failed_with(SourceUnavailable(), at=self.clock()))

    def clear(self, warehouse: Warehouse | None = None) -> list[str]:
        return clear_orphans(
            job_manager=self.manager, warehouse=warehouse or self.warehouse, kept=KEPT, clock=self.clock
        )


@pytest.fixture(params=["directory", "s3"])
def imports(request: pytest.FixtureRequest, manager: JobManager, clock: Clock, tmp_path: Path) -> Imports:
    if request.param == "s3":
        warehouse = open_warehouse(f"s3://wellhead-local/{uuid.uuid4()}", s3=request.getfixturevalue("s3"))
    else:
        warehouse = open_warehouse(str(tmp_path / "warehouse"))
    return Imports(manager, clock, warehouse, tmp_path)


def test_the_current_snapshot_and_the_newest_published_ones_are_kept(imports: Imports) -> None:
    published = [imports.publish(imports.begin()) for _ in range(4)]
    imports.clock.advance(READER_SECONDS)

    assert imports.clear() == published[:2]

    assert imports.warehouse.names("") == published[2:]
    assert imports.clear() == []


def test_a_reader_that_has_just_read_the_pointer_still_finds_its_file(imports: Imports, tmp_path: Path) -> None:
    """However many snapshots are published before it opens the file: each is kept for an hour after its turn."""
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


def test_who_has_a_file_open_reads_it_to_its_end(manager: JobManager, clock: Clock, tmp_path: Path) -> None:
    imports = Imports(manager, clock, DirectoryWarehouse(tmp_path / "warehouse"), tmp_path)
    published = [imports.publish(imports.begin()) for _ in range(4)]
    clock.advance(READER_SECONDS)
    with Path(tmp_path, "warehouse", published[0]).open() as file:
        assert imports.clear() == published[:2]

        assert file.read() == published[0]


def test_the_folders_of_segments_that_are_gone_go_too(manager: JobManager, clock: Clock, tmp_path: Path) -> None:
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
    os.utime(segments / claim.job.job_id, (clock() - PART_SECONDS - 1,) * 2)  # the segment has gone just now
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
    before = imports.warehouse.names("")
    job = imports.manager.create(a_job(imports.clock))
    assert imports.clear() == []
    claim = imports.manager.claim(job.job_id, holder="w1")
    assert imports.clear() == []
    imports.manager.hand_over(claim, claim.job)
    assert imports.clear() == []

    assert imports.warehouse.names("") == before


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
def test_the_files_of_an_import_that_begins_meanwhile_are_its_own(imports: Imports, ends: bool) -> None:
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
