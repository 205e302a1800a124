"""Invented well production of any size, every page computable from its position alone.

A field is always FIELD_ROWS rows long, so a position names its field by division; a field cuts its
rows into wells; a well is the unit that is drawn, from one random stream of its own. Nothing is
kept but small caches.
"""

import json
import random
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log1p

from chalicelib.files.json_lines import Key
from local.source.field_names import field_name

Draw = Callable[[], float]
"""The next number of a random stream, from 0 up to 1."""

FIELD_ROWS = 600
LATEST = 2024 * 12 + 11  # months since year 0: December 2024
OCTOBER = 9
RECENT_MONTHS = 12  # how far back late reports reach
REVISED_SHARE = 0.56  # of the recent producing months: about 5 % of all rows
OPERATORS = (
    "Orrin Vale Energy",
    "Kestmark Petroleum",
    "Dunlow Offshore",
    "Halvane Resources",
    "Tessaly Oil & Gas",
)

BAD_VALUES: tuple[dict[str, object], ...] = (
    {"well_code": None},
    {"oil_production_kbd": "n/a"},
    {"gas_production_mmcfd": "NaN"},
    {"production_period": "2024-02-30"},
    {"well_code": 770010000100.5},
    {"water_production_kbd": {"value": 1.25, "unit": "kbd"}},
)


@dataclass(frozen=True)
class Expected:
    """What an import of the whole source must count."""

    new: int
    updated: int
    duplicate: int
    failed: int


class GeneratedProduction:
    """The rows of a sample source, in key order.

    Bad rows and repeated keys stand at fixed positions whose remainders by 100 differ, so they
    never meet. A bad row keeps its place: `key` tells what its key would have been.
    """

    ordered = True

    def __init__(
        self, rows: int, seed: int = 1, revision: int = 0, *, bad_rows: bool = True
    ) -> None:
        self.seed = seed
        self.revision = revision
        self.bad_positions = range(900, rows if bad_rows else 0, 4_100)
        self.repeated_positions = range(750, rows, 10_000)
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def key(self, position: int) -> Key:
        if position in self.repeated_positions:
            position -= 1
        well, place = self._well(position)
        return well.field_code, well.code, period(well.months[place])

    def page(self, skip: int, top: int) -> list[bytes]:
        """Up to `top` rows from position `skip`, each one JSON object."""
        positions = range(self._rows)[skip : skip + top]
        rows = self._good_rows(positions)
        for position in _within(self.bad_positions, positions):
            rows[position - skip] = self._bad_row(position, rows[position - skip])
        for position in _within(self.repeated_positions, positions):
            rows[position - skip] = self._repeated_row(position)
        return rows

    def expected_counts(self, previous: int | None = None) -> Expected:
        """The counts of an import into an empty warehouse,
        or into one that holds revision `previous`.
        """
        failed = len(self.bad_positions)
        good = self._rows - failed
        if previous is None:
            repeated = len(self.repeated_positions)
            return Expected(
                new=good - repeated,
                updated=0,
                duplicate=repeated,
                failed=failed,
            )
        updated = self._count_revisions_since(previous)
        return Expected(
            new=0,
            updated=updated,
            duplicate=good - updated,
            failed=failed,
        )

    def _well(self, position: int) -> tuple["Well", int]:
        field, offset = divmod(position, FIELD_ROWS)
        starts = well_starts(self.seed, field)
        number = bisect_right(starts, offset) - 1
        return draw_well(self.seed, field, number), offset - starts[number]

    def _good_rows(self, positions: range) -> list[bytes]:
        rows: list[bytes] = []
        while len(rows) < len(positions):
            well, place = self._well(positions[len(rows)])
            missing = len(positions) - len(rows)
            of_well = render(well, self.revision)
            rows += of_well[place : place + missing]
        return rows

    def _bad_row(self, position: int, row: bytes) -> bytes:
        number = self.bad_positions.index(position)
        bad_values = BAD_VALUES[number % len(BAD_VALUES)]
        values = json.loads(row) | bad_values
        return json.dumps(values).encode()

    def _repeated_row(self, position: int) -> bytes:
        """The row before once more."""
        [row] = self._good_rows(range(position - 1, position))
        return row

    def _count_revisions_since(self, previous: int) -> int:
        if not 0 <= previous <= self.revision:
            raise ValueError(f"Revision {previous} does not come before revision {self.revision}.")
        count = position = 0
        while position < self._rows:
            well, _ = self._well(position)
            for place, revision in well.revisions(self.revision).items():
                count += revision > previous and self._is_good_first(position + place)
            position += len(well.months)
        return count

    def _is_good_first(self, position: int) -> bool:
        return (
            position < self._rows
            and position not in self.bad_positions
            and position not in self.repeated_positions
        )


