"""What an answer takes for a parameter that is left out."""

from __future__ import annotations

from inspect import signature
from typing import TYPE_CHECKING, Any

from chalicelib.queries.production import ProductionQuery

if TYPE_CHECKING:
    from chalicelib.routes.route import Route


def defaults_of(route: Route) -> dict[str, Any]:
    """Of a question to the data, what its method takes; else as the route says."""
    method = getattr(ProductionQuery, route.question, None)
    taken = signature(method).parameters if method else {}
    defaults = {}
    for name in route.parameters:
        default = taken[name].default if name in taken else None
        if default not in (None, ""):
            defaults[name] = default
    return {**defaults, **route.defaults}
