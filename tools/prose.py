"""The prose of the documents: what it may not say, how long a line may be, and the same lines wrapped.

    python -m tools.prose             figures of each document, then the faults
    python -m tools.prose --wrap      wrap their paragraphs at 100 columns first

Code, headings and what a benchmark writes between `<!-- … -->` are not prose. A table is prose, but no line of it can
be wrapped.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[1]
COLUMNS = 100

# Right once, and a manner of speaking when every page has them. Each with what a reader expects in its place.
ODD_WORDS = {
    r"told": "said, shown, reported, named",
    r"beside": "next to, with, in addition to",
    r"alone": "only, by itself",
    r"whoever": "anyone who, whatever",
    r"anew": "again",
    r"of (?:its|one's|their|your|his|our) own": "own, separate, for each",
}
_ODD = re.compile(rf"\b(?:{'|'.join(ODD_WORDS)})\b", re.IGNORECASE)

_FENCE = re.compile(r" *```")
_GENERATED = re.compile(r"<!-- (?!end\b)")
_LIST_ITEM = re.compile(r"( *)([-*]|\d+\.) +")
_NOT_WRAPPED = re.compile(r"#|\||<|!\[[^\]]*\]\([^)]*\)$")
# What must stay on one line: code, and a word with what is glued to it. Example: "(`make run`," is one piece.
_PIECE = re.compile(r"(?:`[^`]*`|[^\s`]|`)+")
# A piece that would begin a list, a heading or a quotation if it came first on a line.
_STRUCTURE = re.compile(r"(?:[-+*#>|=]+|\d+[.)])$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of prose, with its number in the document and whether it belongs to a table."""

    number: int
    text: str
    in_table: bool


def documents() -> list[Path]:
    """What people read. Decisions and the changelog are history, and stay as they were written."""
    return [
        PROJECT / "README.md",
        PROJECT / "CONTRIBUTING.md",
        PROJECT / "infra" / "README.md",
        *sorted((PROJECT / "docs").glob("*.md")),
    ]


def prose(document: str) -> Iterator[Line]:
    in_code = in_generated = False
    for number, line in enumerate(document.splitlines(), start=1):
        if _FENCE.match(line):
            in_code = not in_code
        elif line.startswith("<!--"):
            in_generated = bool(_GENERATED.match(line)) and "figures" in line
        elif not (in_code or in_generated or line.startswith("#")):
            yield Line(number, line, in_table=line.startswith("|"))


def faults(document: str) -> list[str]:
    """An odd word or a long line, each as a sentence with its place."""
    found = []
    for line in prose(document):
        odd_words = _ODD.findall(_without_code_and_addresses(line.text))
        found += [f"line {line.number}: {odd!r} is an odd word here; say {_instead(odd)}" for odd in odd_words]
        if _is_too_long(line):
            found.append(f"line {line.number}: {len(line.text)} columns; wrap it at {COLUMNS}")
    return found


def _is_too_long(line: Line) -> bool:
    if len(line.text) <= COLUMNS or line.in_table or _NOT_WRAPPED.match(line.text):
        return False
    return len(_filled([line.text])) > 1


def _without_code_and_addresses(text: str) -> str:
    return re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "`", text))


def _instead(odd: str) -> str:
    return next(better for word, better in ODD_WORDS.items() if re.fullmatch(word, odd, re.IGNORECASE))


def wrapped(document: str) -> str:
    """Each paragraph and item of a list filled up to 100 columns; everything else as it is."""
    lines = document.splitlines()
    plain = {line.number for line in prose(document) if line.text and not _NOT_WRAPPED.match(line.text)}
    result: list[str] = []
    paragraph: list[str] = []
    for number, line in enumerate(lines, start=1):
        begins_item = _LIST_ITEM.match(line) is not None
        if paragraph and (number not in plain or begins_item):
            result += _filled(paragraph)
            paragraph = []
        if number in plain:
            paragraph.append(line)
        else:
            result.append(line)
    return "\n".join(result + (_filled(paragraph) if paragraph else [])) + "\n"


def _filled(paragraph: list[str]) -> list[str]:
    item = _LIST_ITEM.match(paragraph[0])
    first = item[0] if item else " " * (len(paragraph[0]) - len(paragraph[0].lstrip()))
    following = " " * len(first)
    text = " ".join([paragraph[0][len(first) :], *(line.strip() for line in paragraph[1:])])
    filled: list[str] = []
    line = first
    for piece in _pieces(text):
        begins = line in (first, following)
        if not begins and len(line) + 1 + len(piece) > COLUMNS:
            filled.append(line)
            line, begins = following, True
        line += piece if begins else f" {piece}"
    return [*filled, line]


def _pieces(text: str) -> list[str]:
    """What a line may not be broken within. A piece that would begin a list stays with the word before it."""
    pieces: list[str] = []
    for piece in _PIECE.findall(text):
        if pieces and _STRUCTURE.match(piece):
            pieces[-1] += f" {piece}"
        else:
            pieces.append(piece)
    return pieces


def figures(document: str) -> dict[str, float]:
    lines = list(prose(document))
    words = re.findall(r"[A-Za-z']+", _without_code_and_addresses("\n".join(line.text for line in lines)))
    you = sum(word.lower() in ("you", "your", "yours", "yourself") for word in words)
    return {
        "words": len(words),
        "you a thousand words": round(1000 * you / max(len(words), 1), 1),
        "long lines": sum(map(_is_too_long, lines)),
        "faults": len(faults(document)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Show how the documents read, and what their prose may not say.")
    parser.add_argument("--wrap", action="store_true", help="wrap paragraphs at 100 columns first")
    wrap = parser.parse_args().wrap
    everything = ""
    found = 0
    for path in documents():
        text = path.read_text("utf-8")
        if wrap:
            text = wrapped(text)
            path.write_text(text, "utf-8")
        everything += text
        name = path.relative_to(PROJECT)
        print(f"{name}: {figures(text)}")
        for fault in faults(text):
            print(f"  {fault}")
            found += 1
    print(f"all: {figures(everything)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
