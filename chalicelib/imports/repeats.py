"""Repeats: whether rows that came on more than one page show that the reading went wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.jobs.finding import Check, accepted_amounts
from chalicelib.odata.reading import End, Reading, Way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chalicelib.store.settle import Settled

RULE = "SAME_KEY_ON_TWO_PAGES"


def judge_repeats(
    settled: Settled, reading: Reading, *, is_unique: bool, is_steady: Callable[[], bool | None]
) -> Settled:
    """The same with `repeated_keys`, those alone that show a reading that went wrong, and
    `doubtful_keys`, those that may show it.

    By key a row is asked for after the one before, so none is missing however often one comes. The
    source's own links may overlap by some rows, which then come beside as many as it counts. By
    `$skip` that means that rows have moved.

    Where nobody says that the key is unique the source may have rows twice, or rows went and
    came again elsewhere; then `is_steady` asks it whether its order is one, and a no is
    proof. A row that comes in before the place that is read moves one other onto a second
    page, and none is missing for it.
    """
    repeated = _count_repeats(settled, reading)
    if not repeated or is_unique:
        return replace(settled, repeated_keys=repeated)
    # As many rows as came in meanwhile may have moved one other each; more need another reason.
    if repeated > reading.growth and is_steady() is False:
        return replace(settled, repeated_keys=repeated)
    return replace(
        settled,
        repeated_keys=0,
        doubtful_keys=repeated,
        warnings={**settled.warnings, RULE: repeated},
    )


def judge_repeats_as_before(settled: Settled, reading: Reading, accepted: Sequence[str]) -> Settled:
    """As it was judged when the import was held, for the source is not asked again.
    `accepted` are fingerprints.
    """
    was_accepted = any(accepted_amounts(Check.SOURCE_INCOMPLETE, "repeated", accepted))
    repeated = _count_repeats(settled, reading) if was_accepted else 0
    return replace(settled, repeated_keys=repeated)


def _count_repeats(settled: Settled, reading: Reading) -> int:
    """Of the keys on more than one page, those that count. Where links overlap, a source of 100
    rows that delivers 103, 3 of them twice, has delivered all; one that delivers 101 has not.
    """
    if reading.way is Way.KEYS or reading.ended is End.FILES:
        return 0  # each row is asked for after the one before, or each file is read to its end
    if reading.way is Way.SKIP or _is_short_without_overlap(settled, reading):
        return settled.repeated_keys + settled.overlapping_keys
    return settled.repeated_keys


def _is_short_without_overlap(settled: Settled, reading: Reading) -> bool:
    if not reading.counts:
        return False
    different = reading.delivered - settled.overlapping_keys
    least = min(reading.counts)  # rows may have come in since the first count
    return different < least
