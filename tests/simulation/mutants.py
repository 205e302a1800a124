"""The protocol with one condition or one step taken away,
and the promise that the simulation then sees broken.
"""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from chalicelib.errors import LeaseLost
from chalicelib.imports.seal import NO_SEAL
from chalicelib.imports.service import WellProductionImportService
from chalicelib.jobs.clearing import clear_orphans
from chalicelib.jobs.lock import Claim, Lock, idempotency_key, notice_key, same_notice
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.notice import State
from chalicelib.jobs.outbox import Outbox
from chalicelib.jobs.parts import PartTable
from chalicelib.jobs.sweeper import sweep, take_up
from chalicelib.jobs.table import Condition, ConditionRefused, Table

from .weather import Climate
from .world import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from chalicelib.imports.fetching import Fetching
    from chalicelib.imports.part_reading import PartsReading
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.notice import Notice
    from chalicelib.jobs.schedule import Schedule
    from chalicelib.odata.cursor import Cursor
    from chalicelib.store.outcome import MergeResult
    from chalicelib.store.repository import DuckDBWellProductionRepository
    from chalicelib.warehouse.names import Warehouse

ALWAYS = "attribute_exists(pk) OR attribute_not_exists(pk)"
IS_OPEN = "#status IN (:pending, :running)"
JOB_FENCE = "#fence = :fence"
IS_MINE = ("#owner = :owner", "#holder = :holder", "#fence = :fence")
POINTS_TO = ("#name = :base", "attribute_not_exists(pk)")
READ_LEASE = "#lease_until = :read_lease"
AS_READ = (
    "#fence = :read_fence",
    "#owner = :read_owner",
    READ_LEASE,
    "attribute_not_exists(#owner)",
    "attribute_not_exists(#fence) OR #fence = :zero",
)


@dataclass(frozen=True)
class Mutant:
    name: str
    parts: Parts
    broken: str
    climate: Climate | None = None  # the one that brings it to light soonest
    cuts: int = 1  # so many parts of the source
    is_scheduled: bool | None = None
    seed: int = 0  # of a storm that breaks it


# -- conditions and writes taken away ------------------------------------------------------------


class LooseTable(Table):
    """For the while,
    conditions lack `arms` and transactions the writes that speak of `unwritten`.
    """

    arms: tuple[str, ...] = ()
    unwritten: str | None = None

    @contextmanager
    def loose(self, arms: tuple[str, ...], unwritten: str | None) -> Iterator[None]:
        self.arms, self.unwritten = arms, unwritten
        try:
            yield
        finally:
            self.arms, self.unwritten = (), None

    def put(self, item: Mapping[str, Any], *, when: Condition) -> dict[str, Any]:
        return super().put(item, when=_loosened(when, self.arms))

    def update(
        self,
        key: Mapping[str, str],
        values: Mapping[str, Any],
        *,
        remove: Iterable[str] = (),
        when: Condition,
    ) -> dict[str, Any]:
        return super().update(key, values, remove=remove, when=_loosened(when, self.arms))

    def transact(self, writes: list[dict[str, Any]]) -> None:
        super().transact(
            [
                write
                for write in writes
                if self.unwritten is None or self.unwritten not in repr(write)
            ]
        )


def _loosened(when: Condition, arms: tuple[str, ...]) -> Condition:
    text = when.expression
    for arm in arms:
        text = text.replace(arm, ALWAYS)
    used = re.findall(r":\w+", text)
    return Condition(text, {name: value for name, value in when.values.items() if name in used})


def without(method: str, *arms: str, unwritten: str | None = None) -> Parts:
    """JobManager's `method` without these arms of its conditions, or without a write."""

    def loosely(self: JobManager, *args: Any, **options: Any) -> Any:
        with cast("LooseTable", self.table).loose(arms, unwritten):
            return getattr(JobManager, method)(self, *args, **options)

    return Parts(table=LooseTable, job_manager=type("Loose", (JobManager,), {method: loosely}))


