"""ColumnRule: what of the source fills one of our columns, as a definition says it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chalicelib.store.columns import COLUMNS, VOLUMES, Kind

from .choices import Choice, read_choices, read_pattern
from .faults import LARGEST_TOLD, describe
from .measures import DAYS, read_measure
from .periods import FormatUnknown, find_zone, format_parts
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
PARTS = ("year", "month", "quarter", "day")
_OF_PERIOD = (*_OF_ALL, "format", "timezone", *PARTS)
_PLACE = re.compile(r"\{([^{}:]+)(?::0?([0-9]{1,2}))?\}")  # of a template
LONGEST = 1_000  # characters of a template or a constant


@dataclass(frozen=True, kw_only=True)
class Part:
    """A year, month, quarter or day by itself: a field of the source, or a constant."""

    field: str = ""
    value: str = ""
    pattern: str = ""


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

        return replace(
            self,
            field=known_as(self.field),
            fields=each(self.fields),
            template=tuple(replace(place, field=known_as(place.field)) for place in self.template),
            coalesce=each(self.coalesce),
            sum=each(self.sum),
            when=tuple(replace(choice, field=known_as(choice.field)) for choice in self.when),
            density=known_as(self.density) if isinstance(self.density, str) else self.density,
            parts=tuple(
                (name, replace(part, field=known_as(part.field))) for name, part in self.parts
            ),
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
    found = {
        name: reader(faults, f"{key}.{name}", table[name])
        for name, reader in _READERS.items()
        if name in table
    }
    found |= read_measure(faults, key, column, table)
    if column == PERIOD:
        found |= _read_period(faults, key, table)
    is_number = COLUMN[column].kind is Kind.NUMBER
    if "sum" in table and not is_number:
        faults.add(f"{key}.sum", "adds what are no numbers", "a list of fields, which are joined")
    if "value" in table and is_number and not _is_number(found["value"]):
        faults.add(
            f"{key}.value",
            f"is {describe(found['value'])}, which is no number",
            "a number such as 1.5",
        )
    if "optional" in found:
        found["is_optional"] = found.pop("optional")
    return ColumnRule(column=column, **found)


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


def _constant(faults: Faults, key: str, value: Any, default: str = "0") -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and abs(value) < LARGEST_TOLD:
        return str(value)
    text = faults.filled_text(key, value, default)
    if len(text) > LONGEST:
        faults.add(key, "is too long", f"at most {LONGEST:,} characters")
    return text[:LONGEST]


def _template(faults: Faults, key: str, value: Any) -> tuple[Place, ...]:
    """Of "05-{API County:03}":
    the text 05-, and the field API County with zeros up to three characters.
    """
    text = _constant(faults, key, value, "{?}")
    places: list[Place] = []
    end = 0
    for match in _PLACE.finditer(text):
        places.append(Place(text=text[end : match.start()]))
        places.append(Place(field=match[1].strip(), width=int(match[2] or 0)))
        end = match.end()
    places.append(Place(text=text[end:]))
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
    "value": _constant,
    "pattern": lambda faults, key, value: read_pattern(faults, key, value, needs_group=True),
    "when": read_choices,
    "optional": lambda faults, key, value: faults.flag(key, value),
}


# -- the period ---------------------------------------------------------------------------------


def _read_period(faults: Faults, key: str, table: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "format" in table:
        texts = faults.texts(f"{key}.format", table["format"])
        found["formats"] = tuple(_format(faults, f"{key}.format", text) for text in texts)
        if table["format"] == []:
            faults.add(f"{key}.format", "names no form", "a form such as %Y-%m, or no format")
    if "timezone" in table:
        found["timezone"] = read_zone(faults, f"{key}.timezone", table["timezone"])
    names = [name for name in PARTS if name in table]
    if names:
        found["parts"] = tuple(
            (name, _part(faults, f"{key}.{name}", table[name])) for name in names
        )
        _check_parts(faults, key, names, has_format="format" in table)
    return found


def _check_parts(faults: Faults, key: str, names: list[str], *, has_format: bool) -> None:
    if "year" not in names:
        faults.add(key, "has no year", '{ year = "Yr", month = "Mon" }')
    if "month" in names and "quarter" in names:
        faults.add(key, "has a month and a quarter", "one of them")
    if has_format:
        problem = "is of one field, and year and month are fields by themselves"
        faults.add(f"{key}.format", problem, "one of the two")


def _format(faults: Faults, key: str, text: str) -> str:
    try:
        format_parts(text)
    except FormatUnknown as exc:
        faults.add(
            key,
            f"is {describe(text)}: {exc}",
            "a form such as %Y-%m, %Y%m, %b-%y, %d/%m/%Y or %YQ%q",
        )
    return text


def read_zone(faults: Faults, key: str, value: Any) -> str:
    name = faults.text(key, value)
    if not find_zone(name):
        faults.add(
            key,
            f"is {describe(name)}, which is no time zone",
            "a name of the IANA list such as Europe/Oslo",
        )
        return "UTC"
    return name


def _part(faults: Faults, key: str, value: Any) -> Part:
    if isinstance(value, str):
        return Part(field=faults.filled_text(key, value))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_TOLD:
        return Part(value=str(value))
    table = faults.table(key, value, ["field", "value", "pattern"])
    if ("field" in table) == ("value" in table):
        faults.add(
            key, "has neither or both of field and value", '{ field = "Yr" } or { value = 2024 }'
        )
    field = constant = pattern = ""
    if "pattern" in table:
        pattern = read_pattern(faults, f"{key}.pattern", table["pattern"], needs_group=True)
    if "field" in table:
        field = faults.filled_text(f"{key}.field", table["field"])
    if "value" in table:
        constant = _constant(faults, f"{key}.value", table["value"])
    return Part(field=field, value=constant, pattern=pattern)
