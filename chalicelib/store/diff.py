"""Diff: what an import would change in the stored data, in a few KB."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from chalicelib.jobs.finding import few_examples, with_short_texts

MOST_FIELDS = 10
# Digits of a sum that count: more are noise, and not everything that a double holds can stand in
# the job's item.
DIGITS = 6
LARGEST = 1_000_000.0  # a factor beyond it is given as this


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Of the `accepted` rows, one a key: how many are `new`, and how many `revised`.
    The others change nothing.
    """

    accepted: int
    new: int
    revised: int


@dataclass(frozen=True, kw_only=True)
class Absence:
    """A column whose field the source lacks, or lacked on some page: `stored` values of it, `rows`
    that came, those `filled` of them, and the `stretch` of rows beside each other that were not:
    the last one, which may be of no length, or the longest where another field stood in its place.
    """

    stored: int
    rows: int
    filled: int
    stretch: int


@dataclass(frozen=True, kw_only=True)
class Diff:
    """Rows that are `new`, `updated`, `unchanged`, `rejected` and `withdrawn`, these of the
    `covered` ones, which are stored of the periods that came; `is_first`: nothing was stored.

    `nulled` tells how many stored values of a column would turn null, of how many in the rows that
    the import touches, and of how many in the store: {"nulled", "stored", "in_store"}. `sums` are
    stored volumes by column, rate by days, of the periods that the import covers and that are over,
    where they change: {"before", "after"}. New rows are left out, because more wells are no
    restatement. `fields` are the ten largest changes of a field's volume, `examples` a few rows to
    a check. `absent` are the columns that were asked for, see Absence. `wells` are digests of the
    wells that a check has found something at, so that the same wells are known again.
    """

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    withdrawn: int = 0
    covered: int = 0
    is_first: bool = True
    nulled: dict[str, dict[str, int]] = field(default_factory=dict)
    sums: dict[str, dict[str, float]] = field(default_factory=dict)
    fields: list[dict[str, Any]] = field(default_factory=list)
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    absent: dict[str, Absence] = field(default_factory=dict)
    wells: dict[str, list[str]] = field(default_factory=dict)

    def to_attributes(self) -> dict[str, Any]:
        """As the job's item keeps it and the API shows it:
        long texts are cut, a name may have megabytes.
        """
        examples = {check: few_examples(rows) for check, rows in self.examples.items()}
        shown = asdict(self) | {
            "examples": examples,
            "fields": [with_short_texts(each) for each in self.fields],
        }
        del shown["wells"]  # they stand in the fingerprints
        return shown


def factor_of(before: float, after: float) -> float:
    """By how much a sum grows or shrinks, from 1 on; 1 where nothing was before.
    LARGEST where nothing is left.
    """
    if before == after or abs(before) < 10**-DIGITS:
        return 1.0
    ratio = after / before
    if ratio <= 1 / LARGEST:
        return LARGEST
    return min(LARGEST, max(ratio, 1 / ratio))
