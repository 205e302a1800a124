"""Gate: which findings an import has, and which of them hold it. Pure: what is judged was measured
before.

The limits are settings; the least numbers beside the checks keep a live source from being held each
night for a few odd rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.jobs.finding import is_covered

from .change_checks import check_adoption, check_nulls, check_sums, check_withdrawals
from .row_checks import (
    check_any_rows,
    check_columns,
    check_completeness,
    check_conflicts,
    check_rates,
    check_rejects,
    problem_shares,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chalicelib.jobs.finding import Finding
    from chalicelib.settings import Settings
    from chalicelib.store.adopt import Adoption
    from chalicelib.store.diff import Diff
    from chalicelib.store.settle import Settled

    from .completeness import Completeness


def judge(
    diff: Diff,
    settled: Settled,
    completeness: Completeness,
    settings: Settings,
    accepted: Sequence[str] = (),
    *,
    is_of_all: bool = True,
    rejects: Mapping[str, int] | None = None,
    adoption: Adoption | None = None,
    skipped: int = 0,
) -> list[Finding]:
    """The findings, those that hold first. `accepted` are fingerprints; `is_of_all` tells that the
    import asked for all rows, and not for a part or for what has changed; `rejects` counts what was
    wrong with rows, as `REASON column`. `adoption` tells of rows that were another source's before.
    Of the rows that came, the definition left out the `skipped`: shares are of the others.
    """
    # Shares are of what the definition takes: that it leaves rows out is no fault of the source.
    taken = max(0, completeness.delivered - skipped)
    problems = problem_shares(rejects or {}, taken, settings.gate_rejected)
    findings = [
        *check_completeness(completeness),
        *check_any_rows(diff, taken, skipped, settings.gate_rejected, is_of_all=is_of_all),
        *check_rejects(diff, taken, settings.gate_rejected, problems, is_of_all=is_of_all),
        *check_nulls(diff, settings.gate_nulled),
        *check_withdrawals(diff, settings.gate_withdrawn),
        *check_sums(diff, settings.gate_restated),
        *check_columns(diff, is_of_all=is_of_all),
        *check_conflicts(diff, settled, is_of_all=is_of_all),
        *check_adoption(adoption),
        *check_rates(diff, settled, is_of_all=is_of_all),
    ]
    findings = [_waive(finding, accepted) for finding in findings]
    # False sorts before True, and findings of one kind stay in the order of the checks.
    return sorted(findings, key=lambda finding: not finding.holds)


def _waive(finding: Finding, accepted: Sequence[str]) -> Finding:
    """What somebody has accepted is told again, and holds nothing."""
    if finding.holds and is_covered(finding.fingerprint, accepted):
        return replace(finding, holds=False)
    return finding
