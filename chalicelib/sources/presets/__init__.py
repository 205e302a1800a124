"""Presets: mappings of public sources that ship with Wellhead, a TOML file each."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

_PLACE = Path(__file__).parent
ABOUT = ("title", "publisher", "address", "verified", "checked_against", "assumed")


class PresetUnknown(LookupError):
    """The sentence says which there are."""


def preset_names() -> list[str]:
    files = _PLACE.glob("*.toml")
    return sorted(file.stem for file in files)


def find_preset(name: Any) -> dict[str, Any]:
    """Its keys. Raises PresetUnknown."""
    if (
        not isinstance(name, str)
        or not re.fullmatch(r"[a-z0-9-]{1,40}", name)
        or name not in preset_names()
    ):
        near = get_close_matches(name[:100] if isinstance(name, str) else "", preset_names(), n=1)
        instead = near[0] if near else "one of " + ", ".join(preset_names())
        raise PresetUnknown(instead)
    return dict(_read(name))


def all_presets() -> list[dict[str, Any]]:
    """By name: what each tells of itself, and its mapping."""
    presets = {name: find_preset(name) for name in preset_names()}
    return [{"name": name} | _about(preset) for name, preset in presets.items()]


def _about(preset: dict[str, Any]) -> dict[str, Any]:
    about = {name: preset.get(name) for name in ABOUT}
    return about | {
        "definition": {name: value for name, value in preset.items() if name not in ABOUT}
    }


@cache
def _read(name: str) -> dict[str, Any]:
    file = _PLACE / f"{name}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
