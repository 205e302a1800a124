"""The checks of what is stored: what would it become?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.jobs.finding import Check
from chalicelib.store.diff import LARGEST, factor_of

from .findings import as_percent, new_finding, step_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chalicelib.jobs.finding import Finding
    from chalicelib.store.adopt import Adoption
    from chalicelib.store.diff import Diff

LEAST_NULLED = 100  # values
# Values; fewer than LEAST_NULLED hold when nearly all that the import touches turn null.
LEAST_WIPED = 20
NEARLY_ALL = 0.9
HALF = 0.5


def check_nulls(diff: Diff, limit: float) -> Iterator[Finding]:
    wiped = {name: counts for name, counts in diff.nulled.items() if _is_wiped(counts, limit)}
    if wiped:
        by_column = [
            f"{counts['nulled']:,} of {counts['stored']:,} values of {name}"
            for name, counts in wiped.items()
        ]
        found = ", ".join(by_column)
        yield new_finding(
            Check.NULLED,
            f"{as_percent(limit)} of the stored values of a column, and {LEAST_NULLED}; "
            f"{as_percent(NEARLY_ALL)} of them, and {LEAST_WIPED}; or half of all there are",
            found,
            f"Stored values would turn null: {found}.",
            {name: float(counts["nulled"]) for name, counts in wiped.items()},
            examples=diff.examples.get("NULLED", []),
        )


def _is_wiped(counts: Mapping[str, int], limit: float) -> bool:
    """With a limit of 5 %, of 10,000 values in the store: 100 of 1,500 that the import touches are
    much, 60 of 60 are nearly all, 60 of 1,500 are neither.
    """
    nulled = counts["nulled"]
    touched = counts["stored"]
    if nulled >= LEAST_NULLED and nulled > limit * touched:
        return True
    if nulled >= LEAST_WIPED and nulled >= NEARLY_ALL * touched:
        return True
    return nulled >= HALF * counts["in_store"]


def check_withdrawals(diff: Diff, limit: float) -> Iterator[Finding]:
    if diff.withdrawn > limit * diff.covered:
        found = f"{diff.withdrawn:,} of {diff.covered:,} rows"
        yield new_finding(
            Check.WITHDRAWN,
            f"{as_percent(limit)} of the stored rows of the periods that came",
            found,
            f"{found} that are stored of the same periods did not come any more, and would be "
            "withdrawn.",
            {"rows": float(diff.withdrawn)},
            examples=diff.examples.get("WITHDRAWN", []),
        )


def check_sums(diff: Diff, limit: float) -> Iterator[Finding]:
    factors = {name: _factor(sums) for name, sums in diff.sums.items()}
    beyond = {name: factor for name, factor in factors.items() if factor > limit}
    if beyond:
        changes = [f"{name} {_change(diff.sums[name])}" for name in beyond]
        found = ", ".join(changes)
        yield new_finding(
            Check.RESTATED,
            f"a factor of {limit:g} in what is stored of the same periods",
            found,
            f"What is stored of the same periods would become another amount: {found}.",
            {name: step_up(factor) for name, factor in beyond.items()},
            examples=diff.examples.get("RESTATED", []),
        )


def _factor(sums: Mapping[str, float]) -> float:
    return factor_of(sums["before"], sums["after"])


def _change(sums: Mapping[str, float]) -> str:
    # 0.0 is added because a sum may be -0.0, whose sign means nothing
    before = sums["before"] + 0.0
    after = sums["after"] + 0.0
    factor = factor_of(before, after)
    by_factor = "" if factor >= LARGEST else f", a factor of {factor:.3g}"
    return f"from {before:,.6g} to {after:,.6g}{by_factor}"


def check_adoption(adoption: Adoption | None) -> Iterator[Finding]:
    """Wells that one source told by one code and its heir by another would be stored twice."""
    if adoption is None or not adoption.unmatched:
        return
    found = f"{adoption.unmatched:,} of {adoption.wells:,} wells"
    yield new_finding(
        Check.ADOPTED_UNMATCHED,
        f"every well that was the source {adoption.source}'s before",
        found,
        f"{found} whose rows were the source {adoption.source}'s did not come. If they came under "
        "other codes, they would be stored twice.",
        {"wells": float(adoption.unmatched)},
        examples=adoption.examples,
    )
