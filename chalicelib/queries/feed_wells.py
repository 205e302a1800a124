"""FeedWells: all wells of a published state in the order of the key, and how many rows lie before
each.

They are read out of all rows once, at the first question of the feed, into a table in memory: the
set `Wells` is read there, and a page in the order of the key learns there between which wells it
lies, so that the rest of the rows is left alone. The table goes with the connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from chalicelib.store.statements import named_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .feed_filter import Bound

# Of the next window where one had too few rows: what a filter leaves nobody knows before.
GROWTH = 16
_SQL = named_statements(Path(__file__).with_name("feed.sql"))


@dataclass(frozen=True, kw_only=True)
class Window:
    """Wells of one source that follow each other:
    the first and the last one, and the place of that.
    """

    source: str
    first: tuple[str, str]
    last: tuple[str, str]
    place: int

    def condition(self, bound: Bound) -> str:
        """The ranges of the field alone are what leaves row groups out."""
        source = bound.add(self.source)
        first_field, first_well = [bound.add(part) for part in self.first]
        last_field, last_well = [bound.add(part) for part in self.last]
        return (
            f"source = {source} AND field_code >= {first_field} AND field_code <= {last_field}"
            f" AND (field_code > {first_field} OR well_code >= {first_well})"
            f" AND (field_code < {last_field} OR well_code <= {last_well})"
        )


class FeedWells:
    """`fetch` asks the connection; `production` is what stands after FROM for the rows.
    Threads may ask at once.
    """

    def __init__(
        self, fetch: Callable[[str, Mapping[str, Any]], list[dict[str, Any]]], production: str
    ) -> None:
        self._fetch = fetch
        self._production = production
        self._lock = Lock()
        self._is_made = False
        self._is_by_month: bool | None = None

    def make(self) -> None:
        with self._lock:
            if not self._is_made:
                statement = _SQL["make_wells"].format(production=self._production)
                self._fetch(statement, {})
                self._is_made = True

    @property
    def is_by_month(self) -> bool:
        """Whether each period of a month or less begins on the first day of a month:
        then it is a calendar month's only one, and nothing has to be summed.
        """
        with self._lock:
            if self._is_by_month is None:
                statement = _SQL["is_by_month"].format(production=self._production)
                (found,) = self._fetch(statement, {})
                self._is_by_month = bool(found["is_by_month"])
            return self._is_by_month

    def place_of(self, source: str, field_code: str, well_code: str) -> int:
        """0 where there is none."""
        self.make()
        values = {
            "source": source,
            "field_code": field_code,
            "well_code": well_code,
        }
        (found,) = self._fetch(_SQL["place_of"], values)
        return int(found["place"])

    def place_behind(self, rows: int) -> tuple[int, int]:
        """Of the well that holds the row behind so many, and how many of these are its own."""
        self.make()
        found = self._fetch(_SQL["place_behind"], {"rows": rows})
        if not found:
            return 0, 0
        well = found[0]
        return int(well["place"]), int(well["own"])

    def windows(self, place: int, rows: int) -> Iterator[Window]:
        """From the well at this place on:
        the first one has at least so many rows, where its source has them.
        """
        self.make()
        while found := self._fetch(_SQL["window"], {"place": place, "rows": rows}):
            ends = found[0]
            window = Window(
                source=ends["source"],
                first=(ends["first_field"], ends["first_well"]),
                last=(ends["last_field"], ends["last_well"]),
                place=int(ends["last_place"]),
            )
            yield window
            # Whoever asks for another one got too few rows out of this.
            place = window.place + 1
            rows = rows * GROWTH
