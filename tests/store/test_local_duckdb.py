"""A disk that takes no more is told as what it is,
whatever the words, and never blamed on the source.
"""

from __future__ import annotations

import resource
import sys
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

import duckdb
import pytest
from support.staging import NOON, SAME_READING, batch_of, facts, json_row

from chalicelib.errors import ScratchFull
from chalicelib.store.local_duckdb import is_full, is_of_the_disk, raise_if_unreadable
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MB = 1 << 20
WIDE = [
    json_row(well_code=number, well_name=f"{number * 7919 % 1_000_003:x}" * 20)
    for number in range(40_000)
]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As a quota or a file system has it: EFBIG, "File too large"."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[DuckDBWellProductionRepository]:
    repository = DuckDBWellProductionRepository(directory=tmp_path / "scratch", memory_mb=100)
    yield repository
    repository.close()


def test_rows_that_find_no_room_are_no_fault_of_the_source(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    batch = batch_of(tmp_path, WIDE)

    with files_of_at_most(MB // 16), pytest.raises(ScratchFull):
        repository.stage(batch, SAME_READING)


def test_a_store_that_finds_no_room_is_no_damaged_one(
    repository: DuckDBWellProductionRepository, tmp_path: Path
) -> None:
    repository.stage(batch_of(tmp_path, WIDE), SAME_READING)

    with files_of_at_most(MB // 2), pytest.raises(ScratchFull):
        repository.merge(tmp_path / "wells.duckdb", facts(), now=NOON, warnings={})


@pytest.mark.parametrize(
    ("words", "full"),
    [
        (
            'Could not write file "spill/duckdb_temp_storage_S32K-0.tmp": No space left on device',
            True,
        ),
        ('Could not write file "scratch.duckdb.wal": Disk quota exceeded', True),
        ('Failed to commit: Could not write file "scratch.duckdb.wal": File too large', True),
        ('Could not write file "scratch.duckdb": Input/output error', False),
        ('Failed to commit: Could not fsync file "scratch.duckdb": Input/output error', False),
    ],
)
def test_the_words_of_a_disk_are_known(words: str, full: bool) -> None:
    for kind in (duckdb.IOException, duckdb.TransactionException):
        assert (is_full(kind(words)), is_of_the_disk(kind(words))) == (full, True)
        raise_if_unreadable(kind(words))  # does not call a file damaged that could not be written
    assert not is_of_the_disk(duckdb.InvalidInputException("Malformed JSON"))


@pytest.mark.skipif(
    "pandas" in sys.modules and sys.modules["pandas"] is not None, reason="pandas is here"
)
def test_no_value_that_is_bound_has_python_search_for_pandas(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    searched = []

    class Searches(MetaPathFinder):
        def find_spec(self, name: str, *_: object) -> None:
            searched.append(name)

    monkeypatch.setattr(sys, "meta_path", [Searches(), *sys.meta_path])
    with duckdb.connect() as connection:
        assert connection.execute("SELECT $one, $more", {"one": 1, "more": ["a"]}).fetchall() == [
            (1, ["a"])
        ]

    assert "pandas" not in searched
