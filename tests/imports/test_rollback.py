"""A rollback publishes an older snapshot once more:
a job of its own, which moves the pointer as an import does.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import a_job, table_contents
from support.imports import Budget, Worker, opened, published_rows
from support.merging import assert_main_is
from support.rollbacks import ask_for, roll_back, run_rollback
from support.scripted_source import KEY
from support.shelf import shelved_by
from support.store_kinds import file_or_lake

from chalicelib.errors import (
    AcceptTooLate,
    ImportAlreadyRunning,
    NotResumable,
    NotRetryable,
    SnapshotIsCurrent,
    SnapshotUnknown,
    SourceUnavailable,
    ValidationError,
)
from chalicelib.jobs.clearing import READER_SECONDS, clear_orphans
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.lock import Lock, Snapshot, published_key
from chalicelib.jobs.pulse import _import_time
from chalicelib.jobs.snapshots import kept_snapshots
from chalicelib.jobs.starting import retry_import
from chalicelib.services import Services
from chalicelib.warehouse.names import fence_of, snapshot_name
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.files.json_lines import Key
    from chalicelib.jobs.job import Job

TABLE = "wellhead-test"
JANUARY, FEBRUARY, MARCH = (f"2023-{month:02}-10T06:00:00Z" for month in (1, 2, 3))


class Wells:
    """Rows (well, oil, changed) of one field and month."""

    ordered = True

    def __init__(self, *rows: tuple[int, float, str]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def key(self, position: int) -> Key:
        return 1, self.rows[position][0], "2023-01-01"

    def page(self, skip: int, top: int) -> list[bytes]:
        return [
            json.dumps(self._row(place)).encode() for place in range(len(self))[skip : skip + top]
        ]

    def _row(self, place: int) -> dict[str, Any]:
        _, oil, changed = self.rows[place]
        return dict(zip(KEY, self.key(place), strict=True)) | {
            "oil_production_kbd": oil,
            "updated_at": changed,
        }


FIRST = Wells((1, 1.0, JANUARY), (2, 2.0, FEBRUARY))
SECOND = Wells((1, 1.0, JANUARY), (2, 2.5, FEBRUARY), (3, 3.0, MARCH))


@pytest.fixture(scope="session")
def server() -> Iterator[SampleSource]:
    """It stays at its address, which what is on the shelf was read from."""
    with SampleSource(FIRST) as server:
        yield server


@pytest.fixture
def source(server: SampleSource) -> SampleSource:
    server.rows = FIRST
    server.requests.clear()
    return server


@pytest.fixture
def worker(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> Worker:
    return Worker(
        environment | {"WELLHEAD_SOURCE_URL": source.url, "WELLHEAD_SOURCE_CHANGED": "updated_at"},
        dynamodb,
    )


def current(worker: Worker) -> Snapshot:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    return snapshot


def wells(worker: Worker) -> dict[int, float]:
    return {int(row[2]): row[7] for row in published_rows(worker)}


def two_imports(worker: Worker, source: SampleSource) -> tuple[Snapshot, Snapshot]:
    def make() -> tuple[Snapshot, Snapshot]:
        worker.import_all()
        first = current(worker)
        worker.clock.advance(60)
        source.rows = SECOND
        assert worker.import_all().status is JobStatus.COMPLETED
        worker.clock.advance(60)
        assert wells(worker) == {1: 1.0, 2: 2.5, 3: 3.0}
        return first, current(worker)

    found = shelved_by(worker, "rollback-two-imports", make)
    source.rows = SECOND
    return found


def assert_shown(worker: Worker) -> None:
    """Who reads by the stable name, or main, reads what the pointer names."""
    snapshot = current(worker)
    if snapshot.is_lake:
        assert_main_is(
            Services({"WELLHEAD_CATALOG": worker.settings.catalog} | _of(worker)).catalog, snapshot
        )
    else:
        assert worker.warehouse.latest() == snapshot.name


def _of(worker: Worker) -> dict[str, str]:
    settings = worker.settings
    return {
        "WELLHEAD_TABLE": settings.table,
        "WELLHEAD_IMPORT_FUNCTION": settings.import_function,
        "WELLHEAD_WAREHOUSE": settings.warehouse,
        "WELLHEAD_SOURCE_URL": settings.source_url,
    }


# --- what it does


@file_or_lake
def test_the_older_rows_are_published_by_a_job_with_the_next_fence(
    worker: Worker, source: SampleSource
) -> None:
    first, second = two_imports(worker, source)

    job = roll_back(worker, first.name)

    assert (job.status, job.error, job.rollback_to, job.triggered_by) == (
        "COMPLETED",
        None,
        first.name,
        "eve",
    )
    assert wells(worker) == {1: 1.0, 2: 2.0}
    name = snapshot_name(3, job.job_id, is_lake=first.is_lake)
    moved = {"name": name, "fence": 3, "job_id": job.job_id, "rollback_fence": 3}
    assert asdict(current(worker)) == asdict(first) | moved
    assert worker.manager.lock() == Lock(fence=3)
    assert [event.name for event in job.events] == [
        "created",
        "claimed",
        "checking",
        "publishing",
        "completed",
    ]
    assert worker.manager.history(limit=1)[0][0].rollback_to == first.name
    assert_shown(worker)
    assert not list(Path(worker.settings.scratch).iterdir())
    assert second.fence == 2


@file_or_lake
def test_the_next_import_asks_for_what_came_since_and_adds_it_again(
    worker: Worker, source: SampleSource
) -> None:
    first, _ = two_imports(worker, source)
    roll_back(worker, first.name)
    source.requests.clear()

    job = worker.import_all()

    assert (job.status, job.new_records, job.updated_records) == ("COMPLETED", 1, 1)
    assert wells(worker) == {1: 1.0, 2: 2.5, 3: 3.0}
    assert {asked.query.get("$filter") for asked in source.requests if "$count" in asked.query} == {
        "updated_at ge 2023-02-10T05:00:00Z"
    }
    assert (current(worker).rollback_fence, current(worker).changed_until) == (3, second_mark())
    assert_shown(worker)


def second_mark() -> float:
    return datetime.fromisoformat(MARCH).timestamp()


def test_a_rollback_is_rolled_back(worker: Worker, source: SampleSource) -> None:
    first, second = two_imports(worker, source)
    roll_back(worker, first.name)

    job = roll_back(worker, second.name)

    assert wells(worker) == {1: 1.0, 2: 2.5, 3: 3.0}
    assert (current(worker).fence, current(worker).changed_until) == (4, second.changed_until)
    assert job.status is JobStatus.COMPLETED
    assert_shown(worker)


@file_or_lake
def test_of_a_snapshot_whose_pointer_was_not_kept_the_file_tells(
    worker: Worker, source: SampleSource, dynamodb: Any
) -> None:
    """As those that were published before: their next import asks for everything."""
    first, _ = two_imports(worker, source)
    dynamodb.delete_item(TableName=TABLE, Key=to_item(dict(published_key(first.name))))

    job = roll_back(worker, first.name)

    facts = {"changed_until": None, "changed_of": None, "sources": None, "accepted": None}
    moved = {"name": current(worker).name, "fence": 3, "job_id": job.job_id, "rollback_fence": 3}
    assert asdict(current(worker)) == asdict(first) | facts | moved
    assert worker.import_all().new_records == 1
    assert wells(worker) == {1: 1.0, 2: 2.5, 3: 3.0}


# --- what is refused


def test_what_is_current_or_unknown_is_refused(worker: Worker, source: SampleSource) -> None:
    first, second = two_imports(worker, source)
    zombie = snapshot_name(9, first.job_id, is_lake=first.is_lake)
    file = Path(worker.settings.warehouse, zombie)
    file.write_bytes(b"of a worker that lost its lease")

    for name, error in [
        (second.name, SnapshotIsCurrent),
        (zombie, SnapshotUnknown),
        (snapshot_name(1, "018cc251-f400-7000-8000-000000000000"), SnapshotUnknown),
        (first.name.rpartition(".")[0], SnapshotUnknown),
        ("wells.duckdb", SnapshotUnknown),
        ("", SnapshotUnknown),
        ("snapshots/", SnapshotUnknown),
    ]:
        with pytest.raises(error):
            ask_for(worker, name)
    assert worker.manager.lock() == Lock(fence=2)


def test_while_an_import_runs_a_rollback_is_refused_and_the_other_way_round(
    worker: Worker, source: SampleSource
) -> None:
    first, _ = two_imports(worker, source)
    running = worker.trigger()
    with pytest.raises(ImportAlreadyRunning):
        ask_for(worker, first.name)
    worker.run(running)

    asked = ask_for(worker, first.name)
    with pytest.raises(ImportAlreadyRunning):
        worker.trigger()
    assert run_rollback(worker, asked.job_id).status is JobStatus.COMPLETED


def test_the_same_key_gets_the_same_job_also_when_the_snapshot_is_gone(
    worker: Worker, source: SampleSource
) -> None:
    first, second = two_imports(worker, source)
    asked = ask_for(worker, first.name, key="k")
    done = run_rollback(worker, asked.job_id)
    worker.warehouse.remove(first.name)

    assert ask_for(worker, first.name, key="k") == done
    with pytest.raises(ValidationError, match="something else"):
        ask_for(worker, second.name, key="k")
    with pytest.raises(SnapshotUnknown):
        ask_for(worker, first.name, key="another")


def test_a_file_that_is_damaged_or_gone_ends_the_job_and_nothing_moves(
    worker: Worker, source: SampleSource
) -> None:
    first, second = two_imports(worker, source)
    path = Path(worker.settings.warehouse, first.name)
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    job = roll_back(worker, first.name)
    assert (job.status, (job.error or {})["code"]) == ("FAILED", "WAREHOUSE_CORRUPT")

    asked = ask_for(worker, first.name)
    path.unlink()
    job = run_rollback(worker, asked.job_id)
    assert (job.status, (job.error or {})["code"]) == ("FAILED", "WAREHOUSE_UNAVAILABLE")
    assert current(worker) == second
    assert_shown(worker)
    with pytest.raises(NotRetryable):
        retry_import(
            job.job_id,
            job_manager=worker.manager,
            dispatcher=worker.dispatcher,
            warehouse=worker.warehouse,
            triggered_by="eve",
            source_id=worker.settings.source_id,
        )


# --- what was fetched before it


def test_what_was_fetched_before_a_rollback_is_not_gone_on_from(
    worker: Worker, source: SampleSource
) -> None:
    """It asked for what changed since the second import, and the first one lacks more."""
    first, _ = two_imports(worker, source)
    worker.settings = replace(worker.settings, checkpoint_seconds=0)
    stopped = stopped_with_a_checkpoint(worker)

    roll_back(worker, first.name)

    with pytest.raises(NotResumable):
        worker.manager.create(stopped.retry(now=worker.clock(), triggered_by="eve"))


def stopped_with_a_checkpoint(worker: Worker) -> Job:
    job_id = worker.trigger()
    worker.run(job_id, remaining=Budget(worker.clock, 1))
    job = worker.manager.get(job_id)
    assert job.checkpoint, job
    claim = worker.manager.claim(job_id, holder="another")
    return worker.manager.finish(claim, claim.job.fail(SourceUnavailable(), at=worker.clock()))


def test_a_source_that_first_came_after_the_snapshot_is_not_gone_on_from_either(
    worker: Worker, source: SampleSource
) -> None:
    first, _ = two_imports(worker, source)
    roll_back(worker, first.name)

    snapshot = replace(current(worker), sources={})

    assert snapshot.fence_of("another") == 3
    assert replace(snapshot, rollback_fence=None).fence_of("another") == 0


def test_what_was_held_before_a_rollback_cannot_be_accepted(
    worker: Worker, source: SampleSource
) -> None:
    first, _ = two_imports(worker, source)
    source.rows = Wells(*((well, 900.0, "2023-04-01T00:00:00Z") for well in (1, 2, 3)))
    held = worker.import_all()
    assert held.is_held, held

    roll_back(worker, first.name)

    checks = [str(finding.check) for finding in held.findings if finding.holds]
    with pytest.raises(AcceptTooLate):
        worker.manager.accept(held.job_id, findings=checks, by="eve")


# --- what the sweeper keeps


def test_the_sweeper_keeps_what_is_pointed_at_and_what_can_be_rolled_back_to(
    worker: Worker, source: SampleSource
) -> None:
    first, second = two_imports(worker, source)
    roll_back(worker, first.name)
    rolled = current(worker)
    worker.clock.advance(10 * READER_SECONDS)

    removed = clear_orphans(
        job_manager=worker.manager, warehouse=worker.warehouse, kept=2, clock=worker.clock
    )

    assert removed == [first.name]
    assert wells(worker) == {1: 1.0, 2: 2.0}
    kept = kept_snapshots(job_manager=worker.manager, warehouse=worker.warehouse)
    assert [(each.name, each.is_current, each.told) for each in kept] == [
        (rolled.name, True, rolled),
        (second.name, False, second),
    ]
    assert roll_back(worker, second.name).status is JobStatus.COMPLETED
    assert wells(worker) == {1: 1.0, 2: 2.5, 3: 3.0}


def test_the_age_of_the_data_is_that_of_its_import(worker: Worker, source: SampleSource) -> None:
    """A rollback brings nothing newer, so the alarm of no success goes by the import."""
    first, second = two_imports(worker, source)
    roll_back(worker, first.name)
    roll_back(worker, second.name)
    roll_back(worker, first.name)

    assert (
        _import_time(worker.manager.find, current(worker).name)
        == worker.manager.get(first.job_id).completed_at
    )


def test_a_snapshot_is_read_to_its_end_while_a_rollback_comes(
    worker: Worker, source: SampleSource
) -> None:
    first, second = two_imports(worker, source)
    with opened(worker.settings, second) as reader:
        roll_back(worker, first.name)
        clear_orphans(
            job_manager=worker.manager, warehouse=worker.warehouse, kept=1, clock=worker.clock
        )

        assert reader.execute("SELECT count(*) FROM well_production").fetchall() == [(3,)]


def test_the_list_of_snapshots_tells_of_each(worker: Worker, source: SampleSource) -> None:
    first, second = two_imports(worker, source)

    kept = kept_snapshots(job_manager=worker.manager, warehouse=worker.warehouse)

    assert [each.view() for each in kept] == [
        {
            "name": snapshot.name,
            "job_id": snapshot.job_id,
            "fence": fence_of(snapshot.name),
            "published_at": worker.manager.get(snapshot.job_id).completed_at,
            "triggered_by": "tests",
            "rollback_to": None,
            "rows": snapshot.rows,
            "bytes": snapshot.bytes,
            "sha256": snapshot.sha256,
            "store": "iceberg" if snapshot.is_lake else "file",
            "is_current": snapshot is second,
            "is_there": True,
        }
        for snapshot in (second, first)
    ]
    stored = table_contents(worker.manager.table._dynamodb, TABLE)
    assert stored[f"WAREHOUSE#{second.name}"] == stored["WAREHOUSE#current"] == asdict(second)
    assert a_job(worker.clock).rollback_to is None
