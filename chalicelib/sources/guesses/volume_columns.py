"""VolumeColumns: the columns of volumes and days as a definition writes them, each with its unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.sources.measures import DAYS

from . import words as lexicon
from .look import Guess
from .units import Named, beyond_a_well, question, unit_of_name, unit_of_others
from .volumes import COLUMN_OF, GAS, LIQUIDS, OIL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .look import SourceField
    from .numbers import NumberForm
    from .regions import Region
    from .volumes import Volumes

Others = dict[str, list[str]]  # units that names say, of liquid and gas
MOST_DAYS = {"day": 1, "month": 31, "quarter": 92, "year": 366}
HOURS_A_DAY = 24
MANY = 0.4  # share of values beyond the days of a period that makes them hours
OF_NOBODY = {99.0, 999.0}  # a number of days that stands for none


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
    units: Others = {}
    for product, fields in volumes.fields.items():
        named = _own_unit(product, fields, measures)
        if named is not None:
            kind = "gas" if product == "gas" else "liquid"
            units.setdefault(kind, []).append(named.text)
    return units


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

    named = [_unit("liquid", fields, measures, others) for fields in (oil, condensate) if fields]
    units = {unit.text for unit in named}
    if len(units) > 1:
        guess = _volume(LIQUIDS, oil, [], measures, others)
        why = f"{guess.why}; condensate is in another unit and left out"
        return Guess(key=guess.key, value=guess.value, why=why)

    guess = _volume(LIQUIDS, [*oil, *condensate], [], measures, others)
    parts = "oil and condensate" if condensate else "no condensate is given"
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
    key = f"columns.{DAYS}"
    most = MOST_DAYS[measures.period]
    numbers = _numbers(field, measures.form)

    unknown = {number for number in numbers if number > most} & OF_NOBODY
    known = [number for number in numbers if number not in unknown]
    largest_known = max(known, default=0)
    if unknown and largest_known <= most and measures.period == "month":
        value = {"field": field.name, "unit": "day", "pattern": "^([0-9]|[0-2][0-9]|3[01])$"}
        why = f"{max(unknown):.0f} days of a month mean that nobody knows"
        return Guess(key=key, value=value, why=why)

    largest = max(numbers, default=0)
    unit, why = _unit_of_days(field, measures, largest)
    is_complete = largest <= most * HOURS_A_DAY + 1  # one more where the clocks are set back
    if not is_complete:
        why += f"; but {largest:,.6g} is more hours than a {measures.period} has"
    value = {"field": field.name, "unit": unit}
    return Guess(key=key, value=value, why=why, is_complete=is_complete)


def _unit_of_days(field: SourceField, measures: Measures, largest: float) -> tuple[str, str]:
    """Hours where the name says so, or where there are more than days of the period. And why."""
    if below := measures.units.get(field.name):
        return below, "a row below the header says so"

    is_of_hours = field.terms & lexicon.HOURS - {"stream"}
    is_of_days = field.terms & {"days", "dias", "jours"}
    if is_of_hours and not is_of_days:
        return "h", "the name says hours"

    period = measures.period
    most = MOST_DAYS[period]
    beyond = [number for number in _numbers(field, measures.form) if number > most]
    is_stream = "stream" in field.terms  # "on stream" is in days or in hours
    if beyond and (is_stream or len(beyond) >= MANY * len(field.counts)):
        why = f"values up to {largest:,.6g}, and a {period} has at most {most} days: hours"
        return "h", why
    if beyond:
        why = f"the name says days; but a few are more than a {period} has, up to {largest:,.6g}"
        return "day", why
    if is_stream:
        return "day", f"values up to {largest:,.6g}: days"
    return "day", "the name says days"
