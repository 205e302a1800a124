"""HttpsPlace: one file at an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from .limits import USUAL
from .place import Listed, changed_file

if TYPE_CHECKING:
    from pathlib import Path

    from .connection import FileConnection
    from .limits import Limits

LONGEST_NAME = 200  # characters


class HttpsPlace:
    """Fetched once for each worker, into `directory`, and known by its SHA-256:
    servers need not tell a version.
    """

    is_shared = False

    def __init__(
        self, connection: FileConnection, url: str, directory: Path, *, limits: Limits = USUAL
    ) -> None:
        self._connection = connection
        self._url = url
        self._path = directory / "downloaded"
        self._limits = limits
        self._listed: Listed | None = None

    @property
    def retries(self) -> int:
        return self._connection.retries

    @property
    def waiting(self) -> dict[str, Any] | None:
        return self._connection.waiting

    def files(self) -> list[Listed]:
        """The one, which is on local disk then. Raises SourceError, ScratchFull."""
        if self._listed is None:
            self._listed = self._download()
        return [self._listed]

    def fetch(self, listed: Listed, target: Path) -> Path:
        is_given_away = not self._path.exists()  # to a reader before this one
        if is_given_away and self._download() != listed:
            raise changed_file(listed.name)
        return self._path.replace(target)

    def check(self, listed: Listed) -> None:
        """What is read is our own copy."""

    def close(self) -> None:
        self._connection.close()
        self._path.unlink(missing_ok=True)

    def _download(self) -> Listed:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        digest = self._connection.download(self._url, self._path, most=self._limits.file)
        size = self._path.stat().st_size
        return Listed(_name_in(self._url), size, digest)


def _name_in(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path).rstrip("/")
    _, _, last_name = path.rpartition("/")
    name = last_name or parts.netloc
    signs = [sign if sign.isprintable() else "?" for sign in name]
    return "".join(signs)[:LONGEST_NAME]
