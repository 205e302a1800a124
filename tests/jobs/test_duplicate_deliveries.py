"""An event that is delivered hundreds of times, late and in any order, has the effect of one;
ten thousand times in a soak.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from support.coordination import Clock, a_job, table_contents
from support.imports import ENOUGH, expected_rows, files, stored_rows
from support.soak import longer

from chalicelib.jobs.job import JobStatus
from chalicelib.services import Services
from chalicelib.warehouse.names import LATEST
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

TABLE = "wellhead-test"
ROOT = Path(__file__).parents[2]
ROWS, PAGE = 960, 48  # no page ends between the two rows of one key
DATA = GeneratedProduction(ROWS)
PROCESSES = longer(3, 4)
DELIVERIES = longer(120, 10_000)
LATE = DELIVERIES // 10  # of them are of a job that is long over


def deliver(job_ids: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "support" / "delivery_worker.py"), *job_ids],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_hundreds_of_deliveries_are_one(
    environment: dict[str, str], dynamodb: Any, monkeypatch: Any
) -> None:
    with SampleSource(DATA, latency=0.02) as source, ExitStack() as stack:
        environment |= {
            "WELLHEAD_SOURCE_URL": source.url,
            "WELLHEAD_PAGE_SIZE": f"{PAGE}",
            "WELLHEAD_CHECKPOINT_SECONDS": "1",
            "WELLHEAD_MEMORY_MB": "200",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        services = Services(environment)
        over = services.job_manager.create(a_job(Clock(time.time())))
        services.work_on(over.job_id, request_id="first", remaining=lambda: ENOUGH)
        job = services.job_manager.create(a_job(Clock(time.time())))
        before = services.job_manager.get(over.job_id)
        deliveries = [over.job_id] * LATE + [job.job_id] * (DELIVERIES - LATE)
        random.shuffle(deliveries)
        source.requests.clear()

        processes = [
            stack.enter_context(deliver(deliveries[part::PROCESSES])) for part in range(PROCESSES)
        ]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        said: Counter[tuple[str, ...]] = Counter()
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            answers, _ = process.communicate()
            said.update(tuple(line.split("\t")) for line in answers.splitlines())

    assert said == {
        (job.job_id, "COMPLETED"): 1,
        (job.job_id, "nothing to do"): DELIVERIES - LATE - 1,
        (over.job_id, "nothing to do"): LATE,
    }
    pages = [
        request.query.get("$skiptoken", "first")
        for request in source.requests
        if "$orderby" in request.query
    ]
    assert len(pages) == len(set(pages)) == ROWS // PAGE
    ended = services.job_manager.get(job.job_id)
    assert (ended.status, ended.attempt, ended.fence) == (JobStatus.COMPLETED, 1, 2)
    assert ended.duplicate_records == ended.total_records - ended.failed_records
    assert services.job_manager.get(over.job_id) == before
    assert table_contents(dynamodb, TABLE)["LOCK#import"] == {"fence": 2}
    snapshot = services.job_manager.current_snapshot()
    assert snapshot is not None
    warehouse = Path(environment["WELLHEAD_WAREHOUSE"])
    assert stored_rows(warehouse / snapshot.name) == expected_rows(DATA)
    assert files(warehouse)[LATEST] == snapshot.sha256
    assert len(list(warehouse.glob("snapshots/*"))) == 2
