"""A lake whose files lie in a bucket:
DuckDB writes them with the function's keys, and reads them from there.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from support.data_api import BAD, ROWS, source_of
from support.imports import opened
from support.staging import run_import

from chalicelib.services import Services
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.scripted_source import Serve

    from local.aws.emulator import LocalAws

BUCKET = "wellhead-local"


@pytest.fixture
def catalog(aws: LocalAws, tmp_path: Path) -> Iterator[dict[str, str]]:
    files = f"s3://{BUCKET}/{uuid.uuid4()}"
    with CatalogServer(tmp_path / "catalog", files=files) as server:
        yield {
            "WELLHEAD_STORE": "iceberg",
            "WELLHEAD_CATALOG": server.url,
            "WELLHEAD_WAREHOUSE": f"{files}/w",
        }


def test_imports_and_questions_need_no_disk_of_the_lake(
    environment: dict[str, str], catalog: dict[str, str], serve: Serve
) -> None:
    environment |= catalog
    for oil in (1.5, 2.5):
        job = run_import(
            environment,
            source_of(serve, [*({**row, "oil_production_kbd": oil} for row in ROWS), *BAD]),
        )
        assert (job.error, job.failed_records) == (None, len(BAD))

    services = Services(environment)
    snapshot = services.job_manager.current_snapshot()
    assert snapshot
    with opened(services.settings, snapshot) as connection:
        rates = connection.execute(
            "SELECT DISTINCT oil_production_kbd FROM well_production"
        ).fetchall()
    assert rates == [(2.5,)]
    asked = {"question": "revisions", "arguments": {"limit": "100"}}
    assert len(services.answer(asked)["data"]["rows"]) == len(ROWS)
