"""`wellhead ops verify`, as people run it:
a process of its own, on files that real merges made and on damaged ones.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.program import program_environment, run
from support.stores import BAD, RENAMED, ROWS, merged

from clients.cli.database_check import CHECKS

if TYPE_CHECKING:
    import subprocess

HEADERS, BLOCK = 3 * 4096, 1 << 18


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve months of three wells, one row revised, some rejected."""
    first = [json.dumps(row).encode() for row in ROWS]
    revised = {**ROWS[0], "oil_production_kbd": 2.5}
    return merged(
        tmp_path_factory.mktemp("whole"),
        [*first, *BAD],
        [json.dumps(row).encode() for row in (revised, RENAMED)],
    )


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path))


def verified(store: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return run("ops", "verify", str(store), *options, environment=program_environment(store.parent))


def told(store: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = verified(store, "--json", *options)
    return done.returncode, json.loads(done.stdout)


def test_a_store_as_imports_leave_it_is_right(store: Path) -> None:
    sha256 = hashlib.sha256(store.read_bytes()).hexdigest()

    code, report = told(store, "--sha256", sha256)

    assert (code, report["is_right"], report["sha256"]) == (0, True, sha256)
    assert {table: found["rows"] for table, found in report["tables"].items()} == {
        "codes_as_numbers": 0,
        "import_runs": 2,
        "rejected_rows": len(BAD),
        "well_production": len(ROWS) + 1,
        "well_production_history": 1,
        "wellhead_schema": 1,
    }
    assert [check["name"] for check in report["checks"]] == [
        "other_file",
        "damaged_tables",
        *CHECKS,
    ]
    assert all(check["wrong"] == 0 for check in report["checks"])


WRONG = {
    "repeated_keys": "INSERT INTO well_production SELECT * FROM well_production LIMIT 1",
    "rows_without_key": "UPDATE well_production SET well_code = NULL WHERE well_code = '-3'",
    "rows_not_of_runs": "DELETE FROM well_production WHERE well_code = '-3'",
    "history_of_no_run": "UPDATE well_production_history SET job_id = 'nobody'",
    "updated_without_history": "DELETE FROM well_production_history",
    "rejected_beyond_runs": "UPDATE rejected_rows SET job_id = 'job-2'",
    "runs_twice": "INSERT INTO import_runs SELECT * FROM import_runs",
    "odd_periods": "UPDATE well_production SET production_period = '2024-01-02' WHERE production_period = '2024-01-01'",
    "sources_of_two_lengths": "UPDATE well_production SET period_days = 1 WHERE well_code = '-3'",
    "odd_values": "UPDATE well_production SET oil_production_kbd = 'NaN' WHERE well_code = '-3'",
}


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_wrong_is_told_by_its_check(store: Path, name: str) -> None:
    with duckdb.connect(store) as connection:
        connection.execute(WRONG[name])

    code, report = told(store)

    wrong = {check["name"]: check["wrong"] for check in report["checks"] if check["wrong"]}
    assert (code, report["is_right"]) == (1, False)
    assert wrong[name] > 0


def test_another_file_is_told_by_its_sum(store: Path) -> None:
    done = verified(store, "--sha256", "ab" * 32)

    assert done.returncode == 1
    assert "other_file\tWRONG\t1\tthe file has the SHA-256 it should have" in done.stdout


def test_a_damaged_block_is_told_and_the_rest_is_looked_at(store: Path) -> None:
    whole = store.read_bytes()
    found = []
    for place in range(HEADERS + 60, len(whole), BLOCK):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        store.write_bytes(damaged)
        done = verified(store)
        found += [done.stdout] if "damaged_tables\tWRONG" in done.stdout else []
        assert done.returncode == 1 or "damaged_tables\tright" in done.stdout

    assert any("not looked at" in text for text in found)


def test_a_file_of_something_else_is_no_database_of_ours(tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    with duckdb.connect(other) as connection:
        connection.execute("CREATE TABLE x (y INTEGER)")

    done = verified(other, "--json")

    assert (done.returncode, json.loads(done.stderr.splitlines()[-1])["error"]["code"]) == (
        1,
        "DATABASE_FOREIGN",
    )
