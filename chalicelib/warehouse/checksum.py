"""Checksum: that of a file in the warehouse, read from the file where nobody has noted it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .names import sha256_of

if TYPE_CHECKING:
    from .names import StoredFile, Warehouse


def stored_with_checksum(warehouse: Warehouse, name: str) -> StoredFile | None:
    """What is known of the file, and its checksum, which a directory has noted nowhere.
    None when there is none.
    """
    stored = warehouse.stat(name)
    path = warehouse.local_path(name)
    if stored and stored.sha256 is None and path:
        return replace(stored, sha256=sha256_of(path))
    return stored
