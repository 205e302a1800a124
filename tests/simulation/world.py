"""One seed: a world of clients, workers and sweepers in a storm,
the calm after it, and what was seen.
"""

from __future__ import annotations

import logging
import random
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from chalicelib.errors import (
    AcceptTooLate,
    ImportAlreadyRunning,
    JobIsFinal,
    JobNotFound,
    NotHeld,
    NoticeUnsent,
    NotResumable,
    NotRetryable,
    RetriedAlready,
    StateUnavailable,
    WarehouseUnavailable,
    WellheadError,
)
from chalicelib.imports.publication import show_latest
from chalicelib.imports.service import WellProductionImportService
from chalicelib.imports.worker import run_import
from chalicelib.jobs.clearing import READER_SECONDS, clear_orphans
from chalicelib.jobs.dispatcher import Dispatcher
from chalicelib.jobs.dynamodb_item import to_item
from chalicelib.jobs.lock import Claim, Lease, source_key
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.outbox import Outbox
from chalicelib.jobs.schedule import Plan
from chalicelib.jobs.schedules import Schedules
from chalicelib.jobs.starting import accept_import, retry_import, start_import
from chalicelib.jobs.sweeper import sweep, take_up
from chalicelib.jobs.table import Table
from chalicelib.jobs.timetable import Timetable
from chalicelib.notices.sending import BACKOFF, send_due
from chalicelib.settings import Settings
from chalicelib.warehouse.names import LATEST

from .aws import STEADY, LambdaQueue, TableClient
from .dynamodb import InMemoryDynamoDb
from .files import SimulatedWarehouse
from .production import Contents, InMemoryRepository, SimulatedSource, Unhurried
from .scheduler import Actor, Ended, Scheduler
from .story import Event, readable
from .watch import KEYED, Violation, Watch
from .weather import Climate, Fault, Network, Storm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chalicelib.jobs.notice import Notice

LEASE = Lease(seconds=60, grace=15, pending=360)
ENDS_WITHIN = 900.0  # seconds of calm after which a job must have ended
COMES_TO_REST_WITHIN = 7200.0
SWEEP_SECONDS = 60.0
SCHEDULED_SHARE = 0.08  # of the seeds
STOPPED_SHARE = 0.1  # of the workers
DUE = (
    "4,11,18 12 * * *",
    "2-5,14 12 * * *",
    "3,9 12 * * *",
)  # within the hour that a simulation begins with
ODD_SHARE = 0.2  # of the source's versions: an import of them is held
SETTINGS = Settings.from_environment(
    {
        "WELLHEAD_TABLE": "table",
        "WELLHEAD_IMPORT_FUNCTION": "import",
        "WELLHEAD_WAREHOUSE": "/warehouse",
        "WELLHEAD_SOURCE_URL": "http://127.0.0.1/source",
    }
)


@dataclass(frozen=True)
class Parts:
    """What is under test. A mutant replaces one of them."""

    table: Callable[..., Table] = Table
    job_manager: Callable[..., JobManager] = JobManager
    service: Callable[..., WellProductionImportService] = WellProductionImportService
    run_import: Callable[..., Any] = run_import
    sweep: Callable[..., str] = sweep
    take_up: Callable[..., str] = take_up
    clear_orphans: Callable[..., list[str]] = clear_orphans
    outbox: Callable[..., Outbox] = Outbox


@dataclass(frozen=True)
class Outcome:
    seed: int
    violations: list[Violation]
    story: list[Event]

    @property
    def history(self) -> list[str]:
        return readable(self.story)

    def report(self) -> str:
        broken = [f"broken: {broken.promise}: {broken.facts}" for broken in self.violations]
        return "\n".join([f"seed {self.seed}", *self.history, *broken])


def simulate(
    seed: int,
    directory: Path,
    parts: Parts | None = None,
    *,
    climate: Climate | None = None,
    cuts: int | None = None,
    is_scheduled: bool | None = None,
) -> Outcome:
    """`climate`, `cuts`, how many parts the source is read in at most,
    and whether it has a schedule are drawn by default.
    """
    with silence():
        return World(
            seed, directory, parts or Parts(), climate, cuts=cuts, is_scheduled=is_scheduled
        ).run()


