"""Work in threads:
iterators ahead of their reader, a few items at most, or one call beside its caller.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

T = TypeVar("T")


class _End:
    """What the maker hands over last: nothing, or the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Prefetch(Generic[T]):
    """The items of the sources, made up to `ahead` of their use, each source by one of at most
    `threads`. The items of one come in their order. An error of a maker is raised to the reader,
    after what was made before.

    No item is begun while those that are made and not done with weigh more than `most_weight`: a
    heavy one is done with before the next is made. With 16 MB, pages of 5 MB are made up to four
    at once, as far as `ahead` allows; after a page of 40 MB nothing is made until it is staged.

    While the next item is not there, `meanwhile` is called once and then `while_waiting` every
    `every` seconds, both in the reader's own thread. Leaving the context tells the makers to stop
    after the item they are making.
    """

    def __init__(
        self,
        *sources: Iterable[T],
        ahead: int,
        threads: int = 1,
        while_waiting: Callable[[], None],
        meanwhile: Callable[[], None] = lambda: None,
        every: float = 1.0,
        weigh: Callable[[T], int] = lambda _: 0,
        most_weight: int = 0,
    ) -> None:
        self._sources = deque(sources)
        self._at_work = max(1, min(threads, len(sources)))
        self._while_waiting = while_waiting
        self._meanwhile = meanwhile
        self._every = every
        self._ready: queue.Queue[T | _End] = queue.Queue(maxsize=ahead)
        self._stopped = threading.Event()
        self._weigh = weigh
        self._most_weight = most_weight
        self._weight = 0
        self._lighter = threading.Condition()

    def __enter__(self) -> Iterator[T]:
        for _ in range(self._at_work):
            make = contextvars.copy_context().run  # its lines of the log tell of the same job
            threading.Thread(target=make, args=(self._make,), name="prefetch", daemon=True).start()
        return self._read()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._add_weight(0)

    def _read(self) -> Iterator[T]:
        while True:
            if self._ready.empty():
                self._meanwhile()
            item = self._next()
            if not isinstance(item, _End):
                weight = self._weigh(item)  # before the reader takes the item apart
                yield item
                self._add_weight(-weight)
            elif item.error:
                raise item.error
            else:
                return

    def _next(self) -> T | _End:
        while True:
            try:
                return self._ready.get(timeout=self._every)
            except queue.Empty:
                self._while_waiting()

    def _make(self) -> None:
        try:
            while (source := self._next_source()) is not None:
                for item in source:
                    self._add_weight(self._weigh(item))
                    if not self._hand(item):
                        return
                    self._wait_until_light()
            if self._is_last_to_leave():  # the others may still hand over what they have made
                self._hand(_End())
        except BaseException as exc:  # noqa: BLE001  raised again where the items are read
            self._hand(_End(exc))

    def _next_source(self) -> Iterable[T] | None:
        try:
            return self._sources.popleft()
        except IndexError:
            return None

    def _is_last_to_leave(self) -> bool:
        with self._lighter:
            self._at_work -= 1
            return self._at_work == 0

    def _add_weight(self, weight: int) -> None:
        with self._lighter:
            self._weight += weight
            self._lighter.notify_all()

    def _wait_until_light(self) -> None:
        with self._lighter:
            self._lighter.wait_for(
                lambda: self._weight <= self._most_weight or self._stopped.is_set()
            )

    def _hand(self, item: T | _End) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False


def run_beside(
    call: Callable[[], T],
    *,
    while_waiting: Callable[[], None],
    prefetch: Callable[..., AbstractContextManager[Iterable[Any]]] = Prefetch,
) -> T:
    """What the call returns or raises.
    It runs in a thread, and `while_waiting` in the caller's own every second.
    """

    def results() -> Iterator[T]:
        yield call()

    with prefetch(results(), ahead=1, while_waiting=while_waiting) as arriving:
        result: T = next(iter(arriving))
    return result
