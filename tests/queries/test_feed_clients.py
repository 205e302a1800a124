"""The feed, read by clients that no one here wrote, and by Wellhead itself:
what comes is what was published.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.api_client import READER
from support.data_api import ROWS, Wells
from support.staging import published, run_import
from support.third_party import environment as packages

from chalicelib.jobs.job import JobStatus
from chalicelib.store.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENTS: dict[str, tuple[Path, list[str]]] = {
    "odatapy": (
        packages.PACKAGES,
        [str(packages.PYTHON), str(packages.HERE / "feed_client.py"), "odatapy"],
    ),
    "python-odata": (
        packages.PACKAGES,
        [str(packages.PYTHON), str(packages.HERE / "feed_client.py"), "python-odata"],
    ),
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
OF_THE_FIRST_FIELD = [
    [row["well_code"], row["production_period"]] for row in ROWS if row["field_code"] == "1"
]


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


SECOND = "wellhead-second"
TIMES = ("created_at", "updated_at")


def content_of(store: Path) -> str:
    """A hash of all that a source tells of its rows, in the order of the key."""
    told = [column.name for column in COLUMNS if column.name not in TIMES]
    names = ", ".join(["source", "period_days", "source_rows", *told])
    with duckdb.connect(str(store), read_only=True) as connection:
        rows = connection.sql(f"SELECT {names} FROM well_production ORDER BY ALL").fetchall()
    assert len(rows) == len(ROWS)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


@pytest.fixture
def second_table(dynamodb: Any) -> Iterator[str]:
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    dynamodb.create_table(
        TableName=SECOND,
        KeySchema=keys,
        AttributeDefinitions=attributes,
        BillingMode="PAY_PER_REQUEST",
    )
    yield SECOND
    dynamodb.delete_table(TableName=SECOND)


def test_wellhead_imports_from_wellhead_what_was_published(
    wells: Wells, tmp_path: Path, second_table: str
) -> None:
    second = wells.environment | {
        "WELLHEAD_TABLE": second_table,
        "WELLHEAD_WAREHOUSE": str(tmp_path / "second"),
        "WELLHEAD_SOURCE_AUTH": "basic",
        "WELLHEAD_SOURCE_SECRET": "env:SECRET",
        "SECRET": json.dumps({"username": "wellhead", "password": READER}),
        "WELLHEAD_PAGE_SIZE": "2",
    }
    job = run_import(second, f"http://127.0.0.1:{wells.port}/odata/v4/WellProduction")

    assert (job.status, job.error, job.failed_records) == (JobStatus.COMPLETED, None, 0)
    assert (job.new_records, [told["rule"] for told in job.warnings]) == (
        len(ROWS),
        ["UNKNOWN_FIELDS"],
    )
    assert content_of(published(second)) == content_of(published(wells.environment))
