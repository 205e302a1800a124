"""What a check found, as an answer shows it;
with a draft of the definition where there is none yet.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .check import SourceCheck, check_source
from .draft import Draft, draft
from .guesses.look import Look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chalicelib.settings import Settings

    from .reader import SourceReader

SHOWN_ROWS = 5
LONGEST_CELL = 200  # characters
MOST_FIELDS = 2_000


def look_up(source: SourceReader, settings: Settings, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` are the definition as it was written. Raises SourceError."""
    check = check_source(source, settings)
    is_bare = not values.get("columns") and not values.get("preset")
    bare_draft = draft_of(check, values) if is_bare else None
    return answer_of(check, bare_draft)


def draft_of(check: SourceCheck, values: Mapping[str, Any]) -> Draft:
    """A definition for the source, from what was seen of it."""
    rows = []
    for row in check.sample:
        texts = {name: _text(row.get(name)) for name in check.fields}
        rows.append(texts)

    return draft(
        Look(fields=tuple(check.fields), rows=rows, kinds=check.kinds),
        name=str(values.get("name", "")) or "default",
        kind=str(values.get("kind", "")) or "odata",
        url=str(values.get("url", "")),
    )


def answer_of(check: SourceCheck, found: Draft | None) -> dict[str, Any]:
    """As the API's answer has it."""
    answer = {
        "problems": check.problems,
        "hints": check.hints,
        "fields": check.fields[:MOST_FIELDS],
        "unknown": check.unknown[:MOST_FIELDS],
        "columns": [asdict(column) for column in check.columns],
        "rows_looked_at": check.looked_at,
        "sound": check.sound,
        "skipped": check.skipped,
        "expected": check.expected,
        "period": check.period,
        "reading": check.paging,
        "rows": [_cut(row) for row in check.sample[:SHOWN_ROWS]],
        "draft": None,
    }
    if found:
        guesses = [asdict(guess) for guess in found.guesses]
        answer["draft"] = {"text": found.text, "guesses": guesses}
    return answer


def _cut(row: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: _text(value) or "" for name, value in row.items()}
    return {name: text[:LONGEST_CELL] for name, text in texts.items()}


def _text(value: Any) -> str | None:
    """As the source writes it."""
    if value is None or isinstance(value, str):
        return value
    text = str(value)
    return text.lower() if isinstance(value, bool) else text  # true, as JSON has it
