"""The columns of well production: names, types, units, what is accepted, and why a row is rejected.

One row is one well, in one field, for one production period. A row is rejected, and kept with its reason,
when its key is missing or a value cannot be what its column says. What is odd but possible is imported and
counted as a warning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.errors import SourceColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BIGINT_MAX = 9_223_372_036_854_775_807


class Kind(StrEnum):
    """How a value is read. The names are the macros of well_production.sql."""

    WHOLE = "whole"
    NUMBER = "number"
    DAY = "day"
    WORDS = "words"


class Role(StrEnum):
    """Key columns identify a row, values are compared on a re-import, provenance is kept but not compared."""

    KEY = "key"
    VALUE = "value"
    PROVENANCE = "provenance"


@dataclass(frozen=True)
class Column:
    """`low` and `high` bound what is accepted (years for a day); outside of them a row is rejected."""

    name: str
    kind: Kind
    role: Role
    comment: str
    low: int = 0
    high: int = 0

    @property
    def type(self) -> str:
        return {Kind.WHOLE: "BIGINT", Kind.NUMBER: "DOUBLE", Kind.DAY: "DATE", Kind.WORDS: "VARCHAR"}[self.kind]


# A volume beyond a billion barrels (or 1,000 Tcf) a day is no measurement: the world makes 0.1 billion barrels.
_VOLUME = 1_000_000
# Drake's well, the first drilled for oil, was finished in 1859; dates such as 9999-12-31 mean "no date".
_YEARS = (1859, 2199)
# One period is a year at most; 25-hour days and corrections stay well inside.
_DAYS = 400

COLUMNS = (
    Column("field_code", Kind.WHOLE, Role.KEY, "code of the field", -BIGINT_MAX, BIGINT_MAX),
    Column("field_name", Kind.WORDS, Role.VALUE, "name of the field"),
    Column(
        "well_code",
        Kind.WHOLE,
        Role.KEY,
        "code of the well, such as a 12-digit API number",
        -BIGINT_MAX,
        BIGINT_MAX,
    ),
    Column("well_reference", Kind.WORDS, Role.VALUE, "the operator's reference of the well"),
    Column("well_name", Kind.WORDS, Role.VALUE, "name of the well"),
    Column(
        "production_period", Kind.DAY, Role.KEY, "first day of the production period, as the source writes it", *_YEARS
    ),
    Column(
        "days_on_production",
        Kind.NUMBER,
        Role.VALUE,
        "days on production in the period (days)",
        -_DAYS,
        _DAYS,
    ),
    Column(
        "oil_production_kbd",
        Kind.NUMBER,
        Role.VALUE,
        "oil rate (thousand barrels per day)",
        -_VOLUME,
        _VOLUME,
    ),
    Column(
        "gas_production_mmcfd",
        Kind.NUMBER,
        Role.VALUE,
        "gas rate (million standard cubic feet per day)",
        -_VOLUME,
        _VOLUME,
    ),
    Column(
        "liquids_production_kbd",
        Kind.NUMBER,
        Role.VALUE,
        "liquids rate, oil and condensate (thousand barrels per day)",
        -_VOLUME,
        _VOLUME,
    ),
    Column(
        "water_production_kbd",
        Kind.NUMBER,
        Role.VALUE,
        "water rate (thousand barrels per day)",
        -_VOLUME,
        _VOLUME,
    ),
    Column("data_source", Kind.WORDS, Role.PROVENANCE, "where the source has the row from"),
    Column("source_data", Kind.WORDS, Role.PROVENANCE, "the source's own remarks on the row"),
    Column("partition_0", Kind.WORDS, Role.PROVENANCE, "the source's partition"),
)
KEY = tuple(column.name for column in COLUMNS if column.role is Role.KEY)
VALUES = tuple(column.name for column in COLUMNS if column.role is Role.VALUE)
VOLUMES = ("oil_production_kbd", "gas_production_mmcfd", "liquids_production_kbd", "water_production_kbd")

REJECTION_REASONS = {
    "MISSING_KEY": "field, well and period identify a row; without one of them it cannot be told from others",
    "NOT_A_WHOLE_NUMBER": "a code must be a whole number within 64 bits",
    "NOT_A_NUMBER": "a rate or a number of days must be a finite number",
    "NOT_A_DATE": "a period must be a calendar date such as 2024-01-31, with or without a time after it",
    "NOT_TEXT": "a name must be text, not an object or a list",
    "OUT_OF_RANGE": "the value is beyond anything that can be measured",
    "UNREADABLE": "the row is not valid JSON: broken text, or one field twice",
}

WARNING_RULES = {
    "NEGATIVE_VOLUME": "a rate below zero",
    "DAYS_BEYOND_PERIOD": "more days on production than the month has",
    "FUTURE_PERIOD": "a production period that has not begun",
    "LIQUIDS_BELOW_OIL": "liquids, which include oil, below the oil rate",
    "WELL_WITH_TWO_NAMES": "a well code that comes with more than one name",
    "SOURCE_CHANGED": "the source delivered another number of rows than it had announced",
    "UNKNOWN_FIELDS": "fields of the source that no column takes; they are not stored",
    "WITHOUT_CHANGE_TIME": "no time of change that can be read; only a full import notices when such a row changes",
}


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