# -- steps taken away from the JobManager ---------------------------------------------------------


def hasty(method: str) -> Parts:
    """JobManager's `method` takes every lease for over."""

    def hastily(self: Any, *args: Any, **options: Any) -> Any:
        self.is_over = lambda _: True
        try:
            return getattr(JobManager, method)(self, *args, **options)
        finally:
            del self.is_over

    return Parts(job_manager=type("Hasty", (JobManager,), {method: hastily}))


class WithoutGrace(JobManager):
    def is_over(self, lock: Lock) -> bool:
        return self.seconds_until(lock.lease_until) < 0


class OwnClocks(Table):
    """Hears no Date, so each process judges leases by its own clock."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        cast("Any", self.time).note = lambda *_, **__: None


class LatestTime(JobManager):
    """Judges leases by the later bound of the table's time."""

    def seconds_until(self, until: float) -> float:
        return until - self.table.time.latest(self._clock())


class SameFence(JobManager):
    def _next_claim(self, job: Job, lock: Lock, holder: str) -> Claim:
        claim = super()._next_claim(job, lock, holder)
        return replace(claim, fence=lock.fence, job=replace(claim.job, fence=lock.fence))


class EndingWhatRuns(JobManager):
    """`cancel` takes every job for one that nobody works on."""

    is_cancelling = False

    def lock(self) -> Lock:
        lock = super().lock()
        return replace(lock, holder=None) if self.is_cancelling else lock

    def cancel(self, job_id: str) -> Job:
        self.is_cancelling = True
        try:
            return super().cancel(job_id)
        finally:
            self.is_cancelling = False


class KeyBeforeLock(JobManager):
    """The key is looked up before the lock is read, as it once was."""

    recalled: list[str | None]

    def create(self, job: Job, *, key: str | None = None, advanced: Schedule | None = None) -> Job:
        self.recalled = [super()._recall(idempotency_key(job.triggered_by, key))] if key else []
        return super().create(job, key=key, advanced=advanced)

    def _recall(self, key: dict[str, str]) -> str | None:
        return self.recalled.pop() if self.recalled else super()._recall(key)


class AnyRetry(JobManager):
    """Refuses what was retried already and nothing else:
    a write that can only fail would be tried for ever.
    """

    def _refuse_retry(self, old: Job, *, by: str) -> None:
        if old.retried_by not in (None, by):
            super()._refuse_retry(old, by=by)


class LateAccept(JobManager):
    """Of what is held anything is accepted that was not gone on from already."""

    def _refuse_retry(self, old: Job, *, by: str) -> None:
        if not old.is_held or old.retried_by not in (None, by):
            super()._refuse_retry(old, by=by)


class KeptPlace(JobManager):
    """Hands over, but does not leave."""

    def hand_over(self, claim: Claim, job: Job) -> None:
        self.progress(claim, job, lease_seconds=self._lease.pending)


# -- steps taken away from the import -------------------------------------------------------------


class OtherCheckpoints(WellProductionImportService):
    """Stores its checkpoints in another way."""

    def _fetching_of(
        self, parts: PartsReading, repository: DuckDBWellProductionRepository
    ) -> Fetching:
        fetching: Any = super()._fetching_of(parts, repository)
        store = fetching._checkpoints.store
        fetching._checkpoints = SimpleNamespace(
            store=lambda parts, fingerprint: self._store(parts, partial(store, parts, fingerprint)),
            show=lambda parts: None,
        )
        return cast("Fetching", fetching)

    def _store(self, parts: PartsReading, store: Callable[[], None]) -> None:
        store()


