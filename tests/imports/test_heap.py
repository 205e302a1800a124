"""What is free within the heap goes back to the system."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from support.data_api import ROWS, source_of
from support.imports import Worker
from support.resident import resident_mb

from chalicelib.imports.heap import give_back_memory
from chalicelib.jobs.job import JobStatus
from chalicelib.store.repository import DuckDBWellProductionRepository

if TYPE_CHECKING:
    from support.scripted_source import Serve

PIECE = 60_000  # bytes


GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the heap is that of glibc")


def pieces_between_holes(number: int) -> list[bytes]:
    """A tenth of so many pieces; the others are free."""
    pieces = [b"7" * PIECE for _ in range(number)]
    return pieces[::10]


@GLIBC
def test_what_lies_free_between_others_is_given_back() -> None:
    kept = pieces_between_holes(1_000)
    before = resident_mb()

    give_back_memory()

    assert before - resident_mb() >= 30
    assert all(piece == b"7" * PIECE for piece in kept)


class Weighed(DuckDBWellProductionRepository):
    """Leaves holes when its rows are staged, and weighs the process when it shall merge them."""

    kept: ClassVar[list[bytes]] = []
    staged_mb = settled_mb = 0

    def stage(self, *arguments: Any, **options: Any) -> Any:
        segment = super().stage(*arguments, **options)
        Weighed.kept = pieces_between_holes(3_000)
        Weighed.staged_mb = resident_mb()
        return segment

    def settle(self, *arguments: Any) -> Any:
        Weighed.settled_mb = resident_mb()
        return super().settle(*arguments)


@GLIBC
def test_an_import_gives_it_back_before_it_merges(
    environment: dict[str, str], dynamodb: Any, serve: Serve
) -> None:
    environment["WELLHEAD_SOURCE_URL"] = source_of(serve, ROWS)
    worker = Worker(environment, dynamodb)
    job_id = worker.trigger()

    worker.run(job_id, new_repository=Weighed)

    assert worker.manager.get(job_id).status is JobStatus.COMPLETED
    assert Weighed.staged_mb - Weighed.settled_mb >= 80
    Weighed.kept.clear()


def test_it_may_be_called_at_any_time() -> None:
    give_back_memory()
    give_back_memory()
