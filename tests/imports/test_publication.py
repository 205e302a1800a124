"""The working copy: the very file that the pointer tells of, and only where there is room for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.coordination import a_job

from chalicelib.errors import ScratchFull, WarehouseCorrupt, WarehouseUnavailable
from chalicelib.imports.publication import FilePublication
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
    return FilePublication(warehouse=DirectoryWarehouse(tmp_path / "warehouse"), directory=directory, claim=claim)


@pytest.fixture
def base(publication: FilePublication, tmp_path: Path) -> Snapshot:
    store = tmp_path / "store"
    store.write_bytes(b"wells" * 1_000)
    return publication.put(store, rows=5)


def test_the_working_copy_is_the_file_of_the_pointer(publication: FilePublication, base: Snapshot) -> None:
    store = publication.working_copy(base, rows=9)

    assert store.parent == publication.directory
    assert (store.stat().st_size, sha256_of(store)) == (base.bytes, base.sha256)


def test_before_the_first_import_there_is_nothing_to_copy(publication: FilePublication) -> None:
    assert not publication.working_copy(None, rows=9).exists()


def test_another_file_than_the_pointers_is_no_base(publication: FilePublication, base: Snapshot) -> None:
    with pytest.raises(WarehouseCorrupt):
        publication.working_copy(replace(base, sha256="ab"), rows=9)
    with pytest.raises(WarehouseUnavailable):
        publication.working_copy(replace(base, name="snapshots/none"), rows=9)


def test_without_room_nothing_is_copied(publication: FilePublication, base: Snapshot) -> None:
    """A database of an exabyte, or a million million rows: no disk takes them."""
    for much, rows in ((replace(base, bytes=1 << 60), 9), (base, 10**12), (None, 10**12)):
        with pytest.raises(ScratchFull, match=r"This import needs about [\d,]{11,} MB of local disk.*WELLHEAD_SCRATCH"):
            publication.working_copy(much, rows=rows)

        assert list(publication.directory.iterdir()) == []
