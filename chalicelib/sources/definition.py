"""Definition: what a source is, as somebody wrote it down, in TOML or as the same in JSON.

It is read whole, and every fault is named at once. docs/sources.md explains each key.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalicelib.files.form import FileForm

from .definition_keys import READERS, RENAMED
from .faults import Faults, describe
from .merging import merge_definitions
from .presets import ABOUT, PresetUnknown, find_preset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .choices import Choice
    from .column_rules import ColumnRule
    from .file_form import Unpivot

LONGEST = 64 << 10  # bytes
# In a line. tomllib takes seconds for a key of many thousand parts.
MOST_DOTS = 1_000
MOST_PRESETS = 4  # one upon the other
PAUSE_AFTER = 5  # imports that fail one after the other
TOP = (
    "name",
    "default",
    "adopts",
    "kind",
    "url",
    "secret",
    "schedule",
    "timezone",
    "preset",
    "period",
    "rows",
    "primary_key",
    "order_by",
    "across_files",
    "missing",
    "increment",
    "where",
    "skip",
    "null_values",
    "fresh_for",
    "pause_after",
    "decimal",
    "thousands",
    "columns",
    "file",
    "unpivot",
    "odata",
    "gate",
    "expect",
)
# What tells when and whether to import, and not what the rows are.
_NO_MEANING = {
    "schedule",
    "secret",
    "gate",
    "expect",
    "default",
    "adopts",
    "missing",
    "odata",
    "fresh_for",
    "pause_after",
    *ABOUT,
}
Presets = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """`values` is what was written, with the preset's keys under it."""

    values: Mapping[str, Any] = field(repr=False)
    name: str = "default"
    is_default: bool = False
    adopts: str = ""
    kind: str = "odata"
    url: str = ""
    secret: str = ""
    schedule: str = ""
    timezone: str = ""
    fresh_for: str = ""
    pause_after: int = PAUSE_AFTER
    preset: str = ""
    period: str = "month"
    rows: str = "one"
    primary_key: tuple[str, ...] = ()
    order_by: str = ""
    across_files: str = "replace"
    missing: str = "keep"
    increment: str = ""
    where: tuple[Choice, ...] = ()
    skip: tuple[Choice, ...] = ()
    null_values: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    columns: Mapping[str, ColumnRule] = field(default_factory=dict)
    file: FileForm = field(default_factory=FileForm)
    unpivot: Unpivot | None = None
    odata: Mapping[str, Any] = field(default_factory=dict)
    gate: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON takes it; definition_of reads it again."""
        return dict(self.values)

    @property
    def aggregate(self) -> str:
        """Of the days of rows that are added: "max", or "sum" when one came after the other."""
        days = self.columns.get("days_on_production")
        return days.aggregate if days else "max"

    @property
    def meaning(self) -> str:
        """What its rows hang on, as one text:
        rows that were read with another one are not put together with them.
        """
        meant = {name: value for name, value in self.values.items() if name not in _NO_MEANING}
        return json.dumps(meant, sort_keys=True)


def read_definition(text: str, *, presets: Presets = find_preset) -> Definition:
    """Of TOML, or of JSON when it begins with a brace; dates of TOML are text.
    Raises DefinitionInvalid.
    """
    faults = Faults()
    if len(text.encode(errors="surrogatepass")) > LONGEST:
        faults.add("", f"is longer than {LONGEST >> 10} KB", "a shorter definition")
        faults.raise_any()

    is_json = text.lstrip().startswith("{")
    try:
        document = json.loads(text) if is_json else _read_toml(text)
        values = json.loads(json.dumps(document, default=str, allow_nan=False))
    except (ValueError, RecursionError) as exc:
        faults.add("", f"cannot be read: {str(exc)[:200]}", "TOML, or JSON")
        faults.raise_any()
        raise
    return definition_of(values, presets=presets)


def _read_toml(text: str) -> dict[str, Any]:
    """Raises ValueError."""
    if any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise ValueError(f"a line has more than {MOST_DOTS:,} dots")
    return tomllib.loads(text)


def definition_of(values: Mapping[str, Any], *, presets: Presets = find_preset) -> Definition:
    """`presets` gives the keys of one, or raises PresetUnknown.
    Raises DefinitionInvalid, which lists every fault.
    """
    faults = Faults()
    whole = _with_preset(faults, dict(values), presets) if isinstance(values, dict) else values
    table = faults.table("", whole, (*TOP, *ABOUT))
    facts = {
        RENAMED.get(name, name): read(faults, name, table[name])
        for name, read in READERS.items()
        if name in table
    }
    definition = Definition(values=table, **facts)

    _check_address(faults, definition, table)
    _check_grain(faults, definition)
    faults.raise_any()
    return definition


# -- presets ------------------------------------------------------------------------------------


def _with_preset(
    faults: Faults, values: dict[str, Any], presets: Presets, seen: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The preset's keys, and over them those of the definition:
    tables are merged, all else replaces.
    """
    if "preset" not in values:
        return values

    name = values["preset"]
    if name in seen or len(seen) >= MOST_PRESETS:
        faults.add("preset", f"leads back to {describe(name)}", "a preset that does not")
        return values
    try:
        preset = presets(name)
    except PresetUnknown as exc:
        faults.add("preset", f"is {describe(name)}, which does not exist", str(exc))
        return values

    whole_preset = _with_preset(faults, preset, presets, (*seen, name))
    return merge_definitions(whole_preset, values)


# -- what must agree ----------------------------------------------------------------------------


def _check_address(faults: Faults, definition: Definition, table: Mapping[str, Any]) -> None:
    if "url" not in table:
        return  # a preset by itself, or one that the caller gives an address

    scheme = urlsplit(definition.url).scheme if definition.url else ""
    if definition.kind == "odata" and definition.url and scheme not in ("http", "https"):
        faults.add(
            "url", f"is {describe(definition.url)}", 'an http or https address, or kind = "files"'
        )
    if definition.kind == "odata" and "file" in table:
        faults.add("file", "is of files", 'kind = "files"')
    if definition.kind == "odata" and "unpivot" in table:
        faults.add("unpivot", "is of files", 'kind = "files"')
    if definition.kind == "files" and "odata" in table:
        faults.add("odata", "is of an OData service", 'kind = "odata"')


def _check_grain(faults: Faults, definition: Definition) -> None:
    if definition.decimal == definition.thousands:
        faults.add("thousands", "is the decimal sign too", "another sign, or none")

    if definition.rows == "sum" and not definition.primary_key and definition.kind == "files":
        faults.add(
            "primary_key",
            "is missing: a row that comes twice would be added twice",
            "the fields that tell a row from another of its well and period",
        )
    if definition.rows == "sum" and definition.increment:
        faults.add(
            "increment",
            "brings some rows of a key, and their sum would replace that of all",
            'no increment, or rows = "one"',
        )

    rule = definition.columns.get("production_period")
    parts = dict(rule.parts) if rule else {}
    if definition.period in ("month", "day") and parts and not {"month"} & parts.keys():
        faults.add(
            "columns.production_period",
            f"has no month, and the period is a {definition.period}",
            "a month, or another period",
        )
    if definition.period == "quarter" and parts and not {"month", "quarter"} & parts.keys():
        faults.add(
            "columns.production_period", "has no quarter, and the period is one", "a quarter"
        )
