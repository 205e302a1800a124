"""Builds the collaborators once for each process: the light ones for the API, the rest for the
import function.

Importing this connects to nothing. `duckdb` and `requests` are imported only where an import runs.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from contextlib import closing, contextmanager
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from chalicelib import __version__
from chalicelib.api.health import check_room, check_warehouse, health
from chalicelib.api.ops import ops_status
from chalicelib.api.token_list import TokenList
from chalicelib.api.token_uses import TokenUses
from chalicelib.api.tokens import Tokens
from chalicelib.errors import SourceNotScheduled, WellheadError
from chalicelib.jobs.dispatcher import Dispatcher
from chalicelib.jobs.executions import Executions, MachineDispatcher
from chalicelib.jobs.job_log import LogTable
from chalicelib.jobs.lock import Lease
from chalicelib.jobs.log_collection import OthersLog, WorkerLog, collecting
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.outbox import Outbox
from chalicelib.jobs.schedules import Schedules
from chalicelib.jobs.table import Table
from chalicelib.queries.client import PATIENCE, QueryClient
from chalicelib.sources.checks import CheckKind, Checks
from chalicelib.sources.registry import SourceRegistry
from chalicelib.sources.source import check_definition
from chalicelib.warehouse.names import is_of_lake

from .logs import start_logging
from .settings import Settings, tokens_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from types_boto3_s3 import S3Client

    from chalicelib.http.signing import SourceAuth
    from chalicelib.imports.part_import import PartImport
    from chalicelib.imports.rollback import Rollback
    from chalicelib.imports.service import WellProductionImportService
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Claim, Snapshot
    from chalicelib.jobs.schedule import Plan, Schedule
    from chalicelib.jobs.timetable import Timetable
    from chalicelib.lake.catalog import Catalog
    from chalicelib.notices.channels import Channel
    from chalicelib.queries.production import Lake
    from chalicelib.queries.published import PublishedProduction
    from chalicelib.queries.query import Query
    from chalicelib.sources.checks import Check
    from chalicelib.sources.reader import SourceReader
    from chalicelib.sources.source import Source
    from chalicelib.warehouse.names import StoredFile, Warehouse

# botocore puts this together anew for each call, which takes a fifth of the call's CPU.
_NAME = Config(user_agent=f"Wellhead/{__version__} Botocore/{botocore.__version__}")
# The API has 29 s: a table that does not answer in a few is reported as such.
_CLIENT = Config(
    connect_timeout=2, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 3}
)
# What nobody's answer should wait for.
_BRIEF_CLIENT = Config(
    connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1}
)
# A signed URL must name the bucket's own region: a redirect from the global address would break its
# signature.
_S3_CLIENT = _CLIENT.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


# What every request of a function needs; every other function needs the job manager.
_NEEDED_BY = {
    "app.app": ("job_manager", "dispatcher", "token_uses"),
    "app.authorizer": ("tokens",),
}
LAST_SECONDS = 10.0  # of an invocation that fetches a database: its checksum takes some
CHECK_SECONDS = 120.0  # to look at a source

log = logging.getLogger(__name__)


class Services:
    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._environment = environment
        self._clock = clock

    @cached_property
    def settings(self) -> Settings:
        settings = Settings.from_environment(self._environment)
        logging.getLogger("chalicelib").setLevel(settings.log_level)
        return settings

    @cached_property
    def job_manager(self) -> JobManager:
        settings = self.settings
        return JobManager(
            table=Table(
                dynamodb=self._client("dynamodb"),
                name=settings.table,
                clock=self._clock,
            ),
            lease=Lease(
                seconds=settings.lease_seconds,
                grace=settings.lease_grace_seconds,
                pending=settings.pending_seconds,
            ),
            clock=self._clock,
        )

    @cached_property
    def sources(self) -> SourceRegistry:
        return SourceRegistry(
            job_manager=self.job_manager, settings=self.settings, clock=self._clock
        )

    @cached_property
    def schedules(self) -> Schedules:
        return Schedules(table=self.job_manager.table, clock=self._clock)

    @cached_property
    def checks(self) -> Checks:
        return Checks(self.job_manager.table, clock=self._clock)

    @cached_property
    def job_log(self) -> LogTable:
        return LogTable(self.job_manager.table, clock=self._clock)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(table=self.job_manager.table, clock=self._clock)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        lambda_client = self._client("lambda")
        function = self.settings.import_function
        if self.executions is None:
            return Dispatcher(lambda_client=lambda_client, function=function)
        return MachineDispatcher(
            lambda_client=lambda_client,
            function=function,
            executions=self.executions,
            find=self.job_manager.find,
            clock=self._clock,
        )

    def _dispatch(self, job_id: str) -> None:
        """For a worker, of which few hand over: its client is built when it does.
        Raises DispatchFailed, StateUnavailable.
        """
        self.dispatcher.dispatch(job_id)

    @cached_property
    def executions(self) -> Executions | None:
        """Of the state machine; None where a worker runs by itself."""
        settings = self.settings
        if settings.machine == "lambda":
            return None
        return Executions(
            stepfunctions=self._client("stepfunctions"), machine=settings.state_machine
        )

    @cached_property
    def tokens(self) -> Tokens:
        path = tokens_path(self._environment)
        return Tokens(ssm=self._client("ssm"), path=path)

    @cached_property
    def token_uses(self) -> TokenUses:
        dynamodb = self._client("dynamodb", _BRIEF_CLIENT)
        return TokenUses(Table(dynamodb=dynamodb, name=self.settings.table))

    def note_use(self, token: str) -> None:
        """Of the token with this name. Raises nothing: not every route needs settings, or AWS."""
        try:
            self.token_uses.note(token)
        except Exception as exc:  # noqa: BLE001  whatever it is
            log.warning("the use of a token could not be noted: %s", type(exc).__name__)

    @cached_property
    def token_list(self) -> TokenList:
        path = tokens_path(self._environment)
        return TokenList(ssm=self._client("ssm"), path=path)

    @cached_property
    def warehouse(self) -> Warehouse:
        url = self.settings.warehouse
        if not url.startswith("s3://"):
            return open_warehouse(url)
        return open_warehouse(url, s3=self._client("s3", _S3_CLIENT))

    @cached_property
    def published_production(self) -> PublishedProduction:
        """The published data, for questions."""
        from chalicelib.queries.published import PublishedProduction, was_published

        settings = self.settings
        return PublishedProduction(
            current=self.job_manager.current_snapshot,
            was_published=lambda name: was_published(name, job_manager=self.job_manager),
            warehouse=self.warehouse,
            directory=Path(settings.scratch) / "reading",
            memory_mb=settings.memory_mb,
            lake=self._lake,
        )

    @cached_property
    def query_client(self) -> QueryClient:
        """Of the query function, for the API."""
        client = self._client("lambda", PATIENCE)
        return QueryClient(lambda_client=client, function=self.settings.query_function)

    def source_of_retry(self, job: Job) -> dict[str, Any]:
        """What a job that goes on from this one is started with: its source as it is now.
        Raises SourceUnknown, DefinitionInvalid, StateUnavailable.
        """
        source = self.sources.of_retry(job)
        return {
            "source_id": source.settings(self.settings).source_id,
            "source_version": source.version,
        }

    def answer(self, event: Any) -> dict[str, Any]:
        """The query function's answer to its event.
        It raises nothing: an error is an answer too.
        """
        from chalicelib.queries.function import answer, where_to_download
        from chalicelib.queries.sql import SqlLimits

        return answer(
            event,
            published=lambda: self.published_production,
            sql=lambda: SqlLimits.beside(self.settings.memory_mb),
            export=lambda form: where_to_download(
                form, job_manager=self.job_manager, warehouse=self.warehouse, export=self._export
            ),
            list_file=self._list_file,
        )

    def fetch_ahead(self, name: str, *, remaining: Callable[[], float]) -> dict[str, str]:
        """The query function's answer where nobody waits for one:
        the copy of this snapshot is brought to its disk.
        """
        try:
            self.published_production.fetch_ahead(name, seconds=remaining() - LAST_SECONDS)
        except WellheadError as error:  # who asks next is told
            log.warning("the database could not be fetched ahead: %s %s", error.code, error.message)
            return {"fetch": error.code}
        return {"fetch": "done"}

    def _list_file(self, query: Query, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Raises what ListFile does."""
        from chalicelib.queries.list_file import ListFile

        return ListFile(
            warehouse=self.warehouse,
            published=self.published_production,
            directory=Path(self.settings.scratch) / "reading",
            memory_mb=self.settings.memory_mb,
        ).of(query, wanted)

    def _export(self, snapshot: Snapshot, form: str = "duckdb") -> StoredFile:
        """Raises StoreDiffers for a database of a lake that no setting names,
        and what Export does.
        """
        from chalicelib.queries.export import Export

        return Export(
            warehouse=self.warehouse,
            published=self.published_production,
            lake=self._lake,
            directory=Path(self.settings.scratch) / "reading",
            memory_mb=self.settings.memory_mb,
        ).of(snapshot, form)

    @cached_property
    def _lake(self) -> Lake | None:
        if not self.settings.catalog:
            return None
        from chalicelib.queries.production import Lake

        return Lake(catalog=self.catalog, session=self._session)

    def ops_status(self) -> dict[str, Any]:
        """Raises StateUnavailable."""
        return ops_status(self.job_manager, self.health, now=self._clock())

    def health(self) -> dict[str, Any]:
        """A few small calls: the pointer is read, and Lambda asked about the query function.
        Raises Unhealthy.
        """

        def read_table() -> object:
            return self.job_manager.current_snapshot()

        def check_query_function() -> None:
            self.query_client.check()
            check_room(self.settings, self.job_manager.current_snapshot)

        return health(
            {
                "settings": lambda: self.settings,
                "table": read_table,
                "warehouse": lambda: check_warehouse(self.settings.warehouse),
                "query_function": check_query_function,
            }
        )

    def work_on(
        self,
        job_id: str,
        *,
        request_id: str,
        remaining: Callable[[], float],
        execution: str = "",
        **more: Any,
    ) -> dict[str, Any]:
        """As the import function does, or a state of the `execution`;
        `remaining` tells the seconds that this invocation has left.
        """
        from chalicelib.imports.worker import run_import, watch_sigterm

        worker_log = WorkerLog(job_id, table=self.job_log, clock=self._clock)
        with watch_sigterm() as stopped, collecting(worker_log):
            try:
                return run_import(
                    job_id,
                    request_id=request_id,
                    job_manager=self.job_manager,
                    dispatch=self._dispatch,
                    warehouse=self.warehouse,
                    new_service=lambda claim: self._service(claim, remaining, stopped, worker_log),
                    max_attempts=self.settings.max_attempts,
                    clock=self._clock,
                    execution=execution,
                    **more,
                )
            finally:
                worker_log.store(at_once=True)

    def plan(
        self, job_id: str, *, request_id: str, remaining: Callable[[], float], execution: str
    ) -> dict[str, Any]:
        """As the first state of the machine does."""
        from chalicelib.imports.states import plan

        return self.work_on(
            job_id, request_id=request_id, remaining=remaining, execution=execution, work=plan
        )

    def fetch_part(
        self,
        job_id: str,
        number: int,
        *,
        holder: str,
        fence: int,
        at_once: int,
        request_id: str,
        remaining: Callable[[], float],
    ) -> dict[str, Any]:
        """As the state of a part does, beside so many in all."""
        from chalicelib.imports.states import fetch_part
        from chalicelib.imports.worker import watch_sigterm
        from chalicelib.store.own_directory import OwnDirectory

        by = f"part-{number:02d}-{request_id[:8]}"
        worker_log = WorkerLog(
            job_id,
            table=self.job_log,
            clock=self._clock,
            by=by,
        )
        # Other parts may be read on the same disk.
        own = OwnDirectory(Path(self.settings.scratch) / "parts")
        with watch_sigterm() as stopped, collecting(worker_log):
            try:
                return fetch_part(
                    job_id,
                    holder=holder,
                    fence=fence,
                    job_manager=self.job_manager,
                    new_part=lambda claim: self._part_import(
                        number,
                        claim,
                        at_once=at_once,
                        remaining=lambda: 0.0 if stopped() else remaining(),
                        worker_log=worker_log,
                        directory=own.path,
                    ),
                    clock=self._clock,
                )
            finally:
                own.remove()
                worker_log.store(at_once=True)

    def fail_import(self, job_id: str, *, execution: str, error: str) -> str:
        """As the state does that the machine comes to when another one could not go on."""
        from chalicelib.imports.states import fail_import

        with self._keep_log("fail"):
            return fail_import(
                job_id, execution=execution, error=error, job_manager=self.job_manager
            )

    def take_up(self, job_id: str) -> str:
        from chalicelib.jobs.sweeper import take_up

        with self._keep_log("failed-event"):
            return take_up(job_id, job_manager=self.job_manager, dispatcher=self.dispatcher)

    @contextmanager
    def _keep_log(self, function: str) -> Iterator[None]:
        """What this function logs of jobs shall stand in their logs too."""
        others_log = OthersLog(function, clock=self._clock)
        try:
            with collecting(others_log):
                yield
        finally:
            others_log.store(table=self.job_log, job_manager=self.job_manager)

    def sweep(self) -> str:
        from chalicelib.imports.publication import show_latest
        from chalicelib.jobs.clearing import clear_orphans
        from chalicelib.jobs.pulse import note_pulse, take_pulse
        from chalicelib.jobs.sweeper import sweep

        take_pulse(job_manager=self.job_manager, clock=self._clock)
        note_pulse(job_manager=self.job_manager, clock=self._clock)
        with self._keep_log("sweeper"):
            outcome = sweep(
                job_manager=self.job_manager, dispatcher=self.dispatcher, executions=self.executions
            )
            try:  # none of these is a reason to leave out the next
                self._timetable.keep(self.sources.plans)
            finally:
                try:
                    show_latest(job_manager=self.job_manager, warehouse=self.warehouse)
                finally:
                    removed = clear_orphans(
                        job_manager=self.job_manager,
                        warehouse=self.warehouse,
                        kept=self.settings.snapshots_kept,
                        clock=self._clock,
                    )
        self._expire(removed)
        return outcome

    def schedule_of(self, source: Source) -> Schedule | None:
        """None of the source that the settings describe. Raises StateUnavailable."""
        if source.plan:
            return self.schedules.get(source.plan)
        return None

    def change_schedule(self, name: str, change: Callable[[Plan], Schedule]) -> Schedule:
        """Pauses or resumes it. Raises SourceUnknown, SourceNotScheduled, StateUnavailable."""
        source = self.sources.get(name)
        if source.plan is None or not source.plan.cron:
            raise SourceNotScheduled(source=name)
        return change(source.plan)

    @property
    def _timetable(self) -> Timetable:
        from chalicelib.jobs.timetable import Timetable

        return Timetable(
            schedules=self.schedules,
            job_manager=self.job_manager,
            dispatcher=self.dispatcher,
            source_id_of=self._source_id_of,
        )

    def _source_id_of(self, plan: Plan) -> str:
        """Raises SourceUnknown, DefinitionInvalid, StateUnavailable."""
        source = self.sources.version(plan.source, plan.version)
        return source.settings(self.settings).source_id

    def send_notices(self, *, remaining: Callable[[], float]) -> dict[str, int]:
        """As the function of notices does;
        `remaining` tells the seconds that this invocation has left.
        """
        from chalicelib.notices.sending import send_due

        return send_due(
            outbox=self.outbox,
            channels=self._channels(),
            hours=self.settings.notices_hours,
            clock=self._clock,
            remaining=remaining,
        )

    def _channels(self) -> dict[str, Channel]:
        """By name, those that are set up: EventBridge always is."""
        from chalicelib.notices.channels import Events, Mail

        settings = self.settings
        channels: dict[str, Channel] = {}
        channels["events"] = Events(events=self._client("events"), stage=settings.stage)
        if settings.notices_topic:
            sns = self._client("sns")
            channels["mail"] = Mail(
                sns=sns,
                topic=settings.notices_topic,
                stage=settings.stage,
            )
        if settings.webhook_url:
            from chalicelib.notices.webhook import Webhook

            channels["webhook"] = Webhook(settings=settings, keys=self._keys_of_webhook)
        return channels

    def _keys_of_webhook(self) -> list[bytes]:
        """Read each time, so that a secret that gave way to another needs no new deployment.
        Raises SecretUnavailable, SecretInvalid.
        """
        from chalicelib.http.secret import stored_secret
        from chalicelib.notices.signature import keys_of

        place = self.settings.webhook_secret
        if not place:
            return []
        secret = stored_secret(
            place,
            client=self._client,
            environment=self._environment,
            setting="WELLHEAD_WEBHOOK_SECRET",
        )
        return keys_of(secret)

    def _expire(self, removed: Iterable[str]) -> None:
        """What files of a lake had named that were removed just now,
        and all else that nothing names.
        """
        if self.settings.catalog and any(map(is_of_lake, removed)):
            from chalicelib.lake.expiry import expire_snapshots

            expire_snapshots(self.catalog, self.warehouse, now=self._clock())

    def _service(
        self,
        claim: Claim,
        remaining: Callable[[], float],
        stopped: Callable[[], bool],
        worker_log: WorkerLog,
    ) -> WellProductionImportService | Rollback:
        if claim.job.rollback_to:
            return self._rollback(claim)
        return self._import_service(claim, remaining, stopped, worker_log)

    def _rollback(self, claim: Claim) -> Rollback:
        from chalicelib.imports.rollback import Rollback

        return Rollback(
            claim=claim,
            job_manager=self.job_manager,
            warehouse=self.warehouse,
            directory=_own_directory(Path(self.settings.scratch), claim),
            lease_seconds=self.settings.lease_seconds,
            catalog=self.catalog if self.settings.catalog else None,
            clock=self._clock,
        )

    def _import_service(
        self,
        claim: Claim,
        remaining: Callable[[], float],
        stopped: Callable[[], bool],
        worker_log: WorkerLog | None = None,
    ) -> WellProductionImportService:
        from chalicelib.imports.service import WellProductionImportService

        settings = self.sources.of_job(claim.job).settings(self.settings)
        directory = _own_directory(Path(settings.scratch), claim)
        worker_log = worker_log or WorkerLog(
            claim.job.job_id, table=self.job_log, clock=self._clock
        )
        return WellProductionImportService(
            claim=claim,
            settings=settings,
            job_manager=self.job_manager,
            source=self._reader_of_job(claim, settings, remaining, directory, worker_log),
            warehouse=self.warehouse,
            directory=directory,
            remaining=lambda: 0.0 if stopped() else remaining(),
            keep_log=worker_log.store,
            clock=self._clock,
            **self._kind_of_store(),
        )

    def _part_import(
        self,
        number: int,
        claim: Claim,
        *,
        at_once: int,
        remaining: Callable[[], float],
        worker_log: WorkerLog,
        directory: Path,
    ) -> PartImport:
        from chalicelib.imports.part_import import PartImport, settings_of_a_part

        settings_of_source = self.sources.of_job(claim.job).settings(self.settings)
        settings = settings_of_a_part(settings_of_source, at_once)
        return PartImport(
            number,
            claim=claim,
            settings=settings,
            job_manager=self.job_manager,
            source=self._reader_of_job(claim, settings, remaining, directory, worker_log),
            warehouse=self.warehouse,
            directory=directory,
            remaining=remaining,
            keep_log=worker_log.store,
            clock=self._clock,
        )

    def _reader_of_job(
        self,
        claim: Claim,
        settings: Settings,
        remaining: Callable[[], float],
        directory: Path,
        worker_log: WorkerLog,
    ) -> SourceReader:
        """Its secrets and links are hidden in the log."""
        from chalicelib.imports.time_budget import time_to_fetch
        from chalicelib.imports.watermark import Watermark
        from chalicelib.odata.masked_link import mask_link

        worker_log.hide_with(partial(mask_link, source_url=settings.source_url))
        seconds_to_fetch = time_to_fetch(remaining)
        current = self.job_manager.current_snapshot()
        return self._reader(
            settings,
            seconds_to_fetch,
            directory,
            began=claim.job.started_at,
            known=Watermark(settings).known_files(current, claim.job),
            on_auth=lambda auth: worker_log.hide_with(auth.hide),
        )

    def _kind_of_store(self) -> dict[str, Any]:
        """What an import into a lake has in place of what it has for a file;
        and where a lake is named, an import into a file can take over what lies there.
        """
        if not self.settings.catalog:
            return {}
        from chalicelib.imports.lake_publication import LakePublication, versions_of
        from chalicelib.imports.publication import FilePublication
        from chalicelib.lake.moving import copy_into_file
        from chalicelib.lake.repository import LakeRepository

        if self.settings.store == "file":

            def copy_lake(snapshot: Snapshot, store: Path, directory: Path) -> None:
                copy_into_file(
                    self.catalog,
                    self._session,
                    versions_of(snapshot),
                    store,
                    directory=directory,
                    memory_mb=self.settings.memory_mb,
                )

            return {"new_publication": partial(FilePublication, copy_lake=copy_lake)}
        repository = partial(LakeRepository, catalog=self.catalog, session=self._session)
        publication = partial(LakePublication, engine=self.settings.merge)
        return {"new_repository": repository, "new_publication": publication}

    @cached_property
    def catalog(self) -> Catalog:
        """Of the lake."""
        from chalicelib.lake.catalog import Catalog

        return Catalog(self.settings.catalog, session=self._session)

    def check(self, check_id: str) -> dict[str, Any]:
        """Looks at a source or at what is published,
        as the import function does, and keeps what was found.
        """
        from chalicelib.store.own_directory import OwnDirectory

        check = self.checks.begin(check_id)
        # What a killed one has left there goes.
        own = OwnDirectory(Path(self.settings.scratch) / "looking")
        try:
            self.checks.finish(check_id, self._look(check, own.path))
        except WellheadError as exc:
            self.checks.fail(check_id, code=exc.code, message=exc.message)
        except Exception:
            log.exception("the check failed unexpectedly")
            self.give_up_check(check_id)
        finally:
            own.remove()
        return {"check_id": check_id}

    def _look(self, check: Check, directory: Path) -> dict[str, Any]:
        if check.kind is CheckKind.SOURCE:
            return self._look_at_source(check, directory)
        from chalicelib.ops.reports import report

        return report(
            check,
            job_manager=self.job_manager,
            warehouse=self.warehouse,
            directory=directory,
            memory_mb=self.settings.memory_mb,
            lake=self._lake,
        )

    def _look_at_source(self, check: Check, directory: Path) -> dict[str, Any]:
        from chalicelib.sources.check_result import look_up

        _, settings = check_definition(check.values, self.settings)
        with closing(
            self._reader(settings, lambda: CHECK_SECONDS, directory, began=None)
        ) as reader:
            return look_up(reader, settings, check.values)

    def give_up_check(self, check_id: str) -> str:
        """Of a check whose function died."""
        self.checks.give_up(check_id)
        return "failed"

    def _reader(
        self,
        settings: Settings,
        remaining: Callable[[], float],
        directory: Path,
        *,
        began: float | None,
        known: Iterable[str] = (),
        on_auth: Callable[[SourceAuth], object] = lambda _: None,
    ) -> SourceReader:
        """Of an OData service, or of files. The secret is read here, once for each import.
        Raises SecretUnavailable, SecretInvalid.
        """
        from chalicelib.sources.opening import Opening

        return Opening(
            settings=settings,
            client=self._client,
            environment=self._environment,
            remaining=remaining,
            directory=directory,
            began=began,
            known=known,
            on_auth=on_auth,
        ).reader()

    @cached_property
    def _session(self) -> botocore.session.Session:
        session = botocore.session.get_session()
        session.register_component("data_loader", service_models())
        return session

    def _client(self, service: str, config: Config = _CLIENT) -> Any:
        return self._session.create_client(service, config=_NAME.merge(config))


