"""Pages asked for before they are needed, each in a thread of its own."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")


class Lookahead(Generic[T]):
    """`make(url, page)`, perhaps begun already. What was begun and is not wanted any more is dropped unseen, its
    error too. `make` must end soon when its source is closed: the threads end with it.
    """

    def __init__(self, make: Callable[[str, int], T]) -> None:
        self._make = make
        self._begun: dict[str, Future[T]] = {}

    def expect(self, pages: Mapping[str, int]) -> None:
        """Begin with the URLs that are not begun yet; forget the others."""
        self._begun = {url: self._begun.get(url) or self._begin(url, page) for url, page in pages.items()}

    def take(self, url: str, page: int) -> T:
        """The result; an error of `make` is raised here."""
        begun = self._begun.pop(url, None)
        return begun.result() if begun else self._make(url, page)

    def _begin(self, url: str, page: int) -> Future[T]:
        future: Future[T] = Future()
        threading.Thread(target=self._run, args=(future, url, page), name=f"page {page}", daemon=True).start()
        return future

    def _run(self, future: Future[T], url: str, page: int) -> None:
        try:
            future.set_result(self._make(url, page))
        except BaseException as exc:  # noqa: BLE001  raised again where the result is taken
            future.set_exception(exc)
