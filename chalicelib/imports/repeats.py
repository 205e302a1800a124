"""Repeats: whether rows that came on more than one page show that the reading went wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.jobs.finding import Check, amounts_accepted
from chalicelib.odata.reading import End, Reading, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.store.settle import Settled

RULE = "SAME_KEY_ON_TWO_PAGES"


def judged(
    settled: Settled, reading: Reading, *, is_unique: bool, is_steady: Callable[[], bool | None]
) -> Settled:
    """Its `repeated_keys` are then those alone that show it, its `doubtful_keys` those that may.

    By key a row is asked for after the one before, so none is missing however often one comes. The
    source's own links may overlap by some rows, which then come beside as many as it counts. By
    `$skip` that means that rows have moved.

    Where nobody says that the key is unique the source may have rows twice, or rows went and
    came again elsewhere; then `is_steady` asks it whether its order is one, and a no is
    proof. A row that comes in before the place that is read moves one other onto a second
    page, and none is missing for it.
    """
    repeated = _repeated(settled, reading)
    if not repeated or is_unique:
        return replace(settled, repeated_keys=repeated)
    if repeated > reading.grown and is_steady() is False:
        return replace(settled, repeated_keys=repeated)
    return replace(
        settled,
        repeated_keys=0,
        doubtful_keys=repeated,
        warnings={**settled.warnings, RULE: repeated},
    )


def judged_before(settled: Settled, reading: Reading, accepted: Sequence[str]) -> Settled:
    """As it was judged when the import was held, for the source is not asked again.
    `accepted` are fingerprints.
    """
    was_accepted = any(amounts_accepted(Check.SOURCE_INCOMPLETE, "repeated", accepted))
    return replace(settled, repeated_keys=_repeated(settled, reading) if was_accepted else 0)


def _repeated(settled: Settled, reading: Reading) -> int:
    if reading.way is Way.KEYS or reading.ended is End.FILES:
        return 0
    is_too_few = bool(reading.counts) and reading.delivered - settled.overlapping_keys < min(
        reading.counts or ()
    )
    return settled.repeated_keys + (
        settled.overlapping_keys if reading.way is Way.SKIP or is_too_few else 0
    )
