"""SpeculativeRequests: pages that are asked for before anybody knows that they are needed, each in
a thread of its own.

The prefetching of an import (imports/prefetch.py) is another thing: it reads the pages in their
order, a few before they are staged, and guesses nothing.
"""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class SpeculativeRequests(Generic[T]):
    """`make(url, page)`, perhaps begun already by `guess`, which may give None: then it is made
    when it is taken. What was begun and is not wanted any more is dropped unseen, its error too.
    Both must end soon when their source is closed: the threads end with it.
    """

    def __init__(
        self, make: Callable[[str, int], T], guess: Callable[[str, int], T | None] | None = None
    ) -> None:
        self._make = make
        self._guess = guess or make
        self._begun: dict[str, Future[T | None]] = {}

    def expect(self, pages: Mapping[str, int]) -> None:
        """Begin with the URLs that are not begun yet; forget the others."""
        self._begun = {
            url: self._begun.get(url) or self._begin(url, page) for url, page in pages.items()
        }

    def take(self, url: str, page: int) -> T:
        """The result; an error of `make` is raised here."""
        future = self._begun.pop(url, None)
        result = future.result() if future else None
        if result is not None:
            return result
        return self._make(url, page)

    def _begin(self, url: str, page: int) -> Future[T | None]:
        return begin(partial(self._guess, url, page), name=f"page {page}")


def begin(call: Callable[[], T], *, name: str) -> Future[T]:
    """What the call returns or raises, in a thread of that name. Nobody has to wait for it: the
    thread ends with its call, and with the process at the latest.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as exc:  # noqa: BLE001  raised again where the result is taken
            future.set_exception(exc)

    in_context = contextvars.copy_context().run  # its lines of the log tell of the same job
    threading.Thread(target=in_context, args=(run,), name=name, daemon=True).start()
    return future
