"""Whether the rules of a definition agree on units: one number of the source is of one unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import describe
from .measures import DAYS
from .units import UNITS, Rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .column_rules import ColumnRule
    from .faults import Faults
    from .units import Unit


def refuse_two_units(faults: Faults, rules: Iterable[ColumnRule]) -> None:
    """One number of the source cannot be of two units,
    unless another field tells for which of them it stands.
    """
    rules_by_field: dict[str, list[ColumnRule]] = {}
    for rule in rules:
        if not rule.unit:
            continue

        for field in rule.sources:
            rules_before = rules_by_field.setdefault(field, [])
            other = next((before for before in rules_before if _contradict(before, rule)), None)
            if other and other.unit:
                faults.add(
                    f"columns.{rule.column}.unit",
                    f"is {_unit_text(rule.unit)}, and {other.column} takes the same field {describe(field)} as "
                    f"{_unit_text(other.unit)}",
                    "one unit for one field, or a when for each that no row fits twice",
                )
            rules_before.append(rule)


def _contradict(one: ColumnRule, other: ColumnRule) -> bool:
    """A row can fill both columns, and of its number they say different units.

    Of one field Volume, oil when Product is O in bbl and gas when Product is G in Mcf do not: no
    row is of both.
    """
    if not one.unit or not other.unit:
        return False
    if _unit_text(one.unit) == _unit_text(other.unit):
        return False

    words = {choice.field: {*choice.words} for choice in one.when if choice.words}
    for choice in other.when:
        is_shared = choice.words and choice.field in words
        if is_shared and words[choice.field].isdisjoint(choice.words):
            return False  # a row that one of them takes the other does not take
    return True


def _unit_text(unit: Unit) -> str:
    """With its time: bbl and bbl/d are two units."""
    if unit.rate is not Rate.DAY:
        return unit.name
    factor_of_a_day = UNITS[f"{unit.dimension}/{unit.name}"].factor
    is_hourly = round(unit.factor / factor_of_a_day) == 24  # noqa: PLR2004  `at` is near 1
    return f"{unit.name}/h" if is_hourly else f"{unit.name}/d"


def refuse_unknown_days(faults: Faults, rules: dict[str, ColumnRule]) -> None:
    """A rate per producing day becomes one per day of the period only by the days on production."""
    if DAYS in rules:
        return
    for rule in rules.values():
        is_rate = rule.unit is not None and rule.unit.rate is Rate.DAY
        if is_rate and rule.is_per_producing_day:
            faults.add(
                f"columns.{rule.column}.days",
                f'is "producing", and no rule says what {DAYS} is',
                f"columns.{DAYS} with its unit, or a rate per calendar day",
            )
