"""The files that define sources: how one is read, applied and checked, and what is said of it."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from clients.api.answers import fault_lines
from clients.api.errors import ApiError, ClientError, NotFound
from clients.cli.terminal import Column

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from clients.api.answers import Source
    from clients.api.client import WellheadClient
    from clients.cli.terminal import Terminal

INVALID = "SOURCE_DEFINITION_INVALID"
CHECK_COLUMNS = [
    Column("column", lambda column: column["name"]),
    Column("field", lambda column: column["field"], is_cut=True),
    Column("unit", lambda column: column["source_unit"] or None),
    Column("as written", lambda column: column["example"], is_cut=True),
    Column("as stored", lambda column: column["stored"], is_cut=True),
]


class DefinitionUnread(ClientError):
    """The file holds no definition."""

    default_code = "DEFINITION_UNREAD"


def read_definition(file: Path) -> dict[str, Any]:
    """What the file says, with the path of a local source seen from the file's own folder.
    Raises DefinitionUnread.
    """
    try:
        text = file.read_text("utf-8")
        is_json = text.lstrip().startswith("{")
        told = json.loads(text) if is_json else tomllib.loads(text)
        values: dict[str, Any] = json.loads(json.dumps(told, default=str, allow_nan=False))
    except (OSError, ValueError, RecursionError) as exc:
        raise DefinitionUnread(f"{file} cannot be read: {exc}") from exc
    if not isinstance(values, dict):
        raise DefinitionUnread(f"{file} holds no definition.")
    url = values.get("url")
    if isinstance(url, str) and url and not urlsplit(url).scheme:
        values["url"] = str(file.resolve().parent / url)
    return values


def is_wrong(found: Mapping[str, Any]) -> bool:
    """Whether an import would not succeed."""
    return bool(
        found.get("faults") or found.get("error") or (found.get("result") or {}).get("problems")
    )


def show_check(terminal: Terminal, name: str, found: Mapping[str, Any]) -> None:
    terminal.line(f"{name}: {'an import would not succeed' if is_wrong(found) else 'in order'}")
    for line in fault_lines(found.get("faults", ())):
        terminal.line(f"  {line}")
    error = found.get("error")
    if error:
        terminal.line(f"  {error['code']}: {error['message']}")
    result = found.get("result") or {}
    for line in result.get("problems", ()):
        terminal.line((f"  {line}", "red"))
    for line in result.get("hints", ()):
        terminal.line((f"  {line}", "yellow"))
    if result:
        terminal.rows(CHECK_COLUMNS, [column for column in result["columns"] if column["field"]])
        terminal.facts(
            [("period", result["period"] or None), ("rows looked at", result["rows_looked_at"])]
        )


def check_file(wellhead: WellheadClient, file: Path) -> Mapping[str, Any]:
    """With `faults` where the definition has some."""
    try:
        return wellhead.check_source(read_definition(file))
    except ApiError as error:
        if error.code != INVALID:
            raise
        return {"faults": error.details.get("faults", [])}


def apply_file(wellhead: WellheadClient, file: Path) -> Source:
    """Raises ApiError, DefinitionUnread."""
    values = read_definition(file)
    name = str(values.get("name") or file.stem)
    try:
        version = wellhead.source(name)["version"]
    except NotFound:
        version = None
    return wellhead.put_source(name, values, version=version)


def show_outcomes(terminal: Terminal, applied: list[dict[str, Any]]) -> None:
    if terminal.wants_json:
        terminal.json([_as_json(each) for each in applied])
        return
    for each in applied:
        if "source" in each:
            source = each["source"]
            terminal.line(f"{each['file']}: {source['name']} has version {source['version']}")
        else:
            terminal.note(f"{each['file']}: {each['error'].message}", "red")
            for line in fault_lines(each["error"].details.get("faults", ())):
                terminal.note(f"  {line}")


def _as_json(applied: dict[str, Any]) -> dict[str, Any]:
    error = applied.get("error")
    if error is None:
        return applied
    return {
        "file": applied["file"],
        "error": {
            "code": error.code,
            "message": error.message,
            "details": error.details,
        },
    }
