"""Pages that a parser would take, and an import must not:
one of millions of rows, or one that has its rows twice.
"""

from __future__ import annotations

import json
import random
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from . import lenient_json

if TYPE_CHECKING:
    from collections.abc import Sequence

_COUNTED_BYTES = 1 << 20  # at a time, of the rows of a page that may have too many
_STRIDES = (61, 67, 71, 73, 79, 83, 89, 97)  # primes: none falls in step with short rows


class _Outline(msgspec.Struct):
    """The rows as one text, so that any number of them takes no memory."""

    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    d: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    results: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_OUTLINE = msgspec.json.Decoder(_Outline)
_RAW_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


# -- too many rows ----------------------------------------------------------------------------------


def has_more_rows(body: bytes | bytearray, most: int) -> bool:
    """Whether the page has more than about `most`, in bounded memory. False for what is no page.

    A hundred MB of `{},` would be 33 million rows, and 2 GB of memory. Only a page with so many
    commas is looked at closely; a random sample tells of most pages that they have not.
    """
    stride = random.choice(_STRIDES)  # noqa: S311
    commas_by_sample = stride * body[::stride].count(b",")
    if 2 * commas_by_sample < most or body.count(b",") < most:
        return False

    try:
        outline = _OUTLINE.decode(body)
        if isinstance(outline.d, msgspec.Raw) and _begins_object(outline.d):  # of v2
            outline = _OUTLINE.decode(memoryview(outline.d))
    except (msgspec.DecodeError, RecursionError):
        return False  # and will be refused

    for rows in (outline.value, outline.results, outline.d):
        if isinstance(rows, msgspec.Raw) and _has_more(memoryview(rows), most):
            return True
    return False


def _begins_object(text: msgspec.Raw) -> bool:
    return bytes(memoryview(text)[:1]) == b"{"


def _has_more(rows: memoryview, most: int) -> bool:
    """Rows are counted piece by piece, each cut after what looks like the end of a row and then is
    one. A piece without a whole row is taken again, eight times as large.
    """
    place = 1  # behind the bracket
    size = _COUNTED_BYTES
    count = 0
    while place < len(rows) - 1 and count <= most:
        piece = bytes(rows[place : place + size])
        is_enlarged = size > _COUNTED_BYTES
        if is_enlarged and (piece.count(b",") > most or size > lenient_json.MOST_BYTES):
            return True  # or rows so long that they are none

        length, whole_rows = _whole_rows(piece)
        place += length
        count += whole_rows
        size = _COUNTED_BYTES if whole_rows else size * 8

        while bytes(rows[place : place + 1]) in (b" ", b"\t", b","):
            place += 1
    return count > most


def _whole_rows(piece: bytes, tries: int = 8) -> tuple[int, int]:
    """How long the whole rows at the beginning of the piece are, and how many;
    nothing when their end is not found.
    """
    end = len(piece)
    for _ in range(tries):
        end = piece.rfind(b"}", 0, end)
        if end < 0:
            break
        length = end + 1
        try:
            rows = _RAW_ROWS.decode(b"[" + piece[:length] + b"]")
        except (msgspec.DecodeError, RecursionError):
            continue  # the brace is one within a row: an earlier one may end it
        return length, len(rows)
    return 0, 0


# -- the rows twice ---------------------------------------------------------------------------------


def repeated_member(
    body: bytes | bytearray, rows: Sequence[Any], names: Sequence[str]
) -> str | None:
    """Which of the members that may hold the rows stands twice.
    The parser keeps the last one, and the rows of the first would be lost in silence.
    """
    is_too_large = len(body) > lenient_json.MOST_BYTES  # to be looked at more closely
    rest = _without_rows(body, rows)
    for name in names:
        times = _times_of(name, rest)
        if times > 1 and rest is body:
            times -= sum(_times_of(name, bytes(row)) for row in rows)

        if times > 1 and (is_too_large or _has_twice(body, name)):
            return name
    return None


def _times_of(name: str, text: bytes | bytearray) -> int:
    r"""How often the name stands there in quotes, its letters escaped or not: JSON may have
    `"value"` as `"\u0076alue"`.
    """
    if b"\\u00" in text:
        return len(_in_any_writing(name).findall(text))
    return text.count(f'"{name}"'.encode())


@cache
def _in_any_writing(name: str) -> re.Pattern[bytes]:
    letters = (f"(?:{letter}|\\\\u00(?i:{ord(letter):02x}))" for letter in name)
    pattern = "".join(letters)
    return re.compile(f'"{pattern}"'.encode())


def _without_rows(body: bytes | bytearray, rows: Sequence[Any]) -> bytes | bytearray:
    """What stands around the rows, which is little to search;
    all of it when there are blanks between them.
    """
    if not rows:
        return body

    last_row = memoryview(rows[-1])
    size = sum(map(len, rows)) + len(rows) - 1  # with a comma between two of them
    start = body.find(memoryview(rows[0]))
    end = start + size
    if memoryview(body)[end - len(last_row) : end] != last_row:
        return body
    return body[:start] + body[end:]


def _has_twice(body: bytes | bytearray, name: str) -> bool:
    """Whether the outermost object has the member twice;
    the results of v2, which stand further in, any object.
    """
    have_twice: list[bool] = []  # of each object, the outermost one last

    def look(members: list[tuple[str, Any]]) -> None:
        times = sum(member == name for member, _ in members)
        have_twice.append(times > 1)

    text = body.decode("utf-8", "surrogateescape")
    json.loads(text, object_pairs_hook=look)
    return any(have_twice) if name == "results" else have_twice[-1]
