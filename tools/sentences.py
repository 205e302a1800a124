"""The sentences that the program says to people, as they stand in its code: errors, help, labels,
the OpenAPI document, and what the changelog says of them. The prose of the documents is in
tools/prose.py.

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

_HELP = re.compile(r"^[a-z-]+:.*?## (?P<text>.+)$", re.MULTILINE)
_MEANING = re.compile(r'"(?:summary|description)": "(?P<text>(?:[^"\\]|\\.)*)"')
_ITEM = re.compile(r"^- (?P<text>.+(?:\n  .+)*)", re.MULTILINE)
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
    ]


def sentences_of(name: str, text: str) -> Iterator[Sentence]:
    """Of a file by its name and what it holds."""
    match name.rpartition(".")[2]:
        case "py":
            return of_python(text, is_of_errors=name == "errors.py")
        case "js":
            return of_script(text)
        case "json":
            return _of_lines(_MEANING, text)
        case "md":
            return _of_lines(_ITEM, text)
    return _of_lines(_HELP, text)


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
