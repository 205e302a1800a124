"""A database is made of a lake that is not too large, and stays as long as its snapshot does."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.data_api import ROWS, source_of
from support.staging import run_import
from support.store_kinds import LAKE

from chalicelib.errors import ExportTooLarge
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.queries.export import MOST_ROWS
from chalicelib.services import Services
from chalicelib.warehouse.names import export_name

if TYPE_CHECKING:
    from support.scripted_source import Serve

pytestmark = LAKE


@pytest.mark.parametrize("form", ["duckdb", "parquet"])
def test_of_a_large_lake_no_file_is_made(
    environment: dict[str, str], serve: Serve, form: str
) -> None:
    run_import(environment, source_of(serve, ROWS))
    services = Services(environment)
    snapshot = services.job_manager.current_snapshot()
    assert snapshot

    with pytest.raises(ExportTooLarge) as refused:
        services._export(replace(snapshot, rows=MOST_ROWS[form] + 1), form)

    assert refused.value.details == {"rows": MOST_ROWS[form] + 1, "most_rows": MOST_ROWS[form]}
    assert not Path(environment["WELLHEAD_WAREHOUSE"], "exports").exists()


def test_an_export_stays_as_long_as_its_snapshot(environment: dict[str, str], serve: Serve) -> None:
    made = []
    for oil in (1.5, 2.5):
        run_import(
            environment, source_of(serve, [{**row, "oil_production_kbd": oil} for row in ROWS])
        )
        services = Services(environment)
        snapshot = services.job_manager.current_snapshot()
        assert snapshot
        names = [services._export(snapshot, form).name for form in ("duckdb", "parquet")]
        assert names == [export_name(snapshot.name, form) for form in ("duckdb", "parquet")]
        made.append(names)

    removed = clear_orphans(job_manager=services.job_manager, warehouse=services.warehouse, kept=1)
    assert not {*made[0], *made[1]} & set(removed)  # for an hour
    later = time.time() + 3601
    removed = clear_orphans(
        job_manager=services.job_manager, warehouse=services.warehouse, kept=1, clock=lambda: later
    )

    assert set(made[0]) <= set(removed)
    assert not set(made[1]) & set(removed)
