"""Presets: mappings of public sources that ship with Wellhead, a TOML file each."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

_PLACE = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9-]{1,40}")
# What a preset tells of itself, which has no effect; the rest is its mapping.
ABOUT = ("title", "publisher", "address", "verified", "checked_against", "assumed")


class PresetUnknown(LookupError):
    """The sentence says which there are."""


def preset_names() -> list[str]:
    files = _PLACE.glob("*.toml")
    return sorted(file.stem for file in files)


def find_preset(name: Any) -> dict[str, Any]:
    """Its keys. Raises PresetUnknown."""
    if isinstance(name, str) and _NAME.fullmatch(name) and name in preset_names():
        return dict(_read(name))

    beginning = name[:100] if isinstance(name, str) else ""
    near = get_close_matches(beginning, preset_names(), n=1)
    instead = near[0] if near else "one of " + ", ".join(preset_names())
    raise PresetUnknown(instead)


def all_presets() -> list[dict[str, Any]]:
    """By name: what each tells of itself, and its mapping."""
    presets = {name: find_preset(name) for name in preset_names()}
    return [{"name": name} | _about(preset) for name, preset in presets.items()]


def _about(preset: dict[str, Any]) -> dict[str, Any]:
    about = {name: preset.get(name) for name in ABOUT}
    definition = {name: value for name, value in preset.items() if name not in ABOUT}
    return about | {"definition": definition}


@cache
def _read(name: str) -> dict[str, Any]:
    file = _PLACE / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
