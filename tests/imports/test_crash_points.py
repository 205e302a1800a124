"""The real import dies before, at and after every AWS call and every file step; the next delivery
completes it.

The calls and steps are not listed here: a first import without a death counts them. Each run takes
by lot a few of the points, each with a way of dying, `make soak` all.
"""

from __future__ import annotations

import random
import time
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from support.crashes import Ended, Lab, Point, a_lab
from support.receiver import SECRET, Receiver
from support.soak import SOAK, longer, some_of

from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.notice import State
from chalicelib.jobs.outbox import HOLD_SECONDS, Outbox
from chalicelib.notices.sending import send_due
from chalicelib.warehouse.names import LATEST, SNAPSHOTS, fence_of, job_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.jobs.job import Job
    from local.aws.emulator import LocalAws

pytestmark = pytest.mark.timeout(longer(600, 7200))

DEADLY = [
    "before",
    "unseen",
    *(["after"] if SOAK else []),
]  # for the world outside "after" is as "unseen"
HOWS = [*DEADLY, "once", "lost"]
KILLS = longer(3, 200)


@pytest.fixture
def lab(
    request: pytest.FixtureRequest,
    environment: dict[str, str],
    aws: LocalAws,
    dynamodb: Any,
    tmp_path: Path,
) -> Iterator[Lab]:
    with a_lab(getattr(request, "param", "directory"), environment, aws, dynamodb, tmp_path) as lab:
        yield lab


def rehearse(lab: Lab, *, pages: int | None = None) -> Ended:
    """The steps of an import that updates an earlier one."""
    for _ in range(2):
        job_id = lab.create()
        ended = lab.deliver(job_id, pages=pages)
        lab.deliver_until_it_ends(job_id)
        lab.assert_whole(job_id)
    return ended


def is_read(call: str) -> bool:
    """Then its answer may get lost without any trace: what comes is as if it had not been asked."""
    return ".Get" in call


def survive(lab: Lab, point: Point, *, pages: int | None = None) -> None:
    kind, number, how = point
    job_id, before = lab.create(), lab.snapshot()
    ended = lab.deliver(job_id, at=point, pages=pages)
    assert ended.count(kind) > number, f"step {number} was not reached: {ended}"
    assert ended.died == (how not in ("once", "lost")), ended
    if how == "once" and not pages:  # botocore asks again, and is understood
        assert ended.said == {"job_id": job_id, "outcome": "COMPLETED"}
        assert lab.manager.get(job_id).attempt == 1
    job = lab.deliver_until_it_ends(job_id)
    if job.status is JobStatus.FAILED:  # the worker lives, and told that SSM does not answer
        assert how == "lost"
        assert job.error
        assert job.error["code"] in ("INVALID_SETTING", "SECRET_UNAVAILABLE")
        assert lab.snapshot() == before
        job_id = lab.create_again()
        lab.deliver_until_it_ends(job_id)
    lab.assert_whole(job_id)


@pytest.mark.parametrize("lab", ["s3", *(["directory"] if SOAK else [])], indirect=True)
def test_every_aws_call(lab: Lab) -> None:
    calls = [name for kind, name in rehearse(lab).trail if kind == "call"]
    assert len(calls) >= 10  # 17 with S3
    points = [
        (number, how)
        for number, name in enumerate(calls)
        for how in HOWS
        if SOAK or how in ("before", "lost") or not is_read(name)
    ]

    for number, how in some_of(points, one_in=15):
        survive(lab, ("call", number, how))


def test_every_file_step_and_every_half_written_file(lab: Lab) -> None:
    """With the steps all that lies between two AWS calls."""
    steps = [name for kind, name in rehearse(lab).trail if kind == "file"]
    chosen = [number for number, name in enumerate(steps) if SOAK or name.startswith("warehouse")]
    renames = [number for number, name in enumerate(steps) if " os.rename " in name]
    assert len(chosen) >= 20
    assert len(renames) >= 5

    for number in some_of(chosen, one_in=10):
        survive(lab, ("file", number, "before"))
    for number in some_of(renames, one_in=5):
        survive(lab, ("file", number, "torn"))


