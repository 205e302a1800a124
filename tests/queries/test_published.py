"""The current snapshot as readers see it:
opened in place or fetched, while others are published and removed.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from support.foreign_writer import write_and_die
from support.publisher import Publisher, publisher_into_a_bucket, rows_of
from support.staging import run_import

from chalicelib.errors import (
    DatabaseTooLarge,
    NothingPublished,
    WarehouseCorrupt,
    WarehouseUnavailable,
)
from chalicelib.jobs.lock import Snapshot
from chalicelib.queries.published import FACTS, PublishedProduction
from chalicelib.services import Services, open_warehouse
from chalicelib.warehouse.names import sha256_of
from chalicelib.warehouse.s3 import S3Warehouse
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws


@pytest.fixture(params=["directory", "s3"])
def publisher(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Publisher]:
    if request.param == "directory":
        yield Publisher(tmp_path, open_warehouse(str(tmp_path / "warehouse")))
    else:
        with publisher_into_a_bucket(request.getfixturevalue("aws").url, tmp_path) as publisher:
            yield publisher


@pytest.fixture
def bucket(aws: LocalAws, tmp_path: Path) -> Iterator[Publisher]:
    with publisher_into_a_bucket(aws.url, tmp_path) as publisher:
        yield publisher


# ---------------------------------------------------------------------------------------- any warehouse


def test_before_the_first_import_there_is_no_data(publisher: Publisher) -> None:
    published = publisher.reader()

    with pytest.raises(NothingPublished):
        rows_of(published)
    with pytest.raises(NothingPublished):
        published.summary()
    publisher.publish(2)
    assert rows_of(published) == 2


def test_a_reader_sees_what_the_pointer_names(publisher: Publisher) -> None:
    published = publisher.reader()
    for rows in (1, 3, 2):
        snapshot = publisher.publish(rows)

        assert rows_of(published) == rows
        assert published.summary()["snapshot"] == {name: getattr(snapshot, name) for name in FACTS}
        assert published.summary()["rows"] == rows


def test_a_question_ends_on_the_snapshot_that_it_began_on(publisher: Publisher) -> None:
    publisher.publish(1)
    published = publisher.reader()
    with published.query() as production:
        publisher.replace(2)
        assert rows_of(published) == 2

        assert len(production.production().rows) == 1
        assert production.summary()["rows"] == 1


def test_a_snapshot_removed_between_the_look_and_the_opening_is_no_error(
    publisher: Publisher,
) -> None:
    publisher.publish(1)
    publisher.at_look = {1: lambda: publisher.replace(2), 2: lambda: publisher.replace(3)}

    assert rows_of(publisher.reader()) == 3
    assert publisher.looks == 3


def test_a_snapshot_that_is_gone_for_good_is_told(publisher: Publisher) -> None:
    publisher.warehouse.remove(publisher.publish(1).name)

    with pytest.raises(WarehouseUnavailable):
        rows_of(publisher.reader())


def test_another_file_than_the_pointer_says_is_not_read(
    publisher: Publisher, tmp_path: Path
) -> None:
    snapshot = publisher.publish(1)
    publisher.warehouse.remove(snapshot.name)
    other = tmp_path / "other"
    other.write_bytes(b"x" * 100)
    publisher.warehouse.put(snapshot.name, other, sha256=sha256_of(other))
    published = publisher.reader()

    with pytest.raises(WarehouseCorrupt):
        rows_of(published)

    publisher.warehouse.remove(snapshot.name)
    publisher.warehouse.put(snapshot.name, tmp_path / "1.duckdb", sha256=snapshot.sha256)
    assert rows_of(published) == 1  # restored
    assert len(publisher.copies()) <= 1


def test_a_file_that_was_open_when_it_broke_is_opened_anew_once_restored(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, open_warehouse(str(tmp_path / "warehouse")))
    snapshot = publisher.publish(3000)
    file = tmp_path / "warehouse" / snapshot.name
    whole = file.read_bytes()
    file.chmod(0o644)  # a fault of the disk asks nobody
    file.write_bytes(whole[:12288] + bytes(len(whole) - 12288))
    published = publisher.reader()
    with pytest.raises(WarehouseCorrupt):
        rows_of(published)

    file.write_bytes(whole)

    assert rows_of(published) == 3000


def test_what_a_killed_writer_left_beside_a_snapshot_is_no_part_of_it(tmp_path: Path) -> None:
    """DuckDB plays a log that lies beside a file, also for who only reads."""
    publisher = Publisher(tmp_path, open_warehouse(str(tmp_path / "warehouse")))
    snapshot = publisher.publish(3)
    file = tmp_path / "warehouse" / snapshot.name
    write_and_die(file, "DELETE FROM well_production WHERE well_code = 1")
    published = publisher.reader()

    assert rows_of(published) == 3
    assert published.summary()["rows"] == 3
    publisher.publish(4)
    assert rows_of(published) == 4
    with published.query(snapshot.name) as production:  # a cursor of before
        assert len(production.production().rows) == 3


def test_readers_at_once_see_whole_snapshots_and_nothing_else(publisher: Publisher) -> None:
    """Readers that share the directory, as processes do,
    while the next snapshots come and the old ones go.
    """
    publisher.publish(1)
    readers = [publisher.reader() for _ in range(3)]

    def read(reader: PublishedProduction) -> list[int]:
        return [rows_of(reader) for _ in range(12)]

    with ThreadPoolExecutor(4) as threads:
        seen = [threads.submit(read, reader) for reader in (*readers, readers[0])]
        for rows in range(2, 7):
            publisher.replace(rows)

    assert all(set(result.result()) <= set(range(1, 7)) for result in seen)
    assert [rows_of(reader) for reader in readers] == [6, 6, 6]


# ---------------------------------------------------------------------------------------------- a bucket


def test_a_snapshot_is_fetched_once_and_of_the_older_ones_the_last_stays(bucket: Publisher) -> None:
    class CountingWarehouse(S3Warehouse):
        fetches = 0

        def fetch_rest(self, name: str, path: Path, **more: Any) -> None:
            self.fetches += 1
            super().fetch_rest(name, path, **more)

    assert isinstance(bucket.warehouse, S3Warehouse)
    bucket.warehouse.__class__ = CountingWarehouse
    names = []
    for rows in (1, 2, 3):
        names.append(bucket.publish(rows).name.rpartition("/")[2])
        assert [rows_of(reader) for reader in (bucket.reader(), bucket.reader())] == [rows, rows]

        assert bucket.copies() == names[-2:]
    assert isinstance(bucket.warehouse, CountingWarehouse)
    assert bucket.warehouse.fetches == 3


def test_a_reader_that_comes_late_leaves_the_newer_copy(bucket: Publisher) -> None:
    """Its look at the pointer is old: the copy that others read stays."""
    old = bucket.publish(1)
    assert rows_of(bucket.reader(current=lambda: old)) == 1
    new = bucket.publish(2)
    assert rows_of(bucket.reader()) == 2

    assert rows_of(bucket.reader(current=lambda: old)) == 1

    assert bucket.copies() == [snapshot.name.rpartition("/")[2] for snapshot in (old, new)]


def test_a_copy_that_breaks_on_local_disk_is_fetched_again(bucket: Publisher) -> None:
    bucket.publish(3000)
    published = bucket.reader()
    assert published.summary()["rows"] == 3000
    [copy] = bucket.reading.glob("wells-*")
    whole = copy.read_bytes()
    copy.write_bytes(whole[:12288] + bytes(len(whole) - 12288))

    with pytest.raises(WarehouseCorrupt):
        rows_of(bucket.reader())

    assert rows_of(bucket.reader()) == 3000


def test_a_disk_too_small_is_told(bucket: Publisher) -> None:
    snapshot = bucket.publish(1)
    beyond = Snapshot(**vars(snapshot) | {"bytes": 1 << 60})

    with pytest.raises(DatabaseTooLarge):
        rows_of(bucket.reader(current=lambda: beyond))
    assert bucket.copies() == []


# --------------------------------------------------------------------------------- after a real import


def test_the_services_read_what_an_import_has_published(environment: dict[str, str]) -> None:
    services = Services(environment)
    with pytest.raises(NothingPublished):
        services.published_production.summary()

    with SampleSource(GeneratedProduction(300)) as source:
        job = run_import(environment, source.url)

    summary = services.published_production.summary()
    assert summary["rows"] == job.new_records
    assert summary["last_import"]["job_id"] == summary["snapshot"]["job_id"] == job.job_id
    with services.published_production.query() as production:
        assert len(production.rejects(job.job_id).rows) == job.failed_records
        assert sum(well["periods"] for well in production.wells().rows) == job.new_records
