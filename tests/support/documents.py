"""Reading the documents: their sections, tables and blocks of code."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


PROJECT = Path(__file__).parents[2]


@cache
def tree() -> list[Path]:
    """The files that are in the repository or would be with the next commit."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(listing, cwd=PROJECT, capture_output=True, check=False)
    names = answer.stdout.decode().split("\0") if answer.returncode == 0 else _names_without_git()
    return [PROJECT / name for name in names if name and (PROJECT / name).is_file()]


def _names_without_git() -> Iterator[str]:
    for path in PROJECT.rglob("*"):
        name = path.relative_to(PROJECT).as_posix()
        if not any(part.startswith(".") or part == "__pycache__" for part in Path(name).parts):
            yield name


def documents() -> list[Path]:
    return [path for path in tree() if path.suffix == ".md"]


@cache
def text(name: str) -> str:
    return (PROJECT / name).read_text("utf-8")


def section(document: str, title: str) -> str:
    """From a heading to the next one of its level or above."""
    heading = re.search(rf"^(#+) {re.escape(title)}\n", document, re.MULTILINE)
    assert heading, f"there is no heading {title!r}"
    below = document[heading.end() :]
    following = re.search(rf"^#{{1,{len(heading[1])}}} ", below, re.MULTILINE)
    return below[: following.start()] if following else below


def table(document: str) -> list[list[str]]:
    """The cells of every row of every table, code marks kept, headings and rulers left out."""
    lines = document.splitlines()
    rulers = {number for number, line in enumerate(lines) if re.fullmatch(r"\|[-| ]+\|", line)}
    body = (
        line
        for number, line in enumerate(lines)
        if line.startswith("|") and number not in rulers and number + 1 not in rulers
    )
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in body]


def names(document: str, column: int = 0) -> set[str]:
    """The names in code style of one column of the tables."""
    return {name for row in table(document) for name in re.findall(r"`([^`]+)`", row[column])}


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)


def every_block(language: str) -> list[Any]:
    return [
        pytest.param(block, id=f"{path.relative_to(PROJECT)}-{number}")
        for path in documents()
        for number, block in enumerate(blocks(path.read_text("utf-8"), language), start=1)
    ]
