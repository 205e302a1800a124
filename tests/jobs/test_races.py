"""Real processes that trigger at the same moment: one wins, and the others learn who."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.coordination import table_contents
from support.soak import longer

from chalicelib.errors import SourceUnavailable
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.table import Table

TABLE = "wellhead-test"
PROCESSES = longer(3, 8)
ROUNDS = longer(25, 500)
ROOT = Path(__file__).parents[2]


def racer() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "support" / "race_worker.py"), TABLE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def read(racers: list[subprocess.Popen[str]]) -> list[str]:
    return [racer.stdout.readline() for racer in racers if racer.stdout]


def race(racers: list[subprocess.Popen[str]]) -> list[Any]:
    """One round: the lines leave one right after the other, and the answers are collected."""
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    return [json.loads(line) for line in read(racers)]


def test_one_process_wins_each_round(dynamodb: Any) -> None:
    manager = JobManager(table=Table(dynamodb=dynamodb, name=TABLE), lease=Lease())
    won = []
    with contextlib.ExitStack() as stack:
        racers = [stack.enter_context(racer()) for _ in range(PROCESSES)]
        assert read(racers) == ["ready\n"] * PROCESSES

        for _ in range(ROUNDS):
            answers = race(racers)

            [winner] = [answer["won"] for answer in answers if "won" in answer]
            holder = {"job_id": winner, "started_at": manager.get(winner).created_at}
            assert [answer["held"] for answer in answers if "held" in answer] == [holder] * (
                PROCESSES - 1
            )
            claim = manager.claim(winner, holder="w")
            manager.finish(claim, claim.job.fail(SourceUnavailable(), at=1.0))
            won.append(f"JOB#{winner}")

    assert len(set(won)) == ROUNDS
    contents = table_contents(dynamodb, TABLE)
    assert contents.pop("LOCK#import") == {"fence": ROUNDS}
    notices = [name for name in contents if name.startswith("NOTICE#")]
    assert sorted(f"JOB#{name.rpartition('#')[2]}" for name in notices) == sorted(won)
    assert sorted(contents.keys() - notices) == sorted(won)
    assert {contents[name]["fence"] for name in won} == set(range(1, ROUNDS + 1))
