"""Verification: whether everything that is pointed at is as it was written. Nothing is changed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from chalicelib.errors import NothingPublished, WarehouseFileMissing
from chalicelib.imports.segments import Segments
from chalicelib.jobs.lock import Claim
from chalicelib.jobs.ownership import owns
from chalicelib.jobs.parts import PartTable
from chalicelib.jobs.snapshots import kept_snapshots
from chalicelib.warehouse.names import LATEST, OWNER, SEGMENTS, Warehouse, segment_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.jobs.checkpoint import Checkpoint
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Snapshot
    from chalicelib.jobs.manager import JobManager
    from chalicelib.jobs.snapshots import Kept

    from .looks import Looks

MOST_SHOWN = 200  # files in one report; an item of the table keeps it
JOBS = 100  # at a look
HELD_SECONDS = 8 * 86_400  # a held job can be accepted for seven days


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What was looked at:
    a `snapshot`, the `stable name`, the `owner` of the warehouse, or the `segments` of a job.
    """

    name: str
    kind: str
    bytes: int | None
    rows: int | None
    problems: list[str]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Verification:
    """`looks` and this share a directory on local disk."""

    job_manager: JobManager
    warehouse: Warehouse
    looks: Looks
    clock: Callable[[], float] = time.time

    def report(self, *, is_all: bool) -> dict[str, Any]:
        """Of the current snapshot, the stable name and the segments of held jobs; with `is_all` of
        every kept snapshot. Raises NothingPublished, WarehouseUnavailable, StateUnavailable, and
        what Looks does.
        """
        began = self.clock()
        files = list(self._look_at_all(is_all=is_all))
        wrong = [file for file in files if file.problems]
        right = [file for file in files if not file.problems]
        shown = [*wrong, *right][:MOST_SHOWN]
        return {
            "is_right": not wrong,
            "looked_at": len(files),
            "wrong": len(wrong),
            "seconds": round(self.clock() - began, 3),
            "files": [asdict(file) for file in shown],
        }

    def _look_at_all(self, *, is_all: bool) -> Iterator[Verified]:
        kept = kept_snapshots(job_manager=self.job_manager, warehouse=self.warehouse)
        current = self._current
        for snapshot in kept:
            if snapshot.is_current or is_all:
                file = self._time(
                    snapshot.name, "snapshot", snapshot.told, partial(self._snapshot, snapshot)
                )
                if not file.problems or self._is_kept(snapshot):
                    yield file
        if not current.is_lake:
            yield self._time(LATEST, "stable name", current, self._stable_name)
        yield self._time(OWNER, "owner", None, self._owner)
        for job in self._held_jobs():
            yield self._time(
                f"{SEGMENTS}{job.job_id}/", "segments", None, partial(self._segments, job)
            )

    def _is_kept(self, seen: Kept) -> bool:
        """Still: the sweeper clears what newer ones have replaced."""
        kept = kept_snapshots(job_manager=self.job_manager, warehouse=self.warehouse)
        names = [each.name for each in kept]
        return seen.is_current or seen.name in names

    def _time(
        self, name: str, kind: str, told: Snapshot | None, look: Callable[[], list[str]]
    ) -> Verified:
        began = self.clock()
        try:
            problems = look()
        except WarehouseFileMissing as missing:
            problems = [missing.message]
        size, rows = (told.bytes, told.rows) if told else (None, None)
        seconds = round(self.clock() - began, 3)
        return Verified(
            name=name, kind=kind, bytes=size, rows=rows, problems=problems, seconds=seconds
        )

    @property
    def _file(self) -> Path:
        return self.looks.directory / "looked-at"

    def _snapshot(self, kept: Kept) -> list[str]:
        path = self._file
        self.warehouse.fetch(kept.name, path)
        try:
            return [
                *self.looks.at_file(path, kept.told),
                *self.looks.at_state(path, kept.name, kept.told),
            ]
        finally:
            path.unlink(missing_ok=True)

    def _stable_name(self) -> list[str]:
        """By what is current now:
        an import may be published while a large snapshot is looked at.
        """
        while True:
            current = self._current
            problems = self._at_stable_name(current)
            if self._current.name == current.name:
                return problems

    @property
    def _current(self) -> Snapshot:
        current = self.job_manager.current_snapshot()
        if current is None:
            raise NothingPublished
        return current

    def _at_stable_name(self, current: Snapshot) -> list[str]:
        if self.warehouse.latest() != current.name:
            return [
                f"{LATEST} does not hold the current snapshot; the sweeper sets it within a minute."
            ]
        path = self._file
        self.warehouse.fetch(LATEST, path)
        try:
            return self.looks.at_file(path, current)
        finally:
            path.unlink(missing_ok=True)

    def _owner(self) -> list[str]:
        is_ours = owns(job_manager=self.job_manager, warehouse=self.warehouse)
        return [] if is_ours else ["The warehouse does not say that it belongs to this table."]

    def _held_jobs(self) -> list[Job]:
        """Those that wait for somebody's word, and have segments."""
        waiting = [job.job_id for job in self._recent() if job.waits_for_word]
        # Whole, with its checkpoint.
        found = [job for job_id in waiting if (job := self.job_manager.find(job_id))]
        late = self.job_manager.lateness(found)
        return [job for job in found if job.job_id not in late]

    def _recent(self) -> Iterator[Job]:
        """All that may still be held:
        by the table, which knows them when their segments are gone.
        """
        oldest = self.clock() - HELD_SECONDS
        before = None
        while True:
            jobs, before = self.job_manager.history(limit=JOBS, before=before)
            yield from jobs
            if before is None or jobs[-1].created_at < oldest:
                return

    def _segments(self, job: Job) -> list[str]:
        """Each is proved by the one behind it, the last one by the job;
        a job that is read in parts by its parts.
        """
        checkpoints = self._checkpoints(job)
        if checkpoints is None:
            return ["What the table noted of its parts is gone."]
        claim = Claim(job=job, holder="", fence=job.fence)
        problems = []
        for part, checkpoint in checkpoints.items():
            segments = Segments(
                warehouse=self.warehouse, directory=self.looks.directory, claim=claim, part=part
            )
            count = len(segment_names(checkpoint.segments))
            whole = segments.count_whole(checkpoint)
            if whole < count:
                problems.append(
                    f"Of {count} segments of part {part} the first {whole} are as they were written."
                )
        return problems

    def _checkpoints(self, job: Job) -> dict[int, Checkpoint] | None:
        """By part; None when there is not what should be."""
        if job.checkpoint is None:
            return None
        if job.checkpoint.plan is None:
            return {0: job.checkpoint}
        parts = PartTable(table=self.job_manager.table).read(job.checkpoint.plan)
        if parts is None:
            return None
        return {part.number: part.checkpoint for part in parts}
