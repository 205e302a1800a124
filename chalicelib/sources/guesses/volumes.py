"""Volumes: which fields hold oil, gas, water and liquids, and for how many days a well was on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import words as said
from .look import Guess
from .units import Named, beyond_a_well, question, unit_of_name, unit_of_others

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .look import Seen, Table
    from .numbers import NumberForm
    from .regions import Region

Others = dict[str, list[str]]  # units that names say, of liquid and gas
OIL, LIQUIDS = "oil_production_kbd", "liquids_production_kbd"
GAS, WATER = "gas_production_mmcfd", "water_production_kbd"
COLUMN_OF = {"oil": OIL, "gas": GAS, "water": WATER, "liquids": LIQUIDS, "condensate": LIQUIDS}
DAYS = "days_on_production"
MOST_DAYS = {"day": 1, "month": 31, "quarter": 92, "year": 366}
HOURS_A_DAY = 24
MANY = 0.4  # share of values beyond the days of a period that makes them hours
OF_NOBODY = {99.0, 999.0}  # a number of days that stands for none


@dataclass(kw_only=True)
class Volumes:
    """`fields` of each product, those whose numbers are added; `days` is the field of days or hours."""

    fields: dict[str, list[Seen]] = field(default_factory=dict)
    others: dict[str, list[Seen]] = field(default_factory=dict)  # which could be it too
    days: Seen | None = None

    @property
    def all(self) -> list[Seen]:
        """Each once, the days too."""
        found = [seen for fields in self.fields.values() for seen in fields]
        return [*found, self.days] if self.days else found


def find_volumes(table: Table) -> Volumes:
    found: dict[str, list[Seen]] = {}
    for seen in table.fields:
        product = product_of(seen)
        if product and seen.may_be_number and seen.kind != "date":
            found.setdefault(product, []).append(seen)
    volumes = Volumes()
    for product, fields in found.items():
        chosen = _chosen(product, fields)
        volumes.fields[product] = chosen
        volumes.others[product] = [seen for seen in fields if seen not in chosen]
    volumes.days = _days(table, {seen.name for fields in found.values() for seen in fields})
    return volumes


def product_of(seen: Seen) -> str:
    """What a name says is produced: "" when it says nothing, or that this is sold, injected, held or burned."""
    own = "".join(seen.words)
    for product, column in COLUMN_OF.items():
        if product != "condensate" and own == column.replace("_", ""):
            return product
    words = seen.said
    if words & said.NO_PRODUCTION - (said.PRODUCED | said.UNIT | {"unit", "units"}):
        return ""
    named = {product for product, names in said.PRODUCTS.items() if words & names}
    if not named and words & (said.PRODUCED | said.VOLUME):
        named = {product for letter, product in said.LETTERS.items() if letter in words}
    if not named:
        named = {product for unit, product in said.RATES.items() if unit in words}
    if "condensate" in named:
        return {1: "condensate", 2: "liquids" if "oil" in named else "condensate"}.get(len(named), "")
    return named.pop() if len(named) == 1 else ""


def _chosen(product: str, fields: list[Seen]) -> list[Seen]:
    """The best; of gas both kinds, where each has a field and none holds the sum."""
    ranked = sorted(fields, key=lambda seen: (-_rank(seen), seen.place))
    if product != "gas" or ranked[0].said & said.TOTAL:
        return ranked[:1]
    with_oil = [seen for seen in ranked if seen.said & said.WITH_OIL and not _is_negated(seen)]
    rest = [seen for seen in ranked if seen not in with_oil]
    if not with_oil or not rest or not (_is_negated(rest[0]) or rest[0].said & said.PRODUCED):
        return ranked[:1]
    return sorted([with_oil[0], rest[0]], key=lambda seen: seen.place)


def _is_negated(seen: Seen) -> bool:
    return bool(seen.said & said.WITHOUT_OIL or (seen.said & said.NEGATION and seen.said & said.WITH_OIL))


def _rank(seen: Seen) -> float:
    """What the name says counts more than how much is told."""
    is_mass = bool(seen.said & {"tonnes", "tonne", "ton", "tons", "mas", "mass", "t"})
    rank = 4 * bool(seen.said & said.PRODUCED) + 2 * bool(seen.said & said.UNIT) + bool(seen.said & said.VOLUME)
    rank += 3 * bool(seen.said & said.TOTAL) - 6 * is_mass - 5 * (bool(seen.values) and not seen.filled)
    return rank - bool(seen.said & said.RATE) + seen.share_filled


def _days(table: Table, volumes: set[str]) -> Seen | None:
    """Days rather than hours, where both are told."""
    fields = [
        seen
        for seen in table.fields
        if seen.said & (said.DAYS | said.HOURS) and not seen.said & said.NO_DAYS and seen.may_be_number
        if seen.name not in volumes and _is_time(seen) and (seen.filled or not seen.values)
    ]
    return min(fields, key=lambda seen: (not seen.said & said.DAYS, -seen.share_filled, seen.place), default=None)


def _is_time(seen: Seen) -> bool:
    """A word such as stream is of much else too, and a day can be one of the month."""
    words = seen.said
    if words & {
        "days",
        "dias",
        "jours",
        "dager",
        "dagen",
        "tef",
        "hours",
        "hrs",
        "horas",
        "heures",
        "uren",
        "timer",
        "uptime",
    }:
        return True
    return {"on", "stream"} <= words or bool(words & (said.DAYS | said.HOURS) and words & (said.PRODUCED | {"on"}))


# -- what is written ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What is known of a source when its volumes are written."""

    form: NumberForm
    region: Region | None
    period: str
    is_mil: bool
    is_whole_field: bool
    units: Mapping[str, str]  # of a row below the header


