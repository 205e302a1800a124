"""Stores that real merges made, for questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.store.repository import DuckDBWellProductionRepository
from support.staging import NOON, SAME_NAMES, batch_of, facts, json_row

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    {"field_code": field, "well_code": well, "production_period": f"{year}-{month:02}-01", "well_name": name}
    | {"well_reference": f"15/9-{well % 10}", "field_name": f"Field {field}", "oil_production_kbd": 1.5}
    for field, well, name in ((2, 420000000001, "Old Name"), (1, 420000000002, "Årdal 50%_A"), (1, -3, None))
    for year in (2023, 2024)
    for month in (1, 2, 12)
]
RENAMED = {**ROWS[0], "production_period": "2025-01-01", "well_name": "New Name", "oil_production_kbd": None}
SECOND_FIELD = {**ROWS[0], "field_code": 9, "production_period": "2023-01-31", "field_name": "Other"}
BAD = [b'{"field_code": null}', json_row(oil_production_kbd="much"), json_row(production_period="soon")]


def merged(directory: Path, *imports: list[bytes]) -> Path:
    """A store after these imports, which are job-1 and so on."""
    store = directory / "wells.duckdb"
    for number, rows in enumerate(imports, start=1):
        repository = DuckDBWellProductionRepository(directory=directory / f"{number}", memory_mb=200)
        repository.stage(batch_of(directory, rows), SAME_NAMES)
        repository.merge(store, facts(number), now=NOON + number, warnings={"UNKNOWN_FIELDS": number})
        repository.close()
    return store
