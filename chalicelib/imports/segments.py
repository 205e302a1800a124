"""Segments: the staged rows of an import, on their way into the warehouse and back. They lie on
local disk until the import has ended; a checkpoint stores those that are not in the warehouse yet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from chalicelib.errors import WarehouseFileMissing
from chalicelib.warehouse.names import Warehouse, add_segment, first_segments, segment_names

from .seal import NO_SEAL, Damaged, Note, seal_for_a_while, take_seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.jobs.checkpoint import Checkpoint, StoredCursor
    from chalicelib.jobs.lock import Claim
    from chalicelib.store.repository import DuckDBWellProductionRepository


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A segment that no checkpoint names yet. The cursor stands after its rows."""

    path: Path
    cursor: StoredCursor


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A whole segment on local disk, without its seal."""

    path: Path
    note: Note
    seal: str


@dataclass(frozen=True, kw_only=True)
class Segments:
    """Those of one part of the source; `attempt` is what SegmentRun tells of it.
    `directory` is on the worker's own disk. Every method raises WarehouseUnavailable, ScratchFull.
    """

    warehouse: Warehouse
    directory: Path
    claim: Claim
    part: int = 0
    attempt: int = 0
    _staged: list[Staged] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def add(self, path: Path, cursor: StoredCursor) -> None:
        """One more, for the next checkpoint."""
        staged = Staged(path=path, cursor=cursor)
        self._staged.append(staged)

    def load(
        self,
        repository: DuckDBWellProductionRepository,
        checkpoint: Checkpoint,
        *,
        beat: Callable[[], None],
    ) -> Checkpoint | None:
        """Fetch the segments and take them for staged: the same checkpoint when all are as
        they were written, else an earlier one that stands behind the rows staged now, or None,
        and then nothing is staged.
        """
        place: Checkpoint | None = None
        for number, fetched in enumerate(self._prove(checkpoint), start=1):
            if not repository.load_segment(fetched.path, part=self.part):
                break  # the rows behind it have no place to follow upon, so they are fetched again
            runs = first_segments(checkpoint.segments, number)
            place = replace(
                checkpoint, cursor=fetched.note.cursor, segments=runs, seal=fetched.seal
            )
            beat()
        last_seal = place.seal if place else NO_SEAL
        is_whole = last_seal == checkpoint.seal
        return checkpoint if is_whole else place

    def count_whole(self, checkpoint: Checkpoint) -> int:
        """How many of its segments, from the first on, are what the job wrote."""
        whole = 0
        for fetched in self._prove(checkpoint):
            fetched.path.unlink()
            whole += 1
        return whole

    def store(self, before: Checkpoint | None, after: Checkpoint) -> Checkpoint:
        """The checkpoint after,
        with the segments of the checkpoint before and those that were added since.
        """
        segments = before.segments if before else []
        seal = (before.seal if before else None) or NO_SEAL
        place = replace(after, segments=segments, seal=seal)
        for staged in self._staged:
            place = self._put(staged.path, place, cursor=staged.cursor)
        self._staged.clear()
        return place

    def join(self, repository: DuckDBWellProductionRepository, loaded: Checkpoint) -> Checkpoint:
        """The checkpoint with one segment of this claim in place of all that were loaded."""
        path = self._new_path()
        repository.join_segments(path, part=self.part)
        without_segments = replace(loaded, segments=[], seal=NO_SEAL)
        joined = self._put(path, without_segments, cursor=loaded.cursor)
        path.unlink()
        return joined

    def _put(self, path: Path, place: Checkpoint, *, cursor: StoredCursor) -> Checkpoint:
        """The place with the file as one more segment."""
        runs = add_segment(
            place.segments,
            self.claim.job.job_id,
            self.claim.fence,
            part=self.part,
            attempt=self.attempt,
        )
        # Named before it is sealed: the note tells the name, so no file passes for another one.
        *_, name = segment_names(runs[-1:])
        note = Note(name=name, follows=place.seal or NO_SEAL, cursor=cursor)
        with seal_for_a_while(path, note) as (seal, sha256):
            self.warehouse.put(name, path, sha256=sha256)
        return replace(place, segments=runs, seal=seal)

    def _prove(self, checkpoint: Checkpoint) -> Iterator[Fetched]:
        """The segments from the first on that are what the job wrote. Each is proved by what comes
        after it, the next segment or the job's item: only these tell a whole file from an older
        whole file under the same name.

        Of the segments A, B and C, the note of B tells the seal of A, that of C the seal of B, and
        the checkpoint the seal of C. Where C tells another seal, B is an older file, and A is all
        that is proved. Where C is damaged it tells nothing: B follows A and is whole, and is taken.
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
            last = fetched
            seal = fetched.seal
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
        """Another one for each file:
        DuckDB may keep pages of a file that had the same path a moment before.
        """
        number = next(self._numbers)
        return self.directory / f"fetched-{self.part}-{number}.parquet"
