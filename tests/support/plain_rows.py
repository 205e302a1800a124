"""A file of production read without the product: csv, decimal and a few lines of conversion."""

from __future__ import annotations

import csv
from calendar import monthrange
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACE = Path(__file__).parent.parent / "sources" / "presets" / "samples"
Row = dict[str, str]
Key = tuple[str, str, str]  # field, well, first day
Amounts = dict[str, Decimal | None]

OIL, GAS = "oil_production_kbd", "gas_production_mmcfd"
LIQUIDS, WATER, DAYS = "liquids_production_kbd", "water_production_kbd", "days_on_production"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """`amounts` are ours of the whole period, not a day. Of the `rows`,
    `passed_over` are those that the preset does not mean, `rejected` those that nobody could read.
    """

    file: str
    key: Callable[[Row], Key]
    amounts: Callable[[Row], Amounts]
    rows: int
    twin: str = ""
    fields: str = ""
    reading: dict[str, Any] = field(default_factory=dict)
    before: int = 0  # lines before the header
    takes: Callable[[Row], bool] = lambda _: True
    identity: Callable[[Row], object] = lambda row: tuple(row.values())
    version: Callable[[Row], str] = lambda _: ""
    passed_over: int = 0
    rejected: int = 0
    days_add_up: bool = False
    is_rate: bool = False
    is_wide: bool = False  # a column a month
    months: int = 1
    encoding: str = "utf-8-sig"

    @property
    def path(self) -> Path:
        return PLACE / self.file


def read_sample(sample: Sample) -> Iterator[Row]:
    with (PLACE / (sample.twin or sample.file)).open(encoding=sample.encoding, newline="") as file:
        for _ in range(sample.before):
            file.readline()
        for row in csv.DictReader(file, fieldnames=sample.fields.split() or None, **sample.reading):
            yield from _long(row) if sample.is_wide else [row]


def _long(row: Row) -> Iterator[Row]:
    for number, name in enumerate(MONTHS, start=1):
        if row[name]:
            yield {**row, "Month": str(number), "Volume": row[name]}


def plain_rows(sample: Sample) -> dict[Key, Amounts]:
    """What an import must store: our columns of each field, well and period."""
    latest: dict[tuple[Key, object], Row] = {}
    for row in filter(sample.takes, read_sample(sample)):
        place = (sample.key(row), sample.identity(row))
        if place not in latest or sample.version(row) >= sample.version(latest[place]):
            latest[place] = row
    amounts: dict[Key, dict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    for (key, _), row in latest.items():
        for column, amount in sample.amounts(row).items():
            amounts[key][column] += [] if amount is None else [amount]
    return {
        key: {name: _added(sample, key, name, found) for name, found in of.items()}
        for key, of in amounts.items()
    }


def _added(sample: Sample, key: Key, column: str, amounts: list[Decimal]) -> Decimal | None:
    if not amounts:
        return None
    if column == DAYS:
        return sum(amounts, Decimal(0)) if sample.days_add_up else max(amounts)
    year, month = int(key[2][:4]), int(key[2][5:7])
    days = sum(monthrange(year, month + later)[1] for later in range(sample.months))
    return sum(amounts, Decimal(0)) / (1 if sample.is_rate else days)


def plain_sums(sample: Sample) -> dict[str, float]:
    """Of each column that some row fills."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for columns in plain_rows(sample).values():
        for column, value in columns.items():
            if value is not None:
                sums[column] += value
    return {column: float(value) for column, value in sums.items()}
