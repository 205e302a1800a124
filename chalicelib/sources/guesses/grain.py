"""Grain: whether a well and period has one row or several that add up, and what tells these apart."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from . import words as lexicon
from .look import Guess

if TYPE_CHECKING:
    from .look import SourceField, Table

MOST_CANDIDATES = 14
MOST_FIELDS = 4  # of a primary key
MANY = 20  # rows: a field that is another in each of them numbers the rows


def find_grain(
    table: Table, key: list[tuple[object, ...]], taken: set[str], product: SourceField | None
) -> list[Guess]:
    """`key` is well and period of each row, `taken` the fields that hold these and the volumes, `product` the field
    that tells products apart.
    """
    groups = _repeated(table, key)
    candidates = _candidates(table, taken)
    if product is not None:
        return _sum_with([product], table, groups, candidates, "a row tells one product")
    told = [field for field in candidates if field.terms & lexicon.FORMATION][:MOST_FIELDS]
    if groups:
        rows = sum(map(len, groups))
        varying = [field for field in told if any(_differ([field], group) > 1 for group in groups)]
        return _sum_with(
            varying, table, groups, candidates, f"{rows:,} of {table.rows:,} rows share their well and period"
        )
    if told:
        names = [field.name for field in sorted(told, key=lambda field: field.place)]
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
            distinct = {tuple(field.values[place] for field in table.fields): place for place in found}
            groups.append(list(distinct.values()))
    return [group for group in groups if len(group) > 1]


def _candidates(table: Table, taken: set[str]) -> list[SourceField]:
    """Fields that can tell rows apart: no volumes, no measurements, no dates; the likeliest first."""
    free = [
        field
        for field in table.fields
        if field.name not in taken and not field.is_fraction and field.kind != "date" and not _is_date(field)
        if not field.terms & (lexicon.CHANGED | lexicon.DAYS | lexicon.HOURS)
    ]
    free = [field for field in free if not _is_measure(field) and not _is_of_row(field)]
    return sorted(free, key=lambda field: (-_likely(field), field.place))[:MOST_CANDIDATES]


def _is_of_row(field: SourceField) -> bool:
    """The number of a row, or a column without a name, which the reader calls by its place."""
    is_each = len(field.counts) == len(field.values) >= MANY and not field.terms & lexicon.FORMATION
    is_index = bool(
        field.terms & {"row", "index", "objectid", "uuid", "fid", "rowid"} or re.fullmatch("column[0-9]+", field.name)
    )
    return is_each or is_index


def _is_date(field: SourceField) -> bool:
    return bool(field.terms & lexicon.DATE and field.forms)


def _is_measure(field: SourceField) -> bool:
    """A number that counts or measures, by its name."""
    product = field.terms & frozenset().union(*lexicon.PRODUCTS.values())
    is_amount = field.terms & (
        lexicon.VOLUME
        | lexicon.NO_PRODUCTION - lexicon.CODE - lexicon.NAME - {"type", "typ", "status", "stat", "unit", "ind"}
    )
    return field.is_number and bool((product or is_amount) and not field.terms & (lexicon.FORMATION | {"product"}))


def _likely(field: SourceField) -> int:
    likely = (
        4 * bool(field.terms & lexicon.FORMATION)
        + 2 * bool(field.terms & lexicon.CODE)
        + bool(field.terms & lexicon.OWNER)
    )
    return likely + 2 * bool(field.terms & (lexicon.LEASE | {"facility"})) - 3 * (not field.filled)


def _sum_with(
    first: list[SourceField], table: Table, groups: list[list[int]], candidates: list[SourceField], why: str
) -> list[Guess]:
    """What tells rows apart, and which version of a row counts, where the date of a change tells some apart."""
    free = [field for field in candidates if field not in first]
    for change in (None, *_changes(table)):
        fields = _telling(first, groups, free, change)
        if fields is not None:
            return [*_told(fields, why), *([_order(change)] if change else [])]
    some = [field.name for field in (first or candidates)[:2]] or ["FIELD THAT TELLS ROWS APART"]
    asked = "nothing but the volumes tells these rows apart: name the fields that do"
    return [
        Guess(key="rows", value="sum", why=f"{why}; needs a primary_key", is_complete=False),
        Guess(key="primary_key", value=some, why=asked, is_complete=False),
    ]


def _told(fields: list[SourceField], why: str) -> list[Guess]:
    if not fields:
        return [Guess(key="rows", value="one", why=f"{why}, as versions of it")]
    names = [field.name for field in sorted(fields, key=lambda field: field.place)]
    told = f"of what is no volume, {' and '.join(names)} tell{'' if len(names) > 1 else 's'} such rows apart"
    return [Guess(key="rows", value="sum", why=why), Guess(key="primary_key", value=names, why=told)]


def _changes(table: Table) -> list[SourceField]:
    """Dates of a change: of two versions of a row the later one counts."""
    return [field for field in table.fields if field.terms & lexicon.CHANGED and (field.kind == "date" or field.forms)]


def _order(change: SourceField) -> Guess:
    return Guess(key="order_by", value=change.name, why="rows that differ in it are versions of one")


def _telling(
    first: list[SourceField], groups: list[list[int]], free: list[SourceField], change: SourceField | None
) -> list[SourceField] | None:
    """The fewest fields that no two rows of a group share, but for their versions; the likeliest first."""
    for count in range(MOST_FIELDS + 1 - min(len(first), MOST_FIELDS - 1)):
        for more in combinations(free, count):
            fields = [*first, *more]
            all_fields = [*fields, change] if change else fields
            if all_fields and all(_tells(all_fields, group) for group in groups):
                return fields
    return None


def _tells(fields: list[SourceField], group: list[int]) -> bool:
    return _differ(fields, group) == len(group)


def _differ(fields: list[SourceField], group: list[int]) -> int:
    return len({tuple(field.values[place] for field in fields) for place in group})
