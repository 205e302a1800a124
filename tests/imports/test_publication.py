"""The working copy:
the very file that the pointer tells of, and only where there is room for it.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.coordination import a_job

from chalicelib.errors import ScratchFull, WarehouseCorrupt, WarehouseUnavailable
from chalicelib.imports.publication import FilePublication, check_room
from chalicelib.store.blocks import read_blocks
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from support.coordination import Clock

    from chalicelib.jobs.lock import Snapshot
    from chalicelib.jobs.manager import JobManager


@pytest.fixture
def publication(manager: JobManager, clock: Clock, tmp_path: Path) -> FilePublication:
    claim = manager.claim(manager.create(a_job(clock)).job_id, holder="w1")
    directory = tmp_path / "scratch"
    directory.mkdir()
    return FilePublication(
        warehouse=DirectoryWarehouse(tmp_path / "warehouse"), directory=directory, claim=claim
    )


@pytest.fixture
def base(publication: FilePublication, tmp_path: Path) -> Snapshot:
    store = tmp_path / "store"
    store.write_bytes(b"wells" * 1_000)
    return publication.put(store, rows=5, sha256=sha256_of(store))


def test_the_working_copy_is_the_file_of_the_pointer(
    publication: FilePublication, base: Snapshot
) -> None:
    copy = publication.working_copy(base, staged_bytes=9)

    assert copy.parent == publication.directory
    assert (copy.stat().st_size, sha256_of(copy)) == (base.bytes, base.sha256)
    assert publication.base_blocks == read_blocks(copy)


def test_before_the_first_import_there_is_nothing_to_copy(publication: FilePublication) -> None:
    assert not publication.working_copy(None, staged_bytes=9).exists()


def test_another_file_than_the_pointers_is_no_base(
    publication: FilePublication, base: Snapshot
) -> None:
    with pytest.raises(WarehouseCorrupt):
        publication.working_copy(replace(base, sha256="ab"), staged_bytes=9)
    with pytest.raises(WarehouseUnavailable):
        publication.working_copy(replace(base, name="snapshots/none"), staged_bytes=9)


def test_without_room_nothing_is_copied(publication: FilePublication, base: Snapshot) -> None:
    """A database of an exabyte, or as many segments that are stored for the first time:
    no disk takes them.
    """
    for much, staged in ((replace(base, bytes=1 << 60), 9), (None, 1 << 60)):
        with pytest.raises(
            ScratchFull,
            match=r"This import needs about [\d,]{11,} MB of local disk.*WELLHEAD_SCRATCH",
        ):
            publication.working_copy(much, staged_bytes=staged)

        assert list(publication.directory.iterdir()) == []


def test_only_what_is_certain_to_be_needed_is_asked_for(
    publication: FilePublication, base: Snapshot
) -> None:
    """Rows that are stored already take no room, so nobody knows before they are matched."""
    free = shutil.disk_usage(publication.directory).free

    check_room(publication.directory, base, to_stage=0, staged_bytes=free)
    with pytest.raises(ScratchFull, match=r"at least .* with 1,000,000,000,000 rows still to come"):
        check_room(publication.directory, base, to_stage=10**12, staged_bytes=0)
    with pytest.raises(ScratchFull):
        check_room(publication.directory, None, to_stage=0, staged_bytes=free)
