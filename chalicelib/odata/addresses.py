"""The addresses of the source's rows, one a page, and of its `$metadata`.
What the configured URL's own query asks for stays in all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from chalicelib.errors import SourceColumns
from chalicelib.http.url_parts import option_of, with_options

from .filters import MOMENT_TYPES, V2, all_of, moment_literal
from .reading import Way

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.settings import Settings

    from .cursor import Cursor
    from .survey import Survey

# What the configured URL may hold of these is left out: a `$skip` of its own would stand in the
# first request alone, and the rows before it would come with the next ones.
PAGING = ("$top", "$skip", "$skiptoken")


def rows_url(source_url: str, options: Mapping[str, str], *filters: str) -> str:
    """The entity set with these query options and, beside its own, these filters."""
    condition = all_of(option_of(source_url, "$filter"), *filters)
    condition_too = {"$filter": condition} if condition else {}
    return with_options(source_url, condition_too | dict(options), without=PAGING)


def metadata_url(source_url: str) -> str:
    """`$metadata` stands beside the entity set and takes none of OData's options."""
    url = urlsplit(source_url)
    service, _ = _path(source_url)
    pairs = parse_qsl(url.query)
    without_odata = [(name, value) for name, value in pairs if not name.startswith("$")]
    query = urlencode(without_odata)
    return urlunsplit(url._replace(path=f"{service}/$metadata", query=query))


def entity_set(source_url: str) -> str:
    _, name = _path(source_url)
    return name


def _path(source_url: str) -> tuple[str, str]:
    """The service and its entity set: of https://example.org/odata/Production, /odata and
    Production.
    """
    path = urlsplit(source_url).path.rstrip("/")
    service, _, name = path.rpartition("/")
    return service, name


def count_url(source_url: str, *filters: str) -> str:
    """The number of the rows alone, as text: OData v4 part 2, 4.8."""
    url = urlsplit(rows_url(source_url, {}, *filters))
    path = url.path.rstrip("/")
    return urlunsplit(url._replace(path=f"{path}/$count"))


class PageAddresses:
    """Of the rows of one import: in its order and within its limits.

    `$top` bounds a whole result, all its pages together (OData v4 part 1, 11.2.6.3). So it stands
    only where the next request is ours to make, by `$skip` or by key; how long a page is says the
    preference `odata.maxpagesize`.
    """

    def __init__(self, settings: Settings, survey: Survey) -> None:
        self._settings = settings
        self._survey = survey

    def first(self, cursor: Cursor) -> str:
        """The first page, with the number of all the rows. Raises SourceColumns."""
        options: dict[str, str] = {}
        next_is_ours = cursor.top is not None or cursor.way in (Way.SKIP, Way.KEYS)
        if next_is_ours:
            options |= self._top(cursor)
        if cursor.counts:
            options |= self._count
        return self._of(cursor, options)

    def of(self, cursor: Cursor, options: Mapping[str, str], *filters: str) -> str:
        """A page of the rows that `options` and `filters` leave of the cursor's.
        Raises SourceColumns.
        """
        with_top = {**self._top(cursor), **options}
        return self._of(cursor, with_top, *filters)

    def counts(self, cursor: Cursor) -> tuple[str, str]:
        """Two ways to ask for the number of all the rows, and for none of them."""
        in_any_order = replace(cursor, order=[])
        page_without_rows = self._of(in_any_order, {"$top": "0"} | self._count)
        bare_number = count_url(self._settings.source_url, *self._limits(cursor))
        return page_without_rows, bare_number

    def _of(self, cursor: Cursor, options: Mapping[str, str], *filters: str) -> str:
        order = {"$orderby": ",".join(cursor.order)} if cursor.order else {}
        in_order = {**order, **options}
        all_filters = (*self._limits(cursor), *filters)
        return rows_url(self._settings.source_url, in_order, *all_filters)

    def _top(self, cursor: Cursor) -> dict[str, str]:
        most = cursor.top or self._settings.page_size
        return {"$top": str(most)}

    @property
    def _count(self) -> dict[str, str]:
        if self._survey.version == V2:
            return {"$inlinecount": "allpages"}
        return {"$count": "true"}

    def _limits(self, cursor: Cursor) -> tuple[str, str, str]:
        changed = self._changed_filter(cursor)
        return cursor.limits, changed, cursor.range

    def _changed_filter(self, cursor: Cursor) -> str:
        edm_type = self._changed_type()
        if cursor.changed_since is None or edm_type is None:
            return ""
        moment = moment_literal(cursor.changed_since, edm_type, self._survey.version)
        return f"{self._settings.source_changed} ge {moment}"

    def _changed_type(self) -> str | None:
        """The Edm type of the change field;
        None without one, and when a source without rows shows none.
        """
        name = self._settings.source_changed
        if not name or (self._survey.entity is None and not self._survey.fields):
            return None

        edm_type = self._survey.type_of(name)
        if edm_type not in MOMENT_TYPES:
            raise SourceColumns(
                f"WELLHEAD_SOURCE_CHANGED names {name}, which is {edm_type or 'no field of the source'}. It must be "
                "a date, or a date with a time. Name another field, or none to import everything each time."
            )
        return edm_type
