"""To wait for what another thread or process does, with a limit in place of a fixed time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], *, seconds: float = 60) -> T:
    """The first true answer of the condition."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def wait_for_the_end_of_threads(
    name: str, *, but: set[threading.Thread], seconds: float = 10
) -> None:
    """No thread whose name begins like this is left, but those that were there before.

    They are listed anew each time: a thread that is listed may not have begun yet, and a thread
    that is at its end may still begin another.
    """
    wait_until(
        lambda: (
            not any(thread.name.startswith(name) for thread in set(threading.enumerate()) - but)
        ),
        seconds=seconds,
    )
