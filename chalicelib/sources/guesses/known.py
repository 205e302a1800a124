"""Known: presets whose fields are all there, so that the draft is the preset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.definition import Definition, definition_of

from .dates import reader_of
from .look import MOST_ROWS, USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .look import Look

OF_READER = frozenset({"_file", "_sheet", "_row"})  # the reader of a file knows these fields
LEAST = 4  # fields that make a header one of its own


@dataclass(frozen=True, kw_only=True)
class KnownSource:
    """A preset that fits: `why` says how it was known."""

    name: str
    why: str
    verified: bool


def known_source(look: Look, kind: str, presets: Mapping[str, Mapping[str, Any]]) -> KnownSource | None:
    """The one with the most fields."""
    found: list[tuple[int, KnownSource]] = []
    for name, values in presets.items():
        definition = _read(values)
        if definition is None or definition.kind != kind:
            continue
        if fields := _fields(definition, look.fields):
            verified = values.get("verified") is True
            why = f"all {len(fields)} fields of the preset are there"
            found.append((len(fields), KnownSource(name=name, why=why, verified=verified)))
        elif _fits_without_header(definition, look):
            why = f"{len(look.fields)} columns without a header, with what the preset expects in them"
            found.append((LEAST, KnownSource(name=name, why=why, verified=values.get("verified") is True)))
    return max(found, key=lambda each: each[0], default=(0, None))[1]


def _read(values: Mapping[str, Any]) -> Definition | None:
    try:
        return definition_of(values)
    except DefinitionInvalid:
        return None


def _fields(definition: Definition, present: tuple[str, ...]) -> set[str]:
    """All that it needs, when they are there; else nothing."""
    here = set(present)
    made: set[str] = set()
    needed: set[str] = set()
    if definition.unpivot:
        pattern = re.compile(definition.unpivot.fields)
        turned = {name for name in here if pattern.fullmatch(name)}
        made = {*pattern.groupindex, definition.unpivot.value}
        needed |= turned
        if not turned:
            return set()
    for rule in definition.columns.values():
        if rule.is_optional:
            continue
        if rule.coalesce:
            needed |= set(rule.coalesce) & here or set(rule.coalesce)
        else:
            needed |= set(rule.all_fields)
    choices = [choice.field for choice in (*definition.where, *definition.skip) if "" not in choice.words]
    needed |= {*choices, *definition.primary_key, *filter(None, [definition.order_by])}
    needed -= made | OF_READER
    return needed if len(needed) >= LEAST and needed <= here else set()


def _fits_without_header(definition: Definition, look: Look) -> bool:
    """As many columns as the preset names, and months where it has them."""
    names = definition.file.fields
    rule = definition.columns.get("production_period")
    if not names or len(names) != len(look.fields) or rule is None or rule.field not in names or not rule.formats:
        return False
    at = dict(zip(names, look.fields, strict=True))
    texts = [text.strip() for row in look.rows[:MOST_ROWS] if isinstance(text := row.get(at[rule.field]), str)]
    months = sum(any(reader_of(form)(text) for form in rule.formats) for text in texts)
    return bool(texts) and months >= USUAL * len(look.rows[:MOST_ROWS]) and _is_meant(definition, look, at)


def _is_meant(definition: Definition, look: Look, at: dict[str, str]) -> bool:
    """Its `where` takes nearly all rows."""
    taken = 0
    for row in look.rows[:MOST_ROWS]:
        texts = [(choice, (row.get(at.get(choice.field, "")) or "").strip()) for choice in definition.where]
        taken += all(text in choice.words for choice, text in texts if choice.words)
    return taken >= USUAL * len(look.rows[:MOST_ROWS])
