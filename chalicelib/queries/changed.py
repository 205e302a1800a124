"""What an import changed:
the values that are compared, and the volumes that are told of each field. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.products import PRODUCTS
from chalicelib.store.columns import PROVENANCE, SHOWN, STORED_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OF_A_CHANGE = tuple(name for name in SHOWN if name not in STORED_KEY)
OF_VOLUMES = {product.rate: product.volume for product in PRODUCTS}
# And the tables of production.sql that have them.
SIDES = {"before": "replaced", "after": "written"}


def differing(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
    """The names of the values that differ, of a row that was there before and afterwards."""
    if not before or not after:
        return []
    return [name for name in OF_A_CHANGE if before[name] != after[name]]


def changes_lists() -> dict[str, str]:
    """What the statements of changes need beside the tables: the members of the structs `before`
    and `after`, and the sums of the volumes on both sides.
    """
    members = {side: _members(table) for side, table in SIDES.items()}
    volumes = [
        f"sum({side}.{rate} * {side}.period_days) AS {volume}_{side}"
        for rate, volume in OF_VOLUMES.items()
        for side in SIDES
    ]
    return {**members, "volumes": ",\n    ".join(volumes)}


def _members(table: str) -> str:
    return ", ".join(f"{name}: {table}.{name}" for name in OF_A_CHANGE)


def shown_columns() -> dict[str, str]:
    """What the statements of production and its revisions need beside the tables."""
    revised = [name for name in SHOWN if name not in PROVENANCE]
    return {"shown": _columns(SHOWN), "revised": _columns(revised)}


def _columns(names: Sequence[str]) -> str:
    period = "CAST(production_period AS VARCHAR) AS production_period"
    columns = [period if name == "production_period" else name for name in names]
    return ", ".join(columns)


def flat_changes() -> str:
    """The columns of a change that is not nested: each value before and after beside each other."""
    columns: list[str] = []
    for name in OF_A_CHANGE:
        columns += [f"{side}.{name} AS {name}_{side}" for side in SIDES]
    return ", ".join(columns)
