"""Faults: what is wrong with a definition, all of it at once, each with its key and what to write instead."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from chalicelib.errors import DefinitionInvalid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

MOST_TOLD = 100
LONGEST_TOLD = 60  # characters of a word that somebody wrote


class Faults:
    """Each reader below answers a value that can be worked with, and notes what is wrong with the one that stands."""

    def __init__(self) -> None:
        self._found: list[dict[str, str]] = []

    def add(self, key: str, problem: str, instead: str) -> None:
        self._found.append({"key": _cut(key), "problem": problem, "instead": instead})

    def raise_any(self) -> None:
        """Raises DefinitionInvalid."""
        if self._found:
            raise DefinitionInvalid(faults=self._found[:MOST_TOLD])

    # -- readers of a value -------------------------------------------------------------------

    def table(self, key: str, value: Any, known: Collection[str]) -> dict[str, Any]:
        """A table whose keys are all known ones; those that are not are left out."""
        if not isinstance(value, dict):
            self.add(key, f"is {shown(value)}, which is no table", f"a table of {some(known)}")
            return {}
        for name in value:
            if name not in known:
                self.add(f"{key}.{name}" if key else str(name), "is no key of a definition", _nearest(name, known))
        return {name: item for name, item in value.items() if name in known}

    def text(self, key: str, value: Any, default: str = "") -> str:
        if isinstance(value, str) and "\0" not in value:
            return value
        self.add(key, f"is {shown(value)}, which is no text", "a text in quotes")
        return default

    def filled_text(self, key: str, value: Any) -> str:
        text = self.text(key, value, "?")
        if not text:
            self.add(key, "is empty", "a text")
        return text

    def flag(self, key: str, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        self.add(key, f"is {shown(value)}", "true or false")
        return False

    def whole(self, key: str, value: Any, least: int, most: int) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.add(key, f"is {shown(value)}", f"a whole number from {least:,} to {most:,}")
        return least

    def choice(self, key: str, value: Any, allowed: Iterable[str]) -> str:
        allowed = list(allowed)
        if isinstance(value, str) and value in allowed:
            return value
        self.add(key, f"is {shown(value)}", "one of " + ", ".join(allowed))
        return allowed[0]

    def texts(self, key: str, value: Any) -> tuple[str, ...]:
        """A list of texts, or one text."""
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list):
            self.add(key, f"is {shown(value)}", "a text or a list of texts")
            return ()
        return tuple(self.text(f"{key}[{place}]", item) for place, item in enumerate(value))

    def fields(self, key: str, value: Any) -> tuple[str, ...]:
        """Names of fields: none empty, none twice."""
        names = self.texts(key, value)
        if not names or any(not name for name in names):
            self.add(key, "names no field", "the names of fields of the source")
        if len(set(names)) < len(names):
            self.add(key, "names a field twice", "each field once")
        return tuple(name for name in dict.fromkeys(names) if name)


def shown(value: Any) -> str:
    """As a person wrote it, cut."""
    return _cut(
        f'"{value}"' if isinstance(value, str) else str(value).lower() if value in (True, False) else str(value)
    )


def some(names: Iterable[str], most: int = 12) -> str:
    listed = sorted(names)
    return ", ".join(listed[:most]) + (" …" if len(listed) > most else "")


def _nearest(name: Any, known: Collection[str]) -> str:
    near = get_close_matches(str(name), known, n=1)
    return f"{near[0]}, or leave it out" if near else f"one of {some(known)}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TOLD else text[:LONGEST_TOLD] + "…"
