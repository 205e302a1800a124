"""A cursor: after which row the next page of a list begins, and in which snapshot. Opaque to
others. Pure.

It is JSON, [list, snapshot, key …], and a mark of it, in the letters of base64url. The mark is no
secret: it tells that a cursor came back as it was given out. Whoever makes one up begins at another
row of what he may read anyway.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from chalicelib.errors import ValidationError

MARK_BYTES = 9  # of a digest; they are twelve letters
Key = Mapping[str, int | str | None]

# What orders each list: the columns of its last row go into the cursor.
KEYS: Mapping[str, Mapping[str, type]] = {
    "production": {"source": str, "field_code": str, "well_code": str, "production_period": date},
    "revisions": {
        "source": str,
        "field_code": str,
        "well_code": str,
        "production_period": date,
        "job_id": str,
    },
    "totals": {"source": str, "production_period": date, "period_days": int},
    "changes": {"source": str, "field_code": str, "well_code": str, "production_period": date},
    "changed_fields": {"source": str, "field_code": str},
    "fields": {"source": str, "field_code": str},
    "wells": {"source": str, "field_code": str, "well_code": str},
    "register": {"place": int},
    "rejects": {"page": int, "position": int},
}

# What is meant of the register when nothing is said; an order hangs on what is sorted by.
DEFAULTS: Mapping[str, str] = {"of": "wells", "sort": "oil_production_kbd", "order": ""}


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """`key` is that of the last row of the page before. `snapshot` is the name of the one that it
    was read from; None where every later one holds the same rows, or where the reader has no name
    for it.
    """

    key: Key
    snapshot: str | None


def list_of(name: str, arguments: Mapping[str, Any]) -> str:
    """Which list a cursor is of:
    that of another job, of another moment, or in another order, is another one.
    """
    if name == "register":
        words = [name]
        for part, default in DEFAULTS.items():
            words.append(arguments.get(part) or default)
        return " ".join(words)

    if name == "changes" and arguments.get("by") == "field":
        name = "changed_fields"
    job_or_moment = arguments.get("job_id") or arguments.get("as_of")
    if isinstance(job_or_moment, datetime):
        job_or_moment = job_or_moment.isoformat()
    if job_or_moment:
        return f"{name} {job_or_moment}"
    return name


def write_cursor(cursor: Cursor, *, of: str) -> str:
    """`of` is what list_of tells."""
    key = cursor.key.values()
    return write_parts([of, cursor.snapshot, *key])


def read_cursor(text: str, *, of: str) -> Cursor:
    """A cursor is ours when we would write it in the same letters.
    Raises ValidationError for one that is not, or is of another list.
    """
    try:
        _, snapshot, *parts = read_parts(text)
        list_name, _, _ = of.partition(" ")
        kinds = KEYS[list_name]
        pairs = zip(parts, kinds.values(), strict=True)
        values = [_part(part, kind) for part, kind in pairs]
        key = dict(zip(kinds, values, strict=True))
    except (ValueError, TypeError, RecursionError) as exc:
        raise no_cursor() from exc

    cursor = Cursor(key=key, snapshot=snapshot if isinstance(snapshot, str) else None)
    if write_cursor(cursor, of=of) != text:
        raise no_cursor()
    return cursor


def write_parts(parts: list[Any]) -> str:
    """Marked, in the letters of base64url:

    ["fields 3f…", "snapshots/7-…", "A-1"]  →  those bytes and MARK_BYTES of their digest  →  "WyJm…"
    """
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    content = text.encode()
    letters = base64.urlsafe_b64encode(content + _mark(content))
    return letters.decode().rstrip("=")


def read_parts(text: str) -> list[Any]:
    """Raises ValueError, TypeError, RecursionError.
    Whether the mark is right, who writes them again sees.
    """
    # write_parts has left out what fills the last four letters: 1 to 3 signs of "=".
    filling = "=" * (-len(text) % 4)
    marked = base64.b64decode(text + filling, altchars=b"-_", validate=True)
    content = marked[:-MARK_BYTES]
    parts: list[Any] = json.loads(content)
    return parts


def snapshot_in(text: str) -> str | None:
    """The name of the snapshot in a cursor of the feed. Raises ValidationError for what is none."""
    try:
        _, snapshot, *_ = read_parts(text)
    except (ValueError, TypeError, RecursionError) as exc:
        raise no_cursor() from exc
    return snapshot if isinstance(snapshot, str) else None


def no_cursor() -> ValidationError:
    return ValidationError(
        "That is no cursor of this list. Send next_cursor as it came, or no cursor to begin again.",
        field="cursor",
    )


def _mark(content: bytes) -> bytes:
    digest = hashlib.sha256(b"a cursor of Wellhead\n" + content).digest()
    return digest[:MARK_BYTES]


def _part(value: Any, kind: type) -> int | str | None:
    """What is in a cursor is bound, never trusted. Raises ValueError, TypeError."""
    if value is None and kind is int:
        return None  # a file of before version 3 does not tell how long a period is
    if kind is date:
        return date.fromisoformat(value).isoformat()
    if kind is str and isinstance(value, str):
        return value
    is_whole = type(value) is int and kind is int  # True is an int too, and none here
    if not is_whole or not -(2**63) <= value < 2**63:
        raise ValueError("no whole number of 64 bits")
    return int(value)
