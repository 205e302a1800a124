"""What asks reaches the published store alone:
no other file, no network, no setting, whatever the statement says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest
from support.stores import opened, wide

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chalicelib.queries.production import ProductionQuery

ROWS = 60_000
ATTACKS = (
    "FROM read_text('{secret}')",
    "FROM read_blob('{place}/../{secret.name}')",
    "FROM read_csv('{secret}', header = false)",
    "FROM '{secret}'",
    "FROM glob('{secret.parent}/*')",
    "COPY (SELECT 1) TO '{secret.parent}/written.csv'",
    "COPY (SELECT 1) TO '{place}/../written.csv'",
    "EXPORT DATABASE '{secret.parent}/written'",
    "ATTACH '{secret.parent}/written.duckdb' AS other",
    "FROM read_csv('http://127.0.0.1:9/x.csv')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{secret.parent}/own.duckdb_extension'",
    "SET enable_external_access = true",
    "SET allowed_directories = ['/']",
    "SET temp_directory = '{secret.parent}'",
    "SET memory_limit = '100GB'",
    "RESET lock_configuration",
    "CREATE PERSISTENT SECRET own (TYPE http, BEARER_TOKEN 'a')",
    "DELETE FROM wells.well_production",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store's readers keep what is theirs; beside it lies a secret."""
    directory = tmp_path_factory.mktemp("locked")
    (directory / "secret.csv").write_text("a secret\n", "utf-8")
    return directory / "reading"


@pytest.fixture(scope="module")
def query(place: Path) -> Iterator[ProductionQuery]:
    query = opened(wide(place.parent / "wells.duckdb", wells=ROWS, periods=1), memory_mb=50)
    yield query
    query.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_statement_reaches_nothing_but_the_store(
    attack: str, query: ProductionQuery, place: Path
) -> None:
    before = sorted(place.parent.iterdir())
    with query._connection.cursor() as own, pytest.raises(duckdb.Error):
        own.execute(attack.format(secret=place.parent / "secret.csv", place=place)).fetchall()

    assert sorted(place.parent.iterdir()) == before


def test_what_does_not_fit_into_memory_goes_where_it_may(
    query: ProductionQuery, place: Path
) -> None:
    question = "SELECT count(*) FROM (SELECT DISTINCT md5(i::VARCHAR) || repeat('x', 100) FROM range(600_000) AS t(i))"
    with query._connection.cursor() as own:
        assert own.execute(question).fetchone() == (600_000,)
    assert list(place.glob("own-*/spill"))


def test_the_rows_are_still_written_as_parquet(query: ProductionQuery, place: Path) -> None:
    query.write_parquet(place / "wells.parquet")

    assert duckdb.read_parquet(str(place / "wells.parquet")).count("*").fetchone() == (ROWS,)
