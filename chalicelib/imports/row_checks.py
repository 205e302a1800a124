"""The checks of the rows that came: are they all there, and are they sound?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.jobs.finding import Check
from chalicelib.sources.plausibility import LEAST_REJECTED, NEARLY_ALL

from .completeness import Verdict
from .findings import as_percent, new_finding, scope, step_up, wells
from .memory import NOTHING_CAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from chalicelib.jobs.finding import Finding
    from chalicelib.store.diff import Absence, Diff
    from chalicelib.store.settle import Settled

    from .completeness import Completeness

LEAST_ABSENT = 20  # rows; of a smaller import half of its rows
ABSENT_SHARE = 0.05
CONFLICT_SHARE = 0.01
HALF = 0.5
LAST_STEP = 0.99  # of a share that is not all: nearly all is not all
TELL_APART = (
    "Say what tells them apart: WELLHEAD_SOURCE_ORDER_BY names the field by which the newest "
    "edition of a row wins. Where they are parts of a whole, WELLHEAD_SOURCE_ROWS=sum adds them "
    "up, and WELLHEAD_SOURCE_PRIMARY_KEY names the fields in which the parts differ. In a "
    "definition these are order_by, rows and primary_key."
)
MOST_PROBLEMS = 3
OTHER_PROBLEMS = "other"


def check_completeness(completeness: Completeness) -> Iterator[Finding]:
    reason = completeness.reason
    delivered = completeness.delivered
    if completeness.state is Verdict.UNPROVABLE and not completeness.is_by_key:
        yield new_finding(
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
        yield new_finding(
            Check.SOURCE_INCOMPLETE,
            "every row that the source counts",
            f"{delivered:,} rows",
            reason,
            amounts,
        )


def check_any_rows(
    diff: Diff, taken: int, skipped: int, limit: float, *, is_of_all: bool
) -> Iterator[Finding]:
    """A source may be empty at first;
    one whose rows are all left out has a definition with a wrong word.
    """
    if taken or not is_of_all or (diff.is_first and not skipped):
        return
    message = "Not one row came, and the source had some before."
    if skipped:
        message = (
            f"Not one of {skipped:,} rows is taken: where and skip of the definition leave all of "
            "them out."
        )
    yield new_finding(
        Check.REJECTED, _limit_of_rejects(limit), "no rows at all", message, {NOTHING_CAME: 1.0}
    )


def _limit_of_rejects(limit: float) -> str:
    usual = f"{as_percent(limit)} of the rows, and {LEAST_REJECTED}"
    return f"{usual}; or {as_percent(NEARLY_ALL)} of them"


def check_rejects(
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
        message = f"{found} were rejected ({as_percent(share)}). {_list_problems(examples)}"
        percent = 1.0 if diff.rejected == taken else min(LAST_STEP, step_up(share))
        amounts = scope(is_of_all=is_of_all) | {"percent": percent} | problems
        yield new_finding(
            Check.REJECTED,
            _limit_of_rejects(limit),
            found,
            message.strip(),
            amounts,
            examples=examples,
        )


def _list_problems(examples: Iterable[Mapping[str, Any]]) -> str:
    sentences = [f"{row['rows']:,} times {row['problem']}." for row in examples]
    return " ".join(sentences)


def problem_shares(rejects: Mapping[str, int], taken: int, limit: float) -> dict[str, float]:
    """Of the rows that are taken, by problem: the most frequent, as far as each is beyond the
    limit by itself, and all others as one. Others within the limit are as good as none: a few odd
    rows are no other thing.

    Of 1,000 rows with a limit of 1 %: 60 times NOT_A_DATE and 5 times TOO_LONG become
    NOT_A_DATE=0.06 and other=0.01.
    """
    if not rejects or not taken:
        return {}
    most_frequent_first = sorted(rejects.items(), key=lambda problem: (-problem[1], problem[0]))
    shares: dict[str, float] = {}
    others = 0
    for place, (problem, rows) in enumerate(most_frequent_first):
        is_first = place == 0
        if is_first or (place < MOST_PROBLEMS and _is_much(rows, taken, limit)):
            shares[problem.replace(" ", ":")] = step_up(rows / taken)
        else:
            others += rows
    shares[OTHER_PROBLEMS] = max(step_up(limit), step_up(others / taken))
    return shares


def _is_much(rows: int, taken: int, limit: float) -> bool:
    is_enough = rows >= LEAST_REJECTED
    return is_enough and rows > limit * taken


def check_columns(diff: Diff, *, is_of_all: bool) -> Iterator[Finding]:
    sentences = {
        name: _describe_absence(absence, is_of_all=is_of_all)
        for name, absence in diff.absent.items()
    }
    gone = [name for name, sentence in sentences.items() if sentence]
    if gone:
        found = ", ".join(f"{name}: {sentences[name]}" for name in gone)
        absent = {name: diff.absent[name] for name in gone}
        values = {name: float(each.stored + each.filled) for name, each in absent.items()}
        yield new_finding(
            Check.COLUMN_GONE,
            "a field for each column that had one",
            found,
            f"The source has no field any more for a column that had one: {found}. It may have "
            "another name now.",
            scope(is_of_all=is_of_all) | values,
        )


def _describe_absence(absence: Absence, *, is_of_all: bool) -> str:
    """What is gone; empty when nothing is. A source that leaves nulls out may lack a field in a few
    rows. Of 1,000 rows, 3 without it are nothing; the last 200 show that the field has gone.
    """
    if not absence.filled:
        are_enough = is_of_all or absence.rows >= LEAST_ABSENT
        is_gone = absence.stored and are_enough
        return f"no field, and {absence.stored:,} stored values" if is_gone else ""

    least = min(LEAST_ABSENT, HALF * absence.rows)
    is_large_share = absence.stretch > ABSENT_SHARE * absence.rows
    is_long = absence.stretch >= least and is_large_share
    # Of a column that is mostly empty, a long stretch without a value says nothing.
    rows_outside = absence.rows - absence.stretch
    was_usual = absence.filled >= HALF * rows_outside
    if is_long and was_usual:
        return f"no value in {absence.stretch:,} neighbouring rows, of {absence.rows:,}"
    return ""


def check_conflicts(diff: Diff, settled: Settled, *, is_of_all: bool) -> Iterator[Finding]:
    conflicts = settled.conflicts
    keys = diff.new + diff.updated + diff.unchanged
    share = max(conflicts.keys / max(1, keys), conflicts.volume_share)
    if conflicts.keys and (diff.is_first or share > CONFLICT_SHARE):
        found = f"{conflicts.keys:,} keys with {conflicts.rows:,} rows"
        yield new_finding(
            Check.CONFLICTS,
            f"none in a first import, later {as_percent(CONFLICT_SHARE)} of the keys and of the "
            "volume",
            found,
            f"Rows of one well and period have different values: {found}. {TELL_APART}",
            scope(is_of_all=is_of_all) | {"percent": step_up(share)} | wells(diff, Check.CONFLICTS),
            examples=settled.examples.get("CONFLICTS", []),
        )


def check_rates(diff: Diff, settled: Settled, *, is_of_all: bool) -> Iterator[Finding]:
    rows = settled.rates_beyond_a_well
    if rows:
        yield new_finding(
            Check.RATE_BEYOND_A_WELL,
            "what one well can do",
            f"{rows:,} rows",
            f"{rows:,} rows have a rate that no well can have. The numbers may be volumes, or of "
            "another unit.",
            scope(is_of_all=is_of_all)
            | {"rows": float(rows)}
            | wells(diff, Check.RATE_BEYOND_A_WELL),
            examples=settled.examples.get("RATE_BEYOND_A_WELL", []),
        )