def write_volumes(volumes: Volumes, measures: Measures) -> list[Guess]:
    others: Others = {}
    for product, named_fields in volumes.fields.items():
        if (named := _own_unit(product, named_fields, measures)) is not None:
            others.setdefault("gas" if product == "gas" else "liquid", []).append(named.text)
    guesses = [_days_guess(volumes.days, measures)] if volumes.days else []
    oil, condensate = volumes.fields.get("oil", []), volumes.fields.get("condensate", [])
    liquids = volumes.fields.get("liquids", [])
    if oil:
        guesses.append(_volume(OIL, oil, volumes.others["oil"], measures, others))
    if liquids or oil or condensate:
        guesses.append(_liquids(liquids, oil, condensate, measures, others))
    return guesses + [
        _volume(COLUMN_OF[product], fields, volumes.others[product], measures, others)
        for product in ("gas", "water")
        if (fields := volumes.fields.get(product))
    ]


def _liquids(liquids: list[Seen], oil: list[Seen], condensate: list[Seen], measures: Measures, others: Others) -> Guess:
    if liquids:
        return _volume(LIQUIDS, liquids, [], measures, others)
    units = {
        named.text for fields in (oil, condensate) for named in [_unit("liquid", fields, measures, others)] if fields
    }
    if len(units) > 1:
        guess = _volume(LIQUIDS, oil, [], measures, others)
        return Guess(key=guess.key, value=guess.value, why=f"{guess.why}; condensate is in another unit and left out")
    guess = _volume(LIQUIDS, [*oil, *condensate], [], measures, others)
    told = "oil and condensate" if oil and condensate else "no condensate is told" if oil else "condensate"
    return Guess(key=guess.key, value=guess.value, why=f"{told}; {guess.why}", is_complete=guess.is_complete)


