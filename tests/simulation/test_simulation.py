"""The coordination protocol in storms: in each run a few hundred that nobody has seen, drawn from a
million by the seed that pytest-randomly prints. `make soak` takes the first 50,000,
SOAK_SEEDS=100000 so many.

A failing seed tells its whole story; `simulate(seed, directory).report()` tells it again.
"""

from __future__ import annotations

import os
import random
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from support.soak import SOAK

from chalicelib.jobs.job import JobStatus
from simulation.weather import Climate, Fault
from simulation.world import simulate

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 100
SOAKED = range(int(os.environ.get("SOAK_SEEDS", "50000")))
CHUNKS = -(-len(SOAKED) // CHUNK) if SOAK or "SOAK_SEEDS" in os.environ else 0
DRAWN, MOST = 25, 1_000_000  # seeds of a usual run in each of its chunks, and how many there are
EVENTFUL = (74, 92, 315, 355, 401, 417, 432)  # seeds that bring everything about between them


@pytest.mark.timeout(600)
@pytest.mark.parametrize("chunk", range(CHUNKS or 8))
def test_every_promise_is_kept_in_every_storm(chunk: int, tmp_path: Path) -> None:
    """Eight times 25 fresh seeds in a usual run, and 50,000 in a soak."""
    seeds = SOAKED[chunk * CHUNK :][:CHUNK] if CHUNKS else random.sample(range(MOST), DRAWN)
    for seed in seeds:
        outcome = simulate(seed, tmp_path)
        assert not outcome.violations, outcome.report()


@pytest.mark.timeout(600)
def test_the_storms_bring_everything_about(tmp_path: Path) -> None:
    """Every fault, every end of a job, and all that workers and sweepers can come to.
    The seeds that are known to do so go first; where the product has changed since, others follow.
    """
    story, missing = "", ["everything"]
    for seed in chain(EVENTFUL, range(450)):
        story += "\n".join([*simulate(seed, tmp_path).history, ""])
        if not (missing := missing_from(story)):
            break
    assert missing == []


def missing_from(story: str) -> list[str]:
    outcomes = [
        "handed over",
        "lease lost",
        "nothing to do",
        "restarted",
        "dispatched",
        "failed",
        "CANCELLED",
    ]
    outcomes += ["started what was due"]
    retries = ["retry: of ", "retry: NotRetryable", "retry: RetriedAlready", "retry: NotResumable"]
    retries += ["accept: of ", "accept: NotHeld", "accept: AcceptTooLate", "discard: ", "HELD"]
    events = [
        ": SIGTERM\n",
        "the source changes",
        "given up: failed each time",
        "given up: too old",
        "takes up",
    ]
    ends = [status for status in JobStatus if status.final]
    errors = ["LEASE_EXPIRED", "DISPATCH_FAILED", "WAREHOUSE_UNAVAILABLE"]
    return [
        *(fault for fault in Fault if f": {fault}\n" not in story),
        *(outcome for outcome in outcomes if f"ends: {outcome}\n" not in story),
        *(end for end in ends if f": {end}," not in story),
        *(error for error in errors if error not in story),
        *(event for event in [*events, *retries] if event not in story),
    ]


@pytest.mark.parametrize("climate", Climate)
def test_a_seed_tells_the_same_story_each_time(climate: Climate, tmp_path: Path) -> None:
    stories = [simulate(7, tmp_path / str(time), climate=climate).history for time in range(2)]

    assert stories[0] == stories[1]
    assert len(stories[0]) > 30
