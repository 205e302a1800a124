"""A real process that gets SIGTERM midway writes a checkpoint, hands over and ends;
the next one completes the job.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, LambdaHandler, a_job
from support.held_rows import held
from support.imports import ENOUGH, expected_rows, files, stored_rows
from support.waiting import wait_until

from chalicelib.imports.worker import watch_sigterm
from chalicelib.jobs.job import JobStatus
from chalicelib.services import Services
from local.aws.loopback import LoopbackServer
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DATA = GeneratedProduction(1_500)
PAGES = 15


class Stoppable:
    """A job of fifteen slow pages, and the processes that work on it."""

    def __init__(self, environment: dict[str, str], source: SampleSource) -> None:
        self.environment = environment
        self.source = source
        self.services = Services(environment)
        self.manager = self.services.job_manager
        self.job_id = self.manager.create(a_job(Clock(time.time()))).job_id

    def start(self) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            str(ROOT / "tests" / "support" / "import_worker.py"),
            self.job_id,
        ]
        environment = os.environ | self.environment | {"PYTHONPATH": str(ROOT)}
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    def stop_after(self, pages: int) -> str:
        """What a process says that gets SIGTERM after so many pages; it must end by itself."""
        asked = len(self.source.requests)
        given = itertools.count(1)
        with self.start() as process:
            with held(self.source, lambda _: next(given) > pages + 3):  # no worker runs ahead
                wait_until(
                    lambda: (
                        len(self.source.requests) - asked > 1 + pages or process.poll() is not None
                    ),
                    longest_pause=0.005,
                )
                process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        return said.strip()

    def pages_asked(self) -> list[str]:
        """The requests for pages; those for the names of the fields are left out."""
        asked = [request.query for request in self.source.requests if "$orderby" in request.query]
        return [query.get("$skiptoken", "first") for query in asked]


@pytest.fixture
def work(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stoppable]:
    invocations: list[Any] = []
    server = LoopbackServer(type("Handler", (LambdaHandler,), {"invocations": invocations})).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    with SampleSource(DATA, latency=0.05) as source:
        environment |= {
            "WELLHEAD_SOURCE_URL": source.url,
            "WELLHEAD_PAGE_SIZE": str(len(DATA) // PAGES),
            "WELLHEAD_CHECKPOINT_SECONDS": "3600",
            "WELLHEAD_MEMORY_MB": "200",
        }
        stoppable = Stoppable(environment, source)
        yield stoppable
        dispatched = [payload for _, _, payload in invocations]
        assert dispatched == [{"job_id": stoppable.job_id}] * len(dispatched)
        events = [event.name for event in stoppable.manager.get(stoppable.job_id).events]
        assert len(dispatched) == events.count("handed over")
    server.stop()


def assert_complete(work: Stoppable) -> None:
    job, snapshot = work.manager.get(work.job_id), work.manager.current_snapshot()
    assert snapshot
    assert job.status is JobStatus.COMPLETED
    expected = DATA.expected_counts()
    assert (job.new_records, job.duplicate_records, job.failed_records) == (
        expected.new,
        expected.duplicate,
        expected.failed,
    )
    assert stored_rows(
        Path(work.environment["WELLHEAD_WAREHOUSE"]) / snapshot.name
    ) == expected_rows(DATA)
    assert files(work.environment["WELLHEAD_SCRATCH"]) == {}


def test_a_stopped_worker_hands_over_and_the_next_one_goes_on(work: Stoppable) -> None:
    said = work.stop_after(pages=4)

    assert said == str({"job_id": work.job_id, "outcome": "handed over"})
    job, lock = work.manager.get(work.job_id), work.manager.lock()
    assert (lock.owner, lock.holder) == (work.job_id, None)
    assert (job.status, job.attempt) == (JobStatus.RUNNING, 1)
    assert job.cursor is not None
    assert 0 < job.cursor["page"] - 1 < PAGES
    assert (
        job.fetched_records
        == job.cursor["delivered"]
        == (job.cursor["page"] - 1) * len(DATA) // PAGES
    )
    assert [event.name for event in job.events] == [
        "created",
        "claimed",
        "checkpoint",
        "handed over",
    ]
    assert files(work.environment["WELLHEAD_SCRATCH"]) == {}
    assert work.manager.current_snapshot() is None

    work.services.work_on(work.job_id, request_id="next", remaining=lambda: ENOUGH)

    assert work.manager.get(work.job_id).attempt == 2
    assert_complete(work)
    pages = work.pages_asked()
    assert len(pages) - len(set(pages)) <= 3  # those that the stopped worker had fetched ahead


def test_worker_after_worker_is_stopped_and_nothing_is_lost(work: Stoppable) -> None:
    said = [work.stop_after(pages=2) for _ in range(3)]

    assert said == [str({"job_id": work.job_id, "outcome": "handed over"})] * 3
    job = work.manager.get(work.job_id)
    assert (job.attempt, job.stalled_attempts) == (3, 0)
    work.services.work_on(work.job_id, request_id="last", remaining=lambda: ENOUGH)
    assert_complete(work)


def test_a_worker_that_has_all_pages_completes(work: Stoppable) -> None:
    """What is left is short, and a hand-over would do it again."""
    work.source.latency = 0
    work.services.work_on(work.job_id, request_id="first", remaining=_used_up_after(PAGES))
    assert (work.manager.get(work.job_id).cursor or {})["url"] is None

    with work.start() as process:
        while work.manager.lock().holder is None:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    assert_complete(work)


def _used_up_after(pages: int) -> Any:
    """A time budget that ends with the last page.
    It is asked once before the first one; the thread that fetches finds enough.
    """
    left, main = iter(range(pages)), threading.current_thread()
    return lambda: (
        ENOUGH if threading.current_thread() is not main or next(left, None) is not None else 0.0
    )


def test_the_handler_of_before_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with watch_sigterm() as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopped()

    assert signal.getsignal(signal.SIGTERM) is before


def test_outside_the_main_thread_nothing_is_caught() -> None:
    seen: list[bool] = []

    def run() -> None:
        with watch_sigterm() as stopped:
            seen.append(stopped())

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert seen == [False]
    assert signal.getsignal(signal.SIGTERM) is before
