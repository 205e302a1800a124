"""Grain: which rows are meant, and whether a well and period has one row or several that add up."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from . import words as said
from .look import NO_MONTH, USUAL, Guess, is_total
from .units import unit_of_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .look import Seen, Table

MOST_CODES = 60  # of a field that tells kinds of rows
MOST_CANDIDATES = 14
MOST_FIELDS = 4  # of a primary key
MOST_WORDS = 10
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
            return Guess(key="skip", value={seen.name: {"pattern": "(0|-1)-[0-9]{4}"}}, why="totals, not months")
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


# -- several rows -------------------------------------------------------------------------------


def find_grain(table: Table, key: list[tuple[object, ...]], taken: set[str], product: Seen | None) -> list[Guess]:
    """`key` is well and period of each row, `taken` the fields that hold these and the volumes, `product` the field
    that tells products apart.
    """
    groups = _repeated(table, key)
    candidates = _candidates(table, taken)
    if product is not None:
        return _sum_with([product], groups, candidates, "a row tells one product")
    told = [seen for seen in candidates if seen.said & said.FORMATION][:MOST_FIELDS]
    if groups:
        rows = sum(map(len, groups))
        varying = [seen for seen in told if any(_tells_any([seen], group) for group in groups)]
        return _sum_with(varying, groups, candidates, f"{rows:,} of {table.rows:,} rows share their well and period")
    if told:
        names = [seen.name for seen in told]
        why = f"each well and period has one row here, and {' and '.join(names)} can tell several"
        return [Guess(key="rows", value="sum", why=why), Guess(key="primary_key", value=names, why="see rows")]
    if not key:
        return [Guess(key="rows", value="one", why="no row was seen whose well and period are known")]
    return [Guess(key="rows", value="one", why="each well and period has one row")]


def _repeated(table: Table, key: list[tuple[object, ...]]) -> list[list[int]]:
    """Places of rows that share a key; the same row twice counts once."""
    places: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, each in enumerate(key):
        if None not in each and "" not in each:
            places[each].append(place)
    groups = []
    for found in places.values():
        if len(found) > 1:
            distinct = {tuple(seen.values[place] for seen in table.fields): place for place in found}
            groups.append(list(distinct.values()))
    return [group for group in groups if len(group) > 1]


def _candidates(table: Table, taken: set[str]) -> list[Seen]:
    """Fields that can tell rows apart: no volumes, no measurements, no dates; the likeliest first."""
    free = [
        seen
        for seen in table.fields
        if seen.name not in taken and not seen.is_fraction and seen.kind != "date" and not _is_date(seen)
        if not seen.said & (said.CHANGED | said.DAYS | said.HOURS | {"row", "index", "objectid", "uuid"})
    ]
    free = [seen for seen in free if not _is_measure(seen)]
    return sorted(free, key=lambda seen: (-_likely(seen), seen.place))[:MOST_CANDIDATES]


def _is_date(seen: Seen) -> bool:
    return bool(seen.said & said.DATE and seen.forms)


def _is_measure(seen: Seen) -> bool:
    """A number that counts or measures, by its name."""
    product = seen.said & frozenset().union(*said.PRODUCTS.values())
    is_amount = seen.said & (
        said.VOLUME | said.NO_PRODUCTION - said.CODE - said.NAME - {"type", "typ", "status", "stat", "unit", "ind"}
    )
    return seen.is_number and bool((product or is_amount) and not seen.said & (said.FORMATION | {"product"}))


def _likely(seen: Seen) -> int:
    likely = 4 * bool(seen.said & said.FORMATION) + 2 * bool(seen.said & said.CODE) + bool(seen.said & said.OWNER)
    return likely + 2 * bool(seen.said & (said.LEASE | {"facility"})) - 3 * (not seen.filled)


def _sum_with(first: list[Seen], groups: list[list[int]], candidates: list[Seen], why: str) -> list[Guess]:
    rows = Guess(key="rows", value="sum", why=why)
    fields = _telling(first, groups, [seen for seen in candidates if seen not in first])
    if fields is None:
        some = [seen.name for seen in (first or candidates)[:2]] or ["FIELD THAT TELLS ROWS APART"]
        asked = "nothing but the volumes tells these rows apart: name the fields that do"
        return [
            Guess(key="rows", value="sum", why=f"{why}; needs a primary_key", is_complete=False),
            Guess(key="primary_key", value=some, why=asked, is_complete=False),
        ]
    names = [seen.name for seen in fields]
    told = f"of what is no volume, {' and '.join(names)} tell{'' if len(names) > 1 else 's'} such rows apart"
    return [rows, Guess(key="primary_key", value=names, why=told)]


def _telling(first: list[Seen], groups: list[list[int]], candidates: list[Seen]) -> list[Seen] | None:
    """The fewest fields that no two rows of a group share, the likeliest first."""
    for count in range(MOST_FIELDS + 1 - min(len(first), MOST_FIELDS - 1)):
        for more in combinations(candidates, count):
            fields = [*first, *more]
            if fields and all(_tells(fields, group) for group in groups):
                return fields
    return None


def _tells(fields: list[Seen], group: list[int]) -> bool:
    return len({tuple(seen.values[place] for seen in fields) for place in group}) == len(group)


def _tells_any(fields: list[Seen], group: list[int]) -> bool:
    return len({tuple(seen.values[place] for seen in fields) for place in group}) > 1