@dataclass(frozen=True)
class Well:
    """One well's fixed traits, by which its months are drawn."""

    seed: int
    field_code: int
    field_name: str
    operator: str
    code: int
    name: str
    months: tuple[int, ...]
    shut_in: frozenset[int]  # places in `months`
    initial_oil: float  # kbd
    decline: float  # of the rate, per month, at the start
    hyperbolic: float  # Arps' b: 0 would be exponential, 1 harmonic
    gas_oil_ratio: float  # thousand cubic feet per barrel, so kbd times it is mmcfd
    condensate: float  # kbd of condensate for each mmcfd of gas
    final_water_cut: float

    @property
    def reference(self) -> str:
        digits = str(self.code)
        state = digits[:2]
        county = digits[2:5]
        well = digits[5:10]
        return f"{state}-{county}-{well}-{digits[10:]}"

    def revisions(self, latest: int) -> dict[int, int]:
        """Which places a revision up to `latest` changed, and the last one that did."""
        recent = [
            place
            for place, month in enumerate(self.months)
            if month > LATEST - RECENT_MONTHS and place not in self.shut_in
        ]
        places: dict[int, int] = {}
        for revision in range(1, latest + 1):
            draw = _random(self.seed, 1 + revision).random
            places |= {place: revision for place in recent if _chance(draw, REVISED_SHARE)}
        return places

    def oil(self, age: int) -> float:
        """Arps' hyperbolic decline: kbd after `age` months."""
        return self.initial_oil * exp(
            -log1p(self.hyperbolic * self.decline * age) / self.hyperbolic
        )

    def water_oil_ratio(self, age: int) -> float:
        share_of_final = 1 - exp(-(age + 6) / 60)
        cut = self.final_water_cut * share_of_final
        return cut / (1 - cut)


@lru_cache(maxsize=4096)
def well_starts(seed: int, field: int) -> list[int]:
    """Where each well of a field begins among the field's rows."""
    draw = _random(seed, field).random
    starts = []
    start = 0
    while start <= FIELD_ROWS - 40:  # the last well takes what is left: 40 months or more
        starts.append(start)
        start += 40 + int(140 * draw())
    return starts


@lru_cache(maxsize=4096)
def draw_well(seed: int, field: int, number: int) -> Well:
    own_seed = (seed << 40) + (field << 8) + number
    draw = _random(own_seed, 0).random
    starts = [*well_starts(seed, field), FIELD_ROWS]
    length = starts[number + 1] - starts[number]
    name = field_name(field + 7 * seed)
    sidetrack = int(_chance(draw, 0.1))
    return Well(
        seed=own_seed,
        field_code=1001 + field,
        field_name=name,
        operator=OPERATORS[field % len(OPERATORS)],
        code=int(
            f"77{(field + 1) % 1000:03}{(field + 1) // 1000 * 20 + number + 1:05}{sidetrack:02}"
        ),
        name=f"{name} {'ABCD'[number % 4]}-{number + 1:02}{' ST1' * sidetrack}",
        months=_months(length, draw),
        shut_in=_shut_in(length, draw),
        initial_oil=0.4 * 30 ** draw(),
        decline=0.02 + 0.06 * draw(),
        hyperbolic=0.3 + 0.9 * draw(),
        gas_oil_ratio=0.6 + 2.4 * draw(),
        condensate=0.002 + 0.02 * draw(),
        final_water_cut=0.3 + 0.65 * draw(),
    )


# A page ends within a well, and of many parts that are read at once each has one open.
@lru_cache(maxsize=256)
def render(well: Well, revision: int) -> list[bytes]:
    """All the rows of a well. The head never changes, so it is written once."""
    draw = _random(well.seed, 1).random
    revised = well.revisions(revision)
    head = _head(well)
    rows = []
    for place, month in enumerate(well.months):
        days = 0.0 if place in well.shut_in else _days(month, draw)
        latest = revised.get(place, 0)
        volumes = _volumes(well, month, days, draw, latest)
        tail = _provenance(well.operator, month, latest)
        when = f'"production_period": "{period(month)}", "days_on_production": {days:g}, '
        rows.append(f"{head}{when}{volumes}{tail}".encode())
    return rows


