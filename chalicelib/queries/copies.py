"""LocalCopies: the snapshots of a bucket on local disk, each under its own name, fetched once and
checked.

There is room for two: the current one, and the one before it, which readers in the midst of their
pages still ask for.

Whoever fetches one has so many seconds. What has come by then, or when he is killed, stays as a
part that the next one goes on from; parts that nobody wants are removed by whoever comes next.
"""

from __future__ import annotations

import fcntl
import math
import os
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.errors import DatabaseFetching, DatabaseTooLarge, ScratchFull, WarehouseCorrupt
from chalicelib.warehouse.disk import disk_errors
from chalicelib.warehouse.names import StoredFile, Warehouse, sha256_of

MOST = 2
PART = "fetching-"
# S3 sends some 90 MB a second to a function, and the SHA-256 takes its share: what is begun shall
# come to its end.
BYTES_A_SECOND = 60_000_000
LOOK_SECONDS = 0.1  # at what another process fetches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class LocalCopies:
    """`directory` may be shared by processes. A copy is opened under a second name in a directory
    of the reader's own, so nobody takes it away from him; the room of one that was removed here is
    free when its last reader closes it.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        directory: Path,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seconds` are what somebody who waits for an answer has for the fetch."""
        self._warehouse = warehouse
        self._directory = directory
        self._seconds = seconds
        self._clock = clock

    def fetch(self, file: StoredFile, own: Path, *, beside: str | None) -> Path:
        """A copy in the directory `own`. `beside` names the snapshot whose copy stays when another
        has to go; without it, the one that was read last stays. Raises DatabaseFetching where that
        takes longer than there is time, WarehouseUnavailable, WarehouseCorrupt, ScratchFull,
        DatabaseTooLarge.
        """
        copy = own / Path(file.name).name
        until = self._clock() + self._seconds
        # Another process may remove it before, for another snapshot.
        while not self._link(file, copy):
            self.bring(file, beside=beside, until=until)
        return copy

    def bring(self, file: StoredFile, *, beside: str | None, until: float) -> None:
        """Have the copy here by this time. Raises as `fetch` does."""
        shared = self._path(file.name)
        part = self._part(file)
        while not shared.exists():
            # Whoever has the part fetches it; the others look now and then whether it is whole.
            with self._lock(part) as is_ours:
                if is_ours and not shared.exists():
                    self._remove_parts(kept=part)
                    self._check_room(part, file.bytes)
                    self._check_time(file, part, until=until)
                    current = self._path(beside) if beside else None
                    self._make_room(part, file.bytes, beside=current)

                    self._continue(file, part, until=until)
                    part.chmod(0o444)  # nobody writes to what many read
                    part.replace(shared)
                    self._remove_more_than_are_kept(shared, beside=current)
                    return

            self._check_time(file, part, until=until)
            time.sleep(LOOK_SECONDS)

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / Path(name).name

    def _part(self, file: StoredFile) -> Path:
        name = Path(file.name).name
        return self._directory / f"{PART}{name}"

    def _link(self, file: StoredFile, copy: Path) -> bool:
        with suppress(FileNotFoundError):
            os.link(self._path(file.name), copy)
            os.utime(copy)  # both names tell when it was read last
            return True
        return False

    # -- one fetch ------------------------------------------------------------------------------------------

    def _continue(self, file: StoredFile, part: Path, *, until: float) -> None:
        """Nothing is begun that would not come to its end in time. Where a part was gone on from
        and the whole is not what it should be, the part is to blame: it is fetched from its
        beginning.
        """
        size_before = _size(part)
        self._check_time(file, part, until=until)
        with disk_errors():  # somebody else has taken the room meanwhile
            self._warehouse.fetch_rest(file.name, part, goes_on=lambda: self._clock() < until)
        if _size(part) < file.bytes and self._clock() >= until:
            raise self._fetching(file, part)
        if not is_damaged(part, file):
            return

        os.truncate(part, 0)
        if not size_before:  # all of it came just now, so it is the warehouse's that is wrong
            raise WarehouseCorrupt
        self._continue(file, part, until=until)

    def _check_time(self, file: StoredFile, part: Path, *, until: float) -> None:
        """Raises DatabaseFetching where what is missing will not be there in time."""
        missing = max(0, file.bytes - _size(part))
        end = self._clock() + missing / BYTES_A_SECOND
        if end > until:
            raise self._fetching(file, part)

    @staticmethod
    def _fetching(file: StoredFile, part: Path) -> DatabaseFetching:
        fetched = _size(part)
        missing = max(0, file.bytes - fetched)
        seconds = math.ceil(missing / BYTES_A_SECOND) + 1
        return DatabaseFetching(
            snapshot=file.name,
            bytes=file.bytes,
            fetched=fetched,
            retry_after_seconds=seconds,
        )

    @contextmanager
    def _lock(self, part: Path) -> Iterator[bool]:
        """Whether the part is ours now, and was nobody's.
        The system lets go of it when its process ends. One without content is none.
        """
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last owner may have moved or removed it between our opening and our lock.
            opened = os.fstat(descriptor)
            is_ours = part.exists() and os.path.samestat(opened, part.stat())
        except (BlockingIOError, FileNotFoundError):
            is_ours = False
        try:
            yield is_ours
        finally:
            if is_ours and not os.fstat(descriptor).st_size:
                part.unlink(missing_ok=True)
            os.close(descriptor)

    # -- room -----------------------------------------------------------------------------------------------

    def _check_room(self, part: Path, size: int) -> None:
        """What can never be, is told before anybody waits for it.
        Raises ScratchFull, DatabaseTooLarge.
        """
        disk = shutil.disk_usage(self._directory)
        needed = size - _size(part)
        if size > disk.total:
            raise DatabaseTooLarge(bytes=size, disk_bytes=disk.total)
        # Older copies make room.
        kept = sum(_size(path) for path, _ in self._times_of_use())
        free = disk.free + kept
        if free < needed:
            raise _full(needed, free)

    def _make_room(self, part: Path, size: int, *, beside: Path | None) -> None:
        needed = size - _size(part)
        others = self._by_use(beside)
        while len(others) >= MOST or (others and self._free() < needed):
            oldest = others.pop(0)
            oldest.unlink(missing_ok=True)
        free = self._free()
        if free < needed:  # readers still have open what was removed
            raise _full(needed, free)

    def _remove_more_than_are_kept(self, newest: Path, *, beside: Path | None) -> None:
        """Two processes that fetch at once have each made room for one copy."""
        others = [path for path in self._by_use(beside) if path != newest]
        while len(others) >= MOST:
            oldest = others.pop(0)
            oldest.unlink(missing_ok=True)

    def _remove_parts(self, *, kept: Path) -> None:
        """Those of other snapshots whose process has ended, or has given up."""
        for part in self._directory.glob(f"{PART}*"):
            if part != kept:
                with self._lock(part) as is_ours:
                    if is_ours:
                        part.unlink(missing_ok=True)

    def _free(self) -> int:
        return shutil.disk_usage(self._directory).free

    def _by_use(self, beside: Path | None) -> list[Path]:
        """The copies, the first one may go first."""
        used = dict(self._times_of_use())

        def rank(path: Path) -> tuple[bool, float]:
            is_current = path == beside
            return is_current, used[path]

        return sorted(used, key=rank)

    def _times_of_use(self) -> Iterator[tuple[Path, float]]:
        for path in self._directory.glob("wells-*.duckdb"):
            with suppress(FileNotFoundError):  # another process was faster
                yield path, path.stat().st_mtime


def _full(needed: int, free: int) -> ScratchFull:
    purpose = "for a copy of the database"
    return ScratchFull.beforehand("Reading", needed=needed, free=free, purpose=purpose)


def _size(path: Path) -> int:
    """None is nothing."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def is_damaged(path: Path, file: StoredFile) -> bool:
    """Whether what lies there is proved to be another file: another size is another checksum.
    What lies there no more proves nothing.
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size != file.bytes:
            return True
        return file.sha256 is not None and sha256_of(path) != file.sha256
    return False
