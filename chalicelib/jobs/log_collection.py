"""Collecting the lines that our own code logs of a job, and storing them in batches.

A line is what the log of the function has, less what only operators should read: of an error that
is not ours its class alone, no traceback, and no secret that the import knows.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chalicelib.errors import WellheadError
from chalicelib.logs import fields_of

from .job_log import LINES_OF_ITEM, LONGEST_LINE, MOST_LINES, PLACES, WORKER, LogLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .job_log import LogTable
    from .manager import JobManager

STORE_SECONDS = 5.0  # between two writes
BROKEN_SECONDS = 30.0  # after one that failed
FACTS = ("code", "reason", "page", "rows", "bytes", "seconds")  # of a record, shown behind its text
# Figures of a line that comes with each page, or each minute.
TOO_MANY = {"PageSeconds", "SecondsSinceHeartbeat"}

log = logging.getLogger(__name__)


class WorkerLog(logging.Handler):
    """Of one worker and its job, `by` its name where several share a fence. `hide` takes the
    secrets of the source out of a text; more are added as they are read.

    `store` is called from one thread, what it stores may come from any.
    """

    def __init__(
        self,
        job_id: str,
        *,
        table: LogTable,
        clock: Callable[[], float] = time.time,
        by: str = WORKER,
    ) -> None:
        super().__init__(logging.INFO)
        self._job_id = job_id
        self._table = table
        self._clock = clock
        self._by = by
        self._hiding: list[Callable[[str], str]] = []
        self._new: deque[LogLine] = deque(maxlen=MOST_LINES)
        self._last: Sequence[LogLine] = []  # of the newest item, which has room yet
        self._place = 0
        self._due_at = 0.0
        self._is_broken = False

    def hide_with(self, hide: Callable[[str], str]) -> None:
        self._hiding.append(hide)

    def emit(self, record: logging.LogRecord) -> None:
        fields = fields_of(record)
        # Without a fence it is of the time before the claim, and no line of this attempt.
        is_of_this_job = fields.get("job_id") == self._job_id and "fence" in fields
        if not is_of_this_job or _comes_too_often(fields):
            return
        try:
            self._new.append(_line(record, fields, hide=self._hide))
        except Exception:  # noqa: BLE001  as logging's own handlers have it
            self.handleError(record)

    def store(self, *, at_once: bool = False) -> None:
        """What is new, unless the last write was a moment ago.
        Raises nothing: an import needs no log.
        """
        now = self._clock()
        if now < self._due_at and (self._is_broken or not at_once):
            return
        new = self._take_new()
        if not new:
            return
        fence = new[-1].fence
        items = _items(self._last, new)
        try:
            for place, lines in enumerate(items, start=self._place):
                self._table.write(self._job_id, fence, lines, place=place, by=self._by)
        except Exception as exc:  # noqa: BLE001  whatever it is
            self._put_back(new)
            self._is_broken = True
            self._due_at = now + BROKEN_SECONDS
            log.warning("the log of the job could not be stored: %s", type(exc).__name__)
            return
        # The last item may have room: the next lines are put into it, at the same place.
        self._place += len(items) - 1
        self._last = items[-1]
        self._is_broken = False
        self._due_at = now + STORE_SECONDS

    def _take_new(self) -> list[LogLine]:
        self.acquire()
        try:
            new = list(self._new)
            self._new.clear()
            return new
        finally:
            self.release()

    def _put_back(self, lines: Sequence[LogLine]) -> None:
        self.acquire()
        try:
            self._new = deque([*lines, *self._new], maxlen=MOST_LINES)
        finally:
            self.release()

    def _hide(self, text: str) -> str:
        for hide in self._hiding:
            text = hide(text)
        return text


class OthersLog(logging.Handler):
    """Of a function that sees to jobs without working on one, by its name:
    what it logs of a job, by job.
    """

    def __init__(self, by: str, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(logging.INFO)
        self._by = by
        self._clock = clock
        self._lines: dict[str, deque[LogLine]] = defaultdict(_newest_lines)

    def emit(self, record: logging.LogRecord) -> None:
        fields = fields_of(record)
        job_id = fields.get("job_id")
        if not job_id or _comes_too_often(fields):
            return
        try:
            self._lines[str(job_id)].append(_line(record, fields))
        except Exception:  # noqa: BLE001  as above
            self.handleError(record)

    def store(self, *, table: LogTable, job_manager: JobManager) -> None:
        """Raises nothing. The place in the ring goes by the minute: each has at most one sweep."""
        place = int(self._clock() // 60) % PLACES
        for job_id, lines in self._lines.items():
            try:
                job = job_manager.find(job_id)
                if job:
                    table.write(job_id, job.fence, list(lines), place=place, by=self._by)
            except Exception as exc:  # noqa: BLE001  whatever it is
                log.warning("the log of the job could not be stored: %s", type(exc).__name__)


@contextmanager
def collecting(handler: logging.Handler) -> Iterator[None]:
    """Of our own loggers alone; libraries tell their warnings to operators."""
    ours = logging.getLogger("chalicelib")
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)


def _newest_lines() -> deque[LogLine]:
    return deque(maxlen=LINES_OF_ITEM)


def _comes_too_often(fields: Mapping[str, Any]) -> bool:
    figures = fields.get("figures") or ()
    return not TOO_MANY.isdisjoint(figures)


def _as_it_is(text: str) -> str:
    return text


def _line(
    record: logging.LogRecord,
    fields: Mapping[str, Any],
    *,
    hide: Callable[[str], str] = _as_it_is,
) -> LogLine:
    text = hide(_text(record, fields))[:LONGEST_LINE]
    return LogLine(
        at=record.created,
        level=record.levelname,
        # Half a character, which JSON can write, is no text to DynamoDB.
        text=text.encode("utf-8", "replace").decode(),
        fence=fields.get("fence") or 0,
        attempt=fields.get("attempt"),
    )


def _text(record: logging.LogRecord, fields: Mapping[str, Any]) -> str:
    """Such as "a page is stored (page 12, rows 2,000)"."""
    text = str(record.msg)
    if record.args and isinstance(record.args, tuple):
        text = record.msg % tuple(map(_without_data, record.args))
    facts = []
    if record.exc_info and record.exc_info[1]:
        facts.append(_without_data(record.exc_info[1]))
    known = [name for name in FACTS if fields.get(name) is not None]
    facts += [f"{name} {_readable(fields[name])}" for name in known]
    if not facts:
        return text
    return f"{text} ({', '.join(facts)})"


def _without_data(value: Any) -> Any:
    """The words of an error that is not ours may hold data."""
    if isinstance(value, WellheadError):
        return value.message
    if isinstance(value, BaseException):
        return type(value).__name__
    return value


def _readable(value: Any) -> str:
    """A number with its thousands apart."""
    if isinstance(value, int | float):
        return f"{value:,}"
    return str(value)


def _items(last: Sequence[LogLine], new: Sequence[LogLine]) -> list[list[LogLine]]:
    """The last item with what it has room for, and more items for the rest.
    With three lines an item, [a b] and the new [c d e f] are [a b c] [d e f].
    """
    lines = [*last, *new]
    starts = range(0, len(lines), LINES_OF_ITEM)
    return [lines[start : start + LINES_OF_ITEM] for start in starts]
