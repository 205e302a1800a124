"""Uploads: files that somebody sends for a source to read, in the bucket of the warehouse."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chalicelib.warehouse.names import uploads_prefix

if TYPE_CHECKING:
    from chalicelib.warehouse.names import Warehouse

SECONDS = 900  # to begin to send it
# One request must carry it, and the import function's disk hold it; files/limits.py allows more.
MOST_BYTES = 1 << 30


def new_upload(
    source: str, file: str, *, warehouse: Warehouse, address: str, now: float
) -> dict[str, Any]:
    """What a sender needs, and where the file will be. `address` is that of the warehouse,
    `now` in epoch seconds. Raises UploadNotHere, WarehouseUnavailable.
    """
    form = warehouse.upload_form(
        uploads_prefix(source) + file, seconds=SECONDS, most_bytes=MOST_BYTES
    )
    folder = uploads_address(address, source)
    return {
        **asdict(form),
        "address": folder + re.sub(r"[*?\[]", r"[\g<0>]", file),  # of itself, and of no pattern
        "folder": folder,
        "most_bytes": MOST_BYTES,
        "expires_at": int(now) + SECONDS,
    }


def uploads_address(warehouse: str, source: str) -> str:
    """Of all files that were sent for this source; of a warehouse in a directory there are none."""
    root = warehouse.rstrip("/")
    return f"{root}/{uploads_prefix(source)}"
