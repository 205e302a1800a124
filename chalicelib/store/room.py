"""Room: how much of the local disk a merge takes, so that one is refused before the disk is full.

Measured (docs/performance.md) as multiples of the segments, which have the same rows: rows in order and in none, small
and with long remarks, 10^5 to 5·10^6 of them, at 100 and 300 MB of memory.
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
REVISED = 8.0  # once more in the store, in its history, twice in the scratch database, and spilled: 4.8 to 7.5
UPGRADED = 2.0  # of the store: all of its rows once more, and again while they are renamed


def free_room(directory: Path) -> int:
    return shutil.disk_usage(directory).free


def ask_for_room(directory: Path, needed: float, told: str) -> None:
    """`told` says what for, after "This import needs about so many MB of local disk". Raises ScratchFull."""
    free = free_room(directory)
    if free < needed:
        raise ScratchFull(
            f"This import needs about {int(needed) >> 20:,} MB of local disk, {told}, and {free >> 20:,} MB are free. "
            "Give the function more ephemeral storage, or WELLHEAD_SCRATCH more room."
        )


def room_of_merge(segment_bytes: float, *, new_share: float, revised_share: float) -> float:
    """Bytes, beside the segments and the store as it was. The shares are of the staged rows, 0 to 1."""
    return FIXED + segment_bytes * (NEW * new_share + REVISED * revised_share)
