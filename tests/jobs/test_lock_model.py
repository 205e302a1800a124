"""Callers, workers, sweepers, lost answers and a clock do what they like;
the table must do what a small model says.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from simulation.dynamodb import InMemoryDynamoDb
from support.coordination import Clock, RecordingDispatcher, a_job, table_contents
from support.soak import longer

from chalicelib.errors import (
    CancelRequested,
    ClaimRefused,
    ImportAlreadyRunning,
    JobIsFinal,
    JobNotFound,
    LeaseLost,
    SourceUnavailable,
    StateUnavailable,
)
from chalicelib.jobs.checkpoint import Checkpoint
from chalicelib.jobs.dynamodb_item import from_item, to_item
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.lock import IDEMPOTENCY_SECONDS, Claim, Lease, Lock, Snapshot, job_key
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.sweeper import DISPATCH_SECONDS, sweep, take_up
from chalicelib.jobs.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "wellhead-test"
LEASE = Lease(seconds=60, grace=15, pending=360)
KEYS = st.sampled_from([None, "a", "b"])
SECONDS = st.sampled_from([1, 31, 61, 76, 376, IDEMPOTENCY_SECONDS])
EXAMPLES = longer(100, 10_000)
ENDS = [
    "COMPLETED",
    "COMPLETED",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
]  # a completed import is refused more often


class DeafTable(Table):
    """With `is_deaf`, the next transaction that is done has no answer."""

    is_deaf = False

    def transact(self, writes: list[dict[str, Any]]) -> None:
        super().transact(writes)
        if self.is_deaf:
            self.is_deaf = False
            raise StateUnavailable


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the model knows of a job.
    `page` is that of its checkpoint, `began_at` the one the attempt began with.
    """

    status: JobStatus = JobStatus.PENDING
    fence: int
    attempt: int = 0
    stalled: int = 0
    page: int | None = None
    began_at: int | None = None
    is_asked_to_stop: bool = False
    error: str | None = None

    @classmethod
    def of(cls, item: dict[str, Any]) -> Facts:
        return cls(
            status=JobStatus(item["status"]),
            fence=item["fence"],
            attempt=item["attempt"],
            stalled=item["stalled_attempts"],
            page=item.get("cursor", {}).get("page"),
            began_at=item.get("claimed_cursor", {}).get("page"),
            is_asked_to_stop="cancel_requested_at" in item,
            error=item.get("error", {}).get("code"),
        )


