"""The coordination protocol in thousands of storms; `make soak` or SOAK_SEEDS=100000 makes it more of them.

A failing seed tells its whole story; `simulate(seed, directory).report()` tells it again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.soak import longer

from chalicelib.jobs.job import JobStatus
from simulation.weather import Climate, Fault
from simulation.world import simulate

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = int(os.environ.get("SOAK_SEEDS", longer(3000, 50_000)))
CHUNK = 100


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_promise_is_kept_in_every_storm(first: int, tmp_path: Path) -> None:
    for seed in range(first, min(first + CHUNK, SEEDS)):
        outcome = simulate(seed, tmp_path)
        assert not outcome.violations, outcome.report()


@pytest.mark.timeout(600)
def test_the_storms_bring_everything_about(tmp_path: Path) -> None:
    """Every fault, every end of a job, and all that workers and sweepers can come to."""
    story = "\n".join(line for seed in range(450) for line in simulate(seed, tmp_path).history)

    outcomes = ["handed over", "lease lost", "nothing to do", "restarted", "dispatched", "failed", "CANCELLED"]
    outcomes += ["started what was due"]
    retries = ["retry: of ", "retry: NotRetryable", "retry: RetriedAlready", "retry: NotResumable"]
    retries += ["accept: of ", "accept: NotHeld", "accept: AcceptTooLate", "discard: ", "HELD"]
    events = [": SIGTERM\n", "the source changes", "given up: failed each time", "given up: too old", "takes up"]
    ends = [status for status in JobStatus if status.final]
    errors = ["LEASE_EXPIRED", "DISPATCH_FAILED", "WAREHOUSE_UNAVAILABLE"]
    missing = [
        *(fault for fault in Fault if f": {fault}\n" not in story),
        *(outcome for outcome in outcomes if f"ends: {outcome}\n" not in story),
        *(end for end in ends if f": {end}," not in story),
        *(error for error in errors if error not in story),
        *(event for event in [*events, *retries] if event not in story),
    ]
    assert missing == []


@pytest.mark.parametrize("climate", Climate)
def test_a_seed_tells_the_same_story_each_time(climate: Climate, tmp_path: Path) -> None:
    stories = [simulate(7, tmp_path / str(time), climate=climate).history for time in range(2)]

    assert stories[0] == stories[1]
    assert len(stories[0]) > 30
