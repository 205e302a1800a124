"""Every snippet of docs/using-the-data.md, run against a store that real imports made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.compatibility import ENVIRONMENTS
from support.coordination import KEYS
from support.documents import blocks, section, table, text
from support.shelf import shelved
from support.staging import published, run_import
from support.warehouses import own_prefix, s3_client

from chalicelib.services import Services, open_warehouse
from chalicelib.warehouse.names import sha256_of
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from local.aws.emulator import LocalAws

DOCUMENT = "docs/using-the-data.md"
SOMETIMES_EMPTY = ("ILIKE", "TIMESTAMPTZ", "missing_months", "rejected_rows")
PYTHON = ENVIRONMENTS / "1.5" / "bin" / "python"
HTTPFS = "import duckdb_extension_httpfs as package; print(package.__path__[0])"


def import_two(environment: dict[str, str]) -> None:
    for revision in (0, 1):
        with SampleSource(GeneratedProduction(3_000, revision=revision)) as source:
            run_import(environment, source.url)


@pytest.fixture
def warehouse(environment: dict[str, str]) -> Path:
    """After a first import and one that found revisions."""
    shelved("two of 3,000 rows", environment, lambda: import_two(environment))
    return Path(environment["WELLHEAD_WAREHOUSE"])


def test_the_sql(warehouse: Path) -> None:
    statements = blocks(text(DOCUMENT), "sql")

    assert len(statements) == 8
    with duckdb.connect(warehouse / "wells.duckdb", read_only=True) as wells:
        for statement in statements:
            rows = wells.execute(statement).fetchall()
            assert rows or any(word in statement for word in SOMETIMES_EMPTY), statement


def test_the_history_of_a_value(warehouse: Path) -> None:
    [statement] = [block for block in blocks(text(DOCUMENT), "sql") if "replaced_by" in block]
    with duckdb.connect(warehouse / "wells.duckdb", read_only=True) as wells:
        [(field, well, period)] = wells.execute(
            "SELECT field_code, well_code, CAST(production_period AS VARCHAR) FROM well_production_history LIMIT 1"
        ).fetchall()
        asked = (
            statement.replace("1001", str(field), 2)
            .replace("770010000100", str(well))
            .replace("2016-01-01", period)
        )
        rows = wells.execute(f"SELECT replaced_by FROM ({asked.strip().rstrip(';')})").fetchall()

    assert len(rows) == 2
    assert rows[0][0]
    assert rows[1] == (None,)


def test_the_python_without_pandas(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(warehouse)
    series, _, exports = blocks(text(DOCUMENT), "python")

    found: dict[str, Any] = {}
    exec(compile(series, DOCUMENT, "exec"), found)
    exec(compile(exports, DOCUMENT, "exec"), {})

    assert found["rows"]
    with duckdb.connect() as connection:
        exported = connection.execute("SELECT count(*) FROM 'well_production.parquet'").fetchall()
        listed = connection.execute("SELECT count(*) FROM 'wells.csv'").fetchall()
    with duckdb.connect(warehouse / "wells.duckdb", read_only=True) as wells:
        assert exported == wells.execute("SELECT count(*) FROM well_production").fetchall()
        assert listed == wells.execute("SELECT count(*) FROM wells").fetchall()


def run_elsewhere(code: str, directory: Path) -> str:
    if not PYTHON.exists():
        pytest.skip("the environment is not there; make compatibility makes it")
    done = subprocess.run(
        [PYTHON, "-B", "-c", code], cwd=directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_python_with_pandas(warehouse: Path) -> None:
    [block] = [block for block in blocks(text(DOCUMENT), "python") if ".df()" in block]

    columns, rows = run_elsewhere(
        block + "print(list(frame.columns)); print(len(frame))", warehouse
    ).splitlines()

    assert columns == "['field_name', 'year', 'oil']"
    assert int(rows) > 0


def test_a_snapshot_is_attached_over_s3(
    environment: dict[str, str], warehouse: Path, aws: LocalAws, tmp_path: Path
) -> None:
    """The document's statements but for the place: extension, key and bucket are the local ones."""
    store, prefix = published(environment), own_prefix()
    snapshot = Services(environment).job_manager.current_snapshot()
    assert snapshot
    client = s3_client(aws.url)
    open_warehouse(prefix, s3=client).put(snapshot.name, store, sha256=sha256_of(store))
    client.close()
    [statements] = blocks(section(text(DOCUMENT), "From S3, without a copy"), "")
    extension = f"{run_elsewhere(HTTPFS, tmp_path)}/extensions/v1.5.5/httpfs.duckdb_extension"
    endpoint = aws.url.removeprefix("http://")
    local = (
        statements.replace("INSTALL httpfs;\n", "")
        .replace("LOAD httpfs", f"LOAD '{extension}'")
        .replace(
            "REGION 'eu-central-1'",
            f"REGION 'us-east-1', ENDPOINT '{endpoint}', URL_STYLE 'path', USE_SSL false",
        )
        .replace(
            "s3://your-bucket/wellhead/snapshots/wells-0000000001-….duckdb",
            f"{prefix}/{snapshot.name}",
        )
        .replace("AKIA…", KEYS.access_key_id)
        .replace("'…'", f"'{KEYS.secret_access_key}'")
    )
    assert "…" not in local

    code = f"import duckdb\nprint(duckdb.connect().execute({local!r}).fetchall())"

    assert run_elsewhere(code, tmp_path) == f"[({snapshot.rows},)]"


