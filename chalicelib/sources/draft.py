"""Draft: a definition as it may read, from a look at the data. Whatever is a guess says so, and
why.

What is not found is written as a comment, with what to fill in, so that a check of the source says
what is missing. docs/drafts.md shows one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from dataclasses import field as default
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid

from .definition import NAME, definition_of
from .guesses.entities import Entities, find_entities
from .guesses.grain import find_grain
from .guesses.known import KnownSource, known_source
from .guesses.look import Guess, Look, Table
from .guesses.meant_rows import (
    find_skip,
    find_units_row,
    find_wells,
    find_where,
    rows_but,
    rows_where,
)
from .guesses.month_columns import turn_months
from .guesses.numbers import null_words, number_form
from .guesses.periods import Period, find_period
from .guesses.products import ProductRows, find_product_rows, where_products, write_product_rows
from .guesses.regions import region_of_names
from .guesses.toml_text import comments, toml_lines
from .guesses.volumes import COLUMN_OF, Measures, Volumes, find_volumes, write_volumes
from .guesses.words import VOLUME, is_mil, plain
from .presets import find_preset, preset_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .guesses.look import SourceField
    from .guesses.numbers import NumberForm

__all__ = ["Draft", "Guess", "Look", "draft"]

_OWNERS = {"owner", "operator", "operador", "company"}
MOST_LEFT = 30  # fields that are told to be of no use


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`text` is TOML that read_definition takes;
    `guesses` are its lines as data, in their order.
    """

    text: str
    guesses: list[Guess] = default(default_factory=list)


def draft(
    look: Look,
    *,
    name: str,
    kind: str,
    url: str,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
) -> Draft:
    """`kind` is "odata" or "files". Nothing is asked of the source."""
    top = _head(name, kind, url)
    shipped = presets
    if shipped is None:
        shipped = {each: find_preset(each) for each in preset_names()}
    if known := known_source(look, kind, shipped):
        return _draft(look, [*top, _preset(known)], [])
    as_rows, unpivot = turn_months(look)
    table = Table.of(as_rows)
    if not table.fields:
        return _draft(look, [*top, *_empty()], [])
    found = _find(table)
    return _draft(look, [*top, *unpivot, *found.guesses], found.left)


@dataclass(frozen=True, kw_only=True)
class _Found:
    guesses: list[Guess]
    left: list[str]  # fields that nothing takes


def _find(whole: Table) -> _Found:
    """First which rows are meant, then what their fields tell."""
    units = find_units_row(whole)
    where = find_where(whole)
    table = whole.only(rows_where(whole, where)) if where else whole
    columns = _columns(table)
    if not columns.entities.well:
        of_wells = find_wells(table, where)
        if of_wells != where:
            where = of_wells
            table = whole.only(rows_where(whole, where))
            columns = _columns(table)
    key = [*columns.entities.well, *columns.entities.field]
    skip = find_skip(table, key, columns.period.fields, has_units=bool(units))
    if skip:
        table = table.only(rows_but(table, skip))
        columns = _columns(table)
    if columns.products:
        where = where_products(columns.products, where)
    return _write(table, columns, [*where, *skip], units)


@dataclass(frozen=True, kw_only=True)
class _Columns:
    """`measured` are the fields of volumes and days."""

    entities: Entities
    period: Period
    volumes: Volumes
    products: ProductRows | None

    @property
    def measured_fields(self) -> list[SourceField]:
        fields = list(self.volumes.all)
        if self.products:
            fields.append(self.products.volume)
        return fields

    @property
    def used_names(self) -> set[str]:
        measured = {field.name for field in self.measured_fields}
        return self.entities.names | {*self.period.fields} | measured


def _columns(table: Table) -> _Columns:
    volumes = find_volumes(table)
    measured_fields = {field.name for field in volumes.all}
    entities = find_entities(table, measured_fields)
    names = [field.words for field in table.fields]
    entities.region = entities.region or region_of_names(names)
    taken = entities.names | measured_fields
    period = find_period(table, (*entities.well, *entities.field), taken, entities.region)
    has_products = bool(set(volumes.fields) - {"liquids"})
    products = None if has_products else find_product_rows(table, taken | set(period.fields))
    return _Columns(entities=entities, period=period, volumes=volumes, products=products)


def _write(
    table: Table, found: _Columns, rows: list[Guess], units: dict[str, dict[str, str]]
) -> _Found:
    """In the order of a definition: what is of all rows, then the columns."""
    form, signs = number_form(found.measured_fields)
    measures = _measures(table, found, form, units)
    volumes = write_volumes(found.volumes, measures)
    if found.products:
        volumes += write_product_rows(found.products, measures)
    if not any(guess.key.removeprefix("columns.") in COLUMN_OF.values() for guess in volumes):
        volumes.append(_ask_for_volume(table, found.used_names))
    product = found.products.product if found.products else None
    keys = _keys(table, found.entities, found.period)
    grain = find_grain(table, keys, found.used_names, product)
    of_period = [guess for guess in found.period.guesses if guess.key.startswith("columns.")]
    of_all_rows = [guess for guess in found.period.guesses if guess not in of_period]
    of_all_rows += [*grain, *null_words(found.measured_fields, form), *signs, *rows]
    columns = [*found.entities.guesses, *of_period, *_days_of_owners(volumes, grain, table)]
    used = found.used_names
    for guess in grain:
        if guess.key == "primary_key":
            used |= {*guess.value}
    left = [name for name in table.by_name if name not in used]
    return _Found(guesses=[*of_all_rows, *columns], left=left)


