"""Whatever happens to a segment between its checkpoint and the retry:
the rows that are published are the source's.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from support.imports import Budget, Worker, expected_rows, files, stored_rows
from support.shelf import shelved_by
from support.soak import longer, some_of
from support.warehouses import own_prefix, s3_client

from chalicelib.imports.seal import NO_SEAL, Damaged, Note, add_seal, seal_for_a_while, take_seal
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.starting import retry_import, start_import
from chalicelib.services import open_warehouse
from chalicelib.warehouse.names import SegmentRun, first_segments, segment_names, sha256_of
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws

DATA = GeneratedProduction(90)
TABLE = "wellhead-test"
PLACES = [0, 1, -1]  # of the segments: the first, one amid them, the last
FLIPS = longer(2, 100)


@dataclass
class Lab:
    """`stopped` is a job with some segments,
    and `other` one that stopped before at another place.
    """

    worker: Worker
    source: SampleSource
    directory: Path
    other: Job
    stopped: Job

    def content(self, name: str) -> bytes:
        path = self.directory / "content"
        self.worker.warehouse.fetch(name, path)
        return path.read_bytes()

    def replace(self, name: str, content: bytes | None) -> None:
        self.worker.warehouse.remove(name)
        if content is not None:
            path = self.directory / "content"
            path.write_bytes(content)
            self.worker.warehouse.put(name, path, sha256=sha256_of(path))

    def resealed(self, content: bytes, note: Note) -> bytes:
        """Other rows under a seal that is in order."""
        path = self.directory / "content"
        path.write_bytes(content)
        take_seal(path)
        add_seal(path, note)
        return path.read_bytes()

    def note_of(self, name: str) -> Note:
        path = self.directory / "content"
        path.write_bytes(self.content(name))
        return take_seal(path)[0]

    def published(self) -> list[tuple[Any, ...]]:
        snapshot = self.worker.manager.current_snapshot()
        assert snapshot
        self.worker.warehouse.fetch(snapshot.name, self.directory / "wells.duckdb")
        return stored_rows(self.directory / "wells.duckdb")


def start(worker: Worker) -> Job:
    return start_import(
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        source_id=worker.settings.source_id,
        clock=worker.clock,
    )


def retry(worker: Worker, job: Job) -> Job:
    return retry_import(
        job.job_id,
        job_manager=worker.manager,
        dispatcher=worker.dispatcher,
        warehouse=worker.warehouse,
        triggered_by="ann",
        source_id=worker.settings.source_id,
        clock=worker.clock,
    )


def stopped_midway(worker: Worker, *, pages: int) -> Job:
    job = start(worker)
    worker.run(job.job_id, remaining=Budget(worker.clock, pages))
    return worker.manager.cancel(job.job_id)


@pytest.fixture
def s3(aws: LocalAws) -> Iterator[Any]:
    client = s3_client(aws.url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def source() -> Iterator[SampleSource]:
    """It stays at its address, which what is on the shelf was read from."""
    with SampleSource(DATA) as source:
        yield source


@pytest.fixture(params=["directory", "s3"])
def lab(  # noqa: PLR0917  fixtures, by their names
    request: pytest.FixtureRequest,
    environment: dict[str, str],
    dynamodb: Any,
    s3: Any,
    source: SampleSource,
    tmp_path: Path,
) -> Lab:
    more = {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_PAGE_SIZE": "10",
        "WELLHEAD_CHECKPOINT_SECONDS": "1",
    }
    worker = Worker(environment | more, dynamodb)

    def stop_two() -> tuple[Job, Job]:
        return stopped_midway(worker, pages=7), stopped_midway(worker, pages=10)

    if request.param == "s3":
        worker.warehouse = open_warehouse(own_prefix(), s3=s3)
        other, stopped = stop_two()
    else:
        other, stopped = shelved_by(worker, "damaged-stopped", stop_two)
    (tmp_path / "lab").mkdir()
    assert len(segment_names(stopped.segments)) >= 3
    return Lab(worker, source, tmp_path / "lab", other, stopped)


def flipped(_: Lab, content: bytes, __: str) -> bytes:
    place = random.randrange(len(content) * 8)
    damaged = bytearray(content)
    damaged[place // 8] ^= 1 << place % 8
    return bytes(damaged)


def cut(_: Lab, content: bytes, __: str) -> bytes:
    return content[: random.randrange(1, len(content))]


def emptied(*_: Any) -> bytes:
    return b""


def lengthened(_: Lab, content: bytes, __: str) -> bytes:
    return content + b"\0"


def missing(*_: Any) -> None:
    return None


def of_another_job(lab: Lab, _: bytes, __: str) -> bytes:
    return lab.content(segment_names(lab.other.segments)[0])


def of_another_place(lab: Lab, _: bytes, name: str) -> bytes:
    names = segment_names(lab.stopped.segments)
    return lab.content(next(other for other in names if other != name))


def older(lab: Lab, _: bytes, name: str) -> bytes:
    """Whole, under the right name, and yet not what was written last."""
    before = (lab.content(each) for each in segment_names(lab.other.segments))
    resealed = (lab.resealed(content, lab.note_of(name)) for content in before)
    return next(content for content in resealed if content != lab.content(name))


KINDS = [
    *[flipped] * FLIPS,
    cut,
    emptied,
    lengthened,
    missing,
    of_another_job,
    of_another_place,
    older,
]


@pytest.mark.by_lot
@pytest.mark.parametrize("place", PLACES)
def test_the_import_goes_on_from_the_last_good_place(lab: Lab, place: int) -> None:
    names = segment_names(lab.stopped.segments)
    name = names[place]
    content = lab.content(name)
    job = lab.stopped
    for damage in some_of(KINDS):
        lab.replace(name, damage(lab, content, name))

        new = retry(lab.worker, job)
        outcome = lab.worker.run(
            new.job_id, remaining=Budget(lab.worker.clock, 1)
        )  # it only loads, then hands over

        told = [
            event.facts
            for event in lab.worker.manager.get(new.job_id).events
            if event.name == "gone back"
        ]
        good = lab.stopped.segments and first_segments(lab.stopped.segments, names.index(name))
        assert outcome["outcome"] == "handed over", damage
        assert [facts["records"] for facts in told] == [_rows_in(lab, good)], damage
        lab.replace(name, content)
        job = replace(lab.stopped, job_id=_stop(lab.worker, new, lab.stopped))


def _rows_in(lab: Lab, runs: list[SegmentRun]) -> int:
    names = segment_names(runs)
    return int(lab.note_of(names[-1]).cursor["delivered"]) if names else 0


def _stop(worker: Worker, job: Job, before: Job) -> str:
    """The job ends, and a retry of it begins where the stopped one ended."""
    claim = worker.manager.claim(job.job_id, holder="lab")
    ended = replace(claim.job, checkpoint=before.checkpoint).cancel(at=worker.clock())
    return worker.manager.finish(claim, ended).job_id


@pytest.mark.by_lot
@pytest.mark.parametrize("kind", sorted({kind.__name__ for kind in KINDS}))
@pytest.mark.parametrize("lab", ["directory"], indirect=True)
def test_what_is_published_is_the_source(lab: Lab, kind: str) -> None:
    names = segment_names(lab.stopped.segments)
    name = random.choice(names)
    damage = next(damage for damage in KINDS if damage.__name__ == kind)
    lab.replace(name, damage(lab, lab.content(name), name))

    new = retry(lab.worker, lab.stopped)
    lab.worker.run(new.job_id)

    done = lab.worker.manager.get(new.job_id)
    assert (done.status, done.total_records, done.fetched_records) == (JobStatus.COMPLETED, 90, 90)
    assert "gone back" in [event.name for event in done.events]
    assert lab.published() == expected_rows(DATA)
    assert files(lab.worker.settings.scratch) == {}


@pytest.mark.parametrize("lab", ["directory"], indirect=True)
def test_a_segment_that_cannot_be_read_is_done_without(lab: Lab) -> None:
    """As on a bad sector; a directory in its place is refused to readers too.
    A retry would meet it again.
    """
    name = segment_names(lab.stopped.segments)[-1]
    lab.replace(name, None)
    place = lab.worker.warehouse.local_path(name)
    assert place
    place.mkdir()

    new = retry(lab.worker, lab.stopped)
    lab.worker.run(new.job_id)

    done = lab.worker.manager.get(new.job_id)
    assert (done.status, done.total_records) == (JobStatus.COMPLETED, 90), done.error
    assert "gone back" in [event.name for event in done.events]
    assert lab.published() == expected_rows(DATA)


@pytest.mark.parametrize("lab", ["directory"], indirect=True)
def test_a_checkpoint_of_an_older_form_begins_anew(lab: Lab) -> None:
    """It proves neither its segments nor the source they came from."""
    claim = lab.worker.manager.claim(retry(lab.worker, lab.stopped).job_id, holder="old")
    assert claim.job.checkpoint
    older_form = replace(claim.job.checkpoint, seal=None, source=None)
    assert older_form.to_attributes().keys() == {"cursor", "segments"}
    lab.worker.manager.hand_over(claim, replace(claim.job, checkpoint=older_form))
    asked = len(lab.source.requests)

    lab.worker.run(claim.job.job_id)

    done = lab.worker.manager.get(claim.job.job_id)
    [told] = [event.facts for event in done.events if event.name == "gone back"]
    assert told == {"page": 1, "records": 0, "lost_records": older_form.cursor["delivered"]}
    assert (
        len(lab.source.requests) - asked == 2 + 9
    )  # the look at the source, its types, and all the pages
    assert (done.status, done.total_records) == (JobStatus.COMPLETED, 90)
    assert lab.published() == expected_rows(DATA)


def test_a_segment_is_its_rows_alone_when_it_was_put_or_could_not_be(tmp_path: Path) -> None:
    """It is what the merge reads, and what a next try puts."""
    path = tmp_path / "segment"
    path.write_bytes(b"rows")
    note = Note(name="segments/a", follows=NO_SEAL, cursor={"page": 2})

    with suppress(OSError), seal_for_a_while(path, note) as (_, sha256):
        assert sha256_of(path) == sha256
        raise OSError

    assert path.read_bytes() == b"rows"


def test_a_seal_finds_every_flipped_bit(tmp_path: Path) -> None:
    path = tmp_path / "sealed"
    path.write_bytes(b"rows")
    note = Note(name="segments/a", follows=NO_SEAL, cursor={"page": 2})
    seal, sha256 = add_seal(path, note)
    whole = path.read_bytes()
    assert sha256 == sha256_of(path)

    for bit in range(len(whole) * 8):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(Damaged):
            take_seal(path)

    path.write_bytes(whole)
    assert take_seal(path) == (note, seal)
    assert path.read_bytes() == b"rows"
