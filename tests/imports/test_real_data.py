"""Two publications of the same real wells,
imported one after the other through the whole product.
"""

from __future__ import annotations

import gzip
import json
from calendar import monthrange
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.staging import published, run_import, tables

from chalicelib.files.json_lines import NdjsonFile
from chalicelib.store.columns import COLUMNS, KEY, VALUES
from local.source.server import SampleSource

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job

DATA = Path(__file__).parents[3] / "shared" / "data"
FIRST, SECOND = (DATA / f"bsee_2024_published_2025-{month}.ndjson.gz" for month in ("02", "04"))
Rows = dict[tuple[Any, ...], dict[str, Any]]

pytestmark = pytest.mark.skipif(
    not SECOND.exists(), reason="the files of the real data are not beside the checkout"
)


def rows_of(path: Path) -> Rows:
    """The file's rows by their key, as the columns of the store hold them."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    stored = [stored_row(row) for row in rows]
    assert len({key(row) for row in stored}) == len(stored)
    return {key(row): row for row in stored}


def stored_row(row: dict[str, Any]) -> dict[str, Any]:
    period = date.fromisoformat(row["production_period"])
    codes = {name: str(row[name]) for name in ("field_code", "well_code")}
    ours = {
        "source": "default",
        "period_days": monthrange(period.year, period.month)[1],
        "source_rows": 1,
    }
    return (
        {column.name: row[column.name] for column in COLUMNS}
        | codes
        | {"production_period": period}
        | ours
    )


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def values(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in VALUES)


def import_file(environment: dict[str, str], path: Path) -> Job:
    """In pages of 500, so that there are several."""
    with NdjsonFile(path) as rows, SampleSource(rows, max_page_size=500) as source:
        return run_import(environment, source.url)


def outcome(job: Job) -> dict[str, Any]:
    names = (
        "status",
        "expected_records",
        "total_records",
        "new_records",
        "updated_records",
        "duplicate_records",
    )
    return {name: getattr(job, name) for name in (*names, "failed_records", "error")}


def test_every_value_of_both_publications_is_where_it_belongs(environment: dict[str, str]) -> None:
    first, second = rows_of(FIRST), rows_of(SECOND)
    revised = {
        of for of, row in first.items() if of in second and values(row) != values(second[of])
    }

    one = import_file(environment, FIRST)

    assert outcome(one) == {
        "status": "COMPLETED",
        "expected_records": 2_846,
        "total_records": 2_846,
        "new_records": 2_846,
        "updated_records": 0,
        "duplicate_records": 0,
        "failed_records": 0,
        "error": None,
    }
    after_one = tables(published(environment))
    [run] = after_one["import_runs"]
    merged_first = {"created_at": run["merged_at"], "updated_at": run["merged_at"]}
    assert after_one["well_production"] == [first[of] | merged_first for of in sorted(first)]
    assert (after_one["well_production_history"], after_one["rejected_rows"]) == ([], [])

    two = import_file(environment, SECOND)

    assert outcome(two) == {
        "status": "COMPLETED",
        "expected_records": 3_178,
        "total_records": 3_178,
        "new_records": 332,
        "updated_records": 161,
        "duplicate_records": 2_685,
        "failed_records": 0,
        "error": None,
    }
    after_two = tables(published(environment))
    assert [run["job_id"] for run in after_two["import_runs"]] == [one.job_id, two.job_id]
    merged_second = {"updated_at": after_two["import_runs"][1]["merged_at"]}
    expected: Rows = {of: row | merged_first for of, row in first.items()}
    for of, row in second.items():
        if of not in first:
            expected[of] = row | {"created_at": merged_second["updated_at"]} | merged_second
        elif of in revised:
            expected[of] = row | {"created_at": merged_first["created_at"]} | merged_second
    assert len(revised) == 161
    assert after_two["well_production"] == [expected[of] for of in sorted(expected)]
    replaced = {"replaced_at": merged_second["updated_at"], "job_id": two.job_id}
    assert after_two["well_production_history"] == [
        first[of] | merged_first | replaced for of in sorted(revised)
    ]
    assert after_two["rejected_rows"] == []


def test_the_same_publication_again_changes_nothing(environment: dict[str, str]) -> None:
    import_file(environment, SECOND)
    before = tables(published(environment))["well_production"]

    again = import_file(environment, SECOND)

    assert (again.duplicate_records, again.total_records) == (3_178, 3_178)
    after = tables(published(environment))
    assert after["well_production"] == before
    assert after["well_production_history"] == []
