"""Somebody opens the stable name for writing, as DuckDB does by default, and is killed:
its log stays.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.foreign_writer import write_and_die

from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import LATEST, sha256_of, snapshot_name

if TYPE_CHECKING:
    from pathlib import Path

JOB = "018cc251-f400-7000-8000-000000000000"
OLD, NEW = snapshot_name(1, JOB), snapshot_name(2, JOB)


@pytest.fixture
def warehouse(tmp_path: Path) -> DirectoryWarehouse:
    """Two snapshots; the stable name holds the first."""
    warehouse = DirectoryWarehouse(tmp_path / "warehouse")
    store = tmp_path / "store.duckdb"
    for checkpoints, name in ((1, OLD), (2, NEW)):
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{store}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
            for _ in range(checkpoints):
                connection.execute(f"CREATE OR REPLACE TABLE wells.told AS SELECT '{name}' AS name")
                connection.execute("CHECKPOINT wells")
        warehouse.put(name, store, sha256=sha256_of(store))
    warehouse.set_latest(OLD)
    return warehouse


def told_by(path: Path) -> Any:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute("SELECT name FROM told").fetchall()


def test_the_next_published_file_opens_and_the_log_is_kept(
    warehouse: DirectoryWarehouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "warehouse" / LATEST
    write_and_die(file)
    log = file.with_name(f"{LATEST}.wal")
    content = log.read_bytes()
    assert warehouse.latest() is None  # the sweeper does not wait for the next import

    warehouse.set_latest(NEW)

    assert told_by(file) == [(NEW,)]
    assert warehouse.latest() == NEW
    [kept] = [name for name in warehouse.names("") if name.endswith(".wal")]
    assert not log.exists()
    assert (tmp_path / "warehouse" / kept).read_bytes() == content
    assert [record.getMessage() for record in caplog.records if kept in record.getMessage()]


def test_a_log_beside_a_file_that_was_replaced_before_goes_too(
    warehouse: DirectoryWarehouse, tmp_path: Path
) -> None:
    """As versions left it that set none aside."""
    file = tmp_path / "warehouse" / LATEST
    write_and_die(file)
    log = (file.with_name(f"{LATEST}.wal")).read_bytes()
    warehouse.set_latest(NEW)
    file.with_name(f"{LATEST}.wal").write_bytes(log)
    with pytest.raises(duckdb.IOException):
        told_by(file)

    assert warehouse.latest() is None
    warehouse.set_latest(NEW)

    assert told_by(file) == [(NEW,)]


def test_what_is_published_is_read_only(warehouse: DirectoryWarehouse, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        warehouse.set_latest(NEW)
    finally:
        os.umask(before)

    modes = {
        name: (tmp_path / "warehouse" / name).stat().st_mode & 0o222 for name in (OLD, NEW, LATEST)
    }
    assert modes == dict.fromkeys((OLD, NEW, LATEST), 0)
    assert (tmp_path / "warehouse" / LATEST).stat().st_mode & 0o777 == 0o444
    warehouse.fetch(NEW, tmp_path / "copy.duckdb")
    with duckdb.connect(tmp_path / "copy.duckdb") as mine:  # a copy is its owner's
        mine.execute("CREATE TABLE notes (x INTEGER)")
