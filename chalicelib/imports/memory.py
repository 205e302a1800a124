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


def remember(
    accepted: Iterable[str], findings: Collection[Finding], *, is_of_all: bool
) -> list[str]:
    """The fingerprints that the next import is judged with too. One of all rows is remembered as it
    was found, and not as it was accepted once: what has shrunk may not grow again unseen.

    A part or an increment tells nothing of the other rows, and leaves what was
    accepted of all rows as it is.
    """
    now: dict[Check, str] = {}
    for finding in findings:
        is_carried = finding.check in CARRIED and not _is_of_nothing(finding.fingerprint)
        if is_carried and not finding.holds:
            now[finding.check] = finding.fingerprint
    if is_of_all:
        return list(now.values())
    before = [each for each in dict.fromkeys(accepted) if _outlives_part(each, now)]
    not_covered = [each for each in now.values() if not is_covered(each, before)]
    return before + not_covered


def _is_of_nothing(fingerprint: str) -> bool:
    return f"{NOTHING_CAME}=" in fingerprint


def _outlives_part(fingerprint: str, now: Mapping[Check, str]) -> bool:
    """Whether what was accepted before stays so after an import of a part, which has found `now`.

    The share of a few rows goes up and down from night to night: where 8 % were accepted, 5 %
    leave that as it is. Below the half, at 3 %, it is another thing, and 8 % would hold again.
    """
    check, *things = fingerprint.split(" ")
    if check not in CARRIED or _is_of_nothing(fingerprint):
        return False
    if f"{OF_ALL}=1.0" in things or check not in now:
        return True
    return most_of(fingerprint) <= most_of(now[Check(check)]) / SAME_AGAIN
