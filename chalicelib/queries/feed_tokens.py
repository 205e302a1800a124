"""The words of a filter of OData: names, signs and literals, and what a literal is worth. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from chalicelib.api.feed_model import DATE, MOMENT, STRING

# Kinds of values, beside the types of the model.
NUMBER, TRUTH, NOTHING = "number", "truth", "null"
# The first that fits, so a moment comes before a day, and that before a number: 2024 would be one.
TOKEN = re.compile(
    r"""
    (?P<space>[ \t]+)
    | (?P<text>'(?:[^']|'')*')
    | (?P<moment>
        [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,12})?)?
        (?:Z|[-+\ ][0-9]{2}:[0-9]{2})
    )
    | (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?![0-9A-Za-z-])
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(?![0-9A-Za-z_])
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>[(),=])
    | (?P<other>[-/@$:.])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int


class NotUnderstood(ValueError):
    """Nothing of the language begins at this `place`."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def tokens_of(text: str) -> list[Token]:
    """Without the blanks between them. Raises NotUnderstood."""
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        if not match:
            raise NotUnderstood(place)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match[0], place))
        place = match.end()
    return tokens


def value_of(token: Token) -> tuple[Any, str]:
    """Of a literal, and its kind. Raises ValueError, OverflowError."""
    text = token.text
    match token.kind:
        case "text":
            return text[1:-1].replace("''", "'"), STRING
        case "number":
            is_whole = re.fullmatch(r"-?[0-9]{1,18}", text)  # which 64 bits hold for certain
            return (int(text) if is_whole else float(text)), NUMBER
        case "day":
            return date.fromisoformat(text), DATE
        case "moment":
            return _moment(text), MOMENT
    if token.kind == "word" and text in ("true", "false"):
        return text == "true", TRUTH
    if token.kind == "word" and text == "null":
        return None, NOTHING
    raise ValueError


def _moment(text: str) -> datetime:
    """In UTC, without a zone. A plus that a URL has made a space is one."""
    # 2024-01-31T08:30, :15, .25 and +01:00; seconds and their parts may be missing.
    match = re.fullmatch(r"(.{16})(:[0-9]{2})?(\.[0-9]+)?(Z|[-+ ].{5})", text)
    if not match:
        raise ValueError
    minute, second, fraction, zone = match.groups()
    second = second or ":00"
    fraction = (fraction or ".0")[:7]  # microseconds, and no less
    zone = zone.replace(" ", "+").replace("Z", "+00:00")

    moment = datetime.fromisoformat(f"{minute}{second}{fraction:0<7}{zone}")
    return moment.astimezone(UTC).replace(tzinfo=None)