def _volume(column: str, fields: list[Seen], rest: list[Seen], measures: Measures, others: Others) -> Guess:
    product = "gas" if column == GAS else "liquid"
    named = _unit(product, fields, measures, others)
    value: dict[str, Any] = {"field": fields[0].name} if len(fields) == 1 else {"sum": [seen.name for seen in fields]}
    largest = largest_of(fields, measures.form)
    if not named.text:
        doubt = named.doubt or question(fields[0], product, largest)
        return Guess(key=f"columns.{column}", value=value | {"unit": "..."}, why=doubt, is_complete=False)
    value |= {"unit": named.text} | ({"at": named.at} if named.at else {})
    why = named.why + (f"; {rest[0].name!r} could be it too" if rest else "")
    doubt = "" if largest is None or measures.is_whole_field else beyond_a_well(column, named, largest, measures.period)
    if doubt:
        return Guess(key=f"columns.{column}", value=value, why=f"{why}, {doubt}", is_complete=False)
    return Guess(key=f"columns.{column}", value=value, why=why)


def _unit(product: str, fields: list[Seen], measures: Measures, others: Others) -> Named:
    """What the names say; that of a row of units; what others of the source say."""
    if not fields:
        return Named()
    named = unit_of_name(fields[0], product, is_mil=measures.is_mil)
    if named and named.text:
        return named
    if below := measures.units.get(fields[0].name):
        return Named(text=below, why="a row below the header says so")
    found = unit_of_others(product, others, measures.region)
    if named or found is None:
        return named or Named()
    is_rate = bool(fields[0].said & said.RATE) and "/" not in found.text
    return Named(text=found.text + "/d", why=f"{found.why}; the name says a rate") if is_rate else found


def _own_unit(product: str, fields: list[Seen], measures: Measures) -> Named | None:
    named = unit_of_name(fields[0], "gas" if product == "gas" else "liquid", is_mil=measures.is_mil)
    return named if named and named.text else None


def largest_of(fields: list[Seen], form: NumberForm) -> float | None:
    numbers = [number for seen in fields for value in seen.counts if (number := form.read(value)) is not None]
    return max(numbers, default=None)


def _days_guess(seen: Seen, measures: Measures) -> Guess:
    most = MOST_DAYS[measures.period]
    numbers = [number for value in seen.counts if (number := measures.form.read(value)) is not None]
    unknown = {number for number in numbers if number > most} & OF_NOBODY
    largest = max((number for number in numbers if number not in unknown), default=0)
    if unknown and largest <= most and measures.period == "month":
        value = {"field": seen.name, "unit": "day", "pattern": "^([0-9]|[0-2][0-9]|3[01])$"}
        why = f"{max(unknown):.0f} days of a month mean that nobody knows"
        return Guess(key=f"columns.{DAYS}", value=value, why=why)
    largest = max(numbers, default=0)
    unit, why = _unit_of_days(seen, measures, largest)
    is_complete = largest <= most * HOURS_A_DAY + 1
    why += "" if is_complete else f"; but {largest:,.6g} is more hours than a {measures.period} has"
    return Guess(key=f"columns.{DAYS}", value={"field": seen.name, "unit": unit}, why=why, is_complete=is_complete)


def _unit_of_days(seen: Seen, measures: Measures, largest: float) -> tuple[str, str]:
    """Hours where the name says so, or where there are more than days of the period."""
    if below := measures.units.get(seen.name):
        return below, "a row below the header says so"
    if seen.said & said.HOURS - {"stream"} and not seen.said & {"days", "dias", "jours"}:
        return "h", "the name says hours"
    most = MOST_DAYS[measures.period]
    beyond = [value for value in seen.counts if (measures.form.read(value) or 0) > most]
    told = f"values up to {largest:,.6g}, and a {measures.period} has at most {most} days"
    if beyond and ("stream" in seen.said or len(beyond) >= MANY * len(seen.counts)):
        return "h", f"{told}: hours"
    if beyond:
        return "day", f"the name says days; but a few are more than a {measures.period} has, up to {largest:,.6g}"
    return "day", "the name says days" if "stream" not in seen.said else f"values up to {largest:,.6g}: days"
