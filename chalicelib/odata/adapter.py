"""ExternalApiAdapter: the operator's OData API (v4 or v2) as a stream of pages.

A page comes whole or not at all (source_connection.py), so nothing broken is taken for the end of the data. What
comes after it is told by a link, by how many rows there were, or by the key of the last one.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from chalicelib.errors import (
    SourceColumns,
    SourceError,
    SourceForbidden,
    SourceGone,
    SourceKey,
    SourceLoop,
    SourceNotFound,
    SourceRefused,
    SourceTooLarge,
)

from .filters import MOMENT_TYPES, V2, V4, Unwritable, after, all_of, literal, moment_literal, read_row, type_of
from .masked_link import masked, unmasked
from .metadata import BrokenMetadata, EntityType, read_entity_type
from .requests_ahead import SpeculativeRequests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chalicelib.odata.connection import ODataConnection
    from chalicelib.settings import Settings

    from .envelope import PageBody

PROBE_ROWS = 20
EXAMPLE_CHARACTERS = 200
GUESSED_BYTES = 10 << 20  # of a page that is asked for beside others: they are all in memory together


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The next request and what came before it; no URL after the last page. Stored with every checkpoint.

    `order` names the fields in whose order the rows come. Only rows changed since `changed_since` are asked for;
    `changed_until` is the latest change among the rows before the cursor, `undated` the number of those without one.
    Times are epoch seconds. `limits` is a filter that every request carries.
    """

    url: str | None
    page: int = 1
    delivered: int = 0
    bytes: int = 0
    expected: int | None = None
    by_link: bool = False  # the source has links, so a page without one is the last
    recounted: bool = False  # a later count was neither the first one nor what remained of it
    order: list[str] = field(default_factory=list)
    changed_since: float | None = None
    changed_until: float | None = None
    undated: int = 0
    limits: str = ""

    def stored(self, source_url: str) -> dict[str, Any]:
        """As a checkpoint keeps it, without what the query of `source_url` holds."""
        return asdict(replace(self, url=masked(self.url, source_url) if self.url else None))

    @classmethod
    def restored(cls, stored: dict[str, Any], source_url: str) -> Self:
        cursor = cls(**stored)
        return replace(cursor, url=unmasked(cursor.url, source_url) if cursor.url else None)


