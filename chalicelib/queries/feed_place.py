"""Where a page of the feed begins: behind a row of the page before, whose key the $skiptoken tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from chalicelib.api.feed_model import DATE

from .cursor import no_cursor, read_parts, write_parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.api.feed_model import EntitySet


@dataclass(frozen=True, kw_only=True)
class Place:
    """`key` is that of the last row of the page before. What else it is ordered by,
    the snapshot still tells: a name of any length has no room in an address.
    """

    count: int | None
    key: Mapping[str, str | date]

    def write(self, *, of: str, snapshot: str | None) -> str:
        key = [plain(value) for value in self.key.values()]
        return write_parts([of, snapshot, self.count, *key])

    @classmethod
    def read(cls, text: str, asked: EntitySet, *, of: str, snapshot: str | None) -> Place:
        """Raises ValidationError for one that we would not write so."""
        try:
            _, _, count, *parts = read_parts(text)
            key: dict[str, str | date] = {}
            for name, part in zip(asked.key, map(str, parts), strict=True):
                is_date = asked.type_of(name) == DATE
                key[name] = date.fromisoformat(part) if is_date else part
        except (ValueError, TypeError, RecursionError) as exc:
            raise no_cursor() from exc

        is_count = type(count) is int  # True is an int too, and no count
        place = cls(count=count if is_count else None, key=key)
        # Of another list or snapshot, or with a mark that is not ours.
        if place.write(of=of, snapshot=snapshot) != text:
            raise no_cursor()
        return place


def plain(value: Any) -> Any:
    """Ready for JSON, as OData writes it."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    return value
