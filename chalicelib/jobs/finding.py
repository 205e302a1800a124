"""Finding: what is odd about an import as a whole, by which limit, and whether it holds the import.

Some findings hold an import until an operator accepts them, each by the name of its check. What was
accepted is remembered by `fingerprint`: the check, and how much of what was found. The same or less
is accepted with it; more, or another thing, is a new finding.
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
# Of one finding's examples: with all checks at once the item of a job stays below 64 KB.
EXAMPLE_BYTES = 1_500
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
    """`limit` and `found` are short texts, `message` a sentence for people. `holds`: the import
    waits for an operator; not so when the check never holds, or when the finding was accepted.
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
        names = [each.name for each in fields(self)]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        """What a later version has added is left out."""
        names = [each.name for each in fields(cls) if each.name in attributes]
        values = {name: attributes[name] for name in names}
        values["check"] = Check(attributes["check"])
        return cls(**values)


def few_examples(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The first rows, their long texts cut, as long as they fit. Of the source's own text there is
    more where it fits: a value that was wrong may stand far behind the beginning.
    """
    first_rows = list(rows)[:MOST_EXAMPLES]
    examples = [with_short_texts(row) for row in first_rows]
    while examples and not _fits(examples):
        examples.pop()

    for place in range(len(examples)):
        longer = examples.copy()
        longer[place] = with_short_texts(first_rows[place], raw=RAW_CHARACTERS)
        if _fits(longer):
            examples = longer
    return examples


def with_short_texts(row: Mapping[str, Any], *, raw: int = 0) -> dict[str, Any]:
    """`raw` is how many characters of a text of that name may stay,
    where these are more than of others.
    """
    short = dict(row)
    for name, value in row.items():
        if isinstance(value, str):
            longest = max(raw, VALUE_CHARACTERS) if name == "raw" else VALUE_CHARACTERS
            short[name] = value[:longest]
    return short


def _fits(rows: list[dict[str, Any]]) -> bool:
    text = json.dumps(rows, default=str, ensure_ascii=False)
    octets = text.encode(errors="replace")
    return len(octets) <= EXAMPLE_BYTES


def fingerprint_of(check: Check, amounts: Mapping[str, float]) -> str:
    """`amounts` tells how much of each thing was found, such as stored values by column:

    "NULLED gas=12 oil=3" says that the check NULLED found 12 such values of gas and 3 of oil.
    """
    words = [str(check)]
    for thing, amount in sorted(amounts.items()):
        words.append(f"{thing}={amount!r}")
    return " ".join(words)


def is_covered(fingerprint: str, accepted: Sequence[str]) -> bool:
    """Whether all that this one tells of was accepted, and as much of it, in one go:

    "NULLED gas=12" is covered by "NULLED gas=20 oil=1", and not by "NULLED gas=8" and
    "NULLED gas=4", which were accepted one after the other.
    """
    check, amounts = _parse(fingerprint)
    each_time = _amounts_of(check, accepted)
    return any(_are_within(amounts, limits) for limits in each_time)


def accepted_amounts(check: Check, thing: str, accepted: Sequence[str]) -> list[float]:
    """How much of it, each time that the check was accepted."""
    each_time = _amounts_of(check, accepted)
    return [amounts.get(thing, 0.0) for amounts in each_time]


def most_of(fingerprint: str) -> float:
    """The largest of its amounts, 0 of none."""
    _, amounts = _parse(fingerprint)
    return max(amounts.values(), default=0.0)


def holding(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.holds]


def _amounts_of(check: str, accepted: Sequence[str]) -> list[dict[str, float]]:
    """The amounts of each of these fingerprints that is the check's."""
    parsed = [_parse(fingerprint) for fingerprint in accepted]
    return [amounts for name, amounts in parsed if name == check]


def _are_within(amounts: Mapping[str, float], limits: Mapping[str, float]) -> bool:
    for thing, amount in amounts.items():
        if thing not in limits:
            return False
        limit = limits[thing]
        is_within = amount <= limit + abs(limit) * SAME_SHARE
        if not is_within:  # also where one of them is no number
            return False
    return True


def _parse(fingerprint: str) -> tuple[str, dict[str, float]]:
    check, *pairs = fingerprint.split(" ")
    amounts = {}
    for pair in pairs:
        thing, _, amount = pair.rpartition("=")
        amounts[thing] = _number(amount)
    return check, amounts


def _number(text: str) -> float:
    """NaN of what is none, which covers nothing and is covered by nothing:
    another version may have stored it.
    """
    try:
        return float(text)
    except ValueError:
        return math.nan
