"""`make soak` runs the same tests, only longer: it sets SOAK=1 in the environment, and this is where it is read."""

import os
import random
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

SOAK = os.environ.get("SOAK") == "1"


def longer(usual: int, soak: int) -> int:
    return soak if SOAK else usual


def some_of(items: Iterable[T]) -> list[T]:
    """All of them in a soak, else a third by lot: run after run they all get their turn. The lot hangs on the seed
    that pytest-randomly prints.
    """
    every = list(items)
    return every if SOAK else [every[place] for place in sorted(random.sample(range(len(every)), -(-len(every) // 3)))]
