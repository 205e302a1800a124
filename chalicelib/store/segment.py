"""Segment: the rows of a batch in a Parquet file, and where in the source each of them stood."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from .local_duckdb import sql_path
from .places import Places
from .well_production import PASSED_OVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .batch import Batch

# Texts of sound rows are short. Of a rejected row up to 4 KB are kept, and 2,048 rows come at a
# time.
SHORT_TEXTS = {"compression": "lz4", "row_group": "16MB"}
LONG_TEXTS = {"compression": "zstd", "row_group": "2MB"}


@dataclass(frozen=True, kw_only=True)
class Segment:
    """`pages` is the text of its Places,
    `part` the number of the source's part that its rows are of.
    """

    path: Path
    part: int
    rows: int
    pages: str


def write_lists(path: Path, rows: str, places: Places) -> dict[str, str]:
    """What `write_segment` is filled with; `rows` is the query that they come from."""
    return {
        "path": sql_path(path),
        "rows": rows,
        "pages": places.text(),
    }


def show_lists(segments: Sequence[Segment], *, has_passed_over: bool) -> dict[str, str]:
    """What `show_segments` is filled with. A row's number is the first one of its segment and its
    place in it: segments of 3, 5 and 2 rows begin at 0, 3 and 8.
    """
    files = ", ".join(f"'{sql_path(segment.path)}'" for segment in segments)
    ends = accumulate(segment.rows for segment in segments)
    first_rows = [0, *ends][:-1]
    is_taken = f"problem IS DISTINCT FROM '{PASSED_OVER}'" if has_passed_over else "TRUE"
    return {
        "files": f"[{files}]",
        "first_rows": f"{first_rows}",
        "is_taken": is_taken,
    }


def places_in(segments: Iterable[Segment]) -> Places:
    """Of the rows of these segments, one after the other."""
    places = Places()
    first_row = 0
    for segment in segments:
        places.add_text(first_row, segment.pages)
        first_row += segment.rows
    return places


def places_of(batch: Batch) -> Places:
    """Of the rows in the batch's own segment."""
    places = Places()
    places.add(0, batch.runs)
    return places


def place_values(batch: Batch) -> dict[str, Any]:
    """What tells `checked_rows` where each row stood. The runs of the batch are texts:
    a bound list costs DuckDB a quarter of a millisecond for each of its items. A table is one run.
    """
    if batch.table is None:
        return {
            "pages": str([run.page for run in batch.runs]),
            "firsts": str([run.position for run in batch.runs]),
            "counts": str([run.rows for run in batch.runs]),
        }
    values: dict[str, Any] = {"page": batch.runs[0].page}
    unreadable = batch.table.unreadable
    if unreadable:
        values["unreadable_rows"] = [row.row for row in unreadable]
        values["unreadable_texts"] = [row.raw.decode("utf-8", "replace") for row in unreadable]
    return values
