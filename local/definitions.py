"""The definition of what `SOURCE=` names:
one that somebody wrote, or one made for files, an address or a preset.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chalicelib.sources.presets import PresetUnknown, find_preset

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILES = (
    ".csv",
    ".tsv",
    ".txt",
    ".xlsx",
    ".xls",
    ".parquet",
    ".json",
    ".ndjson",
    ".jsonl",
    ".gz",
    ".zip",
)
OWN_UNITS = {
    "days_on_production": "day",
    "oil_production_kbd": "Mbbl/d",
    "gas_production_mmcfd": "MMcf/d",
    "liquids_production_kbd": "Mbbl/d",
    "water_production_kbd": "Mbbl/d",
}
"""In which a field holds what a column does, where WELLHEAD_SOURCE_COLUMNS names it."""
DEFAULT_NAME = "default"


class DefinitionUnreadable(Exception):
    """The sentence says which file or preset, and why."""


def is_definition(text: str) -> bool:
    return text.lower().endswith(".toml")


def is_of_files(address: str, preset: str) -> bool:
    """Whether files lie there, and not an OData service."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https"):
        return True
    of_preset = _preset(preset).get("kind") if preset else None
    return of_preset == "files" or parts.path.lower().endswith(FILES)


def written_definition(path: Path) -> dict[str, Any]:
    """As somebody wrote it; a path in it is one from its own directory.
    Raises DefinitionUnreadable.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise DefinitionUnreadable(f"{path} is no definition of a source: {exc}.") from exc
    url = values.get("url")
    if isinstance(url, str) and url and "://" not in url:
        values["url"] = str((path.parent / url).resolve())
    return {"name": path.stem} | values


def made_definition(address: str, preset: str, user: Mapping[str, str]) -> dict[str, Any]:
    """Of files or of an address with a preset, with what the variables WELLHEAD_SOURCE_* say.
    Raises DefinitionUnreadable.
    """
    values: dict[str, Any] = {
        "name": preset or user.get("WELLHEAD_SOURCE_NAME") or DEFAULT_NAME,
        "url": address,
    }
    values["kind"] = "files" if is_of_files(address, preset) else "odata"
    if preset:
        return values | {"preset": preset}
    columns = _columns(user.get("WELLHEAD_SOURCE_COLUMNS", ""))
    if columns:
        values["columns"] = columns
    for name in ("period", "rows", "order_by"):
        told = user.get(f"WELLHEAD_SOURCE_{name.upper()}")
        if told:
            values[name] = told
    key = user.get("WELLHEAD_SOURCE_PRIMARY_KEY")
    if key:
        values["primary_key"] = [name.strip() for name in key.split(",") if name.strip()]
    return values


def _preset(name: str) -> dict[str, Any]:
    try:
        return find_preset(name)
    except PresetUnknown as exc:
        raise DefinitionUnreadable(f"There is no preset {name}: {exc}.") from exc


def _columns(text: str) -> dict[str, Any]:
    """Of WELLHEAD_SOURCE_COLUMNS; a number is in the column's own unit."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    columns = {column.strip(): field.strip() for column, _, field in pairs}
    return {
        column: {"field": field, "unit": OWN_UNITS[column]} if column in OWN_UNITS else field
        for column, field in columns.items()
    }
