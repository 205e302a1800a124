"""The lake keeps the snapshots that a kept file of the warehouse names, and forgets the others."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.data_api import ROWS, source_of
from support.imports import opened
from support.merging import open_lake
from support.staging import run_import

from chalicelib.lake.expiry import expire_snapshots
from chalicelib.lake.versions import TABLES, Versions
from chalicelib.services import Services

if TYPE_CHECKING:
    from support.scripted_source import Serve

from support.store_kinds import LAKE

pytestmark = LAKE


@pytest.fixture
def imported(environment: dict[str, str], serve: Serve) -> list[Path]:
    """Three imports, each with rows that change; the files that name what they published."""
    for oil in (1.5, 2.5, 3.5):
        run_import(environment, source_of(serve, [{**row, "oil_production_kbd": oil} for row in ROWS]))
    return sorted(Path(environment["WELLHEAD_WAREHOUSE"], "snapshots").iterdir())


def kept(services: Services) -> dict[str, set[int]]:
    heads = {table: services.catalog.head(table) for table in TABLES}
    return {table: set(head.snapshots) for table, head in heads.items() if head}


def test_what_is_young_or_named_stays(environment: dict[str, str], imported: list[Path]) -> None:
    """An import may be about to name what it has just committed."""
    services = Services(environment)
    before = kept(services)
    imported[0].unlink()

    assert set(expire_snapshots(services.catalog, services.warehouse, now=time.time()).values()) == {0}
    assert kept(services) == before


def test_what_no_file_names_is_forgotten_and_what_one_names_can_be_read(
    environment: dict[str, str], imported: list[Path]
) -> None:
    services = Services(environment)
    first, second, third = (Versions.read(path.read_text()) for path in imported)
    imported[0].unlink()

    expire_snapshots(services.catalog, services.warehouse, now=time.time() + 7200)

    for table in TABLES:
        named = {second.of(table), third.of(table)} - {None}
        assert kept(services)[table] == named
        assert first.of(table) is None or first.of(table) not in kept(services)[table]
    with open_lake(services.catalog, second) as connection:
        found = connection.execute("SELECT DISTINCT oil_production_kbd FROM well_production").fetchall()
    assert found == [(2.5,)]
    snapshot = services.job_manager.current_snapshot()
    assert snapshot
    with opened(services.settings, snapshot) as connection:
        [[runs, replaced]] = connection.execute(
            "SELECT (SELECT count(*) FROM import_runs), (SELECT count(*) FROM well_production_history)"
        ).fetchall()
    assert (runs, replaced) == (3, 2 * len(ROWS))


def test_main_stays_though_no_file_names_it(environment: dict[str, str], imported: list[Path]) -> None:
    """A dead import has left it, and the next one sets it back."""
    services = Services(environment)
    heads = {table: services.catalog.head(table) for table in TABLES}
    for file in imported:
        file.unlink()

    expire_snapshots(services.catalog, services.warehouse, now=time.time() + 7200)

    assert kept(services) == {table: {head.snapshot} - {None} for table, head in heads.items() if head}


def test_a_file_that_cannot_be_read_lets_nothing_be_forgotten(
    environment: dict[str, str], imported: list[Path]
) -> None:
    services = Services(environment)
    before = kept(services)
    imported[0].chmod(0o600)
    imported[0].write_text("{}")

    with pytest.raises(ValueError, match="no versions"):
        expire_snapshots(services.catalog, services.warehouse, now=time.time() + 7200)

    assert kept(services) == before
