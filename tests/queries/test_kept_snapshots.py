"""Readers in the midst of their pages:
each stays on the snapshot of his first page, as long as it is kept.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from support.publisher import Publisher, publisher_into_a_bucket, rows_of

from chalicelib.errors import ScratchFull, SnapshotGone, ValidationError
from chalicelib.queries.cursor import read_cursor
from chalicelib.queries.published import was_published
from chalicelib.services import Services, open_warehouse
from chalicelib.warehouse.names import segment_name, snapshot_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot
    from chalicelib.queries.published import PublishedProduction
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


class Pages:
    """One reader, a row at a time."""

    def __init__(self, published: PublishedProduction) -> None:
        self._published = published
        self.wells: list[str] = []
        self.snapshots: set[str | None] = set()
        self.cursor: str | None = None

    def turn(self) -> bool:
        """Whether there is another page."""
        name = read_cursor(self.cursor, of="production").snapshot if self.cursor else None
        with self._published.query(name) as production:
            page = production.production(limit=1, cursor=self.cursor)
            self.snapshots.add(production.snapshot)
        self.wells += [row["well_code"] for row in page.rows]
        self.cursor = page.next_cursor
        return self.cursor is not None


def names_of(*snapshots: Snapshot) -> list[str]:
    return [snapshot.name.rpartition("/")[2] for snapshot in snapshots]


def test_whoever_began_before_an_import_reads_to_the_end_what_he_began(
    publisher: Publisher,
) -> None:
    published = publisher.reader()
    readers = []
    for rows in (3, 5, 7):
        snapshot = publisher.publish(rows)
        readers.append((rows, snapshot, Pages(published)))
        assert readers[-1][2].turn()

    while pages_left := [pages for _, _, pages in readers if pages.cursor]:
        for pages in pages_left:
            pages.turn()

    for rows, snapshot, pages in readers:
        assert (pages.wells, pages.snapshots) == (
            [str(well) for well in range(rows)],
            {snapshot.name},
        )


def test_a_process_that_never_saw_an_older_snapshot_opens_it(publisher: Publisher) -> None:
    older = publisher.publish(3)
    pages = Pages(publisher.reader())
    pages.turn()
    publisher.publish(1)
    pages._published = publisher.reader()

    while pages.turn():
        pass

    assert (pages.wells, pages.snapshots) == (["0", "1", "2"], {older.name})


def test_what_is_no_longer_kept_is_gone_and_what_to_do_is_told(publisher: Publisher) -> None:
    gone = publisher.publish(3)
    publisher.replace(2)

    for _ in range(2):
        with (
            pytest.raises(SnapshotGone, match="Begin again without a cursor") as told,
            publisher.reader().query(gone.name),
        ):
            pass
        assert told.value.details == {"snapshot": gone.name}


def test_a_snapshot_that_is_removed_while_it_is_looked_for_is_gone(bucket: Publisher) -> None:
    class LateWarehouse(type(bucket.warehouse)):  # type: ignore[misc]
        """The sweeper is faster than the fetch."""

        def fetch_rest(self, name: str, path: Path, **more: Any) -> None:
            self.remove(name)
            super().fetch_rest(name, path, **more)

    older = bucket.publish(3)
    bucket.publish(2)
    bucket.warehouse.__class__ = LateWarehouse

    with pytest.raises(SnapshotGone), bucket.reader().query(older.name):
        pass


def test_a_cursor_on_the_current_snapshot_is_gone_when_it_is_replaced_and_removed_meanwhile(
    publisher: Publisher,
) -> None:
    first = publisher.publish(3)
    publisher.at_look = {1: lambda: publisher.replace(2)}

    with pytest.raises(SnapshotGone), publisher.reader().query(first.name):
        pass


def test_what_never_was_published_is_no_ones_cursor(publisher: Publisher, tmp_path: Path) -> None:
    """Such as the file of a worker that lost its lease."""
    snapshot = publisher.publish(3)
    zombie = snapshot_name(9, snapshot.job_id)
    publisher.warehouse.put(zombie, tmp_path / "1.duckdb", sha256=snapshot.sha256)

    for name in (
        zombie,
        snapshot_name(1, "018cc251-f400-7000-8000-0000000000ff"),
        "../../etc/passwd",
        "x",
    ):
        with (
            pytest.raises(ValidationError, match="no cursor of this list"),
            publisher.reader().query(name),
        ):
            pass


def test_a_snapshot_is_known_by_the_job_that_made_it(
    environment: dict[str, str], wells: Any
) -> None:
    manager = Services(environment).job_manager
    current = manager.current_snapshot()
    assert current

    job_id, fence = current.job_id, current.fence
    named = [
        current.name,
        snapshot_name(fence + 1, job_id),
        segment_name(job_id, fence, 0),
        "x",
        snapshot_name(fence, "018cc251-f400-7000-8000-000000000000"),
    ]
    assert [was_published(name, job_manager=manager) for name in named] == [
        True,
        False,
        False,
        False,
        False,
    ]
    assert job_id == wells.job.job_id


# ----------------------------------------------------------------------------------- memory and local disk


def test_one_database_stays_open_between_two_questions(publisher: Publisher) -> None:
    snapshots = [publisher.publish(rows) for rows in (1, 2, 3)]
    published = publisher.reader()

    def open_now() -> int:
        return len(list(publisher.reading.glob("own-*")))

    for snapshot in [*snapshots, *reversed(snapshots)]:
        with published.query(snapshot.name) as production:
            assert len(production.production().rows) == snapshot.rows
            assert open_now() == 1
    with published.query(snapshots[0].name) as first, published.query(snapshots[2].name) as third:
        assert open_now() == 2
        assert [len(each.production().rows) for each in (first, third)] == [1, 3]
    assert open_now() == 1
    assert rows_of(published) == 3


def test_local_disk_holds_two_copies_at_most_and_the_current_one_stays(bucket: Publisher) -> None:
    snapshots = [bucket.publish(rows) for rows in (1, 2, 3, 4)]
    published = bucket.reader()
    assert rows_of(published) == 4

    for older in snapshots[:3]:
        with published.query(older.name) as production:
            assert len(production.production().rows) == older.rows

        assert bucket.copies() == names_of(older, snapshots[3])
    fifth = bucket.publish(5)
    assert rows_of(published) == 5
    assert bucket.copies() == names_of(snapshots[2], fifth)  # the one that was read last


def test_what_would_not_fit_in_any_case_drives_no_copy_out(
    bucket: Publisher, tmp_path: Path
) -> None:
    older, current = bucket.publish(1), bucket.publish(2)
    published = bucket.reader()
    assert rows_of(published) == 2
    free = shutil.disk_usage(tmp_path).free
    huge = type(current)(**vars(older) | {"bytes": free + (64 << 20)})

    with pytest.raises(ScratchFull):
        rows_of(bucket.reader(current=lambda: huge))

    assert bucket.copies() == names_of(current)


def test_readers_of_many_snapshots_at_once_each_get_their_own(publisher: Publisher) -> None:
    """Threads of one process and others beside it, on more snapshots than there is room for."""
    snapshots = [publisher.publish(rows) for rows in range(1, 6)]
    processes = [publisher.reader() for _ in range(2)]
    most = []

    def read(number: int) -> list[tuple[int, int]]:
        seen = []
        for turn in range(8):
            snapshot = snapshots[(number * 3 + turn) % len(snapshots)]
            with processes[number % 2].query(snapshot.name) as production:
                seen.append((snapshot.rows, len(production.production().rows)))
            most.append(len(publisher.copies()))
        return seen

    with ThreadPoolExecutor(6) as threads:
        for seen in threads.map(read, range(6)):
            assert all(wanted == found for wanted, found in seen)

    parts = len(processes)  # each process may be fetching one
    assert max(most) <= 2 + parts
    assert all(rows_of(process) == 5 for process in processes)
    assert len(publisher.copies()) <= 2
    assert len(list(publisher.reading.glob("own-*"))) == len(processes)
