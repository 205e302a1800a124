"""Stores that real merges made, for questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from chalicelib.queries.production import ProductionQuery
from chalicelib.store.attaching import STORAGE_VERSION
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.schema import prepare_store
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.queries.kept_register import KeptRegister

ROWS = [
    {
        "field_code": f"{field}",
        "well_code": f"{well}",
        "production_period": f"{year}-{month:02}-01",
        "well_name": name,
    }
    | {
        "well_reference": f"15/9-{well % 10}",
        "field_name": f"Field {field}",
        "oil_production_kbd": 1.5,
    }
    for field, well, name in (
        (2, 420000000001, "Old Name"),
        (1, 420000000002, "Årdal 50%_A"),
        (1, -3, None),
    )
    for year in (2023, 2024)
    for month in (1, 2, 12)
]
RENAMED = {
    **ROWS[0],
    "production_period": "2025-01-01",
    "well_name": "New Name",
    "oil_production_kbd": None,
}
SECOND_FIELD = {
    **ROWS[0],
    "field_code": "9",
    "production_period": "2023-01-01",
    "field_name": "Other",
}
BAD = [
    b'{"field_code": null}',
    json_row(oil_production_kbd="much"),
    json_row(production_period="soon"),
]


def merged(directory: Path, *imports: list[bytes]) -> Path:
    """A store after these imports, which are job-1 and so on."""
    store = directory / "wells.duckdb"
    for number, rows in enumerate(imports, start=1):
        repository = DuckDBWellProductionRepository(
            directory=directory / f"{number}", memory_mb=200
        )
        repository.stage(batch_of(directory, rows), SAME_READING)
        repository.merge(
            store, facts(number), now=NOON + number, warnings={"UNKNOWN_FIELDS": number}
        )
        repository.close()
    return store


def wide(store: Path, *, wells: int = 300_000, periods: int = 2) -> Path:
    """Many wells, far apart: with 50 MB of memory DuckDB groups them on disk.
    Made in a second, without an import.
    """
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{store}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
        prepare_store(connection, is_new=True)
        connection.execute(
            "INSERT INTO wells.well_production BY NAME "
            "SELECT 'default' AS source, CAST(i * 7919 % $wells AS VARCHAR) AS well_code, "
            "CAST(i * 7919 % $wells // 50 AS VARCHAR) AS field_code, 'Well ' || well_code AS well_name, "
            "31 AS period_days, 1 AS source_rows, "
            "CAST(DATE '1990-01-01' + to_months(CAST(i // $wells AS INTEGER)) AS DATE) AS production_period, "
            "i * 0.5 AS oil_production_kbd, now() AS created_at, now() AS updated_at FROM range($rows) AS t(i)",
            {"wells": wells, "rows": wells * periods},
        )
        connection.execute("CHECKPOINT wells")
    return store


def daily(store: Path, wells: list[tuple[float, ...]]) -> Path:
    """Each well with its rate of oil on the first days of a month."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{store}' AS wells (STORAGE_VERSION '{STORAGE_VERSION}')")
        prepare_store(connection, is_new=True)
        connection.executemany(
            "INSERT INTO wells.well_production BY NAME "
            "SELECT 'default' AS source, '1' AS field_code, ? AS well_code, CAST(? AS DATE) AS production_period, "
            "? AS oil_production_kbd, 1 AS period_days, 1 AS source_rows, now() AS created_at, now() AS updated_at",
            [
                (f"{number:02}", f"2024-01-{day:02}", rate)
                for number, rates in enumerate(wells)
                for day, rate in enumerate(rates, start=1)
            ],
        )
    return store


def opened(
    store: Path,
    *,
    memory_mb: int = 100,
    snapshot: str | None = None,
    kept: KeptRegister | None = None,
) -> ProductionQuery:
    """For questions; `snapshot` is the name it goes by."""
    own = OwnDirectory(store.parent / "reading")
    return ProductionQuery.open(
        store, directory=own, memory_mb=memory_mb, snapshot=snapshot, kept=kept
    )
