"""The API of sources in memory, for the console in a browser:
it keeps what it is sent; a check finds a small table.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid
from chalicelib.sources.definition import definition_of
from chalicelib.sources.units import names_of
from chalicelib.store.columns import COLUMNS
from support.scripted_console import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playwright.sync_api import Route

FIELDS = ["Campo", "Pozo", "Fecha", "Petroleo (m3)", "Gas", "Dias"]
ROWS = [
    {
        "Campo": "Loma",
        "Pozo": "L-1",
        "Fecha": "202401",
        "Petroleo (m3)": "4928,5",
        "Gas": "31",
        "Dias": "30",
    },
    {
        "Campo": "Loma",
        "Pozo": "L-2",
        "Fecha": "202401",
        "Petroleo (m3)": "",
        "Gas": "2",
        "Dias": "31",
    },
]
DRAFT = """# A look at 2 rows.
name = "default"
kind = "files"
url = "elsewhere"
period = "month"
decimal = ","

[columns]
field_code = "Campo"
well_code = "Pozo"
production_period = { field = "Fecha", format = "%Y%m" }
oil_production_kbd = { field = "Petroleo (m3)", unit = "m3" }
gas_production_mmcfd = { field = "Gas", unit = "e3m3" }  # guess: numbers of this size fit
# days_on_production = { field = "Dias", unit = "..." }
"""
GUESSES = [
    {"key": "kind", "value": "files", "why": "", "sure": True, "is_complete": True},
    {
        "key": "columns.oil_production_kbd",
        "value": {"field": "Petroleo (m3)", "unit": "m3"},
        "why": "The field is called so.",
        "sure": True,
        "is_complete": True,
    },
    {
        "key": "columns.gas_production_mmcfd",
        "value": {"field": "Gas", "unit": "e3m3"},
        "why": "Numbers of this size fit.",
        "sure": False,
        "is_complete": True,
    },
    {
        "key": "columns.days_on_production",
        "value": {"field": "Dias", "unit": "..."},
        "why": "Nothing tells the unit.",
        "sure": False,
        "is_complete": False,
    },
    {
        "key": "decimal",
        "value": ",",
        "why": "A number has one comma.",
        "sure": True,
        "is_complete": True,
    },
]
FILES = {"definition": {"kind": "files"}}
PRESETS = [
    {
        "name": "volve",
        "title": "Volve: wells by month",
        "publisher": "Equinor",
        "verified": True,
        **FILES,
    },
    {
        "name": "cnh",
        "title": "Mexico: wells by month",
        "publisher": "CNH",
        "verified": False,
        **FILES,
    },
]
STORED = {"oil_production_kbd": 0.001, "gas_production_mmcfd": 0.0353}


def summary(name: str, **more: Any) -> dict[str, Any]:
    times = {"created_at": 5.0, "created_by": "ada", "updated_at": 5.0, "updated_by": "ada"}
    facts = {
        "name": name,
        "version": 1,
        "is_default": False,
        "adopts": "",
        "kind": "files",
        "period": "month",
    }
    schedule = {
        "schedule": "",
        "timezone": "",
        "fresh_for": "",
        "pause_after": 5,
        "stale_since": None,
    }
    state = {
        "next_due": None,
        "last_due": None,
        "last_due_job_id": None,
        "skipped": 0,
        "paused": None,
    }
    return {
        **facts,
        **schedule,
        **state,
        **times,
        "is_of_settings": False,
        "last_import": None,
        **more,
    }


def found(values: Mapping[str, Any], fields: list[str] = FIELDS, **more: Any) -> dict[str, Any]:
    """What a check of this definition finds in the small table."""
    rules = values.get("columns", {})
    columns = [_column(column.name, column.comment, rules.get(column.name)) for column in COLUMNS]
    taken = {column["field"] for column in columns}
    is_whole = {"well_code", "production_period"} <= {*rules}
    result = {
        "problems": []
        if is_whole
        else ["Nothing of the source fills well_code, production_period."],
        "hints": [],
        "fields": fields,
        "unknown": [name for name in fields if name not in taken],
        "columns": columns,
        "rows_looked_at": 2,
        "sound": 2 if is_whole else 0,
        "skipped": 0,
        "expected": None,
        "period": "2024-01-01 to 2024-01-01" if is_whole else "",
        "reading": "file by file",
        "rows": ROWS,
        "draft": None if rules or "preset" in values else {"text": DRAFT, "guesses": GUESSES},
    }
    return result | more


def _column(name: str, comment: str, rule: Any) -> dict[str, Any]:
    unit = comment.partition("(")[2].rstrip(")")
    told = rule if isinstance(rule, dict) else {"field": rule or ""}
    written = ROWS[0].get(told.get("field", ""), "")
    stored = written
    if name in STORED and written:
        factor = {"m3": 1, "bbl": 0.158987, "e3m3": 1, "Mcf": 0.0283}.get(told["unit"], 2)
        stored = f"{STORED[name] * factor * float(written.replace(',', '.')):.6g}"
    facts = {
        "name": name,
        "unit": unit,
        "field": told.get("field", ""),
        "type": "",
        "example": written,
    }
    return facts | {
        "source_unit": told.get("unit", ""),
        "stored": stored,
        "empty": 0.5 if written else None,
    }


@dataclass
class SourcesApi(Told):
    """`sources` are the definitions by name.
    A check takes `looks` looks until it is done, of what `finds` makes.
    """

    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: list[dict[str, Any]] = field(default_factory=list)
    checked: list[dict[str, Any]] = field(default_factory=list)
    finds: Callable[[Mapping[str, Any]], dict[str, Any]] = found
    looks: int = 1
    role: str = "admin"
    failure: dict[str, str] | None = None
    headers: list[dict[str, str]] = field(default_factory=list)
    _left: int = 0

    def answer(self, route: Route) -> None:
        request = route.request
        path = request.url.partition("/api/v1/")[2].partition("?")[0]
        room, _, name = path.partition("/")
        if room != "sources" or path.endswith(tuple(self.refusals)):
            super().answer(route)
            return
        self.headers.append(request.headers)
        body = self._body(request.post_data or "", request.headers.get("content-type", ""))
        status, data = self._of(request.method, name, body)
        told = (
            {"success": True, "data": data} if status < 400 else {"success": False, "error": data}
        )
        route.fulfill(
            status=status,
            json=told | {"timestamp": "2026-11-29T01:00:00Z"},
            headers={"X-Wellhead-Role": self.role},
        )

    def _of(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        if name.startswith("check"):
            return self._check(body) if method == "POST" else (200, self._checked())
        if method == "POST":
            self.sent.append((f"sources/{name}", body))
            if name.endswith(("/pause", "/resume")):
                return 200, self._scheduled(*name.split("/"))
            return 200, self.answers["files"]
        if method == "PUT":
            return self._put(name, body)
        return 200, self._deleted(name) if method == "DELETE" else self._told(name)

    def _told(self, name: str) -> dict[str, Any]:
        if name == "units":
            return {product: names_of(product) for product in ("liquid", "gas", "days")}
        if name == "presets":
            return {"presets": PRESETS}
        if not name:
            return {"sources": [*self.listed, *(summary(each) for each in self.sources)]}
        listed = next((source for source in self.listed if source["name"] == name), {})
        return summary(**{"name": name, **listed}, definition=self.sources.get(name))

    def _scheduled(self, name: str, act: str) -> dict[str, Any]:
        source = next(source for source in self.listed if source["name"] == name)
        pause = {
            "at": source["created_at"],
            "by": "ada",
            "reason": "ada has paused it.",
            "code": None,
        }
        source["paused"] = pause if act == "pause" else None
        return source

    def _deleted(self, name: str) -> dict[str, Any]:
        self.sent.append((f"DELETE {name}", None))
        self.sources.pop(name, None)
        self.listed = [source for source in self.listed if source["name"] != name]
        return {"name": name, "version": 1}

    def _check(self, body: Any) -> tuple[int, Any]:
        self.checked.append(body)
        self._left = self.looks
        faults = faults_of(body)
        return (400, refusal(faults)) if faults else (202, {"check_id": "c1", "status": "PENDING"})

    def _checked(self) -> dict[str, Any]:
        self._left -= 1
        told: dict[str, Any] = {
            "check_id": "c1",
            "status": "RUNNING",
            "error": None,
            "result": None,
        }
        if self._left > 0:
            return told
        if self.failure:
            return told | {"status": "FAILED", "error": self.failure}
        return told | {"status": "DONE", "result": self.finds(self.checked[-1])}

    def _put(self, name: str, body: Any) -> tuple[int, Any]:
        if not re.fullmatch(r"[a-z0-9-]{1,40}", name):
            return 404, {
                "code": "SOURCE_UNKNOWN",
                "message": "There is no such source.",
                "retryable": False,
            }
        if faults := faults_of(body):
            return 400, refusal(faults)
        self.sources[name] = body
        return 200, summary(name, definition=body)

    @staticmethod
    def _body(text: str, kind: str) -> Any:
        if kind == "application/toml":
            try:
                return json.loads(json.dumps(tomllib.loads(text), default=str))
            except tomllib.TOMLDecodeError as exc:
                return {"": str(exc)}
        try:
            return json.loads(text) if text else None
        except ValueError as exc:
            return {"": str(exc)}


def faults_of(values: Mapping[str, Any]) -> list[dict[str, str]]:
    try:
        definition_of(values)
    except DefinitionInvalid as exc:
        faults: list[dict[str, str]] = exc.details["faults"]
        return faults
    return []


def refusal(faults: list[dict[str, str]]) -> dict[str, Any]:
    told = {
        "code": "SOURCE_DEFINITION_INVALID",
        "message": "The definition has faults.",
        "retryable": False,
    }
    return told | {"details": {"faults": faults}}
