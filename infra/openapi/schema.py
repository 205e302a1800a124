"""JSON Schema of types. An answer is a class whose fields say what they are:

class Health(TypedDict):
    version: str
    checks: Annotated[dict[str, str], "by what was looked at"]

Such a class is a schema with a name, to which others refer. One whose name begins with an
underscore has none: it is written out where it is used.
"""

from __future__ import annotations

from enum import StrEnum
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from chalicelib.jobs.job_types import Shape

from .words import without_links

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    Schema = dict[str, Any]
    Kind = TypeVar("Kind")

UNIONS = (UnionType, Union)
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
_NULL = {"type": "null"}


def schemas_in(module: ModuleType) -> dict[str, Schema]:
    """Those with a name of the module, in its order: of its classes, and of what is one of two."""
    schemas = {}
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        if is_typeddict(value) and value.__module__ == module.__name__:
            schemas[name] = object_schema(value)
        elif isinstance(value, UnionType):
            schemas[name] = schema_of(value)
    return schemas


def with_members(members: Mapping[str, Any]) -> Callable[[Kind], Kind]:
    """A class with more fields before its own: those that the code has a table of, such as the
    columns of the data.
    """

    def add(kind: Kind) -> Kind:
        kind.__annotations__ = {**members, **kind.__annotations__}
        return kind

    return add


def object_schema(kind: Any) -> Schema:
    hints = get_type_hints(kind, include_extras=True)
    required = [name for name in hints if not _may_be_missing(kind, name, hints[name])]
    schema: Schema = {"type": "object"}
    if required:
        schema["required"] = required
    schema["properties"] = {name: schema_of(hint) for name, hint in hints.items()}
    if kind.__doc__:
        schema["description"] = " ".join(kind.__doc__.split())
    return schema


def _may_be_missing(kind: Any, name: str, hint: Any) -> bool:
    return name in kind.__optional_keys__ or get_origin(hint) is NotRequired


def schema_of(hint: Any) -> Schema:
    """Raises KeyError for a type that JSON has no form for."""
    if get_origin(hint):
        return _of_parts(get_origin(hint), get_args(hint))
    if is_typeddict(hint):
        return _of_class(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _of_values([str(value) for value in hint])
    return {"type": _TYPES[hint]}


def reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _of_class(kind: Any) -> Schema:
    if kind.__name__.startswith("_"):
        return object_schema(kind)
    return reference(kind.__name__)


def _of_parts(origin: Any, parts: tuple[Any, ...]) -> Schema:
    """Of a type that has types in it, such as list[int]."""
    first, *others = parts
    if origin in UNIONS:
        return _of_choices([schema_of(each) for each in parts])
    if origin is Literal:
        return _of_values(list(parts))
    if origin is Annotated:
        return _of_annotated(first, others)
    if origin is NotRequired:
        return schema_of(first)
    if origin is list:
        return {"type": "array", "items": schema_of(first)}
    return _of_mapping(*others)


def _of_mapping(values: Any) -> Schema:
    inner = True if values is Any else schema_of(values)
    return {"type": "object", "additionalProperties": inner}


def _of_annotated(kind: Any, said: list[Any]) -> Schema:
    """With what is said besides the type: words, and what a type cannot say."""
    names = [each.of for each in said if isinstance(each, Shape) and each.of]
    schema = reference(names[0]) if names else schema_of(kind)
    for each in said:
        if isinstance(each, Shape):
            schema = {**schema, **each.schema}
        else:
            schema = {**schema, "description": without_links(each)}
    return schema


def _of_values(values: list[Any]) -> Schema:
    if values in ([True], [False]):
        return {"const": values[0]}
    return {"type": "string", "enum": values}


def _of_choices(choices: list[Schema]) -> Schema:
    """One of several types. With a single other one null is a type more of it: a name, or null."""
    others = [each for each in choices if each != _NULL]
    if all(each.keys() == {"type"} for each in choices):
        return {"type": [each["type"] for each in choices]}
    [first, *more] = others
    is_nullable = len(others) < len(choices)
    is_simple = not more and "$ref" not in first and "properties" not in first
    if not is_nullable or not is_simple:
        return {"anyOf": choices}
    schema = {**first, "type": [first["type"], "null"]}
    if "enum" in first:
        schema["enum"] = [*first["enum"], None]
    return schema
