"""PeriodRule: in which field and which form the period of a row stands, as a definition says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .choices import read_constant, read_pattern
from .faults import LARGEST_TOLD, describe
from .periods import FormatUnknown, find_zone, format_parts

if TYPE_CHECKING:
    from .faults import Faults

PARTS = ("year", "month", "quarter", "day")


@dataclass(frozen=True, kw_only=True)
class Part:
    """A year, month, quarter or day by itself: a field of the source, or a constant."""

    field: str = ""
    value: str = ""
    pattern: str = ""


def read_period(faults: Faults, key: str, table: dict[str, Any]) -> dict[str, Any]:
    """As ColumnRule has it: `formats`, `timezone` and `parts`, where the table has them."""
    facts: dict[str, Any] = {}
    if "format" in table:
        texts = faults.texts(f"{key}.format", table["format"])
        facts["formats"] = tuple(_format(faults, f"{key}.format", text) for text in texts)
        if table["format"] == []:
            faults.add(f"{key}.format", "names no form", "a form such as %Y-%m, or no format")
    if "timezone" in table:
        facts["timezone"] = read_zone(faults, f"{key}.timezone", table["timezone"])

    names = [name for name in PARTS if name in table]
    if names:
        parts = [(name, _part(faults, f"{key}.{name}", table[name])) for name in names]
        facts["parts"] = tuple(parts)
        _check_parts(faults, key, names, has_format="format" in table)
    return facts


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
        constant = read_constant(faults, f"{key}.value", table["value"])
    return Part(field=field, value=constant, pattern=pattern)
