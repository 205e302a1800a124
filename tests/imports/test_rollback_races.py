"""A rollback dies at each of its steps, or begins with an import:
what is published is the one or the other, whole.
"""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import asdict
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from support.crashes import ROWS, a_lab
from support.imports import expected_rows, stored_rows
from support.soak import SOAK, longer, some_of
from support.two_snapshots import publish_two
from support.warehouses import s3_client

from chalicelib.errors import ImportAlreadyRunning
from chalicelib.jobs.job import JobStatus, new_job
from chalicelib.jobs.snapshots import kept_snapshots
from chalicelib.jobs.starting import start_rollback
from chalicelib.services import Services
from chalicelib.warehouse.names import LATEST, sha256_of
from local.source.production import GeneratedProduction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.crashes import Ended, Lab, Point

    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Snapshot
    from local.aws.emulator import LocalAws

pytestmark = pytest.mark.timeout(longer(600, 3600))
HOWS = ["before", "after", "once", "lost"] if SOAK else ["before", "lost"]


@pytest.fixture
def lab(environment: dict[str, str], aws: LocalAws, dynamodb: Any, tmp_path: Path) -> Iterator[Lab]:
    with a_lab("directory", environment, aws, dynamodb, tmp_path) as lab:
        for _ in range(2):
            lab.deliver_until_it_ends(lab.create())
        yield lab


def ask(lab: Lab, name: str) -> str:
    return lab.manager.create(
        new_job(now=time.time(), triggered_by="eve", parameters={}, rollback_to=name)
    ).job_id


def before(lab: Lab) -> Snapshot:
    """What was published before what is published now."""
    kept = kept_snapshots(job_manager=lab.manager, warehouse=lab.services.warehouse)
    told = next(each.told for each in kept if not each.is_current)
    assert told
    return told


def roll_back(lab: Lab, target: Snapshot, at: Point | None = None) -> Ended:
    """Whatever dies when, the end is a rollback that is whole."""
    published, job_id = lab.snapshot(), ask(lab, target.name)
    ended = lab.deliver(job_id, at=at)
    if lab.manager.get(job_id).status is not JobStatus.COMPLETED:
        assert lab.snapshot() == published
        lab.deliver_until_it_ends(job_id)
    job = lab.manager.get(job_id)
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)
    now = lab.snapshot()
    moved = {"name": now.name, "fence": job.fence, "job_id": job_id, "rollback_fence": job.fence}
    assert asdict(now) == asdict(target) | moved
    assert lab.manager.lock().owner is None
    assert sha256_of(lab.file_of(now.name)) == target.sha256
    lab.order("sweep")
    assert lab.services.warehouse.latest() == now.name
    assert sha256_of(lab.file_of(LATEST)) == target.sha256
    assert lab.manager.pointer_to(now.name) == now
    return ended


def test_every_call_and_file_step_of_a_rollback(lab: Lab) -> None:
    ended = roll_back(lab, before(lab))
    calls = ended.count("call")
    assert calls >= 6
    steps = [step[1] for step in ended.trail if step[0] == "file"]
    chosen = [number for number, name in enumerate(steps) if str(name).startswith("warehouse")]
    assert len(chosen) >= 4

    for number in some_of(chosen):
        roll_back(lab, before(lab), at=("file", number, "before"))
    for number, how in some_of(product(range(calls), HOWS), one_in=5):
        roll_back(lab, before(lab), at=("call", number, how))
    lab.deliver_until_it_ends(lab.create())
    assert stored_rows(lab.file_of(lab.snapshot().name)) == expected_rows(
        GeneratedProduction(ROWS, revision=lab.revision)
    )


def test_of_an_import_and_a_rollback_at_once_one_wins(
    environment: dict[str, str], lambda_handler: object
) -> None:
    first, _ = publish_two(environment)
    for _ in range(5):
        found: list[Any] = []
        barrier = threading.Barrier(2)

        def begin_import(barrier: threading.Barrier = barrier, found: list[Any] = found) -> None:
            services = Services(environment)
            barrier.wait()
            try:
                found.append(
                    services.job_manager.create(
                        new_job(now=time.time(), triggered_by="a", parameters={})
                    )
                )
            except ImportAlreadyRunning as refused:
                found.append(refused)

        other = threading.Thread(target=begin_import)
        other.start()
        services = Services(environment)
        barrier.wait()
        try:
            found.append(ask_for(services, first))
        except ImportAlreadyRunning as refused:
            found.append(refused)
        other.join()

        [loser] = [each for each in found if isinstance(each, ImportAlreadyRunning)]
        [winner] = [each for each in found if not isinstance(each, ImportAlreadyRunning)]
        assert loser.details["job_id"] == winner.job_id == services.job_manager.lock().owner
        services.job_manager.cancel(winner.job_id)


def ask_for(services: Services, target: Snapshot) -> Job:
    return start_rollback(
        target.name,
        job_manager=services.job_manager,
        dispatcher=services.dispatcher,
        warehouse=services.warehouse,
        triggered_by="eve",
    )


def test_in_a_bucket_also_what_was_removed_is_gone_back_to(
    environment: dict[str, str], aws: LocalAws, lambda_handler: object, tmp_path: Path
) -> None:
    name, s3 = f"wellhead-{uuid.uuid4()}", s3_client(aws.url)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    environment["WELLHEAD_WAREHOUSE"] = f"s3://{name}/wells"
    first, _ = publish_two(environment)
    services = Services(environment)
    services.warehouse.remove(first.name)

    job = ask_for(services, first)
    services.work_on(job.job_id, request_id="test", remaining=lambda: 900.0)

    now = services.job_manager.current_snapshot()
    assert now
    assert (now.rows, now.sha256, now.job_id) == (first.rows, first.sha256, job.job_id)
    services.warehouse.fetch(now.name, tmp_path / "there")
    assert sha256_of(tmp_path / "there") == first.sha256
