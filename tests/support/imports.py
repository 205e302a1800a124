"""What the tests of whole imports share:
a worker with a clock to turn, and what is published, row by row.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import duckdb

from chalicelib.imports.lake_publication import LakePublication, versions_of
from chalicelib.imports.service import WellProductionImportService
from chalicelib.imports.worker import run_import
from chalicelib.jobs.lock import Claim, Lease, Snapshot
from chalicelib.jobs.manager import JobManager
from chalicelib.jobs.table import Table
from chalicelib.lake.catalog import Catalog
from chalicelib.lake.repository import LakeRepository
from chalicelib.odata.adapter import ExternalApiAdapter
from chalicelib.odata.connection import ODataConnection
from chalicelib.settings import Settings
from chalicelib.store.columns import COLUMNS, Column, Kind
from chalicelib.warehouse.directory import DirectoryWarehouse
from chalicelib.warehouse.names import sha256_of
from support.coordination import Clock, RecordingDispatcher, a_job
from support.merging import open_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chalicelib.jobs.job import Job
    from local.source.production import GeneratedProduction

ENOUGH = 900.0


class Worker:
    """Runs imports in this process.
    `sleep` turns the clock, so a lease of a minute costs no time.
    """

    def __init__(self, environment: dict[str, str], dynamodb: Any) -> None:
        self.settings = Settings.from_environment(environment)
        self.clock = Clock()
        self.sleep: Callable[[float], object] = self.clock.advance
        self.dispatcher = RecordingDispatcher()
        self.warehouse: Any = DirectoryWarehouse(Path(self.settings.warehouse))
        self.manager = JobManager(
            table=Table(dynamodb=dynamodb, name=self.settings.table),
            lease=Lease(),
            clock=self.clock,
        )

    def trigger(self) -> str:
        return self.manager.create(a_job(self.clock)).job_id

    def run(
        self,
        job_id: str,
        *,
        remaining: Callable[[], float] = lambda: ENOUGH,
        build: Callable[[Claim], WellProductionImportService] | None = None,
        execution: str = "",
        work: Callable[..., dict[str, Any]] | None = None,
        **options: Any,
    ) -> Any:
        def new_service(claim: Claim) -> WellProductionImportService:
            return WellProductionImportService(
                claim=claim,
                settings=self.settings,
                job_manager=self.manager,
                source=ExternalApiAdapter(
                    settings=self.settings,
                    connection=ODataConnection(settings=self.settings, sleep=self.clock.advance),
                ),
                warehouse=self.warehouse,
                directory=Path(self.settings.scratch) / str(claim.fence),
                remaining=remaining,
                clock=self.clock,
                **{**kind_of_store(self.settings), **options},
            )

        return run_import(
            job_id,
            request_id="test",
            job_manager=self.manager,
            dispatch=self.dispatcher.dispatch,
            warehouse=self.warehouse,
            new_service=new_service if build is None else build,
            max_attempts=self.settings.max_attempts,
            clock=self.clock,
            sleep=self.sleep,
            execution=execution,
            **({"work": work} if work else {}),
        )

    def import_all(self) -> Job:
        job_id = self.trigger()
        self.run(job_id)
        return self.manager.get(job_id)


def kind_of_store(settings: Settings) -> dict[str, Any]:
    """As Services has it."""
    if settings.store == "file":
        return {}
    session = botocore.session.get_session()
    repository = partial(
        LakeRepository, catalog=Catalog(settings.catalog, session=session), session=session
    )
    publication = partial(LakePublication, engine=settings.merge)
    return {"new_repository": repository, "new_publication": publication}


@contextmanager
def opened(settings: Settings, snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of what is published, by the names that a file has for them."""
    if snapshot.is_lake:
        catalog = Catalog(settings.catalog, session=botocore.session.get_session())
        with open_lake(catalog, versions_of(snapshot)) as connection:
            yield connection
        return
    with duckdb.connect(Path(settings.warehouse, snapshot.name), read_only=True) as connection:
        yield connection


def published_rows(worker: Worker) -> list[tuple[Any, ...]]:
    snapshot = worker.manager.current_snapshot()
    assert snapshot
    with opened(worker.settings, snapshot) as connection:
        return rows_in(connection)


class Budget:
    """Seconds that are left: enough, until it has been asked `calls` times.
    Each question takes a second.
    """

    def __init__(self, clock: Clock, calls: int, then: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._calls = calls
        self._then = then

    def __call__(self) -> float:
        self._clock.advance(1)
        self._calls -= 1
        return ENOUGH if self._calls >= 0 else self._then()


class Died(BaseException):
    """The process is gone: no clean-up, no last word to the table."""


def die() -> float:
    raise Died


def files(directory: str | Path) -> dict[str, str]:
    """SHA-256 of every file below, by its name."""
    root = Path(directory)
    return {
        str(path.relative_to(root)): sha256_of(path)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def stored_rows(database: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(database, read_only=True) as connection:
        return rows_in(connection)


def rows_in(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    columns = ", ".join(column.name for column in COLUMNS)
    return connection.execute(f"SELECT {columns} FROM well_production ORDER BY ALL").fetchall()


def rejected_rows(database: Path) -> int:
    with duckdb.connect(database, read_only=True) as connection:
        [[count]] = connection.execute("SELECT count(*) FROM rejected_rows").fetchall()
        return int(count)


def expected_rows(data: GeneratedProduction) -> list[tuple[Any, ...]]:
    """Every good row of the source, one of each key: where one comes twice, it is the same."""
    latest = {}
    for position, row in enumerate(data.page(0, len(data))):
        if position not in data.bad_positions:
            latest[data.key(position)] = _as_stored(json.loads(row))
    return sorted(latest.values())


def _as_stored(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(_value(column, row[column.name]) for column in COLUMNS)


def _value(column: Column, sent: Any) -> Any:
    if column.kind is Kind.CODE:
        return str(sent)
    return date.fromisoformat(sent) if column.kind is Kind.DAY else sent
