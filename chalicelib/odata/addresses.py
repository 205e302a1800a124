"""The addresses of the source's rows, one a page, and of its `$metadata`. What the configured URL's own query asks
for stays in all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from chalicelib.errors import SourceColumns

from .filters import MOMENT_TYPES, V2, all_of, moment_literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.settings import Settings

    from .cursor import Cursor
    from .survey import Survey


def rows_url(source_url: str, options: Mapping[str, str], *filters: str) -> str:
    """The entity set with these query options and, beside its own, these filters."""
    url = urlsplit(source_url)
    own = dict(parse_qsl(url.query, keep_blank_values=True))
    wanted = all_of(own.get("$filter", ""), *filters)
    query = {**own, **({"$filter": wanted} if wanted else {}), **options}
    return urlunsplit(url._replace(query=urlencode(query, quote_via=quote, safe="$,")))


def metadata_url(source_url: str) -> str:
    """`$metadata` stands beside the entity set and takes none of OData's options."""
    url = urlsplit(source_url)
    own = [(name, value) for name, value in parse_qsl(url.query) if not name.startswith("$")]
    return urlunsplit(url._replace(path=f"{_path(source_url)[0]}/$metadata", query=urlencode(own)))


def entity_set(source_url: str) -> str:
    return _path(source_url)[1]


def _path(source_url: str) -> tuple[str, str]:
    """The service and its entity set."""
    service, _, name = urlsplit(source_url).path.rstrip("/").rpartition("/")
    return service, name


class PageAddresses:
    """Of the rows of one import: in its order and within its limits, a page of WELLHEAD_PAGE_SIZE rows each."""

    def __init__(self, settings: Settings, survey: Survey) -> None:
        self._settings = settings
        self._survey = survey

    def first(self, cursor: Cursor) -> str:
        """The first page, with the number of all the rows. Raises SourceColumns."""
        count = {"$inlinecount": "allpages"} if self._survey.version == V2 else {"$count": "true"}
        return self.of(cursor, count)

    def of(self, cursor: Cursor, options: Mapping[str, str], *filters: str) -> str:
        """The rows that `options` and `filters` leave of the cursor's. Raises SourceColumns."""
        order = {"$orderby": ",".join(cursor.order)} if cursor.order else {}
        top = {"$top": str(self._settings.page_size)}
        limits = (cursor.limits, self._changed_filter(cursor), *filters)
        return rows_url(self._settings.source_url, {**order, **top, **options}, *limits)

    def _changed_filter(self, cursor: Cursor) -> str:
        edm_type = self._changed_type()
        if cursor.changed_since is None or edm_type is None:
            return ""
        moment = moment_literal(cursor.changed_since, edm_type, self._survey.version)
        return f"{self._settings.source_changed} ge {moment}"

    def _changed_type(self) -> str | None:
        """The Edm type of the change field; None without one, and when a source without rows shows none."""
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
