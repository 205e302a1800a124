"""A file imported with a preset, by the worker of an import, and what is stored then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.imports.service import WellProductionImportService
from chalicelib.imports.watermark import Watermark
from chalicelib.sources.definition import definition_of
from chalicelib.sources.opening import Opening
from chalicelib.sources.overlay import settings_of
from support.imports import ENOUGH, Worker
from support.plain_rows import DAYS, GAS, LIQUIDS, OIL, WATER

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job
    from chalicelib.jobs.lock import Claim

    from .plain_rows import Key

NUMBERS = (DAYS, OIL, GAS, LIQUIDS, WATER)


@dataclass(frozen=True, kw_only=True)
class Imported:
    """`rows` are the numbers of each field, well and period."""

    rows: dict[Key, dict[str, float | None]]
    period_days: dict[Key, int]
    job: Job

    @property
    def counts(self) -> tuple[int, int, int]:
        """Rows that were delivered, passed over and rejected."""
        return self.job.total_records, self.job.skipped_records, self.job.failed_records


class PresetWorker(Worker):
    """Imports a file as the source that is called as its preset."""

    def import_file(self, preset: str, path: Path) -> Imported:
        return self.import_as({"name": preset, "preset": preset, "url": str(path)})

    def import_as(self, values: dict[str, Any]) -> Imported:
        """`values` are those of a definition."""
        self._definition = definition_of(values)
        job_id = self.trigger()
        self.run(job_id, build=self._new_service)
        job, current = self.manager.get(job_id), self.manager.current_snapshot()
        assert current, f"{job.status}: {job.error}"
        return _imported(Path(self.settings.warehouse) / current.name, job)

    def _new_service(self, claim: Claim) -> WellProductionImportService:
        directory = Path(self.settings.scratch) / str(claim.fence)
        settings = settings_of(self._definition, self.settings)
        return WellProductionImportService(
            claim=claim,
            settings=settings,
            job_manager=self.manager,
            source=Opening(
                settings=settings,
                client=no_client,
                environment={},
                remaining=lambda: ENOUGH,
                directory=directory,
                known=Watermark(settings).known_files(self.manager.current_snapshot(), claim.job),
            ).reader(),
            warehouse=self.warehouse,
            directory=directory,
            remaining=lambda: ENOUGH,
            clock=self.clock,
        )


def no_client(*_: Any) -> Any:
    raise AssertionError("files on local disk need no service")


def _imported(store: Path, job: Job) -> Imported:
    columns = ("field_code", "well_code", "production_period", "period_days", *NUMBERS)
    with duckdb.connect(store, read_only=True) as connection:
        found = connection.execute(f"SELECT {', '.join(columns)} FROM well_production").fetchall()
    rows: dict[Key, dict[str, float | None]] = {}
    days: dict[Key, int] = {}
    for field, well, period, period_days, *numbers in found:
        key = (field, well, str(period))
        rows[key], days[key] = dict(zip(NUMBERS, numbers, strict=True)), period_days
    return Imported(rows=rows, period_days=days, job=job)
