"""The sentences that people read outside the documents: errors, help and labels in the code, the
OpenAPI document, the parameters of the template, the presets, the questions in SQL, the changelog.
The prose of the documents is in tools/prose.py.

The code is not parsed: to find its texts and comments by their signs takes a tenth of the time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[1]
PYTHON = ("app.py", "chalicelib/**/*.py", "clients/**/*.py", "infra/**/*.py", "local/**/*.py")

# By the ending of a file's name, the lines that people read.
_OF_LINES = {
    "Makefile": re.compile(r"^[a-z-]+:.*?## (?P<text>.+)$", re.MULTILINE),
    "json": re.compile(r'"(?:summary|description)": "(?P<text>(?:[^"\\]|\\.)*)"'),
    "md": re.compile(r"^- (?P<text>.+(?:\n  .+)*)", re.MULTILINE),
    "sql": re.compile(r"^-- (?P<text>.+)$", re.MULTILINE),
    "yaml": re.compile(r"^ +Description: (?P<text>.+)$", re.MULTILINE),
}
_PIECE_OF_SCRIPT = re.compile(
    r"""
      (?P<comment> //[^\n]* | /\*.*?\*/ )
    | "(?P<text> (?:[^"\\\n]|\\.)* )"
    | `(?P<template> (?:[^`\\]|\\.)* )`
    """,
    re.VERBOSE | re.DOTALL,
)
_PIECE_OF_PYTHON = re.compile(
    r'''
      (?P<comment> \#[^\n]* | '(?:[^'\\\n]|\\.)*' )
    | (?P<docstring> """(?:[^\\]|\\.)*?""" )
    | (?P<text> "(?:[^"\\\n]|\\.)*" )
    ''',
    re.VERBOSE | re.DOTALL,
)
_NEXT_PART = re.compile(r"\s*[fr]?")  # between two parts of a text
_EXPRESSION = re.compile(r"\$?\{[^{}]*\}")  # in an f-string or a template


@dataclass(frozen=True, kw_only=True)
class Sentence:
    place: int  # of its first character in the file
    text: str


def places() -> list[Path]:
    console = PROJECT / "chalicelib" / "api" / "console"
    python = {path for pattern in PYTHON for path in PROJECT.glob(pattern)}
    return [
        PROJECT / "Makefile",
        PROJECT / "CHANGELOG.md",
        PROJECT / "chalicelib" / "api" / "openapi.json",
        *sorted(console.glob("*.js")),
        *sorted(python),
        *sorted((PROJECT / "chalicelib" / "sources" / "presets").glob("*.toml")),
        *sorted((PROJECT / "infra" / "template").glob("*.yaml")),
        *sorted((PROJECT / "docs" / "questions").glob("*.sql")),
    ]


def sentences_of(name: str, text: str) -> Iterator[Sentence]:
    """Of a file by its name and what it holds."""
    ending = name.rpartition(".")[2]
    if ending in ("py", "toml"):  # whose comments and texts have the same signs
        return of_python(text, is_of_errors=name == "errors.py")
    if ending == "js":
        return of_script(text)
    return _of_lines(_OF_LINES[ending], text)


def of_script(code: str) -> Iterator[Sentence]:
    """Texts with a blank in them, which no key and no name has."""
    for piece in _PIECE_OF_SCRIPT.finditer(code):
        text = piece["text"] or piece["template"] or ""
        yield from _whole_sentence(piece.start(), text)


def of_python(code: str, *, is_of_errors: bool = False) -> Iterator[Sentence]:
    """Texts with a blank in them, one of several parts as a whole; and of docstrings those that
    people read: that of an error is its sentence, that of a command its help.
    """
    begin = end = 0
    whole = ""
    for piece in _PIECE_OF_PYTHON.finditer(code):
        if piece["comment"]:
            if code[end : piece.start()].isspace():
                end = piece.end()
            continue
        is_next_part = piece["text"] and _NEXT_PART.fullmatch(code, end, piece.start())
        if not is_next_part:
            yield from _whole_sentence(begin, whole)
            whole = ""
            begin = piece.start()
        if piece["text"]:
            whole += piece["text"][1:-1]
        elif _is_read(code, piece.start(), is_of_errors=is_of_errors):
            whole = piece["docstring"].strip('"')
        end = piece.end()
    yield from _whole_sentence(begin, whole)


def _is_read(code: str, place: int, *, is_of_errors: bool) -> bool:
    """Whether people read the docstring at this place."""
    definition = max(code.rfind("\nclass ", 0, place), code.rfind("\ndef ", 0, place)) + 1
    heading = code[definition:place]
    if heading.count(":\n") != 1 or not heading.endswith(":\n    "):
        return False
    if heading.startswith("class "):
        return is_of_errors
    decorator = code[:definition].rstrip().rpartition("\n")[2]
    return decorator in ("@with_session", "@json_option") or ".command(" in decorator


def _whole_sentence(place: int, text: str) -> Iterator[Sentence]:
    if " " in text:
        yield Sentence(place=place, text=_EXPRESSION.sub("{}", text))


def _of_lines(pattern: re.Pattern[str], text: str) -> Iterator[Sentence]:
    for found in pattern.finditer(text):
        yield Sentence(place=found.start("text"), text=found["text"])
