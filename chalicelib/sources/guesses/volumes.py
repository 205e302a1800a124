"""Volumes: which fields hold oil, gas, water and liquids, and for how many days a well was on."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as default
from typing import TYPE_CHECKING

from chalicelib.products import PRODUCTS

from . import words as lexicon
from .words import word_set

if TYPE_CHECKING:
    from .look import SourceField, Table

_COLUMNS = {product.key: product.rate for product in PRODUCTS}
OIL, GAS, LIQUIDS = _COLUMNS["oil"], _COLUMNS["gas"], _COLUMNS["liquids"]
COLUMN_OF = {**_COLUMNS, "condensate": LIQUIDS}
_MASS = word_set("tonnes tonne ton tons mas mass t")
_TIME = word_set("days dias jours dager dagen tef hours hrs horas heures uren timer uptime")


@dataclass(kw_only=True)
class Volumes:
    """`fields` of each product, those whose numbers are added;
    `days` is the field of days or hours.
    """

    fields: dict[str, list[SourceField]] = default(default_factory=dict)
    others: dict[str, list[SourceField]] = default(default_factory=dict)  # which could be it too
    days: SourceField | None = None

    @property
    def all(self) -> list[SourceField]:
        """Each once, the days too."""
        fields = [field for fields in self.fields.values() for field in fields]
        if self.days:
            fields.append(self.days)
        return fields


def find_volumes(table: Table) -> Volumes:
    candidates: dict[str, list[SourceField]] = {}
    for field in table.fields:
        product = product_of(field)
        if product and field.may_be_number and field.kind != "date":
            candidates.setdefault(product, []).append(field)

    volumes = Volumes()
    for product, fields in candidates.items():
        chosen = _choose(product, fields)
        volumes.fields[product] = chosen
        volumes.others[product] = [field for field in fields if field not in chosen]

    names = {field.name for fields in candidates.values() for field in fields}
    volumes.days = _days(table, names)
    return volumes


def product_of(field: SourceField) -> str:
    """What a name says is produced:
    "" when it says nothing, or that this is sold, injected, held or burned.
    """
    letters = "".join(field.words)
    for product, column in COLUMN_OF.items():
        if product != "condensate" and letters == column.replace("_", ""):
            return product

    terms = field.terms
    allowed = lexicon.PRODUCED | lexicon.UNIT | {"unit", "units"}
    if terms & lexicon.NO_PRODUCTION - allowed:
        return ""

    # First by a word ("oil"), then by a letter beside one ("o prod"), last by a unit ("bopd").
    products = {product for product, names in lexicon.PRODUCTS.items() if terms & names}
    if not products and terms & (lexicon.PRODUCED | lexicon.VOLUME):
        products = {product for letter, product in lexicon.LETTERS.items() if letter in terms}
    if not products:
        products = {product for unit, product in lexicon.RATES.items() if unit in terms}
    return _one_of(products)


def _one_of(products: set[str]) -> str:
    """The single one.
    Condensate and oil together are liquids; condensate of gas, say, is condensate.
    """
    if products == {"condensate", "oil"}:
        return "liquids"
    if "condensate" in products and len(products) <= 2:  # noqa: PLR2004
        return "condensate"
    return products.pop() if len(products) == 1 else ""


def _choose(product: str, fields: list[SourceField]) -> list[SourceField]:
    """The best; of gas both kinds, where each has a field and none holds the sum.

    Of "Gas from wells" and "Casinghead gas" both are added; beside "Total gas" neither counts.
    """
    # The highest rank first, of equal ones the field that the source has first.
    ranked = sorted(fields, key=lambda field: (-_rank(field), field.place))
    best = ranked[:1]
    is_sum = ranked[0].terms & lexicon.TOTAL
    if product != "gas" or is_sum:
        return best

    with_oil = [field for field in ranked if _is_gas_with_oil(field)]
    rest = [field for field in ranked if field not in with_oil]
    if not with_oil or not rest:
        return best

    is_other_kind = _is_negated(rest[0]) or rest[0].terms & lexicon.PRODUCED
    if not is_other_kind:
        return best
    both_kinds = [with_oil[0], rest[0]]
    return sorted(both_kinds, key=lambda field: field.place)


def _is_gas_with_oil(field: SourceField) -> bool:
    """Gas of oil wells: "casinghead gas", "associated"."""
    is_named = bool(field.terms & lexicon.WITH_OIL)
    return is_named and not _is_negated(field)


def _is_negated(field: SourceField) -> bool:
    """Gas that comes without oil: "dry gas", "non associated"."""
    terms = field.terms
    if terms & lexicon.WITHOUT_OIL:
        return True
    return bool(terms & lexicon.NEGATION and terms & lexicon.WITH_OIL)


def _rank(field: SourceField) -> float:
    """What the name says counts more than how many rows have a value."""
    terms = field.terms
    rank = 0
    if terms & lexicon.PRODUCED:
        rank += 4
    if terms & lexicon.TOTAL:
        rank += 3
    if terms & lexicon.UNIT:
        rank += 2
    if terms & lexicon.VOLUME:
        rank += 1
    if terms & lexicon.RATE:
        rank -= 1
    if field.values and not field.filled_count:
        rank -= 5
    if terms & _MASS:
        rank -= 6
    return rank + field.filled_share


def _days(table: Table, volumes: set[str]) -> SourceField | None:
    """Days rather than hours, where both are there."""
    fields = [field for field in table.fields if field.name not in volumes and _is_duration(field)]

    def rank(field: SourceField) -> tuple[bool, float, int]:
        has_hours = not field.terms & lexicon.DAYS
        return has_hours, -field.filled_share, field.place

    return min(fields, key=rank, default=None)


def _is_duration(field: SourceField) -> bool:
    is_named = field.terms & (lexicon.DAYS | lexicon.HOURS)
    is_else = field.terms & lexicon.NO_DAYS
    is_empty = field.values and not field.filled_count
    if not is_named or is_else or is_empty:
        return False
    return field.may_be_number and _is_time(field)


def _is_time(field: SourceField) -> bool:
    """A word such as stream is of much else too, and a day can be one of the month."""
    terms = field.terms
    if terms & _TIME or {"on", "stream"} <= terms:
        return True
    is_span = terms & (lexicon.DAYS | lexicon.HOURS)
    is_of_production = terms & (lexicon.PRODUCED | {"on"})
    return bool(is_span and is_of_production)
