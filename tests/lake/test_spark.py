"""A merge by Spark as far as it is Wellhead's: the order, what is taken for its answer,
and when main moves. The MERGE of the order is run by DuckDB here, on the same tables.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.disturbed_catalog import DisturbedHandler, lose_the_answer
from support.imports import Worker, expected_rows, published_rows
from support.kept_lake import KeptLake
from support.machine import StatesWorker
from support.merge_model import Import
from support.merging import LakeStore, assert_main_is
from support.staged_merge import carry_out, read_order
from support.staging import NOON, SAME_READING, batch_of, facts, json_row
from support.store_kinds import LAKE

from chalicelib.errors import LakeMoved, PublishRefused
from chalicelib.imports.lake_publication import LakePublication
from chalicelib.jobs.job import JobStatus
from chalicelib.lake.catalog import Catalog
from chalicelib.lake.spark import STAGING, Mark, staged_upon
from chalicelib.lake.versions import PRODUCTION
from chalicelib.store.outcome import Looks
from local.source.production import GeneratedProduction
from local.source.server import SampleSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.lake.compared import Compared
    from chalicelib.lake.repository import LakeRepository

Started = tuple["LakeRepository", "Compared"]


def an_import(name: str, wells: range) -> Import:
    rows: list[Any] = [json.loads(json_row(well_code=str(well), well_name=name)) for well in wells]
    return Import([[[*rows, (json_row(well_code=0.5), "NOT_A_WHOLE_NUMBER well_code")]]])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptLake:
    return KeptLake(tmp_path_factory.mktemp("kept"), an_import("first", range(6)))


@pytest.fixture
def handler() -> type[DisturbedHandler]:
    return type("Handler", (DisturbedHandler,), {"disturb": {}, "commits": []})


@pytest.fixture
def store(tmp_path: Path, kept: KeptLake, handler: type[DisturbedHandler]) -> Iterator[LakeStore]:
    """After a first import of six wells."""
    with kept.opened(tmp_path, handler) as store:
        yield store


@pytest.fixture
def worker(store: LakeStore, tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Compares an import, which brings wells 2 to 8 and withdraws 0 and 1."""
    started = []

    def start(
        number: int = 2, name: str = "second", *, late: float = 0.0, wells: range = range(2, 9)
    ) -> Started:
        repository = store.repository()
        started.append(repository)
        rows = [
            json_row(well_code=str(well), well_name=name if well % 2 else "first") for well in wells
        ]
        repository.stage(batch_of(tmp_path, rows), SAME_READING)
        looks = Looks(now=NOON + number * 1000 + late, warnings={}, withdraws=True)
        return repository, repository.compare(store.published, facts(number), looks)

    yield start
    for repository in started:
        repository.close()


def ordered(started: Started, directory: Path) -> dict[str, Any]:
    repository, compared = started
    delta = directory / "delta.parquet"
    order: dict[str, Any] = json.loads(repository.order(compared, delta, delta.as_uri()).text())
    return order


def publish(store: LakeStore, started: Started, staged: int | None = None) -> None:
    repository, compared = started
    store.published = repository.commit(compared, beat=lambda: None, staged=staged)
    repository.check(store.published)


def test_the_merge_of_the_order_leaves_the_rows_that_duckdb_leaves(
    store: LakeStore, worker: Callable[..., Started], tmp_path: Path, kept: KeptLake
) -> None:
    """Revised, new and withdrawn ones, with their moments;
    and history, rejected rows and runs beside them.
    """
    order = ordered(worker(), tmp_path)
    main = store.catalog.head(PRODUCTION)
    assert main
    assert (order["base"], order["table"]) == (main.snapshot, "lake.wellhead.well_production")
    carry_out(order, store.catalog)
    again = worker(late=7.0)  # a later worker, whose clock has gone on
    staged = again[0].spark_snapshot(again[1])
    assert staged is not None
    publish(store, again, staged)
    by_order = store.tables()

    store.published = kept.published[-1]
    publish(store, worker(number=3, late=-1000.0))  # on the same state, at the same moment

    by_duckdb = store.tables()
    assert by_order["well_production"] == by_duckdb["well_production"]
    assert [row["well_code"] for row in by_order["well_production"]] == list("2345678")
    history = [{**row, "job_id": ""} for row in by_order["well_production_history"]]
    assert history == [{**row, "job_id": ""} for row in by_duckdb["well_production_history"]]
    assert [run["merged_at"] for run in by_order["import_runs"]] == [NOON + 1000, NOON + 2000]


def test_main_moves_with_the_words_of_who_moves_it(
    store: LakeStore, worker: Callable[..., Started], tmp_path: Path
) -> None:
    staged = carry_out(ordered(worker(), tmp_path), store.catalog)
    before = store.catalog.head(PRODUCTION)
    assert before
    assert before.snapshot == store.published.of(PRODUCTION)  # nobody reads what is staged

    again = worker()
    publish(store, again, again[0].spark_snapshot(again[1]))

    head = store.catalog.head(PRODUCTION)
    assert head
    assert head.snapshot == staged == store.published.of(PRODUCTION)
    told = {name: head.properties[f"wellhead.{name}"] for name in ("job", "fence")}
    assert told == {"job": "job-2", "fence": "2"}
    assert json.loads(head.properties["wellhead.facts"])["new_records"] == 3
    assert STAGING.items() <= head.properties.items()