class NotedFirst(OtherCheckpoints):
    """The job names a segment before it is stored."""

    def _store(self, parts: PartsReading, store: Callable[[], None]) -> None:
        before, deferred = [part.segments for part in parts.parts], Deferred()
        for part in parts.parts:
            part.segments = replace(part.segments, warehouse=cast("Warehouse", deferred))
        try:
            store()
        finally:
            for part, segments in zip(parts.parts, before, strict=True):
                part.segments = segments
        for name, path, sha256 in deferred.files:
            before[0].warehouse.put(name, path, sha256=sha256)


class Deferred:
    def __init__(self) -> None:
        self.files: list[tuple[str, Path, str]] = []

    def put(self, name: str, path: Path, *, sha256: str) -> None:
        copy = path.with_suffix(".deferred")
        shutil.copyfile(path, copy)
        self.files.append((name, copy, sha256))


class UnlockedParts(WellProductionImportService):
    """Writes what has become of a part whether it holds the lock or not."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._planning = replace(self._planning, table=Unlocked(table=options["job_manager"].table))


class Unlocked(PartTable):
    def _write(self, claim: Claim, *writes: dict[str, Any]) -> None:
        try:
            self._table.transact([*writes])
        except ConditionRefused:
            raise LeaseLost from None


class Unchecked(WellProductionImportService):
    """Publishes without comparing the rows delivered with the rows accounted for."""

    def _count_rows(self, merged: MergeResult, end: Cursor) -> None:
        super()._count_rows(merged, replace(end, delivered=sum(_counts(merged))))


def _counts(result: MergeResult) -> tuple[int, ...]:
    return (
        result.new_records,
        result.updated_records,
        result.duplicate_records,
        result.failed_records,
    )


class WholeSegments(OtherCheckpoints, Unchecked):
    """Each segment holds all rows so far, not those since the last one."""

    def _store(self, parts: PartsReading, store: Callable[[], None]) -> None:
        staged = parts.parts[0].segments._staged
        self._named = [*getattr(self, "_named", []), *staged]
        staged[:] = self._named
        store()


class AheadOfRows(OtherCheckpoints, Unchecked):
    """The cursor is recorded, the segment is not."""

    def _store(self, parts: PartsReading, store: Callable[[], None]) -> None:
        before = self.job.checkpoint
        store()
        assert self.job.checkpoint
        segments, seal = (before.segments, before.seal) if before else ([], NO_SEAL)
        self._progress.change(checkpoint=replace(self.job.checkpoint, segments=segments, seal=seal))


class Quiet(WellProductionImportService):
    """Does not compare the rows delivered with those announced."""

    def _source_warnings(self, end: Cursor) -> dict[str, int]:
        return super()._source_warnings(replace(end, expected=end.delivered))


class NothingKept(OtherCheckpoints):
    """Hands over without a checkpoint."""

    def _store(self, parts: PartsReading, store: Callable[[], None]) -> None:
        pass


# -- steps taken away from the sweeper ------------------------------------------------------------


def hasty_sweep(*, job_manager: JobManager, **options: Any) -> str:
    cast("Any", job_manager).is_over = lambda _: True
    return sweep(job_manager=job_manager, **options)


def sweep_of_the_waiting(*, job_manager: JobManager, **options: Any) -> str:
    return "nothing" if job_manager.lock().holder else sweep(job_manager=job_manager, **options)


def blind_clearing(*, job_manager: JobManager, **options: Any) -> list[str]:
    cast("Any", job_manager).lock = lambda: Lock(fence=10**9)
    return clear_orphans(job_manager=job_manager, **options)


# -- steps taken away from the failed event -------------------------------------------------------


def take_up_anything(_: str, *, job_manager: JobManager, **options: Any) -> str:
    return take_up(str(job_manager.lock().owner), job_manager=job_manager, **options)


def take_up_to_end(job_id: str, *, job_manager: JobManager, **options: Any) -> str:
    lock = job_manager.lock()
    if lock.owner == job_id and lock.holder is None:
        return "failed" if job_manager.expire(lock) else "nothing"
    return take_up(job_id, job_manager=job_manager, **options)


def hasty_take_up(job_id: str, *, job_manager: JobManager, **options: Any) -> str:
    cast("Any", job_manager).is_over = lambda _: True
    return take_up(job_id, job_manager=job_manager, **options)


# -- steps taken away from the sending of notices -------------------------------------------------


class NotedAtOnce(Outbox):
    """What is taken is noted as sent, before anybody has heard of it."""

    def take(self, notice: Notice, channels: list[str]) -> Notice | None:
        taken = super().take(notice, channels)
        if taken is None:
            return None
        done = {name: replace(each, state=State.SENT) for name, each in taken.deliveries.items()}
        self.note(taken.with_deliveries(done))
        return replace(taken, version=taken.version + 1)


class Forgetful(Outbox):
    """What is taken is gone."""

    def take(self, notice: Notice, channels: list[str]) -> Notice | None:
        self._write(self._table.delete(notice_key(notice), when=same_notice(notice.version)))
        return notice


RISES = "each claim raises the fence"
OVER = "a place is taken when its lease is over"
MUTANTS = [
    Mutant(
        "create without the lock's condition",
        without("create", *AS_READ),
        "the fence never falls",
        Climate.FREEZING,
        seed=54,
    ),
    Mutant("create ignores the lease", hasty("create"), OVER),
    Mutant(
        "create forgets the key",
        without("create", unwritten="IDEMPOTENCY#"),
        "a key makes one job",
        seed=49,
    ),
    Mutant(
        "create recalls the key first",
        Parts(job_manager=KeyBeforeLock),
        "one's own retry is not refused",
        Climate.CHANGEABLE,
        seed=14,
    ),
    Mutant(
        "a takeover leaves the old job",
        without("create", unwritten="FAILED"),
        "one open job",
        Climate.FREEZING,
        seed=3,
    ),
    Mutant("claim ignores the lease", hasty("claim"), OVER),
    Mutant(
        "claim ignores what was written since",
        without("claim", *AS_READ, JOB_FENCE),
        RISES,
        Climate.FREEZING,
        seed=6,
    ),
    Mutant("claim keeps the fence", Parts(job_manager=SameFence), RISES),
    Mutant(
        "progress without a fence",
        without("progress", *IS_MINE, JOB_FENCE),
        "one writer",
        Climate.FREEZING,
    ),
    Mutant(
        "progress on an ended job",
        without("progress", *IS_MINE, JOB_FENCE, IS_OPEN),
        "final states never change",
        Climate.FREEZING,
        seed=3,
    ),
    Mutant(
        "hand-over keeps the place",
        Parts(job_manager=KeptPlace),
        "every accepted job ends",
        Climate.CHANGEABLE,
        seed=77,
    ),
    Mutant(
        "finish without a fence",
        without("finish", *IS_MINE, JOB_FENCE, *POINTS_TO),
        "the fence never falls",
        Climate.FREEZING,
        seed=75,
    ),
    Mutant(
        "a retry of what is out of date",
        Parts(job_manager=AnyRetry),
        "no older row is published",
        Climate.DEAF,
        seed=76,
    ),
    Mutant(
        "an accept of what is out of date",
        Parts(job_manager=LateAccept),
        "no older row is published",
        Climate.FREEZING,
        seed=76,
    ),
    Mutant(
        "finish keeps the lock",
        without("finish", unwritten="LOCK#"),
        "the lock is owned while a job is open",
    ),
    Mutant(
        "finish keeps the pointer",
        without("finish", unwritten="WAREHOUSE#"),
        "COMPLETED means published",
    ),
    Mutant(
        "cancel ignores the holder",
        Parts(job_manager=EndingWhatRuns),
        OVER,
        Climate.CHANGEABLE,
        seed=32,
    ),
    Mutant("no grace for clocks", Parts(job_manager=WithoutGrace), OVER, Climate.FREEZING, seed=33),
    Mutant("each process goes by its own clock", Parts(table=OwnClocks), OVER, seed=19),
    Mutant(
        "a slow answer is taken for a new one",
        Parts(job_manager=LatestTime),
        OVER,
        Climate.FREEZING,
        seed=25,
    ),
    Mutant("the sweeper ignores the lease", Parts(sweep=hasty_sweep), OVER),
    Mutant(
        "the sweeper frees what was renewed",
        without("free_holder", *AS_READ),
        OVER,
        Climate.FREEZING,
        seed=30,
    ),
    Mutant(
        "the sweeper ends no job",
        without("expire", unwritten="JOB#"),
        "the lock is owned while a job is open",
        Climate.STILL,
    ),
    Mutant(
        "the sweeper restarts nothing",
        Parts(sweep=sweep_of_the_waiting),
        "every accepted job ends",
        Climate.LATE,
        seed=54,
    ),
    Mutant("no sweeper", Parts(sweep=lambda **_: "nothing"), "every accepted job ends", seed=7),
    Mutant(
        "orphans cleared during imports",
        Parts(clear_orphans=blind_clearing),
        "the published file is there and whole",
        Climate.CHANGEABLE,
        seed=110,
    ),
    Mutant(
        "a failed event ends another job",
        Parts(take_up=take_up_anything),
        "a waiting job ends when its lease is over",
        Climate.FAILING,
        seed=8,
    ),
    Mutant(
        "a failed event ends what waits for its next worker",
        Parts(take_up=take_up_to_end),
        "a waiting job ends when its lease is over",
        Climate.FAILING,
        seed=12,
    ),
    Mutant(
        "a failed event frees a living worker's place",
        Parts(take_up=hasty_take_up),
        OVER,
        Climate.FAILING,
    ),
    Mutant(
        "an end without its notice", without("finish", unwritten="NOTICE#"), "an end has its notice"
    ),
    Mutant(
        "an end by the sweeper without its notice",
        without("expire", unwritten="NOTICE#"),
        "an end has its notice",
        seed=16,
    ),
    Mutant(
        "a cancel without its notice",
        without("cancel", unwritten="NOTICE#"),
        "an end has its notice",
        seed=47,
    ),
    Mutant(
        "a takeover without its notice",
        without("create", unwritten="NOTICE#"),
        "an end has its notice",
        seed=17,
    ),
    Mutant(
        "a notice noted before it is sent",
        Parts(outbox=NotedAtOnce),
        "what is noted as sent was sent",
    ),
    Mutant(
        "a notice gone before it is sent",
        Parts(outbox=Forgetful),
        "every end is told",
        Climate.CRASHING,
        seed=52,
    ),
    Mutant(
        "a change of the source is kept quiet",
        Parts(service=Quiet),
        "a changed source is told",
        seed=171,
    ),
    Mutant(
        "a segment noted before it is stored",
        Parts(service=NotedFirst),
        "a recorded segment is stored",
    ),
    Mutant(
        "a part written without the lock",
        Parts(service=UnlockedParts),
        "one writer",
        Climate.FREEZING,
        cuts=3,
    ),
    Mutant("a cursor without its rows", Parts(service=AheadOfRows), "each row once", seed=3),
    Mutant("segments overlap", Parts(service=WholeSegments), "each row once", seed=5),
    Mutant(
        "a schedule written over another sweeper's",
        without("create", "#turn = :read_turn"),
        "each due time is started once or skipped",
        climate=Climate.FREEZING,
        is_scheduled=True,
        seed=10,
    ),
    Mutant(
        "a start without its schedule",
        without("create", unwritten="SCHEDULE#"),
        "each due time is started once or skipped",
        is_scheduled=True,
        seed=1,
    ),
    Mutant(
        "hand-over without a checkpoint",
        Parts(service=NothingKept),
        "in good weather an import completes",
        seed=38,
    ),
]
