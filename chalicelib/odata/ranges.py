"""Ranges of the source's key, so that several parts of a source can be read at once.

A range lies between two keys that rows have. They are found by rank, all with one round of
requests:

```
GET Wells?$orderby=id&$skip=1000&$top=1         {"value": [{"id": 17}]}
GET Wells?$orderby=id&$skip=2000&$top=1         {"value": [{"id": 40}]}
                                                id lt 17 │ id ge 17 and id lt 40 │ id ge 40
```

Where the service knows no `$skip`, what lies between the least and the greatest value of the first
field is halved, and halved again, by the numbers of the rows in each half. Each range is counted
for itself, also the one of the rows whose key is null: what is worked out from other counts would
hide what none of the ranges holds. Unless the counts add up to all the rows, as many before as
afterwards, the source is read as one part. And so it is when it does not answer soon: each request
of a plan is made once, and a plan has its time.
"""

from __future__ import annotations

import contextvars
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from chalicelib.errors import SourceError, SourceTimeSpent, WorkerTimeSpent

from .filters import Unwritable, all_of, before, literal, not_before, read_row
from .halving import bounds_by_halving
from .key_trial import FLOATS
from .reading import Way
from .scale import is_on_a_scale, literal_at, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .addresses import PageAddresses
    from .connection import ODataConnection
    from .cursor import Cursor
    from .halving import Stretch
    from .survey import Survey

# Bytes; a service that takes `$top` and does nothing would send a whole page each time.
LARGEST_ANSWER = 1 << 18
LONGEST_KEY = 500  # bytes as they are sent; each part's cursor has two keys, several times
# Longer than a hundred requests of a slow source take, and less than nothing gained.
PLAN_SECONDS = 60.0
TRIES = 2  # of counting, where rows came or went meanwhile
MOST_OF_ALL = 0.75  # of the rows, in one part: with more, a plan saves too little

Key = list[tuple[str, str]]  # (field, literal) of each field in the order of the rows
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Range:
    """`filter` tells the rows of one part, of which there were `rows`;
    `has_keys` is false for those without a key.
    """

    filter: str
    rows: int
    has_keys: bool = True


