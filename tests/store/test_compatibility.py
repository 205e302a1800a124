"""A published file answers the same to DuckDB 1.4, 1.5 and 2.0.
`make compatibility` makes their environments.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest
from support.compatibility import ENVIRONMENTS
from support.documents import blocks, text
from support.read_store import answers
from support.shelf import shelved
from support.staging import published, run_import

from local.source.production import GeneratedProduction
from local.source.server import SampleSource

VERSIONS = ("1.4", "1.5", "2.0")
OF_THE_FILE = [
    "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY ALL",
    "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL",
    "SELECT * EXCLUDE (created_at, updated_at), epoch_us(created_at) FROM well_production ORDER BY ALL",
    "SELECT * FROM wells ORDER BY ALL",
    "SELECT job_id, warnings FROM import_runs",
]


def import_two(environment: dict[str, str]) -> None:
    for revision in (0, 1):
        with SampleSource(GeneratedProduction(1_000, revision=revision)) as source:
            run_import(environment, source.url)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_duckdb_gives_the_same_answers(
    version: str, environment: dict[str, str], tmp_path: Path
) -> None:
    python = ENVIRONMENTS / version / "bin" / "python"
    if not python.exists():
        pytest.skip("the environment is not there; make compatibility makes it")
    shelved("compatibility", environment, lambda: import_two(environment))
    store, asked = published(environment), tmp_path / "asked.json"
    statements = [
        *OF_THE_FILE,
        *blocks(text("docs/data.md"), "sql"),
        *blocks(text("docs/using-the-data.md"), "sql"),
    ]
    asked.write_text(json.dumps(statements), "utf-8")

    script = Path(__file__).parents[1] / "support" / "read_store.py"
    done = subprocess.run(
        [python, "-B", script, store, asked], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["version"].startswith(f"{version}.")
    for asked_for, answer in json.loads(json.dumps(answers(store, statements))).items():
        assert told["answers"][asked_for] == answer, asked_for


def test_the_tests_run_on_a_duckdb_that_is_supported() -> None:
    assert duckdb.__version__.rpartition(".")[0] in VERSIONS
