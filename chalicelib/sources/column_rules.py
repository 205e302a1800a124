"""ColumnRule: what of the source fills one of our columns, as a definition says it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.store.columns import COLUMNS, VOLUMES, Kind

from .choices import Choice, read_choices, read_constant, read_pattern
from .faults import describe
from .measures import DAYS, read_measure
from .period_rule import PARTS, Part, read_period
from .unit_conflicts import refuse_two_units, refuse_unknown_days

if TYPE_CHECKING:
    from collections.abc import Callable

    from .faults import Faults
    from .units import Unit

COLUMN = {column.name: column for column in COLUMNS}
PERIOD = "production_period"
# One of them tells where the text comes from.
WAYS = ("field", "fields", "template", "coalesce", "sum", "value")
_OF_ALL = (*WAYS, "pattern", "when", "optional")
_OF_VOLUMES = (*_OF_ALL, "unit", "days", "at", "density")
_OF_DAYS = (*_OF_ALL, "unit", "aggregate")
_OF_PERIOD = (*_OF_ALL, "format", "timezone", *PARTS)
_PLACE = re.compile(r"\{([^{}:]+)(?::0?([0-9]{1,2}))?\}")  # of a template


@dataclass(frozen=True, kw_only=True)
class Place:
    """A field in a template, with zeros before it up to `width` characters;
    or text as it stands, without a field.
    """

    field: str = ""
    width: int = 0
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class ColumnRule:
    """`fields` are joined with "/", `coalesce` gives the first that holds something, `sum` is
    added. `unit` is that of a volume or of days, `density` in t/m3 a number or the name of a field,
    `formats` are of the period.
    """

    column: str
    field: str = ""
    fields: tuple[str, ...] = ()
    template: tuple[Place, ...] = ()
    coalesce: tuple[str, ...] = ()
    sum: tuple[str, ...] = ()
    value: str | None = None
    pattern: str = ""
    when: tuple[Choice, ...] = ()
    is_optional: bool = False
    unit: Unit | None = None
    is_per_producing_day: bool = False
    aggregate: str = "max"  # of days of rows that are added
    density: str | float | None = None
    formats: tuple[str, ...] = ()
    parts: tuple[tuple[str, Part], ...] = ()  # year, month, quarter, day
    timezone: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The fields that the column's value comes from, each once."""
        named = [self.field, *self.fields, *self.coalesce, *self.sum]
        named += [place.field for place in self.template]
        named += [part.field for _, part in self.parts]
        present = [name for name in named if name]
        return tuple(dict.fromkeys(present))

    @property
    def all_fields(self) -> tuple[str, ...]:
        """Those, and what else must be read to know it."""
        beside = [choice.field for choice in self.when]
        if isinstance(self.density, str):
            beside.append(self.density)
        return tuple(dict.fromkeys([*self.sources, *beside]))

    def with_names(self, known_as: Callable[[str], str]) -> ColumnRule:
        """With the fields called as they are known."""

        def each(names: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(known_as(name) for name in names)

        places = [replace(place, field=known_as(place.field)) for place in self.template]
        choices = [replace(choice, field=known_as(choice.field)) for choice in self.when]
        parts = [(name, replace(part, field=known_as(part.field))) for name, part in self.parts]
        density = self.density
        if isinstance(density, str):
            density = known_as(density)

        return replace(
            self,
            field=known_as(self.field),
            fields=each(self.fields),
            template=tuple(places),
            coalesce=each(self.coalesce),
            sum=each(self.sum),
            when=tuple(choices),
            density=density,
            parts=tuple(parts),
        )

    @property
    def plain_field(self) -> str:
        """The one field that holds the column's text as it is; empty when there is more to it."""
        if self.pattern or self.when or self.formats or self.timezone:
            return ""
        return self.field


def read_columns(faults: Faults, key: str, value: Any) -> dict[str, ColumnRule]:
    """`[columns]`, and whether its rules agree with each other."""
    table = faults.table(key, value, COLUMN)
    rules = {name: _read_rule(faults, name, rule) for name, rule in table.items()}
    refuse_two_units(faults, rules.values())
    refuse_unknown_days(faults, rules)
    return rules


def _read_rule(faults: Faults, column: str, value: Any) -> ColumnRule:
    key = f"columns.{column}"
    value = _as_table(value)
    if not isinstance(value, dict):
        faults.add(
            key,
            f"is {describe(value)}",
            'the name of a field in quotes, a list of them, or { field = "Name" }',
        )
        return ColumnRule(column=column)

    table = faults.table(key, value, _known_keys(column))
    _check_ways(faults, key, table, column)
    facts = {
        name: reader(faults, f"{key}.{name}", table[name])
        for name, reader in _READERS.items()
        if name in table
    }
    facts |= read_measure(faults, key, column, table)
    if column == PERIOD:
        facts |= read_period(faults, key, table)

    is_number = COLUMN[column].kind is Kind.NUMBER
    if "sum" in table and not is_number:
        faults.add(f"{key}.sum", "adds what are no numbers", "a list of fields, which are joined")
    if "value" in table and is_number and not _is_number(facts["value"]):
        problem = f"is {describe(facts['value'])}, which is no number"
        faults.add(f"{key}.value", problem, "a number such as 1.5")

    if "optional" in facts:
        facts["is_optional"] = facts.pop("optional")
    return ColumnRule(column=column, **facts)


def _as_table(value: Any) -> Any:
    """The short forms written out:
    "Oil" is { field = "Oil" }, ["Block", "Well"] is { fields = ["Block", "Well"] }.
    """
    if isinstance(value, list) and len(value) == 1:
        [value] = value
    if isinstance(value, str):
        return {"field": value}
    if isinstance(value, list):
        return {"fields": value}
    return value


def _check_ways(faults: Faults, key: str, table: dict[str, Any], column: str) -> None:
    """Whether the text comes from one place."""
    ways = [way for way in WAYS if way in table]
    if any(part in table for part in PARTS):
        ways.append("parts")
    if len(ways) == 1:
        return

    problem = "says nothing of where it comes from"
    if ways:
        problem = f"comes from {' and '.join(ways)} at once"
    allowed = "one of field, template, coalesce, sum, value"
    if column == PERIOD:
        allowed += ", year"
    faults.add(key, problem, allowed)


def _is_number(text: str) -> bool:
    match = re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?", text)
    return match is not None


def _known_keys(column: str) -> tuple[str, ...]:
    if column in VOLUMES:
        return _OF_VOLUMES
    return {DAYS: _OF_DAYS, PERIOD: _OF_PERIOD}.get(column, _OF_ALL)


def _template(faults: Faults, key: str, value: Any) -> tuple[Place, ...]:
    """Of "05-{API County:03}":
    the text 05-, and the field API County with zeros up to three characters.
    """
    text = read_constant(faults, key, value, "{?}")
    places: list[Place] = []
    text_begin = 0
    for match in _PLACE.finditer(text):
        text_before = text[text_begin : match.start()]
        places.append(Place(text=text_before))
        places.append(Place(field=match[1].strip(), width=int(match[2] or 0)))
        text_begin = match.end()
    places.append(Place(text=text[text_begin:]))

    # Of "{}" the field has no name, and "05-{" has a brace that belongs to none.
    fields = [match[1].strip() for match in _PLACE.finditer(text)]
    has_stray_brace = any("{" in place.text or "}" in place.text for place in places)
    if not fields or not all(fields) or has_stray_brace:
        faults.add(key, "is no template", 'one such as "05-{API County:03}-{API Sequence:05}"')
    return tuple(place for place in places if place.field or place.text)


_READERS: dict[str, Any] = {
    "field": lambda faults, key, value: faults.filled_text(key, value),
    "fields": lambda faults, key, value: faults.fields(key, value),
    "coalesce": lambda faults, key, value: faults.fields(key, value),
    "sum": lambda faults, key, value: faults.fields(key, value),
    "template": _template,
    "value": read_constant,
    "pattern": lambda faults, key, value: read_pattern(faults, key, value, needs_group=True),
    "when": read_choices,
    "optional": lambda faults, key, value: faults.flag(key, value),
}
