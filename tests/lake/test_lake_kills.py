"""`kill -9` of an import's process at each of its commits into a lake: each row is there once,
and main is what is published. A run takes two of the points by lot, each with who comes next, a
soak all.
"""

from __future__ import annotations

import os
import random
import signal
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from support.crashes import Lab, a_lab
from support.disturbed_catalog import DisturbedHandler
from support.older_lake import LACKING, prepare_older_tables
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


def the_next_worker_goes_on(lab: Lab, job_id: str) -> str:
    """Of the same job."""
    lab.deliver_until_it_ends(job_id)
    return job_id


def the_next_job_takes_it_back(lab: Lab, job_id: str) -> str:
    """The job of the dead worker ends without another one;
    nobody merges upon what it has committed.
    """
    before = lab.snapshot()
    lab.let_the_lease_end()
    assert lab.manager.expire(lab.manager.lock())
    assert (lab.manager.get(job_id).status, lab.snapshot()) == (JobStatus.FAILED, before)
    lab.revision -= 1  # nothing of it is published
    next_id = lab.create()
    lab.deliver_until_it_ends(next_id)
    return next_id


def begin_in_an_older_lake(lab: Lab, handler: type[DisturbedHandler]) -> None:
    """The first import of all finds tables that lack columns, and is killed when it adds one."""
    prepare_older_tables(lab.services.catalog)
    table, when = random.choice(POINTS)
    handler.disturb[table] = kill_the_worker(lab, when)
    job_id = lab.create()

    assert lab.deliver(job_id).died, (table, when)

    head = lab.services.catalog.head(table)
    assert head
    assert (LACKING[table] in head.columns, head.snapshot) == (when == "after", None)
    assert lab.manager.current_snapshot() is None
    lab.deliver_until_it_ends(job_id)
    lab.assert_whole(job_id)


NEXT = [the_next_worker_goes_on, the_next_job_takes_it_back]


def test_killed_at_a_commit_an_import_still_brings_every_row_once(
    lab: Lab, handler: type[DisturbedHandler]
) -> None:
    begin_in_an_older_lake(lab, handler)
    for (table, when), go_on in some_of(product(POINTS, NEXT), one_in=len(POINTS)):
        job_id, before = lab.create(), lab.snapshot()
        handler.disturb[table] = kill_the_worker(lab, when)

        assert lab.deliver(job_id).died, (table, when)

        assert lab.snapshot() == before
        lab.assert_whole(go_on(lab, job_id))
