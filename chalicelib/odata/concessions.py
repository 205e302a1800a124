"""Concessions: what a request leaves out, or asks less for, when the source refuses it as it is.

Services are free to leave out `$count` and `$orderby` and to bound `$top`; they answer 501, or 400.
Nothing says beforehand which: the capabilities that `$metadata` may declare are seldom true. So
each is tried once, with the first page, and the cursor keeps what came of it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.errors import SourceError, SourceRefused, SourceTooLarge, SourceTooSlow

from .reading import Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cursor import Cursor

BAD_REQUEST, NOT_IMPLEMENTED = 400, 501
SMALLER = (1_000, 100)  # usual limits of $top
MOST_SHRUNK = 2  # times that a page is asked for anew, a tenth as large


def concessions(
    cursor: Cursor, exc: SourceError, *, page_size: int, last_rows: int
) -> Iterator[Cursor]:
    """Other cursors for the same rows, the most promising first;
    the request of each is still to be written. `last_rows` came with the page before.
    """
    top = cursor.top or None
    if top is None and not _is_without_top(cursor):
        top = page_size

    is_unbounded_and_slow = isinstance(exc, SourceTooSlow) and top is None
    if isinstance(exc, SourceTooLarge) or is_unbounded_and_slow:
        yield from _with_smaller_pages(cursor, top, page_size)
        return

    status = exc.details.get("status")
    if isinstance(exc, SourceRefused) and status in (BAD_REQUEST, NOT_IMPLEMENTED):
        yield from _by_the_words(cursor, exc, top, last_rows)


def _is_without_top(cursor: Cursor) -> bool:
    """Whether the request bounds nothing:
    it is a link of the source, or the first one where links may come.
    """
    if cursor.by_link:
        return True
    may_be_by_link = cursor.way in (Way.AUTO, Way.LINKS, "")
    return cursor.delivered == 0 and may_be_by_link


def _with_smaller_pages(cursor: Cursor, top: int | None, page_size: int) -> Iterator[Cursor]:
    """A source that does not page by itself sends all it has, unless `$top` bounds it;
    then `$skip` must go on.
    """
    if cursor.way == Way.LINKS:
        return

    way = cursor.way if cursor.way == Way.KEYS else str(Way.SKIP)
    largest = top or page_size
    sizes = [page_size] if top is None else []
    sizes += [largest // 10**power for power in range(1, MOST_SHRUNK + 1)]  # 5000: 500, 50
    for size in sizes:
        if size:
            yield replace(cursor, top=size, way=way, by_link=False)


def _by_the_words(
    cursor: Cursor, exc: SourceError, top: int | None, last_rows: int
) -> Iterator[Cursor]:
    """What the source names in its own sentence first."""
    words = str(exc.details.get("says", "")).lower()
    smaller: list[Cursor] = []
    if exc.details.get("status") == BAD_REQUEST:
        smaller = list(_with_less(cursor, top, last_rows, words))
    if cursor.delivered or cursor.page > 1:  # the other options were taken with the first page
        yield from smaller
        return

    uncounted = replace(cursor, counts=False)
    unordered = replace(cursor, order=[])
    bare = replace(unordered, counts=False)
    may_be_unordered = bool(cursor.order) and cursor.way != Way.KEYS
    options = [
        ("top", smaller),
        ("count", [uncounted] if cursor.counts else []),
        ("order", [unordered] if may_be_unordered else []),
        ("", [bare] if may_be_unordered and cursor.counts else []),
    ]

    def is_unnamed(option: tuple[str, list[Cursor]]) -> bool:
        word, _ = option
        return not word or word not in words

    for _, cursors in sorted(options, key=is_unnamed):
        yield from cursors


def _with_less(cursor: Cursor, top: int | None, last_rows: int, words: str) -> Iterator[Cursor]:
    """With a number that the sentence names, as many rows as came before, or what is usual."""
    if top is None:
        return
    named = [int(number) for number in re.findall(r"\d{1,9}", words)]
    largest_first = sorted(named, reverse=True)
    for size in dict.fromkeys([*largest_first, last_rows, *SMALLER]):
        if 0 < size < top:
            yield replace(cursor, top=size)
