"""Completeness: whether an import read all rows of its source, as far as the
source lets anybody know.

A source may change while it is read, and then neither of its counts is the right one: rows that
came meanwhile may have been read or not. So what was delivered is held against both, the one of the
beginning and the one of the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from chalicelib.odata.reading import End, Way

if TYPE_CHECKING:
    from chalicelib.odata.cursor import Cursor
    from chalicelib.odata.reading import Reading
    from chalicelib.store.settle import Settled


LEAST_CHURN = 3  # rows


class Verdict(StrEnum):
    PROVED = "proved"
    UNPROVABLE = "unprovable"
    DISPROVED = "disproved"


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """`reason` is a sentence for people; empty when there is nothing to say. `missing`
    rows were counted and did not come, `repeated_keys` came twice; `is_by_key`: the
    pages were asked for by key.
    """

    state: Verdict
    reason: str = ""
    announced: int | None = None
    counted_again: int | None = None
    delivered: int = 0
    missing: int = 0
    repeated_keys: int = 0
    is_by_key: bool = False

    def to_attributes(self) -> dict[str, Any]:
        """As the job's item keeps it and the API shows it."""
        return {
            "state": self.state,
            "reason": self.reason,
            "announced": self.announced,
            "counted_again": self.counted_again,
            "delivered": self.delivered,
        }

    @property
    def is_proved(self) -> bool:
        return self.state is Verdict.PROVED

    @classmethod
    def of(cls, reading: Reading, *, repeated_keys: int = 0, doubtful_keys: int = 0) -> Self:
        """`repeated_keys` came on more than one page and show that the reading went wrong;
        `doubtful_keys` may.
        """
        state, reason = _verdict(reading, repeated_keys)
        if state is Verdict.PROVED and doubtful_keys:
            state, reason = Verdict.UNPROVABLE, _doubt(doubtful_keys)
        return cls(
            state=state,
            reason=reason,
            announced=reading.announced,
            counted_again=reading.counted_again,
            delivered=reading.delivered,
            missing=reading.missing,
            repeated_keys=repeated_keys,
            is_by_key=reading.way is Way.KEYS,
        )

    @classmethod
    def after(cls, end: Cursor, settled: Settled) -> Self:
        """Of an import whose rows are settled; `end` is the cursor after the last one."""
        return cls.of(
            end.reading, repeated_keys=settled.repeated_keys, doubtful_keys=settled.doubtful_keys
        )


def _verdict(reading: Reading, repeated_keys: int) -> tuple[Verdict, str]:
    """Of a source that counts 1,000 rows at the beginning and 1,010 at the end:

      990 delivered  disproved   10 at least did not come
    1,005 delivered  proved      of the ten that came meanwhile some were read, and some not
    1,020 delivered  unprovable  there were never so many at once
    """
    if repeated_keys:
        return Verdict.DISPROVED, (
            f"{repeated_keys:,} rows came on more than one page, so others may have come on none: "
            "the source's order changes from page to page."
        )
    counts = reading.counts
    if counts is None:
        return _without_counts(reading)
    least, most = counts
    was_read_by_keys = reading.by_own_key and reading.ended is End.KEYS
    if was_read_by_keys and reading.missing <= _churn(least):
        return Verdict.PROVED, ""  # some rows came and some went while the pages were read
    if reading.missing:
        of_a_part = ""
        # Together enough, because ten rows too many of one part hide ten that another lacks.
        if reading.delivered >= least:
            of_a_part = f"; {reading.missing:,} that a part of it counts did not come"
        return Verdict.DISPROVED, (
            f"The source counts {_from_to(least, most)} rows and delivered {reading.delivered:,}"
            f"{of_a_part}."
        )
    if reading.delivered <= most and not _may_miss_rows(reading):
        return Verdict.PROVED, ""
    return Verdict.UNPROVABLE, (
        f"The source counts {_from_to(least, most)} rows and delivered {reading.delivered:,}: it "
        "changed while it was read."
    )


def _without_counts(reading: Reading) -> tuple[Verdict, str]:
    if reading.ended is End.FILES:
        return Verdict.PROVED, ""
    if reading.by_own_key and reading.ended is End.KEYS:
        return Verdict.PROVED, ""
    return (
        Verdict.UNPROVABLE,
        "The source does not count its rows, so nobody can tell whether all of them came.",
    )


def _churn(counted: int) -> int:
    """So many rows may go behind the place that is read: 1,000 of a million.
    More are missing where the source did not sort by its key.
    """
    return max(LEAST_CHURN, counted // 1000)


def _doubt(keys: int) -> str:
    return (
        f"{keys:,} keys came on more than one page: the source has rows twice, or they moved while "
        "they were read and others came on none. WELLHEAD_SOURCE_PRIMARY_KEY tells what is unique."
    )


def _may_miss_rows(reading: Reading) -> bool:
    """Rows that go while pages are asked for by their place move later ones to
    where nobody looks again.

    When 500 of 1,000 rows are read and row 10 goes, row 501 becomes the 500th: the next page begins
    behind it.
    """
    if reading.way is not Way.SKIP or reading.counted_again is None:
        return False
    if reading.has_shrunk:
        return True
    return reading.announced is not None and reading.counted_again < reading.announced


def _from_to(least: int, most: int) -> str:
    if least == most:
        return f"{least:,}"
    return f"{least:,} to {most:,}"
