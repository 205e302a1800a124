# Written by `make shared` out of chalicelib/backoff.py: change it there.
"""Backoff: how long to wait before what failed is tried again."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from urllib3.exceptions import InvalidHeader
from urllib3.util.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Callable

DOUBLINGS = 60  # beyond these a float would end, and every patience does before


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """After the first failure `first` seconds, after each further one twice as many, at most
    `longest`; by lot half of it or more, so that who failed together does not meet again.
    """

    first: float
    longest: float = math.inf
    draw: Callable[[float, float], float] = random.uniform

    def seconds(self, failures: int, *, asked: float | None = None) -> float:
        """After so many failures before this one; never less than was `asked` for.
        With `first` of 1: 0.5 to 1 second, then 1 to 2, 2 to 4, and at last half of `longest` to
        all of it.
        """
        doubled = self.first * 2.0 ** min(failures, DOUBLINGS)
        most = min(self.longest, doubled)
        wait = most * self.draw(0.5, 1.0)
        return max(wait, asked or 0.0)


def seconds_of_retry_after(header: str | None) -> float | None:
    """Of seconds or an HTTP date (RFC 9110, section 10.2.3), six hours at most. Nonsense counts as
    absent.
    """
    try:
        return Retry().parse_retry_after(header or "")
    except (InvalidHeader, ValueError, OverflowError):
        return None
