"""The OpenAPI document as a contract:
what an answer must look like, with nothing in it that is not told.
"""

from __future__ import annotations

import json
import re
from functools import cache
from http import HTTPStatus
from typing import Any

from jsonschema import Draft202012Validator

from chalicelib.api.document import FILE

METHODS = ("get", "head", "options", "post", "put", "delete")


@cache
def document() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return told


def operations() -> dict[str, dict[str, Any]]:
    """By "METHOD path", the path without the base."""
    paths = document()["paths"]
    return {
        f"{method.upper()} {path}": paths[path][method]
        for path in paths
        for method in METHODS
        if method in paths[path]
    }


def closed(schema: Any) -> Any:
    """Whole objects may have no member that is not told:
    the document leaves room for later ones, a test does not.
    """
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: closed(each) for name, each in schema.items()}
    if shut.get("type") == "object" and isinstance(shut.get("properties"), dict):
        shut.setdefault("additionalProperties", False)
    return shut


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        found: Any = document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def complaints(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {
        **closed(schema),
        "components": {"schemas": closed(document()["components"]["schemas"])},
    }
    return [
        f"{each.json_path}: {each.message}"
        for each in Draft202012Validator(whole).iter_errors(value)
    ]


def complaints_about(operation: str, status: int, content_type: str, body: Any) -> list[str]:
    """What an answer to "METHOD path" says beside the document."""
    responses = operations()[operation]["responses"]
    if str(status) not in responses:
        return [f"{operation} is not told to answer {status}"]
    content = resolved(responses[str(status)]).get("content", {})
    if content_type not in content:
        return [f"{operation} is not told to answer {status} with {content_type}"]
    return complaints(content[content_type]["schema"], body)


def operation_of(method: str, target: str) -> str | None:
    """The "METHOD path" of a request to the API; None when the document has no such route."""
    path = target.partition("?")[0].removeprefix("/api/v1").rstrip("/")
    for template in document()["paths"]:
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path):
            name = f"{method} {template}"
            return name if name in operations() else None
    return None


def hold(method: str, target: str, status: int, content_type: str, body: Any) -> None:
    """The answer is what the document says; what has no route there is none of its affair."""
    name = operation_of(method, target)
    if name and status != HTTPStatus.NOT_MODIFIED and method in ("GET", "POST", "PUT", "DELETE"):
        assert complaints_about(name, status, content_type.partition(";")[0], body) == []
