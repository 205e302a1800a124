"""Draft: a definition as it may read, from a look at the data. Whatever is a guess says so, and
why.

What is not found is written as a comment, with what to fill in, so that a check of the source says
what is missing. docs/drafts.md shows one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as default
from typing import TYPE_CHECKING, Any

from .draft_frame import draft_text, empty_guesses, head_guesses, preset_guess
from .guesses.entities import Entities, find_entities
from .guesses.grain import find_grain
from .guesses.known import known_source
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
from .guesses.volume_columns import Measures, write_volumes
from .guesses.volumes import COLUMN_OF, Volumes, find_volumes
from .guesses.words import VOLUME, is_mil
from .presets import find_preset, preset_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .guesses.look import SourceField
    from .guesses.numbers import NumberForm

__all__ = ["Draft", "Guess", "Look", "draft"]

_OWNERS = {"owner", "operator", "operador", "company"}


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
    head = head_guesses(name, kind, url)
    shipped = presets
    if shipped is None:
        shipped = {preset: find_preset(preset) for preset in preset_names()}
    if known := known_source(look, kind, shipped):
        return _draft(look, [*head, preset_guess(known)], [])

    as_rows, unpivot = turn_months(look)
    table = Table.of(as_rows)
    if not table.fields:
        return _draft(look, [*head, *empty_guesses()], [])

    findings = _find(table)
    return _draft(look, [*head, *unpivot, *findings.guesses], findings.unused)


def _draft(look: Look, guesses: list[Guess], unused: list[str]) -> Draft:
    text = draft_text(look, guesses, unused)
    return Draft(text=text, guesses=guesses)


@dataclass(frozen=True, kw_only=True)
class _Findings:
    guesses: list[Guess]
    unused: list[str]  # fields that nothing takes


def _find(whole: Table) -> _Findings:
    """First which rows are meant, then what their fields tell.

    The fields are looked at again whenever rows are left out: without the rows of totals and units
    more of them hold nothing but numbers.
    """
    units = find_units_row(whole)
    where = find_where(whole)
    table = whole.only(rows_where(whole, where)) if where else whole
    columns = _columns(table)

    if not columns.entities.well:
        where_wells = find_wells(table, where)
        if where_wells != where:
            where = where_wells
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
    """What the fields are found to hold."""

    entities: Entities
    period: Period
    volumes: Volumes
    products: ProductRows | None

    @property
    def measured_fields(self) -> list[SourceField]:
        """Those of volumes and days."""
        fields = list(self.volumes.all)
        if self.products:
            fields.append(self.products.volume)
        return fields

    @property
    def used_names(self) -> set[str]:
        measured = {field.name for field in self.measured_fields}
        return self.entities.names | {*self.period.fields} | measured


def _columns(table: Table) -> _Columns:
    """Each finding narrows the next: a field of a volume is no well, and one of a well no date."""
    volumes = find_volumes(table)
    measured_fields = {field.name for field in volumes.all}

    entities = find_entities(table, measured_fields)
    names = [field.words for field in table.fields]
    entities.region = entities.region or region_of_names(names)

    taken = entities.names | measured_fields
    well = (*entities.well, *entities.field)
    period = find_period(table, well, taken, entities.region)

    has_products = bool(set(volumes.fields) - {"liquids"})
    products = None if has_products else find_product_rows(table, taken | set(period.fields))
    return _Columns(entities=entities, period=period, volumes=volumes, products=products)


def _write(
    table: Table, columns: _Columns, rows: list[Guess], units: dict[str, dict[str, str]]
) -> _Findings:
    """In the order of a definition: what is of all rows, then the columns.
    `rows` are the guesses of `where` and `skip`.
    """
    form, signs = number_form(columns.measured_fields)
    measures = _measures(table, columns, form, units)
    volumes = _write_volumes(table, columns, measures)

    product = columns.products.product if columns.products else None
    keys = _keys(table, columns.entities, columns.period)
    grain = find_grain(table, keys, columns.used_names, product)

    # The period is of all rows (`period`, `timezone`) and of a column (`production_period`).
    of_period = columns.period.guesses
    of_its_column = [guess for guess in of_period if guess.key.startswith("columns.")]
    of_all_rows = [guess for guess in of_period if guess not in of_its_column]
    nulls = null_words(columns.measured_fields, form)
    of_all_rows += [*grain, *nulls, *signs, *rows]

    days_and_volumes = _days_of_owners(volumes, grain, table)
    of_columns = [*columns.entities.guesses, *of_its_column, *days_and_volumes]
    unused = _unused_names(table, columns, grain)
    return _Findings(guesses=[*of_all_rows, *of_columns], unused=unused)


def _write_volumes(table: Table, columns: _Columns, measures: Measures) -> list[Guess]:
    """With a question, where nothing looks like a volume: a definition needs one."""
    volumes = write_volumes(columns.volumes, measures)
    if columns.products:
        volumes += write_product_rows(columns.products, measures)
    names = {guess.key.removeprefix("columns.") for guess in volumes}
    if names.isdisjoint(COLUMN_OF.values()):
        volumes.append(_ask_for_volume(table, columns.used_names))
    return volumes


def _unused_names(table: Table, columns: _Columns, grain: list[Guess]) -> list[str]:
    used = columns.used_names
    for guess in grain:
        if guess.key == "primary_key":
            used |= {*guess.value}
    return [name for name in table.by_name if name not in used]


def _measures(
    table: Table, columns: _Columns, form: NumberForm, units: dict[str, dict[str, str]]
) -> Measures:
    return Measures(
        form=form,
        region=columns.entities.region,
        period=columns.period.length,
        is_mil=is_mil(tuple(table.by_name)),
        is_whole_field=columns.entities.is_whole_field,
        units=_units_of(columns.volumes, units),
    )


def _units_of(volumes: Volumes, units: dict[str, dict[str, str]]) -> dict[str, str]:
    """Of a row of units, those of the fields that are taken."""
    unit_of_field: dict[str, str] = {}
    for product, fields in volumes.fields.items():
        kind = "gas" if product == "gas" else "liquid"
        units_of_kind = units.get(kind, {})
        for field in fields:
            if field.name in units_of_kind:
                unit_of_field[field.name] = units_of_kind[field.name]

    units_of_days = units.get("days", {})
    if volumes.days and volumes.days.name in units_of_days:
        unit_of_field[volumes.days.name] = units_of_days[volumes.days.name]
    return unit_of_field


def _keys(table: Table, entities: Entities, period: Period) -> list[tuple[object, ...]]:
    """Field, well and period of each row, such as ("F1", "A-1", 2024-01-01); nothing when they
    are not known.
    """
    has_well = entities.well or entities.is_whole_field
    if not period.fields or not has_well:
        return []
    names = [name for name in (*entities.field, *entities.well) if name in table.by_name]
    columns: list[Sequence[object]] = [table.by_name[name].values for name in names]
    columns.append(period.days or [None] * table.rows)
    # From columns to rows.
    return [tuple(values[place] for values in columns) for place in range(table.rows)]


def _ask_for_volume(table: Table, taken: set[str]) -> Guess:
    numbers = [field for field in table.fields if field.is_number and field.name not in taken]
    likeliest = max(numbers, key=lambda field: bool(field.terms & VOLUME), default=None)
    name = likeliest.name if likeliest else "FIELD OF THE OIL"
    why = "no field looks like a volume of oil, gas or water: name the right ones, and their units"
    return Guess(
        key="columns.oil_production_kbd",
        value={"field": name, "unit": "..."},
        why=why,
        is_complete=False,
    )


def _days_of_owners(columns: list[Guess], grain: list[Guess], table: Table) -> list[Guess]:
    """A well that changed hands has a row of each owner, one after the other: their days add up."""
    keys = [guess.value for guess in grain if guess.key == "primary_key" and guess.is_complete]
    if not keys or not keys[0]:
        return columns
    are_owners = all(table.by_name[name].terms & _OWNERS for name in keys[0])
    if not are_owners:
        return columns

    days_key = "columns.days_on_production"
    return [_add_up(guess) if guess.key == days_key else guess for guess in columns]


def _add_up(days: Guess) -> Guess:
    why = f"{days.why}; owners come one after the other"
    return replace(days, value=days.value | {"aggregate": "sum"}, why=why)
