"""JSON Schema of Python types: text, numbers, truths, choices and null."""

from __future__ import annotations

from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
UNIONS = (UnionType, Union)


def of_type(hint: Any) -> dict[str, Any]:
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": list(hint)}
    if get_origin(hint) in UNIONS:
        parts = [of_type(each) for each in get_args(hint)]
        values = [value for part in parts for value in part.get("enum", [])]
        schema: dict[str, Any] = {"type": [part["type"] for part in parts]}
        if values:
            schema["enum"] = [*values, None]
        return schema
    return {"type": _TYPES[hint]}
