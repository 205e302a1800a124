"""What an import costs of sources that are not as the sample is:
unsorted, with bad rows, with many fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.import_speed import best, run_import, serve_pages, store
from benchmarks.pages import REJECTED_EACH, WIDE_FIELDS, Kind, Pages, render

if TYPE_CHECKING:
    from pathlib import Path

TITLES = {
    Kind.SORTED: "in the order of the key",
    Kind.SHUFFLED: "in no order",
    Kind.REJECTED: f"one row of {REJECTED_EACH} rejected",
    Kind.WIDE: f"{WIDE_FIELDS} fields, of which 14 are stored",
}


def kinds(*, rows: int, page_size: int, turns: int, limit: float, cache: Path) -> dict[str, Any]:
    """The figures of an import into an empty store, by kind of source."""
    return {
        kind: _import(Pages(rows=rows, page_size=page_size, kind=kind), turns, limit, cache)
        for kind in Kind
    }


def _import(pages: Pages, turns: int, limit: float, cache: Path) -> dict[str, Any]:
    measured = []
    with serve_pages(render(pages, cache / "pages")) as url:
        for _ in range(turns):
            with store() as (environment, work):
                measured.append(run_import(url, environment, work, truth=None, limit=limit))
    return best(measured)
