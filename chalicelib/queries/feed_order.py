"""The order of a page of the feed, by properties of the model, and what comes behind a row in it.
Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import FeedNotImplemented, ValidationError

if TYPE_CHECKING:
    from chalicelib.api.feed_model import EntitySet

    from .feed_filter import Bound


@dataclass(frozen=True, kw_only=True)
class Term:
    """One column of an order. What is missing comes first, and last in a descending one."""

    name: str
    descending: bool = False

    @property
    def sql(self) -> str:
        if self.descending:
            return f"{self.name} DESC NULLS LAST"
        return f"{self.name} ASC NULLS FIRST"


def order_of(text: str, asked: EntitySet) -> list[Term]:
    """With the rest of the key at the end: no two rows are equal.
    Raises ValidationError, FeedNotImplemented.
    """
    terms: dict[str, Term] = {}
    parts = text.split(",") if text.strip() else []
    for part in parts:
        name, *direction = part.split() or [""]
        known = property_of(name, asked, "$orderby")
        is_direction = direction in ([], ["asc"], ["desc"])
        if not is_direction or known in terms:
            raise ValidationError(
                "$orderby takes each property once, with asc or desc.", field="$orderby"
            )
        terms[known] = Term(name=known, descending=direction == ["desc"])
    rest = [Term(name=name) for name in asked.key if name not in terms]
    return [*terms.values(), *rest]


def property_of(text: str, asked: EntitySet, option: str) -> str:
    for name in asked.properties:
        if name == text:
            return name
    if any(sign in text for sign in "(/$@."):
        raise FeedNotImplemented(
            f"The feed knows only names of properties in {option}.", field=option
        )
    raise ValidationError(
        f"{option} names no property of {asked.name}. $metadata lists them.", field=option
    )


def after(terms: list[Term], values: list[Any], bound: Bound) -> str:
    """What follows these values in the order.
    The range of the first column is told on its own as well: that is what leaves row groups out.
    """
    chain = _chain(terms, values, bound)
    first = terms[0]
    value = values[0]
    # Downwards, and behind what is missing, a plain range would leave rows out.
    if value is None or first.descending:
        return chain
    return f"{first.name} >= {bound.add(value)} AND {chain}"


def equal_first(terms: list[Term], values: list[Any], bound: Bound) -> str:
    is_equal = _same(terms[0], _sign(values[0], bound))
    the_others = _chain(terms[1:], values[1:], bound)
    return f"{is_equal} AND {the_others}"


def beyond_first(terms: list[Term], values: list[Any], bound: Bound) -> str:
    sign = _sign(values[0], bound)
    return _more(terms[0], sign)


def _chain(terms: list[Term], values: list[Any], bound: Bound) -> str:
    """Of a, b, c: (a > 1 OR (a = 1 AND (b > 2 OR (b = 2 AND c > 3))))."""
    chain = ""
    pairs = list(zip(terms, values, strict=True))
    for term, value in reversed(pairs):  # from the inside out
        sign = _sign(value, bound)
        more = _more(term, sign)
        same = _same(term, sign)
        chain = f"({more} OR ({same} AND {chain}))" if chain else more
    return chain


def _sign(value: Any, bound: Bound) -> str | None:
    if value is None:
        return None
    return bound.add(value)


def _same(term: Term, sign: str | None) -> str:
    if sign is None:
        return f"{term.name} IS NULL"
    return f"{term.name} = {sign}"


def _more(term: Term, sign: str | None) -> str:
    if sign is None:
        if term.descending:
            return "false"
        return f"{term.name} IS NOT NULL"
    if term.descending:
        return f"({term.name} < {sign} OR {term.name} IS NULL)"
    return f"{term.name} > {sign}"
