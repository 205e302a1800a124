"""What the tests of the data share:
rows on their way into a scratch repository, whole imports, whole tables.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.jobs.job import Job, new_job
from chalicelib.services import Services
from chalicelib.store.batch import Batch
from chalicelib.store.columns import COLUMNS
from chalicelib.store.outcome import RunFacts
from chalicelib.store.row_reading import plain_reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.store.repository import DuckDBWellProductionRepository

SAME_NAMES = {column.name: column.name for column in COLUMNS}
SAME_READING = plain_reading(SAME_NAMES)
KEY_OF_A_ROW = {"field_code": "1", "well_code": "2", "production_period": "2024-01-01"}
NOTHING = dict.fromkeys(
    [*SAME_NAMES, "problem", "page", "position", "raw", "primary_key", "version"]
)
NOON = 1_704_110_400  # 2024-01-01 12:00 UTC

TABLES = {
    "well_production": """
        SELECT * REPLACE (epoch(created_at) AS created_at, epoch(updated_at) AS updated_at)
        FROM well_production ORDER BY field_code, well_code, production_period""",
    "well_production_history": """
        SELECT * REPLACE (epoch(created_at) AS created_at, epoch(updated_at) AS updated_at,
            epoch(replaced_at) AS replaced_at)
        FROM well_production_history ORDER BY replaced_at, field_code, well_code, production_period""",
    "rejected_rows": """
        SELECT * REPLACE (epoch(rejected_at) AS rejected_at)
        FROM rejected_rows ORDER BY rejected_at, page, position""",
    "import_runs": """
        SELECT * REPLACE (epoch(started_at) AS started_at, epoch(merged_at) AS merged_at)
        FROM import_runs ORDER BY merged_at""",
}


def json_row(**fields: Any) -> bytes:
    """A row as the source writes it; without more, the key alone."""
    return json.dumps(KEY_OF_A_ROW | fields).encode()


def batch_of(directory: Path, *pages: list[bytes], first: int = 1) -> Batch:
    batch = Batch(directory / "batch.ndjson")
    batch.clear()
    for number, rows in enumerate(pages, start=first):
        batch.append(number, rows)
    return batch


def stage(
    repository: DuckDBWellProductionRepository,
    directory: Path,
    *pages: list[bytes],
    first: int = 1,
    mapping: Mapping[str, str] = SAME_NAMES,
) -> list[dict[str, Any]]:
    """Stage the pages as one batch; what their segment has of them, in its order.
    A column without a number in it is shown empty: its row is rejected, and nothing reads it again.
    """
    batch = batch_of(directory, *pages, first=first)
    segment = repository.stage(batch, plain_reading(mapping))
    batch.clear()
    rows = as_dicts(_reading().execute("SELECT * FROM read_parquet(?)", [str(segment)]))
    return [row | _without_number(row["problem"] or "") for row in rows]


def _without_number(problem: str) -> dict[str, None]:
    reason, _, column = problem.partition(" ")
    return {column: None} if reason == "NOT_A_NUMBER" else {}


@cache
def _reading() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def as_dicts(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def tables(store: Path) -> dict[str, list[dict[str, Any]]]:
    """Every table of a store, whole; times as epoch seconds."""
    with duckdb.connect(store, read_only=True) as connection:
        return {name: as_dicts(connection.execute(query)) for name, query in TABLES.items()}


def facts(number: int = 1, expected: int | None = None) -> RunFacts:
    return RunFacts(
        job_id=f"job-{number}",
        fence=number,
        source="https://example.org/odata/WellProduction",
        triggered_by="ada",
        started_at=float(NOON + number * 1000 - 500),
        expected_records=expected,
    )


def run_import(environment: Mapping[str, str], source_url: str) -> Job:
    """One whole import through the real thing; the job as it ended."""
    services = Services({**environment, "WELLHEAD_SOURCE_URL": source_url})
    job = services.job_manager.create(new_job(now=NOON, triggered_by="ada", parameters={}))
    services.work_on(job.job_id, request_id="request-1", remaining=lambda: 900)
    return services.job_manager.get(job.job_id)


def published(environment: Mapping[str, str]) -> Path:
    """The file that the pointer names."""
    snapshot = Services(environment).job_manager.current_snapshot()
    assert snapshot
    return Path(environment["WELLHEAD_WAREHOUSE"], snapshot.name)
