"""What is written to local disk while files are fetched and read:
a full disk has an error of its own.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from chalicelib.errors import ScratchFull

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 1 << 20  # bytes at a time
# A quota and a file's greatest size are ends of room too.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raises ScratchFull; another OSError goes on."""
    try:
        yield
    except OSError as exc:
        if exc.errno in FULL:
            raise ScratchFull from exc
        raise