@dataclass(frozen=True, kw_only=True)
class Page:
    """`rows` are JSON texts, one a row, bytes-like and without line breaks."""

    number: int
    rows: list[Any]
    next: Cursor
    size: int = 0  # bytes


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the source shows of itself before the first page. `values` are examples, one of each field; `links` lead to
    other entities and are no fields.
    """

    fields: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    version: int = V4
    entity: EntityType | None = None

    def type_of(self, name: str) -> str | None:
        """The Edm type of a field: what the service declares, else what its values look like."""
        declared = self.entity.types.get(name) if self.entity else None
        return declared or (type_of(self.values[name]) if name in self.values else None)


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
        body, _ = self._connection.get_page(self._request_url({"$top": str(PROBE_ROWS)}), page=1)
        first = readable_rows(body.rows[:PROBE_ROWS])
        values = example_values(first)
        with_types = with_types or self._settings.source_paging == "keys" or bool(self._settings.source_changed)
        return Survey(
            fields=list(values),
            values={name: value for name, value in values.items() if value is not None},
            links={name for row in first for name, value in row.items() if _is_deferred(value)},
            version=V2 if body.is_v2 else V4,
            entity=self._entity_type() if with_types else None,
        )

    def _entity_type(self) -> EntityType | None:
        """None when the service does not describe itself; it need not."""
        url = urlsplit(self._settings.source_url)
        service, _, entity_set = url.path.rstrip("/").rpartition("/")
        own = [(name, value) for name, value in parse_qsl(url.query) if not name.startswith("$")]
        address = urlunsplit(url._replace(path=f"{service}/$metadata", query=urlencode(own)))
        try:
            document = self._connection.get_document(address, accept="application/xml")
            return read_entity_type(document, entity_set)
        except (SourceNotFound, SourceGone, SourceForbidden, SourceRefused, BrokenMetadata):
            return None

    # -- requests ---------------------------------------------------------------------------------

    def first_cursor(
        self, key: Iterable[str], survey: Survey, *, changed_since: float | None = None, limits: str = ""
    ) -> Cursor:
        """The request for the first page. The rows come in the order of `key`, or of the source's own key where
        pages are cut by it: that one is never null and never twice.
        """
        order = list(key)
        if self._settings.source_paging == "keys":
            own = survey.entity.key if survey.entity else []
            order = own if own and all(name in survey.fields for name in own) else order
        self._changed_type(survey)
        cursor = Cursor(url=None, order=order, changed_since=changed_since, limits=limits)
        count = {"$inlinecount": "allpages"} if survey.version == V2 else {"$count": "true"}
        return replace(cursor, url=self._page_url(cursor, survey, **count))

    def _page_url(self, cursor: Cursor, survey: Survey, *filters: str, **options: str) -> str:
        order = {"$orderby": ",".join(cursor.order)} if cursor.order else {}
        top = {"$top": str(self._settings.page_size)}
        filters = (cursor.limits, self._changed_filter(cursor, survey), *filters)
        return self._request_url({**order, **top, **options}, *filters)

    def _changed_filter(self, cursor: Cursor, survey: Survey) -> str:
        edm_type = self._changed_type(survey)
        if cursor.changed_since is None or edm_type is None:
            return ""
        moment = moment_literal(cursor.changed_since, edm_type, survey.version)
        return f"{self._settings.source_changed} ge {moment}"

    def _changed_type(self, survey: Survey) -> str | None:
        """The Edm type of the change field; None without one, and when a source without rows shows none."""
        name = self._settings.source_changed
        if not name or (survey.entity is None and not survey.fields):
            return None
        edm_type = survey.type_of(name)
        if edm_type not in MOMENT_TYPES:
            raise SourceColumns(
                f"WELLHEAD_SOURCE_CHANGED names {name}, which is {edm_type or 'no field of the source'}. It must be "
                "a date, or a date with a time. Name another field, or none to import everything each time."
            )
        return edm_type

    def _request_url(self, options: dict[str, str], *filters: str) -> str:
        """The entity set with these query options; what the setting itself asks for stays."""
        url = urlsplit(self._settings.source_url)
        own = dict(parse_qsl(url.query, keep_blank_values=True))
        wanted = all_of(own.get("$filter", ""), *filters)
        query = {**own, **({"$filter": wanted} if wanted else {}), **options}
        return urlunsplit(url._replace(query=urlencode(query, quote_via=quote, safe="$,")))

    # -- pages ------------------------------------------------------------------------------------

    def pages(self, cursor: Cursor, survey: Survey) -> Iterator[Page]:
        """Page after page, from the cursor to the end. Raises SourceError, which names the page."""
        ahead = SpeculativeRequests(lambda url, page: self._connection.get_page(url, page=page), self._guess)
        seen: set[int] = set()
        stride = _Stride(self._settings.page_size)
        while cursor.url:
            if cursor.page > self._settings.max_pages:
                limit = self._settings.max_pages
                raise SourceTooLarge(f"The source has more than {limit:,} pages.", page=cursor.page)
            ahead.expect(self._likely_urls(cursor, survey, stride))
            page = self._page(cursor, survey, ahead)
            marks = {hash(cursor.url), *_ends(page.rows)}
            if seen & marks:
                raise SourceLoop(page=page.number)
            seen |= marks
            stride.learn(len(page.rows), page.size)
            yield page
            cursor = self._in_step(page.next, survey, stride)

    def _page(self, cursor: Cursor, survey: Survey, ahead: SpeculativeRequests[tuple[PageBody, int]]) -> Page:
        try:
            body, size = ahead.take(str(cursor.url), cursor.page)
        except SourceError as exc:
            exc.details["page"] = cursor.page  # it may have been begun under another number
            raise
        expected = body.count if cursor.page == 1 else cursor.expected
        remaining = (expected or 0) - cursor.delivered
        is_other = None not in (expected, body.count) and body.count not in (expected, remaining)
        following = replace(
            cursor,
            url=None,
            page=cursor.page + 1,
            delivered=cursor.delivered + len(body.rows),
            bytes=cursor.bytes + size,
            expected=expected,
            recounted=cursor.recounted or is_other,
        )
        following = self._followed(cursor, following, body, survey)
        return Page(number=cursor.page, rows=body.rows, next=following, size=size)

    def _guess(self, url: str, page: int) -> tuple[PageBody, int] | None:
        """None for a page that has no place beside others: it is asked for again when it is its turn."""
        try:
            return self._connection.get_page(url, page=page, most=GUESSED_BYTES)
        except SourceTooLarge:
            return None

    def _followed(self, cursor: Cursor, following: Cursor, body: PageBody, survey: Survey) -> Cursor:
        """`following` with the request that comes next."""
        paging = self._settings.source_paging
        if body.next_link and paging in ("auto", "links"):
            url = self._connection.follow(str(cursor.url), body.next_link, page=cursor.page)
            return replace(following, url=url, by_link=True)
        if paging == "links" or following.by_link or not body.rows:
            return following
        if paging == "keys":
            return replace(following, url=self._key_url(following, body.rows[-1], survey))
        if following.expected is not None and following.delivered >= following.expected:
            return following
        return replace(following, url=self._skip_url(following, survey))

    def _skip_url(self, cursor: Cursor, survey: Survey, **top: str) -> str:
        """The rows after those delivered: a server without links is asked until it has no more, so that a page
        limit of its own loses nothing.
        """
        return self._page_url(cursor, survey, **{"$skip": str(cursor.delivered), **top})

    def _key_url(self, following: Cursor, row: Any, survey: Survey) -> str:
        """The rows whose key comes after this one's. The end is an empty page: rows that arrive meanwhile make
        the count no measure of it.
        """
        number, key = following.page - 1, []
        for name in following.order:
            try:
                key.append((name, literal(read_row(row).get(name), survey.type_of(name), survey.version)))
            except Unwritable as exc:
                raise SourceKey(
                    f"Page {number} of the source ends with a row whose {name} cannot be asked for: {exc}. Exclude "
                    f"such rows with a $filter in WELLHEAD_SOURCE_URL, or set WELLHEAD_SOURCE_PAGING to auto.",
                    page=number,
                ) from exc
        if not key:
            raise SourceKey(page=number)
        return self._page_url(following, survey, after(key))

    # -- several at once --------------------------------------------------------------------------

    def _likely_urls(self, cursor: Cursor, survey: Survey, stride: _Stride) -> dict[str, int]:
        """The next requests, if the pages stay as long as they were, by the numbers of their pages. Only where
        `$skip` and the count say beforehand what will be asked for.
        """
        if not self._skips(cursor) or stride.rows is None or cursor.expected is None or stride.is_large:
            return {}
        first = cursor.delivered - cursor.delivered % stride.rows + stride.rows
        starts = range(first, cursor.expected, stride.rows)[: self._settings.source_connections - 1]
        later = (self._in_step(replace(cursor, delivered=start), survey, stride).url for start in starts)
        return {str(url): page for page, url in enumerate([cursor.url, *later], start=cursor.page)}

    def _in_step(self, cursor: Cursor, survey: Survey, stride: _Stride) -> Cursor:
        """With several connections a page ends where the next one begins, also after one that came short."""
        if not self._skips(cursor) or stride.rows is None:
            return cursor
        rows = stride.rows - cursor.delivered % stride.rows
        return replace(cursor, url=self._skip_url(cursor, survey, **{"$top": str(rows)}))

    def _skips(self, cursor: Cursor) -> bool:
        is_skip = self._settings.source_paging in ("auto", "skip") and not cursor.by_link and cursor.delivered > 0
        return self._settings.source_connections > 1 and is_skip and cursor.url is not None


class _Stride:
    """How many rows the pages of this source have; not known until one was full or two were alike."""

    def __init__(self, page_size: int) -> None:
        self.rows: int | None = None
        self.is_large = False
        self._page_size = page_size
        self._before = 0

    def learn(self, rows: int, size: int) -> None:
        self.is_large = size > GUESSED_BYTES
        if self.rows is None and rows and rows in (self._page_size, self._before):
            self.rows = rows
        self._before = rows


def readable_rows(rows: Iterable[Any]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        with contextlib.suppress(Unwritable):
            found.append(read_row(row))
    return found


def example_values(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The fields of these rows, in order, each with its first value that is not null. Annotations, v2's
    `__metadata` and its links to other entities are no fields.
    """
    found: dict[str, Any] = {}
    for row in rows:
        for name, value in row.items():
            if "@" in name or name == "__metadata" or _is_deferred(value):
                continue
            if found.get(name) is None:
                found[name] = _example(value)
    return found


def _example(value: Any) -> Any:
    """Enough to tell its type; a long text is of no use and stays in memory."""
    return value[:EXAMPLE_CHARACTERS] if type(value) is str else value


def _is_deferred(value: Any) -> bool:
    return isinstance(value, dict) and "__deferred" in value


def _ends(rows: list[Any]) -> set[int]:
    """A page is told from others by its first and last row."""
    if not rows:
        return set()
    ends = hashlib.blake2b(rows[0], digest_size=8)
    ends.update(rows[-1])
    return {hash(ends.digest())}
