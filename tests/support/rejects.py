"""A source of which any share of the rows is bad, with few or many columns, narrow or wide;
and what an import must make of it, in plain Python.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chalicelib.store.batch import RAW_BYTES
from chalicelib.store.columns import COLUMNS
from support.staging import json_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE_ROWS = 1000
BATCH_ROWS = 122_880
NAMES = [column.name for column in COLUMNS]
FIRST = ["field_code", "well_code", "production_period", "oil_production_kbd"]
REST = [name for name in NAMES if name not in FIRST]
REMARKS = "measured at the wellhead, allocated by the month's test; " * 62  # 3.5 kB
SPREAD = 61  # coprime to 100: bad rows are spread over all rows

FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"field_code": 1.5}, "NOT_A_WHOLE_NUMBER field_code"),
    ({"well_code": None}, "MISSING_KEY well_code"),
    ({"production_period": "soon"}, "NOT_A_DATE production_period"),
    ({"oil_production_kbd": "much"}, "NOT_A_NUMBER oil_production_kbd"),
    ({"days_on_production": 1e9}, "OUT_OF_RANGE days_on_production"),
    ({"well_name": ["A"]}, "NOT_TEXT well_name"),
]


@dataclass(frozen=True)
class Source:
    """`share` is of 100 rows how many are bad, `batch_bytes` how much a batch holds at most."""

    share: int
    columns: int
    wide: bool
    batches: int
    batch_bytes: int

    @cached_property
    def batch_rows(self) -> int:
        return min(BATCH_ROWS, self.batch_bytes // len(self.row(0)))

    @cached_property
    def fields(self) -> list[str]:
        names = [*FIRST, *REST, *(f"extra_{number}" for number in range(100))][: self.columns]
        return [*names[:-1], "remarks"] if self.wide else names

    @cached_property
    def faults(self) -> list[tuple[dict[str, Any], str]]:
        return [(fault, problem) for fault, problem in FAULTS if fault.keys() <= set(self.fields)]

    def pages(self, batch: int) -> Iterator[list[bytes]]:
        first = batch * self.batch_rows
        for start in range(0, self.batch_rows, PAGE_ROWS):
            yield [
                self.row(first + number)
                for number in range(start, min(start + PAGE_ROWS, self.batch_rows))
            ]

    def row(self, number: int) -> bytes:
        sound = _sound(number)
        values = {name: sound.get(name, f"value {number}") for name in self.fields}
        fault = self._fault(number)
        return json_row(**values | (fault[0] if fault else {}))

    def stored(self) -> list[tuple[str, str, str]]:
        """Field, well and period of each row that is kept, by well."""
        numbers = (
            number
            for number in range(self.batches * self.batch_rows)
            if self._fault(number) is None
        )
        key = ("field_code", "well_code", "production_period")
        return [(str(row[key[0]]), str(row[key[1]]), row[key[2]]) for row in map(_sound, numbers)]

    def rejected(self) -> Iterator[tuple[int, int, str, str]]:
        """Page, position, problem and raw text of each rejected row, in the order of the source."""
        pages_a_batch = -(-self.batch_rows // PAGE_ROWS)
        for number in range(self.batches * self.batch_rows):
            if fault := self._fault(number):
                batch, place = divmod(number, self.batch_rows)
                page = batch * pages_a_batch + place // PAGE_ROWS + 1
                yield page, place % PAGE_ROWS, fault[1], self.row(number).decode()[:RAW_BYTES]

    def _fault(self, number: int) -> tuple[dict[str, Any], str] | None:
        is_bad = number * SPREAD % 100 < self.share
        return self.faults[number % len(self.faults)] if is_bad else None


def _sound(number: int) -> dict[str, Any]:
    """Each well comes once; some names only look like a list."""
    return {
        "field_code": number % 900,
        "well_code": 608054000000 + number,
        "production_period": f"{1990 + number % 30}-{1 + number % 12:02}-01",
        "oil_production_kbd": number % 300 / 8,
        "well_name": f"[A-{number}" if number % 7 == 0 else f"Well {number}",
        "days_on_production": 30.5,
        "gas_production_mmcfd": 0.25,
        "liquids_production_kbd": 99.5,
        "water_production_kbd": None,
        "remarks": REMARKS,
    }


def outcome(
    stored: Iterable[tuple[Any, ...]], rejected: Iterable[tuple[Any, ...]]
) -> dict[str, Any]:
    """What two imports have in common when every stored row and every rejected one is the same."""
    reasons: Counter[str] = Counter()

    def counted() -> Iterator[tuple[Any, ...]]:
        for row in rejected:
            reasons[row[2].partition(" ")[0]] += 1
            yield row

    rows, rejects = digest(stored), digest(counted())
    return {"stored": rows, "rejected": rejects, "reasons": dict(sorted(reasons.items()))}


def digest(rows: Iterable[tuple[Any, ...]]) -> str:
    """How many rows, and a hash of them in their order."""
    found, count = hashlib.sha256(), 0
    for row in rows:
        count += 1
        found.update(json.dumps(row).encode())
    return f"{count} {found.hexdigest()[:16]}"
