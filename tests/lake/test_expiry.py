"""The lake keeps the snapshots that a kept file of the warehouse names, and forgets the others."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.data_api import ROWS, source_of
from support.imports import opened
from support.kept_lake import KeptLake
from support.merge_model import Import
from support.merging import open_lake
from support.staging import json_row, run_import
from support.store_kinds import LAKE

from chalicelib.lake.expiry import expire_snapshots
from chalicelib.lake.versions import TABLES, Versions
from chalicelib.services import Services
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import sha256_of, snapshot_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.merging import LakeStore
    from support.scripted_source import Serve

    from chalicelib.lake.catalog import Catalog


class Lab:
    """A lake after three imports,
    and the files of a warehouse that name what each has published.
    """

    def __init__(
        self, store: LakeStore, published: list[Versions], warehouse: Path, file: Path
    ) -> None:
        self.catalog = store.catalog
        self.warehouse = DirectoryWarehouse(warehouse)
        self.files = []
        for number, versions in enumerate(published, start=1):
            file.write_text(versions.text())
            name = snapshot_name(number, f"job-{number}", is_lake=True)
            self.warehouse.put(name, file, sha256=sha256_of(file))
            self.files.append(warehouse / name)

    def expire(self, *, later: float = 7200) -> dict[str, int]:
        return expire_snapshots(self.catalog, self.warehouse, now=time.time() + later)


@pytest.fixture(scope="module")
def kept_lake(tmp_path_factory: pytest.TempPathFactory) -> KeptLake:
    rows = [json_row(well_name=name) for name in ("first", "second", "third")]
    return KeptLake(
        tmp_path_factory.mktemp("kept"), *(Import([[[json.loads(row)]]]) for row in rows)
    )


@pytest.fixture
def lab(kept_lake: KeptLake, tmp_path: Path) -> Iterator[Lab]:
    with kept_lake.opened(tmp_path) as store:
        yield Lab(store, kept_lake.published, tmp_path / "warehouse", tmp_path / "versions.json")


@pytest.fixture
def imported(environment: dict[str, str], serve: Serve) -> list[Path]:
    """Three imports, each with rows that change; the files that name what they published."""
    for oil in (1.5, 2.5, 3.5):
        run_import(
            environment, source_of(serve, [{**row, "oil_production_kbd": oil} for row in ROWS])
        )
    return sorted(Path(environment["WELLHEAD_WAREHOUSE"], "snapshots").iterdir())


def kept(catalog: Catalog) -> dict[str, set[int]]:
    heads = {table: catalog.head(table) for table in TABLES}
    return {table: set(head.snapshots) for table, head in heads.items() if head}


def test_what_is_young_or_named_stays(lab: Lab) -> None:
    """An import may be about to name what it has just committed."""
    before = kept(lab.catalog)
    lab.files[0].unlink()

    assert set(lab.expire(later=0).values()) == {0}
    assert kept(lab.catalog) == before


@LAKE
def test_what_no_file_names_is_forgotten_and_what_one_names_can_be_read(
    environment: dict[str, str], imported: list[Path]
) -> None:
    services = Services(environment)
    first, second, third = (Versions.read(path.read_text()) for path in imported)
    imported[0].unlink()

    expire_snapshots(services.catalog, services.warehouse, now=time.time() + 7200)

    for table in TABLES:
        named = {second.of(table), third.of(table)} - {None}
        assert kept(services.catalog)[table] == named
        assert first.of(table) is None or first.of(table) not in kept(services.catalog)[table]
    with open_lake(services.catalog, second) as connection:
        found = connection.execute(
            "SELECT DISTINCT oil_production_kbd FROM well_production"
        ).fetchall()
    assert found == [(2.5,)]
    snapshot = services.job_manager.current_snapshot()
    assert snapshot
    with opened(services.settings, snapshot) as connection:
        [[runs, replaced]] = connection.execute(
            "SELECT (SELECT count(*) FROM import_runs), (SELECT count(*) FROM well_production_history)"
        ).fetchall()
    assert (runs, replaced) == (3, 2 * len(ROWS))


def test_main_stays_though_no_file_names_it(lab: Lab) -> None:
    """A dead import has left it, and the next one sets it back."""
    heads = {table: lab.catalog.head(table) for table in TABLES}
    for file in lab.files:
        file.unlink()

    lab.expire()

    assert kept(lab.catalog) == {
        table: {head.snapshot} - {None} for table, head in heads.items() if head
    }


def test_a_file_that_cannot_be_read_lets_nothing_be_forgotten(lab: Lab) -> None:
    before = kept(lab.catalog)
    lab.files[0].chmod(0o600)
    lab.files[0].write_text("{}")

    with pytest.raises(ValueError, match="no versions"):
        lab.expire()

    assert kept(lab.catalog) == before
