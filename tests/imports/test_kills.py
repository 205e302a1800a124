"""`kill -9` at random moments of every stage of an import: no row is lost or doubled, no half
snapshot is published.

Each import runs in a process of its own, which the test kills from outside. The import says when a
stage begins; the kill follows after a random part of the time that the stage took when nothing was
killed.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.crashes import PAGES, ROWS, Ended, Lab, a_lab
from support.imports import expected_rows, stored_rows
from support.soak import longer, some_of

from chalicelib.jobs.job import JobStatus
from chalicelib.warehouse.names import LATEST, sha256_of
from local.source.production import GeneratedProduction

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.lock import Snapshot
    from local.aws.emulator import LocalAws

STAGES = {
    "staging": PAGES,
    "checkpointing": PAGES - 1,
    "merging": 1,
    "publishing": 1,
}  # how often an import has each
KILLS = longer(1, 15)  # of each stage, in each kind of warehouse
DEATHS = 3  # of one job, at most

pytestmark = pytest.mark.timeout(longer(600, 7200))


@pytest.mark.by_lot
@pytest.mark.parametrize("where", ["directory", "s3"])
def test_killed_at_any_moment_an_import_still_brings_every_row_once(
    where: str, environment: dict[str, str], aws: LocalAws, dynamodb: object, tmp_path: Path
) -> None:
    hits: Counter[str] = Counter()
    with a_lab(where, environment, aws, dynamodb, tmp_path) as lab:
        seconds = seconds_of_stages(lab)
        stages = some_of(STAGES, one_in=2)
        while missing := [stage for stage in stages if hits[stage] < KILLS]:
            job_id, before = lab.create(), lab.snapshot()
            for _ in range(DEATHS):
                hits[kill_in(lab, random.choice(missing), seconds, job_id)] += 1
                assert_old_or_new_and_whole(lab, before, job_id)
                if lab.manager.get(job_id).status.final:
                    break
                lab.let_the_lease_end()
            lab.deliver_until_it_ends(job_id)
            lab.assert_whole(job_id)
    print(f"kills in a {where} warehouse: {dict(hits)}")


def seconds_of_stages(lab: Lab) -> dict[str, float]:
    """How long the longest of each stage takes; the last one ends with the import."""
    job_id = lab.create()
    lab.deliver_until_it_ends(job_id)
    ended = lab.deliver(lab.create())
    begun = ended.stages
    ends = [began for _, began in begun[1:]] + [begun[-1][1] + 0.1]
    spans: dict[str, float] = {}
    for (stage, began), end in zip(begun, ends, strict=True):
        spans[stage] = max(spans.get(stage, 0.0), end - began)
    return spans


def kill_in(lab: Lab, stage: str, seconds: dict[str, float], job_id: str) -> str:
    """The stage in which the kill hit, or "too late": the import was over before."""
    delay = random.randint(0, round(1e6 * seconds[stage]))
    ended = lab.deliver(job_id, at=("stage", delay, stage), turn=random.randrange(STAGES[stage]))
    return stage_of_death(ended) if ended.died else "too late"


def stage_of_death(ended: Ended) -> str:
    return ended.stages[-1][0]


def assert_old_or_new_and_whole(lab: Lab, before: Snapshot, job_id: str) -> None:
    """What readers see right after a kill: by the pointer, and under the stable name."""
    snapshot, job = lab.snapshot(), lab.manager.get(job_id)
    is_new = snapshot.name != before.name
    assert is_new == (job.status is JobStatus.COMPLETED)
    assert snapshot.job_id == (job_id if is_new else before.job_id)
    path = lab.file_of(snapshot.name)
    assert sha256_of(path) == snapshot.sha256
    assert stored_rows(path) == expected_rows(
        GeneratedProduction(ROWS, revision=lab.revision - (not is_new))
    )
    assert sha256_of(lab.file_of(LATEST)) in {before.sha256, snapshot.sha256}