class Coordination(RuleBasedStateMachine):
    """`lock`, `pointer`, `jobs` and `keys` are what the table should hold, `claims` what each
    worker believes; `gone` are jobs whose item somebody removed. `contents` reads the table,
    `remove` takes a job out of it.
    """

    seen: ClassVar[Counter[str]] = Counter()

    def __init__(
        self,
        dynamodb: Any,
        contents: Callable[[], dict[str, Any]],
        remove: Callable[[dict[str, str]], object],
    ) -> None:
        super().__init__()
        self.contents = contents
        self.remove = remove
        self.clock = Clock()
        self.dispatcher = RecordingDispatcher()
        self.table = DeafTable(dynamodb=dynamodb, name=TABLE)
        self.manager = JobManager(table=self.table, lease=LEASE, clock=self.clock)
        self.lock = Lock()
        self.pointer: Snapshot | None = None
        self.published: dict[str, Snapshot] = {}
        self.jobs: dict[str, Facts] = {}
        self.keys: dict[str, tuple[str, float]] = {}
        self.claims: list[Claim] = []
        self.ended: dict[str, Any] = {}
        self.gone: set[str] = set()

    # -- the model --------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        return self.clock() > self.lock.lease_until + LEASE.grace

    def is_mine(self, claim: Claim) -> bool:
        mine = (claim.job.job_id, claim.holder, claim.fence)
        return (
            self.lock.owner,
            self.lock.holder,
            self.lock.fence,
        ) == mine and claim.job.job_id not in self.gone

    @property
    def is_owned(self) -> bool:
        return self.lock.owner is not None and self.lock.owner not in self.gone

    def change(self, job_id: str, **facts: Any) -> None:
        """No attempt comes after a failure, so where the last one began is forgotten."""
        if facts.get("status") is JobStatus.FAILED:
            facts["began_at"] = None
        self.jobs[job_id] = replace(self.jobs[job_id], **facts)

    def free(self) -> None:
        self.lock = Lock(fence=self.lock.fence)

    def wait(self) -> None:
        self.lock = replace(self.lock, holder=None, lease_until=self.clock() + LEASE.pending)

    def expire(self) -> None:
        """The owner ends without a worker's word."""
        owner = str(self.lock.owner)
        old = self.jobs[owner]
        if old.is_asked_to_stop:
            self.change(owner, status=JobStatus.CANCELLED)
        else:
            error = "LEASE_EXPIRED" if old.attempt else "DISPATCH_FAILED"
            self.change(owner, status=JobStatus.FAILED, error=error)

    # -- rules ------------------------------------------------------------------------------------

    @initialize(data=st.data(), begun=st.integers(0, 2))
    def an_import_may_have_begun(self, data: Any, begun: int) -> None:
        """Most of what can happen needs a job, and much of it a worker."""
        if begun:
            self.create(None, asks_again=False)
        if begun == 2:
            self.claim(data, asks_again=False)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def the_next_answer_gets_lost(self) -> None:
        self.table.is_deaf = True

    @precondition(lambda self: self.is_owned)
    @rule(lot=st.integers(0, 3))
    def somebody_removes_the_owners_item(self, lot: int) -> None:
        if lot < 3:
            return  # it is seldom, and the end of what the job would have shown
        owner = str(self.lock.owner)
        self.remove(job_key(owner))
        self.gone.add(owner)

    @rule(key=KEYS, asks_again=st.booleans())
    def create(self, key: str | None, asks_again: bool) -> None:
        job, now = a_job(self.clock), self.clock()
        known, until = self.keys.get(key or "", (None, 0.0))
        if known and until > now and known not in self.gone:
            assert self.manager.create(job, key=key).job_id == known
            return
        if self.is_owned and not self.is_over:
            with pytest.raises(ImportAlreadyRunning) as refused:
                self.manager.create(job, key=key)
            assert refused.value.details == {
                "job_id": self.lock.owner,
                "started_at": self.lock.since,
            }
            return
        created = self.answer(lambda: self.manager.create(job, key=key))
        if self.is_owned:
            self.expire()
        self.jobs[job.job_id] = Facts(fence=self.lock.fence)
        if key:
            self.keys[key] = job.job_id, int(now) + IDEMPOTENCY_SECONDS
        fence, until = self.lock.fence, now + LEASE.pending
        self.lock = Lock(fence=fence, owner=job.job_id, since=job.created_at, lease_until=until)
        if created is None and asks_again:
            created = self.manager.create(job, key=key)
        assert created is None or created.job_id == job.job_id

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), asks_again=st.booleans())
    def claim(self, data: Any, asks_again: bool) -> None:
        """Also of a job that is over, and of one that another worker has."""
        job_id = self.some_job(data)
        holder = f"worker {len(self.claims)} of {self.lock.fence} at {self.clock()}"
        if self.lock.owner != job_id or (self.lock.holder and not self.is_over):
            with pytest.raises(ClaimRefused) as refused:
                self.manager.claim(job_id, holder=holder)
            watched = self.lock.lease_until + LEASE.grace if self.lock.owner == job_id else None
            assert refused.value.lease_until == watched
            return
        if job_id in self.gone:
            with pytest.raises(
                (JobNotFound, StateUnavailable)
            ):  # freed, or freed and the answer lost
                self.manager.claim(job_id, holder=holder)
            self.free()
            return
        claim = self.answer(lambda: self.manager.claim(job_id, holder=holder))
        before, fence = self.jobs[job_id], self.lock.fence + 1
        stalled = before.stalled + 1 if before.attempt and before.page == before.began_at else 0
        self.change(
            job_id,
            status=JobStatus.RUNNING,
            fence=fence,
            attempt=before.attempt + 1,
            stalled=stalled,
            began_at=before.page,
        )
        self.lock = replace(
            self.lock, holder=holder, fence=fence, lease_until=self.clock() + LEASE.seconds
        )
        if claim is None and asks_again:
            claim = self.manager.claim(job_id, holder=holder)
        if claim:
            assert self.is_mine(claim)
            self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), is_checkpoint=st.booleans(), seconds=st.sampled_from([None, 500.0]))
    def progress(self, data: Any, is_checkpoint: bool, seconds: float | None) -> None:
        claim = self.some_claim(data)
        job_id, is_mine, facts = claim.job.job_id, self.is_mine(claim), self.jobs[claim.job.job_id]
        page = (facts.page or 1) + 1 if is_checkpoint else (claim.job.cursor or {}).get("page")
        job = replace(claim.job, checkpoint=Checkpoint(cursor={"page": page}) if page else None)
        is_asked = facts.is_asked_to_stop and facts.fence == claim.fence and not facts.status.final
        is_asked = is_asked and job_id not in self.gone
        with refused(CancelRequested if is_asked else None if is_mine else LeaseLost):
            self.answer(lambda: self.manager.progress(claim, job, lease_seconds=seconds))
            self.claims[self.claims.index(claim)] = replace(claim, job=job)
            self.change(job_id, page=page)
            self.lock = replace(self.lock, lease_until=self.clock() + (seconds or LEASE.seconds))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def hand_over(self, data: Any) -> None:
        claim = self.some_claim(data)
        with refused(None if self.is_mine(claim) else LeaseLost):
            self.answer(lambda: self.manager.hand_over(claim, claim.job))
            self.wait()

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), status=st.sampled_from(ENDS), is_stale=st.booleans())
    def finish(self, data: Any, status: str, is_stale: bool) -> None:
        claim = self.some_claim(data)
        is_mine = self.is_mine(claim)
        self.clock.advance(
            0.001
        )  # at the same moment the job may have ended in the same way, and that is no refusal
        job, snapshot = self.ending(claim, JobStatus(status))
        base = "of another time" if is_stale else self.pointer.name if self.pointer else None
        is_stale = is_stale and snapshot is not None
        with refused(None if is_mine and not is_stale else LeaseLost):
            finished = self.answer(
                lambda: self.manager.finish(claim, job, snapshot=snapshot, base=base)
            )
            self.claims.remove(claim)
            if snapshot:
                self.pointer = self.published[snapshot.name] = snapshot
            self.change(job.job_id, status=job.status, error=(job.error or {}).get("code"))
            self.free()
            assert (
                finished or self.manager.finish(claim, job, snapshot=snapshot, base=base)
            ).status is job.status

    def ending(self, claim: Claim, status: JobStatus) -> tuple[Job, Snapshot | None]:
        now = self.clock()
        if status is JobStatus.FAILED:
            return claim.job.fail(SourceUnavailable(), at=now), None
        if status is JobStatus.CANCELLED:
            return claim.job.cancel(at=now), None
        job = replace(claim.job, status=status, phase=None, completed_at=now)
        name = f"wells-{claim.fence}"
        return job, Snapshot(
            name=name, fence=claim.fence, rows=1, bytes=1, sha256="a", job_id=job.job_id
        )

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        job_id = self.some_job(data)
        is_gone, is_final = job_id in self.gone, self.jobs[job_id].status.final
        with refused(JobNotFound if is_gone else JobIsFinal if is_final else None):
            self.answer(lambda: self.manager.cancel(job_id))
            if self.lock.holder:
                self.change(job_id, is_asked_to_stop=True)
            else:
                self.change(job_id, status=JobStatus.CANCELLED)
                self.free()

    @rule(is_lost=st.booleans())
    def sweep(self, is_lost: bool) -> None:
        self.told(self.swept, is_lost, lambda: sweep(**self.collaborators))

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), is_lost=st.booleans())
    def all_deliveries_failed(self, data: Any, is_lost: bool) -> None:
        """Of some event of some job, however long ago."""
        job_id = self.some_job(data)
        expected = self.taken_up(job_id)
        self.told(lambda: expected, is_lost, lambda: take_up(job_id, **self.collaborators))

    # -- what the sweeper and the failed event should do, and say ---------------------------------

    def swept(self) -> str:
        if self.lock.owner is None:
            return "nothing"
        if not self.is_owned:
            return "freed"
        if self.is_over:
            return "restarted" if self.lock.holder else "failed"
        is_late = LEASE.pending - (self.lock.lease_until - self.clock()) > DISPATCH_SECONDS
        return "dispatched" if is_late and not self.lock.holder else "nothing"

    def taken_up(self, job_id: str) -> str:
        if self.lock.owner != job_id:
            return "nothing"
        if self.is_over or not self.is_owned:
            return self.swept()
        return "failed" if self.jobs[job_id].status is JobStatus.PENDING else "dispatched"

    def told(self, expect: Callable[[], str], is_lost: bool, do: Callable[[], str]) -> None:
        """With `is_lost`, the queue takes no event."""
        expected, owner = expect(), self.lock.owner
        self.dispatcher.dispatched.clear()
        self.dispatcher.failing = is_lost
        said = self.answer(do)
        if expected == "restarted":
            self.wait()
        elif expected == "failed":
            self.expire()
            self.free()
        elif expected == "freed":
            self.free()
        assert said in (None, "nothing" if is_lost and expected == "dispatched" else expected)
        dispatches = expected in ("restarted", "dispatched") and not is_lost and said is not None
        assert self.dispatcher.dispatched == [owner] * dispatches
        self.seen[expected] += 1

    # -- helpers ----------------------------------------------------------------------------------

    @property
    def collaborators(self) -> dict[str, Any]:
        return {"job_manager": self.manager, "dispatcher": self.dispatcher}

    def answer(self, do: Callable[[], Any]) -> Any:
        """None when the answer got lost; what was asked for is done all the same."""
        was_deaf = self.table.is_deaf
        try:
            return do()
        except StateUnavailable:
            assert was_deaf
            self.seen["answer lost"] += 1
            return None

    def some_job(self, data: Any) -> str:
        """The owner of the lock as often as all others together."""
        others = list(self.jobs)[-4:]
        return str(
            data.draw(st.sampled_from([*others, *[self.lock.owner or others[-1]] * len(others)]))
        )

    def some_claim(self, data: Any) -> Claim:
        claims = self.claims[-3:]
        return cast("Claim", data.draw(st.sampled_from([*claims, claims[-1]])))

    @invariant()
    def the_table_is_as_the_model_says(self) -> None:
        contents = self.contents()
        assert Lock(**contents.pop("LOCK#import", {})) == self.lock
        assert contents.pop("WAREHOUSE#current", None) == (
            asdict(self.pointer) if self.pointer else None
        )
        published = {
            name: contents.pop(name) for name in list(contents) if name.startswith("WAREHOUSE#")
        }
        assert published == {
            f"WAREHOUSE#{name}": asdict(snapshot) for name, snapshot in self.published.items()
        }
        keys = [contents.pop(name) for name in list(contents) if name.startswith("IDEMPOTENCY#")]
        assert sorted((item["job_id"], item["expires_at"]) for item in keys) == sorted(
            self.keys.values()
        )
        notices = [contents.pop(name) for name in list(contents) if name.startswith("NOTICE#")]
        self.each_end_has_its_notice(notices)
        jobs = {name.removeprefix("JOB#"): item for name, item in contents.items()}
        left = {job_id: facts for job_id, facts in self.jobs.items() if job_id not in self.gone}
        assert {job_id: Facts.of(item) for job_id, item in jobs.items()} == left
        for job_id, item in jobs.items():
            if self.jobs[job_id].status.final:
                assert self.ended.setdefault(job_id, item) == item, "a final state changed"
        running = [facts for facts in left.values() if not facts.status.final]
        assert len(running) == self.is_owned

    def each_end_has_its_notice(self, notices: list[dict[str, Any]]) -> None:
        """One, and of a job whose item was removed too, once the lock is not its any more."""
        ended = {job_id for job_id, facts in self.jobs.items() if facts.status.final}
        ended |= {job_id for job_id in self.gone if self.lock.owner != job_id}
        assert Counter(notice["key"] for notice in notices) == Counter(ended)
        for notice in notices:
            facts = self.jobs[notice["key"]]
            if notice["key"] not in self.gone:
                assert notice["kind"] == f"import.{facts.status.lower()}"

    def teardown(self) -> None:
        self.seen.update(facts.status for facts in self.jobs.values())


