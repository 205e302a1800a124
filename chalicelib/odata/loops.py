"""LoopGuard: a source that never comes to an end would be read for ever."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceLoop

from .filters import Unwritable, read_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cursor import Cursor

MOST_EMPTY = 100  # pages in a row; a service that filters while it scans sends some
BEYOND_COUNT = 100_000  # rows more than twice as many as counted: no table grows so while it is read
FEW_KEYS = 3  # of a page
LEAST_ROWS = 10  # of a page that is known by its keys; in shorter ones the same few may come twice
MANY_KEYS = 1_000
CAPPED_COUNTS = {5_000}  # Dataverse counts no further and says no more than that


class LoopGuard:
    """Knows each page of one reading by its URL, and by its first and last row. A service that starts again may write
    another time of day into its rows, or sort them anew: so it knows the keys of a few rows of each page too.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._pages: dict[int, int] = {}  # the last page that a key was seen on
        self._keys = 0
        self._again = 0

    def refuse_again(self, url: str, rows: list[Any], *, page: int, order: Sequence[str] = ()) -> None:
        """`order` are the fields that the rows are sorted by. Raises SourceLoop, which names the page."""
        keys = _few_keys(rows, order)
        marks = {hash(url), *_ends(rows)}
        if keys and keys[0] != keys[-1]:  # else a page of rows of one key, and the next one may be so too
            marks.add(hash((len(rows), *keys)))
        if self._seen & marks or self._is_mostly_known(keys, page):
            raise SourceLoop(page=page)
        self._seen |= marks

    def _is_mostly_known(self, keys: list[int], page: int) -> bool:
        """Several rows of one key stand beside each other, on one page or on the next."""
        self._again += sum(self._pages.get(key, page) < page - 1 for key in keys)
        self._keys += len(keys)
        self._pages |= dict.fromkeys(keys, page)
        return self._keys > MANY_KEYS and self._again > self._keys / 2


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


def _few_keys(rows: list[Any], order: Sequence[str]) -> list[int]:
    """Of the first and the last row and some between them; none where a row does not tell its key."""
    if not order or len(rows) < LEAST_ROWS:
        return []
    places = [place * (len(rows) - 1) // (FEW_KEYS - 1) for place in range(FEW_KEYS)]
    try:
        members = [read_row(rows[place]) for place in places]
        return [hash(tuple(str(row[name]) for name in order)) for row in members]
    except (Unwritable, KeyError):
        return []
