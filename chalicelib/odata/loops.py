"""LoopGuard: a source that never comes to an end would be read for ever."""

from __future__ import annotations

import functools
import hashlib
import operator
from typing import TYPE_CHECKING, Any

from chalicelib.errors import SourceLoop

from .filters import Unwritable, read_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cursor import Cursor

MOST_EMPTY = 100  # pages in a row; a service that filters while it scans sends some
# Rows more than twice as many as counted: no table grows so while it is read.
BEYOND_COUNT = 100_000
FEW_ROWS = 3  # of a page that are looked into
LEAST_ROWS = 10  # of a page that is looked into; in shorter ones the same few may come twice
MOST_FIELDS = 200  # of a row that is looked into
BEGINNING = 1_000  # pages; a service that starts again does so with one of them
MANY_KEYS = 1_000
MOST_KEYS = 30_000  # that are kept
MOSTLY = 0.9
CAPPED_COUNTS = {5_000}  # Dataverse counts no further and says no more than that


class LoopGuard:
    """Knows each page of one reading by its URL, and by its first and last row.

    Where nothing tells how many rows there are, a few rows of each page are looked into: a service
    that starts again may write another time of day into them, or sort them anew.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._pages: dict[int, int] = {}  # the last page that a key was seen on
        self._keys = 0
        self._again = 0

    def refuse_again(
        self, url: str, rows: list[Any], *, page: int, order: Sequence[str] = ()
    ) -> None:
        """`order` are the fields that the rows are sorted by, of a source that does not count.
        Raises SourceLoop, which names the page.
        """
        few_rows = _few_rows(rows, order)
        keys = [_key_of(row, order) for row in few_rows]
        marks = {hash(url), *_ends(rows)}
        near_marks: set[int] = set()
        if len(set(keys)) > 1:
            near_marks = _all_but_one_field(few_rows, order, len(rows))

        is_known = bool(self._seen & (marks | near_marks))
        if is_known or self._is_mostly_known(keys, page):
            raise SourceLoop(page=page)

        self._seen |= marks
        if page <= BEGINNING:
            self._seen |= near_marks

    def _is_mostly_known(self, keys: list[int], page: int) -> bool:
        """Whether nearly all keys of the reading were on an earlier page than the one before:
        several rows of one key stand beside each other, on one page or on the next.
        """
        earlier = [key for key in keys if self._pages.get(key, page) < page - 1]
        self._again += len(earlier)
        self._keys += len(keys)
        if len(self._pages) < MOST_KEYS:
            self._pages |= dict.fromkeys(keys, page)
        is_enough = self._keys > MANY_KEYS
        return is_enough and self._again > MOSTLY * self._keys


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


def _key_of(row: dict[str, Any], order: Sequence[str]) -> int:
    values = [str(row.get(name)) for name in order]
    return hash(tuple(values))


def _ends(rows: list[Any]) -> set[int]:
    if not rows:
        return set()
    digest = hashlib.blake2b(rows[0], digest_size=8)
    digest.update(rows[-1])
    return {hash(digest.digest())}


def _few_rows(rows: list[Any], key: Sequence[str]) -> list[dict[str, Any]]:
    """The first and the last row and some between them;
    none where one of them cannot be read or has no key.
    """
    if len(rows) < LEAST_ROWS or not key:
        return []
    places = [place * (len(rows) - 1) // (FEW_ROWS - 1) for place in range(FEW_ROWS)]
    try:
        few_rows = [read_row(rows[place]) for place in places]
    except Unwritable:
        return []
    has_nulls = any(row.get(name) is None for row in few_rows for name in key)
    return [] if has_nulls else few_rows


def _all_but_one_field(few_rows: list[dict[str, Any]], key: Sequence[str], rows: int) -> set[int]:
    """A mark for each field beside the key that is left out, so that two pages have one in common
    where they differ in that alone.

    Of fields a, b, c the marks are of b and c, of a and c, of a and b: hashes are put together by
    XOR, so each is all of them XOR the one that is left out.
    """
    names = few_rows[0].keys()
    if len(names) > MOST_FIELDS:
        return set()

    hash_by_field: dict[str, int] = {}
    for name in names:
        values = [str(row.get(name)) for row in few_rows]
        hash_by_field[name] = hash((name, *values))
    all_fields = functools.reduce(operator.xor, hash_by_field.values(), rows)

    beside_key = [value for name, value in hash_by_field.items() if name not in key]
    return {hash((all_fields ^ left_out, "but one")) for left_out in beside_key}
