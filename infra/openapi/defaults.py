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
    defaults = {name: taken[name].default for name in route.parameters if name in taken}
    defaults = {name: value for name, value in defaults.items() if value not in (None, "")}
    return {**defaults, **route.defaults}
