"""What it costs to import a few new rows into stores of growing size:
seconds, bytes moved, memory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.import_speed import run_import, serve_pages, store
from benchmarks.pages import Pages, render

NEW_ROWS = 10_000


def growth(
    sizes: list[int], *, new_rows: int = NEW_ROWS, page_size: int, limit: float, cache: Path
) -> dict[str, Any]:
    """The figures of importing `new_rows` rows into a store of each size, by size."""
    return {
        str(size): _into(
            size,
            new_rows=new_rows,
            page_size=page_size,
            limit=limit,
            cache=cache,
        )
        for size in sizes
    }


def _into(size: int, *, new_rows: int, page_size: int, limit: float, cache: Path) -> dict[str, Any]:
    with store() as (environment, work):
        file = Path(environment["WELLHEAD_WAREHOUSE"]) / "wells.duckdb"
        if size:
            seeded = _import(Pages(rows=size, page_size=page_size), environment, work, limit, cache)
            if seeded["failure"]:
                return seeded
        before = file.stat().st_size if size else 0
        new = Pages(rows=new_rows, page_size=page_size, first=size)
        measured = _import(new, environment, work, limit, cache)
        after = measured.get("file_bytes", 0)
        # The snapshot is fetched, the new one put, and the stable name gets a copy of it.
        return {**measured, "bytes_moved": before + 2 * after}


def _import(
    pages: Pages, environment: dict[str, str], work: Path, limit: float, cache: Path
) -> dict[str, Any]:
    with serve_pages(render(pages, cache / "pages")) as url:
        return run_import(url, environment, work, truth=None, limit=limit)
