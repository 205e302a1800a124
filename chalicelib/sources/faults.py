"""Faults: what is wrong with a definition, all of it at once,
each with its key and what to write instead.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MOST_TOLD = 100
LONGEST_TOLD = 60  # characters of a word that somebody wrote
LARGEST_TOLD = 10**LONGEST_TOLD  # Python writes no number of more than 4,300 digits
# A zero byte ends a statement of SQL, half a character cannot be sent anywhere, and no name or word
# of a table has the others; line breaks stand in the headers of spreadsheets.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

Fault = dict[str, str]


def fault(key: str, problem: str, instead: str) -> Fault:
    """Such as: period is "weekly"; write one of day, month, quarter, year."""
    return {"key": key, "problem": problem, "instead": instead}


class Faults:
    """Each reader below answers a value that can be worked with,
    and notes what is wrong with the one that stands.
    """

    def __init__(self) -> None:
        self._found: list[Fault] = []

    def add(self, key: str, problem: str, instead: str) -> None:
        self._found.append(fault(safe_text(key), problem, instead))

    def raise_any(self) -> None:
        """Raises DefinitionInvalid."""
        more = len(self._found) - MOST_TOLD
        faults = self._found[:MOST_TOLD]
        if more > 0:
            problem = f"has {more:,} more faults"
            faults.append(fault("", problem, "what these say, first"))
        if faults:
            raise DefinitionInvalid(faults=faults)

    # -- readers of a value -------------------------------------------------------------------

    def table(self, key: str, value: Any, known: Collection[str]) -> dict[str, Any]:
        """A table whose keys are all known ones; those that are not are left out."""
        if not isinstance(value, dict):
            self.add(key, f"is {describe(value)}, which is no table", f"a table of {some(known)}")
            return {}

        for name in value:
            if name in known:
                continue
            # To look for the nearest word costs time, and a fault beyond the hundredth is not told.
            instead = _nearest(name, known) if len(self._found) < MOST_TOLD else ""
            whole_key = f"{key}.{name}" if key else name
            self.add(whole_key, "is no key of a definition", instead)

        return {name: item for name, item in value.items() if name in known}

    def text(self, key: str, value: Any, default: str = "") -> str:
        if not isinstance(value, str):
            self.add(key, f"is {describe(value)}, which is no text", "a text in quotes")
            return default

        unwritable = UNWRITABLE.search(value)
        if unwritable:
            code_point = ord(unwritable[0])
            self.add(key, f"holds the character U+{code_point:04X}", "the text without it")
            return default
        return value

    def filled_text(self, key: str, value: Any, default: str = "?") -> str:
        text = self.text(key, value, default)
        if not text:
            self.add(key, "is empty", "a text")
        return text

    def flag(self, key: str, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        self.add(key, f"is {describe(value)}", "true or false")
        return False

    def whole(self, key: str, value: Any, least: int, most: int) -> int:
        is_whole = isinstance(value, int) and not isinstance(value, bool)  # True is an int too
        if is_whole and least <= value <= most:
            return int(value)
        self.add(key, f"is {describe(value)}", f"a whole number from {least:,} to {most:,}")
        return least

    def choice(self, key: str, value: Any, allowed: Iterable[str]) -> str:
        allowed = list(allowed)
        if isinstance(value, str) and value in allowed:
            return value
        self.add(key, f"is {describe(value)}", "one of " + ", ".join(allowed))
        return allowed[0]

    def texts(self, key: str, value: Any) -> tuple[str, ...]:
        """A list of texts, or one text."""
        if isinstance(value, str):
            return (self.text(key, value, "?"),)
        if not isinstance(value, list):
            self.add(key, f"is {describe(value)}", "a text or a list of texts")
            return ()
        texts = [self.text(f"{key}[{place}]", item, "?") for place, item in enumerate(value)]
        return tuple(texts)

    def fields(self, key: str, value: Any) -> tuple[str, ...]:
        """Names of fields: none empty, none twice."""
        names = self.texts(key, value)
        if not names or "" in names:
            self.add(key, "names no field", "the names of fields of the source")
        if len(set(names)) < len(names):
            self.add(key, "names a field twice", "each field once")
        distinct = dict.fromkeys(names)
        return tuple(name for name in distinct if name)


def describe(value: Any) -> str:
    """As a person wrote it, cut."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f'"{safe_text(value)}"'
    if isinstance(value, int) and abs(value) >= LARGEST_TOLD:
        return f"a number of more than {LONGEST_TOLD} digits"

    text = str(value)
    if isinstance(value, bool):
        text = text.lower()  # as TOML writes it
    return _cut(text)


def safe_text(text: str) -> str:
    """In a sentence: cut, and without what no terminal and no answer takes."""
    beginning = text[: LONGEST_TOLD + 1]
    writable = UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", beginning)
    return _cut(writable)


def some(names: Iterable[str], most: int = 12) -> str:
    in_order = sorted(names)
    more = " …" if len(in_order) > most else ""
    return ", ".join(in_order[:most]) + more


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name[:LONGEST_TOLD], known, n=1)
    if not near:
        return f"one of {some(known)}"
    return f"{near[0]}, or leave it out"


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TOLD:
        return text
    return text[:LONGEST_TOLD] + "…"
