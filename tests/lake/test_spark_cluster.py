"""Spark itself: a standalone cluster of two workers on this machine,
on the same strict catalog as DuckDB. It takes minutes, so `make spark-check` alone runs it.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.imports import expected_rows, published_rows
from support.machine import StatesWorker
from support.merging import LakeStore, assert_main_is
from support.spark.cluster import Cluster
from support.spark.environment import reason_without
from support.staged_merge import read_order
from support.staging import NOON, SAME_READING, as_dicts, batch_of, facts, json_row
from support.staging import TABLES as QUERIES
from support.store_kinds import LAKE

from chalicelib.jobs.job import JobStatus
from chalicelib.lake.catalog import Catalog
from chalicelib.lake.spark import MARK
from chalicelib.lake.versions import PRODUCTION
from chalicelib.store.outcome import Looks
from local.catalog.server import CatalogServer
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.merge_model import Row

    from chalicelib.lake.compared import Compared
    from chalicelib.lake.repository import LakeRepository

WHY_NOT = (
    reason_without()
    if os.environ.get("SPARK_CHECK")
    else "make spark-check runs it, which takes some minutes"
)
pytestmark = [
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
    pytest.mark.timeout(1800),
]
READER = Path(__file__).parents[1] / "support" / "spark" / "read_table.py"
WELLS, YEARS = 250, range(2018, 2024)  # 18,000 rows an import


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("spark") / "cluster") as cluster:
        yield cluster


def rows_of(number: int) -> list[bytes]:
    """Of these wells, ten of which are new with each import and ten are gone;
    a third has other rates, some none.
    """
    return [
        json_row(
            field_code=str(well % 7),
            well_code=f"{well:04}",
            well_name=f"Well {well} Ø" if well % 5 else None,
            production_period=f"{year}-{month:02}-01",
            oil_production_kbd=well * month / (7 * number if well % 3 == 0 else 7),
            days_on_production=None if month == number else 28.5,
        )
        for well in range(number * 10, WELLS + number * 10)
        for year in YEARS
        for month in range(1, 13)
    ]


class Lake:
    """What imports are merged into, each by DuckDB or by Spark."""

    def __init__(self, directory: Path, url: str, cluster: Cluster) -> None:
        directory.mkdir(exist_ok=True)
        self.store = LakeStore(directory, url)
        self.url = url
        self._directory = directory
        self._cluster = cluster

    def run(self, number: int, engine: str) -> None:
        if engine == "spark":
            ran = self._cluster.submit(self.order(number), self.url)
            assert ran.code == 0, ran.output[-3000:]
            print(
                f"import {number}: {ran.seconds:.0f} s, tasks on executors {sorted(ran.executors)}"
            )
        self.publish(number, engine)

    def order(self, number: int) -> str:
        """Where it lies."""
        repository, compared = self._compared(number)
        delta = self._directory / f"delta-{number}-{time.monotonic_ns()}.parquet"
        place = delta.with_suffix(".json")
        place.write_text(repository.order(compared, delta, delta.as_uri()).text())
        repository.close()
        return place.as_uri()

    def publish(self, number: int, engine: str) -> None:
        repository, compared = self._compared(number)
        staged = repository.spark_snapshot(compared)
        assert (staged is not None) == (engine == "spark")
        self.store.published = repository.commit(compared, beat=lambda: None, staged=staged)
        repository.check(self.store.published)
        repository.close()

    def _compared(self, number: int) -> tuple[LakeRepository, Compared]:
        repository = self.store.repository()
        repository.stage(batch_of(self._directory, rows_of(number)), SAME_READING)
        looks = Looks(now=NOON + number * 1000, warnings={}, withdraws=number > 1)
        return repository, repository.compare(self.store.published, facts(number), looks)

    def marks(self) -> list[str]:
        head = self.store.catalog.head(PRODUCTION)
        assert head
        return [
            told["summary"][MARK] for told in head.snapshots.values() if MARK in told["summary"]
        ]

    def as_spark_reads_it(self) -> list[Row]:
        found = self._directory / f"read-{time.monotonic_ns()}"
        ran = self._cluster.run(
            READER, "lake.wellhead.well_production", str(found), catalog=self.url
        )
        assert ran.code == 0, ran.output[-3000:]
        with duckdb.connect() as connection:
            connection.execute(
                f"CREATE VIEW well_production AS SELECT * FROM read_parquet('{found}/*.parquet')"
            )
            return as_dicts(connection.execute(QUERIES[PRODUCTION]))


@pytest.fixture
def lake(tmp_path: Path, cluster: Cluster) -> Iterator[Lake]:
    with CatalogServer(tmp_path / "lake") as server:
        yield Lake(tmp_path / "imports", server.url, cluster)


def test_after_the_same_imports_both_have_the_same_rows(
    tmp_path: Path, cluster: Cluster, lake: Lake
) -> None:
    """Row by row, in all tables, whoever has merged before.
    And Spark reads what DuckDB has written as DuckDB does what Spark has.
    """
    with CatalogServer(tmp_path / "other") as server:
        by_duckdb = Lake(tmp_path / "by-duckdb", server.url, cluster)
        for number, engine in enumerate(("duckdb", "spark", "duckdb", "spark"), start=1):
            lake.run(number, engine)
            by_duckdb.run(number, "duckdb")

            assert lake.store.tables() == by_duckdb.store.tables(), (number, engine)

        assert lake.as_spark_reads_it() == by_duckdb.store.tables()[PRODUCTION]
        assert by_duckdb.as_spark_reads_it() == lake.store.tables()[PRODUCTION]


def test_a_first_import_too(tmp_path: Path, cluster: Cluster, lake: Lake) -> None:
    """There is no main to stage anything upon."""
    with CatalogServer(tmp_path / "other") as server:
        by_duckdb = Lake(tmp_path / "by-duckdb", server.url, cluster)
        lake.run(1, "spark")
        by_duckdb.run(1, "duckdb")

        assert lake.store.tables() == by_duckdb.store.tables()


def test_a_job_that_is_killed_and_one_that_comes_twice_merge_once(
    cluster: Cluster, lake: Lake
) -> None:
    lake.run(1, "duckdb")
    before = lake.store.tables()
    order = lake.order(2)

    killed = cluster.submit(order, lake.url, kill_at="Starting task 0.0 in stage 3.0")
    assert killed.code == -signal.SIGKILL
    assert (lake.marks(), lake.store.tables()) == ([], before)
    first, second = (cluster.submit(order, lake.url) for _ in range(2))

    assert (first.code, second.code) == (0, 0)
    assert "merged before" not in first.output
    assert "merged before" in second.output
    assert lake.marks() == [read_order(order)["mark"]]
    assert lake.store.tables() == before  # until Wellhead publishes it
    lake.publish(2, "spark")
    late = cluster.submit(order, lake.url)  # nobody waits for it any more
    assert (late.code, "merged before" in late.output) == (0, True)


def test_a_job_whose_main_has_moved_merges_nothing(cluster: Cluster, lake: Lake) -> None:
    lake.run(1, "duckdb")
    order = lake.order(2)
    lake.run(3, "duckdb")

    late = cluster.submit(order, lake.url)

    assert late.code != 0
    assert "and the order is for" in late.output
    assert lake.marks() == []


@LAKE
def test_a_whole_import_in_the_states_of_the_machine(
    environment: dict[str, str], dynamodb: Any, cluster: Cluster
) -> None:
    """Plan, parts and merge as their functions run them;
    what Step Functions and EMR do between them is done here.
    """
    data = GeneratedProduction(20_000)
    with SampleSource(data, max_page_size=2_000) as source:
        environment |= {
            "WELLHEAD_SOURCE_URL": source.url,
            "WELLHEAD_MACHINE": "states",
            "WELLHEAD_STATE_MACHINE": "arn:aws:states:us-east-1:123456789012:stateMachine:import",
            "WELLHEAD_MERGE": "spark",
        }
        worker = StatesWorker(environment, dynamodb)
        job_id = worker.trigger()
        worker.fetch_all(worker.plan(job_id))
        asked = worker.merge(job_id)
        assert asked["outcome"] == "spark"

        ran = cluster.submit(asked["order"], worker.settings.catalog)

        assert ran.code == 0, ran.output[-3000:]
        assert worker.merge(job_id)["outcome"] == JobStatus.COMPLETED
        assert published_rows(worker) == expected_rows(data)
        snapshot = worker.manager.current_snapshot()
        assert snapshot
        assert_main_is(Catalog(worker.settings.catalog, session=None), snapshot)  # type: ignore[arg-type]  # unsigned
