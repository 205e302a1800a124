"""An import's work on a source with bad rows, in a process of its own whose memory is looked at:
`rejects_worker.py DIRECTORY MEMORY_MB SOURCE`. Staged, written as a segment, loaded from there by
another worker, merged and read back. It prints one line of JSON: what is stored, and how much
memory it took.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.store.repository import DuckDBWellProductionRepository
from support.rejects import Source, outcome
from support.staging import NOON, SAME_READING, batch_of, facts

if TYPE_CHECKING:
    from collections.abc import Iterator

STORED = "SELECT field_code, well_code, CAST(production_period AS VARCHAR) FROM well_production ORDER BY well_code"
REJECTED = """SELECT page, position, reason || ' ' || split_part(detail, ':', 1), raw
    FROM rejected_rows ORDER BY page, position"""


def main(directory: Path, memory_mb: int, source: Source) -> dict[str, Any]:
    before = memory("VmRSS")
    store = import_into(directory, memory_mb, source)
    took = memory("VmHWM") - before
    with duckdb.connect(store, read_only=True) as connection:
        stored = connection.execute(STORED).fetchall()
        return {**outcome(stored, fetched(connection.execute(REJECTED))), "memory_mb": took}


def import_into(directory: Path, memory_mb: int, source: Source) -> Path:
    first, second = (
        DuckDBWellProductionRepository(directory=directory / name, memory_mb=memory_mb)
        for name in ("first", "second")
    )
    page = 1
    for number in range(source.batches):
        pages = list(source.pages(number))
        staged = batch_of(directory, *pages, first=page)
        page += len(pages)
        pages.clear()
        second.load_segment(first.stage(staged, SAME_READING))
    first.close()
    result = second.merge(directory / "wells.duckdb", facts(), now=NOON, warnings={})
    second.verify(directory / "wells.duckdb", rows=result.stored_records)
    second.close()
    return directory / "wells.duckdb"


def fetched(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(10_000):
        yield from rows


def memory(name: str) -> int:
    """Of this process, in MB; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text("ascii").splitlines() if status.exists() else []
    return sum(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), Source(**json.loads(sys.argv[3])))))
