"""ExternalApiAdapter: the operator's OData v4 API as a stream of pages.

A page comes whole or not at all (source_connection.py), so nothing broken is taken for the end of the data.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from .errors import SourceLoop, SourceTooLarge
from .source_connection import SourceConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from requests.auth import AuthBase

    from .odata_page import PageBody
    from .settings import Settings

PROBE_ROWS = 20


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The next request and what came before it; no URL after the last page. Stored with every checkpoint."""

    url: str | None
    page: int = 1
    delivered: int = 0
    bytes: int = 0
    expected: int | None = None
    by_link: bool = False  # the source has links, so a page without one is the last
    recounted: bool = False  # a later count was neither the first one nor what remained of it


@dataclass(frozen=True, kw_only=True)
class Page:
    """`rows` are JSON texts, one a row, bytes-like and without line breaks."""

    number: int
    rows: list[Any]
    next: Cursor


class ExternalApiAdapter:
    def __init__(
        self,
        *,
        settings: Settings,
        auth: AuthBase | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._settings = settings
        self._connection = SourceConnection(settings=settings, auth=auth, clock=clock, sleep=sleep)

    @property
    def retries(self) -> int:
        return self._connection.retries

    def close(self) -> None:
        self._connection.close()

    def fields(self) -> list[str]:
        """The field names of the first rows, annotations left out; empty when the source has no rows."""
        body, _ = self._connection.get_page(self._request_url({"$top": str(PROBE_ROWS)}), page=1)
        return field_names(body.rows[:PROBE_ROWS])

    def first_cursor(self, key: Iterable[str]) -> Cursor:
        """The request for the first page, in the order of the key's fields."""
        return Cursor(url=self._request_url({**self._paging(key), "$count": "true"}))

    def pages(self, cursor: Cursor, key: Iterable[str]) -> Iterator[Page]:
        """Page after page, from the cursor to the end. Raises SourceError, which names the page."""
        key = tuple(key)
        seen: set[int] = set()
        while cursor.url:
            if cursor.page > self._settings.max_pages:
                raise SourceTooLarge(f"The source has more than {self._settings.max_pages:,} pages.", page=cursor.page)
            page = self._page(cursor, key)
            marks = {hash(cursor.url), *_ends(page.rows)}
            if seen & marks:
                raise SourceLoop(page=page.number)
            seen |= marks
            yield page
            cursor = page.next

    def _page(self, cursor: Cursor, key: tuple[str, ...]) -> Page:
        body, size = self._connection.get_page(str(cursor.url), page=cursor.page)
        expected = body.count if cursor.page == 1 else cursor.expected
        remaining = (expected or 0) - cursor.delivered
        is_other = None not in (expected, body.count) and body.count not in (expected, remaining)
        following = replace(
            cursor,
            page=cursor.page + 1,
            delivered=cursor.delivered + len(body.rows),
            bytes=cursor.bytes + size,
            expected=expected,
            recounted=cursor.recounted or is_other,
        )
        if body.next_link and self._settings.source_paging != "skip":
            url = self._connection.follow(str(cursor.url), body.next_link, page=cursor.page)
            following = replace(following, url=url, by_link=True)
        else:
            following = replace(following, url=self._skip_url(body, following, key))
        return Page(number=cursor.page, rows=body.rows, next=following)

    def _skip_url(self, body: PageBody, following: Cursor, key: tuple[str, ...]) -> str | None:
        """The rows after those delivered: a server without links is asked until it has no more, so that a page
        limit of its own loses nothing.
        """
        if self._settings.source_paging == "links" or following.by_link or not body.rows:
            return None
        if following.expected is not None and following.delivered >= following.expected:
            return None
        return self._request_url({**self._paging(key), "$skip": str(following.delivered)})

    def _paging(self, key: Iterable[str]) -> dict[str, str]:
        order = ",".join(key)
        return {**({"$orderby": order} if order else {}), "$top": str(self._settings.page_size)}

    def _request_url(self, options: dict[str, str]) -> str:
        """The entity set with these query options; what the setting itself asks for stays."""
        url = urlsplit(self._settings.source_url)
        query = {**dict(parse_qsl(url.query, keep_blank_values=True)), **options}
        return urlunsplit(url._replace(query=urlencode(query, quote_via=quote, safe="$,")))


def field_names(rows: Iterable[Any]) -> list[str]:
    """The names that these rows use, in order; annotations and unreadable rows left out."""
    names: dict[str, None] = {}
    for row in rows:
        with contextlib.suppress(ValueError):
            document = json.loads(bytes(row))
            names |= dict.fromkeys(document if isinstance(document, dict) else ())
    return [name for name in names if "@" not in name]


def _ends(rows: list[Any]) -> set[int]:
    """A page is told from others by its first and last row."""
    return {hash((bytes(rows[0]), bytes(rows[-1])))} if rows else set()
