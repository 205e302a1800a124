"""Grain: whether a well and period has one row or several that add up, and what tells these apart."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from . import words as said
from .look import Guess

if TYPE_CHECKING:
    from .look import Seen, Table

MOST_CANDIDATES = 14
MOST_FIELDS = 4  # of a primary key
MANY = 20  # rows: a field that is another in each of them numbers the rows


def find_grain(table: Table, key: list[tuple[object, ...]], taken: set[str], product: Seen | None) -> list[Guess]:
    """`key` is well and period of each row, `taken` the fields that hold these and the volumes, `product` the field
    that tells products apart.
    """
    groups = _repeated(table, key)
    candidates = _candidates(table, taken)
    if product is not None:
        return _sum_with([product], table, groups, candidates, "a row tells one product")
    told = [seen for seen in candidates if seen.said & said.FORMATION][:MOST_FIELDS]
    if groups:
        rows = sum(map(len, groups))
        varying = [seen for seen in told if any(_differ([seen], group) > 1 for group in groups)]
        return _sum_with(
            varying, table, groups, candidates, f"{rows:,} of {table.rows:,} rows share their well and period"
        )
    if told:
        names = [seen.name for seen in sorted(told, key=lambda seen: seen.place)]
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
        if not seen.said & (said.CHANGED | said.DAYS | said.HOURS)
    ]
    free = [seen for seen in free if not _is_measure(seen) and not _is_of_row(seen)]
    return sorted(free, key=lambda seen: (-_likely(seen), seen.place))[:MOST_CANDIDATES]


def _is_of_row(seen: Seen) -> bool:
    """The number of a row, or a column without a name, which the reader calls by its place."""
    is_each = len(seen.counts) == len(seen.values) >= MANY and not seen.said & said.FORMATION
    is_index = bool(
        seen.said & {"row", "index", "objectid", "uuid", "fid", "rowid"} or re.fullmatch("column[0-9]+", seen.name)
    )
    return is_each or is_index


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


def _sum_with(
    first: list[Seen], table: Table, groups: list[list[int]], candidates: list[Seen], why: str
) -> list[Guess]:
    """What tells rows apart, and which version of a row counts, where the date of a change tells some apart."""
    free = [seen for seen in candidates if seen not in first]
    for change in (None, *_changes(table)):
        fields = _telling(first, groups, free, change)
        if fields is not None:
            return [*_told(fields, why), *([_order(change)] if change else [])]
    some = [seen.name for seen in (first or candidates)[:2]] or ["FIELD THAT TELLS ROWS APART"]
    asked = "nothing but the volumes tells these rows apart: name the fields that do"
    return [
        Guess(key="rows", value="sum", why=f"{why}; needs a primary_key", is_complete=False),
        Guess(key="primary_key", value=some, why=asked, is_complete=False),
    ]


def _told(fields: list[Seen], why: str) -> list[Guess]:
    if not fields:
        return [Guess(key="rows", value="one", why=f"{why}, as versions of it")]
    names = [seen.name for seen in sorted(fields, key=lambda seen: seen.place)]
    told = f"of what is no volume, {' and '.join(names)} tell{'' if len(names) > 1 else 's'} such rows apart"
    return [Guess(key="rows", value="sum", why=why), Guess(key="primary_key", value=names, why=told)]


def _changes(table: Table) -> list[Seen]:
    """Dates of a change: of two versions of a row the later one counts."""
    return [seen for seen in table.fields if seen.said & said.CHANGED and (seen.kind == "date" or seen.forms)]


def _order(change: Seen) -> Guess:
    return Guess(key="order_by", value=change.name, why="rows that differ in it are versions of one")


def _telling(first: list[Seen], groups: list[list[int]], free: list[Seen], change: Seen | None) -> list[Seen] | None:
    """The fewest fields that no two rows of a group share, but for their versions; the likeliest first."""
    for count in range(MOST_FIELDS + 1 - min(len(first), MOST_FIELDS - 1)):
        for more in combinations(free, count):
            fields = [*first, *more]
            all_fields = [*fields, change] if change else fields
            if all_fields and all(_tells(all_fields, group) for group in groups):
                return fields
    return None


def _tells(fields: list[Seen], group: list[int]) -> bool:
    return _differ(fields, group) == len(group)


def _differ(fields: list[Seen], group: list[int]) -> int:
    return len({tuple(seen.values[place] for seen in fields) for place in group})
