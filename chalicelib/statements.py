"""The named statements of a .sql file. One begins at "-- name:" and goes to the next."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path


@cache
def named_statements(file: str) -> dict[str, str]:
    """Those of a file beside this one, in its order."""
    text = Path(__file__).with_name(file).read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