def _measures(
    table: Table, found: _Columns, form: NumberForm, units: dict[str, dict[str, str]]
) -> Measures:
    return Measures(
        form=form,
        region=found.entities.region,
        period=found.period.length,
        is_mil=is_mil(tuple(table.by_name)),
        is_whole_field=found.entities.is_whole_field,
        units=_units_of(found.volumes, units),
    )


def _units_of(volumes: Volumes, units: dict[str, dict[str, str]]) -> dict[str, str]:
    """Of a row of units, those of the fields that are taken."""
    unit_of_field: dict[str, str] = {}
    for product, fields in volumes.fields.items():
        of_product = units.get("gas" if product == "gas" else "liquid", {})
        unit_of_field |= {
            field.name: of_product[field.name] for field in fields if field.name in of_product
        }
    of_days = units.get("days", {})
    if volumes.days and volumes.days.name in of_days:
        unit_of_field[volumes.days.name] = of_days[volumes.days.name]
    return unit_of_field


def _keys(table: Table, entities: Entities, period: Period) -> list[tuple[object, ...]]:
    """Field, well and period of each row; nothing when they are not known."""
    if not period.fields or not (entities.well or entities.is_whole_field):
        return []
    names = (*entities.field, *entities.well)
    columns: list[Sequence[object]] = [
        table.by_name[name].values for name in names if name in table.by_name
    ]
    columns.append(period.days or [None] * table.rows)
    return [tuple(values[place] for values in columns) for place in range(table.rows)]


def _ask_for_volume(table: Table, taken: set[str]) -> Guess:
    numbers = [field for field in table.fields if field.is_number and field.name not in taken]
    some = max(numbers, key=lambda field: bool(field.terms & VOLUME), default=None)
    why = "no field looks like a volume of oil, gas or water: name the right ones, and their units"
    return Guess(
        key="columns.oil_production_kbd",
        value={"field": some.name if some else "FIELD OF THE OIL", "unit": "..."},
        why=why,
        is_complete=False,
    )


def _days_of_owners(columns: list[Guess], grain: list[Guess], table: Table) -> list[Guess]:
    """A well that changed hands has a row of each owner, one after the other: their days add up."""
    keys = [guess.value for guess in grain if guess.key == "primary_key" and guess.is_complete]
    if not keys or not keys[0]:
        return columns
    if not all(table.by_name[name].terms & _OWNERS for name in keys[0]):
        return columns
    return [
        _add_up(guess) if guess.key == "columns.days_on_production" else guess for guess in columns
    ]


def _add_up(days: Guess) -> Guess:
    why = f"{days.why}; owners come one after the other"
    return replace(days, value=days.value | {"aggregate": "sum"}, why=why)


# -- what is known without the data -------------------------------------------------------------


def _head(name: str, kind: str, url: str) -> list[Guess]:
    letters = re.sub(r"[^a-z0-9]+", "-", plain(name).lower())
    plainly = letters.strip("-")[:40] or "source"
    is_name = bool(NAME.fullmatch(name))
    why = "" if is_name else "a name has small letters, digits and hyphens"
    return [
        Guess(key="name", value=name if is_name else plainly, why=why, sure=is_name),
        Guess(key="kind", value=kind, why="", sure=True),
        _url(kind, url),
    ]


def _url(kind: str, url: str) -> Guess:
    """What a definition does not take is not repeated: it may hold a password."""
    try:
        definition_of({"kind": kind, "url": url})
    except DefinitionInvalid as exc:
        wanted = next(
            (fault["instead"] for fault in exc.details["faults"] if fault["key"] == "url"), ""
        )
        return Guess(
            key="url", value="...", why=f"an address is missing: write {wanted}", is_complete=False
        )
    return Guess(key="url", value=url, why="", sure=True)


def _preset(known: KnownSource) -> Guess:
    why = known.why
    if not known.verified:
        why += (
            "; it was never checked against a real file, and docs/presets.md says what it assumes"
        )
    return Guess(key="preset", value=known.name, why=why, sure=known.verified)


def _empty() -> list[Guess]:
    asked = {
        "well_code": "FIELD OF THE WELL",
        "production_period": "FIELD OF THE MONTH",
        "oil_production_kbd": {"field": "FIELD OF THE OIL", "unit": "..."},
    }
    why = "no field was seen"
    return [
        Guess(key=f"columns.{name}", value=value, why=why, is_complete=False)
        for name, value in asked.items()
    ]


def _draft(look: Look, guesses: list[Guess], left: list[str]) -> Draft:
    lines = [
        *comments(_headline(look)),
        *comments("What begins with guess is one: look at it before you save."),
    ]
    lines += toml_lines(guesses)
    if left:
        some = ", ".join(name[:40] for name in left[:MOST_LEFT])
        others = len(left) - MOST_LEFT
        more = f" and {others:,} more" if others > 0 else ""
        lines += ["", *comments(f"Not taken: {some}{more}")]
    return Draft(text="\n".join(lines) + "\n", guesses=guesses)


def _headline(look: Look) -> str:
    if not look.fields:
        return "A draft without a look: no field was seen, so all is to be filled in."
    if not look.rows:
        return (
            f"A draft from the names of {len(look.fields):,} fields alone: "
            "no row was seen, so units and forms are not."
        )
    return f"A draft from a look at {len(look.rows):,} rows of {len(look.fields):,} fields."
