"""A page of the feed: the options of a request become one statement, whose names are the model's
and whose values are bound.

A page begins after the last row of the page before, in the snapshot that the first page came from;
`cursor`, OData's $skiptoken, tells both, and how many rows there are in all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.api.feed_model import DATE, ENTITY_SETS, MOMENT
from chalicelib.store.statements import named_statements

from .cursor import no_cursor
from .feed_filter import Bound, condition_of, condition_of_key
from .feed_order import Term, after, beyond_first, equal_first, order_of, property_of
from .feed_place import Place, plain
from .query import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from chalicelib.api.feed_model import EntitySet

    from .production import ProductionQuery

WELL = ("source", "field_code", "well_code")
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, kw_only=True)
class FeedPage:
    """`count` is that of all rows that the filter leaves, where it was asked for.
    `next_cursor` is None on the last.
    """

    rows: list[dict[str, Any]]
    next_cursor: str | None
    count: int | None


def feed_page(
    production: ProductionQuery,
    *,
    entity_set: str,
    key: str | None = None,
    where: str | None = None,
    order: str = "",
    select: str = "",
    top: int | None = None,
    skip: int = 0,
    count: bool = False,
    cursor: str | None = None,
    limit: int = MOST_ROWS,
) -> FeedPage:
    """`top` is how many rows the whole answer may have, of which this page has `limit` at most.
    Raises ValidationError, FeedNotImplemented, and what ProductionQuery raises.
    """
    asked = ENTITY_SETS[entity_set]
    bound = Bound()
    question = _Question(
        production=production,
        asked=asked,
        condition=_condition(asked, key, where, bound),
        terms=order_of(order, asked),
        bound=bound,
    )
    shown = properties_of(select, asked)
    of = _list_of(asked, key, where, question.terms)
    place = Place.read(cursor, asked, of=of, snapshot=production.snapshot) if cursor else None
    total = place.count if place else None
    if count and total is None:  # once for all pages: the cursor has it from then on
        total = question.count()
    most_rows = limit if top is None else min(limit, top)
    if not most_rows:
        return FeedPage(rows=[], next_cursor=None, count=total)

    # The key as well, whether it is shown or not: the next page begins behind it.
    names = list(dict.fromkeys([*shown, *asked.key]))
    # One row more than the page has tells whether there is a next one.
    fetched = question.page(names, place, limit=most_rows + 1, skip=skip)
    rows = _as_json(asked, names, fetched[:most_rows])

    next_cursor = None
    are_all = most_rows == top  # that were wanted
    if len(fetched) > most_rows and not are_all:
        last = _place_of_row(rows[-1], asked, total)
        next_cursor = last.write(of=of, snapshot=production.snapshot)

    shown_rows = [{name: row[name] for name in shown} for row in rows]
    return FeedPage(rows=shown_rows, next_cursor=next_cursor, count=total)


def _as_json(
    asked: EntitySet, names: list[str], rows: list[tuple[Any, ...]]
) -> list[dict[str, Any]]:
    """By name, with days and moments as texts."""
    times = [name for name in names if asked.type_of(name) in (DATE, MOMENT)]
    named_rows = [dict(zip(names, row, strict=True)) for row in rows]
    for row in named_rows:
        for name in times:
            row[name] = plain(row[name])
    return named_rows


def _place_of_row(row: Mapping[str, Any], asked: EntitySet, total: int | None) -> Place:
    key = {name: row[name] for name in asked.key}
    return Place(count=total, key=key)


@dataclass(frozen=True, kw_only=True)
class _Question:
    """`condition` is that of the filter and the key, whose values are in `bound`."""

    production: ProductionQuery
    asked: EntitySet
    condition: str
    terms: list[Term]
    bound: Bound

    @property
    def rows(self) -> str:
        wells = self.production.feed_wells
        if self.asked.name == "Wells":
            wells.make()
        # Rows that are by month already need not be summed by it.
        name = self.asked.name
        if name == "Monthly" and wells.is_by_month:
            name = "each_month"
        statement = _SQL[name]
        return statement.format_map(self.production.tables)

    def count(self) -> int:
        statement = _SQL["count"].format(rows=self.rows, condition=self.condition)
        _names, [(count,)] = self.production.fetch(statement, self.bound.values)
        return int(count)

    def page(
        self, names: list[str], place: Place | None, *, limit: int, skip: int
    ) -> list[tuple[Any, ...]]:
        """The columns of these names."""
        # In the order of the key: a few wells are looked at, and not the whole table.
        if self._is_by_wells(place, skip):
            return self._in_windows(names, place, limit, skip)

        # Behind a row in another order: what equals it in the first column, then the rest.
        if place and not skip:
            return self._behind_place(names, place, limit)

        # The first page in another order, or rows to skip: all of them are ordered.
        bound = Bound(letter="p")
        behind = after(self.terms, self._values_at(place.key), bound) if place else "true"
        return self._fetch(names, behind, limit, skip, bound.values)

    def _is_by_wells(self, place: Place | None, skip: int) -> bool:
        """Whether the rows are those of a few wells after each other, and it is known of which."""
        is_by_key = self.terms == [Term(name=name) for name in self.asked.key]
        if not is_by_key or self.asked.name == "Wells":
            return False

        # The rows of each well are known only where nothing is left out of them.
        is_unfiltered = self.condition == "true" and self.asked.name == "WellProduction"
        can_skip = place is None and is_unfiltered
        return not skip or can_skip

    def _behind_place(self, names: list[str], place: Place, limit: int) -> list[tuple[Any, ...]]:
        """First what is equal in the first column, then what is beyond it:
        for that no other column has to be looked at in all the rows.
        """
        rows: list[tuple[Any, ...]] = []
        values = self._values_at(place.key)
        for condition in (equal_first, beyond_first):
            bound = Bound(letter="p")
            behind = condition(self.terms, values, bound)
            lacking = limit - len(rows)
            rows += self._fetch(names, behind, lacking, 0, bound.values)
            if len(rows) == limit:
                break
        return rows

    def _in_windows(
        self, names: list[str], place: Place | None, limit: int, skip: int
    ) -> list[tuple[Any, ...]]:
        """Out of the next few wells in the order of the key,
        and of more of them where the filter leaves too little.
        """
        wells = self.production.feed_wells
        rows: list[tuple[Any, ...]] = []
        if place is None:
            first, to_skip = wells.place_behind(skip)
        else:
            first = self._place_of(place)
            to_skip = 0

        for window in wells.windows(first, limit + to_skip):
            bound = Bound(letter="p")
            behind = after(self.terms, list(place.key.values()), bound) if place else "true"
            within = f"{behind} AND {window.condition(bound)}"
            lacking = limit - len(rows)
            rows += self._fetch(names, within, lacking, to_skip, bound.values)
            to_skip = 0  # all of them were in the first window
            if len(rows) >= limit:
                break
        return rows

    def _place_of(self, place: Place) -> int:
        """Raises ValidationError where there is no such well."""
        well = [str(place.key[name]) for name in WELL]
        well_place = self.production.feed_wells.place_of(*well)
        if not well_place:
            raise no_cursor()
        return well_place

    def _fetch(
        self, names: list[str], behind: str, limit: int, skip: int, values: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        statement = _SQL["page"].format(
            rows=self.rows,
            columns=", ".join(names),
            condition=self.condition,
            behind=behind,
            order=", ".join(term.sql for term in self.terms),
        )
        values = {**self.bound.values, **values, "limit": limit, "skip": skip}
        _names, rows = self.production.fetch(statement, values)
        return rows

    def _values_at(self, key: Mapping[str, str | date]) -> list[Any]:
        """What the row with this key is ordered by.
        Raises ValidationError where there is no such row.
        """
        if [term.name for term in self.terms] == list(key):
            return list(key.values())

        bound = Bound()
        statement = _SQL["at"].format(
            rows=self.rows,
            columns=", ".join(term.name for term in self.terms),
            condition=" AND ".join(f"{name} = {bound.add(value)}" for name, value in key.items()),
        )
        _names, rows = self.production.fetch(statement, bound.values)
        if not rows:
            raise no_cursor()
        return list(rows[0])


def _condition(asked: EntitySet, key: str | None, where: str | None, bound: Bound) -> str:
    parts = []
    if key is not None:
        parts.append(condition_of_key(key, asked, bound))
    if where is not None:
        parts.append(condition_of(where, asked, bound))
    if parts:
        return f"({' AND '.join(parts)})"
    return "true"


def properties_of(text: str, asked: EntitySet) -> list[str]:
    """In the order of the model; all of them for a star, or for nothing."""
    names = [part.strip() for part in text.split(",")] if text.strip() else ["*"]
    # Each is looked at, also beside a star: an unknown name is refused.
    wanted = {property_of(name, asked, "$select") for name in names if name != "*"}
    if "*" in names:
        return list(asked.properties)
    return [name for name in asked.properties if name in wanted]


def _list_of(asked: EntitySet, key: str | None, where: str | None, terms: list[Term]) -> str:
    """What a cursor is of: the same question has the same digest."""
    order = [term.sql for term in terms]
    question = repr([asked.name, key, where, order])
    digest = hashlib.sha256(question.encode()).hexdigest()
    return f"feed {digest[:16]}"
