"""DirectoryWarehouse: the warehouse as a local folder or an EFS mount."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from chalicelib.errors import WarehouseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from .names import LATEST, LATEST_NOTE, PART_SECONDS, SEGMENTS, missing_file, name_conflict, sha256_of


class DirectoryWarehouse:
    """A local folder or an EFS mount. A file is written beside its name, synced, then renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        with _directory_errors():
            target = self._root / name
            if target.exists():
                if sha256_of(target) != sha256:
                    raise name_conflict(name)
                return
            self._copy(path, target)

    def fetch(self, name: str, path: Path) -> None:
        with _directory_errors():
            if not (self._root / name).is_file():
                raise missing_file(name)
            shutil.copyfile(self._root / name, path)

    def local_path(self, name: str) -> Path:
        return self._root / name

    def download_url(self, name: str, *, seconds: int) -> str:  # noqa: ARG002  a file has no term
        path = self._root / name
        if not path.is_file():
            raise missing_file(name)
        return path.absolute().as_uri()

    def set_latest(self, name: str) -> None:
        with _directory_errors():
            mark = self._copy(self._root / name, self._root / LATEST)
            with _part_of(self._root / LATEST_NOTE) as part:
                part.write_text(f"{name}\n{mark}", "utf-8")

    def latest(self) -> str | None:
        """None too when the note was written for another file: two workers met, or somebody changed it."""
        with _directory_errors():
            try:
                name, _, mark = (self._root / LATEST_NOTE).read_text("utf-8").partition("\n")
                return name if mark == _mark(self._root / LATEST) else None
            except FileNotFoundError:
                return None

    def names(self, prefix: str) -> list[str]:
        with _directory_errors():
            files = (path.relative_to(self._root).as_posix() for path in self._root.rglob("*") if path.is_file())
            shown = (name for name in files if name != LATEST_NOTE and not name.endswith(".part"))
            return sorted(name for name in shown if name.startswith(prefix))

    def remove(self, name: str) -> None:
        with _directory_errors():
            (self._root / name).unlink(missing_ok=True)

    def tidy(self, *, now: float) -> None:
        """A young folder may be that of a worker about to put its first segment there."""
        with _directory_errors():
            for folder in (self._root / SEGMENTS).glob("*/"):
                if now - folder.stat().st_mtime > PART_SECONDS:
                    with suppress(OSError):  # it is not empty
                        folder.rmdir()

    def _copy(self, path: Path, target: Path) -> str:
        """The mark of the copy."""
        self._clear_parts()
        with _part_of(target) as part:
            shutil.copyfile(path, part)
            _sync(part)
            mark = _mark(part)
        _sync(target.parent)
        return mark

    def _clear_parts(self) -> None:
        """What processes that died while copying left; a younger one may still be at work."""
        for part in self._root.rglob("*.part"):
            with suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > PART_SECONDS:
                    part.unlink()


@contextmanager
def _part_of(target: Path) -> Iterator[Path]:
    """A file beside the target that then takes its place. Its name is random: on EFS the functions of different
    machines have the same process numbers.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _mark(path: Path) -> str:
    """It differs for each file that ever had a name, and after each change of it; a rename keeps it."""
    stat = path.stat()
    return f"{stat.st_ino} {stat.st_mtime_ns} {stat.st_size}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _directory_errors() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise WarehouseUnavailable(
            f"The warehouse directory does not answer: {exc.strerror or exc}. Check that it exists, has room, and "
            "may be written by this function."
        ) from exc
