"""The feed, read by clients that no one here wrote, and by Wellhead itself: what comes is what was published."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import duckdb
import pytest
from simulation.dynamodb import InMemoryDynamoDb
from support.api_client import READER
from support.data_api import ROWS, Wells
from support.imports import Worker
from support.third_party import environment as packages

from chalicelib.jobs.job import JobStatus
from chalicelib.store.columns import COLUMNS

CLIENTS: dict[str, tuple[Path, list[str]]] = {
    "odatapy": (packages.PACKAGES, [str(packages.PYTHON), str(packages.HERE / "feed_client.py"), "odatapy"]),
    "python-odata": (packages.PACKAGES, [str(packages.PYTHON), str(packages.HERE / "feed_client.py"), "python-odata"]),
    "@odata/client": (
        packages.NODE_CLIENT,
        [
            str(packages.NODE),
            str(packages.HERE / "node_client" / "feed.cjs"),
            str(packages.NODE_CLIENT / "node_modules"),
        ],
    ),
}
ALL = [[row["well_code"], row["production_period"]] for row in ROWS]
OF_THE_FIRST_FIELD = [[row["well_code"], row["production_period"]] for row in ROWS if row["field_code"] == "1"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_of_others_reads_what_is_published(wells: Wells, client: str) -> None:
    place, command = CLIENTS[client]
    for needed in {place, packages.CAP if command[0] == str(packages.NODE) else place}:
        if reason := packages.reason_without(needed):
            pytest.skip(reason)

    root = f"http://127.0.0.1:{wells.port}/odata/v4/"
    said = subprocess.run([*command, root, READER], capture_output=True, text=True, check=False)

    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout.splitlines()[-1])
    assert len(found.pop("sets")) == 3
    assert found == {
        "all": ALL,
        "filtered": sorted(OF_THE_FIRST_FIELD, key=lambda key: (-int(key[1][5:7]), key[0])),
        "count": 6,
        "name": "Årdal 20",
    }


def content_of(store: Path) -> str:
    """A hash of all that a source tells of its rows, in the order of the key."""
    names = ", ".join(["source", "period_days", *(column.name for column in COLUMNS if column.name not in TIMES)])
    with duckdb.connect(str(store), read_only=True) as connection:
        rows = connection.sql(f"SELECT {names} FROM well_production ORDER BY ALL").fetchall()
    assert len(rows) == len(ROWS)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


TIMES = ("created_at", "updated_at")


def test_wellhead_imports_from_wellhead_what_was_published(wells: Wells, tmp_path: Path) -> None:
    settings = {
        "WELLHEAD_SOURCE_URL": f"http://127.0.0.1:{wells.port}/odata/v4/WellProduction",
        "WELLHEAD_SOURCE_USERNAME": "wellhead",
        "WELLHEAD_SOURCE_PASSWORD": READER,
        "WELLHEAD_WAREHOUSE": str(tmp_path / "second"),
        "WELLHEAD_PAGE_SIZE": "2",
    }
    worker = Worker(wells.environment | settings, InMemoryDynamoDb())
    job = worker.import_all()

    assert (job.status, job.error, job.failed_records) == (JobStatus.COMPLETED, None, 0)
    assert (job.new_records, job.warnings) == (len(ROWS), [])
    second = worker.manager.current_snapshot()
    assert second
    first = Path(wells.environment["WELLHEAD_WAREHOUSE"], wells.snapshot_of(wells.job)["name"])
    assert content_of(Path(settings["WELLHEAD_WAREHOUSE"], second.name)) == content_of(first)
