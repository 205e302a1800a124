"""A large snapshot on its way to local disk:
slow, killed, gone on with, damaged, not begun where it would not come to its end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from support.slow_link import SlowLink, lead, slow_link
from support.staging import run_import
from support.waiting import wait_until
from support.warehouses import own_prefix, s3_client

from chalicelib.api.feed import FeedResponses
from chalicelib.api.responses import ResponseBuilder
from chalicelib.errors import DatabaseFetching, DatabaseTooLarge, ScratchFull, WarehouseCorrupt
from chalicelib.queries.copies import PART, LocalCopies
from chalicelib.services import Services, open_warehouse
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import StoredFile, snapshot_name
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.aws.emulator import LocalAws

TESTS = Path(__file__).parents[1]
SIZE = 12_000_000
RATE = 40_000_000.0  # bytes a second
NAME = snapshot_name(2, "018cc251-f400-7000-8000-000000000002")
OLDER = snapshot_name(1, "018cc251-f400-7000-8000-000000000001")


class Stage:
    def __init__(self, url: str, link: SlowLink, place: Path) -> None:
        warehouse = own_prefix()
        content = os.urandom(SIZE)
        self.link, self.warehouse = link, warehouse
        self.reading = place / "reading"
        self.reading.mkdir()
        self.file = StoredFile(name=NAME, bytes=SIZE, sha256=sha256(content).hexdigest())
        (place / "stored").write_bytes(content)
        self.url = url
        self.client = lead(s3_client(url), url, link.url)
        open_warehouse(warehouse, s3=self.client).put(
            NAME, place / "stored", sha256=str(self.file.sha256)
        )
        self.part = self.reading / f"{PART}{Path(NAME).name}"
        self.shared = self.reading / Path(NAME).name
        link.carried = 0

    def copies(self, seconds: float = 30.0) -> LocalCopies:
        return LocalCopies(
            open_warehouse(self.warehouse, s3=self.client), self.reading, seconds=seconds
        )

    def fetch(self, seconds: float = 30.0, file: StoredFile | None = None) -> bytes:
        own = self.reading / f"reader-{time.monotonic_ns()}"
        own.mkdir()
        return self.copies(seconds).fetch(file or self.file, own, beside=None).read_bytes()

    def process(self) -> subprocess.Popen[bytes]:
        """As the query function, in a process of its own."""
        worker = [sys.executable, "-m", "support.fetch_worker"]
        worker += [self.url, self.link.url, self.warehouse, str(self.reading)]
        paths = os.pathsep.join([str(TESTS), str(TESTS.parent)])
        process = subprocess.Popen(
            worker,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
        )
        assert process.stdin
        facts = {
            "name": self.file.name,
            "bytes": self.file.bytes,
            "sha256": self.file.sha256,
            "seconds": 60.0,
        }
        process.stdin.write(json.dumps(facts).encode())
        process.stdin.close()
        process.stdin = None  # nothing more is sent
        return process

    def is_whole(self, content: bytes) -> bool:
        return sha256(content).hexdigest() == self.file.sha256

    def left(self) -> list[str]:
        """What lies in the directory, but for those of readers of this process."""
        return sorted(
            path.name for path in self.reading.iterdir() if not path.name.startswith("reader-")
        )


@pytest.fixture
def stage(aws: LocalAws, tmp_path: Path) -> Iterator[Stage]:
    with slow_link(aws.url, rate=RATE) as link:
        stage = Stage(aws.url, link, tmp_path)
        yield stage
        stage.client.close()


def test_fetches_that_are_killed_leave_one_part_that_the_next_goes_on_from(stage: Stage) -> None:
    stage.link.rate = 6_000_000
    sizes = [0]
    for _ in range(3):
        process = stage.process()
        end = time.monotonic() + 60
        while size_of(stage.part) < sizes[-1] + 2_000_000:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()
        sizes.append(size_of(stage.part))
        assert [name for name in stage.left() if not name.startswith("own-")] == [stage.part.name]
        assert len(stage.left()) <= 2  # the directory of the last one, which the next one removes

    assert sizes == sorted(set(sizes))
    assert sizes[-1] < SIZE
    stage.link.rate = RATE
    done = stage.process()
    said, _ = done.communicate(timeout=60)

    assert said == b"fetched\n"
    assert stage.left() == [stage.shared.name]
    assert stage.is_whole(stage.shared.read_bytes())
    assert stage.link.carried < SIZE * 1.5  # not four times


def test_what_is_not_there_in_time_is_told_and_kept_for_the_next(stage: Stage) -> None:
    stage.link.rate = 10_000_000  # slower than what a fetch is begun for

    def fetching() -> DatabaseFetching | None:
        """Told, once something has come: a busy machine may take all of the half second."""
        with pytest.raises(DatabaseFetching) as told:
            stage.fetch(seconds=0.5)
        return told.value if told.value.details["fetched"] else None

    told = wait_until(fetching)
    come = told.details["fetched"]
    assert come == size_of(stage.part) < SIZE
    assert told.details == {
        "snapshot": NAME,
        "bytes": SIZE,
        "fetched": come,
        "retry_after_seconds": 2,
    }
    stage.link.rate = RATE
    before = stage.link.carried
    assert stage.is_whole(stage.fetch())
    assert stage.link.carried - before < SIZE - come + 1_000_000


def test_nothing_is_begun_that_would_not_come_to_its_end(stage: Stage) -> None:
    with pytest.raises(DatabaseFetching) as told:
        stage.fetch(seconds=12.0, file=replace(stage.file, bytes=2_040_000_000))

    assert stage.link.carried == 0
    assert stage.link.carried == 0
    assert (told.value.details["fetched"], told.value.details["retry_after_seconds"]) == (0, 35)
    assert stage.left() == []
    for respond in (
        ResponseBuilder(request_id="a", now=0.0),
        FeedResponses(root="", request_id="a", cors={}),
    ):
        answer = respond.failure(told.value)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "35")


def test_a_database_that_no_disk_of_the_function_holds_is_told_as_that(stage: Stage) -> None:
    with pytest.raises(DatabaseTooLarge) as told:
        stage.fetch(file=replace(stage.file, bytes=1 << 60))

    assert told.value.details["bytes"] == 1 << 60
    assert not isinstance(told.value, ScratchFull)


def test_parts_that_nobody_wants_any_more_go(stage: Stage) -> None:
    (stage.reading / f"{PART}{Path(OLDER).name}").write_bytes(b"x" * 1000)

    assert stage.is_whole(stage.fetch())
    assert stage.left() == [stage.shared.name]


@pytest.mark.parametrize("size", [5_000_000, SIZE, SIZE + 1])
def test_a_part_that_is_not_of_this_file_is_fetched_from_its_beginning(
    stage: Stage, size: int
) -> None:
    stage.part.write_bytes(b"x" * size)

    assert stage.is_whole(stage.fetch())


def test_a_file_that_is_damaged_in_the_bucket_leaves_nothing_here(stage: Stage) -> None:
    with pytest.raises(WarehouseCorrupt):
        stage.fetch(file=replace(stage.file, sha256="0" * 64))

    assert stage.left() == []


def test_who_comes_while_another_fetches_waits_for_that_one(stage: Stage) -> None:
    stage.link.rate = 15_000_000
    with ThreadPoolExecutor(3) as threads:
        read = [threads.submit(stage.fetch) for _ in range(3)]
        assert all(stage.is_whole(each.result()) for each in read)

    assert stage.link.carried < SIZE * 1.2
    assert stage.left() == [stage.shared.name]


def test_the_query_function_fetches_ahead_what_is_published(environment: dict[str, str]) -> None:
    environment["WELLHEAD_WAREHOUSE"] = own_prefix()
    with SampleSource(GeneratedProduction(30)) as source:
        run_import(environment, source.url)
    services = Services(environment)
    snapshot = services.job_manager.current_snapshot()
    assert snapshot
    copy = Path(environment["WELLHEAD_SCRATCH"], "reading", Path(snapshot.name).name)

    assert services.fetch_ahead(snapshot.name, remaining=lambda: 10.0) == {
        "fetch": "DATABASE_FETCHING"
    }
    assert not copy.exists()
    assert services.fetch_ahead(snapshot.name, remaining=lambda: 60.0) == {"fetch": "done"}
    assert sha256(copy.read_bytes()).hexdigest() == snapshot.sha256
    assert services.fetch_ahead(OLDER, remaining=lambda: 60.0) == {"fetch": "VALIDATION_ERROR"}
    assert services.answer({"question": "summary"})["data"]["rows"] > 0


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class FetchedTogether(DirectoryWarehouse):
    """Nothing is there before everybody has begun."""

    everybody: Barrier

    def fetch_rest(self, name: str, path: Path, *, goes_on: Callable[[], bool]) -> None:
        super().fetch_rest(name, path, goes_on=goes_on)
        self.everybody.wait(timeout=30)


def test_no_more_copies_stay_than_are_kept_when_many_are_fetched_at_once(tmp_path: Path) -> None:
    warehouse = FetchedTogether(tmp_path / "warehouse")
    warehouse.everybody = Barrier(4)
    files = []
    for fence in range(1, 5):
        name = snapshot_name(fence, f"018cc251-f400-7000-8000-00000000000{fence}")
        content = os.urandom(1_000)
        (tmp_path / "stored").write_bytes(content)
        warehouse.put(name, tmp_path / "stored", sha256=sha256(content).hexdigest())
        files.append(StoredFile(name=name, bytes=1_000, sha256=sha256(content).hexdigest()))
    reading = tmp_path / "reading"
    reading.mkdir()

    def bring(file: StoredFile) -> None:
        copies = LocalCopies(warehouse, reading, seconds=30.0)
        copies.bring(file, beside=None, until=time.monotonic() + 30.0)

    with ThreadPoolExecutor(len(files)) as threads:
        list(threads.map(bring, files))

    assert len(list(reading.iterdir())) <= 2
