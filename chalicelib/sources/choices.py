"""Choices: which rows, or which values of a column, are meant.

Written `{ field = value }`, `{ field = [values] }` or `{ field = { pattern = "RE2" } }`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .faults import Faults

# RE2, which DuckDB matches with, has none of these: https://github.com/google/re2/wiki/Syntax
_NOT_IN_RE2 = re.compile(r"\(\?(?:[=!>#(]|<[=!]|P[=>])|\\[1-9]")
LONGEST_PATTERN = 500  # characters
MOST_WORDS = 1_000


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The field's text is one of `words`, or the whole of it is like the `pattern`. An empty word means no text."""

    field: str
    words: tuple[str, ...] = ()
    pattern: str = ""


def read_choices(faults: Faults, key: str, value: Any) -> tuple[Choice, ...]:
    """All must hold."""
    if not isinstance(value, dict):
        faults.add(key, "is no table", '{ FIELD = ["A", "B"] }')
        return ()
    return tuple(_read_choice(faults, f"{key}.{name}", str(name), wanted) for name, wanted in value.items())


def _read_choice(faults: Faults, key: str, name: str, wanted: Any) -> Choice:
    if isinstance(wanted, dict):
        found = faults.table(key, wanted, ["pattern"])
        return Choice(field=name, pattern=read_pattern(faults, f"{key}.pattern", found.get("pattern", ".*")))
    words = wanted if isinstance(wanted, list) else [wanted]
    if not words or len(words) > MOST_WORDS:
        faults.add(key, f"has {len(words):,} values", f"1 to {MOST_WORDS:,} values")
    return Choice(field=name, words=tuple(_word(faults, key, word) for word in words))


def _word(faults: Faults, key: str, word: Any) -> str:
    if isinstance(word, bool):
        return str(word).lower()  # as JSON writes it
    if isinstance(word, str | int):
        return str(word)
    faults.add(key, "holds what is neither text nor a whole number", "the text of the field, in quotes")
    return ""


def read_pattern(faults: Faults, key: str, value: Any, *, needs_group: bool = False) -> str:
    """A regular expression of RE2, which takes time in proportion to the text alone."""
    pattern = faults.filled_text(key, value)
    try:
        groups = re.compile(pattern).groups
    except (re.error, RecursionError, OverflowError) as exc:
        faults.add(key, f"is no regular expression: {exc}", "one of the RE2 syntax")
        return ".*"
    if _NOT_IN_RE2.search(pattern) or len(pattern) > LONGEST_PATTERN:
        faults.add(key, "is a regular expression that RE2 does not know", "one without look-around and back references")
    if needs_group and not groups:
        faults.add(key, "has no group, and the first one is what is taken", "a pattern such as ([0-9]{4})")
    return pattern
