"""JobManager: who may import, and what the table says of it.
Each write holds under conditions of lock.py.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    CancelRequested,
    ClaimRefused,
    ImportAlreadyRunning,
    JobIsFinal,
    JobNotFound,
    LeaseExpired,
    LeaseLost,
    NotHeld,
    NotResumable,
    NotStarted,
    RetriedAlready,
    ScheduleMoved,
    SourceRedefined,
)
from chalicelib.jobs.telemetry import record_claim, record_death, record_end, record_hand_over

from .dynamodb_item import without_none
from .holding import refuse_late, refuse_other_findings, refuse_without_hold
from .job import (
    Job,
    JobStatus,
    Phase,
)
from .job_item import absent_attributes, job_attributes, same_but_for_others
from .job_reader import JobReader
from .lock import (
    ABSENT,
    CURRENT,
    IDEMPOTENCY_SECONDS,
    IS_HELD,
    IS_OPEN,
    LOCK,
    LOCK_TAKEN,
    NOT_CANCELLED,
    NOT_DISCARDED,
    NOT_RETRIED,
    STOPPED,
    Claim,
    Lock,
    Snapshot,
    execution_of,
    held_before,
    held_key,
    idempotency_key,
    is_at,
    is_forgotten,
    is_mine,
    job_key,
    points_to,
    published_key,
    same_lock,
    same_schedule,
    same_source,
    schedule_key,
    source_key,
)
from .notice import end_of, loss_of
from .outbox import outbox_write
from .table import ConditionRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from chalicelib.errors import WellheadError

    from .schedule import Schedule

log = logging.getLogger(__name__)


class JobManager(JobReader):
    def create(self, job: Job, *, key: str | None = None, advanced: Schedule | None = None) -> Job:
        """Store the job and take the lock for it, both or neither.

        The lock is read first: that refuses most callers without a write, and a write then names
        what was read. A caller who sends the same `key` again gets the job that the first call
        made, whatever has become of it. Raises ImportAlreadyRunning with the running job's id and
        start; and for a job that goes on from another one RetriedAlready, NotResumable, and when
        that was held NotHeld, AcceptTooLate. Of a job whose source has a definition,
        SourceRedefined when that is not the one that the job was made for any more.

        A job that was due comes with its schedule `advanced`, and both are written or neither: a
        due time is started once, whoever dies or comes at the same time. Raises ScheduleMoved when
        somebody has written the schedule since.

            A   reads: free ──────────── writes, if still free: done
            B   reads: free ── writes, if still free: refused ── reads again: held by A ── refused
        """
        remembered = idempotency_key(job.triggered_by, key) if key else None
        while True:
            lock = self.lock()
            # After the lock, whose owner may be the job of this key.
            known = self._recall(remembered) if remembered else None
            made = self.find(known) if known else None
            if made:
                return made
            if lock.owner == job.job_id:
                return self.get(job.job_id)  # it was written, only the answer was lost
            if job.retry_of:
                self._refuse_retry(self.get(job.retry_of), by=job.job_id)
            # An owner whose item somebody removed, or whose lease is over, gives way.
            owner = self.owner_of(lock)
            if owner and not self.is_over(lock):
                raise ImportAlreadyRunning(job_id=owner.job_id, started_at=lock.since)
            # The fence of the last claim, whoever's it was: this job's first claim raises it.
            created = replace(job, fence=lock.fence)
            expired = self._expired_job(owner) if owner else None
            creation = self._creation(created, lock, remembered, known, advanced)
            try:
                self.table.transact([*creation, *self._takeover(lock, expired)])
            except ConditionRefused:
                stored = self.find(job.job_id)
                if stored:
                    return stored  # it was written, and even came to its end
                self._refuse_other_definition(job)
                self._refuse_other_turn(advanced)
                continue  # somebody wrote the lock since it was read: look again
            if expired:
                record_end(expired)
            return created

    def _refuse_retry(self, old: Job, *, by: str) -> None:
        """Called after the lock was read: what was held or published since has changed it, and the
        write fails.

        Rows that were fetched before another import was published may be older than what it
        published.
        """
        # `by`: the link was written by this very call, and only the answer was lost.
        if old.retried_by not in (None, by):
            raise RetriedAlready(job_id=old.job_id, retried_by=old.retried_by)
        current = self.current_snapshot()
        if old.is_held:
            refuse_without_hold(old)
        if old.is_held or old.accepted_by:
            held = self._held_behind(old)
            now = self._clock()
            newest = self.newest_held_id(held.source_name)
            refuse_late(held, now=now, newest=newest, current=current)
        if not old.checkpoint or not current:
            return
        # Fences count the claims: what has a higher one was claimed after this job's last worker.
        if current.fence_of(old.source_name) > old.fence:
            raise NotResumable(
                "Another import has been published since, or an older snapshot once more, and the "
                "rows that this job had fetched may not belong to it. Start a new import.",
                job_id=old.job_id,
                published_by=current.job_of(old.source_name),
            )

    def _held_behind(self, job: Job) -> Job:
        """The held job whose rows this one publishes;
        where somebody has removed it, one without `accept_until`.
        """
        while not job.is_held and job.retry_of:
            before = self.find(job.retry_of)
            if before is None:
                break
            job = before
        return job

    def _refuse_other_definition(self, job: Job) -> None:
        """Raises SourceRedefined."""
        if job.source_version is None:
            return
        item = self.table.read(source_key(str(job.source_name))) or {}
        if item.get("version") != job.source_version:
            raise SourceRedefined(source=job.source_name)

    def find_by_key(self, caller: str, key: str) -> Job | None:
        """The job that this caller's key has made before."""
        known = self._recall(idempotency_key(caller, key))
        return self.find(known) if known else None

    def _refuse_other_turn(self, advanced: Schedule | None) -> None:
        """Raises ScheduleMoved."""
        if advanced is None:
            return
        item = self.table.read(schedule_key(advanced.source)) or {}
        if item.get("turn", 0) != advanced.turn - 1:
            raise ScheduleMoved

    def _recall(self, key: dict[str, str]) -> str | None:
        """The id of the job that a caller's key has made;
        DynamoDB deletes what has expired days late.
        """
        item = self.table.read(key)
        if item is None or item["expires_at"] <= self._clock():
            return None
        return str(item["job_id"])

    def _creation(
        self,
        job: Job,
        lock: Lock,
        remembered: dict[str, str] | None,
        gone: str | None,
        advanced: Schedule | None,
    ) -> list[dict[str, Any]]:
        """What is written with a new job. `remembered` is the place of its caller's key,
        and `gone` the job that stands there although its item was removed.
        """
        now = self._clock()
        mine = {
            "owner": job.job_id,
            "since": job.created_at,
            "fence": lock.fence,
            "lease_until": self._until(self._lease.pending),
        }
        writes = [
            self.table.put(job_key(job.job_id) | job_attributes(job), when=ABSENT),
            # The holder's place is empty: the job waits for whoever claims it.
            self.table.update(LOCK, mine, remove=["holder"], when=same_lock(lock)),
        ]
        if remembered:
            note = remembered | {"job_id": job.job_id, "expires_at": int(now) + IDEMPOTENCY_SECONDS}
            writes.append(self.table.put(note, when=is_forgotten(now, gone)))
        if job.source_version is not None:
            key = source_key(str(job.source_name))
            writes.append(self.table.check(key, when=same_source(job.source_version)))
        if advanced:
            item = schedule_key(advanced.source) | advanced.to_item()
            # Its turn is raised already: the one before is what was read.
            writes.append(self.table.put(item, when=same_schedule(advanced.turn - 1)))
        if job.retry_of:
            # The old job names the one that goes on from it, and no second one can.
            link = {"retried_by": job.job_id}
            may_be_retried = STOPPED & NOT_RETRIED & NOT_DISCARDED
            writes.append(self.table.update(job_key(job.retry_of), link, when=may_be_retried))
        return writes

    def _takeover(self, lock: Lock, expired: Job | None) -> list[dict[str, Any]]:
        """The end of the job that had the lock until now."""
        if expired:
            return self._end(expired, fence=lock.fence)
        if lock.owner:  # whose item is gone, so its end is told without it
            return [self._loss(lock)]
        return []

    def _end(self, job: Job, *, fence: int) -> list[dict[str, Any]]:
        """The job's final state, and the notice of it:
        no end without its notice, and no notice without its end.
        """
        return [
            self._job_update(job, fence=fence),
            outbox_write(self.table, end_of(job)),
        ]

    def _loss(self, lock: Lock) -> dict[str, Any]:
        """The notice that the owner's item is gone, which is an end too."""
        notice = loss_of(str(lock.owner), at=self._clock(), since=lock.since)
        return outbox_write(self.table, notice)

    def _expired_job(self, old: Job, error: WellheadError | None = None) -> Job:
        """The job whose lease is over ends FAILED in the same transaction that takes its lock.
        It cannot be final already: the transaction that ends a job frees its lock.
        """
        now = self._clock()
        if old.cancel_requested_at is not None:  # which its worker has never seen
            return old.cancel(at=now)
        if error is None:
            error = LeaseExpired() if old.started_at else NotStarted()
        return old.fail(error, at=now)

    def accept(
        self, job_id: str, *, findings: Collection[str], by: str, source_version: int | None = None
    ) -> Job:
        """A new job that publishes what this one was held with; `findings` names all the checks
        that hold it. The same call again, by whomever, gets the job that the first one made.
        `source_version` is that of the source's definition now.

            A   reads: held ── creates, if neither retried nor discarded: done
            B   reads: held ── creates ✗ ── reads: retried by A's job, with the same findings ── gets it
            C   reads: held ── discards ✗ ── reads: retried ── refused

        Raises JobNotFound, NotHeld, FindingsDiffer, AcceptTooLate, RetriedAlready,
        ImportAlreadyRunning.
        """
        held = self.get(job_id)
        refuse_other_findings(held, findings)
        wanted = held.accept(now=self._clock(), by=by)
        wanted = replace(wanted, source_version=source_version)
        made = self._made_by_accepting(held, wanted)
        if made:
            return made
        try:
            return self.create(wanted)
        except (ImportAlreadyRunning, RetriedAlready):
            # The same call may have come first, between our look and our write.
            made = self._made_by_accepting(self.get(job_id), wanted)
            if made:
                return made
            raise

    def _made_by_accepting(self, held: Job, wanted: Job) -> Job | None:
        """The job that an earlier call made, if it named the same findings."""
        made = self.find(held.retried_by) if held.retried_by else None
        if made is None or not made.accepted_by:
            return None
        if made.accepted == wanted.accepted:
            return made
        return None

    def discard(self, job_id: str, *, by: str) -> Job:
        """Nobody will accept the job, so its rows need not be kept. Twice is the same.
        Raises JobNotFound, NotHeld.
        """
        while True:
            job = self.get(job_id)
            if job.discarded_at is not None:
                return job
            refuse_without_hold(job)
            if job.retried_by:
                raise NotHeld(
                    "Another job goes on from this one already. Follow that one.",
                    job_id=job_id,
                    retried_by=job.retried_by,
                )
            mark: dict[str, Any] = {"discarded_at": self._clock(), "discarded_by": by}
            may_be_discarded = IS_HELD & NOT_RETRIED & NOT_DISCARDED
            if self._try(self.table.update(job_key(job_id), mark, when=may_be_discarded)):
                return replace(job, **mark)

    def claim(self, job_id: str, *, holder: str) -> Claim:
        """Become the one worker of the job. `holder` names this attempt and no other. One that an
        execution has begun takes over from those that the same execution has begun before.

        Raises ClaimRefused: the job is over, or the lease of its worker is not (then with
        `lease_until`). Raises JobNotFound when somebody removed the job's item; the lock is free
        then.
        """
        while True:
            lock = self.lock()
            if lock.owner != job_id:
                raise ClaimRefused
            if lock.holder == holder:
                # Only the answer was lost.
                return Claim(
                    job=self.get(job_id),
                    holder=holder,
                    fence=lock.fence,
                )
            # The next state of the same execution: the one before has left, or is a try that nobody
            # waits for.
            execution = execution_of(holder)
            is_next = execution != "" and execution == execution_of(lock.holder)
            if lock.holder and not is_next and not self.is_over(lock):
                raise ClaimRefused(lease_until=lock.lease_until + self._lease.grace)
            job = self.owner_of(lock)
            if job is None:
                self.free_of_nobody(lock)
                raise JobNotFound(job_id=job_id)
            claim = self._next_claim(job, lock, holder)
            # Both or neither: a job at a fence that the lock does not have could be written by
            # nobody.
            mine = {
                "holder": holder,
                "fence": claim.fence,
                "lease_until": self._until(self._lease.seconds),
            }
            writes = [
                self._job_update(claim.job, fence=lock.fence),
                self.table.update(LOCK, mine, when=same_lock(lock)),
            ]
            try:
                self.table.transact(writes)
            except ConditionRefused:
                continue  # somebody wrote the lock or the job since: look again
            was_taken_over = lock.holder is not None and not is_next
            record_claim(claim.job, from_a_dead_worker=was_taken_over)
            return claim

    def _next_claim(self, job: Job, lock: Lock, holder: str) -> Claim:
        now = self._clock()
        # The attempt before began at the same cursor, so it has brought nothing.
        began_here = job.attempt > 0 and job.cursor == job.claimed_cursor
        running = replace(
            job,
            status=JobStatus.RUNNING,
            phase=Phase.FETCHING,
            started_at=job.started_at or now,
            heartbeat_at=now,
            attempt=job.attempt + 1,
            stalled_attempts=job.stalled_attempts + 1 if began_here else 0,
            claimed_cursor=job.cursor,
            fence=lock.fence + 1,
        )
        running = running.with_event(now, "claimed", attempt=running.attempt)
        return Claim(job=running, holder=holder, fence=running.fence)

    def progress(self, claim: Claim, job: Job, *, lease_seconds: float | None = None) -> Job:
        """Store the job as it is now and renew the lease. Raises LeaseLost, CancelRequested."""
        alive = replace(job, heartbeat_at=self._clock())
        renewed = {"lease_until": self._until(lease_seconds or self._lease.seconds)}
        written = self._try(
            self._job_update(alive, fence=claim.fence, unless_cancelled=True),
            self.table.update(LOCK, renewed, when=is_mine(claim)),
        )
        if not written:  # the write does not say which of its conditions has refused it
            raise CancelRequested if self._asks_to_stop(claim) else LeaseLost
        return alive

    def show(self, claim: Claim, job: Job, names: Iterable[str]) -> None:
        """As progress, by one of several workers of the claim: of the job it stores these
        attributes alone, and removes those that are None. Raises LeaseLost, CancelRequested.
        """
        values = {name: getattr(job, name) for name in names}
        shown = without_none(values) | {"heartbeat_at": self._clock()}
        gone = values.keys() - shown.keys()  # what is None is no attribute of an item
        renewed = {"lease_until": self._until(self._lease.seconds)}
        may_go_on = is_at(claim.fence) & NOT_CANCELLED
        progress = self.table.update(job_key(job.job_id), shown, remove=gone, when=may_go_on)
        renewal = self.table.update(LOCK, renewed, when=is_mine(claim))
        if not self._try(progress, renewal):
            raise CancelRequested if self._asks_to_stop(claim) else LeaseLost

    def renew(self, lock: Lock, seconds: float) -> bool:
        """The lease of a holder that lives and has just nobody at work,
        for so many seconds at least. False when somebody else wrote the lock since it was read.
        """
        longer = max(self._lease.seconds, seconds)
        renewed = {"lease_until": self._until(longer)}
        write = self.table.update(LOCK, renewed, when=same_lock(lock))
        return self._try(write)

    def _asks_to_stop(self, claim: Claim) -> bool:
        job = self.find(claim.job.job_id)
        if job is None or job.fence != claim.fence or job.status.final:
            return False
        return job.cancel_requested_at is not None

    def cancel(self, job_id: str) -> Job:
        """Ask the job to stop. One that nobody works on ends here; a worker sees the mark when it
        next reports progress, and one that is about to publish may still complete. Raises
        JobNotFound, JobIsFinal.
        """
        while True:
            # First: then the job as read cannot be older than the write's condition.
            lock = self.lock()
            job = self.get(job_id)
            now = self._clock()
            if job.status.final:
                raise JobIsFinal(job_id=job_id, status=job.status)
            nobody_works_on_it = lock.owner == job_id and lock.holder is None
            if nobody_works_on_it:
                stopped = job.cancel(at=now)
                writes = [*self._end(stopped, fence=lock.fence), self._lock_release(lock)]
                if self._try(*writes):  # else a worker has claimed it since: look again
                    record_end(stopped)
                    return stopped
            else:
                # Its worker finds the mark when it next reports, and ends the job itself.
                mark = {"cancel_requested_at": now}
                if self._try(self.table.update(job_key(job_id), mark, when=IS_OPEN)):
                    return replace(job, cancel_requested_at=now)

    def hand_over(self, claim: Claim, job: Job) -> None:
        """Free the holder's place for the next worker of the same job. Raises LeaseLost."""
        now = self._clock()
        waiting = replace(job, heartbeat_at=now)
        waiting = waiting.with_event(now, "handed over", attempt=job.attempt)
        # As for a new job: the next worker has to be started first.
        until = {"lease_until": self._until(self._lease.pending)}
        written = self._try(
            self._job_update(waiting, fence=claim.fence),
            self.table.update(LOCK, until, remove=["holder"], when=is_mine(claim)),
        )
        if not written:
            raise LeaseLost
        record_hand_over(waiting)

    def finish(
        self, claim: Claim, job: Job, *, snapshot: Snapshot | None = None, base: str | None = None
    ) -> Job:
        """The job's final state, the freed lock and the moved pointer, all or none.

        `base` names the snapshot that the new one was made from; the pointer moves from there and
        from nowhere else. What it says is kept beside it under the snapshot's name, for a rollback.
        Raises LeaseLost.
        """
        writes = [
            *self._end(job, fence=claim.fence),
            self.table.update(LOCK, {"fence": claim.fence}, remove=LOCK_TAKEN, when=is_mine(claim)),
        ]
        if snapshot:
            pointer = asdict(snapshot)
            writes.append(self.table.put(CURRENT | pointer, when=points_to(base)))
            writes.append(self.table.put(published_key(snapshot.name) | pointer, when=ABSENT))
        if job.is_held:  # of a source's held jobs the newest can be accepted
            note = held_key(job.source_name) | {"job_id": job.job_id, "fence": claim.fence}
            writes.append(self.table.put(note, when=held_before(claim.fence)))
        try:
            self.table.transact(writes)
        except ConditionRefused:
            stored = self.find(job.job_id)
            if stored and same_but_for_others(stored, job):
                return stored  # it was written, only the answer was lost
            raise LeaseLost from None
        record_end(job)
        return job

    def free_holder(self, lock: Lock) -> bool:
        """The worker's lease is over: free its place for another worker of the same job.
        False when somebody else wrote the lock since it was read.
        """
        until = {"lease_until": self._until(self._lease.pending)}
        write = self.table.update(LOCK, until, remove=["holder"], when=same_lock(lock))
        written = self._try(write)
        if written:
            record_death(str(lock.owner))
        return written

    def expire(self, lock: Lock, error: WellheadError | None = None) -> bool:
        """No worker came or will come, because of this error where one is known: the job ends
        FAILED and the lock is free. False when somebody else wrote the lock since it was read.
        """
        owner = self.owner_of(lock)
        if owner is None:
            return self.free_of_nobody(lock)
        expired = self._expired_job(owner, error)
        end = self._end(expired, fence=lock.fence)
        written = self._try(*end, self._lock_release(lock))
        if written:
            record_end(expired)
        return written

    def _lock_release(self, lock: Lock) -> dict[str, Any]:
        # The fence stays, and counts on with the next job.
        return self.table.update(
            LOCK, {"fence": lock.fence}, remove=LOCK_TAKEN, when=same_lock(lock)
        )

    def free_of_nobody(self, lock: Lock) -> bool:
        """The owner's item is gone, so no worker can write a thing for it, and none can claim it:
        nobody's lease is waited for. False when somebody else wrote the lock since it was read.
        """
        written = self._try(self._lock_release(lock), self._loss(lock))
        if written:
            log.error(
                "the lock is freed: the item of its job is gone", extra={"job_id": lock.owner}
            )
        return written

    def _until(self, seconds: float) -> float:
        """The end of a lease of so many seconds, in the table's time:
        it judges none by another's clock.
        """
        # The latest time that it may be in the table: no lease is shorter than it was said to be.
        now = self.table.time.latest(self._clock())
        return now + seconds

    def _try(self, *writes: dict[str, Any]) -> bool:
        try:
            self.table.transact(list(writes))
        except ConditionRefused:
            return False
        return True

    def _job_update(
        self, job: Job, *, fence: int, unless_cancelled: bool = False
    ) -> dict[str, Any]:
        """The whole job, while it is open and stands at the fence that the writer knows."""
        when = is_at(fence)
        if unless_cancelled:
            when &= NOT_CANCELLED
        return self.table.update(
            job_key(job.job_id),
            job_attributes(job),
            remove=absent_attributes(job),
            when=when,
        )
