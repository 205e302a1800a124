"""Two workers, a sweeper and a clock do what they like; the table must do what a model of twenty lines says."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from coordination import Clock, RecordingDispatcher, a_job, table_contents
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from chalicelib.errors import ClaimRefused, ImportAlreadyRunning, LeaseLost, SourceUnavailable
from chalicelib.job import JobStatus
from chalicelib.job_manager import Claim, JobManager, Lease, Lock, Snapshot
from chalicelib.sweeper import DISPATCH_SECONDS, sweep
from chalicelib.table import Table

TABLE = "wellhead-test"
LEASE = Lease(seconds=60, grace=15, pending=360)
WORKERS = st.sampled_from(["a", "b"])


class Coordination(RuleBasedStateMachine):
    """`lock` and `pointer` are what the table should hold; `heard` is the last sign of life of the job."""

    def __init__(self, dynamodb: Any) -> None:
        super().__init__()
        empty(dynamodb)
        self.dynamodb = dynamodb
        self.clock = Clock()
        self.dispatcher = RecordingDispatcher()
        self.manager = JobManager(table=Table(dynamodb=dynamodb, name=TABLE), lease=LEASE, clock=self.clock)
        self.lock = Lock()
        self.pointer: Snapshot | None = None
        self.heard = 0.0
        self.claims: dict[str, Claim] = {}
        self.ended: dict[str, str] = {}
        self.last_job = a_job(self.clock).job_id

    def is_over(self) -> bool:
        return self.clock() > self.lock.lease_until + LEASE.grace

    def holds(self, worker: str) -> bool:
        claim = self.claims[worker]
        return (self.lock.holder, self.lock.fence) == (claim.holder, claim.fence)

    @rule(seconds=st.sampled_from([1, 31, 61, 76, 376]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def create(self) -> None:
        job = a_job(self.clock)
        if self.lock.owner and not self.is_over():
            with pytest.raises(ImportAlreadyRunning) as refused:
                self.manager.create(job)
            assert refused.value.details == {"job_id": self.lock.owner, "started_at": self.lock.since}
            return
        self.manager.create(job)
        self.last_job, self.heard = job.job_id, self.clock()
        self.lock = Lock(
            fence=self.lock.fence, owner=job.job_id, since=self.clock(), lease_until=self.clock() + LEASE.pending
        )

    @rule(worker=WORKERS)
    def claim(self, worker: str) -> None:
        holder = f"{worker}{len(self.ended)}.{self.clock()}.{self.lock.fence}"
        if self.lock.owner is None or (self.lock.holder and not self.is_over()):
            with pytest.raises(ClaimRefused):
                self.manager.claim(self.last_job, holder=holder)
            return
        self.claims[worker] = self.manager.claim(self.last_job, holder=holder)
        self.heard = self.clock()
        until = self.clock() + LEASE.seconds
        self.lock = replace(self.lock, holder=holder, fence=self.lock.fence + 1, lease_until=until)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), seconds=st.sampled_from([None, 500.0]))
    def progress(self, data: Any, seconds: float | None) -> None:
        worker = data.draw(st.sampled_from(sorted(self.claims)))
        claim, is_mine = self.claims[worker], self.holds(worker)
        with allowed(is_mine):
            job = self.manager.progress(claim, claim.job, lease_seconds=seconds)
            self.claims[worker] = replace(claim, job=job)
        if is_mine:
            self.heard = self.clock()
            self.lock = replace(self.lock, lease_until=self.clock() + (seconds or LEASE.seconds))

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def hand_over(self, data: Any) -> None:
        worker = data.draw(st.sampled_from(sorted(self.claims)))
        is_mine = self.holds(worker)
        with allowed(is_mine):
            self.manager.hand_over(self.claims[worker], self.claims[worker].job)
        if is_mine:
            self.heard = self.clock()
            self.lock = replace(self.lock, holder=None, lease_until=self.clock() + LEASE.pending)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), completes=st.booleans())
    def finish(self, data: Any, completes: bool) -> None:
        worker = data.draw(st.sampled_from(sorted(self.claims)))
        claim, is_mine = self.claims[worker], self.holds(worker)
        job, snapshot = claim.job.failed_with(SourceUnavailable(), at=self.clock()), None
        if completes:
            job = replace(claim.job, status=JobStatus.COMPLETED, completed_at=self.clock())
            snapshot = Snapshot(
                name=f"wells-{claim.fence}", fence=claim.fence, rows=1, bytes=1, sha256="a", job_id=job.job_id
            )
        with allowed(is_mine):
            self.manager.finish(claim, job, snapshot=snapshot, base=self.pointer.name if self.pointer else None)
        del self.claims[worker]
        if is_mine:
            self.pointer = snapshot or self.pointer
            self.lock = Lock(fence=self.lock.fence)

    @rule()
    def sweep(self) -> None:
        self.dispatcher.dispatched.clear()
        expected, owner = "nothing", self.lock.owner
        if owner and self.lock.holder and self.is_over():
            expected = "restarted"
            self.lock = replace(self.lock, holder=None, lease_until=self.clock() + LEASE.pending)
        elif owner and self.is_over():
            expected = "failed"
            self.lock = Lock(fence=self.lock.fence)
        elif owner and not self.lock.holder and self.clock() - self.heard > DISPATCH_SECONDS:
            expected = "dispatched"
        assert sweep(job_manager=self.manager, dispatcher=self.dispatcher, clock=self.clock) == expected
        assert self.dispatcher.dispatched == ([owner] if expected in ("restarted", "dispatched") else [])

    @invariant()
    def the_table_is_as_the_model_says(self) -> None:
        contents = table_contents(self.dynamodb, TABLE)
        assert Lock(**contents.pop("LOCK#import", {})) == self.lock
        assert contents.pop("WAREHOUSE#current", None) == (asdict(self.pointer) if self.pointer else None)
        for key, item in contents.items():
            if key in self.ended:
                assert json.dumps(item, sort_keys=True) == self.ended[key], "a final state changed"
            elif JobStatus(item["status"]).final:
                self.ended[key] = json.dumps(item, sort_keys=True)
        assert set(contents) - set(self.ended) == ({f"JOB#{self.lock.owner}"} if self.lock.owner else set())


def allowed(is_mine: bool) -> Any:
    """What follows must work, or else must be refused."""
    return contextlib.nullcontext() if is_mine else pytest.raises(LeaseLost)


def empty(dynamodb: Any) -> None:
    items = dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
    for item in items:
        dynamodb.delete_item(TableName=TABLE, Key={name: item[name] for name in ("pk", "sk")})


def test_the_table_follows_the_model(dynamodb: Any) -> None:
    few = settings(max_examples=12, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(lambda: Coordination(dynamodb), settings=few)  # type: ignore[arg-type]
