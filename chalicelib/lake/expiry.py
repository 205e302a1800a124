"""Expiry: the lake forgets the snapshots of its tables that nothing names any more.

The files in the warehouse name what readers may still ask for; what dies there is forgotten here.
Main stays, and what is so young that an import may be about to name it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.warehouse.names import SNAPSHOTS, is_of_lake

from .versions import TABLES, Versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from chalicelib.warehouse.names import Warehouse

    from .catalog import Catalog

YOUNG_SECONDS = 3600.0


def expire_snapshots(catalog: Catalog, warehouse: Warehouse, *, now: float) -> dict[str, int]:
    """How many of each table. Raises LakeUnavailable, WarehouseUnavailable,
    and ValueError for a file that is none of ours: then nothing is forgotten.
    """
    published = list(_published_versions(warehouse))
    counts = {}
    for table in TABLES:
        snapshots = [versions.of(table) for versions in published]
        counts[table] = _expire(catalog, table, snapshots, now)
    return counts


def _published_versions(warehouse: Warehouse) -> Iterable[Versions]:
    """Of all files in the warehouse that readers may still ask for."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "versions.json")
        for name in warehouse.names(SNAPSHOTS):
            if is_of_lake(name):
                warehouse.fetch(name, path)
                yield Versions.read(path.read_text("utf-8"))


def _expire(catalog: Catalog, table: str, published: list[int | None], now: float) -> int:
    """Another writer may move main meanwhile: then it is left to the next time."""
    head = catalog.head(table)
    if head is None:
        return 0
    in_use = {head.snapshot, *published}
    expired = [
        number
        for number, facts in head.snapshots.items()
        if number not in in_use and _is_old(facts, now)
    ]
    if not expired or not catalog.forget(table, head, expired):
        return 0
    return len(expired)


def _is_old(snapshot: Mapping[str, Any], now: float) -> bool:
    made_at = float(snapshot["timestamp-ms"]) / 1000
    return now - made_at > YOUNG_SECONDS
