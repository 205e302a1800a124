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
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
