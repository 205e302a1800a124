"""What the sweeper does with schedules:
what is due starts once, whoever dies, comes at once or has another clock.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation.dynamodb import InMemoryDynamoDb
from support.coordination import NOON, Clock, InterruptedTable, RecordingDispatcher, SilentTable

from chalicelib.errors import (
    DefinitionInvalid,
    Held,
    SourceUnavailable,
    StateUnavailable,
    WellheadError,
)
from chalicelib.jobs.cron import Cron
from chalicelib.jobs.dynamodb_item import from_item
from chalicelib.jobs.job import Job, JobStatus
from chalicelib.jobs.lock import Lease, Snapshot, same_source, source_key
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.notice import State
from chalicelib.jobs.outbox import Outbox
from chalicelib.jobs.schedule import Plan, Schedule
from chalicelib.jobs.schedules import Schedules
from chalicelib.jobs.table import Table
from chalicelib.jobs.timetable import Timetable

if TYPE_CHECKING:
    from chalicelib.jobs.notice import Notice

HOUR, MINUTE = 3600.0, 60.0
PLAN = Plan(
    source="north-sea", version=1, cron="0 * * * *", created_at=NOON + 1, updated_at=NOON + 1
)


class Office:
    """One table, the sources that are defined in it, and a sweeper with its clock."""

    def __init__(
        self, *plans: Plan, table: type[Table] | Any = Table, dynamodb: Any = None
    ) -> None:
        self.clock = Clock()
        self.dynamodb = dynamodb or InMemoryDynamoDb()
        self.table = table(
            dynamodb=cast("Any", self.dynamodb), name="wellhead-test", clock=self.clock
        )
        self.manager = JobManager(table=self.table, lease=Lease(), clock=self.clock)
        self.schedules = Schedules(table=self.table, clock=self.clock)
        self.dispatcher = RecordingDispatcher()
        self.plans: dict[str, Plan] = {}
        self.refused: set[str] = set()
        self.broken: set[str] = set()
        for plan in plans:
            self.define(plan)

    def define(self, plan: Plan) -> None:
        key, old = source_key(plan.source), self.plans.get(plan.source)
        when = same_source(old.version if old else 0)
        Table.transact(self.table, [self.table.put(key | {"version": plan.version}, when=when)])
        self.plans[plan.source] = plan

    def sweep(self, *plans: Plan) -> str | None:
        """The source that was started."""
        timetable = Timetable(
            schedules=self.schedules,
            job_manager=self.manager,
            dispatcher=self.dispatcher,
            source_id_of=self._source_id_of,
        )
        job = timetable.keep(lambda: list(plans or self.plans.values()))
        return job.source_name if job else None

    def _source_id_of(self, plan: Plan) -> str:
        if plan.source in self.broken:
            raise ZeroDivisionError
        if plan.source in self.refused:
            raise DefinitionInvalid(faults=[])
        return f"id of {plan.source}"

    def sweep_at(self, seconds: float) -> str | None:
        self.clock.now = NOON + seconds
        return self.sweep()

    def end(self, error: WellheadError | None = None, *, is_held: bool = False) -> Job:
        """Of the job that has the lock."""
        claim = self.manager.claim(str(self.manager.lock().owner), holder="w")
        if error:
            ended = (
                claim.job.hold(error, at=self.clock())
                if is_held
                else claim.job.fail(error, at=self.clock())
            )
            return self.manager.finish(claim, ended)
        before, job = self.manager.current_snapshot(), claim.job
        facts = {"fence": claim.fence, "job_id": job.job_id, "at": self.clock()}
        snapshot = Snapshot(
            name=f"wells-{claim.fence}",
            fence=claim.fence,
            rows=1,
            bytes=1,
            sha256="a",
            job_id=job.job_id,
            sources={**((before.sources if before else None) or {}), str(job.source_name): facts},
        )
        done = replace(job, status=JobStatus.COMPLETED, phase=None, completed_at=self.clock())
        return self.manager.finish(
            claim, done, snapshot=snapshot, base=before.name if before else None
        )

    def schedule(self, source: str = "north-sea") -> Schedule:
        return self.schedules.all()[source]

    def notices(self, kind: str) -> list[Notice]:
        return [notice for notice in Outbox(table=self.table).waiting() if notice.kind == kind]

    def jobs(self) -> list[Job]:
        return self.manager.history(limit=1000)[0][::-1]


def test_what_is_due_is_started_and_its_schedule_goes_on() -> None:
    office = Office(PLAN)

    started = [office.sweep_at(seconds) for seconds in (2, HOUR - 1, HOUR + 5, HOUR + 65)]

    assert started == [None, None, "north-sea", None]

    (job,) = office.jobs()
    contents = {sk: from_item(dict(item)) for (_, sk), item in office.dynamodb.items.items()}
    assert (job.triggered_by, job.source_name, job.source_version) == ("schedule", "north-sea", 1)
    assert contents["JOB#" + job.job_id]["source_id"] == "id of north-sea"
    assert office.dispatcher.dispatched == [job.job_id]
    assert contents["SCHEDULE#north-sea"] == {
        "pk": "SCHEDULE",
        "sk": "SCHEDULE#north-sea",
        "source": "north-sea",
        "turn": 2,
        "version": 1,
        "cron": "0 * * * *",
        "timezone": "",
        "created_at": NOON + 1,
        "due": NOON + 2 * HOUR,
        "last_due": NOON + HOUR,
        "last_job_id": job.job_id,
        "skipped": 0,
        "failures": 0,
    }


def test_what_was_missed_is_one_late_start_and_the_rest_is_counted() -> None:
    office = Office(PLAN)
    office.sweep_at(2)

    assert office.sweep_at(4.5 * HOUR) == "north-sea"

    seen = office.schedule()
    assert (seen.last_due, seen.due, seen.skipped) == (NOON + 4 * HOUR, NOON + 5 * HOUR, 3)


def test_what_is_due_while_an_import_runs_waits_for_it_and_the_oldest_comes_first() -> None:
    other = replace(PLAN, source="barents", cron="30 * * * *")
    third = replace(PLAN, source="dakota", cron="45 * * * *")
    office = Office(third, other, PLAN)
    office.sweep_at(2)
    started = [
        office.sweep_at(seconds) for seconds in (HOUR + 30, 1.8 * HOUR, 1.9 * HOUR)
    ]  # the first runs all along
    for _ in range(3):
        office.end()
        started.append(office.sweep_at(office.clock.now - NOON + MINUTE))

    # what was due first, at half past twelve and at a quarter to one, waited for the one of one
    # o'clock
    assert started == ["barents", None, None, "dakota", "north-sea", "barents"]


def test_an_import_by_hand_is_none_of_the_schedules_and_is_waited_for() -> None:
    office = Office(PLAN)
    office.sweep_at(2)
    by_hand = office.manager.create(
        replace(Job(job_id="0", created_at=NOON), source_name="north-sea")
    )

    assert office.sweep_at(HOUR) is None
    office.manager.cancel(by_hand.job_id)
    assert office.sweep_at(HOUR + 60) == "north-sea"


def test_of_two_sweepers_at_once_one_starts_it() -> None:
    dynamodb = InMemoryDynamoDb()
    first = Office(PLAN, dynamodb=dynamodb)
    first.sweep_at(2)
    first.clock.now = NOON + HOUR
    table: Any = lambda **options: InterruptedTable(first_starts, **options)  # noqa: E731

    def first_starts() -> None:
        assert first.sweep() == "north-sea"
        first.manager.cancel(first.jobs()[-1].job_id)  # and the lock is free again

    second = Office(table=table, dynamodb=dynamodb)
    second.plans, second.clock.now = first.plans, NOON + HOUR

    assert second.sweep() is None
    assert len(first.jobs()) == 1
    assert (second.sweep(), len(first.jobs())) == (None, 1)


def test_an_answer_that_got_lost_doubles_nothing() -> None:
    office = Office(PLAN)
    office.sweep_at(2)
    silent = Office(table=SilentTable, dynamodb=office.dynamodb)
    silent.plans = office.plans
    silent.clock.now = NOON + HOUR

    with pytest.raises(StateUnavailable):
        silent.sweep()

    office.end()
    assert office.sweep_at(HOUR + 60) is None
    assert [job.triggered_by for job in office.jobs()] == ["schedule"]


def test_a_definition_that_is_changed_at_that_moment_is_not_started_by_its_old_schedule() -> None:
    office = Office(PLAN)
    office.sweep_at(2)
    newer = replace(PLAN, version=2, cron="30 * * * *", updated_at=NOON + HOUR + 10)
    office.define(newer)
    office.clock.now = NOON + HOUR + 20

    assert office.sweep(PLAN) is None  # as another sweeper had read it before

    assert office.sweep() is None
    seen = office.schedule()
    assert (seen.cron, seen.due, seen.skipped) == ("30 * * * *", NOON + 1.5 * HOUR, 1)
    assert office.sweep(PLAN) is None
    assert office.schedule() == seen


def test_a_definition_with_the_same_schedule_loses_no_due_time() -> None:
    office = Office(PLAN)
    office.sweep_at(2)
    office.define(replace(PLAN, version=2, updated_at=NOON + HOUR + 10))

    assert office.sweep_at(HOUR + 20) == "north-sea"
    assert office.schedule().skipped == 0


def test_a_source_that_is_defined_anew_begins_anew() -> None:
    office = Office(PLAN)
    office.sweep_at(2)
    office.schedules.pause(PLAN, by="ada")
    again = replace(PLAN, version=3, created_at=NOON + 9 * HOUR, updated_at=NOON + 9 * HOUR)
    office.define(again)

    assert office.sweep_at(9 * HOUR + 60) is None
    assert office.schedule() == Schedule(
        source="north-sea",
        turn=3,
        version=3,
        cron="0 * * * *",
        created_at=NOON + 9 * HOUR,
        due=NOON + 10 * HOUR,
    )


def test_what_is_due_in_a_pause_is_skipped_and_counted() -> None:
    office = Office(PLAN)
    paused = office.schedules.pause(PLAN, by="ada")

    assert paused.pause is not None
    assert (paused.next_due, paused.pause.by, paused.pause.reason) == (
        None,
        "ada",
        "ada has paused it.",
    )
    assert office.schedules.pause(PLAN, by="rita") == paused
    assert office.sweep_at(2.5 * HOUR) is None

    resumed = office.schedules.resume(PLAN)
    assert (resumed.next_due, resumed.skipped, resumed.pause) == (NOON + 3 * HOUR, 2, None)
    assert office.schedules.resume(PLAN) == resumed
    assert (office.sweep(), office.sweep_at(3 * HOUR)) == (None, "north-sea")


def test_a_pause_at_that_very_moment_comes_first() -> None:
    office = Office(PLAN)
    office.sweep_at(2)
    pause = partial(office.schedules.pause, PLAN, by="ada")
    table: Any = partial(InterruptedTable, pause)
    late = Office(table=table, dynamodb=office.dynamodb)
    late.plans, late.clock.now = office.plans, NOON + HOUR

    assert late.sweep() is None
    assert office.jobs() == []


def test_imports_that_fail_one_after_the_other_pause_it_with_the_last_reason() -> None:
    plan = replace(PLAN, pause_after=3)
    office = Office(plan)
    office.sweep_at(2)
    ends: list[tuple[WellheadError | None, bool]] = [
        *((SourceUnavailable(), False), (SourceUnavailable(), False), (None, False)),
        *(
            (SourceUnavailable(), False),
            (Held(), True),
            (SourceUnavailable(), False),
            (SourceUnavailable(), False),
        ),
    ]
    for hour, (error, is_held) in enumerate(ends, start=1):
        assert office.sweep_at(hour * HOUR) == "north-sea"
        office.end(error, is_held=is_held)

    assert office.sweep_at(8 * HOUR) is None

    seen = office.schedule()
    assert seen.pause is not None
    assert (seen.pause.by, seen.pause.code) == (None, "SOURCE_UNAVAILABLE")
    assert (
        seen.pause.reason == "3 imports in a row have failed, the last one with SOURCE_UNAVAILABLE."
    )
    (notice,) = office.notices("schedule.paused")
    assert (
        notice.text
        == f"The schedule of north-sea is paused: {seen.pause.reason} Resume it when the cause is mended."
    )
    assert notice.facts["code"] == "SOURCE_UNAVAILABLE"
    resumed = office.schedules.resume(plan)
    assert (resumed.failures, resumed.pause, resumed.skipped) == (0, None, 1)
    assert office.sweep_at(9 * HOUR) == "north-sea"


def test_a_job_that_was_cancelled_or_removed_says_nothing_of_the_source() -> None:
    office = Office(replace(PLAN, pause_after=1))
    office.sweep_at(2)
    assert office.sweep_at(HOUR) == "north-sea"
    office.manager.cancel(office.jobs()[-1].job_id)
    assert office.sweep_at(2 * HOUR) == "north-sea"
    office.manager.cancel(office.jobs()[-1].job_id)
    del office.dynamodb.items["JOB", f"JOB#{office.jobs()[-1].job_id}"]

    assert office.sweep_at(3 * HOUR) == "north-sea"
    assert office.schedule().failures == 0


def test_a_definition_that_the_stack_refuses_by_now_pauses_its_schedule_and_no_others() -> None:
    office = Office(PLAN, replace(PLAN, source="dakota"))
    office.sweep_at(2)
    office.refused.add("north-sea")

    assert office.sweep_at(HOUR) == "dakota"
    pause = office.schedule().pause
    assert pause is not None
    assert pause.code == DefinitionInvalid.code
    assert [notice.facts["source"] for notice in office.notices("schedule.paused")] == ["north-sea"]


def test_what_is_too_old_is_told_once_until_it_is_fresh_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    office = Office(
        replace(PLAN, cron="", fresh_seconds=HOUR), replace(PLAN, source="dakota", cron="")
    )
    told = "the data of the source is older than it may be"
    for seconds, count, since in (
        (2, 0, None),
        (HOUR + 2, 1, NOON + 1 + HOUR),
        (HOUR + 62, 1, NOON + 1 + HOUR),
    ):
        office.sweep_at(seconds)
        assert [record.message for record in caplog.records].count(told) == count
        assert office.schedule().stale_since == since
    office.manager.create(replace(Job(job_id="0", created_at=NOON), source_name="north-sea"))
    office.end()
    office.sweep()
    assert office.schedule().stale_since is None
    office.sweep_at(3 * HOUR)

    assert [record.message for record in caplog.records].count(told) == 2
    assert office.schedule().stale_since == NOON + 2 * HOUR + 62
    assert [
        (notice.key, notice.facts.get("last_job_id"), notice.text)
        for notice in office.notices("source.stale")
    ] == [
        (
            "stale-north-sea-2",
            None,
            "No import of north-sea is complete for more than 1 h. There was none yet.",
        ),
        (
            "stale-north-sea-4",
            "0",
            "No import of north-sea is complete for more than 1 h. The last one is job 0.",
        ),
    ]
    assert list(office.schedules.all()) == ["north-sea"]


def test_data_that_is_as_old_as_it_was_once_before_is_told_of_again() -> None:
    """A rollback brings the same moment twice, and so does a limit that is raised and lowered."""
    plan = replace(PLAN, fresh_seconds=HOUR, updated_at=NOON + 1.5 * HOUR)
    office = Office(plan)
    outbox = Outbox(table=office.table, clock=office.clock)
    for version, hours in ((2, 10), (3, 1)):
        office.sweep_at(HOUR + 10 * version)
        for notice in outbox.waiting():
            taken = outbox.take(notice, ["events"])
            assert taken
            sent = {"events": replace(taken.deliveries["events"], state=State.SENT)}
            assert outbox.note(taken.with_deliveries(sent))
        office.define(replace(plan, version=version, fresh_seconds=hours * HOUR))

    assert office.sweep_at(2 * HOUR) == "north-sea"

    told = [notice for notice in outbox.latest(9) if notice.kind == "source.stale"]
    assert len({notice.key for notice in told}) == len(told) == 2
    assert len({notice.facts["stale_since"] for notice in told}) == 1


def test_a_zone_that_cannot_be_read_any_more_stops_no_other_source() -> None:
    odd = replace(PLAN, source="odd", timezone="Mars/Olympus_Mons")
    office = Office(odd, PLAN)
    office.sweep_at(2)

    assert office.sweep_at(HOUR) == "north-sea"

    pause = office.schedule("odd").pause
    assert pause is not None
    assert pause.reason == '"0 * * * *" in the zone "Mars/Olympus_Mons" cannot be read here.'
    assert [notice.facts["source"] for notice in office.notices("schedule.paused")] == ["odd"]
    office.define(replace(odd, version=2, timezone="America/Chicago", updated_at=NOON + HOUR + 60))
    office.schedules.resume(office.plans["odd"])
    office.end()
    assert office.sweep_at(2 * HOUR) in ("north-sea", "odd")
    assert office.schedule("odd").pause is None


def test_a_source_that_nobody_can_start_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    office = Office(
        replace(PLAN, source="broken"), replace(PLAN, source="dakota", cron="2 13 * * *")
    )
    office.sweep_at(2)
    office.broken.add("broken")

    assert office.sweep_at(HOUR + 125) == "dakota"
    assert "what is due cannot be started; the others go on" in [
        record.message for record in caplog.records
    ]


@settings(max_examples=40)
@given(
    cron=st.sampled_from(["*/20 * * * *", "30 * * * *", "30 1,2,3 * * *", "0 1-2 * * *"]),
    begin=st.sampled_from(
        [1_741_503_600.0, 1_762_063_200.0]
    ),  # an hour before clocks go forward and back in Chicago
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("sweep"), st.integers(20, 4000)),
            st.tuples(st.just("end"), st.just(0)),
            st.tuples(st.sampled_from(["pause", "resume"]), st.just(0)),
            st.tuples(st.just("jump"), st.sampled_from([-7200, -600, 600, 9000])),
        ),
        max_size=25,
    ),
)
def test_every_due_time_is_started_once_or_skipped(
    cron: str, begin: float, steps: list[tuple[str, int]]
) -> None:
    """Whatever becomes of imports, sweepers and their clocks."""
    plan = replace(PLAN, cron=cron, timezone="America/Chicago", created_at=begin, updated_at=begin)
    office = Office(plan)
    office.clock.now = begin
    started: list[float | None] = []
    for what, seconds in [*steps, ("end", 0), ("resume", 0), ("sweep", 0)]:
        office.clock.advance(seconds)
        if what in ("sweep", "jump"):
            started += [office.schedule().last_due] if office.sweep() else []
        elif what == "end" and office.manager.lock().owner:
            office.end()
        elif what != "end":
            act = (
                office.schedules.resume
                if what == "resume"
                else lambda plan: office.schedules.pause(plan, by="ada")
            )
            act(plan)

    seen = office.schedule()
    assert seen.due is not None
    were_due = list(
        takewhile(lambda at: at < (seen.due or 0), Cron(cron, "America/Chicago").after(begin))
    )
    assert len(set(started)) == len(started) == len(office.jobs())
    assert set(started) <= set(were_due)
    assert len(were_due) == len(started) + seen.skipped