@pytest.mark.by_lot
@pytest.mark.parametrize("lab", ["directory", "s3"], indirect=True)
def test_any_moment(lab: Lab) -> None:
    """Not only between the steps: in the middle of a write, a merge, a transfer.
    One death after the other.
    """
    seconds = min(timed(lab) for _ in range(2))
    deaths = 0
    while deaths < KILLS:
        job_id = lab.create()
        for _ in range(3):
            deaths += lab.deliver(
                job_id, at=("time", random.randint(1, round(1e6 * seconds)), "")
            ).died
            lab.let_the_lease_end()
        lab.deliver_until_it_ends(job_id)
        lab.assert_whole(job_id)


def timed(lab: Lab) -> float:
    began = time.monotonic()
    lab.deliver_until_it_ends(lab.create())
    return time.monotonic() - began


def test_the_hand_over_to_the_next_worker(lab: Lab) -> None:
    calls = [name for kind, name in rehearse(lab, pages=1).trail if kind == "call"]
    assert calls[-3:] == [
        "dynamodb.TransactWriteItems",
        "lambda.Invoke",
        "dynamodb.TransactWriteItems",
    ]  # and the log

    for number, how in some_of(
        [(number, how) for number in (len(calls) - 3, len(calls) - 2) for how in HOWS], one_in=4
    ):
        survive(lab, ("call", number, how), pages=1)


def test_every_call_of_a_held_import_and_of_its_acceptance(
    environment: dict[str, str], aws: LocalAws, dynamodb: Any, tmp_path: Path
) -> None:
    """Whatever dies when:
    the import ends held, with all its rows, and the accepted one publishes them.
    """
    with a_lab(
        "directory", environment | {"WELLHEAD_GATE_RESTATED": "1"}, aws, dynamodb, tmp_path
    ) as lab:
        lab.deliver_until_it_ends(lab.create())
        held, ended = hold(lab)
        calls = ended.count("call")
        calls_of_accept = accept(lab, held).count("call")
        assert calls >= calls_of_accept >= 8

        for number, how in some_of(product(range(calls), HOWS), one_in=24):
            held, _ = hold(lab, at=("call", number, how))
            accept(lab, held, at=("call", number % calls_of_accept, how))


def hold(lab: Lab, *, at: Point | None = None) -> tuple[Job, Ended]:
    before, job_id = lab.snapshot(), lab.create()
    ended = lab.deliver(job_id, at=at)
    job = lab.deliver_until_it_ends(job_id)
    if how_it_ended(job) in ("INVALID_SETTING", "SECRET_UNAVAILABLE"):
        job = lab.deliver_until_it_ends(lab.create_again())
    assert how_it_ended(job) == "HELD"
    assert lab.snapshot() == before
    assert lab.manager.newest_held_id() == job.job_id
    return job, ended


def accept(lab: Lab, held: Job, *, at: Point | None = None) -> Ended:
    new = lab.manager.accept(held.job_id, findings=["RESTATED"], by="tests")
    asked = len(lab.source.requests)
    ended = lab.deliver(new.job_id, at=at)
    job = lab.deliver_until_it_ends(new.job_id)
    if (
        job.status is JobStatus.FAILED
    ):  # told that SSM does not answer: a retry still knows what was accepted
        assert how_it_ended(job) in ("INVALID_SETTING", "SECRET_UNAVAILABLE")
        job = lab.deliver_until_it_ends(
            lab.manager.create(job.retry(now=time.time(), triggered_by="tests")).job_id
        )
    lab.assert_whole(job.job_id)
    assert len(lab.source.requests) == asked
    return ended


def how_it_ended(job: Job) -> str:
    return str((job.error or {}).get("code"))


