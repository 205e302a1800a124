"""LoopGuard: a source that sends what it has sent before would be read for ever."""

from __future__ import annotations

import hashlib
from typing import Any

from chalicelib.errors import SourceLoop


class LoopGuard:
    """Knows each page of one reading by its URL, and by its first and last row."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def refuse_again(self, url: str, rows: list[Any], *, page: int) -> None:
        """Raises SourceLoop, which names the page."""
        marks = {hash(url), *_ends(rows)}
        if self._seen & marks:
            raise SourceLoop(page=page)
        self._seen |= marks


def _ends(rows: list[Any]) -> set[int]:
    if not rows:
        return set()
    ends = hashlib.blake2b(rows[0], digest_size=8)
    ends.update(rows[-1])
    return {hash(ends.digest())}
