"""Where DuckDB writes what does not fit into its memory: a directory that no other process uses.

Its files there have fixed names. By default they would stand beside the database, where every
reader of the same file writes his own over them, and then reads wrong numbers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "wellhead-sql-"


@contextlib.contextmanager
def own_directory() -> Iterator[Path]:
    """A new one where the system keeps such files (TMPDIR), until the end of the block.
    What killed processes of this user left there goes too: nobody holds a lock on it any more.
    """
    place = Path(tempfile.gettempdir())
    _remove_leftovers(place)
    path, lock = _make(place)
    with lock:
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def _make(place: Path) -> tuple[Path, contextlib.ExitStack]:
    """Another process may take the new directory for one that was left, until it is locked:
    then make one more.
    """
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        with (
            contextlib.suppress(BlockingIOError, FileNotFoundError),
            contextlib.ExitStack() as lock,
        ):
            lock.enter_context(_lock(path))
            if path.exists():
                return path, lock.pop_all()


if sys.platform == "win32":

    @contextlib.contextmanager
    def _lock(path: Path) -> Iterator[None]:  # noqa: ARG001  there are no such locks
        yield

    def _remove_leftovers(place: Path) -> None:
        """What was left cannot be told from what is in use."""
else:
    import fcntl

    @contextlib.contextmanager
    def _lock(path: Path) -> Iterator[None]:
        """The system lets go of the lock when the process ends, however it ends.
        Raises OSError when it is taken.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(descriptor)

    def _remove_leftovers(place: Path) -> None:
        for left in place.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError), _lock(left):
                shutil.rmtree(left, ignore_errors=True)
