"""ExternalApiAdapter: the operator's OData API (v4 or v2) as a stream of pages.

A page comes whole or not at all (connection.py), so nothing broken is taken for the end of the data. What comes after
it is told by a link, by how many rows there were, or by the key of the last one (paginators.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.errors import SourceError, SourceTooLarge

from .addresses import PageAddresses
from .cursor import Cursor, Page
from .loops import LoopGuard
from .paginators import GUESSED_BYTES, is_by_key, paginator_for
from .requests_ahead import SpeculativeRequests
from .survey import survey_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chalicelib.settings import Settings

    from .connection import ODataConnection
    from .envelope import PageBody
    from .paginators import Paginator
    from .survey import Survey


class ExternalApiAdapter:
    def __init__(self, *, settings: Settings, connection: ODataConnection) -> None:
        self._settings = settings
        self._connection = connection

    @property
    def retries(self) -> int:
        return self._connection.retries

    def close(self) -> None:
        self._connection.close()

    def survey(self, *, with_types: bool = False) -> Survey:
        """The first rows' fields and the version of OData; the declared types where filters are to be written.
        No fields when the source has no rows. Raises SourceError.
        """
        with_types = with_types or is_by_key(self._settings) or bool(self._settings.source_changed)
        return survey_of(self._connection, self._settings.source_url, with_types=with_types)

    def first_cursor(
        self, key: Iterable[str], survey: Survey, *, changed_since: float | None = None, limits: str = ""
    ) -> Cursor:
        """The request for the first page. The rows come in the order of `key`, or of the source's own key where
        pages are cut by it. Raises SourceColumns.
        """
        order = self._paginator(survey).order(key)
        cursor = Cursor(url=None, order=order, changed_since=changed_since, limits=limits)
        return replace(cursor, url=PageAddresses(self._settings, survey).first(cursor))

    def pages(self, cursor: Cursor, survey: Survey) -> Iterator[Page]:
        """Page after page, from the cursor to the end. Raises SourceError, which names the page."""
        paginator, guard = self._paginator(survey), LoopGuard()
        requests = SpeculativeRequests(self._connection.get_page, self._guess)
        while cursor.url:
            self._refuse_too_many(cursor.page)
            requests.expect(paginator.likely(cursor))
            try:
                body, size = requests.take(cursor.url, cursor.page)
            except SourceError as exc:
                exc.details["page"] = cursor.page  # it may have been begun under another number
                raise
            following = paginator.following(cursor, body, size)
            guard.refuse_again(cursor.url, body.rows, page=cursor.page)
            yield Page(number=cursor.page, rows=body.rows, next=following, size=size)
            cursor = paginator.in_step(following)

    def _paginator(self, survey: Survey) -> Paginator:
        return paginator_for(self._settings, survey, self._connection.follow)

    def _refuse_too_many(self, page: int) -> None:
        limit = self._settings.max_pages
        if page > limit:
            raise SourceTooLarge(f"The source has more than {limit:,} pages.", page=page)

    def _guess(self, url: str, page: int) -> tuple[PageBody, int] | None:
        """None for a page that has no place beside others: it is asked for again when it is its turn."""
        try:
            return self._connection.get_page(url, page, most=GUESSED_BYTES)
        except SourceTooLarge:
            return None