def test_every_call_of_the_trigger(lab: Lab) -> None:
    accepted = lab.jobs()
    calls = 3
    for number, how in some_of(product(range(calls), HOWS)):
        lab.revise()
        ended = lab.order("trigger", at=("call", number, how))
        assert ended.count("call") > number
        if lab.jobs() == accepted:  # it was never accepted, so whoever asked asks again
            assert ended.code != 0
            assert lab.manager.lock().owner is None
            assert lab.order("trigger").count("call") == calls
        [job_id] = set(lab.jobs()) - set(accepted)
        accepted.append(job_id)
        lab.deliver_until_it_ends(job_id)
        lab.assert_whole(job_id)


def test_every_call_of_the_notices(
    environment: dict[str, str], aws: LocalAws, dynamodb: Any, tmp_path: Path
) -> None:
    """Whatever dies when: each end was told once at least, on each channel."""
    aws.put_parameter("/webhook", SECRET)
    with Receiver() as receiver:
        told = {"WELLHEAD_WEBHOOK_URL": receiver.url, "WELLHEAD_WEBHOOK_SECRET": "/webhook"}
        environment |= told | {"WELLHEAD_SOURCE_REACH": "anywhere"}
        with a_lab("directory", environment, aws, dynamodb, tmp_path) as lab:
            calls = calls_of_one(lab)
            assert calls == 5  # a look, a write before sending, the bus, the secret, a write after
            for number, how in some_of(product(range(calls), HOWS)):
                job_id = lab.create_again()
                lab.manager.cancel(job_id)
                ended = lab.order("notices", at=("call", number, how))
                assert ended.count("call") > number
                assert ended.died == (how not in ("once", "lost")), ended
                send_the_rest(lab)
                [notice] = lab.services.outbox.latest(1)
                assert (notice.key, notice.state) == (job_id, State.SENT)
                assert receiver.ids.count(job_id) >= 1
                assert all(each.is_genuine for each in receiver.received)


def calls_of_one(lab: Lab) -> int:
    """That it takes to send a notice, undisturbed."""
    lab.manager.cancel(lab.create_again())
    ended = lab.order("notices")
    assert ended.said == {"done": 1, "waiting": 0}
    return ended.count("call")


def send_the_rest(lab: Lab) -> None:
    """When what the dead one had taken is due again."""

    def later() -> float:
        return time.time() + HOLD_SECONDS + 1

    outbox = Outbox(table=lab.manager.table, clock=later)
    channels = lab.services._channels()
    assert send_due(outbox=outbox, channels=channels, hours=72, clock=later)["waiting"] == 0
    assert outbox.waiting() == []


@pytest.mark.long
@pytest.mark.by_lot
@pytest.mark.parametrize(("lab", "kind"), [("s3", "call"), ("directory", "file")], indirect=["lab"])
def test_every_step_of_the_sweeper(lab: Lab, kind: str) -> None:
    """It dies while it frees a dead worker's place,
    and again while it clears what that worker left.
    """
    rehearse(lab)
    number, stride = (0, 1) if SOAK else (random.randrange(4), 4)
    died = True
    while died:
        lab.let_an_hour_pass()
        job_id = lab.create()
        assert lab.deliver(job_id, at=("call", 6, "before")).died
        lab.let_the_lease_end()
        asked = len(lab.invocations)
        frees = lab.order("sweep", at=(kind, number, "before"))
        assert lab.order("sweep").code == 0
        lab.let_a_dispatch_be_due()
        assert lab.order("sweep").code == 0
        assert len(lab.invocations) > asked
        lab.deliver_until_it_ends(job_id)
        clears = lab.order("sweep", at=(kind, number, "before"))
        lab.order("sweep")
        lab.assert_whole(job_id)
        assert_tidy(lab)
        died = frees.died or clears.died
        number += stride
    assert kind == "file" or number > 5


def assert_tidy(lab: Lab) -> None:
    names = lab.services.warehouse.names("")
    snapshots = [name for name in names if name.startswith(SNAPSHOTS)]
    assert lab.snapshot().name in snapshots
    assert [
        name for name in snapshots if lab.manager.get(job_of(name)).fence != fence_of(name)
    ] == []
    assert set(names) - set(snapshots) == {LATEST}
