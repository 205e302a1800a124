"""To wait for what another thread or process does, with a limit in place of a fixed time."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.1  # seconds; many a look is a request that takes a core 10 ms


def wait_until(
    condition: Callable[[], T | None], *, seconds: float = 60, longest_pause: float = LONGEST_PAUSE
) -> T:
    """The first true answer of the condition."""
    pause = FIRST_PAUSE
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause)
        pause = min(1.25 * pause, longest_pause)
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
