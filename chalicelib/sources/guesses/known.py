"""Known: presets whose fields are all there, so that the draft is the preset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.definition import Definition, definition_of
from chalicelib.sources.mapping import CONSTANTS

from .dates import reader_of
from .look import MOST_ROWS, USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .look import Look

LEAST = 4  # fields that make a header one of its own


@dataclass(frozen=True, kw_only=True)
class KnownSource:
    """A preset that fits: `why` says how it was known."""

    name: str
    why: str
    verified: bool


def known_source(
    look: Look, kind: str, presets: Mapping[str, Mapping[str, Any]]
) -> KnownSource | None:
    """The one with the most fields."""
    best: KnownSource | None = None
    most_fields = 0
    for name, values in presets.items():
        definition = _read(values)
        if definition is None or definition.kind != kind:
            continue

        if fields := _fields(definition, look.fields):
            count = len(fields)
            why = f"all {count} fields of the preset are there"
        elif _fits_without_header(definition, look):
            count = LEAST
            why = (
                f"{len(look.fields)} columns without a header, with what the preset expects in them"
            )
        else:
            continue

        if count > most_fields:
            most_fields = count
            best = KnownSource(name=name, why=why, verified=values.get("verified") is True)
    return best


def _read(values: Mapping[str, Any]) -> Definition | None:
    try:
        return definition_of(values)
    except DefinitionInvalid:
        return None


def _fields(definition: Definition, present: tuple[str, ...]) -> set[str]:
    """All that it needs, when they are there; else nothing."""
    here = set(present)
    made: set[str] = set()  # by turning columns into rows: no file has them
    needed: set[str] = set()
    if definition.unpivot:
        pattern = re.compile(definition.unpivot.fields)
        months = {name for name in here if pattern.fullmatch(name)}
        if not months:
            return set()
        made = {*pattern.groupindex, definition.unpivot.value}
        needed |= months

    for rule in definition.columns.values():
        if rule.is_optional:
            continue
        if rule.coalesce:  # one of them is enough
            needed |= set(rule.coalesce) & here or set(rule.coalesce)
        else:
            needed |= set(rule.all_fields)

    # A choice of the empty word holds of a row without the field too.
    choices = (*definition.where, *definition.skip)
    needed |= {choice.field for choice in choices if "" not in choice.words}
    needed |= set(definition.primary_key)
    if definition.order_by:
        needed.add(definition.order_by)

    needed -= made | CONSTANTS
    fits = len(needed) >= LEAST and needed <= here
    return needed if fits else set()


def _fits_without_header(definition: Definition, look: Look) -> bool:
    """As many columns as the preset names, and months where it has them."""
    names = definition.file.fields
    rule = definition.columns.get("production_period")
    if not names or len(names) != len(look.fields):
        return False
    if rule is None or rule.field not in names or not rule.formats:
        return False

    rows = look.rows[:MOST_ROWS]
    column_of = dict(zip(names, look.fields, strict=True))
    column = column_of[rule.field]
    values = [row.get(column) for row in rows]
    texts = [value.strip() for value in values if isinstance(value, str)]

    months = sum(_has_form(text, rule.formats) for text in texts)
    has_months = bool(texts) and months >= USUAL * len(rows)
    return has_months and _is_meant(definition, rows, column_of)


def _has_form(text: str, forms: tuple[str, ...]) -> bool:
    return any(reader_of(form)(text) for form in forms)


def _is_meant(
    definition: Definition, rows: list[dict[str, str | None]], column_of: dict[str, str]
) -> bool:
    """Its `where` takes nearly all rows."""
    choices = [choice for choice in definition.where if choice.words]

    def is_taken(row: dict[str, str | None]) -> bool:
        for choice in choices:
            column = column_of.get(choice.field, "")
            text = (row.get(column) or "").strip()
            if text not in choice.words:
                return False
        return True

    taken = sum(map(is_taken, rows))
    return taken >= USUAL * len(rows)
