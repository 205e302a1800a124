"""Cursor: the place between two pages where an import stands, and can go on after a break."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from chalicelib.errors import SourceTooLarge

from .masked_link import mask_link, unmask_link
from .reading import End, Reading, Way

if TYPE_CHECKING:
    from chalicelib.store.table import Table

    from .envelope import PageBody

LONGEST_CURSOR = 20 << 10  # bytes; a link takes most of them, and the job's item has it twice


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The next request and what came before it; no URL after the last page. Stored with every
    checkpoint.

    `way` tells by what pages are asked for, once the import has begun. `counts` is false where the
    source refused to count, `top` the most rows that it gave or may be asked for at once where that
    is not the setting. `empty` pages without rows came in a row. After the last page `ended` tells
    why it is the last, and `counted_again` the number of all the rows, where it was asked for once
    more. Of several parts together, `missing` rows did not come in some of them, however many more
    came in others, and `has_shrunk` tells that some had fewer rows at their end.

    `order` names the fields in whose order the rows come. Only rows changed since `changed_since`
    are asked for; `changed_until` is the latest change among the rows before the cursor, `undated`
    the number of those without one. Times are epoch seconds. `limits` is a filter that every
    request carries, and so is `range`, of a part of the source that is read beside others
    (ranges.py).
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
    range: str = ""
    way: str = ""
    # The key by which pages are cut is one that the service declares: never null, never twice.
    by_own_key: bool = False
    counts: bool = True
    top: int | None = None
    empty: int = 0
    is_trial: bool = False  # the next request is the first by $skip, which the source need not know
    # The links ended before the count, and pages are asked for by $skip since.
    is_beyond_links: bool = False
    is_part: bool = False  # some of the source's files are not read, for they were before
    ended: str = ""
    counted_again: int | None = None
    missing: int = 0
    has_shrunk: bool = False

    @property
    def reading(self) -> Reading:
        """What may be said of a reading that ended here."""
        otherwise = Way.LINKS if self.by_link else Way.SKIP
        return Reading(
            announced=self.expected,
            counted_again=self.counted_again,
            delivered=self.delivered,
            ended=End(self.ended) if self.ended else None,
            way=Way.KEYS if self.way == Way.KEYS else otherwise,
            by_own_key=self.by_own_key,
            missing_of_parts=self.missing,
            has_shrunk=self.has_shrunk,
        )

    @property
    def is_of_all(self) -> bool:
        """Whether all that the source has is asked for."""
        return self.changed_since is None and not self.is_part

    @property
    def is_short(self) -> bool:
        """Whether fewer rows have come than were counted."""
        if self.expected is None:
            return False
        return self.delivered < self.expected

    def past(self, body: PageBody, size: int) -> Self:
        """Behind this page of `size` bytes.
        Without a URL: which request comes next, a paginator knows.
        """
        expected = body.count if self.page == 1 else self.expected
        # Some services count what is still to come: 300 rows, and with the next page of 100, 200.
        remaining = (expected or 0) - self.delivered
        is_counted = expected is not None and body.count is not None
        is_other = is_counted and body.count not in (expected, remaining)

        return replace(
            self,
            url=None,
            page=self.page + 1,
            delivered=self.delivered + len(body.rows),
            bytes=self.bytes + size,
            expected=expected,
            recounted=self.recounted or is_other,
            empty=0 if body.rows else self.empty + 1,
        )

    def at_start(self) -> Self:
        """Before the first page: with nothing of what the pages have shown."""
        return type(self)(
            url=self.url,
            order=self.order,
            changed_since=self.changed_since,
            limits=self.limits,
            range=self.range,
            way=self.way,
            by_own_key=self.by_own_key,
            counts=self.counts,
            top=self.top,
            is_part=self.is_part,
        )

    def at_end(self, ended: End) -> Self:
        return replace(self, url=None, ended=str(ended))

    def to_attributes(self, source_url: str) -> dict[str, Any]:
        """As a checkpoint keeps it, without what the query of `source_url` holds.
        Raises SourceTooLarge.
        """
        url = mask_link(self.url, source_url) if self.url else None
        stored = asdict(replace(self, url=url))
        text = json.dumps(stored, ensure_ascii=False)
        size = len(text.encode(errors="surrogatepass"))
        if size > LONGEST_CURSOR:
            raise SourceTooLarge(
                f"The request for page {self.page:,} has names or values of {size:,} bytes, and a checkpoint takes "
                f"{LONGEST_CURSOR:,}. Ask the source's operator for shorter ones, or for another key.",
                page=self.page,
            )
        return stored

    @classmethod
    def from_attributes(cls, stored: dict[str, Any], source_url: str) -> Self:
        cursor = cls(**stored)
        url = unmask_link(cursor.url, source_url) if cursor.url else None
        return replace(cursor, url=url)


@dataclass(frozen=True, kw_only=True)
class Page:
    """`rows` are JSON texts, one a row, bytes-like and without line breaks; or it is one `table`,
    and `rows` has none.

    The pages of one file have its `number`, and `first_row` is the place in it of their first row;
    its name is `file`. Where the file began in another part of the source, `part` is that one's
    number.
    """

    number: int
    rows: list[Any]
    next: Cursor
    size: int = 0  # bytes
    table: Table | None = None
    first_row: int = 0
    file: str = ""
    part: int | None = None
