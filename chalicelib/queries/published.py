"""PublishedProduction: the snapshots, opened for questions. A new one takes the place of the old by
itself; who reads page by page asks for the one that his first page came from, by its name.

A directory's file is opened in place, a bucket's file is fetched to local disk (LocalCopies), a
lake is read where it is. Between two questions one database stays open: each may take as much
memory as the process has for it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    JobNotFound,
    NothingPublished,
    QueryFailed,
    SnapshotGone,
    SqlOff,
    StoreDiffers,
    WarehouseCorrupt,
    WarehouseForeign,
    WarehouseTooNew,
    WarehouseUnavailable,
)
from chalicelib.jobs.job import JobStatus
from chalicelib.lake.versions import Versions
from chalicelib.store.local_duckdb import OF_THE_FILE
from chalicelib.store.own_directory import OwnDirectory
from chalicelib.warehouse.names import (
    StoredFile,
    Warehouse,
    is_of_lake,
    job_of,
    missing_file,
    snapshot_name,
)

from .copies import LocalCopies, is_damaged
from .cursor import no_cursor
from .kept_register import KeptRegister
from .production import Lake, ProductionQuery
from .question_time import one_question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.errors import WellheadError
    from chalicelib.jobs.lock import Snapshot
    from chalicelib.jobs.manager import JobManager

# For the fetch of a database while somebody waits; the question takes its time besides.
FETCH_SECONDS = 12.0
FACTS = ("name", "fence", "rows", "bytes", "sha256", "job_id")


@dataclass(kw_only=True)
class Opened:
    """`path` is where the file lies, `users` how many questions are on their way.
    `snapshot` is what the pointer says of it; None while it was asked for by its name alone.
    """

    file: StoredFile
    path: Path
    query: ProductionQuery
    snapshot: Snapshot | None = None
    users: int = 0


class PublishedProduction:
    """One for a process; its threads may share it. `directory` is on local disk and may be shared
    by processes. `was_published` tells of a name whether that snapshot ever was the current one.

    What asks raises NothingPublished, StateUnavailable, WarehouseUnavailable, WarehouseCorrupt,
    WarehouseTooNew, WarehouseForeign, ScratchFull, QueryFailed, QueryTooLarge.
    """

    def __init__(
        self,
        *,
        current: Callable[[], Snapshot | None],
        was_published: Callable[[str], bool],
        warehouse: Warehouse,
        directory: Path,
        memory_mb: int,
        lake: Lake | None = None,
    ) -> None:
        self._lake = lake
        self._current = current
        self._was_published = was_published
        self._warehouse = warehouse
        self._directory = directory
        self._memory_mb = memory_mb
        self._copies = LocalCopies(warehouse, directory, seconds=FETCH_SECONDS)
        self._lock = Lock()
        self._open: dict[str, Opened] = {}  # by the snapshot's name
        self._latest: Opened | None = None  # what was asked last, and stays open

    @contextmanager
    def query(self, name: str | None = None) -> Iterator[ProductionQuery]:
        """The snapshot of that name, or the current one. It stays readable to the end of the block,
        whatever is published meanwhile. Raises SnapshotGone, and ValidationError for a name that
        never was published.
        """
        with self._borrow(name) as opened:
            yield opened.query

    def fetch_ahead(self, name: str, *, seconds: float) -> None:
        """Have the copy of this snapshot here, for questions to come.
        Raises DatabaseFetching when it is not whole by then, and what `query` does.
        """
        current = self._current_or_refuse()
        is_current = name == current.name
        file = _file_of(current) if is_current else self._file_of_cursor(name)
        if is_of_lake(file.name) or self._in_place(file.name):
            return  # which are read where they are
        self._directory.mkdir(parents=True, exist_ok=True)
        beside = None if is_current else current.name
        until = time.monotonic() + seconds
        self._copies.bring(file, beside=beside, until=until)

    @contextmanager
    def file(self) -> Iterator[tuple[Path, str, OwnDirectory]]:
        """Where the current snapshot lies as one file, its name,
        and a directory for whoever reads it in a process of his own. Raises SqlOff for a lake.
        """
        if is_of_lake(self._current_or_refuse().name):
            raise SqlOff
        with self._borrow(None) as opened:
            own = OwnDirectory(self._directory)
            try:
                yield opened.path, opened.file.name, own
            finally:
                own.remove()

    def summary(self, *, source: str | None = None) -> dict[str, Any]:
        """What ProductionQuery.summary tells of the current snapshot, and `snapshot`:
        the FACTS of the file.
        """
        with self._borrow(None) as opened:
            found = opened.query.summary(source=source)
            facts = {name: getattr(opened.snapshot, name) for name in FACTS}
            return {**found, "snapshot": facts}

    @contextmanager
    def _borrow(self, name: str | None) -> Iterator[Opened]:
        opened = self._take(name)
        try:
            with one_question():
                yield opened
        except (WarehouseCorrupt, QueryFailed) as error:
            is_of_the_file = isinstance(error.__cause__, OF_THE_FILE)
            if not is_of_the_file and not isinstance(error, WarehouseCorrupt):
                raise  # the question failed, and not for its file
            self._forget(opened)
            self._raise_for_damage(error, opened.file, opened.path)
            raise
        finally:
            self._give_back(opened)

    # -- which one ----------------------------------------------------------------------------------------

    def _take(self, name: str | None) -> Opened:
        """A snapshot may be replaced and removed between a look at the pointer and the opening:
        look again.
        """
        with self._lock:
            # What is open stays readable, and nobody has to ask for the pointer.
            if name and (known := self._open.get(name)):
                return self._lend(known)
        current = self._current_or_refuse()
        while True:
            is_current = name in (None, current.name)
            file = _file_of(current) if is_current else self._file_of_cursor(str(name))
            try:
                return self._open_or_share(file, current, is_current=is_current)
            except (WarehouseUnavailable, WarehouseCorrupt):
                newer = self._current_or_refuse()
                is_same = newer == current
                if is_same and (is_current or self._warehouse.stat(file.name)):
                    raise  # nothing was replaced or removed meanwhile: it is the file
                current = newer

    def _current_or_refuse(self) -> Snapshot:
        snapshot = self._current()
        if snapshot is None:
            raise NothingPublished
        return snapshot

    def _file_of_cursor(self, name: str) -> StoredFile:
        if not self._was_published(name):
            raise no_cursor()
        file = self._warehouse.stat(name)
        if file is None:
            raise SnapshotGone(snapshot=name)
        return file

    # -- who has it open ----------------------------------------------------------------------------------

    def _open_or_share(self, file: StoredFile, current: Snapshot, *, is_current: bool) -> Opened:
        with self._lock:
            opened = self._open.get(file.name)
            # Of another size or checksum under the same name: it was put there once more.
            if opened is None or opened.file != file:
                self._close_idle()  # first: each may take all the memory
                beside = None if is_current else current.name
                opened = self._open_file(file, beside=beside)
                self._open[file.name] = opened
            if is_current:
                opened.snapshot = current
            return self._lend(opened)

    def _lend(self, opened: Opened) -> Opened:
        opened.users += 1
        self._latest = opened
        self._close_idle()
        return opened

    def _close_idle(self) -> None:
        idle = [opened for opened in self._open.values() if not opened.users]
        for opened in idle:
            del self._open[opened.file.name]
            opened.query.close()

    def _give_back(self, opened: Opened) -> None:
        """One that was put away while it was in use is closed by its last user."""
        with self._lock:
            opened.users -= 1
            if not opened.users and opened is not self._latest:
                # After _forget another one may stand under this name.
                if self._open.get(opened.file.name) is opened:
                    del self._open[opened.file.name]
                opened.query.close()

    def _forget(self, opened: Opened) -> None:
        """The next question opens the file anew:
        it may have been restored, and DuckDB refuses everything after some of its errors.
        """
        with self._lock:
            if self._open.get(opened.file.name) is opened:
                del self._open[opened.file.name]
            if self._latest is opened:
                self._latest = None

    # -- the file -----------------------------------------------------------------------------------------

    def _open_file(self, file: StoredFile, *, beside: str | None) -> Opened:
        own = OwnDirectory(self._directory)
        try:
            if is_of_lake(file.name):
                return self._open_lake(file, own)
            path = self._in_place(file.name)
            if path is None:
                path = self._copies.fetch(file, own.path, beside=beside)
            query = self._query(file, path, own)
            return Opened(file=file, path=path, query=query)
        except BaseException:  # also where the process is to stop: nobody else knows of it
            own.remove()
            raise

    def _open_lake(self, file: StoredFile, own: OwnDirectory) -> Opened:
        """The file tells which snapshots of the tables belong together;
        the rows stay where they are.
        """
        if self._lake is None:
            raise StoreDiffers
        path = own.path / "versions.json"
        self._warehouse.fetch(file.name, path)
        if is_damaged(path, file):
            raise WarehouseCorrupt
        query = ProductionQuery.of_lake(
            Versions.read(path.read_text("utf-8")),
            self._lake,
            directory=own,
            memory_mb=self._memory_mb,
            snapshot=file.name,
            kept=KeptRegister(warehouse=self._warehouse, snapshot=file.name),
        )
        return Opened(file=file, path=path, query=query)

    def _in_place(self, name: str) -> Path | None:
        """None in a bucket, and beside the log of a writer who was killed:
        DuckDB plays that for readers too. A copy has none.
        """
        path = self._warehouse.local_path(name)
        if path is None:
            return None
        log_of_writer = path.with_name(f"{path.name}.wal")
        return None if log_of_writer.exists() else path

    def _query(self, file: StoredFile, path: Path, own: OwnDirectory) -> ProductionQuery:
        try:
            _check_size(file, path)
            kept = KeptRegister(warehouse=self._warehouse, snapshot=file.name)
            return ProductionQuery.open(
                path, directory=own, memory_mb=self._memory_mb, snapshot=file.name, kept=kept
            )
        except (WarehouseCorrupt, WarehouseTooNew, WarehouseForeign, QueryFailed) as error:
            if not path.exists():  # removed just now
                raise missing_file(file.name) from error
            self._raise_for_damage(error, file, path)
            raise

    def _raise_for_damage(self, error: WellheadError, file: StoredFile, path: Path) -> None:
        """A file is called damaged when its checksum is proved to be another one, by DuckDB or
        here. A local copy of it goes, and is fetched again.

        To read the file lets go of DuckDB's lock on it (fcntl), which nobody needs: nobody opens it
        for writing.
        """
        if isinstance(error, WarehouseCorrupt) or is_damaged(path, file):
            self._copies.remove(file.name)
            raise WarehouseCorrupt from error


def _check_size(file: StoredFile, path: Path) -> None:
    """Another size is another checksum. Raises WarehouseUnavailable, WarehouseCorrupt."""
    try:
        size = path.stat().st_size
    except FileNotFoundError as exc:
        raise missing_file(file.name) from exc
    if size != file.bytes:
        raise WarehouseCorrupt


def was_published(name: str, *, job_manager: JobManager) -> bool:
    """Whether the job of this snapshot is COMPLETED, by the attempt that made the file.
    Raises StateUnavailable.
    """
    try:
        job = job_manager.get(job_of(name))
    except JobNotFound:
        return False
    made = snapshot_name(job.fence, job.job_id, is_lake=is_of_lake(name))
    return job.status is JobStatus.COMPLETED and name == made


def _file_of(snapshot: Snapshot) -> StoredFile:
    return StoredFile(
        name=snapshot.name,
        bytes=snapshot.bytes,
        sha256=snapshot.sha256,
    )
