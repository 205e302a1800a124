"""What was written of a new store is read back before it is published:
every block that is not its base's, every key that the import touched, and every row that it wrote.
"""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from support.soak import some_of
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

from chalicelib.errors import PublishRefused
from chalicelib.store.blocks import BLOCK, HEADERS, Blocks, read_blocks
from chalicelib.store.outcome import MergeResult, RunFacts
from chalicelib.store.repository import DuckDBWellProductionRepository
from chalicelib.store.well_production import fill

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 30_000


def rows() -> list[bytes]:
    return [
        b'{"field_code": 1, "well_code": %d, "production_period": "2024-01-01", "well_name": "Well %d",'
        b' "oil_production_kbd": %d.%d, "gas_production_mmcfd": %d.5}'
        % (n, n * 7919, n, n * 31, n * 13)
        for n in range(ROWS)
    ]


def content(store: Path) -> Any:
    """None when it cannot be read."""
    with suppress(duckdb.Error), duckdb.connect(store, read_only=True) as connection:
        return connection.execute(
            "SELECT * EXCLUDE (created_at, updated_at) FROM well_production ORDER BY ALL"
        ).fetchall()
    return None


def test_a_flipped_bit_in_any_block_is_found(tmp_path: Path) -> None:
    repository = DuckDBWellProductionRepository(directory=tmp_path / "scratch", memory_mb=200)
    repository.stage(batch_of(tmp_path, rows()), SAME_READING)
    facts = RunFacts(
        job_id="a", fence=1, source="s", triggered_by="t", started_at=0.0, expected_records=None
    )
    store = tmp_path / "wells.duckdb"
    repository.merge(store, facts, now=1e9, warnings={})
    whole, expected = store.read_bytes(), content(store)
    found = 0
    for place in range(HEADERS + BLOCK // 3, len(whole), BLOCK):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        store.write_bytes(damaged)
        try:
            repository.verify(store, rows=ROWS)
        except PublishRefused:
            found += 1
        else:
            assert content(store) == expected, f"nobody reads the block at {place}"
    store.write_bytes(whole)
    repository.verify(store, rows=ROWS)
    with pytest.raises(PublishRefused):
        repository.verify(store, rows=ROWS + 1)
    repository.close()

    assert found >= 3


# ------------------------------------------------------------------------------------ a store that grows


MORE_ROWS = """
    INSERT INTO well_production
    SELECT well_production.* REPLACE (
        well_code || '-' || number AS well_code, oil_production_kbd * random() AS oil_production_kbd
    )
    FROM well_production, range(5) AS more(number)
"""


class Growth:
    """A store with a base of many rows, into which an import was merged:
    of three wells one is new, one revised and one as it was.
    """

    def __init__(
        self,
        directory: Path,
        kind: type[DuckDBWellProductionRepository] = DuckDBWellProductionRepository,
        *,
        more: bool = False,
    ) -> None:
        self.store = directory / "wells.duckdb"
        first = DuckDBWellProductionRepository(directory=directory / "1", memory_mb=200)
        first.stage(batch_of(directory, rows()), SAME_READING)
        first.merge(self.store, facts(1), now=NOON, warnings={})
        first.close()
        if more:
            with duckdb.connect(self.store) as connection:
                connection.execute(MORE_ROWS)
        self.base = read_blocks(self.store)
        self.repository = kind(directory=directory / "2", memory_mb=200)
        self.repository.stage(
            batch_of(directory, [*rows()[:1], self.revised(), self.new()]), SAME_READING
        )
        self.result: MergeResult = self.repository.merge(
            self.store, facts(2), now=NOON + 1, warnings={}
        )

    @staticmethod
    def revised() -> bytes:
        return json.dumps({**json.loads(rows()[1]), "oil_production_kbd": 7.25}).encode()

    @staticmethod
    def new() -> bytes:
        return json_row(field_code=1, well_code=ROWS, production_period="2024-01-01")

    def verify(self, base: Blocks | None = None) -> None:
        unchanged = read_blocks(self.store).same_as(base or self.base)
        self.repository.verify(self.store, rows=self.result.stored_records, unchanged=unchanged)


@pytest.fixture
def growth(tmp_path: Path) -> Growth:
    return Growth(tmp_path)


def test_what_a_merge_left_as_it_was_is_not_read_again(tmp_path: Path) -> None:
    """A block that is said to be proved is not opened: one that is damaged is then not found.
    New rows go into the last row group, which is read whole.
    """
    growth = Growth(tmp_path, more=True)
    kept = sorted(read_blocks(growth.store).same_as(growth.base))
    growth.verify()
    whole = growth.store.read_bytes()
    unread = 0
    for number in random.sample(kept, len(kept)):
        damaged = bytearray(whole)
        damaged[HEADERS + number * BLOCK + BLOCK // 3] ^= 4
        growth.store.write_bytes(damaged)
        with suppress(PublishRefused):
            growth.repository.verify(
                growth.store, rows=growth.result.stored_records, unchanged=frozenset(kept)
            )
            unread += content(growth.store) is None
        if unread:
            break

    assert unread > 0


@pytest.mark.by_lot
@pytest.mark.parametrize("more", [False, True])
def test_a_flipped_bit_in_any_block_of_a_store_that_grew_is_found(
    tmp_path: Path, more: bool
) -> None:
    """In blocks of the base as well as in those that the merge wrote, and in those that a checksum
    alone tells of. Of many blocks a run takes a third by lot, `make soak` all.
    """
    growth = Growth(tmp_path, more=more)
    whole, expected = growth.store.read_bytes(), content(growth.store)
    found = 0
    places = range(HEADERS + BLOCK // 3, len(whole), BLOCK)
    for place in some_of(places) if more else places:
        damaged = bytearray(whole)
        damaged[place] ^= 4
        growth.store.write_bytes(damaged)
        try:
            growth.verify()
        except PublishRefused:
            found += 1
        else:
            assert content(growth.store) == expected, f"nobody reads the block at {place}"

    assert found >= 3


TAMPERED = {
    "a written row has another value": "UPDATE well_production SET oil_production_kbd = 1 WHERE well_code = '1'",
    "a written row is lost": f"DELETE FROM well_production WHERE well_code = '{ROWS}'",
    "a row of the base is lost": "DELETE FROM well_production WHERE well_code = '17'",
    "a row is there twice": "INSERT INTO well_production SELECT * FROM well_production WHERE well_code = '17'",
    "one row of the base is lost and a written one is there twice": """
        DELETE FROM well_production WHERE well_code = '17';
        INSERT INTO well_production SELECT * FROM well_production WHERE well_code = '1'
    """,
    "the history lacks the row before": "DELETE FROM well_production_history",
    "the history has another row": "UPDATE well_production_history SET oil_production_kbd = 1",
    "the import's own run is lost": "DELETE FROM import_runs WHERE fence = 2",
}


@pytest.mark.by_lot
@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED)
def test_a_store_that_is_not_what_was_merged_is_refused(growth: Growth, statement: str) -> None:
    growth.verify()
    with duckdb.connect(growth.store) as connection:
        connection.execute(statement)

    with pytest.raises(PublishRefused):
        growth.verify()


# ------------------------------------------------------------------------------------ merges that go wrong


REVISED_ROWS = {"revised_rows": fill("revised_rows")}


class Forgetful(DuckDBWellProductionRepository):
    def _match_stored_rows(self) -> None:
        super()._match_stored_rows()
        self._connection.execute("UPDATE changed SET stored_row = NULL")
        self._connection.execute(
            "INSERT INTO changed SELECT arrival, NULL, 0 FROM accepted "
            "WHERE arrival NOT IN (SELECT staged_row FROM changed)"
        )


class WithoutDeletion(DuckDBWellProductionRepository):
    def _revise(self, facts: RunFacts, now: float) -> None:
        self._sql.run("keep_history", now=now, job_id=facts.job_id)
        self._sql.run("insert_revised", REVISED_ROWS, now=now, source_name=self._source.name)


class DeletesAnother(DuckDBWellProductionRepository):
    def _revise(self, facts: RunFacts, now: float) -> None:
        super()._revise(facts, now)
        self._connection.execute("DELETE FROM wells.well_production WHERE rowid = 20000")


class DeletesAnotherInstead(DuckDBWellProductionRepository):
    def _revise(self, facts: RunFacts, now: float) -> None:
        self._sql.run("keep_history", now=now, job_id=facts.job_id)
        self._connection.execute("DELETE FROM wells.well_production WHERE rowid = 20000")
        self._sql.run("insert_revised", REVISED_ROWS, now=now, source_name=self._source.name)


class WithoutHistory(DuckDBWellProductionRepository):
    def _revise(self, facts: RunFacts, now: float) -> None:
        self._sql.run("delete_revised")
        self._sql.run("insert_revised", REVISED_ROWS, now=now, source_name=self._source.name)


class KeepsAnotherHistory(DuckDBWellProductionRepository):
    def _revise(self, facts: RunFacts, now: float) -> None:
        super()._revise(facts, now)
        self._connection.execute(
            "UPDATE wells.well_production_history SET gas_production_mmcfd = 0"
        )


class WritesOldValues(DuckDBWellProductionRepository):
    def _pick_revised_rows(self) -> None:
        super()._pick_revised_rows()
        self._connection.execute("UPDATE revised SET oil_production_kbd = 961.31")


class WithoutNewRows(DuckDBWellProductionRepository):
    def _insert_new(self, now: float, *, is_in_order: bool) -> None:
        """Nothing is written."""


class WithNewRowsTwice(DuckDBWellProductionRepository):
    def _insert_new(self, now: float, *, is_in_order: bool) -> None:
        for _ in range(2):
            super()._insert_new(now, is_in_order=is_in_order)


MUTANTS: list[Callable[..., DuckDBWellProductionRepository]] = [
    Forgetful,
    WithoutDeletion,
    DeletesAnother,
    DeletesAnotherInstead,
    WithoutHistory,
    KeepsAnotherHistory,
    WritesOldValues,
    WithoutNewRows,
    WithNewRowsTwice,
]


@pytest.mark.by_lot
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_merge_that_does_something_else_than_it_tells_is_refused(
    tmp_path: Path, mutant: type[DuckDBWellProductionRepository]
) -> None:
    growth = Growth(tmp_path, mutant)

    with pytest.raises(PublishRefused):
        growth.verify()
