"""`make soak` runs the same tests, only longer: it sets SOAK=1 in the environment, and this is
where it is read.

What is drawn by lot hangs on the seed that pytest-randomly prints: `--randomly-seed=…` draws the
same again.
"""

import os
import random
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

SOAK = os.environ.get("SOAK") == "1"


def longer(usual: int, soak: int) -> int:
    return soak if SOAK else usual


def some_of(items: Iterable[T], *, one_in: int = 3) -> list[T]:
    """All of them in a soak, else a third (or one in so many) by lot:
    run after run they all get their turn.
    """
    every = list(items)
    return every if SOAK else _drawn(every, one_in, random.Random(random.random()))


def drawn_cases(names: Iterable[str], seed: object) -> set[str]:
    """All in a soak, else of each test a third of its cases: `file::test[case]` is a name."""
    tests = defaultdict(list)
    for name in sorted(names):
        tests[name.partition("[")[0]].append(name)
    lot = random.Random(f"{seed}")
    return {case for cases in tests.values() for case in (cases if SOAK else _drawn(cases, 3, lot))}


def _drawn(every: list[T], one_in: int, lot: random.Random) -> list[T]:
    return [
        every[place] for place in sorted(lot.sample(range(len(every)), -(-len(every) // one_in)))
    ]
