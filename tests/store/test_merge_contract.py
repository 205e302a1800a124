"""The merge into a file and into a lake: one contract, and one model that both end as."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import pytest
from hypothesis import given, settings
from support.merge_model import Import, Page, histories
from support.merging import LakeStore, Store, assert_ends_as_the_model_says
from support.soak import longer
from support.staging import SAME_READING, batch_of, json_row

from chalicelib.errors import ScratchFull
from chalicelib.store.columns import REJECTION_REASONS
from chalicelib.store.repository import REJECTS_KEPT_SECONDS
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = Path("/dev/shm")


@pytest.fixture(params=["file", "lake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "file":
        yield Store(tmp_path)
        return
    with CatalogServer(tmp_path / "lake") as server:
        yield LakeStore(tmp_path, server.url)


@settings(max_examples=longer(2, 100))
@given(history=histories(beside=5))
def test_every_history_of_imports_into_a_lake_ends_as_the_model_says(history: list[Import]) -> None:
    """As those into a file do, which test_repository runs more of:
    each import makes four commits here.
    """
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        directory = Path(name)
        with CatalogServer(directory / "lake") as server:
            assert_ends_as_the_model_says(
                LakeStore(directory, server.url, part_rows=(None, 4)), history
            )


@pytest.mark.by_lot
def test_rows_that_contradict_each_other_keep_their_places_across_batches_and_segments(
    store: Store,
) -> None:
    batches = [
        [
            [json.loads(json_row(well_name=f"{batch}-{page}-{row}")) for row in range(40)]
            for page in range(5)
        ]
        for batch in range(3)
    ]

    result = store.run(1, Import(batches, checkpoints={0, 1}, restarts={1, 2}))

    assert (result.failed_records, result.stored_records) == (600, 0)
    found = [
        (row["page"], row["position"], json.loads(row["raw"])["well_name"])
        for row in store.tables()["rejected_rows"]
    ]
    assert found == [
        (5 * batch + page + 1, row, f"{batch}-{page}-{row}")
        for batch in range(3)
        for page in range(5)
        for row in range(40)
    ]


@pytest.mark.by_lot
def test_every_wrong_column_of_a_row_is_named_and_counted(store: Store) -> None:
    """As a state agency writes them."""
    bad = {"field_code": 1.5, "well_code": 2.5, "production_period": "2021-09"}
    rows: Page = [
        (json_row(**bad, oil_production_kbd="1,234"), ""),
        (json_row(**bad, oil_production_kbd=1.0), ""),
    ]

    result = store.run(1, Import([[rows]]))

    codes = {"NOT_A_WHOLE_NUMBER field_code": 2, "NOT_A_WHOLE_NUMBER well_code": 2}
    assert result.rejects == codes | {
        "NOT_A_DATE production_period": 2,
        "NOT_A_NUMBER oil_production_kbd": 1,
    }
    first, second = store.tables()["rejected_rows"]
    whole = REJECTION_REASONS["NOT_A_WHOLE_NUMBER"]
    named = f"field_code: {whole}; well_code: {whole}; production_period: {REJECTION_REASONS['NOT_A_DATE']}"
    assert (second["reason"], second["detail"]) == ("NOT_A_WHOLE_NUMBER", named)
    assert first["detail"] == f"{named}; oil_production_kbd: {REJECTION_REASONS['NOT_A_NUMBER']}"


@pytest.mark.by_lot
def test_a_row_that_is_rejected_again_stands_with_the_newest_import_alone(store: Store) -> None:
    again, once = ((json_row(well_code=number + 0.5), "") for number in range(2))
    store.run(1, Import([[[again, once]]]))
    store.run(2, Import([[[once]], [[again, again]]]))
    store.run(3, Import([[[again]]]))

    found = [
        (row["job_id"], row["page"], row["position"], row["raw"])
        for row in store.tables()["rejected_rows"]
    ]
    assert found == [("job-2", 1, 0, once[0].decode()), ("job-3", 1, 0, again[0].decode())]


@pytest.mark.by_lot
def test_what_no_import_has_rejected_for_long_is_forgotten(store: Store) -> None:
    old, new = ((json_row(well_code=number + 0.5), "") for number in range(2))
    store.run(1, Import([[[old]]]))
    days = REJECTS_KEPT_SECONDS // 1000

    store.run(days, Import([[[new]]]))
    kept = [row["raw"] for row in store.tables()["rejected_rows"]]
    store.run(days + 2, Import([]))

    assert kept == [old[0].decode(), new[0].decode()]
    assert [row["raw"] for row in store.tables()["rejected_rows"]] == [new[0].decode()]


@pytest.mark.by_lot
def test_a_failed_merge_tells_its_cause_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    """A count beyond 64 bits fails at the merge's last statement,
    when all rows have been written.
    """
    store.run(1, Import([[[json.loads(json_row(well_name="A"))]]]))
    before = store.tables()
    repository = store.repository()
    repository.stage(batch_of(tmp_path, [json_row(well_name="B")]), SAME_READING)

    with pytest.raises(duckdb.ConversionException):
        store.merge(repository, 2, 2**63, {})

    assert store.tables() == before
    assert store.merge(repository, 2, None, {}).updated_records == 1
    repository.close()


EXABYTE = 1 << 60  # no disk takes it


@pytest.mark.parametrize("name", ["A", "B"], ids=["new", "revised"])
def test_rows_that_the_local_disk_cannot_take_are_not_merged(
    store: Store, tmp_path: Path, name: str
) -> None:
    """What is merged of them, or sorted beside it.
    Rows that are stored as they are take nothing.
    """
    known, other = (json_row(well_name=text) for text in "AB")
    if name == "B":
        store.run(1, Import([[[json.loads(known)]]]))
    repository = store.repository()
    repository.stage(batch_of(tmp_path, [known if name == "A" else other]), SAME_READING)
    repository._staging.bytes = EXABYTE

    with pytest.raises(ScratchFull, match=r"for \d new rows and \d revised ones"):
        store.merge(repository, 2, None, {})

    repository.close()
