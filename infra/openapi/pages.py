"""What the documents have of the code: it stands between two marks, and `make openapi` writes it.

    <!-- routes: written by `make openapi` -->
    | route | for | does | answers |
    <!-- end -->

The example of an answer has the name of its route, that of a refusal the name of its error:
`answer of getHealth`, `refusal ROLE_REQUIRED`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .layout import laid_out
from .shown import ANSWERS
from .tables import TABLES, table_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOCS = Path(__file__).parents[2] / "docs"
_ANSWER, _REFUSAL = "answer of ", "refusal "
_MARK = re.compile(rf"^<!-- ((?:{_ANSWER}|{_REFUSAL})\w+): ", re.MULTILINE)


def pages(refusals: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each document, as it should be; `refusals` are examples of errors by name. Raises ValueError
    for a table without marks, KeyError for marks of an example that there is not.
    """
    for name, tables in TABLES.items():
        path = DOCS / name
        document = path.read_text("utf-8")
        parts = {table: table_lines(rows()) for table, rows in tables.items()}
        parts |= {mark: _example(mark, refusals) for mark in _MARK.findall(document)}
        yield path, with_parts(document, parts)


def _example(mark: str, refusals: Mapping[str, Any]) -> list[str]:
    if mark.startswith(_ANSWER):
        shown = ANSWERS[mark.removeprefix(_ANSWER)]
    else:
        shown = refusals[mark.removeprefix(_REFUSAL)]["value"]
    return ["```json", *laid_out(shown), "```"]


def with_parts(document: str, parts: Mapping[str, list[str]]) -> str:
    """The document with these lines between their marks. Raises ValueError for a part without."""
    for name, lines in parts.items():
        marks = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*?(<!-- end -->\n)", re.DOTALL)
        found = marks.search(document)
        if found is None:
            raise ValueError(f"there are no marks for {name}")
        text = "".join(f"{line}\n" for line in lines)
        before = document[: found.start()]
        after = document[found.end() :]
        document = f"{before}{found[1]}{text}{found[2]}{after}"
    return document
