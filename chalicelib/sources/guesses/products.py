"""Products as rows: one volume, beside a code that tells of what it is.

The rows (A, 2024-01, OIL, 5) and (A, 2024-01, GAS, 9) of a well become its oil and its gas by
`when = { Product = ["OIL"] }` and `when = { Product = ["GAS"] }`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import words as lexicon
from .look import Guess, SourceField
from .meant_rows import where_too
from .units import Named, question, unit_of_name, unit_of_others, unit_of_text
from .volume_columns import largest_of
from .volumes import COLUMN_OF, LIQUIDS, OIL
from .words import plain, word_set, words_of

if TYPE_CHECKING:
    from .look import Table
    from .volume_columns import Measures

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
    """`codes` has the texts of each product, as the field `product` writes them,
    `units` those of a field beside it, by code.
    """

    volume: SourceField
    product: SourceField
    codes: dict[str, list[str]]
    units: dict[str, set[str]]


def find_product_rows(table: Table, taken: set[str]) -> ProductRows | None:
    volumes = [field for field in table.fields if _as_volume(field)]
    volume = max(volumes, key=_as_volume, default=None)

    free = [field for field in table.fields if field.name not in taken]
    fields_and_codes = [(field, _codes_of(field)) for field in free]
    candidates = [(field, codes) for field, codes in fields_and_codes if codes]
    if volume is None or not candidates:
        return None

    product, codes = max(candidates, key=lambda candidate: _as_code(*candidate))
    units = _units_beside(table, product)
    return ProductRows(volume=volume, product=product, codes=codes, units=units)


def _units_beside(table: Table, product: SourceField) -> dict[str, set[str]]:
    """Of each code of a product, what a field of units says in its rows."""
    units: dict[str, set[str]] = {}
    for field in table.fields:
        has_codes = 0 < len(field.counts) <= MOST_CODES
        if not field.terms & _OF_UNITS or not has_codes:
            continue
        for code, text in zip(product.values, field.values, strict=True):
            units_of_code = units.setdefault(code, set())
            if text and _is_unit(text):
                units_of_code.add(text)
    return units


def _is_unit(text: str) -> bool:
    unit = unit_of_text(text, "liquid") or unit_of_text(text, "gas")
    return bool(unit)


def _as_code(field: SourceField, codes: dict[str, list[str]]) -> tuple[bool, bool, int]:
    is_filled = field.filled_share > LEAST_FILLED
    is_called_code = bool(field.terms & _OF_CODE)
    return is_filled, is_called_code, len(codes)


def _as_volume(field: SourceField) -> int:
    """How well the field holds the volume of any product; 0 when it holds none."""
    terms = field.terms
    is_no_production = terms & (lexicon.NO_PRODUCTION - lexicon.UNIT)
    is_code = terms & _OF_CODE - {"prod"}  # which is short for production too
    if not field.may_be_number or is_no_production or is_code:
        return 0

    is_of_one_product = any(terms & names for names in lexicon.PRODUCTS.values())
    is_time = terms & (lexicon.YEAR | lexicon.MONTH | lexicon.DATE)
    is_empty = field.values and not field.filled_count
    if is_of_one_product or is_time or is_empty:
        return 0

    score = 0
    if terms & lexicon.VOLUME:
        score += 2
    if terms & lexicon.PRODUCED:
        score += 1
    if terms & lexicon.UNIT:
        score += 1
    return score


def _codes_of(field: SourceField) -> dict[str, list[str]]:
    """By product, of a field with few codes.
    Empty when these are not codes of two products at least.
    """
    if not 1 < len(field.counts) <= MOST_CODES:
        return {}

    codes_by_product: dict[str, list[str]] = {}
    for code in field.counts:
        if product := _product_of(code):
            codes_by_product.setdefault(product, []).append(code)
    if len(codes_by_product) < 2:  # noqa: PLR2004
        return {}

    # Where the name says nothing, the values have to be clear: O and W may mean anything.
    if not field.terms & _OF_CODE:
        known = [code for codes in codes_by_product.values() for code in codes]
        are_letters = all(len(code) == 1 for code in known)
        are_few = 2 * len(known) < len(field.counts)
        if are_letters or are_few:
            return {}

    return {product: sorted(codes) for product, codes in codes_by_product.items()}


def _product_of(code: str) -> str:
    """Of a code such as COND, or of a name such as "Oil (bbl)"; "" of what is none."""
    # "Petróleo crudo" and PETROLEO-CRUDO have the same letters.
    signs = plain(code).lower()
    letters = "".join(sign for sign in signs if sign.isalpha())
    if letters in _CODE:
        return _CODE[letters]

    # "Gas injected" is no production, and "Gas well" is a kind of well.
    words = set(words_of(code))
    no_product = lexicon.NO_PRODUCTION - lexicon.UNIT | lexicon.WELL
    if words & no_product:
        return ""
    products = [product for product, names in lexicon.PRODUCTS.items() if words & names]
    is_one = len(products) == 1 and products[0] in CODES
    return products[0] if is_one else ""


def where_products(rows: ProductRows, where: list[Guess]) -> list[Guess]:
    """What `where` says, and the products that have a column, where there are others."""
    known = sorted(code for codes in rows.codes.values() for code in codes)
    rest = [code for code in rows.product.counts if code not in known]
    if not rest:
        return where

    why = f"what has a column, not {', '.join(rest[:4])}"
    return [where_too(where, rows.product.name, known, why)]


def write_product_rows(rows: ProductRows, measures: Measures) -> list[Guess]:
    """A column of each product, and liquids, where there is oil or condensate."""
    guesses = [
        _column(rows, COLUMN_OF[product], codes, measures)
        for product, codes in rows.codes.items()
        if product != "condensate"
    ]
    liquids = [*rows.codes.get("oil", []), *rows.codes.get("condensate", [])]
    if liquids:
        guesses.append(_column(rows, LIQUIDS, liquids, measures))

    # As the columns stand in a definition.
    order = [OIL, LIQUIDS, COLUMN_OF["gas"], COLUMN_OF["water"]]
    return sorted(guesses, key=lambda guess: order.index(guess.key.removeprefix("columns.")))


def _column(rows: ProductRows, column: str, codes: list[str], measures: Measures) -> Guess:
    key = f"columns.{column}"
    product = "gas" if column == COLUMN_OF["gas"] else "liquid"
    when = {rows.product.name: codes}
    named = _unit(rows, product, codes, measures)
    if named is None:
        largest = largest_of([rows.volume], measures.form)
        why = question(rows.volume, product, largest)
        value: dict[str, Any] = {"field": rows.volume.name, "unit": "...", "when": when}
        return Guess(key=key, value=value, why=why, is_complete=False)

    value = {"field": rows.volume.name, "unit": named.text}
    if named.at:
        value["at"] = named.at
    value["when"] = when
    return Guess(key=key, value=value, why=f"rows tell their product; {named.why}")


def _unit(rows: ProductRows, product: str, codes: list[str], measures: Measures) -> Named | None:
    """What the codes say, or a field of units beside them; the name of the volume; the region."""
    if named := _unit_of_codes(codes, product, measures):
        return named
    texts_beside = {text for code in codes for text in rows.units.get(code, ())}
    if len(texts_beside) == 1:
        (text,) = texts_beside
        if unit := unit_of_text(text, product):
            return Named(text=unit, why=f"a field of units says {text[:30]} next to them")

    named = unit_of_name(rows.volume, product, is_mil=measures.is_mil)
    if named and named.text:
        return named
    return unit_of_others(product, {}, measures.region)


def _unit_of_codes(codes: list[str], product: str, measures: Measures) -> Named | None:
    """The one unit that all of them say, such as "Oil (bbl)"."""
    named_by_text: dict[str, Named] = {}
    for code in codes:
        as_field = SourceField(name=code, place=0, values=())
        named = unit_of_name(as_field, product, is_mil=measures.is_mil)
        if named is None:
            return None
        if named.text:
            named_by_text[named.text] = named

    if len(named_by_text) != 1:
        return None
    (named,) = named_by_text.values()
    return named
