# Written by `make shared` out of chalicelib/store/statements.py: change it there.
"""The named statements of a .sql file. One begins at "-- name:" and goes to the next."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@cache
def named_statements(file: Path) -> dict[str, str]:
    """Those of the file, in its order."""
    text = file.read_text("utf-8")
    _, *parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    names = parts[::2]
    statements = parts[1::2]
    return dict(zip(names, statements, strict=True))
