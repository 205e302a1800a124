"""The prose of the documents: what it may not say, how long a line may be, and the same lines
wrapped. What it may not say, no sentence of the program says either.

    python -m tools.prose             figures of each document, then the faults
    python -m tools.prose --wrap      wrap their paragraphs at 100 columns first

Code, headings and what a benchmark writes between `<!-- … -->` are not prose. A table is prose, but
no line of it can be wrapped.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from tools.sentences import PROJECT, places, sentences_of

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = 100

# Right once, and a manner of speaking when every page has them. Each with what a reader expects in
# its place.
ODD_WORDS = {
    "told": "said, shown, reported or named",
    "beside": "next to, with or in addition to",
    "alone": "only or by itself",
    "whoever": "anyone who, or whom it is about",
    "anew": "again",
    r"of\s+(?:its|one's|their|your|his|our)\s+own": "separate, another or for each",
}
_ODD = re.compile(rf"(?<![-\w])(?:{'|'.join(ODD_WORDS)})(?![-\w])", re.IGNORECASE)

_FENCE = re.compile(r" *```")
_BEGIN_OF_FIGURES = re.compile(r"<!-- (?!end\b).*\bfigures\b")
_LIST_ITEM = re.compile(r"( *)([-*]|\d+\.) +")
_NOT_WRAPPED = re.compile(
    r" *(?:#|\||<|!\[[^\]]*\]\([^)]*\)$)"
)  # heading, table, HTML, a picture by itself
# What must stay on one line: code, and a word with what is glued to it. Example: "(`make run`," is
# one piece.
_PIECE = re.compile(r"(?:`[^`]*`|[^\s`]|`)+")
# A piece that would begin a list, a heading or a quotation if it came first on a line.
_STRUCTURE = re.compile(r"(?:[-+*#>|=]+|\d+[.)])$")


def documents() -> list[Path]:
    """What people read. Decisions are history, and stay as they were written; so do the lines of
    the changelog, whose words tools/sentences.py reads.
    """
    return [
        PROJECT / "README.md",
        PROJECT / "CONTRIBUTING.md",
        PROJECT / "infra" / "README.md",
        *sorted((PROJECT / "docs").glob("*.md")),
    ]


def prose(document: str) -> list[str]:
    """The lines of a document, with an empty one in the place of each that is no prose."""
    lines = []
    in_code = in_figures = False
    for line in document.splitlines():
        is_prose = not (in_code or in_figures or line.startswith("#"))
        if _FENCE.match(line):
            in_code = not in_code
            is_prose = False
        elif line.startswith("<!--"):
            in_figures = bool(_BEGIN_OF_FIGURES.match(line))
            is_prose = False
        lines.append(line if is_prose else "")
    return lines


def faults(document: str) -> list[str]:
    """The odd words, then the long lines, each as a sentence with its place."""
    lines = prose(document)
    words = _without_code_and_addresses("\n".join(lines))
    return [
        *(_of_odd_word(words, found.start(), found[0]) for found in _ODD.finditer(words)),
        *(
            f"line {number}: {len(line)} columns; wrap it at {COLUMNS}"
            for number, line in enumerate(lines, start=1)
            if _is_too_long(line)
        ),
    ]


def faults_of_code(name: str, code: str) -> list[str]:
    """The odd words in the sentences of a file, whose name tells what it is written in."""
    return [
        _of_odd_word(code, sentence.place, found[0])
        for sentence in sentences_of(name, code)
        for found in _ODD.finditer(_without_code_and_addresses(sentence.text))
    ]


def _of_odd_word(text: str, place: int, odd: str) -> str:
    line = text.count("\n", 0, place) + 1
    word = " ".join(odd.split())
    return f"line {line}: {word!r} is an odd word here; say {_instead(word)}"


def _is_too_long(line: str) -> bool:
    """Beyond 100 columns, and not for a piece that cannot be broken,
    such as the long name of a test.
    """
    if len(line) <= COLUMNS or _NOT_WRAPPED.match(line):
        return False
    return len(_fill([line])) > 1


def _without_code_and_addresses(text: str) -> str:
    without_code = re.sub(r"`[^`\n]*`", "`", text)
    return re.sub(r"\]\([^)\s]*\)", "]", without_code)


def _instead(odd: str) -> str:
    return next(
        better for word, better in ODD_WORDS.items() if re.fullmatch(word, odd, re.IGNORECASE)
    )


def wrap_paragraphs(document: str) -> str:
    """Each paragraph and item of a list filled up to 100 columns; everything else as it is."""
    result: list[str] = []
    paragraph: list[str] = []
    for line, shown in zip(document.splitlines(), prose(document), strict=True):
        can_be_wrapped = bool(shown) and not _NOT_WRAPPED.match(shown)
        if paragraph and (not can_be_wrapped or _LIST_ITEM.match(line)):
            result += _fill(paragraph)
            paragraph = []
        if can_be_wrapped:
            paragraph.append(line)
        else:
            result.append(line)
    return "\n".join(result + (_fill(paragraph) if paragraph else [])) + "\n"


def _fill(paragraph: list[str]) -> list[str]:
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
            line = following
            begins = True
        line += piece if begins else f" {piece}"
    return [*filled, line]


def _pieces(text: str) -> list[str]:
    """What a line may not be broken within.
    A piece that would begin a list stays with the word before it.
    """
    pieces: list[str] = []
    for piece in _PIECE.findall(text):
        if pieces and _STRUCTURE.match(piece):
            pieces[-1] += f" {piece}"
        else:
            pieces.append(piece)
    return pieces


def figures(document: str) -> dict[str, float]:
    lines = prose(document)
    words = re.findall(r"[A-Za-z']+", _without_code_and_addresses("\n".join(lines)))
    you = sum(word.lower() in ("you", "your", "yours", "yourself") for word in words)
    return {
        "words": len(words),
        "you a thousand words": round(1000 * you / max(len(words), 1), 1),
        "long lines": sum(map(_is_too_long, lines)),
        "faults": len(faults(document)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Show how the documents read, and what their prose may not say."
    )
    parser.add_argument("--wrap", action="store_true", help="wrap paragraphs at 100 columns first")
    wrap = parser.parse_args().wrap
    everything = ""
    found = 0
    for path in documents():
        text = path.read_text("utf-8")
        if wrap:
            text = wrap_paragraphs(text)
            path.write_text(text, "utf-8")
        everything += text
        name = path.relative_to(PROJECT)
        print(f"{name}: {figures(text)}")
        for fault in faults(text):
            print(f"  {fault}")
            found += 1
    print(f"all: {figures(everything)}")
    for path in places():
        for fault in faults_of_code(path.name, path.read_text("utf-8")):
            print(f"{path.relative_to(PROJECT)}, {fault}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
