"""What a client sends, for a limited time:
who opens a connection and says nothing, or little, holds no thread.
"""

import io
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

WRITE_SECONDS = 60.0  # without a byte taken


class Incoming(io.RawIOBase):
    """`ended` is whether the client has closed its side.

    Raises TimeoutError when the next request has not begun in time, or is not whole in time: a byte
    now and then does not lengthen it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._deadline = 0.0
        self._seconds: float | None = None
        self.ended = False

    def expect(self, *, within: float, whole_within: float) -> None:
        """A request that begins within so many seconds,
        and is read to its end within so many more.
        """
        self._deadline = time.monotonic() + within
        self._seconds = whole_within

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        try:
            count = self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(WRITE_SECONDS)
        self.ended = count == 0
        if self._seconds is not None:
            self._deadline = time.monotonic() + self._seconds
            self._seconds = None
        return count


class Lines(io.BufferedReader):
    """`is_odd` is whether a line has held a sign that no line of a request may (RFC 9112,
    section 2.2): one reader ends a line at a carriage return, another goes on.
    """

    is_odd = False

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        self.is_odd |= b"\r" in text or b"\0" in text
        return line
