"""Reading: what a finished reading of a source tells of itself,
for those who judge whether it was whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """By what the request after a page is told."""

    AUTO = "auto"  # a link while there are links, else $skip
    LINKS = "links"
    SKIP = "skip"
    KEYS = "keys"


class End(StrEnum):
    """Why nothing more was asked for."""

    # The source said so: a page without a link after pages with one, or one without rows.
    MARKER = "marker"
    KEYS = "keys"  # nothing comes after the key of the last row
    COUNT = "count"  # as many rows as counted have come
    FILES = "files"  # each file was read to its end
    SHORT = "short"  # fewer rows than counted have come, and there is no way to ask for the others


@dataclass(frozen=True, kw_only=True)
class Reading:
    """`announced` rows were counted at the beginning; `counted_again` at the end, where that may be
    another number. None: the source does not count. `way` is LINKS, SKIP or KEYS, and so what the
    last pages were asked for by; `by_own_key` tells that the key is one that the service declares.
    Of parts that were read at once, `missing_of_parts` rows did not come in some of them, and with
    `has_shrunk` some had fewer rows at their end.
    """

    announced: int | None
    counted_again: int | None
    delivered: int
    ended: End | None
    way: Way
    by_own_key: bool = False
    missing_of_parts: int = 0
    has_shrunk: bool = False

    @property
    def missing(self) -> int:
        """How many rows were counted, at the beginning and at the end, and did not come."""
        if self.counts is None:
            return 0
        least, _ = self.counts
        return max(0, least - self.delivered, self.missing_of_parts)

    @property
    def counts(self) -> tuple[int, int] | None:
        """The smaller and the larger of both counts."""
        if self.announced is None:
            return None
        again = self.announced if self.counted_again is None else self.counted_again
        return min(self.announced, again), max(self.announced, again)

    @property
    def growth(self) -> int:
        """How many rows more the source counts at the end than at the beginning;
        0 when it does not tell.
        """
        least, most = self.counts or (0, 0)
        has_grown = most != self.announced
        return most - least if has_grown else 0
