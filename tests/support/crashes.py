"""What the tests of crashes share:
a process whose imports die as ordered, and what must hold after another one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import duckdb

from chalicelib.imports.lake_publication import versions_of
from chalicelib.jobs.dynamodb_item import to_attribute, to_item
from chalicelib.jobs.job import Job, JobStatus, new_job
from chalicelib.jobs.lock import LOCK, Snapshot, job_key
from chalicelib.jobs.sweeper import DISPATCH_SECONDS
from chalicelib.lake.versions import Versions
from chalicelib.services import Services
from chalicelib.warehouse.names import LATEST, sha256_of
from local.aws.loopback import LoopbackServer
from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from support.coordination import LambdaHandler, table_contents
from support.imports import expected_rows, rows_in
from support.merging import assert_main_is, open_lake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.jobs.manager import JobManager
    from local.aws.emulator import LocalAws

ROOT = Path(__file__).parents[2]
ROWS = 960  # with a repeated key and a bad row
PAGES = 3
Point = tuple[str, int, str]
"""The kind of step, its number, and how the process dies there."""


@dataclass(frozen=True)
class Ended:
    code: int
    said: Any
    trail: list[list[Any]]

    def count(self, kind: str) -> int:
        return sum(step[0] == kind for step in self.trail)

    @property
    def died(self) -> bool:
        return self.code < 0

    @property
    def stages(self) -> list[tuple[str, float]]:
        """Each stage of the import and the second when it began."""
        return [tuple(what) for kind, what in self.trail if kind == "stage"]


class Lab:
    """A table, a warehouse, a source whose revision goes up with each import, and the process."""

    def __init__(
        self,
        environment: dict[str, str],
        dynamodb: Any,
        directory: Path,
        *,
        page_size: int = ROWS // PAGES,
    ) -> None:
        self.revision = 0
        self.source = SampleSource(GeneratedProduction(ROWS), credentials=("sample", "secret"))
        handler = type("Handler", (LambdaHandler,), {"invocations": []})
        self._lambda = LoopbackServer(handler)
        self.invocations: list[Any] = handler.invocations  # type: ignore[attr-defined]
        self.environment = environment | {
            "AWS_ENDPOINT_URL_LAMBDA": self._lambda.url,
            "WELLHEAD_SOURCE_URL": self.source.url,
            "WELLHEAD_SOURCE_AUTH": "basic",
            "WELLHEAD_SOURCE_SECRET": "/source",
            "WELLHEAD_PAGE_SIZE": str(page_size),
            "WELLHEAD_MEMORY_MB": "200",
        }
        self._directory = directory
        self._dynamodb = dynamodb
        self.services = Services(self.environment)

    def __enter__(self) -> Self:
        self.source.__enter__()
        self._lambda.start()
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("crash_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | self.environment | {"PYTHONPATH": str(ROOT)},
        )
        assert self._read() == "ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._lambda.stop()
        self.source.__exit__(None, None, None)

    def _read(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    @property
    def manager(self) -> JobManager:
        return self.services.job_manager

    def order(self, do: str, **more: Any) -> Ended:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do} | more) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._read())
        return Ended(answer["ended"], (answer["said"] or [None])[0], answer["trail"])

    def revise(self) -> None:
        self.revision += 1
        self.source.rows = GeneratedProduction(ROWS, revision=self.revision)

    def create(self) -> str:
        """The next job, for the next revision of the source."""
        self.revise()
        shutil.rmtree(
            self.environment["WELLHEAD_SCRATCH"], ignore_errors=True
        )  # or clearing it would shift the steps
        return self.create_again()

    def create_again(self) -> str:
        return self.manager.create(
            new_job(now=time.time(), triggered_by="tests", parameters={})
        ).job_id

    def deliver(
        self, job_id: str, *, at: Point | None = None, pages: int | None = None, turn: int = 0
    ) -> Ended:
        return self.order("import", job_id=job_id, at=at, pages=pages, turn=turn)

    def let_the_lease_end(self) -> None:
        """As if time had passed: nobody else writes the lock while no worker lives."""
        if self.manager.lock().owner:
            self._set(LOCK, "lease_until", 1)

    def _set(self, key: dict[str, str], name: str, value: float) -> None:
        self._dynamodb.update_item(
            TableName=self.environment["WELLHEAD_TABLE"],
            Key=to_item(key),
            UpdateExpression=f"SET {name} = :value",
            ExpressionAttributeValues={":value": to_attribute(value)},
        )

    def let_an_hour_pass(self) -> None:
        """As if nobody read the older snapshots any more."""
        for job_id in self.jobs():
            self._set(job_key(job_id), "completed_at", 1)

    def let_a_dispatch_be_due(self) -> None:
        """As if half a minute had passed since the dead worker's place was freed."""
        lock = self.manager.lock()
        assert lock.owner
        self._set(LOCK, "lease_until", lock.lease_until - DISPATCH_SECONDS - 1)

    def deliver_until_it_ends(self, job_id: str) -> Job:
        """As Lambda's retries and the sweeper do, with the lease of the dead worker over."""
        for _ in range(4):
            self.let_the_lease_end()
            again = self.deliver(job_id)
            assert again.code == 0, again
            if (job := self.manager.get(job_id)).status.final:
                return job
        raise AssertionError(f"{job_id} does not end")

    def file_of(self, name: str) -> Path:
        path = self._directory / "fetched"
        self.services.warehouse.fetch(name, path)
        return path

    def snapshot(self) -> Snapshot:
        snapshot = self.manager.current_snapshot()
        assert snapshot
        return snapshot

    def assert_whole(self, job_id: str) -> None:
        """The job is final and complete, each of its rows is there once,
        and the pointer's file is whole.
        """
        job, snapshot = self.manager.get(job_id), self.snapshot()
        data = GeneratedProduction(ROWS, revision=self.revision)
        expected = data.expected_counts(self.revision - 1 if self.revision > 1 else None)
        assert job.status is JobStatus.COMPLETED, job
        assert (job.new_records, job.updated_records) == (expected.new, expected.updated)
        assert (job.duplicate_records, job.failed_records) == (expected.duplicate, expected.failed)
        assert job.total_records == job.fetched_records == job.expected_records == ROWS
        assert self.manager.lock().owner is None
        assert self.notices_of(job_id) == ["import.completed"]
        assert (snapshot.job_id, snapshot.fence) == (job_id, job.fence)
        path = self.file_of(snapshot.name)
        assert (sha256_of(path), path.stat().st_size) == (snapshot.sha256, snapshot.bytes)
        with self._opened(path, snapshot) as connection:
            assert rows_in(connection) == expected_rows(data)
            self._assert_told_once(connection, job)
        if snapshot.is_lake:
            assert_main_is(self.services.catalog, snapshot)
        else:
            assert self.services.warehouse.latest() == snapshot.name
            assert sha256_of(self.file_of(LATEST)) == snapshot.sha256

    @contextmanager
    def _opened(self, path: Path, snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
        if not snapshot.is_lake:
            with duckdb.connect(path, read_only=True) as connection:
                yield connection
            return
        assert Versions.read(path.read_text()) == versions_of(snapshot)
        with open_lake(self.services.catalog, versions_of(snapshot)) as connection:
            yield connection

    def _assert_told_once(self, connection: duckdb.DuckDBPyConnection, job: Job) -> None:
        runs = connection.execute(
            "SELECT fence, new_records, updated_records, duplicate_records, failed_records FROM import_runs "
            "WHERE job_id = ?",
            [job.job_id],
        ).fetchall()
        [[imports, jobs]] = connection.execute(
            "SELECT count(*), count(DISTINCT job_id) FROM import_runs"
        ).fetchall()
        [[replaced, distinct]] = connection.execute(
            "SELECT count(*), count(DISTINCT (field_code, well_code, production_period)) "
            "FROM well_production_history WHERE job_id = ?",
            [job.job_id],
        ).fetchall()
        [[rejected]] = connection.execute(
            "SELECT count(*) FROM rejected_rows WHERE job_id = ?", [job.job_id]
        ).fetchall()
        counts = (job.new_records, job.updated_records, job.duplicate_records, job.failed_records)
        assert runs == [(job.fence, *counts)]
        assert imports == jobs == self.revision
        assert replaced == distinct == job.updated_records
        assert rejected == job.failed_records

    def notices_of(self, job_id: str) -> list[str]:
        """The kinds of those that tell of the job's end."""
        return [notice.kind for notice in self.services.outbox.latest(1000) if notice.key == job_id]

    def jobs(self) -> list[str]:
        names = table_contents(self._dynamodb, self.environment["WELLHEAD_TABLE"])
        return sorted(name.removeprefix("JOB#") for name in names if name.startswith("JOB#"))


def a_lab(
    where: str,
    environment: dict[str, str],
    aws: LocalAws,
    dynamodb: Any,
    tmp_path: Path,
    **options: int,
) -> Lab:
    aws.put_parameter("/source", json.dumps({"username": "sample", "password": "secret"}))
    if where == "s3":
        environment |= {"WELLHEAD_WAREHOUSE": f"s3://wellhead-local/{uuid.uuid4()}"}
    return Lab(environment, dynamodb, tmp_path, **options)
