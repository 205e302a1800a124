"""A line over time out of braille signs: each sign is two dots wide and four high."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clients.api.periods import follows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

BRAILLE = 0x2800
# Of a sign, by row and column (Unicode, block 2800).
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Point(NamedTuple):
    """The value of a period of so many `days`; one that is missing after it breaks the line."""

    day: date
    value: float
    days: int = 31


def plot(
    points: Sequence[Point], *, width: int, height: int = 12, braille: bool = True
) -> list[str]:
    """Lines of at most `width` signs (at least 40): the line between a scale from zero to the
    highest value and the first and last day. Without `braille` each sign that has a dot is an
    asterisk. No points, no lines.
    """
    if not points:
        return []
    values = [point.value for point in points]
    low = min(0.0, *values)
    high = max(0.0, *values)
    labels = {0: _label(high), height - 1: _label(low)}
    margin = max(map(len, labels.values()))
    canvas = _Canvas(max(width - margin - 2, 20), height)
    _draw(points, canvas, low, high)
    tick = "┤" if braille else "|"
    lines = []
    for row, signs in enumerate(canvas.rows(braille=braille)):
        lines.append(f"{labels.get(row, ''):>{margin}} {tick}{signs}")
    first = min(points).day.isoformat()
    last = max(points).day.isoformat()
    between = canvas.columns - len(first)
    lines.append(f"{'':>{margin}}  {first}{last:>{between}}")
    return lines


def _label(value: float) -> str:
    is_large = abs(value) >= 1000  # noqa: PLR2004  where digits need no point
    return f"{value:,.0f}" if is_large else f"{value:.3g}"


class _Canvas:
    def __init__(self, columns: int, rows: int) -> None:
        self.columns = columns
        # the last dot of each
        self.across = columns * 2 - 1
        self.down = rows * 4 - 1
        self._signs = [[0] * columns for _ in range(rows)]

    def dot(self, x: int, y: int) -> None:
        """A sign of braille is two dots wide and four high: the dot (5, 9) is in the third sign of
        the third row, there at the right, second from above.
        """
        row = self._signs[y // 4]
        row[x // 2] |= DOTS[y % 4][x % 2]

    def line(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        first_x, first_y = start
        last_x, last_y = end
        across = last_x - first_x
        down = last_y - first_y
        steps = max(abs(across), abs(down), 1)
        for step in range(steps + 1):
            x = first_x + across * step / steps
            y = first_y + down * step / steps
            self.dot(round(x), round(y))

    def rows(self, *, braille: bool) -> Iterator[str]:
        for row in self._signs:
            if braille:
                signs = "".join(chr(BRAILLE + sign) if sign else " " for sign in row)
            else:
                signs = "".join("*" if sign else " " for sign in row)
            yield signs.rstrip()


def _draw(points: Sequence[Point], canvas: _Canvas, low: float, high: float) -> None:
    ordered = sorted(points)
    first = ordered[0].day
    days = max((ordered[-1].day - first).days, 1)
    span = (high - low) or 1.0

    def place(point: Point) -> tuple[int, int]:
        days_since_first = (point.day - first).days
        x = canvas.across * days_since_first / days
        y = canvas.down * (high - point.value) / span
        return round(x), round(y)

    before = ordered[0]
    for point in ordered:
        is_next = follows(before.day, before.days, point.day)
        start = before if is_next else point
        canvas.line(place(start), place(point))
        before = point
