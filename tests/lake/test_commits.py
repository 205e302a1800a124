"""The commits of an import into the lake:
whatever dies or gets lost between them, each row is there once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.disturbed_catalog import DisturbedHandler, lose_the_answer, lose_the_request
from support.kept_lake import KeptLake
from support.merge_model import Import, Model
from support.merging import LakeStore
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

from chalicelib.errors import LeaseLost
from chalicelib.lake.catalog import Catalog, Head
from chalicelib.lake.settling import Maker, settle_lake
from chalicelib.lake.versions import HISTORY, PRODUCTION, REJECTS, RUNS, TABLES, Versions
from chalicelib.store.outcome import Looks
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.lake.compared import Compared
    from chalicelib.lake.repository import LakeRepository


class Died(Exception):
    """The worker is gone: what it has committed stays as it is."""


class SlowCatalog(Catalog):
    """Something happens between a look at a table and what follows it, once."""

    def __init__(self, *details: Any, **more: Any) -> None:
        super().__init__(*details, **more)
        self.then: dict[str, Callable[[], object]] = {}

    def head(self, table: str) -> Head | None:
        found = super().head(table)
        self.then.pop(table, lambda: None)()
        return found


def an_import(name: str, wells: range = range(4)) -> Import:
    """Rows of these wells, called so, and a bad one."""
    rows: list[Any] = [json.loads(json_row(well_code=str(well), well_name=name)) for well in wells]
    return Import(
        [[[*rows, (json_row(well_code=0.5, well_name=name), "NOT_A_WHOLE_NUMBER well_code")]]]
    )


@pytest.fixture
def handler() -> type[DisturbedHandler]:
    return type("Handler", (DisturbedHandler,), {"disturb": {}, "commits": []})


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptLake:
    return KeptLake(tmp_path_factory.mktemp("kept"), an_import("first", range(3)))


@pytest.fixture
def store(tmp_path: Path, kept: KeptLake, handler: type[DisturbedHandler]) -> Iterator[LakeStore]:
    """After a first import."""
    with kept.opened(tmp_path, handler) as store:
        yield store


@pytest.fixture
def worker(
    store: LakeStore, tmp_path: Path
) -> Iterator[Callable[..., tuple[LakeRepository, Compared]]]:
    """Starts an import as far as its commits."""
    started = []

    def start(number: int, name: str, wells: range = range(4)) -> tuple[LakeRepository, Compared]:
        repository = store.repository()
        started.append(repository)
        texts = [json_row(well_code=str(well), well_name=name) for well in wells]
        texts.append(json_row(well_code=0.5, well_name=name))
        repository.stage(batch_of(tmp_path, texts), SAME_READING)
        looks = Looks(now=NOON + number * 1000, warnings={})
        return repository, repository.compare(store.published, facts(number), looks)

    yield start
    for repository in started:
        repository.close()


def names(store: LakeStore) -> dict[str, str]:
    return {row["well_code"]: row["well_name"] for row in store.tables()["well_production"]}


def dying_before(commit: int) -> Callable[[], None]:
    """The worker dies at this one, counted from 0."""
    left = [commit]

    def beat() -> None:
        if not left[0]:
            raise Died
        left[0] -= 1

    return beat


def commit_alone(repository: LakeRepository, compared: Compared, table: str) -> None:
    """As a worker does that has frozen after its last look at the table."""
    write = {
        REJECTS: repository._write_rejects,
        HISTORY: repository._write_history,
        PRODUCTION: repository._write_production,
        RUNS: repository._write_runs,
    }
    repository._commit_table(table, compared, write[table])


def test_an_import_makes_a_commit_a_table_in_order_and_says_who_it_is(
    store: LakeStore, handler: type[DisturbedHandler]
) -> None:
    store.run(2, an_import("second"))

    assert handler.commits == [(table, "job-2") for table in (REJECTS, HISTORY, PRODUCTION, RUNS)]
    heads = {table: store.catalog.head(table) for table in TABLES}
    assert {table: head.snapshot for table, head in heads.items() if head} == dict(
        store.published.snapshots
    )
    told = {json.dumps(dict(head.properties), sort_keys=True) for head in heads.values() if head}
    told_facts = {
        "source": "https://example.org/odata/WellProduction",
        "new_records": 1,
        "updated_records": 3,
    }
    told_facts |= {"duplicate_records": 0, "failed_records": 1, "skipped_records": 0, "rows": 4}
    (properties,) = (json.loads(text) for text in told)
    assert json.loads(properties.pop("wellhead.facts")) == told_facts
    assert {name: properties[name] for name in ("wellhead.job", "wellhead.fence")} == {
        "wellhead.job": "job-2",
        "wellhead.fence": "2",
    }


@pytest.mark.by_lot
@pytest.mark.parametrize("commit", range(5))
def test_an_import_that_dies_at_a_commit_leaves_nothing_to_the_next_one(
    store: LakeStore, worker: Callable[..., tuple[LakeRepository, Compared]], commit: int
) -> None:
    """Also behind the last commit, before the pointer moves.
    The next one is of another job, or the same anew.
    """
    before = store.tables()
    repository, compared = worker(2, "dead", range(2, 9))
    if commit < len(TABLES):
        with pytest.raises(Died):
            repository.commit(compared, beat=dying_before(commit))
    else:
        repository.commit(compared, beat=lambda: None)
    assert store.tables() == before  # nobody who reads what is published sees any of it

    store.run(3, an_import("third"))

    model = Model()
    model.run(1, an_import("first", range(3)).pages, None, {})
    model.run(3, an_import("third").pages, None, {})
    assert store.tables() == model.tables()
    for table in TABLES:
        head = store.catalog.head(table)
        assert head
        assert (head.snapshot, Maker.of(head.properties)) == (
            store.published.of(table),
            Maker("job-3", 3),
        )


def test_what_a_dead_import_left_is_taken_back_before_the_next_one_is_judged(
    store: LakeStore, worker: Callable[..., tuple[LakeRepository, Compared]]
) -> None:
    """It may be held, and then nothing of its own is committed."""
    repository, compared = worker(2, "dead", range(2, 9))
    repository.commit(compared, beat=lambda: None)

    worker(3, "held")

    heads = {table: store.catalog.head(table) for table in TABLES}
    assert {
        table: head.snapshot for table, head in heads.items() if head and head.snapshot
    } == dict(store.published.snapshots)


def test_the_first_import_of_all_may_die_too(tmp_path: Path) -> None:
    with CatalogServer(tmp_path / "lake") as server:
        store = LakeStore(tmp_path, server.url)
        store.run(1, an_import("dead"))
        store.published = Versions(snapshots={})

        result = store.run(2, an_import("second"))

        assert (result.new_records, names(store)) == (4, dict.fromkeys("0123", "second"))
        assert len(store.tables()["import_runs"]) == len(store.tables()["rejected_rows"]) == 1


@pytest.mark.by_lot
@pytest.mark.parametrize("table", TABLES)
def test_a_commit_whose_answer_is_lost_has_happened_once(
    store: LakeStore, handler: type[DisturbedHandler], table: str
) -> None:
    """DuckDB sends it again, and is told that its own commit is in the way."""
    handler.disturb[table] = lose_the_answer

    store.run(2, an_import("second"))

    model = Model()
    model.run(1, an_import("first", range(3)).pages, None, {})
    model.run(2, an_import("second").pages, None, {})
    assert store.tables() == model.tables()
    assert handler.commits == [(name, "job-2") for name in TABLES]


@pytest.mark.by_lot
@pytest.mark.parametrize("table", TABLES)
def test_a_commit_that_never_arrived_is_sent_again(
    store: LakeStore, handler: type[DisturbedHandler], table: str
) -> None:
    handler.disturb[table] = lose_the_request

    store.run(2, an_import("second"))

    assert names(store) == dict.fromkeys("0123", "second")
    assert handler.commits == [(name, "job-2") for name in TABLES]


@pytest.mark.by_lot
@pytest.mark.parametrize("table", TABLES)
def test_a_commit_that_meets_another_one_is_not_taken_for_done(
    store: LakeStore,
    handler: type[DisturbedHandler],
    worker: Callable[..., tuple[LakeRepository, Compared]],
    table: str,
) -> None:
    """A worker that was taken for dead has looked at the table before,
    and its commit arrives in the very moment. It is set back, and this one commits anew.
    """
    zombie, dead = worker(2, "dead", range(9))
    repository, compared = worker(3, "third")

    def be_slower(commit: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        commit_alone(zombie, dead, table)
        return commit()

    handler.disturb[table] = be_slower

    store.published = repository.commit(compared, beat=lambda: None)

    repository.check(store.published)
    assert (table, "job-2") in handler.commits
    assert names(store) == dict.fromkeys("0123", "third")
    assert [run["job_id"] for run in store.tables()["import_runs"]] == ["job-1", "job-3"]
    assert {row["job_id"] for row in store.tables()["well_production_history"]} == {"job-3"}


@pytest.mark.by_lot
@pytest.mark.parametrize("table", TABLES)
def test_what_another_one_commits_just_before_is_not_merged_upon(
    store: LakeStore, worker: Callable[..., tuple[LakeRepository, Compared]], table: str
) -> None:
    """Between the look at the table and the transaction that merges into it."""
    zombie, dead = worker(2, "dead", range(9))
    repository, compared = worker(3, "third")
    repository._catalog = slow = SlowCatalog(store.catalog.place, session=store.session)
    slow.then[table] = lambda: commit_alone(zombie, dead, table)

    store.published = repository.commit(compared, beat=lambda: None)

    repository.check(store.published)
    assert names(store) == dict.fromkeys("0123", "third")
    assert [run["job_id"] for run in store.tables()["import_runs"]] == ["job-1", "job-3"]
    assert {row["job_id"] for row in store.tables()["well_production_history"]} == {"job-3"}
    assert {row["job_id"] for row in store.tables()["rejected_rows"]} == {"job-1", "job-3"}


def test_a_worker_that_wakes_after_another_was_published_changes_nothing(
    store: LakeStore, worker: Callable[..., tuple[LakeRepository, Compared]]
) -> None:
    zombie, dead = worker(2, "dead", range(9))
    store.run(3, an_import("third"))
    before = store.tables()

    with pytest.raises(LeaseLost):
        zombie.commit(dead, beat=lambda: None)

    assert store.tables() == before


def test_who_looked_before_another_was_published_sets_nothing_back(
    store: LakeStore, worker: Callable[..., tuple[LakeRepository, Compared]]
) -> None:
    """What he saw had to be taken back;
    when his request arrives it is gone, and another import stands there.
    """
    dead, compared = worker(2, "dead", range(9))
    dead.commit(compared, beat=lambda: None)
    before, catalog = store.published, SlowCatalog(store.catalog.place, session=store.session)
    catalog.then[PRODUCTION] = lambda: store.run(4, an_import("fourth"))

    with pytest.raises(LeaseLost):
        settle_lake(catalog, before, fence=3)

    heads = {table: store.catalog.head(table) for table in TABLES}
    assert {table: head.snapshot for table, head in heads.items() if head} == dict(
        store.published.snapshots
    )
    assert names(store) == dict.fromkeys("0123", "fourth")
