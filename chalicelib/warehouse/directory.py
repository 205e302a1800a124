"""DirectoryWarehouse: the warehouse as a local folder or an EFS mount."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import NoOlderVersion, UploadNotHere, WarehouseUnavailable

from .disk import disk_errors
from .names import (
    DRILLS,
    LATEST,
    LATEST_NOTE,
    LATEST_PROBLEM,
    OWNER,
    PART_SECONDS,
    SEGMENTS,
    StoredFile,
    UploadForm,
    missing_file,
    name_conflict,
    sha256_of,
    unreadable_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A file system that cannot do a thing says one of these; whatever else it says, the thing went
# wrong.
CANNOT = {
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EACCES,
    errno.EBADF,
    errno.EISDIR,
}
# What a rename over a file that is there may be refused with, where one to a new name is not.
MAY_NOT_REPLACE = {
    *(errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.EACCES),
    *(errno.EEXIST, errno.EBUSY, errno.ETXTBSY),
}
UNREADABLE = {errno.EIO, errno.EISDIR}  # of one file; the next try would meet it again
READ_ONLY = 0o444

log = logging.getLogger(__name__)


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DirectoryWarehouse:
    """A local folder or an EFS mount. A file is written beside its name, synced, then renamed. What
    is published may be read and not written: DuckDB opens a file for writing unless it is told
    otherwise, and leaves its log beside it.

    `sync` and `replace` are the file system's; some know no fsync, and some rename over no file.
    """

    def __init__(
        self,
        root: Path,
        *,
        sync: Callable[[Path], object] = sync_file,
        replace: Callable[[Path, Path], object] = Path.replace,
    ) -> None:
        self._root = root
        self._sync_file = sync
        self._replace = replace

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
            # Without its root nothing is known of a file.
            if self._root.is_dir() and not (self._root / name).exists():
                raise missing_file(name)
            try:
                with disk_errors():  # nothing is written here but the copy, on local disk
                    shutil.copyfile(self._root / name, path)
            except OSError as exc:
                if exc.errno in UNREADABLE:
                    raise unreadable_file(name, str(exc.strerror)) from exc
                raise

    def fetch_rest(self, name: str, path: Path, *, goes_on: Callable[[], bool]) -> None:  # noqa: ARG002
        """All of it at once:
        a directory's file is copied only where somebody's log lies beside it.
        """
        self.fetch(name, path)

    def fetch_older(self, name: str, path: Path, *, sha256: str) -> str:  # noqa: ARG002
        """Raises NoOlderVersion: a directory keeps none."""
        raise NoOlderVersion(
            "The warehouse is a directory, which keeps no older versions of its files. Restore the file from a backup "
            "of yours under its name, or go back to another snapshot: wellhead ops rollback.",
            snapshot=name,
        )

    def local_path(self, name: str) -> Path:
        return self._root / name

    def location(self, name: str) -> str:
        return (self._root / name).absolute().as_uri()

    def stat(self, name: str) -> StoredFile | None:
        with _directory_errors():
            try:
                return StoredFile(name=name, bytes=(self._root / name).stat().st_size, sha256=None)
            except FileNotFoundError:
                return None

    def download_url(self, name: str, *, seconds: int, saved_as: str = LATEST) -> str:  # noqa: ARG002  a file has no term
        path = self._root / name
        if not path.is_file():
            raise missing_file(name)
        return path.absolute().as_uri()

    def upload_form(self, name: str, *, seconds: int, most_bytes: int) -> UploadForm:  # noqa: ARG002
        """Raises UploadNotHere: nobody sends a form to a directory."""
        raise UploadNotHere

    def set_latest(self, name: str) -> None:
        with self._told_beside(name), _directory_errors():
            self._set_logs_aside()
            mark = self._copy(self._root / name, self._root / LATEST)
            self._set_logs_aside()  # of who has opened the old file meanwhile
            # The note is last. Who dies before it leaves one that does not fit the file.
            with self._part_of(self._root / LATEST_NOTE) as part:
                part.write_text(f"{name}\n{mark}", "utf-8")

    def latest(self) -> str | None:
        """None too when the note was written for another file: two workers met, or somebody changed
        it. DuckDB reads a log beside the file as a part of it, so that is a change too.
        """
        with _directory_errors():
            try:
                name, _, mark = (self._root / LATEST_NOTE).read_text("utf-8").partition("\n")
                is_same_file = mark == _mark(self._root / LATEST)
                is_ours = is_same_file and not self._logs()
            except FileNotFoundError:
                return None
            return name if is_ours else None

    def owner(self) -> str | None:
        with _directory_errors():
            try:
                return (self._root / OWNER).read_text("utf-8")
            except FileNotFoundError:
                return None

    def set_owner(self, text: str) -> bool:
        """A link is made to a new name or not at all,
        and the file is whole when it has its name.
        """
        with _directory_errors():
            self._root.mkdir(parents=True, exist_ok=True)
            part = self._root / f"{OWNER}.{secrets.token_hex(4)}.part"
            try:
                part.write_text(text, "utf-8")
                self._sync(part)
                return _link(part, self._root / OWNER)
            finally:
                part.unlink(missing_ok=True)

    def names(self, prefix: str) -> list[str]:
        with _directory_errors():
            files = (
                path.relative_to(self._root).as_posix()
                for path in self._root.rglob("*")
                if path.is_file()
            )
            notes = (LATEST_NOTE, LATEST_PROBLEM, OWNER)
            shown = (name for name in files if name not in notes and not name.endswith(".part"))
            return sorted(name for name in shown if name.startswith(prefix))

    def remove(self, name: str) -> None:
        with _directory_errors():
            (self._root / name).unlink(missing_ok=True)
            if name.startswith(DRILLS):
                with suppress(OSError):  # another drill is at it
                    (self._root / DRILLS).rmdir()

    def tidy(self, *, now: float) -> None:
        """A young folder may be that of a worker about to put its first segment there."""
        with _directory_errors():
            for folder in (self._root / SEGMENTS).glob("*/"):
                if now - folder.stat().st_mtime > PART_SECONDS:
                    with suppress(OSError):  # it is not empty
                        folder.rmdir()

    # -- one file ---------------------------------------------------------------------------------

    def _copy(self, path: Path, target: Path) -> str:
        """The mark of the copy."""
        self._clear_parts()
        with self._part_of(target) as part:
            shutil.copyfile(path, part)
            # Where nothing tells that the bytes have arrived, they are read once more.
            is_synced = self._sync(part)
            if not is_synced and sha256_of(part) != sha256_of(path):
                raise OSError(errno.EIO, "what was written does not read back")
            is_segment = target.is_relative_to(self._root / SEGMENTS)  # no file that people open
            if not is_segment:
                part.chmod(part.stat().st_mode & READ_ONLY)
            mark = _mark(part)
        self._sync(target.parent)  # the new name is written there, and not in the file
        return mark

    @contextmanager
    def _part_of(self, target: Path) -> Iterator[Path]:
        """A file beside the target that then takes its place. Its name is random:
        on EFS the functions of different machines have the same process numbers.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
        try:
            yield part
            self._move(part, target)
        finally:
            part.unlink(missing_ok=True)

    def _move(self, part: Path, target: Path) -> None:
        """Where no file may be renamed over another, the old one steps aside first,
        and back when that was in vain: for a moment there is none, and never a half.
        """
        try:
            self._replace(part, target)
        except OSError as exc:
            if exc.errno not in MAY_NOT_REPLACE or not target.is_file():
                raise
            old = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
            self._replace(target, old)
            try:
                self._replace(part, target)
            except OSError:
                self._replace(old, target)
                raise
            old.unlink()

    def _sync(self, path: Path) -> bool:
        """Whether the file system knows how. One that does not keeps what it has when this process
        dies, and may lose it when the power goes; the next import then finds the published file
        damaged.
        """
        try:
            self._sync_file(path)
        except OSError as exc:
            if exc.errno not in CANNOT:
                raise
            log.warning("the warehouse directory knows no fsync: %s", exc.strerror)
            return False
        return True

    def _clear_parts(self) -> None:
        """What processes that died while copying left; a younger one may still be at work."""
        for part in self._root.rglob("*.part"):
            with suppress(FileNotFoundError):
                if time.time() - part.stat().st_mtime > PART_SECONDS:
                    part.unlink()

    # -- what others do with the stable name --------------------------------------------------------

    def _logs(self) -> list[Path]:
        """DuckDB's log of who opened the stable name for writing and was killed, or is at it."""
        return sorted(self._root.glob(f"{LATEST}.wal*"))

    def _set_logs_aside(self) -> None:
        """A log belongs to the file that it was written for: beside another one,
        nobody can open that any more. It may hold somebody's work, so it is kept.
        """
        for path in self._logs():
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            aside = path.with_name(
                f"{LATEST}.{stamp}-{secrets.token_hex(4)}{path.name.removeprefix(LATEST)}"
            )
            with suppress(FileNotFoundError):  # its writer has just closed the file
                path.rename(aside)
                log.warning("somebody wrote to %s; the log of it is kept as %s", LATEST, aside.name)

    @contextmanager
    def _told_beside(self, name: str) -> Iterator[None]:
        """Who opens a stable name that could not follow finds a note beside it;
        whoever tried tells his log.
        """
        problem = self._root / LATEST_PROBLEM
        try:
            yield
        except WarehouseUnavailable as exc:
            with suppress(OSError):
                if (self._root / LATEST).exists():
                    problem.write_text(
                        f"{LATEST} is old: the newest data is in {name}.\n{exc.message}\n", "utf-8"
                    )
            raise
        with suppress(OSError):
            problem.unlink(missing_ok=True)


def _link(part: Path, target: Path) -> bool:
    """False when the target is there.
    Without links it is created, and has no content for a moment.
    """
    try:
        os.link(part, target)
    except FileExistsError:
        return False
    except OSError as exc:
        if exc.errno not in CANNOT:
            raise
        return _create(target, part.read_bytes())
    return True


def _create(target: Path, content: bytes) -> bool:
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _mark(path: Path) -> str:
    """It differs for each file that ever had a name, and after each change of it;
    a rename keeps it.
    """
    stat = path.stat()
    return f"{stat.st_ino} {stat.st_mtime_ns} {stat.st_size}"


@contextmanager
def _directory_errors() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise WarehouseUnavailable(
            f"The warehouse directory does not answer: {exc.strerror or exc}. Check that it exists, has room, and "
            "may be written by this function."
        ) from exc
