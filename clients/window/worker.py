"""The network beside the window: threads that ask, and a queue that brings the answers to the
window's own thread.

    window ──ask──▶ queue of a lane ──▶ thread of the lane, a client of its own ──▶ answers ──deliver──▶ window

Tk belongs to the thread of the window, so nothing here touches it. Each lane asks one thing after
the other; a download holds up no progress, and a slow question for data neither.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from clients.api.client import WellheadClient
    from clients.api.errors import ClientError

MakeClient = Callable[[str, str, Callable[["ClientError", float], object]], "WellheadClient"]
"""Of URL, token and what is to hear of an error that is tried again, with the seconds until then."""
Lane = Literal["jobs", "data", "download"]
LANES: tuple[Lane, ...] = ("jobs", "data", "download")
AT_ONCE = 50  # answers to take in before the window draws again


@dataclass(frozen=True)
class Question:
    """`done` and `failed` are called on the window's thread, with what `ask` returned or raised."""

    ask: Callable[[WellheadClient], Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]


class Network:
    """The lanes to one server, from a connection to the next. Raises what `make_client` raises."""

    def __init__(self, make_client: Callable[[], WellheadClient]) -> None:
        clients = {lane: make_client() for lane in LANES}
        self._questions: dict[Lane, queue.SimpleQueue[Question | None]] = {
            lane: queue.SimpleQueue() for lane in LANES
        }
        self._answers: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._is_open = True
        for lane, client in clients.items():
            threading.Thread(
                target=self._serve, args=(lane, client), name=f"wellhead-{lane}", daemon=True
            ).start()

    def ask(
        self,
        lane: Lane,
        ask: Callable[[WellheadClient], Any],
        done: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        question = Question(ask, done, failed)
        self._questions[lane].put(question)

    def deliver(self) -> None:
        """Call back for what has been answered since the last time."""
        for _ in range(AT_ONCE):
            try:
                answer = self._answers.get_nowait()
            except queue.Empty:
                return
            if self._is_open:
                answer()

    def post(self, news: Callable[[], None]) -> None:
        """From a lane, in the middle of its work: call this on the window's thread."""
        self._answers.put(news)

    def close(self) -> None:
        """Nothing is delivered any more; what a lane is asking just now ends with the process."""
        self._is_open = False
        for questions in self._questions.values():
            questions.put(None)

    def _serve(self, lane: Lane, client: WellheadClient) -> None:
        while question := self._questions[lane].get():
            if not self._is_open:
                break
            self._answers.put(_answer(question, client))
        client.close()


def _answer(question: Question, client: WellheadClient) -> Callable[[], None]:
    try:
        found = question.ask(client)
    except Exception as exc:  # noqa: BLE001  whatever it is, the window has to hear of it
        failure = exc
        return lambda: question.failed(failure)
    return lambda: question.done(found)


@dataclass
class Pulse:
    """How long the window was deaf: the longest time between two beats of its event loop, beyond
    the beat itself.

    Seconds. `beat` is called by the loop each `every` seconds.
    """

    every: float = 0.02
    clock: Callable[[], float] = time.monotonic
    longest_gap: float = 0.0
    _last: float | None = field(default=None, repr=False)

    def beat(self) -> None:
        now = self.clock()
        if self._last is not None:
            self.longest_gap = max(self.longest_gap, now - self._last - self.every)
        self._last = now
