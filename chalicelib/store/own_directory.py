"""OwnDirectory: where one database of one process keeps what is nobody else's: what does not fit
into its memory, and the file itself when that was fetched.

DuckDB's temporary files have fixed names, so two databases that spill into one directory read each
other's blocks: wrong numbers, or errors that look like a damaged file
(https://github.com/duckdb/duckdb/issues/15173).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

PREFIX = "own-"


class OwnDirectory:
    """A new directory in `parent`. It goes with `remove`, and at the latest with the process.

    Its maker holds a lock on it (flock), which the system lets go of when the process ends, however
    it ends: by that, what dead processes left in `parent` is known, and removed here.
    """

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        remove_orphans(parent)
        self.path, descriptor = _make(parent)
        self._removal = weakref.finalize(self, _remove, self.path, descriptor)

    def remove(self) -> None:
        """Close the database before: what it has written here is lost."""
        self._removal()


def remove_orphans(parent: Path) -> None:
    """Remove the directories whose process has ended."""
    for left in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # its process lives, or another one removes it
            _remove(left, _lock(left))


def _make(parent: Path) -> tuple[Path, int]:
    """Another process may take the new directory for one that was left, until it is locked:
    then make one more.
    """
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with suppress(BlockingIOError, FileNotFoundError):
            descriptor = _lock(path)
            if path.exists():
                return path, descriptor
            os.close(descriptor)


def _lock(path: Path) -> int:
    """The descriptor that holds the lock. Raises OSError when somebody else has it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(path: Path, descriptor: int) -> None:
    """The lock is let go of last:
    before, nobody takes a half-removed directory for one that was left.
    """
    shutil.rmtree(path, ignore_errors=True)
    os.close(descriptor)
