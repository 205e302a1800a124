"""Products as rows: one volume, beside a code that tells of what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import words as said
from .look import Guess, Seen
from .units import Named, question, unit_of_name, unit_of_others, unit_of_text
from .volumes import COLUMN_OF, LIQUIDS, OIL, largest_of
from .words import plain, word_set, words_of

if TYPE_CHECKING:
    from .look import Table
    from .volumes import Measures

MOST_CODES = 60
LEAST_FILLED = 0.5
CODES = {
    "oil": "o oil crude crudeoil petroleo oleo petrole huile brut olje olie aceite crudo petroleocrudo rawoil",
    "gas": "g gas gaz gass aardgas naturalgas gasnatural gaznaturel naturgass casinghead casingheadgas",
    "condensate": "c cond condensate condensado condensat kondensat condensaat",
    "water": "w wtr water agua eau vann brine productionwater",
}
_CODE = {code: product for product, codes in CODES.items() for code in codes.split()}
_OF_CODE = word_set(
    "product products prod producto produto produit produkt commodity fluid fluido fluide stream substance knd"
)


_OF_UNITS = word_set("unit units uom unidad unidade unite enhet eenheid")


@dataclass(frozen=True, kw_only=True)
class ProductRows:
    """`codes` has the texts of each product, as the field `product` writes them, `units` those of a field beside it, by
    code.
    """

    volume: Seen
    product: Seen
    codes: dict[str, list[str]]
    units: dict[str, set[str]]


def find_product_rows(table: Table, taken: set[str]) -> ProductRows | None:
    volume = max((seen for seen in table.fields if _as_volume(seen)), key=_as_volume, default=None)
    coded = [(found, seen) for seen in table.fields if seen.name not in taken and (found := _codes_of(seen))]
    if volume is None or not coded:
        return None
    codes, product = max(coded, key=lambda each: _as_code(each[1], each[0]))
    return ProductRows(volume=volume, product=product, codes=codes, units=_units_beside(table, product))


def _units_beside(table: Table, product: Seen) -> dict[str, set[str]]:
    """Of each code of a product, what a field of units says in its rows."""
    fields = [seen for seen in table.fields if seen.said & _OF_UNITS and 0 < len(seen.counts) <= MOST_CODES]
    units: dict[str, set[str]] = {}
    for unit in fields:
        for code, text in zip(product.values, unit.values, strict=True):
            units.setdefault(code, set()).update({text} if text and _is_unit(text) else ())
    return units


def _is_unit(text: str) -> bool:
    return bool(unit_of_text(text, "liquid") or unit_of_text(text, "gas"))


def _as_code(seen: Seen, codes: dict[str, list[str]]) -> tuple[bool, bool, int]:
    return seen.share_filled > LEAST_FILLED, bool(seen.said & _OF_CODE), len(codes)


def _as_volume(seen: Seen) -> int:
    """0 when it holds no volume."""
    words = seen.said
    if not seen.may_be_number or words & (said.NO_PRODUCTION - said.UNIT) or words & _OF_CODE - {"prod"}:
        return 0
    if any(words & names for names in said.PRODUCTS.values()) or words & (said.YEAR | said.MONTH | said.DATE):
        return 0
    is_filled = not seen.values or seen.filled
    return (2 * bool(words & said.VOLUME) + bool(words & said.PRODUCED) + bool(words & said.UNIT)) * bool(is_filled)


def _codes_of(seen: Seen) -> dict[str, list[str]]:
    """Of a field with few codes: those of two products at least."""
    if not 1 < len(seen.counts) <= MOST_CODES:
        return {}
    found: dict[str, list[str]] = {}
    for code in seen.counts:
        if product := _product_of(code):
            found.setdefault(product, []).append(code)
    is_named = bool(seen.said & _OF_CODE)
    known = sum(map(len, found.values()))
    letters_alone = all(len(code) == 1 for codes in found.values() for code in codes)
    is_enough = len(found) > 1 and (is_named or (not letters_alone and known * 2 >= len(seen.counts)))
    return {product: sorted(codes) for product, codes in found.items()} if is_enough else {}


def _product_of(code: str) -> str:
    """Of a code such as COND, or of a name such as "Oil (bbl)"; "" of what is none."""
    key = "".join(sign for sign in plain(code).lower() if sign.isalpha())
    if key in _CODE:
        return _CODE[key]
    words = set(words_of(code))
    named = [product for product, names in said.PRODUCTS.items() if words & names]
    is_one = len(named) == 1 and named[0] in CODES
    return named[0] if is_one and not words & (said.NO_PRODUCTION - said.UNIT | said.WELL) else ""


def where_products(rows: ProductRows, where: list[Guess]) -> list[Guess]:
    """What `where` says, and the products that have a column, where there are others."""
    known = sorted(code for codes in rows.codes.values() for code in codes)
    rest = [code for code in rows.product.counts if code not in known]
    if not rest:
        return where
    why = f"what has a column, not {', '.join(rest[:4])}"
    before = where[0].value if where else {}
    told = f"{where[0].why}; {why}" if where else why
    return [Guess(key="where", value=before | {rows.product.name: known}, why=told)]


def write_product_rows(rows: ProductRows, measures: Measures) -> list[Guess]:
    """A column of each product, and liquids, where there is oil or condensate."""
    of = {product: codes for product, codes in rows.codes.items() if product != "condensate"}
    guesses = [_column(rows, COLUMN_OF[product], codes, measures) for product, codes in of.items()]
    liquids = [*rows.codes.get("oil", []), *rows.codes.get("condensate", [])]
    if liquids:
        guesses.append(_column(rows, LIQUIDS, liquids, measures))
    order = [OIL, LIQUIDS, COLUMN_OF["gas"], COLUMN_OF["water"]]
    return sorted(guesses, key=lambda guess: order.index(guess.key.removeprefix("columns.")))


def _column(rows: ProductRows, column: str, codes: list[str], measures: Measures) -> Guess:
    product = "gas" if column == COLUMN_OF["gas"] else "liquid"
    named = _unit(rows, product, codes, measures)
    value: dict[str, Any] = {"field": rows.volume.name}
    chosen = {"when": {rows.product.name: codes}}
    if named is None:
        why = question(rows.volume, product, largest_of([rows.volume], measures.form))
        return Guess(key=f"columns.{column}", value=value | {"unit": "..."} | chosen, why=why, is_complete=False)
    value |= {"unit": named.text} | ({"at": named.at} if named.at else {}) | chosen
    return Guess(key=f"columns.{column}", value=value, why=f"rows tell their product; {named.why}")


def _unit(rows: ProductRows, product: str, codes: list[str], measures: Measures) -> Named | None:
    """What the codes say, or a field of units beside them; the name of the volume; the region."""
    of_codes = [unit_of_name(Seen(name=code, place=0, values=()), product, is_mil=measures.is_mil) for code in codes]
    told = {named.text: named for named in of_codes if named and named.text}
    if len(told) == 1 and all(of_codes):
        return next(iter(told.values()))
    beside = {text for code in codes for text in rows.units.get(code, ())}
    if len(beside) == 1 and (unit := unit_of_text(text := beside.pop(), product)):
        return Named(text=unit, why=f"a field of units says {text[:30]} beside them")
    named = unit_of_name(rows.volume, product, is_mil=measures.is_mil)
    return named if named and named.text else unit_of_others(product, {}, measures.region)
