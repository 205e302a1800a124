"""DynamoDB's typed attribute values to and from plain Python (boto3 has this;
it costs 90 ms of a cold start).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def to_item(value: dict[str, Any]) -> dict[str, Any]:
    return {name: to_attribute(inner) for name, inner in value.items()}


def from_item(item: dict[str, Any]) -> dict[str, Any]:
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """An item has no attribute for what is null."""
    return {name: value for name, value in values.items() if value is not None}


def to_attribute(value: Any) -> dict[str, Any]:
    """7.5 is {"N": "7.5"}. Floats are written with all their digits; DynamoDB keeps 38, a double
    needs 17. Most values are texts, so these are looked for first.
    """
    match value:
        case str():
            return {"S": str(value)}  # also of an enumeration
        case None:
            return {"NULL": True}
        case bool():  # before the numbers: True is an int too
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case dict():
            return {"M": to_item(value)}
        case list() | tuple():
            return {"L": [to_attribute(inner) for inner in value]}
    raise TypeError(f"DynamoDB cannot hold a {type(value).__name__}")


def from_attribute(attribute: dict[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "NULL":
            return None
        case "N":
            is_whole = value.lstrip("-").isdigit()
            return int(value) if is_whole else float(value)
        case "M":
            return from_item(value)
        case "L":
            return [from_attribute(inner) for inner in value]
    return value
