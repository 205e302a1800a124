"""Schedule: when a source is due next, and what became of the times when it was. Pure: no clock, no
I/O.

    due ──── now: started, once; `due` goes on to the next time
    due ── missed ── missed ──── now: one late start, and the times before the latest are skipped, and counted
    due ──── paused ──── resumed: the times between are skipped, and counted

What a definition says is the Plan; the table's item is the Schedule, which follows the plan's
newest version.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from .cron import Cron
from .dynamodb_item import without_none
from .job import JobStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .job import Job

TRIGGER = "schedule"  # what such a job was triggered by


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the definition of a source says of it. Times are epoch seconds; `created_at` is another
    one when the source was deleted and defined anew. Without `fresh_seconds` its data may be of any
    age.
    """

    source: str
    version: int
    cron: str = ""
    timezone: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    fresh_seconds: float | None = None
    pause_after: int = 5

    @property
    def is_kept(self) -> bool:
        """Whether there is anything to do for it."""
        has_times = bool(self.cron)
        has_age = self.fresh_seconds is not None
        return has_times or has_age


@dataclass(frozen=True, kw_only=True)
class Pause:
    """`by` is who paused it, None where it was its failures;
    then `code` is that of the last one.
    """

    at: float
    by: str | None = None
    reason: str
    code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """`turn` rises with each write. `due` is the first time that was neither started nor skipped;
    None when there is none to come. `skipped` counts the due times that were not started since the
    source was created, `failures` its imports that failed one after the other, `judged` is the last
    one that was counted. `stale_since` is when it was seen to be stale.
    """

    source: str
    turn: int = 0
    version: int = 0
    cron: str = ""
    timezone: str = ""
    created_at: float = 0.0
    due: float | None = None
    last_due: float | None = None
    last_job_id: str | None = None
    skipped: int = 0
    failures: int = 0
    judged: str | None = None
    pause: Pause | None = None
    stale_since: float | None = None

    @classmethod
    def of_item(cls, item: Mapping[str, Any]) -> Schedule:
        values = {name: item[name] for name in _FIELDS if name in item}
        if "pause" in item:
            values["pause"] = Pause(**item["pause"])
        return cls(**values)

    def to_item(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in _FIELDS}
        if self.pause:
            values["pause"] = without_none(vars(self.pause))
        return without_none(values)

    @property
    def next_due(self) -> float | None:
        return None if self.pause else self.due

    @property
    def is_judged(self) -> bool:
        """Whether the end of its last job is known:
        who starts the next one before loses what it says.
        """
        return self.last_job_id == self.judged

    def is_due(self, now: float) -> bool:
        return self.next_due is not None and self.next_due <= now

    # -- what becomes of it; none of these writes ---------------------------------------------

    def follow(self, plan: Plan) -> Schedule:
        """As the newest definition says.
        Another cron or zone begins anew with the definition, and what was due before is skipped.
        """
        if plan.version <= self.version:
            return self

        definition: dict[str, Any] = {
            "version": plan.version,
            "cron": plan.cron,
            "timezone": plan.timezone,
            "created_at": plan.created_at,
        }
        is_another_source = self.created_at != plan.created_at  # which had this name before
        if is_another_source:
            empty = Schedule(source=self.source, turn=self.turn)
            return replace(empty, due=_first_due(plan), **definition)

        has_same_times = (self.cron, self.timezone) == (plan.cron, plan.timezone)
        if has_same_times:
            return replace(self, **definition)

        # The old times up to the change, the new ones from then on.
        skipped = self._skip(plan.updated_at)
        return replace(skipped, due=_first_due(plan), **definition)

    def start(self, job_id: str, *, now: float) -> Schedule:
        """What was due has been started: the latest due time, for all that were missed.

        Due at 5:00, 6:00 and 7:00, and it is 7:10: one start, for 7:00, two are skipped, and due
        again at 8:00.
        """
        if self.due is None:
            return self
        latest, count = self._times.past(self.due, now)
        # From now on: after a long standstill `latest` is the last one that was counted.
        next_due = self._times.next(max(now, latest))
        return replace(
            self,
            due=next_due,
            last_due=latest,
            last_job_id=job_id,
            skipped=self.skipped + count - 1,  # all but the one that is started
        )

    def judge(self, last_job: Job | None, *, pause_after: int, now: float) -> Schedule:
        """With the end of the job that it started last; None when its item is gone.
        A job that is held waits for a word, and one that was cancelled says nothing of the source.
        """
        if last_job and not last_job.status.final:
            return self

        schedule = replace(self, judged=self.last_job_id)
        if last_job is None or last_job.is_held or last_job.status is JobStatus.CANCELLED:
            return schedule
        if last_job.status is JobStatus.COMPLETED:
            return replace(schedule, failures=0)

        schedule = replace(schedule, failures=self.failures + 1)
        if schedule.failures < pause_after or schedule.pause:
            return schedule  # a pause that is there keeps its reason

        code = (last_job.error or {}).get("code")
        reason = f"{schedule.failures} imports in a row have failed, the last one with {code}."
        return replace(schedule, pause=Pause(at=now, reason=reason, code=code))

    def stop(self, *, by: str, now: float) -> Schedule:
        """Paused by hand; one that is paused stays as it is."""
        if self.pause:
            return self
        pause = Pause(at=now, by=by, reason=f"{by} has paused it.")
        return replace(self, pause=pause)

    def resume(self, *, now: float) -> Schedule:
        """What was due meanwhile is skipped, and its failures are forgotten."""
        if not self.pause:
            return self
        schedule = self._skip(now)
        if schedule.due is None and self.cron:  # its cron could not be read before
            schedule = replace(schedule, due=self._times.next(now))
        return replace(schedule, pause=None, failures=0, judged=self.last_job_id)

    def _skip(self, until: float) -> Schedule:
        """Its due times up to this moment."""
        if self.due is None or self.due > until:
            return self
        _, count = self._times.past(self.due, until)
        next_due = self._times.next(until)
        return replace(self, due=next_due, skipped=self.skipped + count)

    @property
    def _times(self) -> Cron:
        return Cron(self.cron, self.timezone)


def _first_due(plan: Plan) -> float | None:
    if not plan.cron:
        return None
    times = Cron(plan.cron, plan.timezone)
    return times.next(plan.updated_at)


_FIELDS = [each.name for each in fields(Schedule)]


def schedule_view(schedule: Schedule | None) -> dict[str, Any]:
    """What is shown of it beside its source."""
    if schedule is None:
        schedule = Schedule(source="")
    return {
        "next_due": schedule.next_due,
        "last_due": schedule.last_due,
        "last_due_job_id": schedule.last_job_id,
        "skipped": schedule.skipped,
        "paused": vars(schedule.pause) if schedule.pause else None,
    }
