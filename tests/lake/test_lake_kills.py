"""`kill -9` of an import's process at each of its commits into a lake: each row is there once,
and main is what is published. A run takes two of the eight points by lot in each test, a soak all.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from support.crashes import Lab, a_lab
from support.disturbed_catalog import DisturbedHandler
from support.soak import longer, some_of
from support.stack import parents

from chalicelib.jobs.job import JobStatus
from chalicelib.lake.versions import TABLES
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws

pytestmark = pytest.mark.timeout(longer(600, 3600))
POINTS = [(table, when) for table in TABLES for when in ("before", "after")]


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
        yield lab


def kill_the_worker(
    lab: Lab, when: str
) -> Callable[[Callable[[], dict[str, Any]]], dict[str, Any]]:
    def kill(commit: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        done = commit() if when == "after" else {}
        for process, parent in parents().items():
            if parent == lab._process.pid:
                os.kill(process, signal.SIGKILL)
        return done

    return kill


def test_killed_at_a_commit_an_import_still_brings_every_row_once(
    lab: Lab, handler: type[DisturbedHandler]
) -> None:
    """By the next worker of its job."""
    lab.deliver_until_it_ends(lab.create())
    for table, when in some_of(POINTS, one_in=4):
        job_id, before = lab.create(), lab.snapshot()
        handler.disturb[table] = kill_the_worker(lab, when)

        assert lab.deliver(job_id).died, (table, when)

        assert lab.snapshot() == before
        lab.deliver_until_it_ends(job_id)
        lab.assert_whole(job_id)


def test_what_a_killed_import_has_committed_is_not_merged_upon_by_another_job(
    lab: Lab, handler: type[DisturbedHandler]
) -> None:
    """The job of the dead worker ends without one, and the next job takes its commits back."""
    lab.deliver_until_it_ends(lab.create())
    for table, when in some_of(POINTS, one_in=4):
        job_id, before = lab.create(), lab.snapshot()
        handler.disturb[table] = kill_the_worker(lab, when)
        assert lab.deliver(job_id).died
        lab.let_the_lease_end()
        assert lab.manager.expire(lab.manager.lock())

        assert (lab.manager.get(job_id).status, lab.snapshot()) == (JobStatus.FAILED, before)
        lab.revision -= 1  # nothing of it is published
        job_id = lab.create()
        lab.deliver_until_it_ends(job_id)
        lab.assert_whole(job_id)
