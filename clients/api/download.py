"""The published database on a disk of ours: whole and checked, or not there at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import requests

from clients.api.connection import CONNECT_SECONDS, READ_SECONDS, is_loopback, no_password
from clients.api.errors import DownloadDamaged, DownloadFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from clients.api.answers import Export
    from clients.api.list_files import Address

PIECE_BYTES = 1 << 20


def download(
    export: Export | Address, path: Path, on_bytes: Callable[[int], object] = lambda _count: None
) -> None:
    """Writes beside `path`, checks the SHA-256, and only then gives the file its name; one that was
    there before is replaced as a whole. `on_bytes` hears how many have come so far. Raises
    DownloadFailed, DownloadDamaged.
    """
    with _disk_errors("database", path), _put_in_place(path) as file:
        digest = hashlib.sha256()
        count = 0
        for piece in _pieces(export.url):
            file.write(piece)
            digest.update(piece)
            count += len(piece)
            on_bytes(count)
            if count > export.bytes:
                break
        if digest.hexdigest() != export.sha256:
            raise DownloadDamaged


def write_whole(path: Path, content: bytes) -> None:
    """As `download` writes what it has fetched. Raises DownloadFailed."""
    with _disk_errors("file", path), _put_in_place(path) as file:
        file.write(content)


@contextlib.contextmanager
def _disk_errors(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise DownloadFailed(f"The {what} could not be written to {path}: {exc.strerror}.") from exc


@contextlib.contextmanager
def _put_in_place(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that gets its name when the block ends well. What is there and is no
    file, such as a pipe or /dev/null, is written to as it is: with a file in its place it would be
    gone for everybody.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path = Path(os.path.realpath(path))  # a link stays one
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.unlink(missing_ok=True)  # of an earlier process with this number, ended by force
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _pieces(url: str) -> Iterator[bytes]:
    if url.startswith("file:"):
        return _read(Path(unquote(urlsplit(url).path)))
    return _fetch(url)


def _read(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece
    except OSError as exc:
        raise DownloadFailed(
            f"The database lies in a directory of the machine that imports: {path}. Run this there, or copy that file."
        ) from exc


def _fetch(url: str) -> Iterator[bytes]:
    """The address is signed: it wants no token of ours, and must not be shown to anybody."""
    try:
        with requests.Session() as session:
            session.auth = no_password
            session.trust_env = not is_loopback(url)
            with session.get(url, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS)) as response:
                if not response.ok:
                    raise DownloadFailed(
                        f"The store refuses the download (HTTP {response.status_code}). Try again."
                    )
                yield from response.iter_content(PIECE_BYTES)
    except requests.RequestException:
        raise DownloadFailed(
            "The connection to the store broke before the database had come. Try again."
        ) from None


def _sync(directory: Path) -> None:
    """The new name too must survive a loss of power; some systems cannot open a directory."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
