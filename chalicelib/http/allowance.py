"""Allowance: what one exchange may take, of time and of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.client import HTTPResponse

# Status line and headers; http.client itself takes a hundred headers of 64 KiB.
HEAD_BYTES = 1 << 17


class TooSlow(Exception):
    """The answer was not whole in time.
    No OSError, so that nothing on the way takes it for a broken connection.
    """


class TooLarge(Exception):
    """The answer has more bytes than it may."""


class Allowance:
    """What one exchange may take: seconds in all, and bytes as they come off the socket."""

    _answer: HTTPResponse

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = self._left = float("inf")
        self._body_bytes = 0

    def grant(self, *, seconds: float, body_bytes: int) -> None:
        self._until = self._clock() + seconds
        self._body_bytes = body_bytes
        self.begin_head()  # a proxy answers before the source does

    def hurry(self, seconds: float) -> None:
        """What is still to come of this exchange may take so many seconds at most."""
        end = self._clock() + seconds
        self._until = min(self._until, end)

    def begin_head(self) -> None:
        self._left = HEAD_BYTES

    def begin_body(self, answer: HTTPResponse) -> None:
        # The buffer reads 64 KB at a time: what it has of the body by now was counted as the head.
        self._left = self._body_bytes
        self._answer = answer

    def fill(self, buffer: bytearray) -> int:
        """Read the body of the last answer into the buffer;
        how many bytes came until one of them ended.
        """
        # The view ends with the block: while there is one, nobody can make the bytearray shorter.
        with memoryview(buffer) as room:
            received = 0
            while received < len(room):
                size = self._answer.readinto(room[received:])
                if not size:
                    break
                received += size
            return received

    def seconds(self) -> float:
        """What is left. Raises TooSlow."""
        left = self._until - self._clock()
        if left <= 0:
            raise TooSlow
        return left

    def take(self, size: int) -> None:
        """Raises TooLarge."""
        self._left -= size
        if self._left < 0:
            raise TooLarge
