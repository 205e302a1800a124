"""Room: how much of the local disk a merge takes, so that one is refused before the disk is full.

Measured (docs/performance.md) as multiples of the segments, which have the same rows: rows in order
and in none, small and with long remarks, 10^5 to 5·10^6 of them, at 100 and 300 MB of memory.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from chalicelib.errors import ScratchFull

if TYPE_CHECKING:
    from pathlib import Path

FIXED = 32 << 20  # bytes: what a few rows spill
LEAST_ROW = 8  # bytes in a segment; 16 to 150 were found, in rows of all columns
NEW = 2.0  # the rows in the store 0.5 to 1.2, what sorting spills up to 1.3
# Once more in the store, in its history, twice in the scratch database, and spilled. 60 to 180
# bytes a row of short texts, 340 to 470 of long ones, whose segments had 150.
REVISED, REVISED_ROW = 2.2, 140
UPGRADED = 2.0  # of the store: all of its rows once more, and again while they are renamed


def free_room(directory: Path) -> int:
    return shutil.disk_usage(directory).free


def ask_for_room(directory: Path, needed: float, purpose: str) -> None:
    """`purpose` says what for, after "This import needs about so many MB of local disk".
    Raises ScratchFull.
    """
    free = free_room(directory)
    if free < needed:
        raise ScratchFull.beforehand("This import", needed=needed, free=free, purpose=purpose)


def room_of_merge(segment_bytes: float, *, rows: int, new: int, revised: int) -> float:
    """Bytes, beside the segments of so many rows and the store as it was."""
    row_bytes = segment_bytes / max(1, rows)
    for_new = new * NEW * row_bytes
    for_revised = revised * (REVISED * row_bytes + REVISED_ROW)
    return FIXED + for_new + for_revised
