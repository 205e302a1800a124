"""ETag: a mark of what an answer says, so that whoever has it already need not be sent it again.

Weak (RFC 9110, 8.8.1): each answer has its own request id and time, so two are never the same
bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from chalicelib import __version__


def etag_of(*parts: Any) -> str:
    """The same for the same parts, under the same version of Wellhead;
    a later one may answer otherwise.
    """
    text = json.dumps([__version__, *parts], sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f'W/"{digest[:32]}"'


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether the caller's If-None-Match names the mark (RFC 9110, 13.1.2: compared weakly)."""
    marks = {mark.strip().removeprefix("W/") for mark in if_none_match.split(",")}
    wanted = etag.removeprefix("W/")
    return "*" in marks or wanted in marks
