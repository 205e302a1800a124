"""JsonArray: the elements of one array in a file that may be larger than memory.

The file is mapped, and looked at in windows. Where a window may be cut is tried: a text that is a
list of whole values when brackets are put around it ends at the end of an element, since no part of
one is balanced there.
"""

from __future__ import annotations

import json
import mmap
import re
from typing import TYPE_CHECKING

import msgspec

from chalicelib.errors import FileUnreadable

from .json_place import JsonPlace, Misplaced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .encoding import Text
    from .piece import Mark

WINDOW = 1 << 20  # bytes
LARGEST = 16 << 20  # of a window: an element of more is no row
MOST_TRIES = 8  # where to cut a window; elements with lists of objects in them need more
LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ELEMENT = json.JSONDecoder()
_BLANK = re.compile(r"\s*")


class JsonArray:
    """The array that the JSON pointer `records` names, else the file's own, else the first one of
    objects in it. The file must not become shorter while this lives: it is mapped, so it has to be
    nobody else's.
    """

    def __init__(self, text: Text, records: str, *, file: str) -> None:
        self._file = file
        self._text = text
        with text.path.open("rb") as opened:
            self._bytes = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self._place = JsonPlace(self._bytes, text.start, file)
        self._start = self._place.start_of(records)

    def elements(self, mark: Mark) -> Iterator[tuple[list[bytes], int]]:
        """Some at a time, and the byte behind them. Raises FileUnreadable."""
        row = mark.row
        place = mark.byte or self._start
        size = WINDOW
        while not self._is_at_end(place):
            window = self._window(place, size)
            elements = _cut(window) or self._one_by_one(window)
            if elements is None:
                size = self._larger(size, place, row)
                continue

            rows, length = elements
            place += length
            row += len(rows)
            size = WINDOW
            yield rows, place

        self._check_end(place, row)

    def _window(self, place: int, size: int) -> bytes:
        window = self._bytes[place : place + size]
        has_breaks = b"\n" in window or b"\r" in window
        return window.translate(LINE_BREAKS) if has_breaks else window

    def _larger(self, size: int, place: int, row: int) -> int:
        """Raises FileUnreadable: there is nothing more to look at, or too much of it already."""
        if place + size >= len(self._bytes):
            raise self._error(
                row,
                "is not whole, or no JSON: the file is damaged or ends early. Ask for a new copy.",
            )
        if size >= LARGEST:
            raise self._error(
                row,
                f"has more than {LARGEST >> 20} MB, or is no JSON. Look whether it is a row at all.",
            )
        return size * 4

    def _one_by_one(self, window: bytes) -> tuple[list[bytes], int] | None:
        """The elements that are whole within the window, and what they take of it.
        None where the first one is not.
        """
        text = window.decode("utf-8", "ignore")  # without a character that the window has cut
        rows: list[bytes] = []
        place = past_rows = 0  # in characters
        while True:
            try:
                start = _past_blanks(text, place)
                _, end = _ELEMENT.raw_decode(text, start)
            except (ValueError, RecursionError):
                break

            place = _past_blanks(text, end)
            sign = text[place : place + 1]
            if sign not in (",", "]"):
                break  # a number, say, may go on in the next window
            rows.append(text[start:end].encode(errors="surrogatepass"))

            if sign == "]":  # stays, and tells the next look that this is the end
                past_rows = place
                break
            place += 1
            past_rows = place

        if not rows:
            return None
        length = len(text[:past_rows].encode(errors="surrogatepass"))
        return rows, length

    def _is_at_end(self, place: int) -> bool:
        return self._place.sign_at(place) == b"]"

    def _check_end(self, place: int, row: int) -> None:
        """Whether the document goes on as one that is whole does, and nothing comes behind it."""
        try:
            end = self._place.end_of_document(place)
        except Misplaced:
            raise FileUnreadable(
                f"What follows the last row of {self._file} is no JSON: the file is damaged or ends early. Ask for a "
                "new copy.",
                file=self._file,
                row=row,
            ) from None
        if self._place.sign_at(end):
            raise FileUnreadable(
                f"{self._file} goes on behind the end of its JSON document: it may hold several documents one after "
                "another. Put all their rows into one array, or each document into a separate file.",
                file=self._file,
                row=row,
            )

    def _error(self, row: int, problem: str) -> FileUnreadable:
        return FileUnreadable(
            f"Row {row + 1:,} of {self._file} {problem}", file=self._file, row=row
        )


def _cut(window: bytes) -> tuple[list[bytes], int] | None:
    """The elements before a comma near the end, and what they take of the window.
    None where none of the tries fits.
    """
    end = len(window)
    for _ in range(MOST_TRIES):
        end = _last_comma(window, end)
        if end < 0:
            return None
        try:
            rows = _LIST.decode(b"[" + window[:end] + b"]")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        return [bytes(row) for row in rows], end + 1
    return None


def _last_comma(window: bytes, end: int) -> int:
    """Behind an object, or a list; -1 where there is none."""
    while (end := window.rfind(b",", 0, end)) > 0:
        if window[:end].rstrip()[-1:] in (b"}", b"]"):
            return end
    return -1


def _past_blanks(text: str, place: int) -> int:
    blanks = _BLANK.match(text, place)
    return blanks.end() if blanks else place