@contextmanager
def silence() -> Iterator[None]:
    """The log would tell of thousands of storms."""
    logger = logging.getLogger("chalicelib")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


class Receiver:
    """Of notices: somebody's server, which the network reaches as it reaches all."""

    def __init__(self, network: Network, watch: Watch) -> None:
        self._network = network
        self._watch = watch

    def send(self, notice: Notice) -> None:
        def lost(_: Fault) -> Exception:
            return NoticeUnsent()

        def hear() -> None:
            self._watch.told.add(notice.key)

        self._network.call("receiver", f"tell of {notice.key}", hear, error=lost, faults=STEADY)


class World:
    def __init__(
        self,
        seed: int,
        directory: Path,
        parts: Parts,
        climate: Climate | None,
        *,
        cuts: int | None = None,
        is_scheduled: bool | None = None,
    ) -> None:
        self._seed = seed
        self._draw = draw = random.Random(seed)
        self._draw_of_notices = random.Random(f"clocks of notices {seed}")
        self._directory = directory
        self._parts = parts
        self._scheduler = scheduler = Scheduler()
        self._storm = Storm.brew(
            draw, climate or draw.choice([*Climate, *[Climate.CHANGEABLE] * 3]), now=scheduler.now
        )
        self._network = Network(scheduler=scheduler, storm=self._storm, draw=draw)
        # Draws of its own: what notices meet leaves the fate of imports as it is.
        self._post = Network(
            scheduler=scheduler, storm=self._storm, draw=random.Random(f"notices {seed}")
        )
        self._post.history = self._network.history
        self._contents = Contents(
            pages=draw.randint(1, 4),
            rows=draw.randint(1, 3),
            page_seconds=draw.choice([0.5, 5.0, 20.0]),
            cuts=cuts or random.Random(f"parts {seed}").choice([1, 1, 2, 3]),
            odd=frozenset(version for version in range(6) if draw.random() < ODD_SHARE),
        )
        files: dict[str, bytes] = {}
        self._watch = Watch(scheduler=scheduler, contents=self._contents, files=files)
        self._warehouse = SimulatedWarehouse(
            files=files, network=self._network, on_change=self._watch.on_change
        )
        self._watch.note = self._network.note
        dynamodb = InMemoryDynamoDb(on_write=self._watch.on_write)
        self._table_client = TableClient(
            dynamodb=dynamodb, network=self._network, draw=draw, now=lambda: scheduler.now
        )
        self._watch.has_waiting_notices = lambda: any(pk == "OUTBOX" for pk, _ in dynamodb.items)
        self._post_client = TableClient(
            dynamodb=dynamodb,
            network=self._post,
            draw=random.Random(f"tokens {seed}"),
            now=lambda: scheduler.now,
        )
        self._queue = LambdaQueue(
            scheduler=scheduler,
            network=self._network,
            storm=self._storm,
            draw=draw,
            work=self._start_worker,
            take_up=self._start_destination,
            on_given_up=self._watch.given_up,
        )
        self._settings = replace(
            SETTINGS,
            checkpoint_seconds=draw.choice([1, 5, 30]),
            max_attempts=draw.choice([8, 100]),
            snapshots_kept=draw.randint(1, 3),
        )
        self._plan = self._drawn_plan(is_scheduled)
        if self._plan:
            self._watch.plan = self._plan
            defined = source_key(self._plan.source) | {"version": self._plan.version}
            dynamodb.items["SOURCE", str(defined["sk"])] = to_item(defined)
        self._skew = draw.choice([0.0, 1.0, 7.4, 600.0])
        self._timeout = draw.choice([60.0, 120.0, 900.0, 900.0])
        self._started: dict[str, int] = {}
        self._last: list[str] = []
        self._swept = 0  # so many jobs there were when nobody was at work

    def _drawn_plan(self, is_scheduled: bool | None) -> Plan | None:
        """By a draw of its own, so that all else in a seed is as it would be without."""
        draw, now = random.Random(f"schedule {self._seed}"), self._scheduler.now
        if is_scheduled is False or (is_scheduled is None and draw.random() >= SCHEDULED_SHARE):
            return None
        return Plan(
            source=self._settings.source_name,
            version=1,
            created_at=now,
            updated_at=now,
            cron=draw.choice(DUE),
            pause_after=draw.choice([2, 100]),
        )

    def run(self) -> Outcome:
        for number in range(self._draw.randint(1, 3)):
            for _ in range(self._draw.randint(1, 2)):
                self._scheduler.after(self._draw.uniform(0, 250), partial(self._visit, number))
        for _ in range(self._draw.choice([0, 0, 1, 3])):
            self._scheduler.after(self._draw.uniform(0, 400), self._watch.source_changes)
        for _ in range(self._draw.choice([0, 1, 4])):
            self._scheduler.after(
                self._draw.uniform(100, 1500), partial(self._start, "client", self._retry)
            )
        for _ in range(self._draw.choice([0, 2, 5])):
            word = self._draw.choice([self._accept, self._accept, self._discard])
            self._scheduler.after(
                self._draw.uniform(50, 1500), partial(self._start, "client", word)
            )
        self._scheduler.after(self._draw.uniform(0, SWEEP_SECONDS), self._tick)
        self._scheduler.run()
        if not self._watch.violations:
            self._judge()
        return Outcome(self._seed, self._watch.violations, self._network.history)

    def _judge(self) -> None:
        with suppress(Ended):
            self._watch.at_rest(
                kept=self._settings.snapshots_kept, latest=self._warehouse.files.get(LATEST)
            )
            for job_id in self._last:
                self._watch.completed_at_last(job_id)

    # -- actors -------------------------------------------------------------------------------

    def _start(
        self, role: str, run: Callable[[Actor], object], *, failed: Callable[[], None] | None = None
    ) -> None:
        """`failed` follows when the process dies or raises."""
        self._started[role] = self._started.get(role, 0) + 1
        draw = (
            self._draw_of_notices if role == "notices" else self._draw
        )  # so that each seed is the storm that it was
        actor = Actor(
            name=f"{role} {self._started[role]}", skew=draw.uniform(-self._skew, self._skew)
        )
        if role == "worker":
            actor.killed_at = self._scheduler.now + self._timeout
            self._plan_stop(actor)

        def live() -> None:
            try:
                self._network.note("begins", f"clock {actor.skew:+.1f} s")
                outcome = run(actor)
            except Ended:
                self._network.note("is dead", "")
                if failed:
                    failed()
                raise
            except (StateUnavailable, WarehouseUnavailable) as exc:
                self._network.note("raises", exc.code)
                if failed:
                    failed()
            except Exception as exc:  # noqa: BLE001  whatever it is, it is a finding
                self._watch.unforeseen(exc)
            else:
                self._network.note("ends", str(outcome))

        self._scheduler.start(actor, live)

    def _plan_stop(self, actor: Actor) -> None:
        """Now and then a worker gets SIGTERM, and some time after it is killed."""
        if self._scheduler.now >= self._storm.clears_at or self._draw.random() >= STOPPED_SHARE:
            return
        seconds = self._draw.uniform(0, 60)
        actor.stopped_at = self._scheduler.now + seconds
        actor.killed_at = min(actor.killed_at, actor.stopped_at + self._draw.choice([2.0, 60.0]))
        self._scheduler.after(seconds, lambda: self._network.note(actor.name, "SIGTERM"))

    def _remaining(self, actor: Actor) -> float:
        now = self._scheduler.now
        return 0.0 if now >= actor.stopped_at else actor.killed_at - now

    def _job_manager(self, actor: Actor) -> JobManager:
        clock = self._scheduler.clock(actor)
        table = self._parts.table(
            dynamodb=self._table_client,
            name="table",
            sleep=lambda _: self._scheduler.pause(self._draw.uniform(0, 0.2)),
            clock=clock,
        )
        return self._parts.job_manager(table=table, lease=LEASE, clock=clock)

    @property
    def _dispatcher(self) -> Dispatcher:
        return Dispatcher(lambda_client=cast("Any", self._queue), function="import")

    def _start_worker(self, job_id: str, request_id: str, failed: Callable[[], None]) -> None:
        def run(actor: Actor) -> Any:
            self._network.note("works on", f"{job_id}, {request_id}")
            if (
                self._scheduler.now < self._storm.clears_at
                and self._draw.random() < self._storm.broken_starts
            ):
                raise StateUnavailable
            return self._parts.run_import(
                job_id,
                request_id=request_id,
                job_manager=self._job_manager(actor),
                dispatch=self._dispatcher.dispatch,
                warehouse=self._warehouse,
                new_service=partial(self._service, actor),
                max_attempts=self._settings.max_attempts,
                clock=self._scheduler.clock(actor),
                sleep=self._scheduler.pause,
            )["outcome"]

        self._start("worker", run, failed=failed)

    def _start_destination(self, job_id: str, request_id: str, failed: Callable[[], None]) -> None:
        def run(actor: Actor) -> str:
            self._network.note("takes up", f"{job_id}, {request_id}")
            return self._parts.take_up(
                job_id,
                job_manager=self._job_manager(actor),
                dispatcher=self._dispatcher,
            )

        self._start("destination", run, failed=failed)

    def _service(self, actor: Actor, claim: Claim) -> WellProductionImportService:
        return self._parts.service(
            claim=claim,
            settings=self._settings,
            job_manager=self._job_manager(actor),
            source=SimulatedSource(
                contents=self._contents, network=self._network, version=lambda: self._watch.version
            ),
            warehouse=self._warehouse,
            directory=self._directory / f"{self._seed} {actor.name}",
            remaining=partial(self._remaining, actor),
            clock=self._scheduler.clock(actor),
            new_repository=partial(
                InMemoryRepository, network=self._network, contents=self._contents
            ),
            prefetch=Unhurried,
        )

    def _sweep(self, actor: Actor) -> str:
        job_manager, clock = self._job_manager(actor), self._scheduler.clock(actor)
        outcome = self._parts.sweep(job_manager=job_manager, dispatcher=self._dispatcher)
        if self._plan and self._start_due(job_manager, actor):
            outcome = "started what was due"
        show_latest(job_manager=job_manager, warehouse=self._warehouse)
        self._parts.clear_orphans(
            job_manager=job_manager,
            warehouse=self._warehouse,
            kept=self._settings.snapshots_kept,
            clock=lambda: clock() + 2 * READER_SECONDS,  # nobody here reads what was published
        )
        return outcome

    def _send(self, actor: Actor) -> str:
        clock = self._scheduler.clock(actor)
        table = self._parts.table(
            dynamodb=self._post_client,
            name="table",
            sleep=lambda _: self._scheduler.pause(0.1),
            clock=clock,
        )
        channels = {
            "events": Receiver(self._post, self._watch),
            "webhook": Receiver(self._post, self._watch),
        }
        outbox = self._parts.outbox(table=table, clock=clock)
        backoff = replace(BACKOFF, draw=lambda _, most: most)
        sent = send_due(outbox=outbox, channels=channels, hours=72, clock=clock, backoff=backoff)
        return f"{sent['done']} told"

    def _start_due(self, job_manager: JobManager, actor: Actor) -> bool:
        timetable = Timetable(
            schedules=Schedules(table=job_manager.table, clock=self._scheduler.clock(actor)),
            job_manager=job_manager,
            dispatcher=self._dispatcher,
            source_id_of=lambda _: self._settings.source_id,
        )
        return timetable.keep(lambda: [self._plan] if self._plan else []) is not None

    # -- the sweeper's schedule, and the calm --------------------------------------------------

    def _tick(self) -> None:
        self._watch.still_moving(until=self._storm.clears_at + COMES_TO_REST_WITHIN)
        if (
            self._scheduler.now > self._storm.clears_at
            and self._scheduler.is_idle
            and not self._watch.open_jobs
        ):
            if self._swept == len(self._watch.jobs) and not self._watch.has_waiting_notices():
                return
            if self._last:
                self._swept = len(
                    self._watch.jobs
                )  # unless the sweeper starts what is due meanwhile
            else:
                self._start("client", self._last_import)
        for job_id in self._watch.open_jobs:
            self._watch.overdue(job_id, seconds=ENDS_WITHIN, since=self._storm.clears_at)
        if self._watch.has_waiting_notices():  # else it would look, and find nothing
            self._start("notices", self._send)
        for _ in range(1 + (self._draw.random() < 0.15)):
            self._start("sweeper", self._sweep)
        self._scheduler.after(SWEEP_SECONDS, self._tick)

    def _last_import(self, actor: Actor) -> str:
        """The calm is proven by an import that completes."""
        told = self._trigger(actor, "somebody", None)
        if told in self._watch.jobs:  # what was due may have come first: then again in a minute
            self._last.append(told)
        return "triggered"

    # -- clients ------------------------------------------------------------------------------

    def _visit(self, client: int) -> None:
        if self._draw.random() < 0.25:
            self._start("client", self._cancel)
            return
        self._started["key"] = self._started.get("key", 0) + 1
        key = str(self._started["key"]) if self._draw.random() < 0.5 else None
        caller = f"client {client}{KEYED}{key}"
        for _ in range(2 if key and self._draw.random() < 0.2 else 1):
            self._ask(caller, key, 3)

    def _ask(self, caller: str, key: str | None, tries: int) -> None:
        """One request for an import; without an answer it is sent again."""

        def again() -> None:
            if tries > 1:
                self._scheduler.after(
                    self._draw.uniform(0.1, 30), lambda: self._ask(caller, key, tries - 1)
                )

        self._start("client", lambda actor: self._trigger(actor, caller, key), failed=again)

    def _trigger(self, actor: Actor, caller: str, key: str | None) -> str:
        asked_at, caller = self._scheduler.now, caller if key else actor.name
        try:
            job = start_import(
                job_manager=self._job_manager(actor),
                dispatcher=self._dispatcher,
                triggered_by=caller,
                source_id=self._settings.source_id,
                source_name=self._plan.source if self._plan else None,
                key=key,
                clock=self._scheduler.clock(actor),
            )
        except ImportAlreadyRunning as refused:
            self._watch.refused(refused.details["job_id"], asked_at=asked_at, caller=caller)
            return f"refused: {refused.details['job_id']}"
        self._watch.accepted(job.job_id, caller)
        return job.job_id

    def _some_job(self) -> str:
        return self._draw.choice([*self._watch.jobs, "of nobody"][-3:])

    def _retry(self, actor: Actor) -> str:
        asked_at, wanted = self._scheduler.now, self._some_job()
        try:
            job = retry_import(
                wanted,
                job_manager=self._job_manager(actor),
                dispatcher=self._dispatcher,
                warehouse=self._warehouse,
                triggered_by=actor.name,
                source_id=self._settings.source_id,
                clock=self._scheduler.clock(actor),
            )
        except ImportAlreadyRunning as refused:
            self._watch.refused(refused.details["job_id"], asked_at=asked_at, caller=actor.name)
            return f"retry refused: {refused.details['job_id']}"
        except (JobNotFound, NotRetryable, RetriedAlready, NotResumable) as exc:
            return f"retry: {type(exc).__name__}"
        self._watch.accepted(job.job_id, actor.name)
        return f"retry: of {wanted} by {job.job_id}"

    def _accept(self, actor: Actor) -> str:
        asked_at, wanted = self._scheduler.now, self._some_held_job()
        try:
            job = accept_import(
                wanted,
                job_manager=self._job_manager(actor),
                dispatcher=self._dispatcher,
                findings=["NULLED"],
                by=actor.name,
                source_id=self._settings.source_id,
            )
        except ImportAlreadyRunning as refused:
            self._watch.refused(refused.details["job_id"], asked_at=asked_at, caller=actor.name)
            return f"accept refused: {refused.details['job_id']}"
        except (JobNotFound, NotHeld, AcceptTooLate, RetriedAlready) as exc:
            return f"accept: {type(exc).__name__}"
        self._watch.goes_on(wanted, job.job_id)
        return f"accept: of {wanted} by {job.job_id}"

    def _discard(self, actor: Actor) -> str:
        wanted = self._some_held_job()
        try:
            self._job_manager(actor).discard(wanted, by=actor.name)
        except (JobNotFound, NotHeld) as exc:
            return f"discard: {type(exc).__name__}"
        return f"discard: {wanted}"

    def _some_held_job(self) -> str:
        held = [job_id for job_id, job in self._watch.jobs.items() if "accept_until" in job]
        return self._draw.choice(held[-2:] or ["of nobody"])

    def _cancel(self, actor: Actor) -> str:
        wanted = self._some_job()
        try:
            return f"cancel: {self._job_manager(actor).cancel(wanted).status}"
        except (JobIsFinal, JobNotFound) as exc:
            return f"cancel: {cast('WellheadError', exc).code}"
