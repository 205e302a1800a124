"""ExternalApiAdapter: the operator's OData API (v4 or v2) as a stream of pages.

A page comes whole or not at all (connection.py), so nothing broken is taken for the end of the
data. What comes after it is told by a link, by how many rows there were, or by the key of the last
one (paginators.py).
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    SourceError,
    SourceLoop,
    SourceNotFound,
    SourceRefused,
    SourceTimeSpent,
    SourceTooLarge,
    WorkerTimeSpent,
)

from .addresses import PageAddresses
from .alone import Alone
from .asking import Answered, Asking
from .cursor import Cursor, Page
from .loops import LoopGuard, refuse_endless
from .paginators import paginators_for, way_of
from .ranges import PLAN_SECONDS, Range, RangeFinder, part_of, parts_of
from .reading import End, Way
from .requests_ahead import SpeculativeRequests
from .steadiness import shows_one_order
from .stride import GUESSED_BYTES
from .survey import survey_by_keys, survey_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chalicelib.settings import Settings

    from .connection import ODataConnection
    from .envelope import PageBody
    from .paginators import Paginator
    from .survey import Survey

# Of a part: a plan costs a few rounds of requests, and each part the request that shows its end.
LEAST_PAGES = 8

log = logging.getLogger(__name__)


class ExternalApiAdapter:
    def __init__(self, *, settings: Settings, connection: ODataConnection) -> None:
        self._settings = settings
        self._connection = connection
        self._first_page: dict[str, tuple[PageBody, int]] = {}
        self._alone = threading.Lock()
        self._has_large_pages = False

    @property
    def retries(self) -> int:
        return self._connection.retries

    @property
    def waiting(self) -> dict[str, Any] | None:
        """What for, until when and which try: the longest wait under way."""
        return self._connection.waiting

    @property
    def marks(self) -> list[str]:
        """A service has no files."""
        return []

    def close(self) -> None:
        self._connection.close()

    def go_back(self, listing: str) -> None:
        """A service has no files."""

    def survey(self, *, with_types: bool = False) -> Survey:
        """The first rows' fields and the version of OData; the declared types where filters are to
        be written. No fields when the source has no rows. Raises SourceError.
        """
        paging = self._settings.source_paging
        with_types = with_types or paging == Way.KEYS or bool(self._settings.source_changed)
        return survey_of(
            self._connection,
            self._settings.source_url,
            with_types=with_types,
            with_trial=paging == Way.AUTO,
        )

    def survey_by_keys(self, survey: Survey, key: list[str]) -> Survey | None:
        """What to ask by keys with, by the key that the service declares or else by `key`;
        None when it has not shown that it can be asked so. Raises SourceTimeSpent.
        """
        return survey_by_keys(self._connection, self._settings.source_url, survey, key)

    def is_steady(self, cursor: Cursor, survey: Survey) -> bool | None:
        """Whether `$skip` shows the same order twice; None when the source does not let itself be
        asked. `cursor` is at the end of a reading. Raises SourceTimeSpent.
        """
        return shows_one_order(self._connection, self._settings, survey, cursor)

    def first_cursor(
        self,
        key: Iterable[str],
        survey: Survey,
        *,
        changed_since: float | None = None,
        limits: str = "",
        way: str = "",
    ) -> Cursor:
        """The request for the first page, by the `way` or as the settings say. The rows come in the
        order of `key`, or of the source's own key where pages are cut by it. Raises SourceColumns.
        """
        way = way or way_of(self._settings, survey)
        order = self._paginators(survey)[way].order(key)
        cursor = Cursor(
            url=None,
            order=order,
            changed_since=changed_since,
            limits=limits,
            way=way,
            by_own_key=way == Way.KEYS and bool(survey.own_key),
        )
        return replace(cursor, url=PageAddresses(self._settings, survey).first(cursor))

    @property
    def most_at_once(self) -> int:
        """As many as may make a request."""
        return self._settings.source_connections

    @property
    def most_workers(self) -> int:
        """Each has a share of them."""
        return self._settings.source_connections

    def parts(self, cursor: Cursor, survey: Survey, *, most: int) -> list[Cursor]:
        """The cursors before the first rows of at most so many parts, which can be read at once;
        one where the rows are few, or cannot be cut. Raises SourceError.
        """
        asked, body, size = Asking(self._settings, survey, self._connection.get_page).page(cursor)
        # Each part has some pages of the length that the source has just shown.
        all_rows = body.count or 0
        page_rows = max(len(body.rows), 1)
        wanted = min(most, all_rows // (page_rows * LEAST_PAGES))
        addresses = PageAddresses(self._settings, survey)
        if wanted > 1:
            finder = RangeFinder(
                connection=self._connection,
                addresses=addresses,
                survey=survey,
                cursor=asked,
                expected=all_rows,
                at_once=self._settings.source_connections,
                until=time.monotonic() + PLAN_SECONDS,
            )
            if ranges := finder.ranges(wanted):
                return parts_of(asked, ranges, addresses)
        # The reading begins with the page that was counted by, and asks for it no more.
        self._first_page = {str(asked.url): (body, size)}
        return [asked]

    def part(self, cursor: Cursor, survey: Survey, *, like: Cursor) -> Cursor:
        """Before the first row of the part that `like` is somewhere in;
        `cursor` is before the first of all rows.
        """
        has_keys = like.way == cursor.way
        part = Range(filter=like.range, rows=like.expected or 0, has_keys=has_keys)
        return part_of(cursor, part, PageAddresses(self._settings, survey))

    def pages(self, cursor: Cursor, survey: Survey) -> Iterator[Page]:
        """Page after page, from the cursor to the end of its part. Several parts may be read at
        once, each by one thread. Raises SourceError, which names the page.
        """
        is_beside_others = bool(cursor.range)
        paginators = self._paginators(survey, is_beside_others=is_beside_others)
        guard = LoopGuard()
        alone = Alone(self._alone)
        get = partial(self._get_beside_others, alone) if is_beside_others else self._get
        requests = SpeculativeRequests(get, self._guess)
        asking = Asking(self._settings, survey, requests.take)
        while cursor.url:
            self._refuse_too_many(cursor.page)
            requests.expect(paginators[self._way(cursor)].likely(cursor))
            try:
                page = self._next_page(asking.page(cursor), paginators, guard)
            except SourceError as exc:
                page = _end_of_a_trial(cursor, exc)
            if page.next.url is None:  # the last one: do the counts agree with what came?
                page = replace(page, next=self._count_again(page.next, survey))
            following = page.next
            try:
                yield page
            finally:
                alone.leave()
            # Where what follows is under way already, only the gap before it is asked for.
            cursor = paginators[self._way(following)].in_step(following)

    def _next_page(
        self, answered: Answered, paginators: dict[str, Paginator], guard: LoopGuard
    ) -> Page:
        """Raises SourceError: what comes after it cannot be told, or it was there before."""
        asked, body, size = answered
        following = paginators[self._way(asked)].following(asked, body, size)
        order = asked.order if following.expected is None else ()
        guard.refuse_again(str(asked.url), body.rows, page=asked.page, order=order)
        refuse_endless(following, page=asked.page)
        return Page(number=asked.page, rows=body.rows, next=following, size=size)

    def _way(self, cursor: Cursor) -> str:
        return cursor.way or self._settings.source_paging  # a checkpoint of before has none

    def _paginators(
        self, survey: Survey, *, is_beside_others: bool = False
    ) -> dict[str, Paginator]:
        connections = 1 if is_beside_others else self._settings.source_connections
        return paginators_for(
            self._settings, survey, self._connection.follow, connections=connections
        )

    def _get(self, url: str, page: int) -> tuple[PageBody, int]:
        """The first page may be there already."""
        return self._first_page.pop(url, None) or self._connection.get_page(url, page)

    def _get_beside_others(self, alone: Alone, url: str, page: int) -> tuple[PageBody, int]:
        """The pages of all parts are in memory together,
        so of large ones none is asked for while another one is.
        """
        if not self._has_large_pages:
            try:
                return self._connection.get_page(url, page, most=GUESSED_BYTES)
            except SourceTooLarge:
                self._has_large_pages = True
        # From now on one part at a time has a page in memory; `pages` leaves when it is taken.
        alone.enter()
        try:
            return self._connection.get_page(url, page)
        except BaseException:
            alone.leave()
            raise

    def _count_again(self, cursor: Cursor, survey: Survey) -> Cursor:
        """At the end of the reading, where the first count does not agree with what came. Some
        services count all their rows whatever the filter, and what they say of a part is no count.
        """
        if cursor.expected is None or cursor.expected == cursor.delivered:
            return cursor
        addresses = PageAddresses(self._settings, survey)
        again = self._connection.count(*addresses.counts(cursor))
        is_of_some = bool(cursor.limits) or cursor.changed_since is not None
        # Of a range the plan has shown that it is counted.
        if cursor.is_short and is_of_some and not cursor.range:
            without_limits = replace(cursor, limits="", changed_since=None)
            of_all = self._connection.count(*addresses.counts(without_limits))
            if of_all is not None and of_all == again:
                log.warning("the source counts %s rows, whatever is asked for", of_all)
                return replace(cursor, expected=None)
        return replace(cursor, counted_again=again)

    def _refuse_too_many(self, page: int) -> None:
        limit = self._settings.max_pages
        if page > limit:
            raise SourceTooLarge(f"The source has more than {limit:,} pages.", page=page)

    def _guess(self, url: str, page: int) -> tuple[PageBody, int] | None:
        """None for a page that has no place beside others:
        it is asked for again when it is its turn.
        """
        try:
            return self._connection.get_page(url, page, most=GUESSED_BYTES)
        except SourceTooLarge:
            return None


def _end_of_a_trial(cursor: Cursor, exc: SourceError) -> Page:
    """A page without rows, where the request was no more than a try and shows that there is no way
    to go on. Raises `exc` where it was more than that.
    """
    if not cursor.is_trial or not _shows_an_end(cursor, exc):
        raise exc
    log.warning(
        "the source cannot be asked for more rows: %s", exc.message, extra={"code": exc.code}
    )
    end = End.SHORT if cursor.is_short else End.MARKER
    return Page(number=cursor.page, rows=[], next=cursor.at_end(end))


def _shows_an_end(cursor: Cursor, exc: SourceError) -> bool:
    """With all rows there, whatever the source says; else what it says of such a request."""
    if isinstance(exc, (SourceRefused, SourceNotFound)):
        return True
    if isinstance(exc, SourceLoop) and cursor.is_beyond_links:
        return True
    has_all = cursor.expected is not None and not cursor.is_short
    return has_all and not isinstance(exc, (SourceTimeSpent, WorkerTimeSpent))
