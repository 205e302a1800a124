"""Choices: which rows, or which values of a column, are meant.

Written `{ field = value }`, `{ field = [values] }` or `{ field = { pattern = "RE2" } }`.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .faults import LARGEST_TOLD, describe, safe_text

if TYPE_CHECKING:
    from .faults import Faults

LONGEST_PATTERN = 500  # characters
LONGEST_CONSTANT = 1_000  # characters, also of a template
MOST_WORDS = 1_000
MOST_REPEATED = 1_000  # times, as RE2 takes it
# That count for nothing around a word, as `stripped` of well_production.sql has them.
BLANKS = " \t\n\r\xa0"
# Which programs write between thousands, where people type a space.
HARD_SPACES = "\xa0\u202f\u2009"

# What Python and RE2 (https://github.com/google/re2/wiki/Syntax) both know and read alike: a
# definition is checked where no DuckDB is. A piece is an escape, the beginning of a group, a
# repetition, a class or any other character.
_PIECE = re.compile(
    r"""\\(?:[AbBdDsSwWafnrtv]|x[0-9A-Fa-f]{2}|[!-/:-@\[-^`{-~\s])
    |\((?:\?(?::|P<[A-Za-z_][A-Za-z0-9_]*>|-?[ims]+[:)])|(?!\?))
    |(?:[*+?]|\{(?P<least>[0-9]{1,4})(?:,(?P<most>[0-9]{0,4}))?\})\??(?!\+)
    |\[\^?\]?(?:\\(?:[dDsSwWfnrtv]|x[0-9A-Fa-f]{2}|[!-/:-@\[-^`{-~])|\[(?![:.=])|[^\]\\\[])*\]
    |[^\\(\[{*+?]""",
    re.VERBOSE,
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The field's text is one of `words`, or the whole of it is like the `pattern`.
    An empty word means no text.
    """

    field: str
    words: tuple[str, ...] = ()
    pattern: str = ""


def read_choices(faults: Faults, key: str, value: Any) -> tuple[Choice, ...]:
    """All must hold."""
    if not isinstance(value, dict):
        faults.add(key, "is no table", '{ FIELD = ["A", "B"] }')
        return ()
    choices = [_read_choice(faults, f"{key}.{name}", name, each) for name, each in value.items()]
    return tuple(choices)


def _read_choice(faults: Faults, key: str, name: str, value: Any) -> Choice:
    field = faults.filled_text(key, name)
    if isinstance(value, dict):
        table = faults.table(key, value, ["pattern"])
        if "pattern" not in table:
            faults.add(
                key,
                "says nothing of what is meant",
                '{ pattern = "RE2" }, a value or a list of values',
            )
        pattern = read_pattern(faults, f"{key}.pattern", table.get("pattern", ".*"))
        return Choice(field=field, pattern=pattern)

    words = value if isinstance(value, list) else [value]
    if not words or len(words) > MOST_WORDS:
        faults.add(key, f"has {len(words):,} values", f"1 to {MOST_WORDS:,} values")
    return Choice(field=field, words=tuple(_word(faults, key, word) for word in words))


def _word(faults: Faults, key: str, word: Any) -> str:
    if isinstance(word, bool):
        return str(word).lower()  # as JSON writes it
    if isinstance(word, str):
        return faults.text(key, word)
    if isinstance(word, int) and abs(word) < LARGEST_TOLD:
        return str(word)
    faults.add(
        key,
        f"holds {describe(word)}, neither text nor a whole number",
        "the text of the field, in quotes",
    )
    return ""


def read_constant(faults: Faults, key: str, value: Any, default: str = "0") -> str:
    """A text in place of a field; a number is its text."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and abs(value) < LARGEST_TOLD:
        return str(value)
    text = faults.filled_text(key, value, default)
    if len(text) > LONGEST_CONSTANT:
        faults.add(key, "is too long", f"at most {LONGEST_CONSTANT:,} characters")
    return text[:LONGEST_CONSTANT]


def read_pattern(faults: Faults, key: str, value: Any, *, needs_group: bool = False) -> str:
    """A regular expression of RE2, which takes time in proportion to the text alone."""
    pattern = faults.filled_text(key, value, "(.*)")
    if len(pattern) > LONGEST_PATTERN:
        faults.add(key, f"has {len(pattern):,} characters", f"at most {LONGEST_PATTERN}")
        return "(.*)"

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what may have another meaning in later Pythons
            groups = re.compile(pattern).groups
    except (re.error, RecursionError, OverflowError) as exc:
        faults.add(key, f"is no regular expression: {safe_text(str(exc))}", "one of the RE2 syntax")
        return "(.*)"

    if not _is_of_both(pattern):
        faults.add(
            key,
            "is a regular expression that RE2 does not know",
            r"one without look-around, back references and rare escapes; [A-Z] and \d are known",
        )
        return "(.*)"
    if needs_group and not groups:
        faults.add(
            key, "has no group, and the first one is what is taken", "a pattern such as ([0-9]{4})"
        )
    return pattern


def _is_of_both(pattern: str) -> bool:
    """Whether RE2 knows all of it too. RE2 multiplies repetitions that stand within each other;
    all of them are, here: ([0-9]{4}-){12} counts as 48.
    """
    place = 0
    repetitions = 1
    while place < len(pattern):
        piece = _PIECE.match(pattern, place)
        if piece is None:
            return False
        times = int(piece["most"] or piece["least"] or 1)
        repetitions *= max(1, times)
        place = piece.end()
    return repetitions <= MOST_REPEATED
