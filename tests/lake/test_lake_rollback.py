"""A rollback in a lake dies while it sets the tables back:
whoever comes next finds them as published.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.crashes import Lab, a_lab
from support.disturbed_catalog import DisturbedHandler
from support.merging import assert_main_is
from support.soak import SOAK, longer
from support.stack import parents

from chalicelib.errors import LakeMoved
from chalicelib.jobs.job import JobStatus, new_job
from chalicelib.lake.catalog import Head
from chalicelib.lake.settling import settle_lake
from chalicelib.lake.versions import PRODUCTION, RUNS, TABLES, Versions
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot
    from local.aws.emulator import LocalAws

pytestmark = pytest.mark.timeout(longer(300, 1800))


@pytest.fixture
def handler() -> type[DisturbedHandler]:
    return type("Handler", (DisturbedHandler,), {"disturb": {}, "commits": []})


@pytest.fixture
def catalog(tmp_path: Path, handler: type[DisturbedHandler]) -> Iterator[dict[str, str]]:
    with CatalogServer(tmp_path / "lake", handler=handler) as server:
        yield {"WELLHEAD_STORE": "iceberg", "WELLHEAD_CATALOG": server.url}


@pytest.fixture
def lab(
    environment: dict[str, str], aws: LocalAws, dynamodb: object, tmp_path: Path
) -> Iterator[Lab]:
    with a_lab("directory", environment, aws, dynamodb, tmp_path) as lab:
        lab.deliver_until_it_ends(lab.create())
        yield lab


def test_a_lake_that_lacks_a_part_of_a_state_is_not_set_back_in_part() -> None:
    class Partly:
        """Of a catalog: an older snapshot of three tables, and not of the fourth."""

        def __init__(self) -> None:
            self.main = dict.fromkeys(TABLES, 2)

        def head(self, table: str) -> Head:
            kept: dict[int, Any] = {2: {}} if table == TABLES[-1] else {1: {}, 2: {}}
            main = self.main[table]
            return Head(
                uuid="u", snapshot=main, properties={}, snapshots=kept, schema={}, last_field=0
            )

        def set_main(
            self, table: str, head: Head, snapshot: int, properties: dict[str, str]
        ) -> bool:
            self.main[table] = snapshot
            return True

    catalog: Any = Partly()

    with pytest.raises(LakeMoved):
        settle_lake(catalog, Versions(snapshots=dict.fromkeys(TABLES, 1)), fence=9)

    assert set(catalog.main.values()) == {2}


def kill_the_worker(lab: Lab) -> Callable[[Callable[[], dict[str, Any]]], dict[str, Any]]:
    """After the catalog has done what it was asked."""

    def kill(commit: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        done = commit()
        for process, parent in parents().items():
            if parent == lab._process.pid:
                os.kill(process, signal.SIGKILL)
        return done

    return kill


def die(lab: Lab, handler: type[DisturbedHandler], target: Snapshot, table: str) -> str:
    """The job of a rollback whose worker died when it had set this table back."""
    job = new_job(now=time.time(), triggered_by="eve", parameters={}, rollback_to=target.name)
    lab.manager.create(job)
    handler.disturb[table] = kill_the_worker(lab)
    before = lab.snapshot()
    assert lab.deliver(job.job_id).died
    assert lab.snapshot() == before
    return job.job_id


@pytest.mark.parametrize("table", TABLES if SOAK else [PRODUCTION])
def test_the_next_worker_sets_the_rest_back(
    lab: Lab, handler: type[DisturbedHandler], table: str
) -> None:
    first = lab.snapshot()
    lab.deliver_until_it_ends(lab.create())

    job_id = die(lab, handler, first, table)
    job = lab.deliver_until_it_ends(job_id)

    now = lab.snapshot()
    assert (job.status, now.job_id, now.versions) == (JobStatus.COMPLETED, job_id, first.versions)
    assert_main_is(lab.services.catalog, now)


@pytest.mark.parametrize("table", TABLES if SOAK else [RUNS])
def test_the_next_import_takes_back_what_a_dead_rollback_has_set(
    lab: Lab, handler: type[DisturbedHandler], table: str
) -> None:
    first = lab.snapshot()
    lab.deliver_until_it_ends(lab.create())

    job_id = die(lab, handler, first, table)
    lab.manager.cancel(job_id)
    lab.let_the_lease_end()
    assert lab.deliver(job_id).said["outcome"] == "CANCELLED"
    newest = lab.create()
    lab.deliver_until_it_ends(newest)

    lab.assert_whole(newest)
