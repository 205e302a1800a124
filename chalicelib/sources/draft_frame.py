"""DraftFrame: what a draft says without the data: its head, a preset, what is missing; its text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chalicelib.errors import DefinitionInvalid

from .definition import definition_of
from .definition_keys import NAME
from .guesses.look import Guess
from .guesses.toml_text import comments, toml_lines
from .guesses.words import plain

if TYPE_CHECKING:
    from .guesses.known import KnownSource
    from .guesses.look import Look

MOST_UNUSED = 30  # fields that are told to be of no use


def head_guesses(name: str, kind: str, url: str) -> list[Guess]:
    if NAME.fullmatch(name):
        name_guess = Guess(key="name", value=name, why="", sure=True)
    else:
        hyphenated = re.sub(r"[^a-z0-9]+", "-", plain(name).lower())
        likeliest = hyphenated.strip("-")[:40] or "source"
        why = "a name has small letters, digits and hyphens"
        name_guess = Guess(key="name", value=likeliest, why=why)
    return [
        name_guess,
        Guess(key="kind", value=kind, why="", sure=True),
        _url(kind, url),
    ]


def _url(kind: str, url: str) -> Guess:
    """What a definition does not take is not repeated: it may hold a password."""
    try:
        definition_of({"kind": kind, "url": url})
    except DefinitionInvalid as exc:
        faults = exc.details["faults"]
        instead = next((fault["instead"] for fault in faults if fault["key"] == "url"), "")
        why = f"an address is missing: write {instead}"
        return Guess(key="url", value="...", why=why, is_complete=False)
    return Guess(key="url", value=url, why="", sure=True)


def preset_guess(known: KnownSource) -> Guess:
    why = known.why
    if not known.verified:
        why += (
            "; it was never checked against a real file, and docs/presets.md says what it assumes"
        )
    return Guess(key="preset", value=known.name, why=why, sure=known.verified)


def empty_guesses() -> list[Guess]:
    examples = {
        "well_code": "FIELD OF THE WELL",
        "production_period": "FIELD OF THE MONTH",
        "oil_production_kbd": {"field": "FIELD OF THE OIL", "unit": "..."},
    }
    why = "no field was seen"
    return [
        Guess(key=f"columns.{name}", value=value, why=why, is_complete=False)
        for name, value in examples.items()
    ]


def draft_text(look: Look, guesses: list[Guess], unused: list[str]) -> str:
    """TOML. `unused` are the fields that nothing takes."""
    lines = [
        *comments(_headline(look)),
        *comments("What begins with guess is one: look at it before you save."),
    ]
    lines += toml_lines(guesses)

    if unused:
        names = ", ".join(name[:40] for name in unused[:MOST_UNUSED])
        others = len(unused) - MOST_UNUSED
        more = f" and {others:,} more" if others > 0 else ""
        lines += ["", *comments(f"Not taken: {names}{more}")]

    return "\n".join(lines) + "\n"


def _headline(look: Look) -> str:
    if not look.fields:
        return "A draft without a look: no field was seen, so all is to be filled in."
    if not look.rows:
        return (
            f"A draft from the names of {len(look.fields):,} fields only: "
            "no row was seen, so units and forms are not."
        )
    return f"A draft from a look at {len(look.rows):,} rows of {len(look.fields):,} fields."
