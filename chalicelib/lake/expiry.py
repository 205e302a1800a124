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
    """How many of each table. Raises LakeUnavailable, WarehouseUnavailable, and ValueError for a
    file that is none of ours: then nothing is forgotten.
    """
    named = list(_kept(warehouse))
    return {
        table: _expire(catalog, table, [versions.of(table) for versions in named], now)
        for table in TABLES
    }


def _kept(warehouse: Warehouse) -> Iterable[Versions]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "versions.json")
        for name in warehouse.names(SNAPSHOTS):
            if is_of_lake(name):
                warehouse.fetch(name, path)
                yield Versions.read(path.read_text("utf-8"))


def _expire(catalog: Catalog, table: str, named: list[int | None], now: float) -> int:
    """Another writer may move main meanwhile: then it is left to the next time."""
    head = catalog.head(table)
    if head is None:
        return 0
    kept = {head.snapshot, *named}
    doomed = [
        number
        for number, told in head.snapshots.items()
        if number not in kept and _is_old(told, now)
    ]
    return len(doomed) if doomed and catalog.forget(table, head, doomed) else 0


def _is_old(snapshot: Mapping[str, Any], now: float) -> bool:
    return now - float(snapshot["timestamp-ms"]) / 1000 > YOUNG_SECONDS
