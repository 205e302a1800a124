"""Applying: the stack gives its API the definition of what it was started for."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .definitions import DEFAULT_NAME, DefinitionUnreadable, written_definition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SOURCES = "/api/v1/sources/"
FOUND = 200
SECONDS = 30


class DefinitionRefused(Exception):
    """The sentence tells every fault."""


def apply_definition(values: Mapping[str, Any] | None, *, api_url: str, token: str) -> None:
    """Put it, in place of what stands under its name. Without one, a file that an earlier stack was
    started for is the default source no longer. Raises DefinitionRefused.
    """
    if values is None:
        _forget(f"{api_url}{SOURCES}{DEFAULT_NAME}", token)
        return
    name = str(values.get("name"))
    address = f"{api_url}{SOURCES}{quote(name, safe='')}"
    status, answer = _ask("PUT", address, token, values, replaces=_is_defined(address, token))
    if status >= 400:  # noqa: PLR2004  an error, of whatever kind
        raise DefinitionRefused(_told(answer))


def apply_directory(directory: Path, *, api_url: str, token: str) -> list[str]:
    """Put each definition there, `*.toml`. What became of them, a line or more for each:
    one that has faults keeps no other from being applied.
    """
    return [_applied(file, api_url, token) for file in sorted(directory.glob("*.toml"))]


def _applied(file: Path, api_url: str, token: str) -> str:
    try:
        values = written_definition(file)
        apply_definition(values, api_url=api_url, token=token)
    except (DefinitionRefused, DefinitionUnreadable) as exc:
        return f"{file} is not applied. {exc}"
    return f"{file} is applied, as the source {values['name']}."


def _forget(address: str, token: str) -> None:
    if _is_defined(address, token):
        _ask("DELETE", address, token, replaces=True)


def _is_defined(address: str, token: str) -> bool:
    status, answer = _ask("GET", address, token)
    return status == FOUND and not answer["data"]["is_of_settings"]


def _ask(
    method: str,
    address: str,
    token: str,
    values: Mapping[str, Any] | None = None,
    *,
    replaces: bool = False,
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if replaces:
        headers["If-Match"] = "*"
    body = None if values is None else json.dumps(values, default=str).encode()
    request = urllib.request.Request(address, data=body, method=method, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.load(exc)


def _told(answer: Mapping[str, Any]) -> str:
    error = answer.get("error") or {}
    faults = (error.get("details") or {}).get("faults") or []
    lines = [
        f"  {fault['key'] or 'the definition'} {fault['problem']}: write {fault['instead']}"
        for fault in faults
    ]
    return "\n".join([str(error.get("message", answer)), *lines])
