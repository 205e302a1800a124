"""JSON as a document shows it: what fits stands on one line, what does not is broken at commas.

{"name": "ada", "role": "reader",
"ends": [1795395300.0, null]}
"""

from __future__ import annotations

import json
from typing import Any

WIDTH = 100


def laid_out(value: Any) -> list[str]:
    """The lines. A text that is longer than a line makes it longer."""
    return _text(value, 0).split("\n")


def _text(value: Any, column: int) -> str:
    """As it stands from this column on; the lines after the first have their blanks."""
    flat = _flat(value)
    if not isinstance(value, dict | list) or _fits(flat, column):
        return flat
    if isinstance(value, list):
        return f"[{_broken([('', each) for each in value], column + 1)}]"
    members = [(f"{_flat(name)}: ", each) for name, each in value.items()]
    return f"{{{_broken(members, column + 1)}}}"


def _broken(members: list[tuple[str, Any]], column: int) -> str:
    """Each after its name: on the line of the one before where both fit, else on a line of its own."""
    lines = [""]
    for name, value in members:
        flat = f"{name}{_flat(value)}"
        line = f"{lines[-1]}, {flat}" if lines[-1] else flat
        if _fits(line, column) and "\n" not in line:
            lines[-1] = line
            continue
        if lines[-1]:
            lines.append("")
        lines[-1] = f"{name}{_text(value, column + len(name))}"
    return f",\n{' ' * column}".join(lines)


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _fits(text: str, column: int) -> bool:
    return column + len(text) < WIDTH  # a comma or a bracket follows
