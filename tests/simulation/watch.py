"""The watch: what must hold after every write and at the end, whatever the weather.

Each `violation` is named for the promise it breaks; the mutants name the one that catches them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.imports.part_reading import PAGES_OF_A_PART
from chalicelib.jobs.dynamodb_item import from_item
from chalicelib.jobs.job import JobStatus
from chalicelib.jobs.schedule import TRIGGER, Plan
from chalicelib.jobs.table_time import CLOSE_SECONDS
from chalicelib.warehouse.names import SegmentRun, segment_names

from .scheduler import NOON, Ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from .dynamodb import Written
    from .production import Contents, Row
    from .scheduler import Actor, Scheduler

FORESEEN = {
    "LEASE_EXPIRED",
    "DISPATCH_FAILED",
    "NO_PROGRESS",
    "TOO_MANY_ATTEMPTS",
    "SOURCE_UNAVAILABLE",
    "WAREHOUSE_UNAVAILABLE",
    "HELD",
}
OTHERS = ("retried_by", "discarded_at", "discarded_by")  # what is added to a job that has ended
LATEST_START = 180.0  # seconds after a due time, when nobody is at work
KEYED = " with key "  # in the name of a caller who sends one
Values = dict[str, Any]


@dataclass(frozen=True)
class Violation:
    promise: str
    facts: tuple[object, ...]


class Watch:
    """`files` are those of the warehouse. The first broken promise ends the simulation."""

    def __init__(
        self, *, scheduler: Scheduler, contents: Contents, files: dict[str, bytes]
    ) -> None:
        self.violations: list[Violation] = []
        self.jobs: dict[str, Values] = {}
        self.lock: Values = {}
        self.pointer: Values | None = None
        self.published: list[str] = []  # the jobs whose data became current, in order
        self.wells: dict[str, int] = {}  # what the current data must be
        self.note: Callable[[str, object], None] = lambda what, outcome: None
        self._scheduler = scheduler
        self._contents = contents
        self._files = files
        self._holder: Actor | None = None
        self._lease_writer: Actor | None = None
        self._open_since: dict[str, float] = {}
        self._open_until: dict[str, float] = {}
        self._given_up: set[str] = set()
        self.parts: dict[str, dict[str, Values]] = {}  # by plan and number
        self.has_waiting_notices: Callable[[], bool] = lambda: False
        self.told: set[str] = set()  # the keys of what a receiver has heard
        self.plan: Plan | None = None  # where the source has a schedule
        self.schedule: Values = {}
        self._changes = 0
        self._newest = 0  # version of the source among the rows that were published

    @property
    def version(self) -> int:
        """Of the source: it changes with each published import, and now and then."""
        return len(self.published) + self._changes

    def source_changes(self) -> None:
        self._changes += 1
        self.note("the source changes", f"version {self.version}")

    def given_up(self, job_id: str) -> None:
        """All deliveries of an event for the job have failed."""
        self._given_up.add(job_id)

    @property
    def open_jobs(self) -> list[str]:
        return [job_id for job_id in self._open_since if job_id not in self._open_until]

    def on_write(self, written: Written) -> None:
        changes = {after["sk"]["S"]: from_item(dict(after)) for _, after in written.values()}
        notices = [values for name, values in changes.items() if name.startswith("NOTICE#")]
        ends = self._ends(changes)
        for part in [values for values in changes.values() if values["pk"].startswith("PART#")]:
            self._see_part(part)
        jobs = [values for name, values in changes.items() if name.startswith("JOB#")]
        self._see_schedule(
            next((values for values in changes.values() if values["pk"] == "SCHEDULE"), None), jobs
        )
        for job in jobs:
            self._see_job(job)
        if "LOCK#import" in changes:
            self._see_lock(changes["LOCK#import"], jobs)
        elif any("heartbeat_at" in job and self._role() == "worker" for job in jobs):
            self._expect(
                self._scheduler.running is self._holder,
                "one writer",
                "a worker without the lock wrote",
            )
        if "WAREHOUSE#current" in changes:
            self._see_pointer(changes["WAREHOUSE#current"])
        self._see_whole()
        self._see_notices(notices, ends)

    # -- what is written ----------------------------------------------------------------------

    def _see_job(self, job: Values) -> None:
        job_id, before = job["job_id"], self.jobs.get(job["job_id"])
        self.jobs[job_id] = job
        self.note("", job)
        self._open_since.setdefault(job_id, self._scheduler.now)
        is_final = JobStatus(job["status"]).final
        if is_final:
            self._open_until.setdefault(job_id, self._scheduler.now)
        if before:
            was_final = JobStatus(before["status"]).final
            link = {name: job[name] for name in OTHERS if name in job and name not in before}
            self._expect(
                not was_final or before | link == job, "final states never change", before, job
            )
            self._expect(_progress(job) >= _progress(before), "progress never falls", before, job)
        is_full = _progress(job) == 100.0
        self._expect(is_full == (job["status"] == "COMPLETED"), "100 % is COMPLETED", job)
        if job["status"] == "FAILED":
            self._expect(
                job["error"]["code"] in FORESEEN, "a job fails for a foreseen reason", job["error"]
            )
        if "retried_by" in job:
            self._expect("discarded_at" not in job, "nothing goes on from what was discarded", job)

    def _ends(self, changes: dict[str, Values]) -> set[str]:
        """The jobs that come to their end by these writes."""
        jobs = [values for name, values in changes.items() if name.startswith("JOB#")]
        final = {job["job_id"] for job in jobs if JobStatus(job["status"]).final}
        return final - set(self._open_until)

    def _see_notices(self, notices: list[Values], ends: set[str]) -> None:
        written = {
            notice["key"]
            for notice in notices
            if notice["version"] == 0 and "job_id" in notice["facts"]
        }
        self._expect(written == ends, "an end has its notice", written, ends)
        for notice in notices:
            is_told = notice["pk"] == "OUTBOX" or notice["key"] in self.told
            self._expect(is_told, "what is noted as sent was sent", notice)

    def _see_schedule(self, schedule: Values | None, jobs: list[Values]) -> None:
        """Each due time that it leaves behind is started,
        by a job that comes with it, or skipped and counted.
        """
        due = [
            job["job_id"]
            for job in jobs
            if job["job_id"] not in self.jobs and job["triggered_by"] == TRIGGER
        ]
        promise = "each due time is started once or skipped"
        if schedule is None:
            self._expect(not due, promise, due)
            return
        before, self.schedule = self.schedule, schedule
        self.note("the schedule", f"turn {schedule['turn']}, due at {schedule.get('due')}")
        self._expect(schedule["turn"] == before.get("turn", 0) + 1, promise, before, schedule)
        started = (
            [schedule["last_job_id"]]
            if schedule.get("last_job_id") != before.get("last_job_id")
            else []
        )
        self._expect(started == due, promise, before, schedule, due)
        is_early = due and before["due"] > self._scheduler.now + CLOSE_SECONDS
        self._expect(not is_early, "nothing starts before it is due", before)
        left = [at for at in self._due_times if before.get("due", 0.0) <= at < schedule["due"]]
        skipped = schedule["skipped"] - before.get("skipped", 0)
        self._expect(not before or len(left) == len(started) + skipped, promise, before, schedule)

    @property
    def _due_times(self) -> list[float]:
        """All of them, as anybody reads them off the plan: minutes of the hour that begins now."""
        assert self.plan is not None
        told = [part.split("-") for part in self.plan.cron.split()[0].split(",")]
        return [
            NOON + 60.0 * minute
            for part in told
            for minute in range(int(part[0]), int(part[-1]) + 1)
        ]

    def _see_part(self, part: Values) -> None:
        self._expect(
            self._scheduler.running is self._holder,
            "one writer",
            "a worker without the lock wrote a part",
        )
        before = self.parts.setdefault(part["pk"], {}).get(part["sk"])
        is_latest = (
            not before or part["attempt"] >= before["attempt"] or part["fence"] > before["fence"]
        )
        self._expect(is_latest, "a part is written by its latest attempt", before, part)
        self.parts[part["pk"]][part["sk"]] = part

    def _see_lock(self, lock: Values, jobs: list[Values]) -> None:
        before, self.lock = self.lock, lock
        actor = self._scheduler.running
        self.note("", lock)
        self._expect(lock["fence"] >= before.get("fence", 0), "the fence never falls", before, lock)
        claims = lock.get("holder") not in (None, before.get("holder"))
        if claims:
            self._expect(
                lock["fence"] > before["fence"], "each claim raises the fence", before, lock
            )
        elif self._role() == "worker":
            self._expect(actor is self._holder, "one writer", before, lock)
        if before.get("owner"):
            self._see_handing(before, lock, jobs)
        if claims:
            self._holder = actor
        elif "holder" not in lock:
            self._holder = None
        self._lease_writer = actor

    def _see_handing(self, before: Values, lock: Values, jobs: list[Values]) -> None:
        """Who takes a place that another may still think its own."""
        actor, writer = self._scheduler.running, self._lease_writer
        assert writer is not None
        believed = writer.skew if abs(writer.skew) <= CLOSE_SECONDS else 0.0
        is_over = self._scheduler.now + believed > before["lease_until"]
        if (
            "holder" in before
            and lock.get("holder") != before["holder"]
            and actor is not self._holder
        ):
            self._expect(is_over, "a place is taken when its lease is over", before, lock)
        elif "holder" not in before and "owner" not in lock:
            asked = [job for job in jobs if job["status"] == "CANCELLED"]
            hopeless = [
                job for job in jobs if job["job_id"] in self._given_up and not job["attempt"]
            ]
            self._expect(
                is_over or bool(asked or hopeless),
                "a waiting job ends when its lease is over",
                before,
                lock,
            )
        if lock.get("owner") not in (None, before["owner"]):
            self._expect(is_over, "a place is taken when its lease is over", before, lock)

    def _see_pointer(self, pointer: Values) -> None:
        before, self.pointer = self.pointer, pointer
        self._expect(
            before is None or pointer["fence"] > before["fence"],
            "the pointer moves forward",
            before,
            pointer,
        )
        job = self.jobs.get(pointer["job_id"], {})
        is_whole = (job.get("status"), job.get("fence")) == ("COMPLETED", pointer["fence"])
        self._expect(is_whole, "no published file without its COMPLETED job", before, pointer, job)
        stored = json.loads(self._content(pointer))
        rows = self._see_rows(stored["runs"][-1][1], job)
        self.wells |= {well: oil for _, _, well, oil, _ in rows}
        self.published.append(pointer["job_id"])
        runs = [job_id for job_id, _ in stored["runs"]]
        self._expect(runs == self.published, "each import once", runs, self.published)
        self._expect(
            stored["wells"] == self.wells, "published data equals the model", stored, self.wells
        )

    def _see_rows(self, places: list[list[int]], job: Values) -> list[Row]:
        """The rows that were imported:
        each page whole and as it was at one moment, and those of a part in order.
        """
        parts = {page % PAGES_OF_A_PART: page // PAGES_OF_A_PART for page, *_ in places}
        places = [[page % PAGES_OF_A_PART, *more] for page, *more in places]
        versions = {page: version for page, _, version in places}
        rows = [
            row
            for page, version in sorted(versions.items())
            for row in self._contents.page(page, version)
        ]
        expected = [[page, position, version] for page, position, *_, version in rows]
        self._expect(
            places == expected and len(versions) == self._contents.pages,
            "each row once",
            places,
            expected,
        )
        for part in set(parts.values()):
            in_order = [versions[page] for page in sorted(versions) if parts[page] == part]
            self._expect(
                in_order == sorted(in_order) and in_order[-1] <= self.version,
                "pages come in order",
                in_order,
            )
            self._expect(
                in_order[0] >= self._newest, "no older row is published", in_order, self._newest
            )
        self._newest = max(versions.values())
        odd = max((version for *_, version in rows if version in self._contents.odd), default=None)
        told = [] if odd is None else [f"NULLED oil_production_kbd={1000.0 + odd}"]
        self._expect(
            set(told) <= set(job["accepted"]),
            "what is odd is published when it was accepted",
            told,
            job,
        )
        expected_rows = job.get("expected_records")
        told = [warning["rule"] for warning in job["warnings"]]
        if "plan" not in job:
            announced = self._contents.count(versions[1])
            self._expect(expected_rows == announced, "what was announced first is expected", job)
        self._expect(
            ("SOURCE_CHANGED" in told) == (expected_rows != len(rows)),
            "a changed source is told",
            job,
        )
        return rows

    def _see_whole(self) -> None:
        opened = self.open_jobs
        self._expect(len(opened) <= 1, "one open job", opened)
        owners = [self.lock["owner"]] if "owner" in self.lock else []
        self._expect(opened == owners, "the lock is owned while a job is open", opened, self.lock)
        for job_id in opened:
            job = self.jobs[job_id]
            self._expect(job["fence"] == self.lock["fence"], "job and lock agree", job, self.lock)
            missing = [name for name in self._segments_of(job) if name not in self._files]
            self._expect(not missing, "a recorded segment is stored", missing)
        completed = [job_id for job_id, job in self.jobs.items() if job["status"] == "COMPLETED"]
        self._expect(
            sorted(completed) == sorted(self.published), "COMPLETED means published", completed
        )

    def on_change(self, name: str, is_same: bool) -> None:
        """Of a file of the warehouse, after it was stored or removed."""
        self._expect(is_same, "a name is written once", name)
        if self.pointer:
            self._content(self.pointer)
        self._see_whole()

    # -- what is answered ---------------------------------------------------------------------

    def accepted(self, job_id: str, caller: str) -> None:
        self._expect(job_id in self.jobs, "an accepted job is stored", job_id)
        self._expect(self.jobs[job_id]["triggered_by"] == caller, "a key gives its own job", job_id)

    def refused(self, naming: str, *, asked_at: float, caller: str) -> None:
        is_open = self._open_until.get(naming, asked_at) >= asked_at and naming in self._open_since
        self._expect(is_open, "who is refused learns who holds the lock", naming)
        is_own = self.jobs[naming]["triggered_by"] == caller
        self._expect(not is_own, "one's own retry is not refused", naming)

    def goes_on(self, held: str, job_id: str) -> None:
        self._expect(
            self.jobs[held].get("retried_by") == job_id,
            "an accepted job goes on as one",
            held,
            job_id,
        )

    def unforeseen(self, exc: Exception) -> None:
        self._expect(False, "nothing unforeseen is raised", repr(exc))

    # -- at the end ---------------------------------------------------------------------------

    def overdue(self, job_id: str, *, seconds: float, since: float) -> None:
        late = self._scheduler.now - max(since, self._open_since[job_id])
        self._expect(late <= seconds, "every accepted job ends", self.jobs[job_id])

    def still_moving(self, *, until: float) -> None:
        self._expect(self._scheduler.now < until, "all comes to rest")

    def at_rest(self, *, kept: int, latest: bytes | None) -> None:
        """After the storm, when nobody is at work and the sweeper has been."""
        for caller, jobs in self._callers().items():
            self._expect(len(jobs) == 1, "a key makes one job", caller, jobs)
        if self.plan and "pause" not in self.schedule:
            late = [
                at
                for at in self._due_times
                if self.schedule["due"] <= at < self._scheduler.now - LATEST_START
            ]
            self._expect(not late, "each due time is started once or skipped", late)
        names = [name for name in self._files if "/" in name]
        ended = {job_id for job_id, job in self.jobs.items() if job["status"] != "COMPLETED"}
        wanted = {job_id: self.jobs[job_id]["fence"] for job_id in self.published[-kept:]}
        snapshots = [
            f"snapshots/wells-{fence:010d}-{job_id}.duckdb" for job_id, fence in wanted.items()
        ]
        unwanted = [name for name in names if name not in snapshots and not _is_of(name, ended)]
        self._expect(not unwanted, "nothing unwanted stays", unwanted)
        missing = [name for name in [*snapshots, *self._held_segments()] if name not in names]
        self._expect(not missing, "what is wanted stays", missing)
        untold = [job_id for job_id in self._open_until if job_id not in self.told]
        self._expect(not untold, "every end is told", untold)
        expected = self._content(self.pointer) if self.pointer else None
        self._expect(latest == expected, "the stable name holds the latest", self.pointer)

    def _held_segments(self) -> list[str]:
        """Of the job that can still be accepted."""
        held = max(
            (job for job in self.jobs.values() if "accept_until" in job),
            key=lambda job: job["fence"],
            default=None,
        )
        is_late = held and self.pointer and self.pointer["fence"] > held["fence"]
        if not held or is_late or "discarded_at" in held or "retried_by" in held:
            return []
        return self._segments_of(held)

    def _segments_of(self, job: Values) -> list[str]:
        """That its checkpoint names, or those of the parts that it is planned in."""
        plan = job.get("plan")
        items = (
            [
                self.parts[f"PART#{plan['job_id']}"][f"{number:05d}"]
                for number in range(plan["parts"])
            ]
            if plan
            else []
        )
        runs = [
            SegmentRun.from_attributes(run) for item in [job, *items] for run in item["segments"]
        ]
        return segment_names(runs)

    def completed_at_last(self, job_id: str) -> None:
        job = self.jobs[job_id]
        is_over = job["status"] == "COMPLETED" or job.get("error", {}).get("code") == "HELD"
        self._expect(is_over, "in good weather an import completes", job_id)

    def _callers(self) -> dict[str, list[str]]:
        callers: dict[str, list[str]] = {}
        for job_id, job in self.jobs.items():
            if KEYED in job["triggered_by"]:
                callers.setdefault(job["triggered_by"], []).append(job_id)
        return callers

    def _content(self, pointer: Values) -> bytes:
        content = self._files.get(pointer["name"], b"")
        is_whole = hashlib.sha256(content).hexdigest() == pointer["sha256"]
        self._expect(is_whole, "the published file is there and whole", pointer["name"])
        return content

    def _role(self) -> str:
        actor = self._scheduler.running
        return actor.name.partition(" ")[0] if actor else ""

    def _expect(self, holds: bool, promise: str, *facts: object) -> None:
        if not holds:
            self.violations.append(Violation(promise, facts))
            self.note(promise, "BROKEN")
            self._scheduler.stop()
            raise Ended


def _progress(job: Values) -> float:
    return float(job.get("progress_percentage") or 0.0)


def _is_of(name: str, jobs: set[str]) -> bool:
    """Whether it is a segment of one of the jobs."""
    return name.startswith("segments/") and name.split("/")[1] in jobs