@lru_cache(maxsize=4096)
def period(month: int) -> str:
    year = month // 12
    month_of_year = month % 12 + 1
    return f"{year}-{month_of_year:02}-01"


def _random(seed: int, stream: int) -> random.Random:
    """Only `random()` is drawn from it:
    the one method whose numbers no Python version may change.
    """
    return random.Random((seed << 16) + stream)  # noqa: S311 -- sample data, no secret


def _chance(draw: Draw, share: float) -> bool:
    return draw() < share


def _within(marks: range, positions: range) -> range:
    def marks_before(position: int) -> int:
        distance = max(position - marks.start, 0)
        return -(-distance // marks.step)  # rounded up

    first = marks_before(positions.start)
    past = marks_before(positions.stop)
    return marks[first:past]


def _months(length: int, draw: Draw) -> tuple[int, ...]:
    """A run of months with a few unreported;
    four wells in five still produce in the latest month.
    """
    gaps = {1 + int((length - 1) * draw()): 1 + int(3 * draw()) for _ in range(int(3 * draw()))}
    last = LATEST - (1 + int(60 * draw()) if _chance(draw, 0.2) else 0)
    month = last - (length - 1) - sum(gaps.values())
    months = []
    for place in range(length):
        month += gaps.get(place, 0)
        months.append(month)
        month += 1
    return tuple(months)


def _shut_in(length: int, draw: Draw) -> frozenset[int]:
    starts = [int(length * draw()) for _ in range(int(4 * draw()))]
    return frozenset(
        place for start in starts for place in range(start, start + 1 + int(4 * draw()))
    )


@lru_cache(maxsize=4096)
def _days_in(month: int) -> int:
    _, days = monthrange(month // 12, month % 12 + 1)
    return days


def _days(month: int, draw: Draw) -> float:
    """Mostly the whole month, sometimes part of it;
    a rare October counts the hour that clocks go back.
    """
    whole = _days_in(month)
    if _chance(draw, 0.75):
        if month % 12 == OCTOBER and _chance(draw, 0.02):
            return whole + 0.04
        return whole
    part = max(1, whole * (1 - draw() ** 2))  # a producing month is never rounded to nothing
    if _chance(draw, 0.2):
        return round(part, 2)
    return round(part)


def _volumes(well: Well, month: int, days: float, draw: Draw, revision: int) -> str:
    """Rates per calendar day. No two revisions of a month are alike, even after rounding."""
    if not days:
        return (
            '"oil_production_kbd": 0.0, "gas_production_mmcfd": 0.0, '
            '"liquids_production_kbd": 0.0, "water_production_kbd": 0.0, '
        )
    age = month - well.months[0]
    oil = max(0.001, well.oil(age) * (0.92 + 0.16 * draw()) * days / _days_in(month))
    if revision:
        change = 1 + 0.013 * revision
        oil = oil / change if month % 4 == 0 else oil * change  # late reports mostly add
    gas = oil * well.gas_oil_ratio * (1 + 0.003 * age) * (0.95 + 0.1 * draw())
    liquids = oil + gas * well.condensate
    water = oil * well.water_oil_ratio(age) * (0.9 + 0.2 * draw())
    return (
        f'"oil_production_kbd": {oil:.6f}, "gas_production_mmcfd": {gas:.6f}, '
        f'"liquids_production_kbd": {liquids:.6f}, "water_production_kbd": {water:.6f}, '
    )


def _head(well: Well) -> str:
    columns = {
        "field_code": well.field_code,
        "field_name": well.field_name,
        "well_code": well.code,
        "well_reference": well.reference,
        "well_name": well.name,
    }
    return json.dumps(columns)[:-1] + ", "


@lru_cache(maxsize=4096)
def _provenance(operator: str, month: int, revision: int) -> str:
    created = f"{period(month + 2)[:7]}-15T06:00:00Z"
    columns = {
        "data_source": "SAMPLE MONTHLY REPORTS",
        "source_data": f"{operator}|revision={revision}",
        "partition_0": str(month // 12),
        "created_at": created,
        "updated_at": f"{period(LATEST + 2 + revision)[:7]}-20T06:00:00Z" if revision else created,
    }
    return json.dumps(columns)[1:]
