"""Segments: the staged rows of an unfinished import, on their way into the warehouse and back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from chalicelib.errors import WarehouseFileMissing
from chalicelib.warehouse.names import SegmentRun, Warehouse, add_segment, first_segments, segment_names

from .seal import NO_SEAL, Damaged, Note, add_seal, take_seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.jobs.checkpoint import Checkpoint, StoredCursor
    from chalicelib.jobs.lock import Claim
    from chalicelib.store.repository import DuckDBWellProductionRepository


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A whole segment on local disk, without its seal."""

    path: Path
    note: Note
    seal: str


@dataclass(frozen=True, kw_only=True)
class Segments:
    """`directory` is on the worker's own disk. Every method raises WarehouseUnavailable, ScratchFull."""

    warehouse: Warehouse
    directory: Path
    claim: Claim
    _numbers: Iterator[int] = field(default_factory=count)

    def load(
        self, repository: DuckDBWellProductionRepository, checkpoint: Checkpoint, *, beat: Callable[[], None]
    ) -> Checkpoint | None:
        """Stage again what the segments hold: the same checkpoint when all are as they were written, else an earlier
        one that stands behind the rows staged now, or None, and then nothing is staged.
        """
        place: Checkpoint | None = None
        for number, fetched in enumerate(self._proved(checkpoint), start=1):
            is_read = repository.load_segment(fetched.path)
            fetched.path.unlink()
            if not is_read:
                break
            runs = first_segments(checkpoint.segments, number)
            place = replace(checkpoint, cursor=fetched.note.cursor, segments=runs, seal=fetched.seal)
            beat()
        is_whole = (place.seal if place else NO_SEAL) == checkpoint.seal
        return checkpoint if is_whole else place

    def store(
        self, repository: DuckDBWellProductionRepository, before: Checkpoint | None, after: Checkpoint
    ) -> tuple[Checkpoint, int]:
        """The rows staged since the checkpoint before become one more segment, if there are any: the checkpoint after
        with it, and how many rows it holds.
        """
        runs, seal = (before.segments, before.seal) if before else ([], NO_SEAL)
        path = self._new_path()
        if rows := repository.export_segment(path):
            runs = add_segment(runs, self.claim.job.job_id, self.claim.fence)
            seal = self._put(path, runs, follows=seal or NO_SEAL, cursor=after.cursor)
        path.unlink(missing_ok=True)
        return replace(after, segments=runs, seal=seal), rows

    def join(self, repository: DuckDBWellProductionRepository, loaded: Checkpoint) -> Checkpoint:
        """The checkpoint with one segment of this claim in place of all that were loaded."""
        path = self._new_path()
        repository.export_all(path)
        runs = add_segment([], self.claim.job.job_id, self.claim.fence)
        seal = self._put(path, runs, follows=NO_SEAL, cursor=loaded.cursor)
        path.unlink()
        return replace(loaded, segments=runs, seal=seal)

    def _put(self, path: Path, runs: list[SegmentRun], *, follows: str, cursor: StoredCursor) -> str:
        """The file as the last segment of these runs, and the seal up to it."""
        name = segment_names(runs[-1:])[-1]
        seal, sha256 = add_seal(path, Note(name=name, follows=follows, cursor=cursor))
        self.warehouse.put(name, path, sha256=sha256)
        return seal

    def _proved(self, checkpoint: Checkpoint) -> Iterator[Fetched]:
        """The segments from the first on that are what the job wrote. Each is proved by what comes after it, the next
        segment or the job's item: only these tell a whole file from an older whole file under the same name.
        """
        last: Fetched | None = None
        seal = NO_SEAL
        for name in segment_names(checkpoint.segments):
            try:
                fetched = self._fetch(name)
            except (Damaged, WarehouseFileMissing):
                break
            if fetched.note.follows != seal:
                return
            if last:
                yield last
            last, seal = fetched, fetched.seal
        else:
            if seal != checkpoint.seal:
                return
        if last:
            yield last

    def _fetch(self, name: str) -> Fetched:
        """Raises Damaged, WarehouseFileMissing too."""
        path = self._new_path()
        self.warehouse.fetch(name, path)
        note, seal = take_seal(path)
        if note.name != name:
            raise Damaged
        return Fetched(path=path, note=note, seal=seal)

    def _new_path(self) -> Path:
        """Each of its own: DuckDB may keep pages of a file that had the same path a moment before."""
        return self.directory / f"segment-{next(self._numbers)}.parquet"
