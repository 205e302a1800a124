"""Timetable: what the sweeper does with the schedules every minute.

    sweeper S   reads: due, turn 7 ── creates the job, with turn 8, if the turn is 7 and the lock free ✓
    sweeper T   reads: due, turn 7 ─────── creates ✗ (the turn is 8) ── nothing

The job and the step of its schedule are one transaction, so nothing is lost or doubled between
them. One import runs at a time: what is due while another one runs waits for the lock, and the
oldest due time comes first.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.errors import (
    DefinitionInvalid,
    ImportAlreadyRunning,
    ScheduleMoved,
    SourceRedefined,
    SourceUnknown,
    StateUnavailable,
)
from chalicelib.metrics import record

from .cron import Cron
from .dynamodb_item import without_none
from .freshness import notice_of_age, stale_since
from .job import new_job
from .notice import PAUSED, new_notice
from .schedule import TRIGGER, Pause, Plan, Schedule
from .starting import start_due
from .table import ConditionRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .dispatcher import Dispatcher
    from .job import Job
    from .manager import JobManager
    from .notice import Notice
    from .schedules import Schedules

log = logging.getLogger(__name__)


class Timetable:
    """`source_id_of` tells which settings an import of the plan has;
    it raises DefinitionInvalid, SourceUnknown.
    """

    def __init__(
        self,
        *,
        schedules: Schedules,
        job_manager: JobManager,
        dispatcher: Dispatcher,
        source_id_of: Callable[[Plan], str],
    ) -> None:
        self._schedules = schedules
        self._job_manager = job_manager
        self._dispatcher = dispatcher
        self._source_id_of = source_id_of

    def keep(self, plans: Callable[[], Iterable[Plan]]) -> Job | None:
        """Every schedule follows its source's definition and the end of its last import, what has
        grown too old is told, and of what is due the oldest is started; its job. `plans` are read
        after the schedules, so none is older than what its schedule follows. Raises
        StateUnavailable.
        """
        schedules = self._schedules.all()
        current = self._job_manager.current_snapshot()
        published = (current.sources if current else None) or {}
        pairs: list[tuple[Plan, Schedule]] = []
        for plan in plans():
            old = schedules.get(plan.source)
            if old is None and not plan.is_kept:
                continue
            old = old or Schedule(source=plan.source)
            new = self._try_update(plan, old, published.get(plan.source))
            if new:
                pairs.append((plan, new))
        stale = sum(schedule.stale_since is not None for _, schedule in pairs)
        record("the schedules are looked at", {"StaleSources": stale})
        return self._start_oldest(pairs)

    def _try_update(
        self, plan: Plan, old: Schedule, published: Mapping[str, Any] | None
    ) -> Schedule | None:
        """What is wrong with one source stops no other one's schedule. Raises StateUnavailable."""
        try:
            return self._update(plan, old, published)
        except StateUnavailable:
            raise
        except Exception:
            text = "the schedule cannot be looked at; the others go on"
            log.exception(text, extra={"source": plan.source})
            return None

    def _update(
        self, plan: Plan, old: Schedule, published: Mapping[str, Any] | None
    ) -> Schedule | None:
        """The schedule as it is now, and stored so. None when somebody else has written it
        meanwhile, or the plan is not the newest any more: the next look is in a minute.
        """
        now = self._schedules.now
        new = old.follow(plan)
        if new.version != plan.version:
            return None
        if new.last_job_id and not new.is_judged:
            last_job = self._job_manager.find(new.last_job_id)
            new = new.judge(last_job, pause_after=plan.pause_after, now=now)
        new = replace(new, stale_since=stale_since(plan, published, now=now))
        if plan.cron and not new.pause and not Cron(plan.cron, plan.timezone).is_readable:
            reason = f'"{plan.cron}" in the zone "{plan.timezone or "UTC"}" cannot be read here.'
            new = replace(new, pause=Pause(at=now, reason=reason, code=DefinitionInvalid.code))
        if new == old:  # as nearly always: then nothing is written
            return old
        # Each is told when it begins, in the transaction that writes the schedule.
        notices = []
        if new.stale_since and new.stale_since != old.stale_since:
            notices.append(notice_of_age(plan, published, new, at=now))
        if new.pause and not old.pause:
            notices.append(_notice_of_pause(new, new.pause))
        try:
            return self._schedules.write(new, *notices)
        except ConditionRefused:
            return None

    def _start_oldest(self, pairs: Iterable[tuple[Plan, Schedule]]) -> Job | None:
        if self._job_manager.lock().owner is not None:
            return None
        # A schedule whose last import is not judged yet may be about to be paused.
        now = self._schedules.now
        due = [
            (plan, schedule)
            for plan, schedule in pairs
            if schedule.is_judged and schedule.is_due(now)
        ]
        for plan, schedule in sorted(due, key=_due_time):
            try:
                return self._start(plan, schedule)
            except ImportAlreadyRunning:
                return None
            except DefinitionInvalid as exc:
                self._give_up(schedule, exc)
            except (ScheduleMoved, SourceRedefined, SourceUnknown):
                continue  # another sweeper has started it, or it is defined anew
            except StateUnavailable:
                raise
            except Exception:
                text = "what is due cannot be started; the others go on"
                log.exception(text, extra={"source": plan.source})
        return None

    def _start(self, plan: Plan, schedule: Schedule) -> Job:
        now = self._schedules.now
        job = new_job(
            now=now,
            triggered_by=TRIGGER,
            parameters={},
            source_id=self._source_id_of(plan),
            source_name=plan.source,
            source_version=plan.version,
        )
        advanced = schedule.start(job.job_id, now=now)
        advanced = replace(advanced, turn=schedule.turn + 1)
        job = start_due(
            job,
            advanced=advanced,
            job_manager=self._job_manager,
            dispatcher=self._dispatcher,
        )
        late = now - (advanced.last_due or now)
        skipped = advanced.skipped - schedule.skipped
        text = (
            f"what was due {late:.0f} s ago is started, {skipped} due times before it are skipped"
        )
        log.info(text, extra={"job_id": job.job_id, "source": plan.source})
        return job

    def _give_up(self, schedule: Schedule, error: DefinitionInvalid) -> None:
        """This stack does not allow any more what the definition says:
        nothing starts until one of them is changed.
        """
        reason = f"The definition is refused by now: {error.message}"
        pause = Pause(
            at=self._schedules.now,
            reason=reason,
            code=error.code,
        )
        notice = _notice_of_pause(schedule, pause)
        try:
            self._schedules.write(replace(schedule, pause=pause), notice)
        except ConditionRefused:
            return  # somebody has written it since: the next look finds what


def _due_time(pair: tuple[Plan, Schedule]) -> float:
    _, schedule = pair
    return schedule.due or 0.0


def _notice_of_pause(schedule: Schedule, pause: Pause) -> Notice:
    """Of one that nobody asked for.
    `schedule` is as it was before the write, whose turn makes the key.
    """
    source = schedule.source
    names = {"source": source, "code": pause.code}
    log.warning("the schedule is paused: %s", pause.reason, extra=names)
    facts = {
        "source": source,
        "code": pause.code,
        "last_job_id": schedule.last_job_id,
        "text": f"The schedule of {source} is paused: {pause.reason} Resume it when the cause is mended.",
    }
    key = f"paused-{source}-{schedule.turn + 1}"
    return new_notice(
        kind=PAUSED,
        key=key,
        at=pause.at,
        facts=without_none(facts),
    )
