"""Measures: the unit of a volume or of days in a definition, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.products import PRODUCTS

from .units import Rate, UnitUnknown, parse_unit

if TYPE_CHECKING:
    from .faults import Faults
    from .units import Unit

DAYS = "days_on_production"
# What each column that has a unit counts: a liquid, gas, or days.
KINDS = {product.rate: product.kind for product in PRODUCTS} | {DAYS: "days"}
DENSITIES = (0.3, 1.5)  # t/m3, of what is liquid
UNTOLD = "?"  # in place of a unit that is no text, which is told


def read_measure(faults: Faults, key: str, column: str, table: dict[str, Any]) -> dict[str, Any]:
    """As ColumnRule has it; nothing for a column that is no measure."""
    if column not in KINDS:
        return {}
    facts: dict[str, Any] = {}
    unit = _unit(faults, key, column, table)
    if unit:
        facts["unit"] = unit
    if "aggregate" in table:
        facts["aggregate"] = faults.choice(f"{key}.aggregate", table["aggregate"], ["max", "sum"])

    if "days" in table:
        days = faults.choice(f"{key}.days", table["days"], ["calendar", "producing"])
        facts["is_per_producing_day"] = days == "producing"
        if unit and unit.rate is not Rate.DAY:
            instead = f"{unit.name}/d, or no days"
            faults.add(f"{key}.days", "is of rates, and the unit is a volume", instead)

    if "density" in table:
        facts["density"] = _density(faults, f"{key}.density", table["density"])
    is_mass = unit is not None and unit.dimension == "mass"
    if unit and is_mass != ("density" in table):
        problem = "is missing" if is_mass else "is of a mass, and the unit is a volume"
        instead = "t/m3 for a unit of t, a number or the name of a field"
        faults.add(f"{key}.density", problem, instead)
    return facts


def _unit(faults: Faults, key: str, column: str, table: dict[str, Any]) -> Unit | None:
    at = faults.text(f"{key}.at", table["at"]) if "at" in table else ""
    if "unit" not in table:
        example = "bbl, m3 or Mcf for a period's volume, bbl/d for a rate"
        if column == DAYS:
            example = "day, h or month"
        faults.add(f"{key}.unit", "is missing, and is never guessed", example)
        return None

    text = faults.filled_text(f"{key}.unit", table["unit"], UNTOLD)
    if text in ("", UNTOLD):
        return None
    try:
        return parse_unit(text, KINDS[column], at=at)
    except UnitUnknown as exc:
        faults.add(f"{key}.unit", exc.problem, exc.instead)
        return None


def _density(faults: Faults, key: str, value: Any) -> str | float:
    least, most = DENSITIES
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and least <= value <= most:
        return float(value)
    if isinstance(value, str) and value:
        return faults.text(key, value, "?")
    faults.add(key, "is no density", "t/m3, a number from 0.3 to 1.5, or the name of a field")
    return 1.0
