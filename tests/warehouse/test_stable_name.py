"""The stable name under workers that meet:
one that slept, the sweeper, duplicates of an event that is over.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import LATEST, sha256_of, snapshot_name

if TYPE_CHECKING:
    from pathlib import Path

JOB = "018cc251-f400-7000-8000-000000000000"
OLD, NEW = snapshot_name(1, JOB), snapshot_name(2, JOB)


@pytest.fixture
def warehouse(tmp_path: Path) -> DirectoryWarehouse:
    warehouse = DirectoryWarehouse(tmp_path)
    for name in (OLD, NEW):
        path = tmp_path / "local"
        path.write_bytes(name.encode() * 10_000)
        warehouse.put(name, path, sha256=sha256_of(path))
    return warehouse


def test_two_that_set_it_at_once_do_not_disturb_each_other(
    warehouse: DirectoryWarehouse, tmp_path: Path
) -> None:
    """On EFS the process numbers of two Lambda functions are often the same,
    as those of two threads are.
    """
    together = threading.Barrier(2)
    failed: list[Exception] = []

    def set_it(name: str) -> None:
        for _ in range(100):
            together.wait()
            try:
                warehouse.set_latest(name)
            except Exception as exc:  # noqa: BLE001  told by the test
                failed.append(exc)

    threads = [threading.Thread(target=set_it, args=[name]) for name in (OLD, NEW)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    whole = {sha256_of(tmp_path / name): name for name in (OLD, NEW)}
    assert warehouse.latest() in (None, whole[sha256_of(tmp_path / LATEST)])
    assert list(tmp_path.rglob("*.part")) == []


class Overtaken(DirectoryWarehouse):
    """After its copy is in place and before that is noted, a worker that slept sets the old one."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._root_of_all = root

    def _copy(self, path: Path, target: Path) -> str:
        mark = super()._copy(path, target)
        DirectoryWarehouse(self._root_of_all).set_latest(OLD)
        return mark


def test_a_note_tells_of_no_other_file(warehouse: DirectoryWarehouse, tmp_path: Path) -> None:
    Overtaken(tmp_path).set_latest(NEW)

    assert sha256_of(tmp_path / LATEST) == sha256_of(tmp_path / OLD)
    assert warehouse.latest() is None  # so the sweeper sets it again
    warehouse.set_latest(NEW)
    assert (warehouse.latest(), sha256_of(tmp_path / LATEST)) == (NEW, sha256_of(tmp_path / NEW))


def test_a_file_that_somebody_changed_is_not_the_latest(
    warehouse: DirectoryWarehouse, tmp_path: Path
) -> None:
    warehouse.set_latest(NEW)
    (tmp_path / LATEST).chmod(0o644)
    with (tmp_path / LATEST).open("ab") as file:
        file.write(b"a table of my own")

    assert warehouse.latest() is None
    assert (tmp_path / NEW).read_bytes() == NEW.encode() * 10_000
