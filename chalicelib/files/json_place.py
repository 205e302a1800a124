"""JsonPlace: where in a JSON document something begins, found without building any of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from chalicelib.errors import FileUnreadable

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

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
            at = self._place_of(pointer) if pointer else self._likely()
        except Misplaced:
            raise FileUnreadable(
                f"{self._file} is damaged or ends early before its rows begin. Ask for a new copy.",
                file=self._file,
            ) from None
        if at is None or self.sign_at(at) != b"[":
            raise self._no_array(pointer)
        return self._past_blanks(at) + 1

    def sign_at(self, at: int) -> bytes:
        """The next sign that is no blank; empty at the end."""
        at = self._past_blanks(at)
        return bytes(self._document[at : at + 1])

    def is_closed_after(self, at: int) -> bool:
        """Whether nothing follows the array's bracket at `at`,
        or the object around it ends with the document.
        """
        if (
            self._document[self._root : self._root + 1] == b"["
            and self._past_blanks(at) > self._root
        ):
            return not self.sign_at(self._past_blanks(at) + 1) or self._ends_with(b"]")
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
        for _, at in self._members(self._root):
            if self.sign_at(at) == b"[" and self.sign_at(self._past_blanks(at) + 1) in (b"{", b"]"):
                return at
        return None

    def _place_of(self, pointer: str) -> int | None:
        at: int | None = self._root
        for part in pointer.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            at = None if at is None else self._child(at, name)
        return at

    def _child(self, at: int, name: str) -> int | None:
        sign = self.sign_at(at)
        if sign == b"{":
            return next((value for key, value in self._members(at) if key == name), None)
        if sign == b"[" and name.isdigit():
            return next(
                (value for place, value in enumerate(self._elements(at)) if place == int(name)),
                None,
            )
        return None

    def _members(self, at: int) -> Iterator[tuple[str, int]]:
        """Each name of an object, and where its value begins. Raises Misplaced."""
        at = self._past_blanks(at) + 1
        while self.sign_at(at) == b'"':
            name = _STRING.match(self._document, self._past_blanks(at))
            if name is None or self.sign_at(name.end()) != b":":
                raise Misplaced
            value = self._past_blanks(name.end()) + 1
            yield _as_name(name[0]), value
            at = self._behind(value)
        if self.sign_at(at) != b"}":
            raise Misplaced

    def _elements(self, at: int) -> Iterator[int]:
        at = self._past_blanks(at) + 1
        while self.sign_at(at) not in (b"]", b""):
            yield at
            at = self._behind(at)

    def _behind(self, at: int) -> int:
        """Behind a value, and the comma after it. Raises Misplaced."""
        at = self._past_blanks(at)
        sign = self.sign_at(at)
        if sign in OPENERS:
            end = self._behind_brackets(at)
        else:
            found = (_STRING if sign == b'"' else _SCALAR).match(self._document, at)
            if found is None:
                raise Misplaced
            end = found.end()
        end = self._past_blanks(end)
        return end + (self._document[end : end + 1] == b",")

    def _behind_brackets(self, at: int) -> int:
        depth = 0
        for found in _BRACKETS.finditer(self._document, at):
            if found[0] in OPENERS:
                depth += 1
            elif found[0][:1] != b'"':
                depth -= 1
            if not depth:
                return found.end()
        raise Misplaced

    def _past_blanks(self, at: int) -> int:
        found = _BLANKS.match(self._document, at)
        return found.end() if found else at

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
