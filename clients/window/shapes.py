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
SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Picture:
    """Transparent until something is painted on it."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._pixels: list[Pixel] = [CLEAR] * (width * height)

    def box(
        self, left: float, top: float, right: float, bottom: float, *, radius: float, colour: str
    ) -> Picture:
        """A filled rectangle with round corners."""
        return self._paint(
            box_cover(self.width, self.height, (left, top, right, bottom), radius), colour
        )

    def line(
        self, start: tuple[float, float], end: tuple[float, float], *, width: float, colour: str
    ) -> Picture:
        """A stroke with round ends."""

        def distance(x: float, y: float) -> float:
            to_middle = _distance_to_line((x, y), start, end)
            return to_middle - width / 2

        return self._paint(cover(self.width, self.height, distance), colour)

    def png(self, times: int = 1) -> bytes:
        """With its middle row and its middle column so many times."""
        column = 4 * (self.width // 2)  # four bytes a pixel
        wide = []
        for row in self._rows():
            left = row[:column]
            middle = row[column : column + 4]
            right = row[column + 4 :]
            wide.append(left + middle * times + right)
        half = self.height // 2
        above = wide[:half]
        middle_row = wide[half]
        below = wide[half + 1 :]
        tall = [*above, *[middle_row] * times, *below]
        return png(self.width + times - 1, self.height + times - 1, tall, has_alpha=True)

    def _rows(self) -> list[bytes]:
        flat = bytearray()
        for pixel in self._pixels:
            flat += bytes(round(part * 255) for part in pixel)
        size = 4 * self.width  # four bytes a pixel
        starts = range(0, len(flat), size)
        return [bytes(flat[start : start + size]) for start in starts]

    def _paint(self, shares: Iterable[float], colour: str) -> Picture:
        red, green, blue = rgb(colour)
        for place, share in enumerate(shares):
            if share:
                self._pixels[place] = over((red, green, blue, share), self._pixels[place])
        return self


def cover(width: int, height: int, distance: Callable[[float, float], float]) -> tuple[float, ...]:
    """How much of each pixel a shape covers: at its edge, where the distance is 0, half of it."""
    shares = []
    for row in range(height):
        for column in range(width):
            share = 0.5 - distance(column + 0.5, row + 0.5)
            shares.append(max(0.0, min(1.0, share)))
    return tuple(shares)


@lru_cache(maxsize=256)
def box_cover(
    width: int, height: int, edges: tuple[float, float, float, float], radius: float
) -> tuple[float, ...]:
    """The same for every colour, and many tiles differ in nothing else."""
    left, top, right, bottom = edges
    middle_x = (left + right) / 2
    middle_y = (top + bottom) / 2
    half_width = (right - left) / 2 - radius
    half_height = (bottom - top) / 2 - radius

    def distance(x: float, y: float) -> float:
        # From the rectangle within, whose corners are the middles of the round ones.
        beyond_x = abs(x - middle_x) - half_width
        beyond_y = abs(y - middle_y) - half_height
        outside = hypot(max(beyond_x, 0.0), max(beyond_y, 0.0))
        inside = min(max(beyond_x, beyond_y), 0.0)
        return outside + inside - radius

    return cover(width, height, distance)


def over(upper: Pixel, lower: Pixel) -> Pixel:
    """The one pixel on the other, neither with its alpha multiplied in."""
    of_upper = upper[3]
    through = 1 - of_upper
    alpha = of_upper + lower[3] * through
    red, green, blue = (
        (above * of_upper + below * lower[3] * through) / alpha
        for above, below in zip(upper[:3], lower[:3], strict=True)
    )
    return red, green, blue, alpha


def rgb(colour: str) -> tuple[float, float, float]:
    """Shares of 1, such as (1.0, 0.0, 0.2) of "#ff0033"."""
    red = int(colour[1:3], 16)
    green = int(colour[3:5], 16)
    blue = int(colour[5:7], 16)
    return red / 255, green / 255, blue / 255


def mix(colour: str, other: str, share: float) -> str:
    """So much of the other colour in the first."""
    mixed = "#"
    for part, other_part in zip(rgb(colour), rgb(other), strict=True):
        amount = part + (other_part - part) * share
        mixed += f"{round(amount * 255):02x}"
    return mixed


def round_tile(radius: int, fill: str, border: str = "", width: float = 1.0) -> Picture:
    """A tile for stretching: round corners and one pixel between them."""
    side = 2 * radius + 1
    picture = Picture(side, side)
    if not border:
        return picture.box(0, 0, side, side, radius=radius, colour=fill)
    picture.box(0, 0, side, side, radius=radius, colour=border)
    end = side - width
    return picture.box(width, width, end, end, radius=radius - width, colour=fill)


def toggle(height: int, track: str, knob: str, *, is_on: bool) -> Picture:
    """A switch."""
    width = round(height * 1.8)
    gap = max(2, round(height * 0.14))
    picture = Picture(width, height)
    picture.box(0, 0, width, height, radius=height / 2, colour=track)
    left = width - height + gap if is_on else gap
    size = height - 2 * gap
    right = left + size
    bottom = gap + size
    return picture.box(left, gap, right, bottom, radius=size / 2, colour=knob)


def stroke(
    points: Sequence[tuple[float, float]], *, width: float, colour: str
) -> tuple[int, int, bytes]:
    """A line through the points, with smooth edges:
    where its picture belongs, and the picture as PNG.
    """
    reach = width / 2 + 0.5
    covered: dict[tuple[int, int], float] = {}
    for start, end in pairwise(points):
        for pixel, share in _segment(start, end, reach):
            if share > covered.get(pixel, 0.0):
                covered[pixel] = share
    columns = [column for column, _ in covered]
    rows = [row for _, row in covered]
    left = min(columns)
    top = min(rows)
    wide = max(columns) + 1 - left
    high = max(rows) + 1 - top
    picture = _ink(covered, (left, top), (wide, high), colour)
    return left, top, png(wide, high, picture, has_alpha=True)


def _ink(
    covered: dict[tuple[int, int], float],
    corner: tuple[int, int],
    size: tuple[int, int],
    colour: str,
) -> Iterator[bytes]:
    """Rows of RGBA in one colour, as opaque as each pixel is covered."""
    left, top = corner
    wide, high = size
    ink = bytes(round(part * 255) for part in rgb(colour))
    rows = [bytearray((ink + b"\0") * wide) for _ in range(high)]
    for (column, row), share in covered.items():
        alpha = 4 * (column - left) + 3
        rows[row - top][alpha] = round(255 * share)
    return map(bytes, rows)


def _segment(
    start: tuple[float, float], end: tuple[float, float], reach: float
) -> Iterator[tuple[tuple[int, int], float]]:
    """How much of each pixel near it is covered; along its longer side, so that few others are
    looked at.

    A steep one is turned over its diagonal, and its pixels are turned back: from (0, 0) to (2, 9)
    it is looked at from (0, 0) to (9, 2), ten columns of a few rows each.
    """
    across = abs(end[0] - start[0])
    down = abs(end[1] - start[1])
    is_steep = down > across
    if is_steep:
        start = start[::-1]
        end = end[::-1]
    (first, height), (last, _) = start, end
    along = last - first
    slope = (end[1] - height) / along if along else 0.0
    low = min(first, last)
    high = max(first, last)
    # Rows above and below the middle: of a slope of one, more than the reach.
    spread = reach * 1.5 + 1
    for column in range(floor(low - reach), floor(high + reach) + 1):
        x = column + 0.5
        nearest_x = min(high, max(low, x))
        middle = height + (nearest_x - first) * slope
        for row in range(floor(middle - spread), floor(middle + spread) + 1):
            covered = reach - _distance_to_line((x, row + 0.5), start, end)
            if covered > 0:
                pixel = (row, column) if is_steep else (column, row)
                yield pixel, min(1.0, covered)


def _distance_to_line(
    place: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> float:
    """To the nearest point between start and end, these included."""
    x = place[0] - start[0]
    y = place[1] - start[1]
    along_x = end[0] - start[0]
    along_y = end[1] - start[1]
    length_squared = along_x * along_x + along_y * along_y or 1.0
    # How far along the line that point is: 0 at the start, 1 at the end.
    share = (x * along_x + y * along_y) / length_squared
    share = max(0.0, min(1.0, share))
    away_x = x - share * along_x
    away_y = y - share * along_y
    return hypot(away_x, away_y)


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
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))  # 0: a row without a filter
    return png_of([(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")])


def png_of(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Of chunks by their names (chapter 5)."""
    return SIGNATURE + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    length = struct.pack(">I", len(body))
    content = name + body
    checksum = struct.pack(">I", zlib.crc32(content))
    return length + content + checksum
