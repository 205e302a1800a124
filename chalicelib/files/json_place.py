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
_BRACKETS = re.compile(rb"[{}\[\]]|" + STRING, re.DOTALL)
SHOWN = 100  # characters of a pointer
OPENERS = (b"{", b"[")


class Misplaced(Exception):
    """The document is no JSON there."""


class JsonPlace:
    def __init__(self, document: mmap.mmap, start: int, file: str) -> None:
        self._document = document
        self._root = self._past_blanks(start)
        self._file = file

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

    def is_closed_after(self, place: int) -> bool:
        """Whether nothing follows the array's bracket at this place,
        or the array or object around it ends with the document.
        """
        bracket = self._past_blanks(place)
        is_array = self._document[self._root : self._root + 1] == b"["
        if is_array and bracket > self._root:
            return not self.sign_at(bracket + 1) or self._ends_with(b"]")
        return self._ends_with(b"}")

    def _ends_with(self, sign: bytes) -> bool:
        end = bytes(self._document[-1000:])
        return end.rstrip().endswith(sign)

    # -- on the way ---------------------------------------------------------------------------

    def _likely(self) -> int | None:
        """The document, where it is an array;
        else the first of its members that is an array of objects.
        """
        if self.sign_at(self._root) == b"[":
            return self._root
        for _, value in self._members(self._root):
            if self.sign_at(value) == b"[" and self._first_sign_in(value) in (b"{", b"]"):
                return value
        return None

    def _first_sign_in(self, array: int) -> bytes:
        return self.sign_at(self._past_blanks(array) + 1)

    def _place_of(self, pointer: str) -> int | None:
        """Of /data/rows: the document's member data, and of that the member rows."""
        place: int | None = self._root
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")  # in this order: ~01 is ~1, and no /
            place = None if place is None else self._child(place, name)
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
        while self.sign_at(place) == b'"':
            name = _STRING.match(self._document, self._past_blanks(place))
            if name is None or self.sign_at(name.end()) != b":":
                raise Misplaced

            value = self._past_blanks(name.end()) + 1
            yield _as_name(name[0]), value
            place = self._behind(value)
        if self.sign_at(place) != b"}":
            raise Misplaced

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

        end = self._past_blanks(end)
        has_comma = self._document[end : end + 1] == b","
        return end + 1 if has_comma else end

    def _behind_brackets(self, place: int) -> int:
        depth = 0
        for match in _BRACKETS.finditer(self._document, place):
            if match[0] in OPENERS:
                depth += 1
            elif match[0][:1] != b'"':  # brackets within a string count for nothing
                depth -= 1
            if not depth:
                return match.end()
        raise Misplaced

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