class ServiceModels(Loader):
    """What botocore knows of each service. Before it reads one, it looks into the directories of
    all 440 to know that there is such a service; their names tell that too.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  every kind of model
        paths = [Path(path) for path in self.search_paths]
        return [path.name for known in paths if known.is_dir() for path in known.iterdir()]


@cache
def service_models() -> ServiceModels:
    """Read once a process: a session of its own reads them anew, 0.2 s of CPU."""
    return ServiceModels()


def _own_directory(scratch: Path, claim: Claim) -> Path:
    """An empty directory for this claim.
    What dead workers left in a reused /tmp goes; nothing else does.
    """
    for left in scratch.glob("import-*"):
        shutil.rmtree(left, ignore_errors=True)
    directory = scratch / f"import-{claim.job.job_id}-{claim.fence}"
    directory.mkdir(parents=True)
    return directory


def warm(services: Services, environment: Mapping[str, str] = os.environ) -> Services:
    """Inside Lambda, build what every request needs while the function initialises: half a second
    of a first request otherwise. Elsewhere (packaging, tests) importing the app must need no
    settings.
    """
    if "AWS_LAMBDA_RUNTIME_API" in environment:
        start_logging(environment)
        for name in _NEEDED_BY.get(environment.get("_HANDLER", ""), ("job_manager",)):
            getattr(services, name)
    return services


def open_warehouse(url: str, *, s3: S3Client | None = None) -> Warehouse:
    """Of a directory, or of `s3://bucket/prefix` with a client. Raises RuntimeTooOld."""
    if url.startswith("s3://"):
        from chalicelib.warehouse.multipart import Multipart
        from chalicelib.warehouse.s3 import S3Warehouse, refuse_old_client

        if s3 is None:
            raise ValueError("a warehouse on S3 needs an S3 client")
        refuse_old_client(s3)
        parts = urlsplit(url)
        return S3Warehouse(Multipart(s3=s3, bucket=parts.netloc), prefix=parts.path.strip("/"))
    from chalicelib.warehouse.directory import DirectoryWarehouse

    return DirectoryWarehouse(Path(url))
