"""A definition over its preset: tables are merged key by key, lists and strings replace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .column_rules import WAYS
from .period_rule import PARTS

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of a period, and of no year and month by themselves.
OF_ONE_FIELD = ("format", "pattern", "timezone")


def merge_definitions(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Where both say what a column comes from the one above is meant;
    the unit and the rest stay.

    Over `{ field = "Oil", unit = "m3" }` of a preset, `{ coalesce = ["A", "B"] }` makes
    `{ coalesce = ["A", "B"], unit = "m3" }`.
    """
    below = under.get("columns")
    above = over.get("columns")
    if isinstance(below, dict) and isinstance(above, dict):
        rest = {name: _rest_under(above.get(name), rule) for name, rule in below.items()}
        under = {**under, "columns": rest}
    return _merge_tables(under, over)


def _merge_tables(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[name] = _merge_tables(below, value)
        else:
            merged[name] = value
    return merged


def _rest_under(above: Any, rule: Any) -> Any:
    """Of the preset's rule, what still holds under the one above it."""
    if not isinstance(above, dict):
        return rule
    table = {"field": rule} if isinstance(rule, str) else rule  # "Oil" is { field = "Oil" }
    if not isinstance(table, dict):
        return rule

    replaced: tuple[str, ...] = ()
    if any(way in above for way in WAYS):
        replaced = (*WAYS, *PARTS)
    elif any(part in above for part in PARTS):
        # A period of year and month: the form of one field says nothing of them.
        replaced = (*WAYS, *OF_ONE_FIELD)

    return {name: value for name, value in table.items() if name not in replaced}
