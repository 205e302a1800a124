"""JsonPlace: where in a JSON document something begins, found without building any of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from chalicelib.errors import FileUnreadable

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

# `*+` and `++` give nothing back: what does not fit is not read in any other way, however long it
# is.
STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BLANKS = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(STRING, re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]++")
# Up to the next bracket that counts. A flat object or list is passed over with what is around it, so
# that a long array of such takes one match.
_PLAIN = rb'[^"{}\[\]]++|' + STRING
_FLAT = rb"\{(?:" + _PLAIN + rb")*+\}|\[(?:" + _PLAIN + rb")*+\]"
_BRACKET = re.compile(rb"(?:" + _PLAIN + rb"|" + _FLAT + rb")*+([{}\[\]])", re.DOTALL)
SHOWN = 100  # characters of a pointer
OPENERS = (b"{", b"[")
CLOSERS = {b"{": b"}", b"[": b"]"}


class Misplaced(Exception):
    """The document is no JSON there."""


class JsonPlace:
    def __init__(self, document: mmap.mmap, start: int, file: str) -> None:
        self._document = document
        self._root = self._past_blanks(start)
        self._file = file
        self._around: list[int] = []  # the containers of the rows, from the outermost on

    def start_of(self, pointer: str) -> int:
        """The byte where the first element may stand of the array that the pointer names (RFC
        6901); without one, of the document itself, or of the first array of objects in it. Raises
        FileUnreadable.
        """
        try:
            place = self._place_of(pointer) if pointer else self._likely()
        except Misplaced:
            raise FileUnreadable(
                f"{self._file} is damaged or ends early before its rows begin. Ask for a new copy.",
                file=self._file,
            ) from None
        if place is None or self.sign_at(place) != b"[":
            raise self._no_array(pointer)
        return self._past_blanks(place) + 1

    def sign_at(self, place: int) -> bytes:
        """The next sign that is no blank; empty at the end."""
        place = self._past_blanks(place)
        return bytes(self._document[place : place + 1])

    def end_of_document(self, place: int) -> int:
        """The byte behind the document whose rows end with the bracket at this place.
        Raises Misplaced.
        """
        end = self._past_blanks(place) + 1
        for opener in reversed(self._around):
            end = self._end_of(opener, self._past_comma(end))
        return end

    def _end_of(self, opener: int, place: int) -> int:
        """Behind the object or array that begins at `opener`, of which all before `place` is known.
        Raises Misplaced.
        """
        around = self.sign_at(opener)
        while (sign := self.sign_at(place)) not in (b"}", b"]", b""):
            value = self._member_at(place)[1] if around == b"{" else place
            place = self._behind(value)
        if sign != CLOSERS[around]:
            raise Misplaced
        return self._past_blanks(place) + 1

    # -- on the way ---------------------------------------------------------------------------

    def _likely(self) -> int | None:
        """The document, where it is an array; else the first of its members that is an array of
        objects, or where there is none, one that is empty.
        """
        if self.sign_at(self._root) == b"[":
            return self._root
        self._around = [self._root]
        empty = None
        for _, value in self._members(self._root):
            if self.sign_at(value) != b"[":
                continue
            sign = self._first_sign_in(value)
            if sign == b"{":
                return value
            if sign == b"]" and empty is None:
                empty = value
        return empty

    def _first_sign_in(self, array: int) -> bytes:
        return self.sign_at(self._past_blanks(array) + 1)

    def _place_of(self, pointer: str) -> int | None:
        """Of /data/rows: the document's member data, and of that the member rows."""
        place: int | None = self._root
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")  # in this order: ~01 is ~1, and no /
            if place is None:
                return None
            self._around.append(place)
            place = self._child(place, name)
        return place

    def _child(self, place: int, name: str) -> int | None:
        sign = self.sign_at(place)
        if sign == b"{":
            members = self._members(place)
            return next((value for member, value in members if member == name), None)
        if sign == b"[" and name.isdigit():
            elements = enumerate(self._elements(place))
            return next((value for number, value in elements if number == int(name)), None)
        return None

    def _members(self, place: int) -> Iterator[tuple[str, int]]:
        """Each name of an object, and where its value begins. Raises Misplaced."""
        place = self._past_blanks(place) + 1
        while self.sign_at(place) != b"}":
            name, value = self._member_at(place)
            yield _as_name(name), value
            place = self._behind(value)

    def _member_at(self, place: int) -> tuple[bytes, int]:
        """The name as it is written, and where the value begins. Raises Misplaced."""
        name = _STRING.match(self._document, self._past_blanks(place))
        if name is None or self.sign_at(name.end()) != b":":
            raise Misplaced
        return name[0], self._past_blanks(name.end()) + 1

    def _elements(self, place: int) -> Iterator[int]:
        place = self._past_blanks(place) + 1
        while self.sign_at(place) not in (b"]", b""):
            yield place
            place = self._behind(place)

    def _behind(self, place: int) -> int:
        """Behind a value, and the comma after it. Raises Misplaced."""
        place = self._past_blanks(place)
        sign = self.sign_at(place)
        if sign in OPENERS:
            end = self._behind_brackets(place)
        else:
            pattern = _STRING if sign == b'"' else _SCALAR
            match = pattern.match(self._document, place)
            if match is None:
                raise Misplaced
            end = match.end()

        return self._past_comma(end)

    def _behind_brackets(self, place: int) -> int:
        """Raises Misplaced."""
        depth = 1
        place += 1
        while depth:
            match = _BRACKET.match(self._document, place)
            if match is None:
                raise Misplaced
            depth += 1 if match[1] in OPENERS else -1
            place = match.end()
        return place

    def _past_comma(self, place: int) -> int:
        place = self._past_blanks(place)
        has_comma = self._document[place : place + 1] == b","
        return place + 1 if has_comma else place

    def _past_blanks(self, place: int) -> int:
        blanks = _BLANKS.match(self._document, place)
        return blanks.end() if blanks else place

    def _no_array(self, pointer: str) -> FileUnreadable:
        what = f'no array at "{pointer[:SHOWN]}"' if pointer else "no array of objects"
        return FileUnreadable(
            f'{self._file} has {what}. Say in the definition where its rows are, such as records = "/data/rows".',
            file=self._file,
        )


def _as_name(name: bytes) -> str:
    """Raises Misplaced."""
    try:
        return str(json.loads(name))
    except ValueError:
        raise Misplaced from None
