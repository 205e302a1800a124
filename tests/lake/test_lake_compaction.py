"""What holds the same rows in other files is built upon, whenever it comes:
the catalog compacts when it likes.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from support.disturbed_catalog import DisturbedHandler
from support.kept_lake import KeptLake
from support.merge_model import Import, Model
from support.staging import json_row

from chalicelib.lake.catalog import MAIN, REPLACED, Catalog
from chalicelib.lake.versions import PRODUCTION, RUNS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.merging import LakeStore

    from chalicelib.lake.catalog import Head


class CompactedCatalog(Catalog):
    """A table is compacted behind a look at it, once."""

    def head(self, table: str) -> Head | None:
        found = super().head(table)
        if table == PRODUCTION and not hasattr(self, "compacted"):
            self.compacted = compact(Catalog(self.place, session=self._session), table)
        return found


def compact(catalog: Catalog, table: str) -> int:
    """As the catalog's own maintenance would:
    a snapshot of its own behind main's, of the kind that changes no row.
    """
    head = catalog.head(table)
    assert head
    assert head.snapshot
    before = head.snapshots[head.snapshot]
    number = head.snapshot // 2 + 1
    made = {
        **before,
        "snapshot-id": number,
        "parent-snapshot-id": head.snapshot,
        "sequence-number": max(told["sequence-number"] for told in head.snapshots.values()) + 1,
        "timestamp-ms": max(round(time.time() * 1000), before["timestamp-ms"] + 1),
        "summary": {**before["summary"], "operation": REPLACED},
    }
    moved = {
        "action": "set-snapshot-ref",
        "ref-name": MAIN,
        "type": "branch",
        "snapshot-id": number,
    }
    assert catalog._commit(table, head, [{"action": "add-snapshot", "snapshot": made}, moved])
    return number


def an_import(name: str, wells: range = range(4)) -> Import:
    return Import([[[json.loads(json_row(well_code=str(well), well_name=name)) for well in wells]]])


def assert_as_the_model(store: LakeStore, imports: list[Import]) -> None:
    model = Model()
    for number, each in enumerate(imports, start=1):
        model.run(number, each.pages, None, {})
    assert store.tables() == model.tables()


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


def ancestors(store: LakeStore, table: str) -> list[int]:
    """Of main, itself the first."""
    head = store.catalog.head(table)
    assert head
    found, place = [], head.snapshot
    while place:
        found.append(place)
        place = head.snapshots[place].get("parent-snapshot-id") if place in head.snapshots else None
    return found


def test_the_next_import_builds_upon_a_compacted_table(store: LakeStore) -> None:
    made = {table: compact(store.catalog, table) for table in (PRODUCTION, RUNS)}
    assert_as_the_model(
        store, [an_import("first", range(3))]
    )  # who reads what is published sees what it was

    store.run(2, an_import("second"))

    assert_as_the_model(store, [an_import("first", range(3)), an_import("second")])
    assert all(made[table] in ancestors(store, table) for table in made)


def test_a_table_may_be_compacted_between_a_look_at_it_and_the_merge(store: LakeStore) -> None:
    real = store.catalog
    store.catalog = compacted = CompactedCatalog(real.place, session=store.session)

    store.run(2, an_import("second"))

    assert_as_the_model(store, [an_import("first", range(3)), an_import("second")])
    assert compacted.compacted in ancestors(store, PRODUCTION)


@pytest.mark.by_lot
@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_is_compacted_right_after_its_commit_is_published_so(
    store: LakeStore, handler: type[DisturbedHandler], table: str
) -> None:
    made: list[int] = []

    def commit_and_compact(commit: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        done = commit()
        made.append(compact(store.catalog, table))
        return done

    store.run(2, an_import("second"))
    handler.disturb[table] = commit_and_compact

    store.run(
        3,
        Import(
            [
                [
                    [
                        *an_import("third").pages[0],
                        (json_row(well_code=0.5), "NOT_A_WHOLE_NUMBER well_code"),
                    ]
                ]
            ]
        ),
    )

    assert (store.published.of(table), len(made)) == (made[0], 1)
    assert {row["well_name"] for row in store.tables()[PRODUCTION]} == {"third"}
    assert len(store.tables()[RUNS]) == 3
