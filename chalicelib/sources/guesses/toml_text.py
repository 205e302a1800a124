"""TomlText: guesses written as TOML, each with its reason; what lacks something is a comment."""

from __future__ import annotations

import json
import re
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .look import Guess

WIDTH = 118
LONGEST_COMMENT = 1_500  # characters
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def toml_lines(guesses: Iterable[Guess]) -> list[str]:
    """The lines of the top, and those of `[columns]` after them."""
    top_lines: list[str] = []
    column_lines: list[str] = []
    for guess in guesses:
        table, _, name = guess.key.rpartition(".")
        lines = _lines(name, guess)
        if table == "columns":
            column_lines += lines
        else:
            top_lines += lines

    if not column_lines:
        return top_lines
    return [*top_lines, "", "[columns]", *column_lines]


def _lines(name: str, guess: Guess) -> list[str]:
    """The reason stands behind, or before where the line would be too long:
    `well_code = "API"  # guess: the name says api`.
    """
    line = f"{name} = {value_text(guess.value)}"
    if not guess.is_complete:
        line = f"# {line}"

    why = guess.why
    if guess.is_complete and not guess.sure:
        why = f"guess: {why}"
    if not why:
        return [line]

    reason = comments(why)
    has_room = len(line) + len(reason[0]) < WIDTH - 1
    if len(reason) == 1 and has_room:
        return [f"{line}  {reason[0]}"]
    return [*reason, line]


def comments(text: str) -> list[str]:
    """It on lines that are not too long: whatever a source calls its fields."""
    # A line break of a field's name would end the comment, and what follows would be read as TOML.
    plain = _CONTROLS.sub(" ", text)
    if len(plain) > LONGEST_COMMENT:
        plain = plain[:LONGEST_COMMENT] + "…"

    lines = wrap(plain, WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    if not lines:
        return ["#"]
    return [f"# {line}" for line in lines]


def value_text(value: Any) -> str:
    """As TOML writes it, on one line."""
    if isinstance(value, dict):
        items = [f"{_key(name)} = {value_text(item)}" for name, item in value.items()]
        return "{ " + ", ".join(items) + " }"
    if isinstance(value, list | tuple):
        texts = map(value_text, value)
        return "[" + ", ".join(texts) + "]"
    if isinstance(value, str):
        return _text(value)
    return json.dumps(value)  # a number, or true or false: the same in both


def _key(name: str) -> str:
    is_bare = _BARE.fullmatch(name)
    return name if is_bare else _text(name)


def _text(text: str) -> str:
    """A basic string: what JSON escapes TOML does too, but for the delete sign."""
    escaped = json.dumps(text, ensure_ascii=False)
    return escaped.replace("\x7f", "\\u007f")
