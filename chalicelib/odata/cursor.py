"""Cursor: the place between two pages where an import stands, and can go on after a break."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from .masked_link import masked, unmasked

if TYPE_CHECKING:
    from .envelope import PageBody


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

    def past(self, body: PageBody, size: int) -> Self:
        """Behind this page of `size` bytes. Without a URL: which request comes next, a paginator knows."""
        expected = body.count if self.page == 1 else self.expected
        remaining = (expected or 0) - self.delivered
        is_other = None not in (expected, body.count) and body.count not in (expected, remaining)
        return replace(
            self,
            url=None,
            page=self.page + 1,
            delivered=self.delivered + len(body.rows),
            bytes=self.bytes + size,
            expected=expected,
            recounted=self.recounted or is_other,
        )

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