@dataclass(frozen=True, kw_only=True)
class RangeFinder:
    """`cursor` stands before the first of all rows, of which `expected` are counted; `at_once`
    tells how many requests may be under way.
    """

    connection: ODataConnection
    addresses: PageAddresses
    survey: Survey
    cursor: Cursor
    expected: int
    at_once: int
    until: float = float("inf")
    clock: Callable[[], float] = time.monotonic

    def ranges(self, wanted: int) -> list[Range]:
        """In the order of the key; none where the rows cannot be cut so that it is of use,
        or not until then. Raises SourceTimeSpent.
        """
        if not self._has_order:
            return []
        try:
            return self._find(wanted)
        except (WorkerTimeSpent, _TooLate):
            return []

    def _find(self, wanted: int) -> list[Range]:
        # Ranges of one size are ready together, so that no more are of use than one round of
        # requests counts. By halving they are of any size.
        for find, parts in (
            (self.keys_by_rank, min(wanted, self.at_once)),
            (self.keys_by_halving, wanted),
        ):
            ranges = self.count_ranges(find(parts))
            if ranges and max(each.rows for each in ranges) <= MOST_OF_ALL * self.expected:
                return ranges
        return []

    @property
    def _has_order(self) -> bool:
        types = [self.survey.type_of(name) for name in self.cursor.order]
        if not types:
            return False
        return all(kind is not None and kind not in FLOATS for kind in types)

    # -- keys between the ranges --------------------------------------------------------------

    def keys_by_rank(self, wanted: int) -> list[Key]:
        """Of the rows at even places: of 1,000 rows for four parts, of the rows 250, 500, 750."""
        places = [number * self.expected // wanted for number in range(1, wanted)]
        answers = self._at_once([partial(self._key_at, number) for number in places])
        if None in answers:
            return []
        keys: list[Key] = []
        for key in answers:
            is_as_before = keys[-1:] == [key]  # between the two there would be no rows
            if key and not is_as_before:
                keys.append(key)
        return keys

    def _key_at(self, number: int) -> Key | None:
        """Nothing where the row has no key that can be asked for."""
        options = {"$skip": str(number), "$top": "1"}
        row = self._first_row(self.addresses.of(self.cursor, options))
        if row is None:
            return None
        try:
            key = self._key_of(row)
        except Unwritable:
            return []
        bytes_to_send = sum(len(quote(text)) for _, text in key)
        return key if bytes_to_send <= LONGEST_KEY else []

    def _key_of(self, row: dict[str, object]) -> Key:
        """Raises Unwritable."""
        key: Key = []
        for name in self.cursor.order:
            edm_type = self.survey.type_of(name)
            text = literal(row.get(name), edm_type, self.survey.version)
            key.append((name, text))
        return key

    def keys_by_halving(self, wanted: int) -> list[Key]:
        """Of values of the first field, whether rows have them or not."""
        name = self.cursor.order[0]
        edm_type = self.survey.type_of(name)
        if edm_type is None or not is_on_a_scale(edm_type):
            return []
        least, greatest = self._at_once(
            [partial(self._end, name, edm_type, order) for order in ("asc", "desc")]
        )
        if least is None or greatest is None:
            return []
        try:
            return self._halve((least, greatest + 1), name, edm_type, wanted)
        except Unwritable:
            return []

    def _end(self, name: str, edm_type: str, order: str) -> int | None:
        """Where the least value stands (`order` is asc), or the greatest one (desc)."""
        options = {"$orderby": f"{name} {order}", "$top": "1"}
        row = self._first_row(self.addresses.of(self.cursor, options))
        may_be_null = not self.cursor.by_own_key
        if row is not None and row.get(name) is None and may_be_null:
            # Nulls stand before all values, or behind them: at one of the two ends.
            url = self.addresses.of(self.cursor, options, f"{name} ne null")
            row = self._first_row(url)
        if not row:
            return None
        return place(row.get(name), edm_type)

    def _halve(self, whole: Stretch, name: str, edm_type: str, wanted: int) -> list[Key]:
        """Values of the field between ranges of so many rows."""

        def key_at(number: int) -> Key:
            return [(name, literal_at(number, edm_type, self.survey.version))]

        def count_all(stretches: Sequence[Stretch]) -> list[int | None]:
            calls: list[Callable[[], int | None]] = []
            for low, high in stretches:
                condition = all_of(not_before(key_at(low)), before(key_at(high)))
                calls.append(partial(self._count, condition))
            return self._at_once(calls)

        enough = self.expected / wanted
        bounds = bounds_by_halving(whole, self.expected, enough=enough, count_all=count_all)
        return [key_at(bound) for bound in bounds]

    # -- how many rows the ranges have --------------------------------------------------------

    def count_ranges(self, keys: Sequence[Key]) -> list[Range]:
        """Nothing unless they hold all the rows."""
        if not keys:
            return []
        between = [all_of(not_before(low), before(high)) for low, high in pairwise(keys)]
        filters = [before(keys[0]), *between, not_before(keys[-1])]
        rows_before = self.expected
        for _ in range(TRIES):
            ranges = self._ranges(filters)
            rows_after = self._count("")
            if not ranges or rows_after is None:
                return []
            if rows_after != rows_before:
                rows_before = rows_after  # rows came or went: the counts are of different tables
                continue
            if _rows_in(ranges) == rows_after:
                return ranges
            return self._with_nulls(filters, rows_after)
        return []

    def _with_nulls(self, filters: Sequence[str], expected: int) -> list[Range]:
        """Once more, and beside them the rows that lack a field of the key.
        Of a declared key none is ever null.
        """
        names = self.cursor.order
        if self.cursor.by_own_key:
            return []
        # A row without the first field is in none of the ranges. One that lacks a later field may
        # be: `field gt 'F1' or (field eq 'F1' and well ge 'W7')` takes a row of F2 without a well.
        present = [f"{name} ne null" for name in names[1:]]
        lacking = " or ".join(f"{name} eq null" for name in names)
        with_keys = [all_of(condition, *present) for condition in filters]
        ranges = self._ranges([*with_keys, lacking])
        if not ranges or not _rows_in(ranges) == expected == self._count(""):
            return []
        without_keys = replace(ranges[-1], has_keys=False)
        return [*ranges[:-1], without_keys]

    def _ranges(self, filters: Sequence[str]) -> list[Range]:
        counts = self._at_once([partial(self._count, condition) for condition in filters])
        if None in counts:
            return []
        return [
            Range(filter=condition, rows=rows or 0)
            for condition, rows in zip(filters, counts, strict=True)
        ]

    def _count(self, condition: str) -> int | None:
        within = replace(self.cursor, range=condition)
        urls = self.addresses.counts(within)
        return self.connection.count(*urls, most=LARGEST_ANSWER, once=self._remaining_seconds())

    # -- asking -------------------------------------------------------------------------------

    def _first_row(self, url: str) -> dict[str, object] | None:
        """None where the service does not show it alone."""
        try:
            body, _ = self.connection.get_page(
                url, page=1, most=LARGEST_ANSWER, once=self._remaining_seconds()
            )
            return read_row(body.rows[0]) if len(body.rows) == 1 else None
        except Unwritable:
            return None
        except (SourceTimeSpent, WorkerTimeSpent):
            raise
        except SourceError:
            return None

    def _remaining_seconds(self) -> float:
        seconds = self.until - self.clock()
        if seconds <= 0:
            raise _TooLate
        return seconds

    def _at_once(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """The connection holds back what is too much at a time."""
        if not calls:
            return []
        with ThreadPoolExecutor(max_workers=len(calls)) as threads:
            # Each with its own copy: a thread's lines of the log tell of the same job.
            futures = [threads.submit(contextvars.copy_context().run, call) for call in calls]
            return [future.result() for future in futures]


class _TooLate(Exception):
    """The plan has taken its time."""


def _rows_in(ranges: Iterable[Range]) -> int:
    return sum(each.rows for each in ranges)


def parts_of(cursor: Cursor, ranges: Iterable[Range], addresses: PageAddresses) -> list[Cursor]:
    """Before the first row of each. Where no row lacks a key, nothing is asked for such rows."""
    asked = [each for each in ranges if each.rows or each.has_keys]
    return [part_of(cursor, each, addresses) for each in asked]


def part_of(cursor: Cursor, part: Range, addresses: PageAddresses) -> Cursor:
    """Before the first of its rows. Rows without a key cannot be asked for by keys."""
    way = cursor.way
    if way == Way.KEYS and not part.has_keys:
        way = str(Way.AUTO)
    is_by_own_key = cursor.by_own_key and part.has_keys
    at_start = replace(
        cursor, range=part.filter, way=way, by_own_key=is_by_own_key, expected=part.rows
    )
    return replace(at_start, url=addresses.first(at_start))
