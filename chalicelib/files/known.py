"""Known: files that an earlier import of the same definition has read,
and that need not be read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .place import Listed

MARK_DIGITS = 12
MOST_MARKS = 2_000  # that the pointer keeps; of more files all are read each time


def mark_of(listed: Listed) -> str:
    """Another one when the file is."""
    text = f"{listed.name}\0{listed.size}\0{listed.version}"
    digest = sha256(text.encode(errors="surrogatepass"))
    return digest.hexdigest()[:MARK_DIGITS]


@dataclass(frozen=True, kw_only=True)
class Known:
    """The `marks` of all files of the import before.
    `is_one_set`: their rows are added to each other, so that when one has changed all are read.
    """

    marks: frozenset[str] = frozenset()
    is_one_set: bool = False

    def without(self, files: Sequence[Listed]) -> list[Listed]:
        """What is to be read:
        a later file holds where both have a key, so all that come after a new one are too.
        """
        marks = [mark_of(file) for file in files]
        if self.is_one_set:
            return [] if self.marks == {*marks} else list(files)

        for place, mark in enumerate(marks):
            if mark not in self.marks:
                return list(files[place:])
        return []


NOTHING_KNOWN = Known()
