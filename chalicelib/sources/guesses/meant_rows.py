"""MeantRows: which rows are taken, and which are left out: of other activities, of totals, of units."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from . import words as said
from .look import NO_MONTH, USUAL, Guess, is_total
from .regions import is_code_of_well
from .units import unit_of_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .look import Seen, Table

MOST_CODES = 60  # of a field that tells kinds of rows
MOST_WORDS = 10
MIXED = 0.1  # share of wells among identifiers, at least
MOST_TOTALS = 0.5  # share of rows
_OF_KINDS = said.word_set("activity kind flow type typ tipo category categoria disposition actividad class purpose")
_PRODUCTION = said.word_set("prod production produccion producao produced produksjon productie producer")


# -- rows that are meant ------------------------------------------------------------------------


def find_where(table: Table) -> list[Guess]:
    """Rows of production, where rows of other activities stand beside them."""
    for seen in table.fields:
        words = {value for value in seen.counts if value.lower() in _PRODUCTION}
        is_kind = seen.said & _OF_KINDS or "activity" in seen.name.lower()
        if not words or not is_kind or not len(words) < len(seen.counts) <= MOST_CODES:
            continue
        rest = ", ".join(sorted(set(seen.counts) - words, key=lambda value: -seen.counts[value])[:4])
        return [Guess(key="where", value={seen.name: sorted(words)}, why=f"production alone, not {rest}")]
    return []


def find_wells(table: Table, where: list[Guess]) -> list[Guess]:
    """`where`, and rows of wells alone, where the identifiers of one field are of wells and of other places."""
    for seen in table.fields:
        wells = {value for value in seen.counts if is_code_of_well(value)}
        share = seen.share(wells.__contains__)
        if not MIXED <= share < USUAL:
            continue
        for kind in table.fields:
            if kind.said & _OF_KINDS and (codes := _codes_of(seen, kind, wells)):
                before = where[0].value if where else {}
                why = f"rows of wells, whose {seen.name!r} are identifiers"
                told = f"{where[0].why}; {why}" if where else why
                return [Guess(key="where", value=before | {kind.name: codes}, why=told)]
    return where


def _codes_of(seen: Seen, kind: Seen, wells: set[str]) -> list[str]:
    """The codes whose rows are all of wells, when the others' are not."""
    if not 1 < len(kind.counts) <= MOST_CODES:
        return []
    of_wells = Counter(code for code, value in zip(kind.values, seen.values, strict=True) if value in wells)
    codes = sorted(code for code, n in of_wells.items() if code and n >= USUAL * kind.counts[code])
    return codes if sum(of_wells[code] for code in codes) >= USUAL * of_wells.total() else []


def rows_where(table: Table, guesses: list[Guess]) -> list[int]:
    """The places of the rows that they take."""
    chosen = {name: set(words) for guess in guesses for name, words in guess.value.items()}
    return [
        place
        for place in range(table.rows)
        if all(table.by_name[name].values[place] in words for name, words in chosen.items())
    ]


# -- rows that are not --------------------------------------------------------------------------


def find_units_row(table: Table) -> dict[str, dict[str, str]]:
    """Of the first two rows, one that tells units: by product, the unit of each field. Empty when there is none."""
    for place in range(min(2, table.rows)):
        texts = {seen.name: seen.values[place] for seen in table.fields if seen.is_number or len(seen.counts) > 1}
        found = {
            kind: {name: unit for name, text in texts.items() if text and (unit := unit_of_text(text, kind))}
            for kind in ("liquid", "gas", "days")
        }
        if len(found["liquid"]) + len(found["days"]) > 1 and not any(_has_digits(t) for t in texts.values()):
            return found
    return {}


def _has_digits(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9.,+-]+", text))


def find_skip(table: Table, key: Iterable[str], period: Iterable[str], *, has_units: bool) -> list[Guess]:
    """Rows of totals, and one of units. All that `skip` names must hold of a row, so one field is named; more are
    written to be looked at.
    """
    guesses = [_skip_of_units(table)] if has_units else []
    for name in dict.fromkeys([*period, *key]):
        seen = table.by_name[name]
        if guess := _totals_of(seen, is_period=name in set(period)):
            guesses.append(guess)
    first = guesses[:1]
    return first + [
        Guess(key="skip", value=more.value, why=f"{more.why}; only one field can be named", is_complete=False)
        for more in guesses[1:]
    ]


def _skip_of_units(table: Table) -> Guess:
    for seen in table.fields:
        if seen.values and not seen.values[0] and seen.filled >= USUAL * (table.rows - 1):
            return Guess(key="skip", value={seen.name: [""]}, why="the row of units leaves it empty")
    seen = max(table.fields, key=lambda each: bool(unit_of_text(each.values[0], "liquid")))
    return Guess(key="skip", value={seen.name: [seen.values[0]]}, why="the row of units")


def _totals_of(seen: Seen, *, is_period: bool) -> Guess | None:
    words = [value for value in seen.counts if is_total(value) and not NO_MONTH.fullmatch(value)]
    if is_period:
        if any(NO_MONTH.fullmatch(value) for value in seen.counts):
            return Guess(key="skip", value={seen.name: {"pattern": NO_MONTH.pattern}}, why="totals, not months")
        words += [value for value in seen.counts if value in ("0", "00", "13") and "year" not in seen.said]
    if not words or sum(seen.counts[word] for word in words) > MOST_TOTALS * seen.filled:
        return None
    why = f"rows of totals: {words[0][:30]} in {seen.name}"
    if len(words) > MOST_WORDS:
        return Guess(key="skip", value={seen.name: {"pattern": "(?i).*total.*"}}, why=why)
    return Guess(key="skip", value={seen.name: sorted(words)}, why=why)


def rows_but(table: Table, guesses: list[Guess]) -> list[int]:
    """The places of the rows that are left, of those that can be said by words or a pattern."""
    left = list(range(table.rows))
    for guess in guesses:
        for name, wanted in guess.value.items():
            values = table.by_name[name].values
            pattern = wanted["pattern"] if isinstance(wanted, dict) else "|".join(map(re.escape, wanted))
            left = [place for place in left if not re.fullmatch(pattern, values[place])]
    return left
