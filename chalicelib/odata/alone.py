"""Alone: what one of several readers may do at a time, such as keep a large page in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


class Alone:
    """A place for one of several threads, which each may enter and leave more often than once."""

    def __init__(self, place: threading.Lock) -> None:
        self._place = place
        self._is_in = False

    def enter(self) -> None:
        if not self._is_in:
            self._place.acquire()
            self._is_in = True

    def leave(self) -> None:
        if self._is_in:
            self._is_in = False
            self._place.release()
