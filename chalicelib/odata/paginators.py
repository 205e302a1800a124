"""The ways to ask for the page after a page: by the source's links, by the number of rows
delivered, or by the key of the last one. WELLHEAD_SOURCE_PAGING is read here and nowhere else.

In the conversations below rows have an `id` and pages two rows, and what each request repeats is
left out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.errors import SourceKey

from .addresses import PageAddresses
from .filters import Unwritable, after, literal, read_row
from .reading import End, Way
from .stride import Stride

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from chalicelib.settings import Settings

    from .cursor import Cursor
    from .envelope import PageBody
    from .survey import Survey

SHORTEST_CUT = 100  # rows; nobody cuts shorter pages and counts their rows for all
EMPTY_AT_END = 3  # pages in a row without a row, after as many rows as counted


class Paginator(Protocol):
    """Serves one reading, because it may learn from the pages.
    What is written out here does for most ways.
    """

    def following(self, cursor: Cursor, body: PageBody, size: int) -> Cursor:
        """The cursor behind this page of `size` bytes; without a URL when it was the last.
        Raises SourceError.
        """

    def order(self, key: Iterable[str]) -> list[str]:
        """The fields in whose order the rows are asked for,
        where `key` tells one of our rows from another.
        """
        return list(key)

    def in_step(self, cursor: Cursor) -> Cursor:
        """The cursor with the request that is really made,
        which may end where another one has begun already.
        """
        return cursor

    def likely(self, cursor: Cursor) -> Mapping[str, int]:  # noqa: ARG002  Skip looks at it
        """The URL of the cursor and those that likely come next, with the numbers of their pages;
        nothing when the next request is known with the answer alone.
        """
        return {}


def paginators_for(
    settings: Settings, survey: Survey, follow: Callable[..., str], *, connections: int
) -> dict[str, Paginator]:
    """One of each way. `auto` is: by links where the source gives them, else by `$skip`.
    `follow` tells where a link leads; so many requests may be made at once.
    """
    addresses = PageAddresses(settings, survey)
    skip = Skip(addresses, page_size=settings.page_size, connections=connections)
    return {
        Way.AUTO: Links(follow, otherwise=skip),
        Way.LINKS: Links(follow, otherwise=NoMore()),
        Way.SKIP: skip,
        Way.KEYS: Keys(addresses, survey),
    }


def way_of(settings: Settings, survey: Survey) -> str:
    """By what an import begins to ask. Keys are the safest, so `auto` takes them where the service
    has shown that it can be asked by the key that it declares.
    """
    if settings.source_paging == Way.AUTO and survey.takes_keys:
        return str(Way.KEYS)
    return settings.source_paging


class Links(Paginator):
    """By the source's own links. It alone knows where they lead, so each is asked for when the one
    before is read.

    ```
    GET Wells?$orderby=id&$count=true
        {"@odata.count": 3, "value": [{"id": 1}, {"id": 2}], "@odata.nextLink": "Wells?$skiptoken=2"}
    GET Wells?$skiptoken=2
        {"value": [{"id": 3}]}                  no link: the end
    ```

    Some services give a link with every page, also after the last one. With as many rows as counted
    and then EMPTY_AT_END pages without any that is the end.
    """

    def __init__(self, follow: Callable[..., str], *, otherwise: Paginator) -> None:
        """`otherwise` goes on after a page without a link."""
        self._follow = follow
        self._otherwise = otherwise

    def following(self, cursor: Cursor, body: PageBody, size: int) -> Cursor:
        """Raises SourceRedirected, SourceInvalid: a link that leads elsewhere or nowhere."""
        if not body.next_link:
            return self._otherwise.following(cursor, body, size)

        behind = cursor.past(body, size)
        has_all = behind.expected is not None and not behind.is_short
        if has_all and behind.empty >= EMPTY_AT_END:
            return behind.at_end(End.COUNT)

        url = self._follow(str(cursor.url), body.next_link, page=cursor.page)
        return replace(behind, url=url, by_link=True, is_trial=False)

    def in_step(self, cursor: Cursor) -> Cursor:
        return self._otherwise.in_step(cursor)

    def likely(self, cursor: Cursor) -> Mapping[str, int]:
        return self._otherwise.likely(cursor)


class NoMore(Paginator):
    """The page was the last."""

    def following(self, cursor: Cursor, body: PageBody, size: int) -> Cursor:
        behind = cursor.past(body, size)
        end = End.SHORT if behind.is_short else End.MARKER
        return behind.at_end(end)


class Skip(Paginator):
    """By the number of rows delivered, until a page is empty after as many as counted. A source
    that caps its pages loses nothing so. It also goes on where the links have ended before the
    count.

    ```
    GET Wells?$orderby=id&$top=2&$count=true
        {"@odata.count": 5, "value": [{"id": 1}, {"id": 2}]}
    GET Wells?$orderby=id&$top=2&$skip=2
        {"value": [{"id": 3}]}                  it came short
    GET Wells?$orderby=id&$top=2&$skip=3
        {"value": [{"id": 4}, {"id": 5}]}       as many as counted
    GET Wells?$orderby=id&$top=2&$skip=5
        {"value": []}                           and no more: the end
    ```

    With several connections the next requests can be told beforehand, and are made at once. What
    came short is filled up to where the next page has begun:

    ```
    GET Wells?$orderby=id&$top=2&$count=true
        {"@odata.count": 5, "value": [{"id": 1}, {"id": 2}]}
    GET Wells?$orderby=id&$top=2&$skip=2        beside the next one
        {"value": [{"id": 3}]}                  it came short
    GET Wells?$orderby=id&$top=2&$skip=4
        {"value": [{"id": 5}]}                  waits for what comes before it
    GET Wells?$orderby=id&$top=1&$skip=3
        {"value": [{"id": 4}]}                  with the last row as many as counted
    GET Wells?$orderby=id&$top=1&$skip=5
        {"value": []}                           and no more: the end
    ```
    """

    def __init__(self, addresses: PageAddresses, *, page_size: int, connections: int) -> None:
        self._addresses = addresses
        self._connections = connections
        self._stride = Stride(page_size)

    def following(self, cursor: Cursor, body: PageBody, size: int) -> Cursor:
        self._stride.learn(len(body.rows), size)
        behind = cursor.past(body, size)
        if cursor.by_link and not behind.is_short:
            return behind.at_end(End.MARKER)  # the links are at their end, and so are the rows
        if not body.rows and not cursor.by_link:
            # Whatever was counted: a source that is asked for more rows and has none is at its end.
            return behind.at_end(End.SHORT if behind.is_short else End.MARKER)
        if behind.expected is not None and not behind.is_short:
            return self._beyond_count(cursor, behind)

        # Nobody has shown yet that the source knows $skip.
        is_first = cursor.way == Way.AUTO and (cursor.page == 1 or cursor.by_link)
        by_skip = replace(
            behind,
            by_link=False,
            is_beyond_links=cursor.by_link or cursor.is_beyond_links,
            is_trial=is_first,
            empty=0 if is_first else behind.empty,
        )
        return self._with_url(by_skip)

    def _beyond_count(self, cursor: Cursor, behind: Cursor) -> Cursor:
        """Rows that came in meanwhile move the last ones behind the count, and some services count
        no further than to a limit. A first page as short as this is no part of a longer whole. Only
        the first of these requests is a try: where it has brought rows, there may be more.
        """
        if cursor.page == 1 and behind.delivered < SHORTEST_CUT:
            return behind.at_end(End.COUNT)
        is_trial = cursor.page == 1 or cursor.is_short
        return self._with_url(replace(behind, is_trial=is_trial))

    def in_step(self, cursor: Cursor) -> Cursor:
        """For no more rows than are missing up to where the next page begins.

        With pages of 100 rows and 250 delivered: for 50, because the next page begins at 300.
        """
        if not self._may_share(cursor) or self._stride.rows is None:
            return cursor
        stride = self._stride.rows
        missing = stride - cursor.delivered % stride
        if cursor.top is not None:  # for fewer, where a page of so many was too large
            missing = min(missing, cursor.top)
        return self._with_url(cursor, {"$top": str(missing)})

    def likely(self, cursor: Cursor) -> Mapping[str, int]:
        """If the pages stay as long as they were.

        With pages of 100 rows, 250 delivered and 1,000 expected: the request at 250, which fills up
        the third page, and those at 300, 400 and so on.
        """
        stride = self._stride
        if stride.rows is None or stride.is_large:
            return {}
        if cursor.expected is None or not self._may_share(cursor):
            return {}

        pages_begun = cursor.delivered // stride.rows
        next_start = (pages_begun + 1) * stride.rows
        all_starts = range(next_start, cursor.expected, stride.rows)
        starts = all_starts[: self._connections - 1]
        urls = [cursor.url]
        for start in starts:
            later = self.in_step(replace(cursor, delivered=start))
            urls.append(later.url)
        return {str(url): page for page, url in enumerate(urls, start=cursor.page)}

    def _with_url(self, cursor: Cursor, top: Mapping[str, str] | None = None) -> Cursor:
        """For the rows after those delivered."""
        options = {"$skip": str(cursor.delivered), **(top or {})}
        return replace(cursor, url=self._addresses.of(cursor, options))

    def _may_share(self, cursor: Cursor) -> bool:
        """Whether the request at the cursor is one of ours and another may be made beside it."""
        is_skip = cursor.url is not None and cursor.delivered > 0 and not cursor.by_link
        return is_skip and self._connections > 1


class Keys(Paginator):
    """By the key of the last row. Rows that come or go meanwhile move none of the others, and make
    the count no measure of the end: that is an empty page.

    ```
    GET Wells?$orderby=id&$top=2&$count=true
        {"@odata.count": 3, "value": [{"id": 1}, {"id": 2}]}
    GET Wells?$filter=id gt 2&$orderby=id&$top=2
        {"value": [{"id": 3}]}
    GET Wells?$filter=id gt 3&$orderby=id&$top=2
        {"value": []}                           nothing: the end
    ```
    """

    def __init__(self, addresses: PageAddresses, survey: Survey) -> None:
        self._addresses = addresses
        self._survey = survey

    def order(self, key: Iterable[str]) -> list[str]:
        """The source's own key, which is never null and never twice; where it has none, `key`."""
        return self._survey.own_key or list(key)

    def following(self, cursor: Cursor, body: PageBody, size: int) -> Cursor:
        """Raises SourceKey: the last row's key cannot be asked for."""
        behind = cursor.past(body, size)
        if not body.rows:
            return behind.at_end(End.KEYS)
        if not cursor.order:
            raise SourceKey(page=cursor.page)

        key = self._key(cursor, body.rows[-1])
        rows_after_key = after(key)
        return replace(behind, url=self._addresses.of(behind, {}, rows_after_key))

    def _key(self, cursor: Cursor, row: Any) -> list[tuple[str, str]]:
        """(field, literal) of each field in the order of the rows."""
        key: list[tuple[str, str]] = []
        name = cursor.order[0]  # the error names the field that it was raised at
        try:
            members = read_row(row)
            for name in cursor.order:
                edm_type = self._survey.type_of(name)
                text = literal(members.get(name), edm_type, self._survey.version)
                key.append((name, text))
        except Unwritable as exc:
            raise SourceKey(
                f"Page {cursor.page} of the source ends with a row whose {name} cannot be asked for: {exc}. Exclude "
                f"such rows with a $filter in WELLHEAD_SOURCE_URL, or set WELLHEAD_SOURCE_PAGING to auto.",
                page=cursor.page,
            ) from exc
        return key
