"""The time of a question: all its statements have it together, whoever asks them."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from chalicelib.errors import QueryTooSlow

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION_SECONDS = 22.0  # the API waits 25
# When the question of this thread ends, by the monotonic clock; None outside of one.
_ENDS: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def one_question(seconds: float = QUESTION_SECONDS) -> Iterator[None]:
    """All statements that are asked within it have that time together."""
    token = _ENDS.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ENDS.reset(token)


def seconds_for_statement(seconds: float | None = None) -> float:
    """For a statement, which may have less. Outside a question it has the time of one.
    Raises QueryTooSlow.
    """
    ends = _ENDS.get()
    left = QUESTION_SECONDS if ends is None else ends - time.monotonic()
    left = left if seconds is None else min(left, seconds)
    if left <= 0:
        raise QueryTooSlow
    return left
