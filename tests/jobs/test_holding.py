"""A job that its findings hold waits for somebody's word:
it is accepted once, by naming what, or discarded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.coordination import (
    Clock,
    InterruptedTable,
    RepeatingTable,
    SilentTable,
    a_job,
    notice_of,
    table_contents,
)
from support.held import FINDINGS, hold_job

from chalicelib.errors import (
    AcceptTooLate,
    FindingsDiffer,
    ImportAlreadyRunning,
    JobNotFound,
    NotHeld,
    RetriedAlready,
    SourceUnavailable,
    StateUnavailable,
)
from chalicelib.jobs.finding import Check, Finding, few_examples, fingerprint_of, is_covered
from chalicelib.jobs.holding import is_of_use
from chalicelib.jobs.job import ACCEPT_SECONDS, Job, JobStatus
from chalicelib.jobs.job_item import job_attributes
from chalicelib.jobs.lock import Lease, Snapshot
from chalicelib.jobs.manager import JobManager

if TYPE_CHECKING:
    from collections.abc import Callable

    from chalicelib.jobs.table import Table

TABLE = "wellhead-test"
BOTH = ["NULLED", "REJECTED"]


def hold(manager: JobManager, clock: Clock, job: Job | None = None) -> Job:
    return hold_job(manager, (job or manager.create(a_job(clock))).job_id)


def publish(manager: JobManager, job: Job) -> Job:
    claim = manager.claim(job.job_id, holder="w2")
    done = replace(
        claim.job, status=JobStatus.COMPLETED, phase=None, completed_at=claim.job.created_at + 9
    )
    current = manager.current_snapshot()
    snapshot = Snapshot(
        name=f"wells-{claim.fence}",
        fence=claim.fence,
        rows=5,
        bytes=9,
        sha256="ab",
        job_id=job.job_id,
    )
    return manager.finish(claim, done, snapshot=snapshot, base=current.name if current else None)


def manager_on(table: Table, clock: Clock) -> JobManager:
    return JobManager(table=table, lease=Lease(), clock=clock)


def interrupted(dynamodb: Any, clock: Clock, meanwhile: Callable[[], object]) -> JobManager:
    return manager_on(InterruptedTable(meanwhile, dynamodb=dynamodb, name=TABLE), clock)


# --- what holding is


def test_a_held_job_is_final_and_the_table_knows_it_as_the_newest(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    held = hold(manager, clock)

    assert (held.status, held.accept_until) == (JobStatus.FAILED, clock() + ACCEPT_SECONDS)
    assert manager.get(held.job_id) == held
    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{held.job_id}": job_attributes(held),
        **notice_of(held),
        "LOCK#import": {"fence": 1},
        "WAREHOUSE#held": {"job_id": held.job_id, "fence": 1},
    }


def test_its_view_has_the_findings_and_a_list_has_them_too(
    manager: JobManager, clock: Clock
) -> None:
    held = hold(manager, clock)

    [listed], _ = manager.history(limit=5)

    told = [finding.to_attributes() for finding in FINDINGS]
    assert held.view(clock())["findings"] == listed.summary(clock())["findings"] == told
    assert listed.summary(clock()) == held.summary(clock())


# --- accepting


def test_an_accepted_job_goes_on_as_a_new_one_with_the_same_rows(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    held = hold(manager, clock)
    clock.advance(60)

    new = manager.accept(held.job_id, findings=BOTH, by="ann")

    assert (new.status, new.retry_of, new.accepted_by, new.triggered_by) == (
        JobStatus.PENDING,
        held.job_id,
        "ann",
        "ann",
    )
    assert new.accepted == ["REJECTED rows=7", "NULLED rows=7"]
    assert (new.checkpoint, new.warnings, new.findings) == (held.checkpoint, held.warnings, [])
    assert table_contents(dynamodb, TABLE) == {
        f"JOB#{held.job_id}": job_attributes(held) | {"retried_by": new.job_id},
        **notice_of(held),
        f"JOB#{new.job_id}": job_attributes(new),
        "LOCK#import": {
            "owner": new.job_id,
            "since": new.created_at,
            "fence": 1,
            "lease_until": clock() + Lease().pending,
        },
        "WAREHOUSE#held": {"job_id": held.job_id, "fence": 1},
    }


def test_accepting_twice_is_one_job_whoever_asks_and_whatever_became_of_it(
    manager: JobManager, clock: Clock
) -> None:
    held = hold(manager, clock)
    new = manager.accept(held.job_id, findings=BOTH, by="ann")

    assert manager.accept(held.job_id, findings=BOTH, by="bob") == new
    done = publish(manager, new)

    assert manager.accept(held.job_id, findings=BOTH, by="ann") == done


@pytest.mark.parametrize("table", [SilentTable, RepeatingTable])
def test_an_accept_whose_answer_got_lost_is_answered_when_it_is_made_again(
    manager: JobManager, clock: Clock, dynamodb: Any, table: type[Table]
) -> None:
    held = hold(manager, clock)
    with pytest.raises(StateUnavailable) if table is SilentTable else pytest.MonkeyPatch.context():
        manager_on(table(dynamodb=dynamodb, name=TABLE), clock).accept(
            held.job_id, findings=BOTH, by="ann"
        )

    again = manager.accept(held.job_id, findings=BOTH, by="ann")

    assert again.job_id == manager.get(held.job_id).retried_by == manager.lock().owner


def test_of_two_that_accept_at_the_same_moment_both_get_one_job(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    held = hold(manager, clock)
    made: list[Job] = []
    late = interrupted(
        dynamodb, clock, lambda: made.append(manager.accept(held.job_id, findings=BOTH, by="bob"))
    )

    new = late.accept(held.job_id, findings=BOTH, by="ann")

    assert [new] == made


def test_what_is_held_again_is_accepted_with_what_was_accepted_before(
    manager: JobManager, clock: Clock
) -> None:
    held = hold(manager, clock)
    new = manager.accept(held.job_id, findings=BOTH, by="ann")

    again = hold(manager, clock, new)
    last = manager.accept(again.job_id, findings=BOTH, by="ann")

    assert (last.retry_of, last.accepted) == (again.job_id, ["REJECTED rows=7", "NULLED rows=7"])


def test_the_retry_of_an_accepted_job_that_failed_still_publishes_what_was_accepted(
    manager: JobManager, clock: Clock
) -> None:
    new = manager.accept(hold(manager, clock).job_id, findings=BOTH, by="ann")
    claim = manager.claim(new.job_id, holder="w2")
    failed = manager.finish(claim, claim.job.fail(SourceUnavailable(), at=clock()))

    retried = manager.create(failed.retry(now=clock(), triggered_by="bob"))

    assert (retried.accepted, retried.accepted_by, retried.checkpoint) == (
        new.accepted,
        "ann",
        new.checkpoint,
    )


# --- what is refused


def test_the_retry_of_an_accepted_job_publishes_nothing_that_is_older_than_what_was_held_since(
    manager: JobManager, clock: Clock
) -> None:
    held = hold(manager, clock)
    stopped = manager.cancel(manager.accept(held.job_id, findings=BOTH, by="ann").job_id)
    again = manager.cancel(manager.create(stopped.retry(now=clock(), triggered_by="ann")).job_id)
    later = hold(manager, clock)

    with pytest.raises(AcceptTooLate) as refused:
        manager.create(again.retry(now=clock(), triggered_by="ann"))

    assert refused.value.details == {"job_id": held.job_id, "held_since": later.job_id}
    assert manager.lock().owner is None


def test_the_retry_of_an_accepted_job_is_refused_after_the_week_of_the_held_one(
    manager: JobManager, clock: Clock
) -> None:
    held = hold(manager, clock)
    stopped = manager.cancel(manager.accept(held.job_id, findings=BOTH, by="ann").job_id)
    clock.now = (held.accept_until or 0.0) + 1

    with pytest.raises(AcceptTooLate) as refused:
        manager.create(stopped.retry(now=clock(), triggered_by="ann"))

    assert refused.value.details == {"job_id": held.job_id, "accept_until": held.accept_until}


@pytest.mark.parametrize(
    "named", [[], ["NULLED"], [*BOTH, "RESTATED"], [*BOTH, "COMPLETENESS_UNKNOWN"]]
)
def test_whoever_names_other_findings_has_not_seen_them(
    manager: JobManager, clock: Clock, named: list[str]
) -> None:
    held = hold(manager, clock)

    with pytest.raises(FindingsDiffer) as refused:
        manager.accept(held.job_id, findings=named, by="ann")

    assert refused.value.details == {"job_id": held.job_id, "findings": BOTH}
    assert manager.lock().owner is None


def test_only_what_is_held_is_accepted_or_discarded(manager: JobManager, clock: Clock) -> None:
    job = manager.create(a_job(clock))
    for _ in range(2):
        with pytest.raises(NotHeld):
            manager.accept(job.job_id, findings=BOTH, by="ann")
        with pytest.raises(NotHeld) as refused:
            manager.discard(job.job_id, by="ann")
        job = manager.cancel(job.job_id) if not job.status.final else job
    assert refused.value.details == {"job_id": job.job_id, "status": "CANCELLED"}
    with pytest.raises(JobNotFound):
        manager.accept("018cc251-f400-7000-8000-000000000000", findings=BOTH, by="ann")


def test_after_a_week_it_is_too_late(manager: JobManager, clock: Clock) -> None:
    held = hold(manager, clock)
    clock.advance(ACCEPT_SECONDS + 1)

    with pytest.raises(AcceptTooLate) as refused:
        manager.accept(held.job_id, findings=BOTH, by="ann")

    assert refused.value.details == {"job_id": held.job_id, "accept_until": held.accept_until}


def test_a_later_held_job_is_the_one_to_accept(manager: JobManager, clock: Clock) -> None:
    older, newer = hold(manager, clock), hold(manager, clock)

    with pytest.raises(AcceptTooLate) as refused:
        manager.accept(older.job_id, findings=BOTH, by="ann")

    assert refused.value.details == {"job_id": older.job_id, "held_since": newer.job_id}
    assert manager.accept(newer.job_id, findings=BOTH, by="ann").retry_of == newer.job_id


def test_what_was_published_since_is_not_overwritten_with_older_rows(
    manager: JobManager, clock: Clock
) -> None:
    held = hold(manager, clock)
    later = publish(manager, manager.create(a_job(clock)))

    with pytest.raises(AcceptTooLate) as refused:
        manager.accept(held.job_id, findings=BOTH, by="ann")

    assert refused.value.details == {"job_id": held.job_id, "published_by": later.job_id}


def test_what_is_published_between_look_and_write_is_seen(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    held = hold(manager, clock)
    late = interrupted(dynamodb, clock, lambda: publish(manager, manager.create(a_job(clock))))

    with pytest.raises(AcceptTooLate):
        late.accept(held.job_id, findings=BOTH, by="ann")

    assert manager.get(held.job_id).retried_by is None


def test_no_import_is_accepted_while_another_one_runs(manager: JobManager, clock: Clock) -> None:
    held = hold(manager, clock)
    running = manager.create(a_job(clock))

    with pytest.raises(ImportAlreadyRunning) as refused:
        manager.accept(held.job_id, findings=BOTH, by="ann")

    assert refused.value.details["job_id"] == running.job_id


def test_two_that_saw_different_findings_are_not_one(manager: JobManager, clock: Clock) -> None:
    """A job that was retried by hand, of an older Wellhead, has another successor."""
    held = hold(manager, clock)
    manager.create(held.retry(now=clock(), triggered_by="bob"))

    with pytest.raises((RetriedAlready, ImportAlreadyRunning)):
        manager.accept(held.job_id, findings=BOTH, by="ann")


# --- discarding


def test_a_discarded_job_stays_as_it_was_with_who_and_when(
    manager: JobManager, clock: Clock
) -> None:
    held = hold(manager, clock)
    clock.advance(60)

    gone = manager.discard(held.job_id, by="ann")

    assert (
        gone == replace(held, discarded_at=clock(), discarded_by="ann") == manager.get(held.job_id)
    )
    clock.advance(60)
    assert manager.discard(held.job_id, by="bob") == gone
    with pytest.raises(NotHeld):
        manager.accept(held.job_id, findings=BOTH, by="ann")


def test_what_was_accepted_is_not_discarded(manager: JobManager, clock: Clock) -> None:
    held = hold(manager, clock)
    new = manager.accept(held.job_id, findings=BOTH, by="ann")

    with pytest.raises(NotHeld) as refused:
        manager.discard(held.job_id, by="bob")

    assert refused.value.details == {"job_id": held.job_id, "retried_by": new.job_id}


def test_of_accept_and_discard_at_once_one_wins(
    manager: JobManager, clock: Clock, dynamodb: Any
) -> None:
    first, second = hold(manager, clock), None
    late = interrupted(dynamodb, clock, lambda: manager.discard(first.job_id, by="bob"))
    with pytest.raises(NotHeld):
        late.accept(first.job_id, findings=BOTH, by="ann")
    assert manager.lock().owner is None

    second = hold(manager, clock)
    late = interrupted(
        dynamodb, clock, lambda: manager.accept(second.job_id, findings=BOTH, by="ann")
    )
    with pytest.raises(NotHeld):
        late.discard(second.job_id, by="bob")
    assert manager.get(second.job_id).discarded_at is None


def test_the_rows_of_a_held_job_are_of_use_as_long_as_it_can_be_accepted(
    manager: JobManager, clock: Clock
) -> None:
    held = hold(manager, clock)
    newer = Snapshot(name="s", fence=9, rows=1, bytes=1, sha256="", job_id="other")

    def use(
        job: Job = held,
        *,
        now: float = clock(),
        newest: str = held.job_id,
        current: Snapshot | None = None,
    ) -> bool:
        return is_of_use(job, now=now, newest=newest, current=current)

    assert use()
    assert not use(now=clock() + ACCEPT_SECONDS + 1)
    assert not use(newest="another")
    assert not use(current=newer)
    assert not use(replace(held, discarded_at=clock()))


# --- a finding


def test_the_same_or_less_is_covered_by_what_was_accepted_and_more_is_not() -> None:
    accepted = [fingerprint_of(Check.NULLED, {"oil": 1000, "gas": 3.5})]

    assert is_covered(fingerprint_of(Check.NULLED, {"oil": 1000}), accepted)
    assert is_covered(fingerprint_of(Check.NULLED, {"oil": 999, "gas": 3.5 + 1e-12}), accepted)
    assert not is_covered(fingerprint_of(Check.NULLED, {"oil": 1001}), accepted)
    assert not is_covered(fingerprint_of(Check.NULLED, {"oil": 1, "water": 1}), accepted)
    assert not is_covered(fingerprint_of(Check.RESTATED, {"oil": 1}), accepted)
    assert not is_covered(fingerprint_of(Check.NULLED, {"oil": 1}), [])


def test_a_finding_comes_back_from_the_table_as_it_went_in_and_a_later_field_is_left_out() -> None:
    [finding, *_] = FINDINGS

    assert Finding.from_attributes(finding.to_attributes()) == finding
    assert Finding.from_attributes(finding.to_attributes() | {"colour": "red"}) == finding


def test_of_the_source_s_own_text_an_example_has_more_where_it_fits() -> None:
    rows = [{"problem": "p" * 500, "raw": sign * 4_000} for sign in "abc"]

    assert [(len(row["problem"]), len(row["raw"])) for row in few_examples(rows)] == [
        (120, 600),
        (120, 120),
        (120, 120),
    ]
    assert [len(row["raw"]) for row in few_examples([{"raw": "𝄞" * 4_000}] * 3)] == [120, 120, 120]


def test_examples_stay_few_and_short() -> None:
    rows = [{"raw": "é" * 10_000, "page": page} for page in range(9)]

    assert few_examples(rows) == [{"raw": "é" * 120, "page": page} for page in range(3)]
    assert few_examples([{f"column {n}": "é" * 120 for n in range(20)}]) == []
