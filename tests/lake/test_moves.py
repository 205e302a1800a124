"""A file becomes a lake and a lake a file with the import that follows a change of
WELLHEAD_STORE.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.data_api import BAD, ROWS, source_of
from support.imports import opened
from support.staging import TABLES, as_dicts, run_import

from chalicelib.jobs.job import Job, JobStatus
from chalicelib.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.scripted_source import Serve

    from chalicelib.jobs.lock import Snapshot
    from local.catalog.server import CatalogServer as Server

from local.catalog.server import CatalogServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with CatalogServer(tmp_path / "lake") as server:
        yield server


@pytest.fixture
def kinds(environment: dict[str, str], server: Server) -> dict[str, dict[str, str]]:
    """The environment of each kind of store; both name the catalog."""
    named = environment | {"WELLHEAD_CATALOG": server.url}
    return {kind: named | {"WELLHEAD_STORE": kind} for kind in ("file", "iceberg")}


def snapshot(environment: dict[str, str]) -> Snapshot:
    found = Services(environment).job_manager.current_snapshot()
    assert found
    return found


def stored(environment: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
    with opened(Services(environment).settings, snapshot(environment)) as connection:
        return {name: as_dicts(connection.execute(query)) for name, query in TABLES.items()}


def revised(oil: float) -> list[Any]:
    return [{**row, "oil_production_kbd": oil} for row in ROWS]


def assert_completed(job: Job) -> None:
    assert (job.status, job.error) == (JobStatus.COMPLETED, None)


def test_what_was_published_as_a_file_is_in_the_lake_after_the_next_import(
    kinds: dict[str, dict[str, str]], serve: Serve
) -> None:
    """Rows, history, rejects and runs; and the import itself counts against what was there."""
    for oil in (1.5, 2.5):
        assert_completed(run_import(kinds["file"], source_of(serve, [*revised(oil), *BAD])))
    before = stored(kinds["file"])

    moved = run_import(kinds["iceberg"], source_of(serve, revised(2.5)))

    assert_completed(moved)
    assert (moved.new_records, moved.updated_records, moved.duplicate_records) == (0, 0, len(ROWS))
    assert snapshot(kinds["iceberg"]).is_lake
    after = stored(kinds["iceberg"])
    assert after["import_runs"].pop()["job_id"] == moved.job_id
    assert after == before


def test_and_it_comes_back(kinds: dict[str, dict[str, str]], serve: Serve) -> None:
    for oil in (1.5, 2.5):
        assert_completed(run_import(kinds["iceberg"], source_of(serve, [*revised(oil), *BAD])))
    before = stored(kinds["iceberg"])

    moved = run_import(kinds["file"], source_of(serve, revised(3.5)))

    assert_completed(moved)
    assert (moved.new_records, moved.updated_records) == (0, len(ROWS))
    assert not snapshot(kinds["file"]).is_lake
    after = stored(kinds["file"])
    assert after["import_runs"].pop()["job_id"] == moved.job_id
    assert [run | {"warnings": json.loads(run["warnings"])} for run in after["import_runs"]] == [
        run | {"warnings": json.loads(run["warnings"])} for run in before["import_runs"]
    ]
    assert after["rejected_rows"] == before["rejected_rows"]
    assert len(after["well_production_history"]) == 2 * len(ROWS)
    assert {row["oil_production_kbd"] for row in after["well_production"]} == {3.5}
    assert Services(kinds["file"]).warehouse.latest() == snapshot(kinds["file"]).name


def test_a_lake_that_was_left_for_files_takes_them_anew(
    kinds: dict[str, dict[str, str]], serve: Serve
) -> None:
    """What lies in its tables from before is nobody's."""
    for kind, oil in (("iceberg", 1.5), ("file", 2.5), ("iceberg", 3.5)):
        assert_completed(run_import(kinds[kind], source_of(serve, revised(oil))))

    after = stored(kinds["iceberg"])
    assert {row["oil_production_kbd"] for row in after["well_production"]} == {3.5}
    assert len(after["well_production"]) == len(ROWS)
    assert len(after["well_production_history"]) == 2 * len(ROWS)
    assert len(after["import_runs"]) == 3


def test_without_the_catalog_nobody_can_leave_the_lake(
    kinds: dict[str, dict[str, str]], environment: dict[str, str], serve: Serve
) -> None:
    assert_completed(run_import(kinds["iceberg"], source_of(serve, ROWS)))
    before = snapshot(environment)

    job = run_import(environment, source_of(serve, ROWS))

    assert job.error
    assert (job.status, job.error["code"], snapshot(environment)) == (
        JobStatus.FAILED,
        "STORE_DIFFERS",
        before,
    )
