"""The SQL of the project, linted by sqlfluff: the statements of the .sql files, and the blocks of SQL
in the documents.

    python -m tools.sql [--unread] [FILE ...]     --unread lists what sqlfluff does not parse

The rules stand in pyproject.toml, and docs/decisions/073 says how they were chosen. Whether DuckDB
takes a statement is not asked here: the tests run every one of them.
"""

from __future__ import annotations

import argparse
import re
import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlfluff.core import FluffConfig, Linter

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[1]
LEFT_OUT = {".venv", ".local", "build", "node_modules"}
# Of all statements. With less than that, what is linted is no longer what is run.
LEAST_READ = 0.9

_NAME = re.compile(r"^-- name: \w+\n", re.MULTILINE)
_BLOCK = re.compile(r"^ *```sql\n(.*?)^ *```", re.MULTILINE | re.DOTALL)

# Some named statements are parts of others. Each is read as if it stood after one of these beginnings:
# a table, what joins, orders or is added to a query, a condition, an expression.
_BEGINNINGS = ("", "SELECT x FROM ", "SELECT x FROM y ", "SELECT x FROM y WHERE z ", "SELECT ")
# What this dialect does not know, and what is said in its place.
_SAID_FOR = {r"\$\w+|\?": "0", r"\brows\b": "rows_", r"\bPOSITIONAL JOIN\b": "CROSS JOIN"}
# A name in braces that stands for a clause: behind a bracket, on a line of its own, or at the end.
_CLAUSE_BEHIND_BRACKET = re.compile(r"(?<=\) )\{\w+\}")
_CLAUSE = re.compile(r"^\{\w+\}$|\{\w+\}(?=;?\s*\Z)", re.MULTILINE)


class Statement(NamedTuple):
    line: int  # of the file, where its text begins
    text: str


class Fault(NamedTuple):
    line: int  # of the file
    sentence: str


def sql_files() -> list[Path]:
    """Those of the project, and its documents."""
    files = [*PROJECT.rglob("*.sql"), *PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]
    ours = []
    for file in files:
        parts = file.relative_to(PROJECT).parts
        if LEFT_OUT.isdisjoint(parts):
            ours.append(file)
    return sorted(ours)


def statements(path: Path) -> Iterator[Statement]:
    """A file without named statements is one. Comments before the first name belong to none."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        places = [block.span(1) for block in _BLOCK.finditer(text)]
    else:
        starts = [name.end() for name in _NAME.finditer(text)] or [0]
        ends = [name.start() for name in _NAME.finditer(text)][1:]
        places = list(zip(starts, [*ends, len(text)], strict=True))
    for start, end in places:
        yield Statement(text.count("\n", 0, start) + 1, text[start:end])


def readable(text: str, *, has_clauses: bool) -> str:
    """A statement as sqlfluff can read it, line by line the same: with a name for each one in braces,
    and nothing for those that are clauses. `{{` is one brace.
    """
    for unknown, known in _SAID_FOR.items():
        text = re.sub(unknown, known, text)
    text = _CLAUSE_BEHIND_BRACKET.sub("", text)
    if has_clauses:
        text = _CLAUSE.sub("", text)
    text = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", r"filled_\1", text)
    return text.replace("{{", "{").replace("}}", "}").rstrip() + "\n"


def faults(statement: Statement, linter: Linter) -> list[Fault] | None:
    """None where sqlfluff does not parse it."""
    for has_clauses, beginning in product((False, True), _BEGINNINGS):
        text = beginning + readable(statement.text, has_clauses=has_clauses)
        violations = linter.lint_string(text).get_violations()
        if not any(violation.rule_code() in ("PRS", "LXR") for violation in violations):
            return [
                Fault(
                    statement.line + violation.line_no - 1,
                    f"{violation.rule_code()} {violation.desc()}",
                )
                for violation in violations
            ]
    return None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The SQL of the project, linted.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--unread", action="store_true", help="list what sqlfluff does not parse")
    options = parser.parse_args(arguments)
    linter = Linter(config=FluffConfig.from_path(str(PROJECT)))
    read = 0
    unread = 0
    wrong = 0
    for path in options.files or sql_files():
        for statement in statements(path):
            found = faults(statement, linter)
            if found is None:
                unread += 1
                if options.unread:
                    print(f"{_short_path(path)}:{statement.line}: sqlfluff does not parse this")
                continue
            read += 1
            wrong += len(found)
            for fault in found:
                print(f"{_short_path(path)}:{fault.line}: {fault.sentence}")
    print(f"SQL: {read} of {read + unread} statements read, {wrong} faults")
    is_little = not options.files and read < LEAST_READ * (read + unread)
    if is_little:
        print(f"That is less than {LEAST_READ:.0%} of them. --unread lists the others.")
    return 1 if wrong or is_little else 0


def _short_path(path: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path)


if __name__ == "__main__":
    sys.exit(main())
