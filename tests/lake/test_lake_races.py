"""Workers that were taken for dead commit beside the one that holds the lock:
none of their rows is published, and none of his is lost or doubled.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from support.merging import LakeStore
from support.soak import longer
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

from chalicelib.errors import LakeMoved, LeaseLost
from chalicelib.store.outcome import Looks
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.lake.compared import Compared
    from chalicelib.lake.repository import LakeRepository
    from chalicelib.lake.versions import Versions

pytestmark = pytest.mark.timeout(longer(600, 7200))
WELLS = 6
MERGERS = 4
ROUNDS = longer(3, 125)  # with their mergers, 12 or 500


class Merger:
    """One worker with its fence, as far as its commits, and what became of these."""

    def __init__(self, store: LakeStore, directory: Path, fence: int) -> None:
        self.fence = fence
        self.versions: Versions | None = None
        self.refused: Exception | None = None
        self._repository: LakeRepository = store.repository()
        rows = [
            json_row(well_code=str(well), well_name=f"{fence}") for well in range(WELLS + fence % 3)
        ]
        self._repository.stage(
            batch_of(directory, [*rows, json_row(well_code=0.5, well_name=f"{fence}")]),
            SAME_READING,
        )
        looks = Looks(now=NOON + fence * 1000, warnings={})
        self._compared: Compared = self._repository.compare(store.published, facts(fence), looks)

    def commit(self) -> None:
        try:
            versions = self._repository.commit(self._compared, beat=lambda: None)
            self._repository.check(versions)
        except (LeaseLost, LakeMoved) as exc:
            self.refused = exc
        else:
            self.versions = versions
        finally:
            self._repository.close()


def test_of_mergers_that_race_the_holder_of_the_lock_alone_is_published(tmp_path: Path) -> None:
    published: list[int] = []
    with CatalogServer(tmp_path / "lake") as server:
        store = LakeStore(tmp_path, server.url)
        for number in range(ROUNDS):
            first = number * MERGERS + 1
            mergers = [Merger(store, tmp_path, fence) for fence in range(first, first + MERGERS)]
            threads = [threading.Thread(target=merger.commit) for merger in mergers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            holder = mergers[-1]
            assert all(merger.versions or merger.refused for merger in mergers)
            assert not isinstance(holder.refused, LeaseLost)
            if (
                holder.versions
            ):  # else others were in its way too often: the import fails, and another one begins
                store.published = holder.versions
                published.append(holder.fence)
            assert_holds(store, published)
    assert published


def assert_holds(store: LakeStore, published: list[int]) -> None:
    found: dict[str, Any] = store.tables()
    newest: dict[str, str] = {}
    replaced = 0
    for fence in published:
        wells = {str(well) for well in range(WELLS + fence % 3)}
        replaced += len(wells & set(newest))
        newest |= dict.fromkeys(wells, f"{fence}")
    assert {row["well_code"]: row["well_name"] for row in found["well_production"]} == newest
    assert len(found["well_production"]) == len(newest)
    assert [run["fence"] for run in found["import_runs"]] == published
    assert len(found["well_production_history"]) == replaced
    assert {row["job_id"] for row in found["well_production_history"]} <= {
        f"job-{fence}" for fence in published
    }
    assert [row["job_id"] for row in found["rejected_rows"]] == [
        f"job-{fence}" for fence in published
    ]
