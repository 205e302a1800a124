"""Words that documents and programs share."""

from __future__ import annotations

import re


def without_links(words: str) -> str:
    """Without the links, which lead from the table of a document."""
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", words)
