"""`kill -9` at any moment of an import, again and again: no row is lost or doubled, no half
snapshot is published.

A run takes one of the two by lot, `make soak` both.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.imports import ENOUGH, expected_rows, files, rejected_rows, stored_rows
from support.waiting import wait_until

from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.job import JobStatus, new_job
from chalicelib.jobs.lock import LOCK
from chalicelib.services import Services
from chalicelib.warehouse.names import LATEST, sha256_of
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from chalicelib.jobs.manager import JobManager
    from local.aws.emulator import Answer, LocalAws

ROOT = Path(__file__).parents[2]
ROWS, PAGE = 1_200, 60
OLD = GeneratedProduction(ROWS)
NEW = GeneratedProduction(ROWS, revision=1)
PATIENCE = 60.0
READS = ("GetItem", "Query", "BatchGetItem", "TransactGetItems")


class Watch:
    """Between two writes of a worker somebody has looked at what has come of the first: no phase is
    so short that nobody sees it, however busy the machine is.
    """

    def __init__(self, aws: LocalAws) -> None:
        self._answer = aws.answer
        self._turn = threading.Condition()
        self._looks = 0
        self._is_watching = False

    def answer(
        self, service: str, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Answer:
        answer = self._answer(service, method, path, headers, body)
        if not headers.get("X-Amz-Target", "").endswith(READS):
            with self._turn:
                seen = self._looks + 2  # one that is under way began before
                self._turn.wait_for(
                    lambda: self._looks >= seen or not self._is_watching, timeout=PATIENCE
                )
        return answer

    def until(self, has_come: Callable[[], bool]) -> None:
        self._is_watching = True
        try:
            wait_until(lambda: self._look(has_come), seconds=PATIENCE, longest_pause=0.005)
        finally:
            with self._turn:
                self._is_watching = False
                self._turn.notify_all()

    def _look(self, has_come: Callable[[], bool]) -> bool:
        found = has_come()
        with self._turn:
            self._looks += 1
            self._turn.notify_all()
        return found


@pytest.fixture
def watch(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch(aws)
    monkeypatch.setattr(aws, "answer", watch.answer)
    return watch


class Import:
    """A job, and the processes that try to run it."""

    def __init__(
        self, environment: dict[str, str], dynamodb: Any, source: SampleSource, watch: Watch
    ) -> None:
        self.environment = environment
        self.watch = watch
        self.services = Services(environment)
        self.dynamodb = dynamodb
        self.source = source
        self.warehouse = Path(environment["WELLHEAD_WAREHOUSE"])
        job = new_job(now=time.time(), triggered_by="tests", parameters={})
        self.job_id = self.manager.create(job).job_id

    @property
    def manager(self) -> JobManager:
        return self.services.job_manager

    def start(self) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            str(ROOT / "tests" / "support" / "import_worker.py"),
            self.job_id,
        ]
        return subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            env=os.environ | self.environment | {"PYTHONPATH": str(ROOT)},
        )

    def run_until(self, moment: Callable[[Import], bool]) -> None:
        """A process that lives until the moment has come, and up to 30 ms longer."""
        asked = len(self.source.requests)

        def has_come() -> bool:
            self.pages_asked = len(self.source.requests) - asked - 2  # the fields and their types
            return process.poll() is not None or moment(self)

        with self.start() as process:
            self.watch.until(has_come)
            time.sleep(random.uniform(0, 0.03))
            process.kill()

    def let_the_lease_end(self) -> None:
        """As if time had passed: nobody else writes the lock while no worker lives."""
        until = {":until": {"N": "1"}}
        self.dynamodb.update_item(
            TableName=self.environment["WELLHEAD_TABLE"],
            Key=to_item(LOCK),
            UpdateExpression="SET lease_until = :until",
            ConditionExpression="attribute_exists(#owner)",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues=until,
        )

    def published(self) -> list[tuple[Any, ...]]:
        """The rows that a reader sees now; the file must be the one that the pointer tells of."""
        snapshot = self.manager.current_snapshot()
        if snapshot is None:
            return []
        path = self.warehouse / snapshot.name
        assert sha256_of(path) == snapshot.sha256
        rows = stored_rows(path)
        assert len(rows) == snapshot.rows
        return rows

    def phase(self) -> str | None:
        return self.manager.get(self.job_id).phase


def while_fetching(work: Import) -> bool:
    return work.pages_asked >= 5


def after_a_checkpoint(work: Import) -> bool:
    return bool(work.manager.get(work.job_id).segments)


def while_merging(work: Import) -> bool:
    return work.phase() == "MERGING"


def while_publishing(work: Import) -> bool:
    return work.phase() == "PUBLISHING"


def with_a_snapshot_on_disk(work: Import) -> bool:
    return any(f"-{work.job_id}.duckdb" in path.name for path in work.warehouse.glob("snapshots/*"))


Moment = Callable[[Import], bool]
MOMENTS: list[Moment] = [
    while_fetching,
    after_a_checkpoint,
    while_merging,
    while_publishing,
    with_a_snapshot_on_disk,
]


@pytest.mark.by_lot
@pytest.mark.parametrize(("over_an_old_one", "moments"), [(False, MOMENTS[::2]), (True, MOMENTS)])
def test_killed_at_any_moment_an_import_still_brings_every_row_once(
    environment: dict[str, str],
    dynamodb: Any,
    watch: Watch,
    over_an_old_one: bool,
    moments: list[Moment],
) -> None:
    with SampleSource(OLD) as source:
        environment |= {
            "WELLHEAD_SOURCE_URL": source.url,
            "WELLHEAD_PAGE_SIZE": f"{PAGE}",
            "WELLHEAD_LEASE_SECONDS": "2",
            "WELLHEAD_LEASE_GRACE_SECONDS": "0",
            "WELLHEAD_CHECKPOINT_SECONDS": "1",
            "WELLHEAD_MEMORY_MB": "200",
        }
        if over_an_old_one:
            first = Import(environment, dynamodb, source, watch)
            first.services.work_on(first.job_id, request_id="first", remaining=lambda: ENOUGH)
        source.rows, source.latency = NEW, 0.07
        before, after = expected_rows(OLD) if over_an_old_one else [], expected_rows(NEW)
        work = Import(environment, dynamodb, source, watch)

        kills = 0
        for moment in moments:
            work.run_until(moment)
            kills += 1
            published = work.published()
            is_over = work.manager.get(work.job_id).status.final
            assert published == (after if is_over else before)
            if is_over:  # the worker was a little faster than the kill
                break
            work.let_the_lease_end()
        assert kills >= len(moments) - 1
        source.latency = 0
        work.services.work_on(work.job_id, request_id="last", remaining=lambda: ENOUGH)

    job = work.manager.get(work.job_id)
    expected = NEW.expected_counts(0 if over_an_old_one else None)
    assert job.status is JobStatus.COMPLETED
    assert (job.new_records, job.updated_records) == (expected.new, expected.updated)
    assert (job.duplicate_records, job.failed_records) == (expected.duplicate, expected.failed)
    assert work.published() == after
    snapshot = work.manager.current_snapshot()
    assert snapshot is not None
    assert (
        rejected_rows(work.warehouse / snapshot.name) == expected.failed
    )  # once, though both imports met them
    work.services.sweep()
    left = files(work.warehouse)
    assert left[LATEST] == snapshot.sha256
    assert [
        name for name in left if name.startswith("segments/") and not name.endswith(".part")
    ] == []
    assert (
        len(list(Path(environment["WELLHEAD_SCRATCH"]).iterdir())) <= 1
    )  # the next worker clears it away
