"""What is free within the heap goes back to the system."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from chalicelib.imports.heap import give_back_memory

PIECE = 60_000  # bytes


def resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096 >> 20


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the heap is that of glibc")
def test_what_lies_free_between_others_is_given_back() -> None:
    pieces = [b"7" * PIECE for _ in range(1_000)]
    kept = pieces[::10]
    del pieces
    before = resident_mb()

    give_back_memory()

    assert before - resident_mb() >= 30
    assert all(piece == b"7" * PIECE for piece in kept)


def test_it_may_be_called_at_any_time() -> None:
    give_back_memory()
    give_back_memory()
