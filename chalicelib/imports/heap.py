"""The heap of the C library, in which pages come and go."""

from __future__ import annotations

import sys
from contextlib import suppress


def give_back_memory() -> None:
    """What is free within the heap goes back to the system. By itself glibc gives back its end
    alone: between fetching and merging, 10 to 40 MB that no page needs any more would stay.
    """
    if sys.platform != "linux":
        return
    # musl has no such call, and keeps less; a Python may be built without ctypes.
    with suppress(AttributeError, ImportError, OSError):
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
