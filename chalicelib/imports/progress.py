"""Progress: the job of an import as it stands now, and its reports to the JobManager."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalicelib.jobs.job import JobStatus, Phase
from chalicelib.store.columns import WARNING_RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chalicelib.jobs.lock import Claim, Snapshot
    from chalicelib.jobs.manager import JobManager

REPORT_SECONDS = 1.0  # between two signs of life

log = logging.getLogger(__name__)


class Progress:
    """`job` is the newest state, whether it is stored yet or not.
    Whatever reports raises LeaseLost, CancelRequested, StateUnavailable.
    """

    def __init__(
        self,
        *,
        claim: Claim,
        job_manager: JobManager,
        lease_seconds: float,
        clock: Callable[[], float],
        keep_log: Callable[..., None] = lambda **_: None,
    ) -> None:
        self.job = claim.job
        self._claim = claim
        self._job_manager = job_manager
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._keep_log = keep_log
        self._reported_at = self._phase_began_at = clock()
        self._every = REPORT_SECONDS

    def change(self, **values: Any) -> None:
        """Other values of the job's fields; the next report stores them."""
        is_news = any(getattr(self.job, name) != value for name, value in values.items())
        if is_news:  # with most pages it is none, and a job has many fields to copy
            self.job = replace(self.job, **values)

    def set_stats(self, **stats: Any) -> None:
        self.change(stats={**self.job.stats, **stats})

    def add_seconds(self, name: str, seconds: float) -> None:
        before = self.job.stats.get(name, 0.0)
        together = round(before + seconds, 3)
        self.set_stats(**{name: together})

    def beat(self) -> None:
        """A sign of life, stored at most once a second."""
        if self._clock() - self._reported_at >= self._every:
            self.report()

    def note(self, event: str, *, lease_seconds: float | None = None, **facts: Any) -> None:
        """An event on the job's time line, stored at once."""
        now = self._clock()
        self.job = self.job.with_event(now, event, **facts)
        extra = {"page": facts.get("page"), "rows": facts.get("records")}
        log.info(event, extra=extra)
        self.report(lease_seconds)

    def enter(self, phase: Phase, *, seconds: float) -> None:
        """The lease of a phase without heartbeats is as long as the phase may take."""
        self.count_seconds()
        self.change(phase=phase, waiting=None)
        self.note(phase.lower(), lease_seconds=self._lease_seconds + seconds)
        self._keep_log(at_once=True)  # the next report may be minutes away

    def count_seconds(self) -> None:
        """What the phase that ends has taken, over all attempts."""
        now = self._clock()
        phase = str(self.job.phase).lower()
        self.add_seconds(f"{phase}_seconds", now - self._phase_began_at)
        self._phase_began_at = now

    def complete(
        self, snapshot: Snapshot, *, base: str | None, warnings: Mapping[str, int]
    ) -> None:
        """The job ends and the snapshot made from `base` is published, or neither."""
        self.count_seconds()
        now = self._clock()
        self.change(
            status=JobStatus.COMPLETED,
            phase=None,
            completed_at=now,
            progress_percentage=100.0,
            waiting=None,
            warnings=_warnings(warnings),
        )
        self.job = self.job.with_event(now, "completed", records=self.job.total_records)
        self.job = self._job_manager.finish(self._claim, self.job, snapshot=snapshot, base=base)

    def hold(self, warnings: Mapping[str, int]) -> None:
        """Nothing was published: what would have become of the rows, the diff tells."""
        self.count_seconds()
        self.change(
            new_records=0,
            updated_records=0,
            duplicate_records=0,
            withdrawn_records=0,
            warnings=_warnings(warnings),
        )

    def report(self, lease_seconds: float | None = None) -> None:
        """The job as it is now is stored and the lease renewed.
        Raises LeaseLost, CancelRequested, StateUnavailable.
        """
        self._store(lease_seconds)
        self._reported_at = self._clock()
        self._keep_log()

    def _store(self, lease_seconds: float | None) -> None:
        self.job = self._job_manager.progress(
            self._claim, self.job.with_progress(), lease_seconds=lease_seconds
        )


def _warnings(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"rule": rule, "count": count, "message": WARNING_RULES[rule]}
        for rule, count in counts.items()
    ]
