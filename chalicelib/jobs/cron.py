"""Cron: when a schedule is due, by the wall clock of its time zone.

Five fields, as Debian's cron reads them:
https://manpages.debian.org/bookworm/cron/crontab.5.en.html. Where the clock is put forward, a fixed
time that does not exist is due at the first moment after the gap; where it is put back, a fixed
time that is there twice is due the first time. A schedule whose minutes or hours begin with a star
goes by real time, and is due in both of two hours with one name.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
ANY = ("*", "*", "*", "*", "*")
# Due times of one standstill, in a tenth of a second; what lies behind them is not counted.
MOST_COUNTED = 10_000


class CronInvalid(Exception):
    """`problem` goes on after "is ...", as `instead` does after "write"."""

    def __init__(self, problem: str, instead: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.instead = instead


class Cron:
    """`zone` is a name of the IANA list; without one the times are UTC.
    What this machine cannot read, a zone that its list does not have any more, has no due times.
    """

    def __init__(self, text: str, zone: str = "") -> None:
        self._text = text
        self._zone = _zone(zone)

    @property
    def is_readable(self) -> bool:
        words = self._text.split()
        return self._zone is not None and _is_cron(words)

    def after(self, moment: float) -> Iterator[float]:
        """The due times that follow, epoch seconds, each once and in order.

        The library goes by the wall clock, which an hour that is there twice puts back: what it
        tells for a second time, or too late, is left out.
        """
        last = moment
        if not self.is_readable:
            return
        start = datetime.fromtimestamp(moment, self._zone)
        for wall_time in CronSim(self._text, start):
            due = wall_time.timestamp()
            if due > last:
                last = due
                yield due

    def next(self, moment: float) -> float | None:
        return next(self.after(moment), None)

    def past(self, first: float, now: float) -> tuple[float, int]:
        """From this due time on:
        the latest that is not later than `now`, and how many there are.
        """
        latest = first
        count = 1
        for due in self.after(first):
            if due > now or count == MOST_COUNTED:
                break
            latest = due
            count += 1
        return latest, count


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def check_cron(text: str) -> None:
    """Raises CronInvalid."""
    parts = text.split()
    if len(parts) != len(FIELDS):
        raise CronInvalid(f"which has {len(parts)} fields", 'five of them, such as "0 5 * * *"')
    # Each field among stars, so that the fault names the field: of "0 99 * * *" the hour.
    for place, part in enumerate(parts):
        part_alone = [*ANY[:place], part, *ANY[place + 1 :]]
        if not _is_cron(part_alone):
            raise CronInvalid(
                f'whose {FIELDS[place]} "{part[:20]}" is none',
                "five fields of cron: minute, hour, day of the month, month, day of the week",
            )
    # 30 February can be read, and never comes.
    if not _is_cron(parts) or Cron(text).next(0.0) is None:
        raise CronInvalid("which never comes", "a day that one of its months has")


def _is_cron(parts: list[str]) -> bool:
    """Whether the library can read it; what it cannot it refuses in several ways."""
    try:
        CronSim(" ".join(parts), datetime(2000, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError, AssertionError, TypeError):
        return False
    return True
