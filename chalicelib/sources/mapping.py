"""Which field of the source fills which column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.errors import SourceColumns
from chalicelib.store.columns import COLUMNS, KEY, VOLUMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWN_FIELDS = {"created_at", "updated_at"}  # Wellhead keeps its own, so the source's are no unknown fields


def map_columns(fields: Iterable[str], overrides: Mapping[str, str]) -> dict[str, str]:
    """Which field of the source fills which column: `{column: field}`, absent columns left out.

    An override names the field exactly. Otherwise names match when they are the same but for case and
    punctuation, so that `FieldCode`, `field_code` and `_field_code` are one; among several, the one written
    as the column wins. Raises SourceColumns when a key column or every volume is missing, or a match is
    ambiguous.
    """
    present = list(dict.fromkeys(fields))
    _check_overrides(present, overrides)
    mapping = match_fields(present, overrides)
    missing = [name for name in KEY if name not in mapping]
    if not missing and not any(name in mapping for name in VOLUMES):
        missing = ["any of " + ", ".join(VOLUMES)]
    if missing:
        raise SourceColumns(
            f"The source has no field for {', '.join(missing)}. It has: {_some(present)}. "
            "Name the right fields in WELLHEAD_SOURCE_COLUMNS."
        )
    return mapping


def match_fields(present: list[str], overrides: Mapping[str, str]) -> dict[str, str]:
    """As map_columns, whatever is missing. Raises SourceColumns when a match is ambiguous."""
    plain: dict[str, list[str]] = {}
    for field in present:
        plain.setdefault(_plain(field), []).append(field)
    matches = {
        column.name: overrides.get(column.name) or _matching_field(column.name, plain.get(_plain(column.name), []))
        for column in COLUMNS
    }
    return {column: field for column, field in matches.items() if field}


def unknown_fields(fields: Iterable[str], mapping: Mapping[str, str]) -> list[str]:
    """The fields that fill no column."""
    known = {*mapping.values(), *OWN_FIELDS}
    return [name for name in fields if name not in known]


def _check_overrides(present: list[str], overrides: Mapping[str, str]) -> None:
    unknown = [name for name in overrides if name not in {column.name for column in COLUMNS}]
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


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _some(names: list[str], most: int = 30) -> str:
    """At most 30 names of at most 60 characters: they come from the source and go into an error."""
    shown = ", ".join(name[:60] for name in names[:most]) or "none"
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
