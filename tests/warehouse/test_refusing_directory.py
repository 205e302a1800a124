"""File systems that know no fsync, or rename no file over another:
what is safe goes on, the rest is told.
"""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.imports import Worker, expected_rows, stored_rows
from support.staging import run_import

from chalicelib.errors import WarehouseUnavailable
from chalicelib.jobs.job import JobStatus
from chalicelib.services import Services
from chalicelib.warehouse.directory import DirectoryWarehouse, sync_file
from chalicelib.warehouse.names import LATEST, LATEST_PROBLEM, sha256_of, snapshot_name
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = "018cc251-f400-7000-8000-000000000000"
OLD, NEW = snapshot_name(1, JOB), snapshot_name(2, JOB)
DATA = GeneratedProduction(60)


def refusing(number: int) -> Callable[..., None]:
    def refuse(*_: Path) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def refusing_folders(number: int) -> Callable[[Path], None]:
    """Files can be synced, the folders that hold them cannot."""

    def sync(path: Path) -> None:
        if path.is_dir():
            raise OSError(number, os.strerror(number))
        sync_file(path)

    return sync


def replacing_nothing(number: int, *, but: tuple[str, ...] = ()) -> Callable[[Path, Path], Any]:
    """No file is renamed over another;
    with `but`, none of these names is renamed at all while it is there.
    """

    def replace(part: Path, target: Path) -> Path:
        if target.exists() or part.name in but:
            raise OSError(number, os.strerror(number))
        return part.replace(target)

    return replace


def filled(warehouse: DirectoryWarehouse, tmp_path: Path) -> DirectoryWarehouse:
    for name in (OLD, NEW):
        file = tmp_path / "local"
        file.write_bytes(name.encode() * 10_000)
        warehouse.put(name, file, sha256=sha256_of(file))
    return warehouse


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM])
@pytest.mark.parametrize("sync", [refusing, refusing_folders])
def test_what_cannot_be_synced_is_stored_and_read_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sync: Callable[[int], Any], number: int
) -> None:
    warehouse = filled(DirectoryWarehouse(tmp_path / "warehouse", sync=sync(number)), tmp_path)
    warehouse.set_latest(NEW)

    assert warehouse.names("") == [OLD, NEW, LATEST]
    assert (tmp_path / "warehouse" / LATEST).read_bytes() == NEW.encode() * 10_000
    assert any("fsync" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_sync_that_failed_is_no_sync_that_is_not_known(tmp_path: Path, number: int) -> None:
    warehouse = DirectoryWarehouse(tmp_path / "warehouse", sync=refusing(number))

    with pytest.raises(WarehouseUnavailable, match=os.strerror(number)):
        filled(warehouse, tmp_path)

    assert [path for path in (tmp_path / "warehouse").rglob("*") if path.is_file()] == []


def test_a_file_is_synced_before_it_has_its_name_and_its_folder_afterwards(tmp_path: Path) -> None:
    target = tmp_path / "warehouse" / OLD
    synced: list[tuple[bool, bool]] = []

    def sync(path: Path) -> None:
        sync_file(path)
        synced.append((path == target.parent, target.exists()))

    file = tmp_path / "local"
    file.write_bytes(b"wells")
    DirectoryWarehouse(tmp_path / "warehouse", sync=sync).put(OLD, file, sha256=sha256_of(file))

    is_folder = has_name = True
    assert synced == [(not is_folder, not has_name), (is_folder, has_name)]


def test_a_sync_is_that_of_the_system() -> None:
    """Which refuses a device that has nothing to sync."""
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        sync_file(Path(os.devnull))


@pytest.mark.parametrize("number", [errno.EPERM, errno.EEXIST, errno.EBUSY, errno.EACCES])
def test_where_no_file_is_renamed_over_another_the_old_one_steps_aside(
    tmp_path: Path, number: int
) -> None:
    warehouse = filled(
        DirectoryWarehouse(tmp_path / "warehouse", replace=replacing_nothing(number)), tmp_path
    )

    for name in (OLD, NEW, OLD):
        warehouse.set_latest(name)

        assert (tmp_path / "warehouse" / LATEST).read_bytes() == name.encode() * 10_000
        assert warehouse.latest() == name
    assert list((tmp_path / "warehouse").rglob("*.part")) == []


def test_a_stable_name_that_cannot_follow_stays_whole_and_a_note_tells_it(tmp_path: Path) -> None:
    """Somebody has the file open, on a share where that forbids its renaming."""
    root = tmp_path / "warehouse"
    filled(DirectoryWarehouse(root), tmp_path).set_latest(OLD)
    held = DirectoryWarehouse(root, replace=replacing_nothing(errno.EBUSY, but=(LATEST,)))

    with pytest.raises(WarehouseUnavailable, match=os.strerror(errno.EBUSY)):
        held.set_latest(NEW)

    assert (root / LATEST).read_bytes() == OLD.encode() * 10_000
    assert held.latest() == OLD
    assert NEW in (root / LATEST_PROBLEM).read_text()
    assert held.names("") == [OLD, NEW, LATEST]
    assert list(root.rglob("*.part")) == []
    DirectoryWarehouse(root).set_latest(NEW)
    assert not (root / LATEST_PROBLEM).exists()


def test_a_rename_that_fails_after_the_old_one_stepped_aside_brings_it_back(tmp_path: Path) -> None:
    root = tmp_path / "warehouse"
    filled(DirectoryWarehouse(root), tmp_path).set_latest(OLD)

    def replace(part: Path, target: Path) -> Path:
        if target.name == LATEST and part.read_bytes().startswith(NEW.encode()):
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        return part.replace(target)

    with pytest.raises(WarehouseUnavailable):
        DirectoryWarehouse(root, replace=replace).set_latest(NEW)

    assert (root / LATEST).read_bytes() == OLD.encode() * 10_000


def test_a_whole_import_is_published_there(environment: dict[str, str], dynamodb: Any) -> None:
    with SampleSource(DATA) as source:
        environment |= {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_MEMORY_MB": "200"}
        worker = Worker(environment, dynamodb)
        root = Path(worker.settings.warehouse)
        replace = replacing_nothing(errno.EPERM)
        worker.warehouse = DirectoryWarehouse(root, sync=refusing(errno.EINVAL), replace=replace)
        jobs = [worker.import_all() for _ in range(2)]

    assert [job.status for job in jobs] == [JobStatus.COMPLETED] * 2
    assert stored_rows(root / LATEST) == expected_rows(DATA)
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    assert worker.warehouse.latest() == snapshot.name


def test_the_sweeper_clears_also_where_the_stable_name_cannot_follow(
    environment: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """And fails, so that its alarm goes off. A folder of somebody's has the stable name."""
    root = Path(environment["WELLHEAD_WAREHOUSE"])
    (root / LATEST / "notes").mkdir(parents=True)
    with SampleSource(DATA) as source:
        job = run_import(environment, source.url)
    assert job.status is JobStatus.COMPLETED
    assert [
        record
        for record in caplog.records
        if record.levelno == logging.ERROR and "stable name" in record.message
    ]
    orphan = root / snapshot_name(0, JOB)
    orphan.write_bytes(b"of a zombie")

    with pytest.raises(WarehouseUnavailable):
        Services(environment).sweep()

    assert not orphan.exists()
    assert (root / LATEST / "notes").is_dir()
