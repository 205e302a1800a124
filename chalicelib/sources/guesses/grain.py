"""Grain: whether a well and period has one row or several that add up,
and what tells these apart.

Two rows of well A in 2024-01, of the formations X and Y, are to be added: `rows = "sum"`, and
`primary_key = ["Formation"]` tells a second row of X from a new version of the first.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from . import words as lexicon
from .look import Guess
from .words import word_set

if TYPE_CHECKING:
    from .look import SourceField, Table

MOST_CANDIDATES = 14
MOST_FIELDS = 4  # of a primary key
MANY = 20  # rows: a field that is another in each of them numbers the rows
_NO_AMOUNT = word_set("type typ status stat unit ind")
_OF_ROWS = word_set("row index objectid uuid fid rowid")


def find_grain(
    table: Table, key: list[tuple[object, ...]], taken: set[str], product: SourceField | None
) -> list[Guess]:
    """`key` is well and period of each row, `taken` the fields that hold these and the volumes,
    `product` the field that tells products apart.
    """
    groups = _groups_of(table, key)
    candidates = _candidates(table, taken)
    if product is not None:
        return _sum_with([product], table, groups, candidates, "a row tells one product")

    formations = [field for field in candidates if field.terms & lexicon.FORMATION]
    formations = formations[:MOST_FIELDS]
    if groups:
        rows = sum(map(len, groups))
        varying = [field for field in formations if _varies(field, groups)]
        why = f"{rows:,} of {table.rows:,} rows share their well and period"
        return _sum_with(varying, table, groups, candidates, why)

    if formations:
        # Few rows were seen: a later one may have a second formation.
        names = _names_in_order(formations)
        why = f"each well and period has one row here, and {' and '.join(names)} can tell several"
        return [
            Guess(key="rows", value="sum", why=why),
            Guess(key="primary_key", value=names, why="see rows"),
        ]

    why = "each well and period has one row"
    if not key:
        why = "no row was seen whose well and period are known"
    return [Guess(key="rows", value="one", why=why)]


def _varies(field: SourceField, groups: list[list[int]]) -> bool:
    return any(_count([field], group) > 1 for group in groups)


def _names_in_order(fields: list[SourceField]) -> list[str]:
    """As the source has them."""
    in_order = sorted(fields, key=lambda field: field.place)
    return [field.name for field in in_order]


def _groups_of(table: Table, key: list[tuple[object, ...]]) -> list[list[int]]:
    """Places of rows that share a key; the same row twice counts once."""
    places_by_key: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, well_and_period in enumerate(key):
        # A row without a well or a period would be rejected, and says nothing of the others.
        is_whole = None not in well_and_period and "" not in well_and_period
        if is_whole:
            places_by_key[well_and_period].append(place)

    shared = [group for group in places_by_key.values() if len(group) > 1]
    groups = [_distinct(table, group) for group in shared]
    # Of a group of equal rows one is left, which shares its key with none.
    return [group for group in groups if len(group) > 1]


def _distinct(table: Table, group: list[int]) -> list[int]:
    """Of equal rows the last one."""
    place_by_row: dict[tuple[object, ...], int] = {}
    for place in group:
        row = tuple(field.values[place] for field in table.fields)
        place_by_row[row] = place
    return list(place_by_row.values())


def _candidates(table: Table, taken: set[str]) -> list[SourceField]:
    """Fields that can tell rows apart, the likeliest first."""
    free = [field for field in table.fields if field.name not in taken]
    fitting = [field for field in free if _can_tell_apart(field)]
    fitting.sort(key=lambda field: (-_likely(field), field.place))
    return fitting[:MOST_CANDIDATES]


def _can_tell_apart(field: SourceField) -> bool:
    """No volume, no measurement, no date and no number of the row."""
    is_time = field.terms & (lexicon.CHANGED | lexicon.DAYS | lexicon.HOURS)
    if is_time or field.kind == "date" or _is_date(field):
        return False
    return not (field.is_fraction or _is_measure(field) or _is_of_row(field))


def _is_of_row(field: SourceField) -> bool:
    """The number of a row, or a column without a name, which the reader calls by its place."""
    are_many = len(field.values) >= MANY
    is_another_each_time = len(field.counts) == len(field.values)
    is_formation = field.terms & lexicon.FORMATION
    if are_many and is_another_each_time and not is_formation:
        return True
    is_nameless = re.fullmatch("column[0-9]+", field.name)
    return bool(field.terms & _OF_ROWS or is_nameless)


def _is_date(field: SourceField) -> bool:
    is_called_so = bool(field.terms & lexicon.DATE)
    return is_called_so and bool(field.forms)


def _is_measure(field: SourceField) -> bool:
    """A number that counts or measures, by its name."""
    terms = field.terms
    if not field.is_number or terms & (lexicon.FORMATION | {"product"}):
        return False
    if any(terms & names for names in lexicon.PRODUCTS.values()):
        return True

    # A status or a code is no production either, yet it can tell rows apart.
    no_amounts = lexicon.CODE | lexicon.NAME | _NO_AMOUNT
    amounts = lexicon.VOLUME | (lexicon.NO_PRODUCTION - no_amounts)
    return bool(terms & amounts)


def _likely(field: SourceField) -> int:
    """The more, the likelier the field tells rows of a well and period apart."""
    terms = field.terms
    likely = 0
    if terms & lexicon.FORMATION:
        likely += 4
    if terms & lexicon.CODE:
        likely += 2
    if terms & (lexicon.LEASE | {"facility"}):
        likely += 2
    if terms & lexicon.OWNER:
        likely += 1
    if not field.filled_count:
        likely -= 3
    return likely


def _sum_with(
    first: list[SourceField],
    table: Table,
    groups: list[list[int]],
    candidates: list[SourceField],
    why: str,
) -> list[Guess]:
    """What tells rows apart, and which version of a row counts,
    where the date of a change tells some apart.
    """
    free = [field for field in candidates if field not in first]
    for change in (None, *_changes(table)):
        fields = _telling(first, groups, free, change)
        if fields is not None:
            guesses = _write_key(fields, why)
            if change:
                guesses.append(_order(change))
            return guesses

    likeliest = first or candidates
    names = [field.name for field in likeliest[:2]] or ["FIELD THAT TELLS ROWS APART"]
    request = "nothing but the volumes tells these rows apart: name the fields that do"
    return [
        Guess(key="rows", value="sum", why=f"{why}; needs a primary_key", is_complete=False),
        Guess(key="primary_key", value=names, why=request, is_complete=False),
    ]


def _write_key(fields: list[SourceField], why: str) -> list[Guess]:
    if not fields:
        return [Guess(key="rows", value="one", why=f"{why}, as versions of it")]

    names = _names_in_order(fields)
    verb = "tell" if len(names) > 1 else "tells"
    reason = f"of what is no volume, {' and '.join(names)} {verb} such rows apart"
    return [
        Guess(key="rows", value="sum", why=why),
        Guess(key="primary_key", value=names, why=reason),
    ]


def _changes(table: Table) -> list[SourceField]:
    """Dates of a change: of two versions of a row the later one counts."""
    named = [field for field in table.fields if field.terms & lexicon.CHANGED]
    return [field for field in named if field.kind == "date" or field.forms]


def _order(change: SourceField) -> Guess:
    why = "rows that differ in it are versions of one"
    return Guess(key="order_by", value=change.name, why=why)


def _telling(
    first: list[SourceField],
    groups: list[list[int]],
    free: list[SourceField],
    change: SourceField | None,
) -> list[SourceField] | None:
    """The fewest fields that no two rows of a group share, but for their versions; the likeliest
    first. Those of `first` are always among them.

    Rows of a well and month for formations A and B: [formation]. Twice each, for owners 1 and 2:
    [formation, owner].
    """
    most_more = MOST_FIELDS - min(len(first), MOST_FIELDS - 1)  # one more at least
    for count in range(most_more + 1):
        for more in combinations(free, count):
            fields = [*first, *more]
            with_change = [*fields, change] if change else fields
            if with_change and all(_tells(with_change, group) for group in groups):
                return fields
    return None


def _tells(fields: list[SourceField], group: list[int]) -> bool:
    """Whether each row of the group has values of its own in these fields."""
    return _count(fields, group) == len(group)


def _count(fields: list[SourceField], group: list[int]) -> int:
    """How many different values the fields together have in the rows of the group."""
    rows = {tuple(field.values[place] for field in fields) for place in group}
    return len(rows)
