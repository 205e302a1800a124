"""Stretch: what of the files of a source is a part of it: neighbouring files, or rows of one that
is large.

a.csv  b.csv  c.csv │ d.csv, rows 0 … 999 │ d.csv, rows 1000 … │ e.csv
0-3                 │ 3-4@1:0:0:1000      │ 3-4@1:1000:52110:  │ 4-5
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from .piece import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """From the file `first` to the file `past`, which is not in it. Of a file that is cut, its rows
    from `mark` on up to the row `until`, or to its end, and the number of the part in which it has
    `begun`.
    """

    first: int
    past: int
    mark: Mark = field(default_factory=Mark)
    until: int | None = None
    begun: int | None = None

    def __str__(self) -> str:
        if self.begun is None:
            return f"{self.first}-{self.past}"
        until = "" if self.until is None else self.until
        files = f"{self.first}-{self.past}"
        rows = f"{self.mark.row}:{self.mark.byte}:{until}"
        return f"{files}@{self.begun}:{rows}"

    @classmethod
    def of(cls, text: str) -> Self:
        files, _, rows = text.partition("@")
        first, past = map(int, files.split("-"))
        if not rows:
            return cls(first=first, past=past)
        begun, row, byte, until = rows.split(":")
        return cls(
            first=first,
            past=past,
            mark=Mark(int(row), int(byte)),
            until=int(until) if until else None,
            begun=int(begun),
        )


def stretches_of(
    sizes: Sequence[int], *, most: int, least: int, cuts: Callable[[int, int], Sequence[Mark]]
) -> Iterator[Stretch]:
    """Neighbours put together until they have so many bytes. A file that is as large as several
    parts stands by itself, in as many as `cuts` finds: given a file and a number of parts, it tells
    where they part.

    With 100 bytes enough, the sizes 60, 50, 250 and 10 become 0-2 (110 bytes), the file 2 in two
    ranges, and 3-4.
    """
    share = -(-sum(sizes) // most)  # rounded up
    enough = max(least, share)
    number = 0  # of the next part
    first = 0  # the first file that is in no part yet
    together = 0  # bytes from there on
    for place, size in enumerate(sizes):
        ranges = round(size / enough)
        marks = cuts(place, ranges) if ranges > 1 else ()

        if marks:
            if first < place:
                yield Stretch(first=first, past=place)
                number += 1
            yield from _ranges(place, marks, number)
            number += len(marks) + 1
            first = place + 1
            together = 0
            continue

        together += size
        if together >= enough:
            yield Stretch(first=first, past=place + 1)
            number += 1
            first = place + 1
            together = 0

    if first < len(sizes):
        yield Stretch(first=first, past=len(sizes))


def _ranges(place: int, marks: Sequence[Mark], number: int) -> Iterator[Stretch]:
    """Of the one file, whose first range is the part `number`."""
    starts = [Mark(), *marks]
    ends = [*(mark.row for mark in marks), None]
    for mark, until in zip(starts, ends, strict=True):
        yield Stretch(first=place, past=place + 1, mark=mark, until=until, begun=number)


def even(marks: Sequence[Mark], wanted: int, rows: int) -> list[Mark]:
    """Of all places between two pieces of so many `rows` together those that part them the most
    evenly. Of pieces of 30 rows and 100 rows, for two parts: the place at row 60, nearest to 50.
    """
    if not marks:
        return []
    nearest: list[Mark] = []
    for number in range(1, wanted):
        end = number * rows / wanted
        nearest.append(_nearest(marks, end))
    return [mark for mark in dict.fromkeys(nearest) if 0 < mark.row < rows]


def _nearest(marks: Sequence[Mark], row: float) -> Mark:
    return min(marks, key=lambda mark: abs(mark.row - row))
