"""A page of the feed: the options of a request become one statement, whose names are the model's and whose values are
bound.

A page begins after the last row of the page before, in the snapshot that the first page came from; `cursor`, OData's
$skiptoken, tells both, and how many rows there are in all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.api.feed_model import DATE, ENTITY_SETS
from chalicelib.errors import FeedNotImplemented, ValidationError
from chalicelib.store.statements import named_statements

from .cursor import no_cursor, read_parts, write_parts
from .feed_filter import Bound, condition_of, condition_of_key
from .query import MOST_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.api.feed_model import EntitySet

    from .production import ProductionQuery

SUMS = {"Wells": 1, "Monthly": 12}  # how many rows a well has at least, as a rule
WELL = ("source", "field_code", "well_code")
_SQL = named_statements(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True, kw_only=True)
class FeedPage:
    """`count` is that of all rows that the filter leaves, where it was asked for. `next_cursor` is None on the last."""

    rows: list[dict[str, Any]]
    next_cursor: str | None
    count: int | None


@dataclass(frozen=True, kw_only=True)
class Term:
    """One column of an order. What is missing comes first, and last in a descending one."""

    name: str
    descending: bool = False

    @property
    def sql(self) -> str:
        return f"{self.name} DESC NULLS LAST" if self.descending else f"{self.name} ASC NULLS FIRST"


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
    """`top` is how many rows the whole answer may have, of which this page has `limit` at most. Raises ValidationError,
    FeedNotImplemented, and what ProductionQuery raises.
    """
    asked, bound = ENTITY_SETS[entity_set], Bound()
    question = _Question(
        production=production,
        asked=asked,
        condition=_condition(asked, key, where, bound),
        terms=order_of(order, asked),
        bound=bound,
    )
    shown = selected(select, asked)
    of = _list_of(asked, key, where, question.terms)
    place = _Place.read(cursor, asked, of=of, snapshot=production.snapshot) if cursor else None
    counted = place.count if place else None
    if count and counted is None:
        counted = question.count()
    many = limit if top is None else min(limit, top)
    if not many:
        return FeedPage(rows=[], next_cursor=None, count=counted)
    names = list(dict.fromkeys([*shown, *asked.key]))
    found = question.page(names, place, limit=many + 1, skip=skip)
    told = [dict(zip(names, map(_plain, row), strict=True)) for row in found[:many]]
    next_cursor = None
    if len(found) > many and many != top:
        last = _Place(count=counted, key={name: told[-1][name] for name in asked.key})
        next_cursor = last.write(of=of, snapshot=production.snapshot)
    return FeedPage(rows=[{name: row[name] for name in shown} for row in told], next_cursor=next_cursor, count=counted)


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
        return _SQL[self.asked.name].format_map(self.production.tables)

    def count(self) -> int:
        statement = _SQL["count"].format(rows=self.rows, condition=self.condition)
        ((count,),) = self.production.fetch(statement, self.bound.values)[1]
        return int(count)

    def page(self, names: list[str], place: _Place | None, *, limit: int, skip: int) -> list[tuple[Any, ...]]:
        """The columns of these names. Of sums in the order of the key, those of the next few wells are tried first."""
        beside = Bound(letter="p")
        after = _after(self.terms, self._values_at(place.key), beside) if place else "true"
        if self.asked.name in SUMS and self._is_plain and not skip:
            own = Bound(letter="w")
            end = self._end_of_page(limit // SUMS[self.asked.name] + 1, place, own)
            found = self._fetch(names, f"{after} AND {end}", limit, skip, beside.values | own.values) if end else []
            if len(found) == limit:
                return found
        return self._fetch(names, after, limit, skip, beside.values)

    @property
    def _is_plain(self) -> bool:
        return self.condition == "true" and self.terms == [Term(name=name) for name in self.asked.key]

    def _fetch(
        self, names: list[str], after: str, limit: int, skip: int, values: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        statement = _SQL["page"].format(
            rows=self.rows,
            columns=", ".join(names),
            condition=self.condition,
            after=after,
            order=", ".join(term.sql for term in self.terms),
        )
        return self.production.fetch(statement, {**self.bound.values, **values, "limit": limit, "skip": skip})[1]

    def _end_of_page(self, wells: int, place: _Place | None, bound: Bound) -> str:
        """A condition of the wells up to one that is so many behind the place; empty when there are not as many."""
        own, begin = Bound(), "true"
        if place:
            signs = [own.add(place.key[name]) for name in WELL]
            begin = f"source >= {signs[0]} AND ({', '.join(WELL)}) >= ({', '.join(signs)})"
        statement = _SQL["last_well"].format(**self.production.tables, begin=begin)
        found = self.production.fetch(statement, {**own.values, "wells": wells})[1]
        return f"({', '.join(WELL)}) <= ({', '.join(bound.add(code) for code in found[0])})" if found else ""

    def _values_at(self, key: Mapping[str, str | date]) -> list[Any]:
        """What the row with this key is ordered by. Raises ValidationError where there is no such row."""
        if [term.name for term in self.terms] == list(key):
            return list(key.values())
        bound = Bound()
        condition = " AND ".join(f"{name} = {bound.add(value)}" for name, value in key.items())
        columns = ", ".join(term.name for term in self.terms)
        statement = _SQL["at"].format(rows=self.rows, columns=columns, condition=condition)
        found = self.production.fetch(statement, bound.values)[1]
        if not found:
            raise no_cursor()
        return list(found[0])


def _condition(asked: EntitySet, key: str | None, where: str | None, bound: Bound) -> str:
    parts = []
    if key is not None:
        parts.append(condition_of_key(key, asked, bound))
    if where is not None:
        parts.append(condition_of(where, asked, bound))
    return f"({' AND '.join(parts)})" if parts else "true"


# -- $orderby and $select ---------------------------------------------------------------------------------------


def order_of(text: str, asked: EntitySet) -> list[Term]:
    """With the rest of the key at the end: no two rows are equal. Raises ValidationError, FeedNotImplemented."""
    terms: dict[str, Term] = {}
    for part in text.split(",") if text.strip() else []:
        name, *direction = part.split() or [""]
        known = _known(name, asked, "$orderby")
        if direction not in ([], ["asc"], ["desc"]) or known in terms:
            raise ValidationError("$orderby takes each property once, with asc or desc.", field="$orderby")
        terms[known] = Term(name=known, descending=direction == ["desc"])
    return [*terms.values(), *(Term(name=name) for name in asked.key if name not in terms)]


def selected(text: str, asked: EntitySet) -> list[str]:
    """In the order of the model; all of them for a star, or for nothing."""
    names = [part.strip() for part in text.split(",")] if text.strip() else ["*"]
    wanted = {_known(name, asked, "$select") for name in names if name != "*"}
    return [name for name in asked.properties if "*" in names or name in wanted]


def _known(text: str, asked: EntitySet, option: str) -> str:
    for name in asked.properties:
        if name == text:
            return name
    if any(sign in text for sign in "(/$@."):
        raise FeedNotImplemented(f"The feed knows names of properties alone in {option}.", field=option)
    raise ValidationError(f"{option} names no property of {asked.name}. $metadata lists them.", field=option)


# -- where a page begins ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Place:
    """`key` is that of the last row of the page before. What else it is ordered by, the snapshot still tells: a name of
    any length has no room in an address.
    """

    count: int | None
    key: Mapping[str, str | date]

    def write(self, *, of: str, snapshot: str | None) -> str:
        return write_parts([of, snapshot, self.count, *map(_plain, self.key.values())])

    @classmethod
    def read(cls, text: str, asked: EntitySet, *, of: str, snapshot: str | None) -> _Place:
        """Raises ValidationError for one that we would not write so."""
        try:
            _, _, count, *parts = read_parts(text)
            texts = zip(asked.key, map(str, parts), strict=True)
            key = {name: date.fromisoformat(text) if asked.type_of(name) == DATE else text for name, text in texts}
        except (ValueError, TypeError, RecursionError) as exc:
            raise no_cursor() from exc
        place = cls(count=count if type(count) is int else None, key=key)
        if place.write(of=of, snapshot=snapshot) != text:
            raise no_cursor()
        return place


def _list_of(asked: EntitySet, key: str | None, where: str | None, terms: list[Term]) -> str:
    said = repr([asked.name, key, where, [term.sql for term in terms]])
    return f"feed {hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _plain(value: Any) -> Any:
    """Ready for JSON, as OData writes it."""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else value


def _after(terms: list[Term], values: list[Any], bound: Bound) -> str:
    """What follows these values in the order. The range of the first column is told on its own as well: that is what
    leaves row groups out.
    """
    chain = ""
    for term, value in reversed(list(zip(terms, values, strict=True))):
        sign = None if value is None else bound.add(value)
        more = _more(term, sign)
        same = f"{term.name} IS NULL" if sign is None else f"{term.name} = {sign}"
        chain = f"({more} OR ({same} AND {chain}))" if chain else more
    first, value = terms[0], values[0]
    if value is None or first.descending:
        return chain
    return f"{first.name} >= {bound.add(value)} AND {chain}"


def _more(term: Term, sign: str | None) -> str:
    if sign is None:
        return "false" if term.descending else f"{term.name} IS NOT NULL"
    return f"({term.name} < {sign} OR {term.name} IS NULL)" if term.descending else f"{term.name} > {sign}"
