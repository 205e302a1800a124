"""LocalPlace: files on this machine's own disk, read where they lie."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.errors import FilesNotFound, FileUnreadable

from .limits import USUAL
from .place import Listed, changed_file, is_pattern, listed_in_order, pattern_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .limits import Limits


class LocalPlace:
    """A file, all the files of a directory,
    or those of a pattern such as `/data/2024-*.csv` or `/data/**/*.zip`.
    """

    is_shared = True
    retries = 0
    waiting: dict[str, Any] | None = None

    def __init__(self, address: str | Path, *, limits: Limits = USUAL) -> None:
        self._address = str(address)
        self._limits = limits
        self._root = Path(self._address)

    def files(self) -> list[Listed]:
        path = Path(self._address)
        if path.is_file():
            self._root = path.parent
            names = [path.name]
        elif path.is_dir():
            names = [name for name in _names_below(path) if not _is_hidden(name)]
        else:
            names = self._matching()

        one_too_many = self._limits.files + 1  # so that it shows
        listed = [self._look_at(name) for name in names[:one_too_many]]
        return listed_in_order(listed, self._address, self._limits)

    def fetch(self, listed: Listed, target: Path) -> Path:  # noqa: ARG002  it is read where it lies
        self.check(listed)
        path = self._root / listed.name
        if not os.access(path, os.R_OK):
            raise FileUnreadable(
                f"{listed.name} may not be read. Give this user the right to.", file=listed.name
            )
        return path

    def check(self, listed: Listed) -> None:
        try:
            listed_now = self._look_at(listed.name)
        except FilesNotFound:
            raise changed_file(listed.name) from None
        if listed_now != listed:
            raise changed_file(listed.name)

    def close(self) -> None:
        """Nothing is open."""

    def _matching(self) -> list[str]:
        """Of /data/2024/*.csv those below /data/2024, the longest path without a sign of a pattern."""
        address = Path(self._address)
        fixed = address
        while is_pattern(str(fixed)):
            fixed = fixed.parent
        if not fixed.is_dir() or fixed == address:
            return []

        self._root = fixed
        pattern = pattern_of(str(address.relative_to(fixed)))
        return [name for name in _names_below(fixed) if pattern.fullmatch(name)]

    def _look_at(self, name: str) -> Listed:
        try:
            facts = (self._root / name).stat()
        except OSError:
            raise FilesNotFound(
                f"{name} is not there any more, or may not be looked at.", file=name
            ) from None
        if not stat.S_ISREG(facts.st_mode):
            raise FileUnreadable(f"{name} is no ordinary file.", file=name)
        # A copy may keep the time of its last change; since when it lies here, ctime tells.
        return Listed(name, facts.st_size, str(facts.st_mtime_ns), since=facts.st_ctime_ns)


def _is_hidden(name: str) -> bool:
    _, _, last_name = name.rpartition("/")
    return last_name.startswith(".")


def _names_below(directory: Path) -> Iterator[str]:
    """Of files, with their folders."""
    for folder, _, names in os.walk(directory):
        for name in names:
            path = Path(folder, name)
            if path.is_file():
                yield str(path.relative_to(directory))
