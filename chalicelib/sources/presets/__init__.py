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
    return sorted(path.stem for path in _PLACE.glob("*.toml"))


def preset_named(name: Any) -> dict[str, Any]:
    """Its keys. Raises PresetUnknown."""
    if (
        not isinstance(name, str)
        or not re.fullmatch(r"[a-z0-9-]{1,40}", name)
        or name not in preset_names()
    ):
        near = get_close_matches(name[:100] if isinstance(name, str) else "", preset_names(), n=1)
        raise PresetUnknown(near[0] if near else "one of " + ", ".join(preset_names()))
    return dict(_read(name))


def all_presets() -> list[dict[str, Any]]:
    """By name: what each tells of itself, and its mapping."""
    return [{"name": name} | _about(preset_named(name)) for name in preset_names()]


def _about(preset: dict[str, Any]) -> dict[str, Any]:
    about = {name: preset.get(name) for name in ABOUT}
    return about | {
        "definition": {name: value for name, value in preset.items() if name not in ABOUT}
    }


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_PLACE / f"{name}.toml").read_text(encoding="utf-8"))
