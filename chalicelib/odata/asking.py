"""Asking: the page at a cursor, by the request that the source takes."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from chalicelib.errors import SourceError, SourceGone, SourceNotFound

from .addresses import PageAddresses, rows_url
from .concessions import concessions
from .reading import Way

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.settings import Settings

    from .cursor import Cursor
    from .envelope import PageBody
    from .survey import Survey


class Answered(NamedTuple):
    """A page, and the cursor that it was asked for with in the end."""

    cursor: Cursor
    body: PageBody
    size: int  # bytes


class Asking:
    def __init__(
        self, settings: Settings, survey: Survey, take: Callable[[str, int], tuple[PageBody, int]]
    ) -> None:
        """`take` gets the page of a URL, by its number."""
        self._page_size = settings.page_size
        self._addresses = PageAddresses(settings, survey)
        self._take = take
        self._last_rows = 0

    def page(self, cursor: Cursor) -> Answered:
        """Raises SourceError, which names the page:
        the first one, because what came of the concessions tells less.
        """
        try:
            return self._ask(cursor)
        except SourceError as refused:
            _let_go(refused)
            others = concessions(
                cursor, refused, page_size=self._page_size, last_rows=self._last_rows
            )
            for other in others:
                try:
                    return self._ask(self._with_request(other))
                except type(refused) as again:
                    _let_go(again)
            raise

    def _ask(self, cursor: Cursor) -> Answered:
        url = str(cursor.url)
        try:
            body, size = self._take(url, cursor.page)
        except SourceNotFound as exc:
            exc.details["page"] = cursor.page
            if cursor.page > 1 and not cursor.is_trial:
                raise _dead_link(exc) from exc
            raise
        except SourceError as exc:
            exc.details["page"] = cursor.page  # it may have been begun under another number
            raise
        self._last_rows = len(body.rows)
        return Answered(cursor, body, size)

    def _with_request(self, cursor: Cursor) -> Cursor:
        """For the same rows."""
        if cursor.delivered == 0:
            url = self._addresses.first(cursor)
        elif cursor.way == Way.KEYS:
            url = rows_url(str(cursor.url), {"$top": str(cursor.top)})
        else:
            url = self._addresses.of(cursor, {"$skip": str(cursor.delivered)})
        return replace(cursor, url=url)


def _dead_link(exc: SourceNotFound) -> SourceGone:
    """The first page was there, so the URL of the setting is right."""
    return SourceGone(
        f"The source does not find a page that it led to itself: its link has expired, or rows were removed. Start a "
        f"new import. (HTTP 404 from {exc.details.get('url', 'the source')})",
        **exc.details,
    )


def _let_go(exc: BaseException | None) -> None:
    """Of a page that was too large:
    the frames that read it would keep it in memory beside the next one.
    """
    seen: set[int] = set()
    while exc and id(exc) not in seen:
        seen.add(id(exc))
        traceback.clear_frames(exc.__traceback__)
        exc = exc.__cause__ or exc.__context__