def refused(error: type[Exception] | None) -> Any:
    """What follows must be refused so, or else must work."""
    return pytest.raises(error) if error else contextlib.nullcontext()


def in_memory() -> Coordination:
    dynamodb = InMemoryDynamoDb()

    def contents() -> dict[str, Any]:
        items = [from_item(dict(item)) for item in dynamodb.items.values()]
        return {item.pop("sk"): item for item in items if item.pop("pk")}

    return Coordination(dynamodb, contents, lambda key: dynamodb.items.pop((key["pk"], key["sk"])))


def emptied(dynamodb: Any) -> Coordination:
    for item in dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]:
        dynamodb.delete_item(TableName=TABLE, Key={name: item[name] for name in ("pk", "sk")})

    def remove(key: dict[str, str]) -> None:
        dynamodb.delete_item(TableName=TABLE, Key=to_item(dict(key)))

    return Coordination(dynamodb, lambda: table_contents(dynamodb, TABLE), remove)


@pytest.mark.timeout(longer(400, 3600))  # seconds; four times the examples, on a busy machine
def test_the_table_follows_the_model() -> None:
    Coordination.seen.clear()
    # With `CI` set, Hypothesis draws the same examples each time: asking for more of them would
    # bring nothing new.
    many = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None, derandomize=False)

    run_state_machine_as_test(in_memory, settings=many)  # type: ignore[arg-type]
    for _ in range(longer(15, 3)):  # what comes seldom may want more examples
        if unseen():
            run_state_machine_as_test(in_memory, settings=many)  # type: ignore[arg-type]

    assert unseen() == []


def unseen() -> list[str]:
    everything = [
        "nothing",
        "failed",
        "restarted",
        "dispatched",
        "freed",
        "answer lost",
        *JobStatus,
    ]
    return [what for what in everything if not Coordination.seen[what]]


def test_motos_table_follows_the_model(dynamodb: Any) -> None:
    few = settings(max_examples=longer(3, 30), stateful_step_count=25, deadline=None)
    run_state_machine_as_test(lambda: emptied(dynamodb), settings=few)  # type: ignore[arg-type]
