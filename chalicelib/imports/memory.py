"""Memory: which accepted findings the next import is judged with too. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.jobs.finding import Check, Finding, is_covered, most_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

# What the stored rows do not tell: an accepted share of rejected rows comes again
# with the next full import.
CARRIED = (Check.REJECTED, Check.COLUMN_GONE, Check.CONFLICTS, Check.RATE_BEYOND_A_WELL)
NOTHING_CAME = "nothing"
OF_ALL = "all"  # found in an import of all rows: what was accepted of a part covers none of these
SAME_AGAIN = 0.5  # of what was accepted: what is less than this of it is another thing


def carried(
    accepted: Iterable[str], findings: Collection[Finding], *, is_of_all: bool
) -> list[str]:
    """The fingerprints that the next import is judged with too. One of all rows is remembered as it
    was found, and not as it was accepted once: what has shrunk may not grow again unseen.

    A part or an increment tells nothing of the other rows, and leaves what was
    accepted of all rows as it is.
    """
    passed = [
        each
        for each in findings
        if each.check in CARRIED and not each.holds and not _of_nothing(each.fingerprint)
    ]
    found = {each.check: each.fingerprint for each in passed}
    if is_of_all:
        return list(found.values())
    kept = [each for each in dict.fromkeys(accepted) if _outlives_part(each, found)]
    return [*kept, *(each for each in found.values() if not is_covered(each, kept))]


def _of_nothing(fingerprint: str) -> bool:
    return f"{NOTHING_CAME}=" in fingerprint


def _outlives_part(fingerprint: str, found: Mapping[Check, str]) -> bool:
    """The share of a few rows goes up and down from night to night; below
    half it is another thing.
    """
    check, *things = fingerprint.split(" ")
    if check not in CARRIED or _of_nothing(fingerprint):
        return False
    if f"{OF_ALL}=1.0" in things or check not in found:
        return True
    return most_of(fingerprint) <= most_of(found[Check(check)]) / SAME_AGAIN
