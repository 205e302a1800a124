"""Applying: the stack gives its API the definition of what it was started for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from clients.api.answers import fault_lines
from clients.api.errors import ApiError, NotFound

from .definitions import DEFAULT_NAME, DefinitionUnreadable, written_definition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from clients.api.client import WellheadClient


class DefinitionRefused(Exception):
    """The sentence tells every fault."""


def apply_definition(values: Mapping[str, Any] | None, wellhead: WellheadClient) -> None:
    """Put it, in place of what stands under its name. Without one, a file that an earlier stack was
    started for is the default source no longer. Raises DefinitionRefused.
    """
    if values is None:
        if _is_defined(wellhead, DEFAULT_NAME):
            wellhead.delete_source(DEFAULT_NAME)
        return
    name = str(values.get("name"))
    definition = json.loads(json.dumps(values, default=str))  # TOML has days, and JSON has none
    version = "*" if _is_defined(wellhead, name) else None
    try:
        wellhead.put_source(name, definition, version=version)
    except ApiError as exc:
        raise DefinitionRefused(_text_of(exc)) from exc


def apply_directory(directory: Path, wellhead: WellheadClient) -> list[str]:
    """Put each definition there, `*.toml`. What became of them, a line or more for each:
    one that has faults keeps no other from being applied.
    """
    files = sorted(directory.glob("*.toml"))
    return [_apply_file(file, wellhead) for file in files]


def _apply_file(file: Path, wellhead: WellheadClient) -> str:
    try:
        values = written_definition(file)
        apply_definition(values, wellhead)
    except (DefinitionRefused, DefinitionUnreadable) as exc:
        return f"{file} is not applied. {exc}"
    return f"{file} is applied, as the source {values['name']}."


def _is_defined(wellhead: WellheadClient, name: str) -> bool:
    try:
        return not wellhead.source(name)["is_of_settings"]
    except NotFound:
        return False


def _text_of(error: ApiError) -> str:
    faults = error.details.get("faults", ())
    lines = fault_lines(faults)
    return "\n  ".join([error.message, *lines])
