"""Volumes: which fields hold oil, gas, water and liquids, and for how many days a well was on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as default
from typing import TYPE_CHECKING, Any

from chalicelib.products import PRODUCTS

from . import words as lexicon
from .look import Guess
from .units import Named, beyond_a_well, question, unit_of_name, unit_of_others
from .words import word_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .look import SourceField, Table
    from .numbers import NumberForm
    from .regions import Region

Others = dict[str, list[str]]  # units that names say, of liquid and gas
_COLUMNS = {product.key: product.rate for product in PRODUCTS}
OIL, GAS, LIQUIDS = _COLUMNS["oil"], _COLUMNS["gas"], _COLUMNS["liquids"]
COLUMN_OF = {**_COLUMNS, "condensate": LIQUIDS}
DAYS = "days_on_production"
MOST_DAYS = {"day": 1, "month": 31, "quarter": 92, "year": 366}
HOURS_A_DAY = 24
MANY = 0.4  # share of values beyond the days of a period that makes them hours
OF_NOBODY = {99.0, 999.0}  # a number of days that stands for none
_MASS = word_set("tonnes tonne ton tons mas mass t")
_TIME = word_set("days dias jours dager dagen tef hours hrs horas heures uren timer uptime")


@dataclass(kw_only=True)
class Volumes:
    """`fields` of each product, those whose numbers are added;
    `days` is the field of days or hours.
    """

    fields: dict[str, list[SourceField]] = default(default_factory=dict)
    others: dict[str, list[SourceField]] = default(default_factory=dict)  # which could be it too
    days: SourceField | None = None

    @property
    def all(self) -> list[SourceField]:
        """Each once, the days too."""
        fields = [field for fields in self.fields.values() for field in fields]
        if self.days:
            fields.append(self.days)
        return fields


def find_volumes(table: Table) -> Volumes:
    candidates: dict[str, list[SourceField]] = {}
    for field in table.fields:
        product = product_of(field)
        if product and field.may_be_number and field.kind != "date":
            candidates.setdefault(product, []).append(field)
    volumes = Volumes()
    for product, fields in candidates.items():
        chosen = _choose(product, fields)
        volumes.fields[product] = chosen
        volumes.others[product] = [field for field in fields if field not in chosen]
    names = {field.name for fields in candidates.values() for field in fields}
    volumes.days = _days(table, names)
    return volumes


def product_of(field: SourceField) -> str:
    """What a name says is produced:
    "" when it says nothing, or that this is sold, injected, held or burned.
    """
    own = "".join(field.words)
    for product, column in COLUMN_OF.items():
        if product != "condensate" and own == column.replace("_", ""):
            return product
    terms = field.terms
    allowed = lexicon.PRODUCED | lexicon.UNIT | {"unit", "units"}
    if terms & lexicon.NO_PRODUCTION - allowed:
        return ""
    products = {product for product, names in lexicon.PRODUCTS.items() if terms & names}
    if not products and terms & (lexicon.PRODUCED | lexicon.VOLUME):
        products = {product for letter, product in lexicon.LETTERS.items() if letter in terms}
    if not products:
        products = {product for unit, product in lexicon.RATES.items() if unit in terms}
    return _one_of(products)


def _one_of(products: set[str]) -> str:
    """The single one.
    Condensate and oil together are liquids; condensate of gas, say, is condensate.
    """
    if products == {"condensate", "oil"}:
        return "liquids"
    if "condensate" in products and len(products) <= 2:  # noqa: PLR2004
        return "condensate"
    return products.pop() if len(products) == 1 else ""


def _choose(product: str, fields: list[SourceField]) -> list[SourceField]:
    """The best; of gas both kinds, where each has a field and none holds the sum.

    Of "Gas from wells" and "Casinghead gas" both are added; beside "Total gas" neither counts.
    """
    ranked = sorted(fields, key=lambda field: (-_rank(field), field.place))
    best = ranked[:1]
    if product != "gas" or ranked[0].terms & lexicon.TOTAL:
        return best
    with_oil = [
        field for field in ranked if field.terms & lexicon.WITH_OIL and not _is_negated(field)
    ]
    rest = [field for field in ranked if field not in with_oil]
    if not with_oil or not rest:
        return best
    is_other_kind = _is_negated(rest[0]) or rest[0].terms & lexicon.PRODUCED
    if not is_other_kind:
        return best
    return sorted([with_oil[0], rest[0]], key=lambda field: field.place)


def _is_negated(field: SourceField) -> bool:
    """Gas that comes without oil: "dry gas", "non associated"."""
    terms = field.terms
    return bool(
        terms & lexicon.WITHOUT_OIL or (terms & lexicon.NEGATION and terms & lexicon.WITH_OIL)
    )


def _rank(field: SourceField) -> float:
    """What the name says counts more than how many rows have a value."""
    terms = field.terms
    rank = 0
    if terms & lexicon.PRODUCED:
        rank += 4
    if terms & lexicon.TOTAL:
        rank += 3
    if terms & lexicon.UNIT:
        rank += 2
    if terms & lexicon.VOLUME:
        rank += 1
    if terms & lexicon.RATE:
        rank -= 1
    if field.values and not field.filled_count:
        rank -= 5
    if terms & _MASS:
        rank -= 6
    return rank + field.filled_share


def _days(table: Table, volumes: set[str]) -> SourceField | None:
    """Days rather than hours, where both are there."""
    fields = [field for field in table.fields if field.name not in volumes and _is_duration(field)]

    def rank(field: SourceField) -> tuple[bool, float, int]:
        has_hours = not field.terms & lexicon.DAYS
        return has_hours, -field.filled_share, field.place

    return min(fields, key=rank, default=None)


def _is_duration(field: SourceField) -> bool:
    is_named = field.terms & (lexicon.DAYS | lexicon.HOURS)
    is_else = field.terms & lexicon.NO_DAYS
    is_empty = field.values and not field.filled_count
    if not is_named or is_else or is_empty:
        return False
    return field.may_be_number and _is_time(field)


def _is_time(field: SourceField) -> bool:
    """A word such as stream is of much else too, and a day can be one of the month."""
    terms = field.terms
    if terms & _TIME or {"on", "stream"} <= terms:
        return True
    is_span = terms & (lexicon.DAYS | lexicon.HOURS)
    is_of_production = terms & (lexicon.PRODUCED | {"on"})
    return bool(is_span and is_of_production)


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
    """The days, then oil, liquids, gas and water."""
    others = _units_of_names(volumes, measures)
    oil = volumes.fields.get("oil", [])
    condensate = volumes.fields.get("condensate", [])
    liquids = volumes.fields.get("liquids", [])
    guesses: list[Guess] = []
    if volumes.days:
        guesses.append(_days_guess(volumes.days, measures))
    if oil:
        guesses.append(_volume(OIL, oil, volumes.others["oil"], measures, others))
    if liquids or oil or condensate:
        guesses.append(_liquids(liquids, oil, condensate, measures, others))
    for product in ("gas", "water"):
        if fields := volumes.fields.get(product):
            rest = volumes.others[product]
            guesses.append(_volume(COLUMN_OF[product], fields, rest, measures, others))
    return guesses


def _units_of_names(volumes: Volumes, measures: Measures) -> Others:
    others: Others = {}
    for product, fields in volumes.fields.items():
        named = _own_unit(product, fields, measures)
        if named is not None:
            others.setdefault("gas" if product == "gas" else "liquid", []).append(named.text)
    return others


def _liquids(
    liquids: list[SourceField],
    oil: list[SourceField],
    condensate: list[SourceField],
    measures: Measures,
    others: Others,
) -> Guess:
    """Of a field of their own, else oil and condensate, where both have one unit."""
    if liquids:
        return _volume(LIQUIDS, liquids, [], measures, others)
    units = {
        _unit("liquid", fields, measures, others).text for fields in (oil, condensate) if fields
    }
    if len(units) > 1:
        guess = _volume(LIQUIDS, oil, [], measures, others)
        why = f"{guess.why}; condensate is in another unit and left out"
        return Guess(key=guess.key, value=guess.value, why=why)
    guess = _volume(LIQUIDS, [*oil, *condensate], [], measures, others)
    parts = "oil and condensate" if condensate else "no condensate is told"
    if not oil:
        parts = "condensate"
    return replace(guess, why=f"{parts}; {guess.why}")


def _volume(
    column: str,
    fields: list[SourceField],
    rest: list[SourceField],
    measures: Measures,
    others: Others,
) -> Guess:
    """The sum of the `fields`. `rest` are fields that could be it too."""
    key = f"columns.{column}"
    product = "gas" if column == GAS else "liquid"
    named = _unit(product, fields, measures, others)
    value: dict[str, Any] = {"field": fields[0].name}
    if len(fields) > 1:
        value = {"sum": [field.name for field in fields]}
    largest = largest_of(fields, measures.form)
    if not named.text:
        doubt = named.doubt or question(fields[0], product, largest)
        return Guess(key=key, value=value | {"unit": "..."}, why=doubt, is_complete=False)
    value["unit"] = named.text
    if named.at:
        value["at"] = named.at
    why = named.why
    if rest:
        why += f"; {rest[0].name!r} could be it too"
    if largest is None or measures.is_whole_field:
        return Guess(key=key, value=value, why=why)
    doubt = beyond_a_well(column, named, largest, measures.period)
    if doubt:
        return Guess(key=key, value=value, why=f"{why}, {doubt}", is_complete=False)
    return Guess(key=key, value=value, why=why)


def _unit(product: str, fields: list[SourceField], measures: Measures, others: Others) -> Named:
    """What the names say; that of a row of units; what others of the source say."""
    if not fields:
        return Named()
    named = unit_of_name(fields[0], product, is_mil=measures.is_mil)
    if named and named.text:
        return named
    if below := measures.units.get(fields[0].name):
        return Named(text=below, why="a row below the header says so")
    return named or _likely_unit(product, fields[0], measures, others)


def _likely_unit(product: str, field: SourceField, measures: Measures, others: Others) -> Named:
    """As other volumes of the source have it, a day where the name says a rate."""
    likely = unit_of_others(product, others, measures.region)
    if likely is None:
        return Named()
    is_rate = field.terms & lexicon.RATE and "/" not in likely.text
    if is_rate:
        return Named(text=likely.text + "/d", why=f"{likely.why}; the name says a rate")
    return likely


def _own_unit(product: str, fields: list[SourceField], measures: Measures) -> Named | None:
    kind = "gas" if product == "gas" else "liquid"
    named = unit_of_name(fields[0], kind, is_mil=measures.is_mil)
    return named if named and named.text else None


def largest_of(fields: list[SourceField], form: NumberForm) -> float | None:
    numbers = [number for field in fields for number in _numbers(field, form)]
    return max(numbers, default=None)


def _numbers(field: SourceField, form: NumberForm) -> list[float]:
    """Of the distinct values those that are numbers."""
    numbers = [form.read(value) for value in field.counts]
    return [number for number in numbers if number is not None]


def _days_guess(field: SourceField, measures: Measures) -> Guess:
    most = MOST_DAYS[measures.period]
    numbers = _numbers(field, measures.form)
    unknown = {number for number in numbers if number > most} & OF_NOBODY
    largest_known = max((number for number in numbers if number not in unknown), default=0)
    if unknown and largest_known <= most and measures.period == "month":
        value = {"field": field.name, "unit": "day", "pattern": "^([0-9]|[0-2][0-9]|3[01])$"}
        why = f"{max(unknown):.0f} days of a month mean that nobody knows"
        return Guess(key=f"columns.{DAYS}", value=value, why=why)
    largest = max(numbers, default=0)
    unit, why = _unit_of_days(field, measures, largest)
    is_complete = largest <= most * HOURS_A_DAY + 1
    if not is_complete:
        why += f"; but {largest:,.6g} is more hours than a {measures.period} has"
    value = {"field": field.name, "unit": unit}
    return Guess(key=f"columns.{DAYS}", value=value, why=why, is_complete=is_complete)


def _unit_of_days(field: SourceField, measures: Measures, largest: float) -> tuple[str, str]:
    """Hours where the name says so, or where there are more than days of the period. And why."""
    if below := measures.units.get(field.name):
        return below, "a row below the header says so"
    is_of_hours = field.terms & lexicon.HOURS - {"stream"}
    is_of_days = field.terms & {"days", "dias", "jours"}
    if is_of_hours and not is_of_days:
        return "h", "the name says hours"
    most = MOST_DAYS[measures.period]
    beyond = [number for number in _numbers(field, measures.form) if number > most]
    is_stream = "stream" in field.terms
    if beyond and (is_stream or len(beyond) >= MANY * len(field.counts)):
        why = f"values up to {largest:,.6g}, and a {measures.period} has at most {most} days: hours"
        return "h", why
    if beyond:
        why = f"the name says days; but a few are more than a {measures.period} has, up to {largest:,.6g}"
        return "day", why
    return "day", f"values up to {largest:,.6g}: days" if is_stream else "the name says days"
