"""A directory of CSV files as a source, imported as often as wanted, and what is stored then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from chalicelib.sources.definition import definition_of
from support.coordination import a_job
from support.preset_imports import PresetWorker

if TYPE_CHECKING:
    from chalicelib.jobs.job import Job

HEADER = "well,month,part,oil\n"
COLUMNS = {
    "well_code": "well",
    "production_period": "month",
    "oil_production_kbd": {"field": "oil", "unit": "Mbbl/d"},
}


class Drop(PresetWorker):
    """A directory of CSV files, imported as often as wanted."""

    def __init__(self, environment: dict[str, str], dynamodb: Any, directory: Path) -> None:
        super().__init__(environment, dynamodb)
        self._directory = directory
        directory.mkdir()

    def write(self, name: str, *rows: str) -> None:
        (self._directory / name).write_text(HEADER + "".join(f"{row}\n" for row in rows))

    def imported(self, *, full: bool = False, **told: Any) -> Job:
        values = {
            "name": "drop",
            "kind": "files",
            "url": str(self._directory),
            "columns": COLUMNS,
        } | told
        self._definition = definition_of(values)
        job_id = self.manager.create(a_job(self.clock, **({"full": True} if full else {}))).job_id
        self.run(job_id, build=self._new_service)
        return self.manager.get(job_id)

    @property
    def stored(self) -> dict[tuple[str, str], float]:
        snapshot = self.manager.current_snapshot()
        assert snapshot
        with duckdb.connect(
            Path(self.settings.warehouse) / snapshot.name, read_only=True
        ) as connection:
            query = "SELECT well_code, production_period, oil_production_kbd FROM well_production"
            return {
                (well, str(month)): oil for well, month, oil in connection.execute(query).fetchall()
            }
