"""Limits: how large what somebody else made may be,
so that no file takes the memory or the disk of a worker.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.store.batch import FULL_BYTES, FULL_ROWS

MB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """In bytes, but for `ratio` and the numbers of things.

    A table of numbers packs to a tenth or less; deflate cannot do better than 1,032 to one, and
    what comes near that is made of one byte. `ratio` is looked at beyond `free` alone: a small file
    of blanks does no harm.
    """

    file: int = 4096 * MB
    unpacked: int = 8192 * MB  # of all the members of one archive
    ratio: int = 300
    free: int = 64 * MB
    members: int = 10_000
    directory: int = 8 * MB  # of a zip: the list of its members, which is read into memory
    files: int = 100_000
    piece_rows: int = FULL_ROWS
    piece: int = FULL_BYTES  # bytes
    page_rows: int = 10_000  # of JSON
    page: int = 16 * MB
    columns: int = 2_000
    excel: int = 128 * MB  # what an .xlsx unpacks to; it takes about four times that of memory
    xls: int = 64 * MB
    excel_memory: int = 1024 * MB  # of addresses, of the process that reads it
    excel_seconds: int = 300


USUAL = Limits()
