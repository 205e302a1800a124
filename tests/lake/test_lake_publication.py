"""What is published of a lake is what its tables hold, and nothing before they hold all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import Clock, a_job
from support.kept_lake import KeptLake
from support.merge_model import Import
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

from chalicelib.errors import PublishRefused
from chalicelib.imports.lake_publication import LakePublication
from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.lake.repository import LakeRepository
from chalicelib.lake.versions import PRODUCTION, RUNS, TABLES, Versions
from chalicelib.store.outcome import Looks
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import snapshot_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.merging import LakeStore

ROWS = [json_row(well_code=str(well)) for well in range(4)]


class Died(Exception):
    """The worker is gone: what it has committed stays as it is."""


class TellsMore(LakeRepository):
    """Of a row that it has not written."""

    def commit(self, *details: Any, **more: Any) -> Versions:
        versions = super().commit(*details, **more)
        return replace(versions, rows=versions.rows + 1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptLake:
    rows: list[Any] = [json.loads(row) for row in ROWS[:2]]
    return KeptLake(tmp_path_factory.mktemp("kept"), Import([[rows]]))


@pytest.fixture
def store(tmp_path: Path, kept: KeptLake) -> Iterator[LakeStore]:
    """After a first import."""
    with kept.opened(tmp_path) as store:
        yield store


@pytest.fixture
def publication(tmp_path: Path) -> LakePublication:
    warehouse = DirectoryWarehouse(tmp_path / "warehouse")
    claim = Claim(job=a_job(Clock()), holder="w2", fence=2)
    return LakePublication(warehouse=warehouse, directory=tmp_path, claim=claim)


def base(store: LakeStore) -> Snapshot:
    name = snapshot_name(1, "018cc251-f400-7000-8000-000000000000", is_lake=True)
    versions = store.published
    return Snapshot(
        name=name,
        fence=1,
        rows=versions.rows,
        bytes=1,
        sha256="",
        job_id="job-1",
        versions=dict(versions.snapshots),
    )


def test_a_lake_with_other_rows_than_were_written_is_not_published(
    store: LakeStore, publication: LakePublication, tmp_path: Path
) -> None:
    repository = TellsMore(catalog=store.catalog, session=store.session, **store._details())
    repository.stage(batch_of(tmp_path, ROWS), SAME_READING)
    looks = Looks(now=NOON + 2000, warnings={})
    merged = publication.merge(repository, base(store), facts(2), looks, rows=4)

    with pytest.raises(PublishRefused, match="holds 4 rows instead of 5"):
        publication.publish(repository, merged, beat=lambda: None)

    assert publication.warehouse.names("") == []
    repository.close()


def test_what_the_pointer_will_name_comes_after_the_last_commit(
    store: LakeStore, publication: LakePublication, tmp_path: Path
) -> None:
    published = store.catalog.head(PRODUCTION)
    repository = store.repository()
    repository.stage(batch_of(tmp_path, ROWS), SAME_READING)
    looks = Looks(now=NOON + 2000, warnings={})
    merged = publication.merge(repository, base(store), facts(2), looks, rows=4)
    seen: list[list[str]] = []

    snapshot = publication.publish(
        repository, merged, beat=lambda: seen.append(publication.warehouse.names(""))
    )

    assert seen == [[]] * len(TABLES)
    assert publication.warehouse.names("") == [snapshot.name]
    heads = [store.catalog.head(table) for table in (PRODUCTION, RUNS)]
    assert [head and head.snapshot for head in heads] == list((snapshot.versions or {}).values())
    assert heads[0] != published
    assert snapshot.rows == 4
    repository.close()
