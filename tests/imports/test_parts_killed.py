"""The worker of a source that is read in parts dies at any moment, and at any call of AWS: each row
is there once.

A run takes one kind of warehouse and one way of dying by lot, and few of the calls, of a source in
two parts; `make soak` all, of one in three.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.crashes import ROWS, Lab, a_lab
from support.soak import SOAK, longer, some_of

from chalicelib.jobs.job import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.aws.emulator import LocalAws

PAGE, PARTS = (40, 3) if SOAK else (60, 2)
KILLS = longer(3, 100)

pytestmark = pytest.mark.timeout(longer(600, 7200))


@pytest.fixture(params=["directory", "s3"])
def lab(
    request: pytest.FixtureRequest,
    environment: dict[str, str],
    aws: LocalAws,
    dynamodb: Any,
    tmp_path: Path,
) -> Iterator[Lab]:
    environment |= {"WELLHEAD_WORKERS": f"{PARTS}"}
    with a_lab(request.param, environment, aws, dynamodb, tmp_path, page_size=PAGE) as lab:
        yield lab


def whole(lab: Lab, job_id: str) -> None:
    lab.deliver_until_it_ends(job_id)
    lab.assert_whole(job_id)
    assert lab.manager.get(job_id).parts == {"count": PARTS, "done": PARTS}
    assert len(range(0, ROWS, PAGE)) >= PARTS * 8


@pytest.mark.by_lot
def test_killed_at_any_moment_each_row_is_there_once(lab: Lab) -> None:
    began = time.monotonic()
    whole(lab, lab.create())
    seconds = time.monotonic() - began
    deaths = 0
    while deaths < KILLS:
        job_id = lab.create()
        for _ in range(3):
            deaths += lab.deliver(
                job_id, at=("time", random.randint(1, round(1e6 * seconds)), "")
            ).died
            lab.let_the_lease_end()
        whole(lab, job_id)


@pytest.mark.by_lot
@pytest.mark.parametrize("lab", ["s3"], indirect=True)
@pytest.mark.parametrize("how", ["before", "unseen", "lost"])
def test_every_call_of_a_plan_and_its_parts(lab: Lab, how: str) -> None:
    """In which order the parts are stored hangs on the order of their pages,
    so a call's number names no step.
    """
    job_id = lab.create()
    ended = lab.deliver(job_id)
    whole(lab, job_id)
    calls = [name for kind, name in ended.trail if kind == "call"]
    assert calls.count("dynamodb.TransactWriteItems") > PARTS * 3

    for number in some_of(range(len(calls)), one_in=27):
        job_id = lab.create()
        lab.deliver(job_id, at=("call", number, how))
        job = lab.deliver_until_it_ends(job_id)
        if job.status is JobStatus.FAILED:
            job_id = lab.create_again()
        whole(lab, job_id)
