"""The warehouse: whole, closed, immutable files under names that carry the fence. Here those in a directory;
S3Warehouse keeps them in a bucket.

    snapshots/wells-<fence>-<job>.duckdb        a published database, or one that nothing points at
    segments/<job>/<fence>-<part>-<number>.parquet   staged rows of an unfinished import
    wells.duckdb                                a copy of the current snapshot, for people and tools; which one
                                                is noted in wells.duckdb.name, on S3 in the object's metadata

Nobody ever opens a file here for writing. A file is complete when its name exists.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from .errors import WarehouseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LATEST = "wells.duckdb"
LATEST_NOTE = "wells.duckdb.name"
SNAPSHOTS = "snapshots/"
SEGMENTS = "segments/"
PART_SECONDS = 3600


def snapshot_name(fence: int, job_id: str) -> str:
    return f"{SNAPSHOTS}wells-{fence:010d}-{job_id}.duckdb"


def segment_name(job_id: str, fence: int, number: int, *, part: int = 0) -> str:
    return f"{SEGMENTS}{job_id}/{fence:010d}-{part:04d}-{number:06d}.parquet"


def segment_names(runs: list[dict[str, Any]]) -> list[str]:
    """The names of all segments of these runs, each {job_id, fence, count}, in the order they were made."""
    return [segment_name(run["job_id"], run["fence"], number) for run in runs for number in range(run["count"])]


def add_segment(runs: list[dict[str, Any]], job_id: str, fence: int) -> list[dict[str, Any]]:
    """The runs with one more segment, whose name is then the last one of them."""
    if runs and (runs[-1]["job_id"], runs[-1]["fence"]) == (job_id, fence):
        return [*runs[:-1], {**runs[-1], "count": runs[-1]["count"] + 1}]
    return [*runs, {"job_id": job_id, "fence": fence, "count": 1}]


_FENCED = re.compile(r"snapshots/wells-(\d+)-(?P<job>[0-9a-f-]{36})\.duckdb|segments/(?P<of>[0-9a-f-]{36})/(\d+)-.*")


def is_fenced(name: str) -> bool:
    """Whether the name is one that an import makes; whatever else lies in the warehouse is somebody else's."""
    return _FENCED.fullmatch(name) is not None


def fence_of(name: str) -> int:
    match = _FENCED.fullmatch(name)
    return int(match[1] or match[4]) if match else 0


def job_of(name: str) -> str:
    match = _FENCED.fullmatch(name)
    return str(match["job"] or match["of"]) if match else ""


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Warehouse(Protocol):
    """Every method raises WarehouseUnavailable."""

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        """Store a copy of the file under a new name. The same content under the same name is a repeat, not
        an error; other content is refused.
        """

    def fetch(self, name: str, path: Path) -> None:
        """A local copy of the file, in place of what is at `path`."""

    def local_path(self, name: str) -> Path | None:
        """Where the file can be opened in place; None when it has to be fetched. It need not exist."""

    def download_url(self, name: str, *, seconds: int) -> str:
        """Where the file can be read from: on S3 for so many seconds by whoever has the URL."""

    def set_latest(self, name: str) -> None:
        """Let the stable name hold a copy of this snapshot."""

    def latest(self) -> str | None:
        """The snapshot that the stable name holds a copy of."""

    def names(self, prefix: str) -> list[str]:
        """The names that begin so, sorted."""

    def remove(self, name: str) -> None:
        """Remove the file; it need not exist."""

    def tidy(self, *, now: float) -> None:
        """Remove what is no file and nobody needs: unfinished uploads, empty folders of segments."""


class DirectoryWarehouse:
    """A local folder or an EFS mount. A file is written beside its name, synced, then renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        with _directory_errors():
            target = self._root / name
            if target.exists():
                if sha256_of(target) != sha256:
                    raise taken(name)
                return
            self._copy(path, target)

    def fetch(self, name: str, path: Path) -> None:
        with _directory_errors():
            shutil.copyfile(self._root / name, path)

    def local_path(self, name: str) -> Path:
        return self._root / name

    def download_url(self, name: str, *, seconds: int) -> str:  # noqa: ARG002  a file has no term
        path = self._root / name
        if not path.is_file():
            raise absent(name)
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


def absent(name: str) -> WarehouseUnavailable:
    return WarehouseUnavailable(f"The warehouse has no {name}. Restore it; docs/workflow.md says how.")


def taken(name: str) -> WarehouseUnavailable:
    return WarehouseUnavailable(f"Another file stands in the warehouse as {name} already; remove it by hand.")


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
