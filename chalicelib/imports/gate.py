"""Gate: which findings an import has, and which of them hold it. Pure: what is
judged was measured before.

The limits are settings; the least numbers below keep a live source from being held each
night for a few odd rows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.jobs.finding import Check, Finding, few_examples, fingerprint_of, is_covered
from chalicelib.store.diff import LARGEST, factor_of

from .completeness import Verdict
from .memory import NOTHING_CAME, OF_ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from chalicelib.settings import Settings
    from chalicelib.store.adopt import Adoption
    from chalicelib.store.diff import Absence, Diff
    from chalicelib.store.settle import Settled

    from .completeness import Completeness

LEAST_REJECTED = 20  # rows; of a smaller import NEARLY_ALL
NEARLY_ALL = 0.9
LEAST_NULLED = 100  # values
# values; fewer than LEAST_NULLED hold when nearly all that the import touches turn null
LEAST_WIPED = 20
LEAST_ABSENT = 20  # rows; of a smaller import half of its rows
ABSENT_SHARE = 0.05
CONFLICT_SHARE = 0.01
HALF = 0.5
# shares and factors are remembered by the hundredth, rounded up: the order of
# a sum changes its digits
STEPS = 100
LAST_STEP = 0.99  # of a share that is not all: nearly all is not all
TELL_APART = (
    "Say what tells them apart: WELLHEAD_SOURCE_ORDER_BY names the field by which the newest "
    "edition of a row wins. Where they are parts of a whole, WELLHEAD_SOURCE_ROWS=sum adds them "
    "up, and WELLHEAD_SOURCE_PRIMARY_KEY names the fields that each part has of its own. In a "
    "definition these are order_by, rows and primary_key."
)
MOST_PROBLEMS = 3
OTHER_PROBLEMS = "other"


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
    taken = max(0, completeness.delivered - skipped)
    problems = _shares(rejects or {}, taken, settings.gate_rejected)
    findings = [
        *_check_completeness(completeness),
        *_check_any_rows(diff, taken, skipped, settings.gate_rejected, is_of_all=is_of_all),
        *_check_rejects(diff, taken, settings.gate_rejected, problems, is_of_all=is_of_all),
        *_check_nulls(diff, settings.gate_nulled),
        *_check_withdrawals(diff, settings.gate_withdrawn),
        *_check_sums(diff, settings.gate_restated),
        *_check_columns(diff, is_of_all=is_of_all),
        *_check_conflicts(diff, settled, is_of_all=is_of_all),
        *_check_adoption(adoption),
        *_check_rates(diff, settled, is_of_all=is_of_all),
    ]
    findings = [_hold_unless_accepted(finding, accepted) for finding in findings]
    return sorted(findings, key=lambda finding: not finding.holds)


def _hold_unless_accepted(finding: Finding, accepted: Sequence[str]) -> Finding:
    if not finding.holds or not is_covered(finding.fingerprint, accepted):
        return finding
    return replace(finding, holds=False)


def _finding(
    check: Check,
    limit: str,
    found: str,
    message: str,
    amounts: Mapping[str, float],
    *,
    examples: Iterable[Mapping[str, Any]] = (),
    holds: bool = True,
) -> Finding:
    return Finding(
        check=check,
        limit=limit,
        found=found,
        message=message,
        fingerprint=fingerprint_of(check, amounts),
        examples=few_examples(examples),
        holds=holds,
    )


# -- the checks -----------------------------------------------------------------------------


def _check_completeness(completeness: Completeness) -> Iterator[Finding]:
    reason, delivered = completeness.reason, completeness.delivered
    if completeness.state is Verdict.UNPROVABLE and not completeness.is_by_key:
        yield _finding(
            Check.COMPLETENESS_UNKNOWN,
            "as many rows as the source counts",
            f"{delivered:,} rows",
            reason,
            {},
            holds=False,
        )
    if completeness.state is Verdict.DISPROVED:
        amounts = {
            "missing": float(completeness.missing),
            "repeated": float(completeness.repeated_keys),
        }
        yield _finding(
            Check.SOURCE_INCOMPLETE,
            "every row that the source counts",
            f"{delivered:,} rows",
            reason,
            amounts,
        )


def _check_any_rows(
    diff: Diff, taken: int, skipped: int, limit: float, *, is_of_all: bool
) -> Iterator[Finding]:
    """A source may be empty at first; one whose rows are all left out has a
    definition with a wrong word.
    """
    if taken or not is_of_all or (diff.is_first and not skipped):
        return
    message = "Not one row came, and the source had some before."
    if skipped:
        message = (
            f"Not one of {skipped:,} rows is taken: where and skip of the definition leave all of "
            "them out."
        )
    yield _finding(
        Check.REJECTED, _limit_of_rejects(limit), "no rows at all", message, {NOTHING_CAME: 1.0}
    )


def _limit_of_rejects(limit: float) -> str:
    return f"{_percent(limit)} of the rows, and {LEAST_REJECTED}; or {_percent(NEARLY_ALL)} of them"


def _check_rejects(
    diff: Diff, taken: int, limit: float, problems: dict[str, float], *, is_of_all: bool
) -> Iterator[Finding]:
    if not taken or not diff.rejected:
        return
    share = diff.rejected / taken
    is_much = _is_much(diff.rejected, taken, limit)
    is_nearly_all = share >= NEARLY_ALL and (is_of_all or diff.rejected >= LEAST_REJECTED)
    if is_much or is_nearly_all:
        found = f"{diff.rejected:,} of {taken:,} rows"
        examples = diff.examples.get("REJECTED", [])
        message = f"{found} were rejected ({_percent(share)}). {_list_problems(examples)}"
        percent = 1.0 if diff.rejected == taken else min(LAST_STEP, _step_up(share))
        amounts = _scope(is_of_all=is_of_all) | {"percent": percent} | problems
        yield _finding(
            Check.REJECTED,
            _limit_of_rejects(limit),
            found,
            message.strip(),
            amounts,
            examples=examples,
        )


def _shares(rejects: Mapping[str, int], taken: int, limit: float) -> dict[str, float]:
    """Of the rows that are taken, by problem: the most frequent, as far as each is beyond the
    limit by itself, and all others as one. Others within the limit are as good as none: a few odd
    rows are no other thing.
    """
    if not rejects or not taken:
        return {}
    most_frequent_first = sorted(rejects.items(), key=lambda problem: (-problem[1], problem[0]))
    shares: dict[str, float] = {}
    others = 0
    for place, (problem, rows) in enumerate(most_frequent_first):
        is_first = place == 0
        if is_first or (place < MOST_PROBLEMS and _is_much(rows, taken, limit)):
            shares[problem.replace(" ", ":")] = _step_up(rows / taken)
        else:
            others += rows
    shares[OTHER_PROBLEMS] = max(_step_up(limit), _step_up(others / taken))
    return shares


def _is_much(rows: int, taken: int, limit: float) -> bool:
    return rows >= LEAST_REJECTED and rows > limit * taken


def _scope(*, is_of_all: bool) -> dict[str, float]:
    return {OF_ALL: 1.0} if is_of_all else {}


def _check_nulls(diff: Diff, limit: float) -> Iterator[Finding]:
    wiped = {name: counts for name, counts in diff.nulled.items() if _is_wiped(counts, limit)}
    if wiped:
        found = ", ".join(
            f"{counts['nulled']:,} of {counts['stored']:,} values of {name}"
            for name, counts in wiped.items()
        )
        yield _finding(
            Check.NULLED,
            f"{_percent(limit)} of the stored values of a column, and {LEAST_NULLED}; "
            f"{_percent(NEARLY_ALL)} of them, and {LEAST_WIPED}; or half of all there are",
            found,
            f"Stored values would turn null: {found}.",
            {name: float(counts["nulled"]) for name, counts in wiped.items()},
            examples=diff.examples.get("NULLED", []),
        )


def _is_wiped(counts: Mapping[str, int], limit: float) -> bool:
    nulled, touched = counts["nulled"], counts["stored"]
    is_much = nulled >= LEAST_NULLED and nulled > limit * touched
    is_nearly_all = nulled >= LEAST_WIPED and nulled >= NEARLY_ALL * touched
    is_half_of_store = nulled >= HALF * counts["in_store"]
    return is_much or is_nearly_all or is_half_of_store


def _check_withdrawals(diff: Diff, limit: float) -> Iterator[Finding]:
    if diff.withdrawn > limit * diff.covered:
        found = f"{diff.withdrawn:,} of {diff.covered:,} rows"
        yield _finding(
            Check.WITHDRAWN,
            f"{_percent(limit)} of the stored rows of the periods that came",
            found,
            f"{found} that are stored of the same periods did not come any more, and would be "
            "withdrawn.",
            {"rows": float(diff.withdrawn)},
            examples=diff.examples.get("WITHDRAWN", []),
        )


def _check_sums(diff: Diff, limit: float) -> Iterator[Finding]:
    factors = {name: factor_of(sums["before"], sums["after"]) for name, sums in diff.sums.items()}
    beyond = {name: factor for name, factor in factors.items() if factor > limit}
    if beyond:
        found = ", ".join(f"{name} {_change(diff.sums[name])}" for name in beyond)
        yield _finding(
            Check.RESTATED,
            f"a factor of {limit:g} in what is stored of the same periods",
            found,
            f"What is stored of the same periods would become another amount: {found}.",
            {name: _step_up(factor) for name, factor in beyond.items()},
            examples=diff.examples.get("RESTATED", []),
        )


def _check_columns(diff: Diff, *, is_of_all: bool) -> Iterator[Finding]:
    sentences = {
        name: _describe_absence(absence, is_of_all=is_of_all)
        for name, absence in diff.absent.items()
    }
    gone = [name for name, sentence in sentences.items() if sentence]
    if gone:
        found = ", ".join(f"{name}: {sentences[name]}" for name in gone)
        values = {name: float(diff.absent[name].stored + diff.absent[name].filled) for name in gone}
        yield _finding(
            Check.COLUMN_GONE,
            "a field for each column that had one",
            found,
            f"The source has no field any more for a column that had one: {found}. It may have "
            "another name now.",
            _scope(is_of_all=is_of_all) | values,
        )


def _describe_absence(absence: Absence, *, is_of_all: bool) -> str:
    """What is gone; empty when nothing is. A source that leaves nulls out may lack a field in a few
    rows. Of 1,000 rows, 3 without it are nothing; the last 200 show that the field has gone.
    """
    if not absence.filled:
        is_gone = absence.stored and (is_of_all or absence.rows >= LEAST_ABSENT)
        return f"no field, and {absence.stored:,} stored values" if is_gone else ""
    before = absence.rows - absence.stretch
    least = min(LEAST_ABSENT, HALF * absence.rows)
    is_long = absence.stretch >= least and absence.stretch > ABSENT_SHARE * absence.rows
    was_usual = absence.filled >= HALF * before
    if is_long and was_usual:
        return f"no value in {absence.stretch:,} rows beside each other, of {absence.rows:,}"
    return ""


def _check_conflicts(diff: Diff, settled: Settled, *, is_of_all: bool) -> Iterator[Finding]:
    conflicts = settled.conflicts
    keys = diff.new + diff.updated + diff.unchanged
    share = max(conflicts.keys / max(1, keys), conflicts.volume_share)
    if conflicts.keys and (diff.is_first or share > CONFLICT_SHARE):
        found = f"{conflicts.keys:,} keys with {conflicts.rows:,} rows"
        yield _finding(
            Check.CONFLICTS,
            f"none in a first import, later {_percent(CONFLICT_SHARE)} of the keys and of the "
            "volume",
            found,
            f"Rows of one well and period have different values: {found}. {TELL_APART}",
            _scope(is_of_all=is_of_all)
            | {"percent": _step_up(share)}
            | _wells(diff, Check.CONFLICTS),
            examples=settled.examples.get("CONFLICTS", []),
        )


def _check_adoption(adoption: Adoption | None) -> Iterator[Finding]:
    """Wells that one source told by one code and its heir by another would be stored twice."""
    if adoption is None or not adoption.unmatched:
        return
    found = f"{adoption.unmatched:,} of {adoption.wells:,} wells"
    yield _finding(
        Check.ADOPTED_UNMATCHED,
        f"every well that was the source {adoption.source}'s before",
        found,
        f"{found} whose rows were the source {adoption.source}'s did not come. If they came under "
        "other codes, they would be stored twice.",
        {"wells": float(adoption.unmatched)},
        examples=adoption.examples,
    )


def _check_rates(diff: Diff, settled: Settled, *, is_of_all: bool) -> Iterator[Finding]:
    rows = settled.rates_beyond_a_well
    if rows:
        yield _finding(
            Check.RATE_BEYOND_A_WELL,
            "what one well can do",
            f"{rows:,} rows",
            f"{rows:,} rows have a rate that no well can have. The numbers may be volumes, or of "
            "another unit.",
            _scope(is_of_all=is_of_all)
            | {"rows": float(rows)}
            | _wells(diff, Check.RATE_BEYOND_A_WELL),
            examples=settled.examples.get("RATE_BEYOND_A_WELL", []),
        )


def _wells(diff: Diff, check: Check) -> dict[str, float]:
    """Each well is a thing of its own, without an amount: the same at
    another one was not accepted.
    """
    return {f"well:{well}": 0.0 for well in diff.wells.get(check, ())}


# -- words and numbers ----------------------------------------------------------------------


def _percent(share: float) -> str:
    return f"{share * STEPS:.3g} %"


def _change(sums: Mapping[str, float]) -> str:
    # 0.0 is added because a sum may be -0.0, whose sign means nothing
    before, after = sums["before"] + 0.0, sums["after"] + 0.0
    factor = factor_of(before, after)
    by_factor = "" if factor >= LARGEST else f", a factor of {factor:.3g}"
    return f"from {before:,.6g} to {after:,.6g}{by_factor}"


def _list_problems(examples: Iterable[Mapping[str, Any]]) -> str:
    sentences = [f"{row['rows']:,} times {row['problem']}." for row in examples]
    return " ".join(sentences)


def _step_up(number: float) -> float:
    return math.ceil(round(number * STEPS, 4)) / STEPS