def test_what_spark_made_of_other_rows_is_none_of_this_import(
    store: LakeStore, worker: Callable[..., Started], tmp_path: Path
) -> None:
    """Of another job, of rows that have become others since, or upon another main."""
    carry_out(ordered(worker(), tmp_path), store.catalog)

    for others in (worker(number=3), worker(name="third"), worker(wells=range(2, 8))):
        assert others[0].spark_snapshot(others[1]) is None

    publish(store, worker(number=4, name="fourth"))
    head = store.catalog.head(PRODUCTION)
    assert head
    assert staged_upon(head, "job-2") is None


def test_rows_that_do_not_add_up_are_not_published(
    store: LakeStore, worker: Callable[..., Started], tmp_path: Path
) -> None:
    """As when the job has met what it should not have met, and left it out."""
    order = ordered(worker(), tmp_path)
    order["merge"] = order["merge"].replace("delta.change = 'new'", "delta.well_code = '8'")
    carry_out(order, store.catalog)
    again = worker()

    with pytest.raises(PublishRefused, match="would leave 5 rows in the lake instead of 7"):
        again[0].spark_snapshot(again[1])


def test_an_answer_that_is_lost_has_moved_main_once(
    store: LakeStore,
    worker: Callable[..., Started],
    tmp_path: Path,
    handler: type[DisturbedHandler],
) -> None:
    staged = carry_out(ordered(worker(), tmp_path), store.catalog)
    again = worker()
    found = again[0].spark_snapshot(again[1])
    handler.disturb[PRODUCTION] = lose_the_answer

    publish(store, again, found)

    assert store.published.of(PRODUCTION) == staged


def test_main_that_has_moved_since_is_not_overrun(
    store: LakeStore, worker: Callable[..., Started], tmp_path: Path
) -> None:
    staged = carry_out(ordered(worker(), tmp_path), store.catalog)
    again = worker()
    publish(
        store, worker(number=1, name="other")
    )  # of an older fence: this import may settle it, and does
    head = store.catalog.head(PRODUCTION)
    assert head
    assert store.catalog._commit(
        PRODUCTION, head, [{"action": "remove-snapshots", "snapshot-ids": [staged]}]
    )

    with pytest.raises(LakeMoved):
        again[0].commit(again[1], beat=lambda: None, staged=staged)


def test_a_mark_is_read_as_it_was_written() -> None:
    mark = Mark(job_id="job-2", moment=1_704_110_402_000, digest="7-123")
    assert Mark.read(mark.text()) == mark
    assert Mark.read("") is Mark.read("somebody's own") is None


# -- whole imports ------------------------------------------------------------------------------------

ROWS = 600
DATA = GeneratedProduction(ROWS)


@pytest.fixture
def source() -> Iterator[SampleSource]:
    with SampleSource(DATA, max_page_size=100) as source:
        yield source


@pytest.fixture
def states(environment: dict[str, str], dynamodb: Any, source: SampleSource) -> StatesWorker:
    environment |= {
        "WELLHEAD_SOURCE_URL": source.url,
        "WELLHEAD_MACHINE": "states",
        "WELLHEAD_STATE_MACHINE": "arn:aws:states:us-east-1:123456789012:stateMachine:import",
        "WELLHEAD_MERGE": "spark",
        "WELLHEAD_MEMORY_MB": "200",
    }
    return StatesWorker(environment, dynamodb)


def catalog_of(worker: Worker) -> Catalog:
    return Catalog(worker.settings.catalog, session=None)  # type: ignore[arg-type]  # unsigned


@LAKE
def test_an_import_waits_for_spark_and_publishes_what_it_made(states: StatesWorker) -> None:
    job_id = states.trigger()
    states.fetch_all(states.plan(job_id))
    asked = states.merge(job_id)
    assert asked["outcome"] == "spark"
    waiting = states.manager.get(job_id)
    assert (waiting.status, waiting.events[-1].name) == (JobStatus.RUNNING, "waits for spark")
    assert states.manager.current_snapshot() is None
    asked_again = states.merge(job_id)  # as when Spark has failed, or was never started
    assert asked_again["outcome"] == "spark"
    assert asked_again["order"] != asked["order"]
    carry_out(read_order(asked_again["order"]), catalog_of(states))

    merged = states.merge(job_id)

    assert merged["outcome"] == JobStatus.COMPLETED
    assert published_rows(states) == expected_rows(DATA)
    snapshot = states.manager.current_snapshot()
    assert snapshot
    assert_main_is(catalog_of(states), snapshot)

    again = states.import_all()  # nothing changes, and for that nobody is asked

    assert (again.status, again.new_records, again.updated_records) == (JobStatus.COMPLETED, 0, 0)


@LAKE
def test_auto_asks_spark_for_many_rows_alone(states: StatesWorker) -> None:
    states.set(merge="auto")

    assert states.import_all().status is JobStatus.COMPLETED
    snapshot = states.manager.current_snapshot()
    assert snapshot
    good = snapshot.rows
    for least, outcome in ((good + 1, JobStatus.COMPLETED), (good, "spark")):
        states.set(source_name=f"of-{least}")
        job_id = states.trigger()
        states.fetch_all(states.plan(job_id))
        merged = states.merge(
            job_id, new_publication=partial(LakePublication, engine="auto", spark_rows=least)
        )
        assert merged["outcome"] == outcome
