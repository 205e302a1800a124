"""LoopGuard: a source that never comes to an end would be read for ever."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceLoop

if TYPE_CHECKING:
    from .cursor import Cursor

MOST_EMPTY = 100  # pages in a row; a service that filters while it scans sends some
BEYOND_COUNT = 100_000  # rows more than twice as many as counted: no table grows so while it is read
CAPPED_COUNTS = {5_000}  # Dataverse counts no further and says no more than that


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


def refuse_endless(cursor: Cursor, *, page: int) -> None:
    """`cursor` is behind the page. Raises SourceLoop: pages without rows or rows without end."""
    if cursor.empty >= MOST_EMPTY and cursor.url:
        raise SourceLoop(
            f"The source sent {cursor.empty} pages in a row without a single row, each with a link to another one. Ask "
            "its operator, or set WELLHEAD_SOURCE_PAGING to skip or keys.",
            page=page,
        )
    expected = cursor.expected
    if expected is None or expected in CAPPED_COUNTS:
        return
    if cursor.delivered > 2 * expected + BEYOND_COUNT:
        raise SourceLoop(
            f"The source announced {expected:,} rows and has sent {cursor.delivered:,}, without an end. Ask its "
            "operator, or set WELLHEAD_SOURCE_PAGING to skip or keys.",
            page=page,
        )


def _ends(rows: list[Any]) -> set[int]:
    if not rows:
        return set()
    ends = hashlib.blake2b(rows[0], digest_size=8)
    ends.update(rows[-1])
    return {hash(ends.digest())}
