"""Halving: where a scale is cut so that each stretch has about as many rows as another. All that is
asked is how many rows a stretch has, in rounds, because a round can be asked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Of what lies between two values; a source that is denser somewhere than 1 : 4096 is read as it is.
MOST_HALVINGS = 12

# Of numbers that stand for values: from the first one up to the second, without it.
Stretch = tuple[int, int]


def bounds_by_halving(
    whole: Stretch,
    rows: int,
    *,
    enough: float,
    count_all: Callable[[Sequence[Stretch]], list[int | None]],
) -> list[int]:
    """The `whole` has so many rows. What has more than `enough` is halved; neighbours are put
    together again while they have too few rows for a part.

    Of 100 rows with the values 0 to 7, most of them small, and 25 enough: [0, 8) has 100 rows, its
    halves [0, 4) 90 and [4, 8) 10, those of the first [0, 2) 60 and [2, 4) 30, and so on, until
    each has at most 25 or is one value wide.
    """
    rows_in: dict[Stretch, int] = {whole: rows}
    for _ in range(MOST_HALVINGS):
        large = [stretch for stretch, count in rows_in.items() if count > enough]
        large = [stretch for stretch in large if _is_wide(stretch)]
        halves = [half for stretch in large for half in _halves(stretch)]
        counts = count_all(halves)
        if not halves or None in counts:
            break  # with what is counted so far
        for stretch in large:
            del rows_in[stretch]
        counted = zip(halves, counts, strict=True)
        rows_in |= {half: count for half, count in counted if count is not None}
    return _bounds_between(rows_in, enough)


def _is_wide(stretch: Stretch) -> bool:
    low, high = stretch
    return high - low > 1


def _halves(stretch: Stretch) -> tuple[Stretch, Stretch]:
    low, high = stretch
    middle = (low + high) // 2
    return (low, middle), (middle, high)


def _bounds_between(rows_in: dict[Stretch, int], enough: float) -> list[int]:
    """Where one part ends and the next begins,
    each as large as it can be without having more than enough rows.

    With 50 rows enough, [0, 2) of 60 rows, [2, 4) of 30 and [4, 8) of 10 are two parts: [0, 2)
    alone, and the other two together. The one bound is 2.
    """
    bounds = []
    together = 0
    for (low, _), rows in sorted(rows_in.items()):
        if together and together + rows > enough:
            bounds.append(low)
            together = 0
        together += rows
    return bounds
