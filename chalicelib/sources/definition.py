"""Definition: what a source is, as somebody wrote it down, in TOML or as the same in JSON.

It is read whole, and every fault is named at once. docs/sources.md explains each key.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalicelib.files.form import FileForm
from chalicelib.jobs.cron import CronInvalid, check_cron

from .choices import Choice, read_choices
from .column_rules import ColumnRule, read_columns, read_zone
from .faults import Faults, describe
from .file_form import Unpivot, read_file_form, read_unpivot
from .merging import merge_definitions
from .presets import PresetUnknown, find_preset

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 64 << 10  # bytes
# In a line. tomllib takes seconds for a key of many thousand parts.
MOST_DOTS = 1_000
MOST_PRESETS = 4  # one upon the other
LONGEST_SCHEDULE = 200  # characters
PAUSE_AFTER = 5  # imports that fail one after the other
MOST_FAILURES = 100
SECONDS = {"min": 60.0, "h": 3600.0, "d": 86_400.0}
NAME = re.compile(r"[a-z0-9-]{1,40}")
PERIODS = ("day", "month", "quarter", "year")
TOP = (
    *(
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
    ),
    *(
        "primary_key",
        "order_by",
        "across_files",
        "missing",
        "increment",
        "where",
        "skip",
        "null_values",
    ),
    *(
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
    ),
)
Presets = Callable[[Any], dict[str, Any]]
# Told, and of no effect.
OF_PRESETS = ("title", "publisher", "address", "verified", "checked_against", "assumed")
GATE = ("rejected", "nulled", "withdrawn", "restated", "skipped")
ODATA = (
    *(
        "page_size",
        "paging",
        "headers",
        "filter",
        "expand",
        "page_seconds",
        "page_mb",
        "max_pages",
        "seconds",
    ),
    *(
        "connections",
        "rps",
        "retries",
        "overlap_seconds",
        "aliases",
        "auth",
        "key_header",
        "token_url",
        "scope",
    ),
)
_SECRET = re.compile(
    r"(ssm:/[A-Za-z0-9_./-]{1,500}|secretsmanager:[A-Za-z0-9_/+=.@:-]{1,500}|env:[A-Za-z_][A-Za-z0-9_]{0,100})"
)
_SPAN = re.compile(r"([1-9][0-9]{0,5}) ?(min|h|d)")
_SHARE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})? ?%")


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
        silent = {
            "schedule",
            "secret",
            "gate",
            "expect",
            "default",
            "adopts",
            "missing",
            "odata",
            *OF_PRESETS,
        }
        silent |= {"fresh_for", "pause_after"}
        return json.dumps(
            {name: value for name, value in self.values.items() if name not in silent},
            sort_keys=True,
        )


def read_definition(text: str, *, presets: Presets = find_preset) -> Definition:
    """Of TOML, or of JSON when it begins with a brace; dates of TOML are text.
    Raises DefinitionInvalid.
    """
    faults = Faults()
    if len(text.encode(errors="surrogatepass")) > LONGEST:
        faults.add("", f"is longer than {LONGEST >> 10} KB", "a shorter definition")
        faults.raise_any()
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else _read_toml(text)
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
    table = faults.table("", whole, (*TOP, *OF_PRESETS))
    found = {
        _RENAMED.get(name, name): read(faults, name, table[name])
        for name, read in _READERS.items()
        if name in table
    }
    definition = Definition(values=table, **found)
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
    return merge_definitions(_with_preset(faults, preset, presets, (*seen, name)), values)


# -- key by key ---------------------------------------------------------------------------------


def _name(faults: Faults, key: str, value: Any) -> str:
    name = faults.text(key, value, "default")
    if not NAME.fullmatch(name):
        faults.add(key, f"is {describe(name)}", "1 to 40 small letters, digits and hyphens")
    return name


def _secret(faults: Faults, key: str, value: Any) -> str:
    secret = faults.text(key, value)
    if secret and not _SECRET.fullmatch(secret):
        faults.add(
            key,
            "is no reference, and a secret itself must never stand here",
            "ssm:/path, secretsmanager:name or env:NAME",
        )
        return ""
    return secret


def _schedule(faults: Faults, key: str, value: Any) -> str:
    text = faults.text(key, value)
    if len(text) > LONGEST_SCHEDULE:
        faults.add(key, "is too long", "five fields of cron")
        return ""
    if not text.strip():
        return ""
    try:
        check_cron(text)
    except CronInvalid as exc:
        faults.add(key, f"is {describe(text)}, {exc.problem}", exc.instead)
        return ""
    return text


def _span(faults: Faults, key: str, value: Any) -> str:
    text = faults.text(key, value)
    if text and not _SPAN.fullmatch(text):
        faults.add(
            key,
            f"is {describe(text)}",
            'a time such as "26 h", "3 d" or "90 min", or an empty text',
        )
        return ""
    return text


def seconds_of(span: str) -> float:
    """Of what was read as a time."""
    number, unit = re.split(r" ?(?=[a-z])", span, maxsplit=1)
    seconds = SECONDS[unit]
    return int(number) * seconds


def _url(faults: Faults, key: str, value: Any) -> str:
    url = faults.filled_text(key, value)
    try:
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            faults.add(key, "holds a user name or a password", "a reference to it in secret")
            return ""
    except ValueError:
        faults.add(
            key, "is no address", "an address such as https://data.example.org/odata/Production"
        )
        return ""
    if re.search(r"[\x00-\x1f]", url):  # which urlsplit leaves out
        faults.add(key, "has a line break or a tab", "the address in one line")
        return ""
    return url


def _words(faults: Faults, key: str, value: Any) -> tuple[str, ...]:
    return faults.texts(key, value)


def _gate(faults: Faults, key: str, value: Any) -> dict[str, Any]:
    table = faults.table(key, value, GATE)
    for name, bound in table.items():
        if name == "restated":
            if not _is_factor(bound):
                faults.add(f"{key}.restated", f"is {describe(bound)}", "a factor such as 2.0")
        elif not _is_share(bound):
            faults.add(f"{key}.{name}", f"is {describe(bound)}", 'a share such as "5 %"')
    return table


def _is_factor(bound: Any) -> bool:
    is_number = isinstance(bound, int | float) and not isinstance(bound, bool)
    return is_number and 1 <= bound <= 1e6  # noqa: PLR2004


def _is_share(bound: Any) -> bool:
    if not isinstance(bound, str) or not _SHARE.fullmatch(bound):
        return False
    return float(bound.rstrip(" %")) <= 100  # noqa: PLR2004


def _odata(faults: Faults, key: str, value: Any) -> dict[str, Any]:
    return faults.table(key, value, ODATA)


def _expect(faults: Faults, key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return dict(value)
    return faults.table(key, value, ())


def _one_of(*allowed: str) -> Any:
    return lambda faults, key, value: faults.choice(key, value, allowed)


_RENAMED = {"default": "is_default"}
_READERS: dict[str, Any] = {
    "name": _name,
    "default": lambda faults, key, value: faults.flag(key, value),
    "adopts": _name,
    "kind": _one_of("odata", "files"),
    "url": _url,
    "secret": _secret,
    "schedule": _schedule,
    "timezone": read_zone,
    "fresh_for": _span,
    "pause_after": lambda faults, key, value: faults.whole(key, value, 1, MOST_FAILURES),
    "preset": lambda faults, key, value: faults.text(key, value),
    "period": _one_of(*PERIODS),
    "rows": _one_of("one", "sum"),
    "primary_key": lambda faults, key, value: faults.fields(key, value),
    "order_by": lambda faults, key, value: faults.text(key, value),
    "across_files": _one_of("replace", "sum"),
    "missing": _one_of("keep", "withdraw"),
    "increment": lambda faults, key, value: faults.text(key, value),
    "where": read_choices,
    "skip": read_choices,
    "null_values": _words,
    "decimal": _one_of(".", ","),
    "thousands": _one_of("", ",", ".", " ", "'"),
    "columns": read_columns,
    "file": read_file_form,
    "unpivot": read_unpivot,
    "odata": _odata,
    "gate": _gate,
    "expect": _expect,
}


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
