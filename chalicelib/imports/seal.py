"""The seal of a segment: not a bit of it has changed, and this is what it is.

    the rows  │ the note │ the note's length │ the seal
    Parquet   │ JSON     │ 4 bytes           │ SHA-256 of all before, 32 bytes

The note tells the segment's name, the seal of the segment before it, and the cursor behind its
rows. So the seal of the last segment proves every byte of all of them, and a job's item keeps that
one alone, however many there are. And a segment that is whole is a place to go on from, whatever
has become of those after it.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LENGTH_BYTES = 4
SEAL_BYTES = hashlib.sha256().digest_size
CHUNK = 1 << 20
NO_SEAL = ""  # what the first segment follows


class Damaged(Exception):
    """The file is not what was sealed."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """`follows` is the seal of the segment before, `cursor` stands behind the rows of this one."""

    name: str
    follows: str
    cursor: dict[str, Any]


@contextmanager
def seal_for_a_while(path: Path, note: Note) -> Iterator[tuple[str, str]]:
    """As add_seal; when the block ends, the file holds nothing but the rows again."""
    size = path.stat().st_size
    try:
        yield add_seal(path, note)
    finally:
        os.truncate(path, size)


def add_seal(path: Path, note: Note) -> tuple[str, str]:
    """The seal, and the SHA-256 of the whole file with it, both in hexadecimal digits."""
    with path.open("rb+") as file:
        digest = _digest(file, path.stat().st_size)
        text = json.dumps(asdict(note)).encode()
        end = text + len(text).to_bytes(LENGTH_BYTES)
        digest.update(end)
        seal = digest.digest()
        file.write(end + seal)
    digest.update(seal)  # so it becomes the digest of the whole file
    return seal.hex(), digest.hexdigest()


def take_seal(path: Path) -> tuple[Note, str]:
    """The note and the seal; the file is then the rows alone. Raises Damaged."""
    size = path.stat().st_size
    with path.open("rb+") as file:
        # From the end: the seal, before it the length of the note, and before that the note.
        seal = _last(file, size, SEAL_BYTES)
        file.seek(0)
        if _digest(file, size - SEAL_BYTES).digest() != seal:
            raise Damaged
        text_ends = size - SEAL_BYTES - LENGTH_BYTES
        length = int.from_bytes(_last(file, size - SEAL_BYTES, LENGTH_BYTES))
        note = json.loads(_last(file, text_ends, length))
        file.truncate(text_ends - length)
    return Note(**note), seal.hex()


def _digest(file: BinaryIO, size: int) -> hashlib._Hash:
    """Of so many bytes from here on."""
    digest = hashlib.sha256()
    while size > 0 and (chunk := file.read(min(CHUNK, size))):
        digest.update(chunk)
        size -= len(chunk)
    return digest


def _last(file: BinaryIO, end: int, length: int) -> bytes:
    """So many bytes before that place. Raises Damaged."""
    if end < length:
        raise Damaged
    file.seek(end - length, os.SEEK_SET)
    return file.read(length)
