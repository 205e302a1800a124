"""A stack whose imports a state machine runs, with processes of its own for each part.
They are killed for real.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import aws_client
from support.imports import expected_rows, rejected_rows, stored_rows
from support.soak import longer
from support.stack import ask, family, job, job_at_its_end, needs_proc, trigger
from support.waiting import wait_until

from local.source.production import GeneratedProduction
from local.source.server import SampleSource
from local.stack import LocalStack, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS, PAGE, WORKERS, PARTS = longer(1_500, 12_000), 25, longer(2, 3), longer(4, 6)
KILLS_OF_WORKERS, KILLS_OF_MERGES = longer(2, 10), longer(1, 5)
LATENCY, SLOW = longer(60, 100) / 1000, longer(2000, 100) / 1000  # seconds a request
DATA = GeneratedProduction(ROWS)
CANCEL = "/api/v1/wells/import/jobs/{}/cancel"

pytestmark = [needs_proc, pytest.mark.timeout(longer(180, 900))]


@pytest.fixture(scope="module")
def source() -> Iterator[SampleSource]:
    with SampleSource(DATA, max_page_size=PAGE, latency=LATENCY) as source:
        yield source


@pytest.fixture(scope="module")
def stack(source: SampleSource, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    settings = {
        "WELLHEAD_WORKERS": str(WORKERS),
        "WELLHEAD_CHECKPOINT_SECONDS": "1",
        "WELLHEAD_LEASE_SECONDS": "6",
        "WELLHEAD_MEMORY_MB": "200",
        "WELLHEAD_MAX_ATTEMPTS": "1000",
    }
    state = tmp_path_factory.mktemp("states")
    told = Source(url=source.url)
    environment = {**os.environ, **settings}
    with LocalStack(
        source=told, state=state, port=0, machine="states", user_environment=environment
    ) as stack:
        yield stack


def processes_of(handler: str) -> set[int]:
    """Those of this stack that serve it, at work or kept for the next one."""
    found = set()
    for pid in family(os.getpid()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if command[1:2] == [b"-P"] and handler.encode() in command:
            found.add(pid)
    return found


def kill_a_new_one(handler: str, known: set[int], *, wait: float) -> None:
    """So long after its start;
    the known ones have been killed, or are kept from an import before.
    """
    new = wait_until(lambda: processes_of(handler) - known, seconds=120)
    time.sleep(wait)
    pid = random.choice(sorted(new))
    known.add(pid)
    os.kill(pid, signal.SIGKILL)


def assert_whole(stack: LocalStack, view: dict[str, Any]) -> None:
    told = DATA.expected_counts()
    assert (view["status"], view["error"]) == ("COMPLETED", None)
    assert (view["new_records"], view["failed_records"]) == (told.new, told.failed)
    assert view["total_records"] == view["fetched_records"] == view["expected_records"] == ROWS
    assert view["parts"] == {"count": PARTS, "done": PARTS}
    wait_until(stack.database_path.exists)
    assert stored_rows(stack.database_path) == expected_rows(DATA)
    assert rejected_rows(stack.database_path) == told.failed


def test_workers_and_the_merge_are_killed_and_each_row_is_there_once(
    stack: LocalStack, source: SampleSource
) -> None:
    """Who merges asks the source for its fields first:
    one that is slow by then keeps a small merge from being over before it is killed.
    """
    job_id = trigger(stack.state)
    for handler, kills in (
        ("app.fetch_part", KILLS_OF_WORKERS),
        ("app.merge_import", KILLS_OF_MERGES),
    ):
        killed: set[int] = set()
        for _ in range(kills):
            wait_until(lambda: processes_of(handler) - killed, seconds=120)  # noqa: B023  asked within the round
            source.latency = SLOW if handler == "app.merge_import" else LATENCY
            kill_a_new_one(handler, killed, wait=random.uniform(0.5, 2.0))
            assert not is_over(stack, job_id)
    source.latency = LATENCY

    assert_whole(stack, job_at_its_end(stack.state, job_id))


def is_over(stack: LocalStack, job_id: str) -> bool:
    return job(stack.state, job_id)["status"] not in ("PENDING", "RUNNING")


def planned(stack: LocalStack) -> str:
    job_id = trigger(stack.state)
    wait_until(lambda: job(stack.state, job_id)["parts"])
    return job_id


def test_a_cancel_stops_the_parts_and_so_does_who_stops_the_execution(stack: LocalStack) -> None:
    """Either frees the lock, so that the next import begins."""
    cancelled = planned(stack)
    assert ask(stack.state, CANCEL.format(cancelled), method="POST")[0] == 202
    wait_until(lambda: is_over(stack, cancelled))
    assert job(stack.state, cancelled)["status"] == "CANCELLED"

    stopped = planned(stack)
    client = aws_client(stack.aws_url, "stepfunctions", keys=stack.keys)
    arn = f"{stack.environment['WELLHEAD_STATE_MACHINE'].replace('stateMachine', 'execution')}:{stopped}-0"
    client.stop_execution(executionArn=arn)
    wait_until(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING")
    stack.sweep()
    wait_until(lambda: is_over(stack, stopped))

    assert job(stack.state, stopped)["error"]["code"] == "MACHINE_STOPPED"
    last = trigger(stack.state)
    assert ask(stack.state, CANCEL.format(last), method="POST")[0] == 202
    wait_until(lambda: is_over(stack, last))
