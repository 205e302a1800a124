"""Rounded shapes with smooth edges, as PNG in memory: ttk's own elements are square.

A picture is painted layer by layer; sizes are pixels, colours `#rrggbb`.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from itertools import pairwise
from math import floor, hypot
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Pixel = tuple[float, float, float, float]
CLEAR: Pixel = (0.0, 0.0, 0.0, 0.0)


class Picture:
    """Transparent until something is painted on it."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._pixels: list[Pixel] = [CLEAR] * (width * height)

    def box(self, left: float, top: float, right: float, bottom: float, *, radius: float, colour: str) -> Picture:
        """A filled rectangle with round corners."""
        return self._paint(box_cover(self.width, self.height, (left, top, right, bottom), radius), colour)

    def line(self, start: tuple[float, float], end: tuple[float, float], *, width: float, colour: str) -> Picture:
        """A stroke with round ends."""
        along_x, along_y = end[0] - start[0], end[1] - start[1]
        length = along_x * along_x + along_y * along_y or 1.0

        def distance(x: float, y: float) -> float:
            share = ((x - start[0]) * along_x + (y - start[1]) * along_y) / length
            share = max(0.0, min(1.0, share))
            return hypot(x - start[0] - share * along_x, y - start[1] - share * along_y) - width / 2

        return self._paint(cover(self.width, self.height, distance), colour)

    def png(self, times: int = 1) -> bytes:
        """With its middle row and its middle column so many times."""
        rows, middle = self._rows(), (self.width // 2) * 4
        wide = [row[:middle] + row[middle : middle + 4] * times + row[middle + 4 :] for row in rows]
        half = self.height // 2
        tall = wide[:half] + [wide[half]] * times + wide[half + 1 :]
        return png(self.width + times - 1, self.height + times - 1, tall, has_alpha=True)

    def _rows(self) -> list[bytes]:
        flat = bytes(round(part * 255) for pixel in self._pixels for part in pixel)
        return [flat[start : start + 4 * self.width] for start in range(0, len(flat), 4 * self.width)]

    def _paint(self, shares: Iterable[float], colour: str) -> Picture:
        red, green, blue = rgb(colour)
        for place, share in enumerate(shares):
            if share:
                self._pixels[place] = over((red, green, blue, share), self._pixels[place])
        return self


def cover(width: int, height: int, distance: Callable[[float, float], float]) -> tuple[float, ...]:
    """How much of each pixel a shape covers: at its edge, where the distance is 0, half of it."""
    places = ((column + 0.5, row + 0.5) for row in range(height) for column in range(width))
    return tuple(max(0.0, min(1.0, 0.5 - distance(x, y))) for x, y in places)


@lru_cache(maxsize=256)
def box_cover(width: int, height: int, edges: tuple[float, float, float, float], radius: float) -> tuple[float, ...]:
    """The same for every colour, and many tiles differ in nothing else."""
    left, top, right, bottom = edges
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    half_x, half_y = (right - left) / 2 - radius, (bottom - top) / 2 - radius

    def distance(x: float, y: float) -> float:
        beyond_x, beyond_y = abs(x - middle_x) - half_x, abs(y - middle_y) - half_y
        outside = hypot(max(beyond_x, 0.0), max(beyond_y, 0.0))
        return outside + min(max(beyond_x, beyond_y), 0.0) - radius

    return cover(width, height, distance)


def over(upper: Pixel, lower: Pixel) -> Pixel:
    """The one pixel on the other, neither with its alpha multiplied in."""
    alpha = upper[3] + lower[3] * (1 - upper[3])
    red, green, blue = (
        (above * upper[3] + below * lower[3] * (1 - upper[3])) / alpha
        for above, below in zip(upper[:3], lower[:3], strict=True)
    )
    return red, green, blue, alpha


def rgb(colour: str) -> tuple[float, float, float]:
    """Shares of 1."""
    return int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255


def mix(colour: str, other: str, share: float) -> str:
    """So much of the other colour in the first."""
    parts = (a + (b - a) * share for a, b in zip(rgb(colour), rgb(other), strict=True))
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def rounded(radius: int, fill: str, border: str = "", width: float = 1.0) -> Picture:
    """A tile for stretching: round corners and one pixel between them."""
    side = 2 * radius + 1
    picture = Picture(side, side)
    if not border:
        return picture.box(0, 0, side, side, radius=radius, colour=fill)
    picture.box(0, 0, side, side, radius=radius, colour=border)
    return picture.box(width, width, side - width, side - width, radius=radius - width, colour=fill)


def toggle(height: int, track: str, knob: str, *, is_on: bool) -> Picture:
    """A switch."""
    width, gap = round(height * 1.8), max(2, round(height * 0.14))
    picture = Picture(width, height).box(0, 0, width, height, radius=height / 2, colour=track)
    left = width - height + gap if is_on else gap
    size = height - 2 * gap
    return picture.box(left, gap, left + size, gap + size, radius=size / 2, colour=knob)


def stroke(points: Sequence[tuple[float, float]], *, width: float, colour: str) -> tuple[int, int, bytes]:
    """A line through the points, with smooth edges: where its picture belongs, and the picture as PNG."""
    reach = width / 2 + 0.5
    covered: dict[tuple[int, int], float] = {}
    for start, end in pairwise(points):
        for (column, row), share in _segment(start, end, reach):
            if share > covered.get((column, row), 0.0):
                covered[column, row] = share
    left, top = (int(min(place[axis] for place in covered)) for axis in (0, 1))
    wide, high = (max(place[axis] for place in covered) + 1 - first for axis, first in ((0, left), (1, top)))
    ink = bytes(round(part * 255) for part in rgb(colour))
    rows = [bytearray((ink + b"\0") * wide) for _ in range(high)]
    for (column, row), share in covered.items():
        rows[row - top][4 * (column - left) + 3] = round(255 * share)
    return left, top, png(wide, high, map(bytes, rows), has_alpha=True)


def _segment(
    start: tuple[float, float], end: tuple[float, float], reach: float
) -> Iterator[tuple[tuple[int, int], float]]:
    """How much of each pixel near it is covered; along its longer side, so that few others are looked at."""
    (x0, y0), (x1, y1) = start, end
    is_steep = abs(y1 - y0) > abs(x1 - x0)
    if is_steep:
        x0, y0, x1, y1 = y0, x0, y1, x1
    along, aside = x1 - x0, y1 - y0
    length = along * along + aside * aside or 1.0
    slope = aside / along if along else 0.0
    low, high, spread = min(x0, x1), max(x0, x1), reach * 1.5 + 1
    for column in range(floor(low - reach), floor(high + reach) + 1):
        x = column + 0.5
        middle = y0 + (min(high, max(low, x)) - x0) * slope
        for row in range(floor(middle - spread), floor(middle + spread) + 1):
            y = row + 0.5
            share = max(0.0, min(1.0, ((x - x0) * along + (y - y0) * aside) / length))
            cover = reach - hypot(x - x0 - share * along, y - y0 - share * aside)
            if cover > 0:
                yield ((row, column) if is_steep else (column, row)), min(1.0, cover)


def emblem(side: int, fill: str, ink: str) -> Picture:
    """The mark of the product: a derrick over its ground."""
    picture = Picture(side, side).box(0, 0, side, side, radius=side * 0.24, colour=fill)
    stroke = side * 0.075
    strokes = [
        ((0.5, 0.2), (0.29, 0.74)),
        ((0.5, 0.2), (0.71, 0.74)),
        ((0.42, 0.42), (0.58, 0.42)),
        ((0.36, 0.58), (0.64, 0.58)),
        ((0.22, 0.78), (0.78, 0.78)),
    ]
    for (x0, y0), (x1, y1) in strokes:
        picture.line((x0 * side, y0 * side), (x1 * side, y1 * side), width=stroke, colour=ink)
    return picture


def png(width: int, height: int, rows: Iterable[bytes], *, has_alpha: bool) -> bytes:
    """Of rows of 8-bit RGB or RGBA (PNG specification, chapters 9 and 11.2)."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6 if has_alpha else 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
