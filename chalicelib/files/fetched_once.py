"""FetchedOnce: a place whose files are fetched once,
for all the threads that read parts of one at the same time.
"""

from __future__ import annotations

import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .place import Listed, Place


class FetchedOnce:
    """The copies lie in `directory`, as long as somebody reads."""

    def __init__(self, place: Place, directory: Path) -> None:
        self._place = place
        self._directory = directory
        self._paths: dict[Listed, Path] = {}
        self._readers = 0
        self._alone = threading.Lock()

    @property
    def is_shared(self) -> bool:
        return self._place.is_shared

    @property
    def retries(self) -> int:
        return self._place.retries

    @property
    def waiting(self) -> dict[str, Any] | None:
        return self._place.waiting

    def files(self) -> list[Listed]:
        return self._place.files()

    def fetch(self, listed: Listed, target: Path) -> Path:  # noqa: ARG002  its own place outlives the first reader
        with self._alone:  # who comes second waits until the copy is whole
            if listed not in self._paths:
                self._directory.mkdir(parents=True, exist_ok=True)
                copy = self._directory / str(len(self._paths))
                self._paths[listed] = self._place.fetch(listed, copy)
            return self._paths[listed]

    @contextmanager
    def hold(self) -> Iterator[Self]:
        """While one reads. With the last one the copies go: the merge needs the room."""
        with self._alone:
            self._readers += 1
        try:
            yield self
        finally:
            with self._alone:
                self._readers -= 1
                if not self._readers:
                    self._paths.clear()
                    shutil.rmtree(self._directory, ignore_errors=True)

    def check(self, listed: Listed) -> None:
        self._place.check(listed)

    def close(self) -> None:
        self._place.close()
