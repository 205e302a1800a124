"""A line over time out of braille signs: each sign is two dots wide and four high."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clients.api.periods import follows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a sign, by row and column (Unicode, block 2800)


class Point(NamedTuple):
    """The value of a period of so many `days`; one that is missing after it breaks the line."""

    day: date
    value: float
    days: int = 31


def plot(points: Sequence[Point], *, width: int, height: int = 12, braille: bool = True) -> list[str]:
    """Lines of at most `width` signs (at least 40): the line between a scale from zero to the highest value and the
    first and last day. Without `braille` each sign that has a dot is an asterisk. No points, no lines.
    """
    if not points:
        return []
    low, high = min(0.0, *(point.value for point in points)), max(0.0, *(point.value for point in points))
    labels = [_label(high), _label(low)]
    margin = max(map(len, labels))
    canvas = _Canvas(max(width - margin - 2, 20), height)
    _draw(points, canvas, low, high)
    marks = {0: labels[0], height - 1: labels[1]}
    body = [f"{marks.get(row, ''):>{margin}} ┤{signs}" for row, signs in enumerate(canvas.rows(braille=braille))]
    first, last = (point.day.isoformat() for point in (min(points), max(points)))
    axis = f"{first}{last:>{canvas.columns - len(first)}}"
    return [*(line if braille else line.replace("┤", "|") for line in body), f"{'':>{margin}}  {axis}"]


def _label(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004  where digits need no point


class _Canvas:
    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        self.across, self.down = columns * 2 - 1, rows * 4 - 1  # the last dot of each
        self._signs = [[0] * columns for _ in range(rows)]

    def dot(self, x: int, y: int) -> None:
        self._signs[y // 4][x // 2] |= DOTS[y % 4][x % 2]

    def line(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            x, y = (round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True))
            self.dot(x, y)

    def rows(self, *, braille: bool) -> Iterator[str]:
        for row in self._signs:
            signs = "".join(chr(BRAILLE + sign) if braille else "*" if sign else " " for sign in row)
            yield signs.replace(chr(BRAILLE), " ").rstrip()


def _draw(points: Sequence[Point], canvas: _Canvas, low: float, high: float) -> None:
    ordered = sorted(points)
    start, days = ordered[0].day, max((ordered[-1].day - ordered[0].day).days, 1)

    def place(point: Point) -> tuple[int, int]:
        x = round(canvas.across * (point.day - start).days / days)
        return x, round(canvas.down * (high - point.value) / ((high - low) or 1.0))

    before = ordered[0]
    for point in ordered:
        is_next = follows(before.day, before.days, point.day)
        canvas.line(place(before) if is_next else place(point), place(point))
        before = point
