"""JSON as Python's parser takes it and msgspec does not: with NaN, Infinity, lone surrogates or
broken UTF-8.

It tells where things stand and is asked for nothing else: what is of interest is cut out as it is
written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

MOST_BYTES = 16 << 20  # the parser takes several times the memory of what it reads
_PYTHON = json.JSONDecoder()


class NoJson(ValueError):
    """No JSON by any measure, or too much of it; says why in a few words."""


@dataclass(frozen=True)
class LenientDocument:
    """`members` is what stands in `text`, of each object a few members alone."""

    text: str
    members: Any

    def elements(self, path: Sequence[str]) -> list[bytes]:
        """Those of the list that the path of names leads to, as they are written."""
        texts = _texts(self.text, 0, path)
        return [text.encode("utf-8", "surrogateescape") for text in texts]


def read_leniently(body: bytes | bytearray, names: Collection[str]) -> LenientDocument:
    """Of each object the members of these names are kept. Raises NoJson."""
    if len(body) > MOST_BYTES:
        raise NoJson(
            f"it is no complete JSON, or holds NaN, Infinity or halves of characters, which are read in pages of "
            f"{MOST_BYTES >> 20} MB at most"
        )

    def pick(members: list[tuple[str, Any]]) -> dict[str, Any]:
        return {name: value for name, value in members if name in names}

    text = body.decode("utf-8", "surrogateescape")
    try:
        return LenientDocument(text, json.loads(text, object_pairs_hook=pick))
    except (ValueError, RecursionError) as exc:
        raise NoJson(f"it is no complete JSON: {exc}") from exc


def _texts(text: str, place: int, path: Sequence[str]) -> list[str]:
    """The last of several members of one name counts,
    as it does for the parser, which has found the document whole.
    """
    place = _after(text, place - 1)
    if not path:
        return _element_texts(text, place)

    elements: list[str] = []
    place = _after(text, place)  # behind the brace
    while text[place] != "}":
        name, end = _PYTHON.raw_decode(text, place)
        colon = _after(text, end - 1)
        place = _after(text, colon)
        _, end = _PYTHON.raw_decode(text, place)
        if name == path[0]:
            elements = _texts(text, place, path[1:])
        place = _next_item(text, end)
    return elements


def _element_texts(text: str, place: int) -> list[str]:
    """The elements of the list that begins there."""
    elements = []
    place = _after(text, place)
    while text[place] != "]":
        _, end = _PYTHON.raw_decode(text, place)
        elements.append(text[place:end])
        place = _next_item(text, end)
    return elements


def _next_item(text: str, end: int) -> int:
    """Where the next item begins, or the bracket that closes the list or object."""
    place = _after(text, end - 1)
    if text[place] != ",":
        return place
    return _after(text, place)


def _after(text: str, place: int) -> int:
    """The first place after this one that is no white space."""
    place += 1
    while text[place] in " \t\r\n":
        place += 1
    return place
