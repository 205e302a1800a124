"""Finding: what is odd about an import as a whole, by which limit, and whether it holds the import.

Some findings hold an import until an operator accepts them, each by the name of its check. What was accepted is
remembered by `fingerprint`: the check, and how much of what was found. The same or less is accepted with it; more, or
another thing, is a new finding.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_EXAMPLES = 3
EXAMPLE_BYTES = 1_500  # of one finding's examples: with all checks at once the item of a job stays below 64 KB
VALUE_CHARACTERS = 120
RAW_CHARACTERS = 600  # of the row as the source sent it
SAME_SHARE = 1e-9  # two sums of the same numbers differ by their order


class Check(StrEnum):
    """What an import is looked at for."""

    SOURCE_INCOMPLETE = "SOURCE_INCOMPLETE"
    COMPLETENESS_UNKNOWN = "COMPLETENESS_UNKNOWN"
    REJECTED = "REJECTED"
    NULLED = "NULLED"
    WITHDRAWN = "WITHDRAWN"
    RESTATED = "RESTATED"
    COLUMN_GONE = "COLUMN_GONE"
    CONFLICTS = "CONFLICTS"
    ADOPTED_UNMATCHED = "ADOPTED_UNMATCHED"
    RATE_BEYOND_A_WELL = "RATE_BEYOND_A_WELL"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`limit` and `found` are short texts, `message` a sentence for people. `holds`: the import waits for an operator;
    not so when the check never holds, or when the finding was accepted.
    """

    check: Check
    limit: str
    found: str
    message: str
    fingerprint: str
    examples: list[dict[str, Any]] = field(default_factory=list)
    holds: bool = True
    can_be_accepted: bool = True

    def to_attributes(self) -> dict[str, Any]:
        """As the job's item keeps it and the API shows it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        """What a later version has added is left out."""
        known = {each.name: attributes[each.name] for each in fields(cls) if each.name in attributes}
        return cls(**(known | {"check": Check(attributes["check"])}))


def few_examples(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The first rows, their long texts cut, as long as they fit. Of the source's own text there is more where it
    fits: a value that was wrong may stand far behind the beginning.
    """
    first = list(rows)[:MOST_EXAMPLES]
    kept = [with_short_texts(row) for row in first]
    while kept and not _fits(kept):
        kept.pop()
    for place in range(len(kept)):
        longer = [*kept[:place], with_short_texts(first[place], raw=RAW_CHARACTERS), *kept[place + 1 :]]
        kept = longer if _fits(longer) else kept
    return kept


def with_short_texts(row: Mapping[str, Any], *, raw: int = 0) -> dict[str, Any]:
    """`raw` is how many characters of a text of that name may stay, where these are more than of others."""
    most = {"raw": max(raw, VALUE_CHARACTERS)}
    return {
        name: value[: most.get(name, VALUE_CHARACTERS)] if isinstance(value, str) else value
        for name, value in row.items()
    }


def _fits(rows: list[dict[str, Any]]) -> bool:
    return len(json.dumps(rows, default=str, ensure_ascii=False).encode(errors="replace")) <= EXAMPLE_BYTES


def fingerprint_of(check: Check, amounts: Mapping[str, float]) -> str:
    """`amounts` tells how much of each thing was found, such as stored values by column."""
    return " ".join([check, *(f"{thing}={amount!r}" for thing, amount in sorted(amounts.items()))])


def is_covered(fingerprint: str, accepted: Sequence[str]) -> bool:
    """Whether all that this one tells of was accepted, and as much of it."""
    check, amounts = _read(fingerprint)
    known = [told for name, told in map(_read, accepted) if name == check]
    return any(all(_is_within(thing, amount, told) for thing, amount in amounts.items()) for told in known)


def amounts_accepted(check: Check, thing: str, accepted: Sequence[str]) -> list[float]:
    """How much of it, each time that the check was accepted."""
    return [amounts.get(thing, 0.0) for name, amounts in map(_read, accepted) if name == check]


def most_of(fingerprint: str) -> float:
    """The largest of its amounts, 0 of none."""
    return max(_read(fingerprint)[1].values(), default=0.0)


def holding(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.holds]


def _is_within(thing: str, amount: float, told: Mapping[str, float]) -> bool:
    return thing in told and amount <= told[thing] + abs(told[thing]) * SAME_SHARE


def _read(fingerprint: str) -> tuple[str, dict[str, float]]:
    check, *pairs = fingerprint.split(" ")
    named = (pair.rpartition("=") for pair in pairs)
    return check, {thing: _number(amount) for thing, _, amount in named}


def _number(text: str) -> float:
    """NaN of what is none, which covers nothing and is covered by nothing: another version may have stored it."""
    try:
        return float(text)
    except ValueError:
        return math.nan
