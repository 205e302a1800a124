"""Which stored rows an import of everything withdraws:
those of its periods that it did not bring, and no other.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.merging import LakeStore, Store
from support.soak import longer
from support.staging import NOON, SAME_READING, batch_of, facts

from chalicelib.store.outcome import Looks
from local.catalog.server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chalicelib.store.outcome import MergeResult

FIELDS, WELLS, PERIODS = ("1", "2"), ("7", "8"), ("2024-01-01", "2024-02-01", "2024-03-01")
NAMES = ("field_code", "well_code", "production_period")
Key = tuple[str | None, str | None, str | None]
whole_keys = st.tuples(st.sampled_from(FIELDS), st.sampled_from(WELLS), st.sampled_from(PERIODS))
keys_in_part = st.tuples(
    *(st.none() | st.sampled_from(values) for values in (FIELDS, WELLS, PERIODS))
)


def row(key: Key, **more: Any) -> bytes:
    return json.dumps(dict(zip(NAMES, key, strict=True)) | more).encode()


def merge(store: Store, number: int, rows: list[bytes], **looks: Any) -> MergeResult:
    repository = store.repository()
    batch = batch_of(store.path.parent, rows)
    if batch.rows:
        repository.stage(batch, SAME_READING)
    told = Looks(now=float(NOON + number), warnings={}, **looks)
    if isinstance(store, LakeStore):
        result = store.commit(repository, told, facts(number))
    else:
        result = repository.merge(store.path, facts(number), **vars(told))
        repository.verify(store.path, rows=result.stored_records)
    repository.close()
    return result


def keys_of(store: Store, table: str = "well_production") -> set[Key]:
    return {
        (each["field_code"], each["well_code"], str(each["production_period"]))
        for each in store.tables()[table]
    }


def agrees(key: Key, rejected: Key) -> bool:
    return all(part is None or part == known for known, part in zip(key, rejected, strict=True))


def assert_withdraws_what_is_missing(
    store: Store, before: set[Key], delivered: set[Key], rejected: list[Key]
) -> MergeResult:
    merge(store, 1, [row(key, oil_production_kbd=1.0) for key in sorted(before, key=str)])
    bad = [
        row(key, oil_production_kbd="much") for key in rejected
    ]  # a key that lacks a part is bad by that, too

    found = merge(
        store,
        2,
        [*(row(key, oil_production_kbd=2.0) for key in sorted(delivered, key=str)), *bad],
        withdraws=True,
    )

    covered = {period for _, _, period in delivered}
    spared = {key for key in before if any(agrees(key, other) for other in rejected)}
    gone = {key for key in before - delivered - spared if key[2] in covered}
    assert keys_of(store) == (before | delivered) - gone
    assert (found.withdrawn_records, found.diff.withdrawn) == (len(gone), len(gone))
    assert found.diff.covered == (len([key for key in before if key[2] in covered]) if gone else 0)
    assert found.stored_records == len((before | delivered) - gone)
    history = store.tables()["well_production_history"]
    assert len(history) == len(gone) + found.updated_records
    assert gone <= keys_of(store, "well_production_history")
    assert (found.new_records, found.updated_records) == (
        len(delivered - before),
        len(delivered & before),
    )
    return found


BEFORE: set[Key] = {
    (field, well, period) for field in FIELDS for well in WELLS for period in PERIODS
}


@settings(max_examples=longer(3, 500))
@given(
    before=st.sets(whole_keys, min_size=1),
    delivered=st.sets(whole_keys),
    rejected=st.lists(keys_in_part, max_size=2),
    part_rows=st.sampled_from([None, 4]),
)
@example(before=BEFORE, delivered={("1", "7", PERIODS[0])}, rejected=[], part_rows=4)
@example(
    before=BEFORE,
    delivered={("1", "7", PERIODS[0])},
    rejected=[("2", None, PERIODS[0])],
    part_rows=None,
)
@example(
    before=BEFORE, delivered={("1", "7", PERIODS[0])}, rejected=[(None, None, None)], part_rows=None
)
def test_what_is_missing_goes_and_nothing_else(
    before: set[Key], delivered: set[Key], rejected: list[Key], part_rows: int | None
) -> None:
    with TemporaryDirectory() as name:
        store = Store(Path(name), part_rows=(part_rows,))
        assert_withdraws_what_is_missing(store, before, delivered, rejected)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[LakeStore]:
    with CatalogServer(tmp_path / "lake") as server:
        yield LakeStore(tmp_path, server.url, part_rows=(None, 4))


@pytest.mark.parametrize("rejected", [[], [("2", None, PERIODS[0])]])
def test_in_a_lake_the_same_rows_go(lake: LakeStore, rejected: list[Key]) -> None:
    delivered: set[Key] = {("1", "7", PERIODS[0]), ("3", "9", PERIODS[1])}

    found = assert_withdraws_what_is_missing(lake, BEFORE, delivered, rejected)

    assert found.withdrawn_records == (5 if rejected else 7)


def test_a_lake_of_which_rows_are_only_withdrawn(lake: LakeStore) -> None:
    merge(lake, 1, [row(key, oil_production_kbd=1.0) for key in sorted(BEFORE, key=str)])

    found = merge(lake, 2, [row(("1", "7", PERIODS[0]), oil_production_kbd=1.0)], withdraws=True)

    assert (found.withdrawn_records, found.new_records, found.updated_records) == (3, 0, 0)
    assert len(keys_of(lake)) == len(BEFORE) - 3


def test_without_the_wish_nothing_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    merge(store, 1, [row(key) for key in sorted(BEFORE, key=str)])

    found = merge(store, 2, [row(("1", "7", PERIODS[0]))])

    assert (found.withdrawn_records, keys_of(store)) == (0, BEFORE)


def test_a_row_that_comes_back_is_new_and_has_its_history(tmp_path: Path) -> None:
    store, key = Store(tmp_path), ("1", "8", PERIODS[0])
    rows = [row(("1", "7", PERIODS[0])), row(key, oil_production_kbd=1.0)]
    merge(store, 1, rows)
    merge(store, 2, rows[:1], withdraws=True)

    back = merge(store, 3, rows, withdraws=True)

    assert (back.new_records, back.duplicate_records, back.withdrawn_records) == (1, 1, 0)
    [kept] = [each for each in store.tables()["well_production"] if each["well_code"] == "8"]
    [gone] = store.tables()["well_production_history"]
    assert (kept["created_at"], gone["created_at"], gone["replaced_at"]) == (
        NOON + 3,
        NOON + 1,
        NOON + 2,
    )
    assert gone["job_id"] == "job-2"


def test_another_source_loses_nothing(tmp_path: Path) -> None:
    from chalicelib.store.period import RowSource
    from chalicelib.store.repository import DuckDBWellProductionRepository

    store = Store(tmp_path)
    merge(store, 1, [row(key) for key in sorted(BEFORE, key=str)])
    other = DuckDBWellProductionRepository(
        directory=tmp_path / "other", memory_mb=200, source=RowSource(name="other")
    )
    other.stage(batch_of(tmp_path, [row(("9", "9", PERIODS[0]))]), SAME_READING)

    found = other.merge(
        store.path, facts(2), **vars(Looks(now=float(NOON + 2), warnings={}, withdraws=True))
    )
    other.close()

    assert (found.withdrawn_records, found.stored_records) == (0, len(BEFORE) + 1)
