"""What a merge asks of the local disk: what was measured, and no more than is there."""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

import pytest

from chalicelib.errors import ScratchFull
from chalicelib.store.room import FIXED, ask_for_room, room_of_merge

if TYPE_CHECKING:
    from pathlib import Path

MB = 1 << 20
# MB beside the segments, the store before and its compact copy: docs/performance.md, at 100 MB of
# memory.
MEASURED = {
    "new": (25, 1_000_000, 0, 32),
    "new with long remarks": (151, 1_000_000, 0, 145),
    "the same": (16, 0, 0, 2),
    "revised": (16, 0, 1_000_000, 176),
    "revised with long remarks": (151, 0, 1_000_000, 465),
}


@pytest.mark.parametrize(
    ("segments", "new", "revised", "measured"), MEASURED.values(), ids=MEASURED
)
def test_what_was_measured_is_asked_for_and_not_much_more(
    segments: int, new: int, revised: int, measured: int
) -> None:
    asked = room_of_merge(segments * MB, rows=1_000_000, new=new, revised=revised)

    assert measured * MB - FIXED <= asked - FIXED <= 2.2 * measured * MB


def test_new_rows_take_their_size_twice_and_revised_ones_more() -> None:
    """Of a thousand rows in segments of 100 MB."""
    asked = partial(room_of_merge, 100 * MB, rows=1_000)

    assert asked(new=0, revised=0) == 32 * MB
    assert asked(new=300, revised=0) == (32 + 60) * MB
    assert asked(new=0, revised=100) == pytest.approx((32 + 22) * MB + 14_000)


def test_who_has_too_little_is_told_how_much_is_needed_and_what_to_do(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    ask_for_room(tmp_path, free // 2, "for 7 rows")

    with pytest.raises(
        ScratchFull,
        match=r"needs about [\d,]+ MB of local disk, for 7 rows, and [\d,]+ MB are free\. Give",
    ):
        ask_for_room(tmp_path, free * 2, "for 7 rows")
