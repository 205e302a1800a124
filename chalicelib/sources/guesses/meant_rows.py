"""MeantRows: which rows are taken, and which are left out:
of other activities, of totals, of units.

A guess of `where` names the rows to take, as {"Activity": ["PROD"]}; one of `skip` those to leave
out, as {"Month": ["Total"]}.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from . import words as lexicon
from .look import NO_MONTH, USUAL, Guess, is_total
from .regions import is_code_of_well
from .units import unit_of_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .look import SourceField, Table

MOST_CODES = 60  # of a field that tells kinds of rows
MOST_WORDS = 10
MIXED = 0.1  # share of wells among identifiers, at least
MOST_TOTALS = 0.5  # share of rows
_OF_KINDS = lexicon.word_set(
    "activity kind flow type typ tipo category categoria disposition actividad class purpose"
)
_PRODUCTION = lexicon.word_set(
    "prod production produccion producao produced produksjon productie producer"
)


# -- rows that are meant ------------------------------------------------------------------------


def find_where(table: Table) -> list[Guess]:
    """Rows of production, where rows of other activities stand beside them."""
    for field in table.fields:
        words = {value for value in field.counts if value.lower() in _PRODUCTION}
        is_of_kinds = field.terms & _OF_KINDS or "activity" in field.name.lower()
        has_others = len(words) < len(field.counts) <= MOST_CODES

        if words and is_of_kinds and has_others:
            others = set(field.counts) - words
            by_rows = sorted(others, key=lambda value: -field.counts[value])
            examples = ", ".join(by_rows[:4])

            return [
                Guess(
                    key="where",
                    value={field.name: sorted(words)},
                    why=f"only production, not {examples}",
                )
            ]
    return []


def find_wells(table: Table, where: list[Guess]) -> list[Guess]:
    """`where`, and rows of wells alone, where the identifiers of one field are of wells and of
    other places.

    In Canada a field of facilities and wells holds 100010100101W400 beside ABBT0001234; a field of
    kinds, WI beside BT, tells which row is which.
    """
    for field in table.fields:
        wells = {value for value in field.counts if is_code_of_well(value)}
        share = field.share(wells.__contains__)
        if not MIXED <= share < USUAL:
            continue  # of wells only, or of none

        for kind in table.fields:
            if not kind.terms & _OF_KINDS:
                continue
            if codes := _codes_of(field, kind, wells):
                why = f"rows of wells, whose {field.name!r} are identifiers"
                return [where_too(where, kind.name, codes, why)]
    return where


def where_too(where: list[Guess], name: str, codes: list[str], why: str) -> Guess:
    """One guess of what `where` says already and of these codes."""
    value: dict[str, Any] = {name: codes}
    if where:
        value = where[0].value | value
        why = f"{where[0].why}; {why}"
    return Guess(key="where", value=value, why=why)


def _codes_of(field: SourceField, kind: SourceField, wells: set[str]) -> list[str]:
    """The codes of `kind` whose rows are all of wells, when the others' are not.

    Codes WI, WI, BT beside the well A, the well B and the battery X: [WI].
    """
    if not 1 < len(kind.counts) <= MOST_CODES:
        return []

    wells_by_code: Counter[str] = Counter()
    for code, value in zip(kind.values, field.values, strict=True):
        if value in wells:
            wells_by_code[code] += 1

    usual = [code for code, rows in wells_by_code.items() if rows >= USUAL * kind.counts[code]]
    codes = sorted(code for code in usual if code)

    # They would lose wells whose rows have other codes.
    covered = sum(wells_by_code[code] for code in codes)
    if covered < USUAL * wells_by_code.total():
        return []
    return codes


def rows_where(table: Table, guesses: list[Guess]) -> list[int]:
    """The places of the rows that they take."""
    chosen = {name: set(words) for guess in guesses for name, words in guess.value.items()}

    def is_chosen(place: int) -> bool:
        for name, words in chosen.items():
            field = table.by_name[name]
            if field.values[place] not in words:
                return False
        return True

    return [place for place in range(table.rows) if is_chosen(place)]


# -- rows that are not --------------------------------------------------------------------------


def find_units_row(table: Table) -> dict[str, dict[str, str]]:
    """Of the first two rows, one that has units: by product, the unit of each field.
    Empty when there is none.
    """
    for place in range(min(2, table.rows)):
        texts = {
            field.name: field.values[place]
            for field in table.fields
            if field.is_number or len(field.counts) > 1
        }
        units = {product: _units_in(texts, product) for product in ("liquid", "gas", "days")}

        # One unit by itself may be a word of a usual row.
        has_units = len(units["liquid"]) + len(units["days"]) > 1
        has_numbers = any(map(_is_number, texts.values()))
        if has_units and not has_numbers:
            return units
    return {}


def _units_in(texts: dict[str, str], product: str) -> dict[str, str]:
    units = {name: unit_of_text(text, product) for name, text in texts.items() if text}
    return {name: unit for name, unit in units.items() if unit}


def _is_number(text: str) -> bool:
    match = re.fullmatch(r"[0-9.,+-]+", text)
    return match is not None


def find_skip(
    table: Table, key: Iterable[str], period: Iterable[str], *, has_units: bool
) -> list[Guess]:
    """Rows of totals, and one of units. All that `skip` names must hold of a row,
    so one field is named; more are written to be looked at.
    """
    guesses = [_skip_of_units(table)] if has_units else []
    of_period = set(period)
    for name in dict.fromkeys([*period, *key]):
        field = table.by_name[name]
        if guess := _totals_of(field, is_period=name in of_period):
            guesses.append(guess)

    first = guesses[:1]
    rest = [
        Guess(
            key="skip",
            value=guess.value,
            why=f"{guess.why}; only one field can be named",
            is_complete=False,
        )
        for guess in guesses[1:]
    ]
    return first + rest


def _skip_of_units(table: Table) -> Guess:
    """By a field that only the row of units leaves empty, else by the unit that it writes."""
    for field in table.fields:
        is_first_empty = field.values and not field.values[0]
        if is_first_empty and field.filled_count >= USUAL * (table.rows - 1):
            value = {field.name: [""]}
            return Guess(key="skip", value=value, why="the row of units leaves it empty")

    field = max(table.fields, key=lambda field: bool(unit_of_text(field.values[0], "liquid")))
    value = {field.name: [field.values[0]]}
    return Guess(key="skip", value=value, why="the row of units")


def _totals_of(field: SourceField, *, is_period: bool) -> Guess | None:
    """The rows in which the field has a word such as Total in place of a value."""
    words = [value for value in field.counts if is_total(value) and not NO_MONTH.fullmatch(value)]

    if is_period:
        has_no_months = any(NO_MONTH.fullmatch(value) for value in field.counts)
        if has_no_months:
            value: dict[str, Any] = {field.name: {"pattern": NO_MONTH.pattern}}
            return Guess(key="skip", value=value, why="totals, not months")
        if "year" not in field.terms:  # a month 0 or 13 is that of a year's total
            words += [value for value in field.counts if value in ("0", "00", "13")]

    rows = sum(field.counts[word] for word in words)
    if not words or rows > MOST_TOTALS * field.filled_count:
        return None

    why = f"rows of totals: {words[0][:30]} in {field.name}"
    value = {field.name: sorted(words)}
    if len(words) > MOST_WORDS:
        value = {field.name: {"pattern": "(?i).*total.*"}}
    return Guess(key="skip", value=value, why=why)


def rows_but(table: Table, guesses: list[Guess]) -> list[int]:
    """The places of the rows that are left, of those that can be said by words or a pattern."""
    places = list(range(table.rows))
    for guess in guesses:
        for name, choice in guess.value.items():
            values = table.by_name[name].values
            pattern = _pattern_of(choice)
            places = [place for place in places if not re.fullmatch(pattern, values[place])]
    return places


def _pattern_of(choice: Any) -> str:
    """Of {"pattern": "..."}, or of a list of words."""
    if isinstance(choice, dict):
        return str(choice["pattern"])
    return "|".join(map(re.escape, choice))
