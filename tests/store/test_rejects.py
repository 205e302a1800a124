"""Any share of bad rows, of any width,
is imported in bounded memory and accounted for row by row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from support.rejects import Source, outcome
from support.soak import longer, some_of

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "tests" / "support" / "rejects_worker.py"
MEMORY = Path("/dev/shm")
SHARES = (0, 1, 10, 50, 100)
MEMORY_MB = 100  # the least that WELLHEAD_MEMORY_MB may be
BESIDE_MB = 150  # what a process may need besides, with the batch of its rows

pytestmark = pytest.mark.timeout(longer(600, 7200))


def imported(source: Source) -> dict[str, Any]:
    """In memory where that is possible: much is written, and the disk is slow."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        done = subprocess.run(
            [sys.executable, str(WORKER), directory, str(MEMORY_MB), json.dumps(asdict(source))],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, f"{source}: {done.stderr[-2000:]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def assert_accounted_for(source: Source) -> None:
    found = imported(source)
    memory = found.pop("memory_mb")

    assert found == outcome(source.stored(), source.rejected()), source
    assert memory <= MEMORY_MB + BESIDE_MB, source


@pytest.mark.by_lot
@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
@pytest.mark.parametrize("columns", [4, 14, 40, 100])
def test_every_row_is_stored_or_rejected_whatever_the_share(columns: int, wide: bool) -> None:
    for share in some_of(SHARES, one_in=len(SHARES)):
        source = Source(share, columns, wide, batches=longer(2, 4), batch_bytes=longer(3, 64) << 20)
        assert_accounted_for(source)


def test_all_rows_may_be_bad_and_wide() -> None:
    assert_accounted_for(Source(100, 100, True, batches=2, batch_bytes=24 << 20))
