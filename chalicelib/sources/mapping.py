"""Which field of the source fills which column:
by a definition's rules, or by names that are alike.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from chalicelib.errors import SourceColumns
from chalicelib.store.columns import COLUMNS, KEY, VOLUMES

from .column_rules import ColumnRule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from chalicelib.settings import Settings

    from .definition import Definition

CONSTANTS = frozenset({"_file", "_sheet", "_row"})  # fields that the reader of a file knows

# Wellhead keeps its own, so the source's are no unknown fields.
OWN_FIELDS = {"created_at", "updated_at"}


def rules_of(
    fields: Collection[str], definition: Definition | None, overrides: Mapping[str, str]
) -> dict[str, ColumnRule]:
    """The rule of each column that is filled. Columns that a definition is silent of are filled by
    fields of their name; a source without fields has its own name as the one. Raises SourceColumns.
    """
    if definition is None:
        field_of = map_columns(fields, overrides)
        return {column: ColumnRule(column=column, field=name) for column, name in field_of.items()}

    known_as = names_among(fields)
    rules = {name: rule.with_names(known_as) for name, rule in definition.columns.items()}
    _refuse_absent(rules.values(), fields)
    _refuse_absent_choices(definition, fields)

    rules = _silent_rules(fields, rules, definition) | rules
    if "field_code" not in rules or (definition.columns and "field_code" not in definition.columns):
        rules["field_code"] = ColumnRule(column="field_code", value=definition.name)

    if missing := _missing(rules):
        raise SourceColumns(
            f"Nothing of the source fills {', '.join(missing)}. It has the fields: {_some(list(fields))}. Add "
            f"what is missing under [columns] in the definition of {definition.name}."
        )
    return rules


def _silent_rules(
    fields: Collection[str], rules: Mapping[str, ColumnRule], definition: Definition
) -> dict[str, ColumnRule]:
    """Of columns that the definition says nothing of, by fields that it does not use."""
    unused = [name for name in fields if name not in _fields_of(rules.values())]
    try:
        silent = match_fields(unused, {}, but=rules)
    except SourceColumns as exc:
        of_settings = "Name the right one in WELLHEAD_SOURCE_COLUMNS."
        hint = f"Name the right one under [columns] in the definition of {definition.name}."
        raise SourceColumns(exc.message.replace(of_settings, hint)) from exc
    return {name: ColumnRule(column=name, field=field) for name, field in silent.items()}


def names_among(fields: Collection[str]) -> Callable[[str], str]:
    """What a field is called that a definition names:
    headers have blanks in numbers that nobody counts.

    "Oil (bbl)" of a definition is the "Oil  (bbl)" of a file.
    """
    # The first of two that differ in blanks alone counts.
    name_by_words = {_with_single_blanks(name): name for name in reversed(list(fields))}

    def find_name(name: str) -> str:
        if name in fields:
            return name
        return name_by_words.get(_with_single_blanks(name), name)

    return find_name


def _with_single_blanks(name: str) -> str:
    return " ".join(name.split())


def _refuse_absent(rules: Iterable[ColumnRule], fields: Collection[str]) -> None:
    known = {*fields, *CONSTANTS}
    for rule in rules:
        absent = [name for name in rule.all_fields if not _is_there(name, known)]
        # The others are names of other vintages.
        if any(_is_there(name, known) for name in rule.coalesce):
            absent = [name for name in absent if name not in rule.coalesce]

        if absent and not rule.is_optional and fields:
            raise SourceColumns(
                f"The definition fills {rule.column} from {_some(absent)}, and the source has no such field. It has: "
                f"{_some(list(fields))}. Correct the name, or say optional = true where some files lack it."
            )


def _refuse_absent_choices(definition: Definition, fields: Collection[str]) -> None:
    """Where a field is not there no row would be taken, or none left out, without a word.
    A row may lack it where the definition takes an empty text, too.
    """
    known_as = names_among(fields)
    known = {*fields, *CONSTANTS}
    needed = [choice for choice in definition.where if "" not in choice.words]
    for key, choices in (("where", needed), ("skip", definition.skip)):
        names = [choice.field for choice in choices]
        absent = [name for name in names if not _is_there(known_as(name), known)]
        if absent and fields:
            raise SourceColumns(
                f"The definition chooses rows by {_some(absent)} under [{key}], and the source has no such field. It "
                f"has: {_some(list(fields))}. Correct the name."
            )


def refuse_absent_key(settings: Settings, fields: Collection[str]) -> None:
    """A row without the field that tells it from others would be taken for another one.
    Raises SourceColumns.
    """
    known_as = names_among(fields)
    named = {"primary_key": settings.source_primary_key, "order_by": (settings.source_order_by,)}
    for key, names in named.items():
        absent = [name for name in names if name and known_as(name) not in fields]
        if absent:
            raise SourceColumns(
                f"The definition names {_some(absent)} as {key}, and there is no such field. There are: "
                f"{_some(list(fields))}. Name fields that every row has."
            )


def _is_there(name: str, known: Collection[str]) -> bool:
    """By itself, or inside an object."""
    first, _, _ = name.partition("/")
    return name in known or first in known


def _fields_of(rules: Iterable[ColumnRule]) -> set[str]:
    return {name for rule in rules for name in rule.all_fields}


def _missing(filled: Collection[str]) -> list[str]:
    missing = [name for name in KEY if name not in filled]
    if not missing and not any(name in filled for name in VOLUMES):
        missing = ["any of " + ", ".join(VOLUMES)]
    return missing


def map_columns(fields: Iterable[str], overrides: Mapping[str, str]) -> dict[str, str]:
    """Which field of the source fills which column: `{column: field}`, absent columns left out.

    An override names the field exactly. Otherwise names match when they are the same but for case
    and punctuation, so that `FieldCode`, `field_code` and `_field_code` are one; among several, the
    one written as the column wins. Raises SourceColumns when a key column or every volume is
    missing, or a match is ambiguous.
    """
    present = list(dict.fromkeys(fields))
    _check_overrides(present, overrides)
    mapping = match_fields(present, overrides)
    if missing := _missing(mapping):
        raise SourceColumns(
            f"The source has no field for {', '.join(missing)}. It has: {_some(present)}. "
            "Name the right fields in WELLHEAD_SOURCE_COLUMNS."
        )
    return mapping


def match_fields(
    present: list[str], overrides: Mapping[str, str], *, but: Collection[str] = ()
) -> dict[str, str]:
    """As map_columns, whatever is missing, and but for some columns.
    Raises SourceColumns when a match is ambiguous.
    """
    fields_by_letters: dict[str, list[str]] = {}
    for field in present:
        fields_by_letters.setdefault(_letters(field), []).append(field)

    mapping: dict[str, str] = {}
    names = [column.name for column in COLUMNS if column.name not in but]
    for name in names:
        alike = fields_by_letters.get(_letters(name), [])
        match = overrides.get(name) or _matching_field(name, alike)
        if match:
            mapping[name] = match
    return mapping


def unknown_fields(fields: Iterable[str], mapping: Mapping[str, str]) -> list[str]:
    """The fields that fill no column."""
    known = {*mapping.values(), *OWN_FIELDS}
    return [name for name in fields if name not in known]


def _check_overrides(present: list[str], overrides: Mapping[str, str]) -> None:
    columns = {column.name for column in COLUMNS}
    unknown = [name for name in overrides if name not in columns]
    absent = [field for field in overrides.values() if field not in present]
    if unknown or absent:
        raise SourceColumns(
            f"WELLHEAD_SOURCE_COLUMNS names what is not there: {_some(unknown + absent)}. "
            f"The source has: {_some(present)}."
        )


def _matching_field(column: str, matches: list[str]) -> str | None:
    """Among the fields that are called like the column but for case and punctuation."""
    if column in matches:
        return column
    if len(matches) > 1:
        raise SourceColumns(
            f"The source has several fields for {column}: {_some(matches)}. "
            "Name the right one in WELLHEAD_SOURCE_COLUMNS."
        )
    return matches[0] if matches else None


@lru_cache(maxsize=4096)  # the same names page after page, file after file
def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _some(names: list[str], most: int = 30) -> str:
    """At most 30 names of at most 60 characters: they come from the source and go into an error."""
    text = ", ".join(name[:60] for name in names[:most]) or "none"
    more = len(names) - most
    if more > 0:
        text += f" and {more} more"
    return text