def test_who_has_the_file_open_keeps_reading_it(
    environment: dict[str, str], warehouse: Path, tmp_path: Path
) -> None:
    file = warehouse / "wells.duckdb"
    with duckdb.connect(file, read_only=True) as before:
        asked = "SELECT max(updated_at) - min(updated_at), count(*), count(DISTINCT updated_at) FROM well_production"
        seen = before.execute(asked).fetchall()
        with SampleSource(GeneratedProduction(3_100)) as source:
            run_import(environment, source.url)

        shutil.copyfile(file, tmp_path / "copy.duckdb")
        with duckdb.connect(tmp_path / "copy.duckdb", read_only=True) as after:
            assert after.execute("SELECT count(*) FROM import_runs").fetchall() == [(3,)]
        assert before.execute(asked).fetchall() == seen
        assert before.execute("SELECT count(*) FROM import_runs").fetchall() == [(2,)]


def test_a_process_that_has_the_file_open_sees_the_old_data_until_it_closes_all(
    environment: dict[str, str], warehouse: Path
) -> None:
    """DuckDB shares what is open under a path. The snapshot has another name with each import."""

    def imports_in(name: str) -> int:
        with duckdb.connect(warehouse / name, read_only=True) as connection:
            return int(connection.execute("SELECT count(*) FROM import_runs").fetchall()[0][0])

    with duckdb.connect(warehouse / "wells.duckdb", read_only=True):
        with SampleSource(GeneratedProduction(3_100)) as source:
            run_import(environment, source.url)

        assert imports_in("wells.duckdb") == 2
        snapshot, *_ = (warehouse / "wells.duckdb.name").read_text().splitlines()
        assert imports_in(snapshot) == 3

    assert imports_in("wells.duckdb") == 3


def test_the_summary_is_documented_field_by_field(
    environment: dict[str, str], warehouse: Path
) -> None:
    documented = [
        name.strip("` ")
        for row in table(section(text(DOCUMENT), "What the summary counts"))
        for name in row[0].split(",")
    ]

    summary = Services(environment).published_production.summary()

    assert documented == list(summary)
    snapshot = next(
        row[1]
        for row in table(section(text(DOCUMENT), "What the summary counts"))
        if "snapshot" in row[0]
    )
    assert all(f"`{name}`" in snapshot for name in summary["snapshot"])
