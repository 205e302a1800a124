"""A drill restores the newest backup, looks at it, and leaves nothing behind, however it ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.store_kinds import LAKE
from support.two_snapshots import asked, publish_two, report
from support.warehouses import own_prefix

from chalicelib.errors import WarehouseUnavailable
from chalicelib.jobs.clearing import DRILL_SECONDS, clear_orphans
from chalicelib.ops.drill import Drill
from chalicelib.ops.looks import Looks
from chalicelib.services import Services
from chalicelib.sources.checks import CheckKind, CheckStatus
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import DRILLS, drill_name

if TYPE_CHECKING:
    from chalicelib.jobs.lock import Snapshot

STEPS = ["fetch", "restore", "verify", "remove"]


def everything(environment: dict[str, str]) -> list[str]:
    return Services(environment).warehouse.names("")


def assert_drilled(environment: dict[str, str], backup: Snapshot) -> None:
    before = everything(environment)

    found = report(environment, CheckKind.DRILL)

    assert (found["is_right"], found["problems"], found["snapshot"]) == (True, [], backup.name)
    assert (found["rows"], [step["step"] for step in found["steps"]]) == (backup.rows, STEPS)
    assert found["restored_as"].startswith(DRILLS)
    assert everything(environment) == before


@pytest.mark.parametrize("place", ["directory", "bucket"])
def test_the_newest_backup_is_restored_and_removed(environment: dict[str, str], place: str) -> None:
    if place == "bucket":
        environment["WELLHEAD_WAREHOUSE"] = own_prefix()
    first, _ = publish_two(environment)

    assert_drilled(environment, first)

    if place == "directory":
        assert not Path(environment["WELLHEAD_WAREHOUSE"], DRILLS).exists()


@LAKE
def test_a_state_of_a_lake_becomes_a_database(environment: dict[str, str]) -> None:
    first, _ = publish_two(environment)

    assert_drilled(environment, first)


def test_a_damaged_backup_is_told(environment: dict[str, str]) -> None:
    first, _ = publish_two(environment)
    path = Path(environment["WELLHEAD_WAREHOUSE"], first.name)
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    before = everything(environment)

    found = report(environment, CheckKind.DRILL)

    assert found["is_right"] is False
    assert "SHA-256" in found["problems"][0]
    assert everything(environment) == before


class FailingWarehouse(DirectoryWarehouse):
    """Of which one method fails, on a file of a drill."""

    failing = ""

    def fetch(self, name: str, path: Path) -> None:
        self._fail("fetch", name)
        super().fetch(name, path)

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        super().put(name, path, sha256=sha256)
        self._fail("put", name)

    def _fail(self, method: str, name: str) -> None:
        if method == self.failing and name.startswith(DRILLS):
            raise WarehouseUnavailable


@pytest.mark.parametrize("failing", ["fetch", "put"])
def test_a_drill_that_fails_midway_leaves_nothing(
    environment: dict[str, str], tmp_path: Path, failing: str
) -> None:
    publish_two(environment)
    before = everything(environment)
    warehouse = FailingWarehouse(Path(environment["WELLHEAD_WAREHOUSE"]))
    warehouse.failing = failing
    looks = Looks(directory=tmp_path, memory_mb=100)

    with pytest.raises(WarehouseUnavailable):
        Drill(
            job_manager=Services(environment).job_manager, warehouse=warehouse, looks=looks
        ).report("ab-12")

    assert everything(environment) == before


def test_what_a_dead_drill_has_left_the_sweeper_removes_after_an_hour(
    environment: dict[str, str],
) -> None:
    first, _ = publish_two(environment)
    services, now = Services(environment), time.time()
    file = Path(environment["WELLHEAD_SCRATCH"], "copy")
    services.warehouse.fetch(first.name, file)
    place = drill_name(int(now), "ab-12")
    services.warehouse.put(place, file, sha256=first.sha256)

    def swept(at: float) -> list[str]:
        return clear_orphans(
            job_manager=services.job_manager, warehouse=services.warehouse, kept=3, clock=lambda: at
        )

    assert swept(now + DRILL_SECONDS - 60) == []
    assert swept(now + DRILL_SECONDS + 60) == [place]


def test_before_the_first_import_there_is_no_backup(environment: dict[str, str]) -> None:
    check: Any = asked(environment, CheckKind.DRILL)

    assert (check.status, check.error["code"]) == (CheckStatus.FAILED, "NO_DATA_YET")
