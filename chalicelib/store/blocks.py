"""Blocks: the pieces that a DuckDB file is made of, and a checksum of each, taken while
the whole file is hashed.

A merge leaves most blocks of a store as they were, at the places where they were. Such a block need
not be read back: it is proved by the SHA-256 of the file that it came with.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEADERS, BLOCK = 3 * 4096, 1 << 18  # bytes: https://duckdb.org/docs/stable/internals/storage


@dataclass(frozen=True)
class Blocks:
    """The SHA-256 of a whole file, and the CRC-32 of each of its blocks, by their numbers. A CRC-32
    finds every change of up to 32 bits in a row, and another one with a chance of 1 to 2^-32.
    """

    sha256: str
    checksums: array[int] = field(default_factory=lambda: array("I"))

    def same_as(self, base: Blocks | None) -> frozenset[int]:
        """The numbers of the blocks that are as in the base."""
        if base is None:
            return frozenset()
        pairs = zip(self.checksums, base.checksums, strict=False)  # one file may be longer
        return frozenset(number for number, (ours, theirs) in enumerate(pairs) if ours == theirs)


def read_blocks(path: Path) -> Blocks:
    """In one look at the file, of whatever program."""
    digest = hashlib.sha256()
    checksums = array("I")
    buffer = memoryview(bytearray(BLOCK))
    with path.open("rb") as file:
        digest.update(file.read(HEADERS))
        while length := file.readinto(buffer):
            digest.update(buffer[:length])
            checksums.append(zlib.crc32(buffer[:length]))
    return Blocks(digest.hexdigest(), checksums)
