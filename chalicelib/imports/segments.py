"""Segments: the staged rows of an unfinished import, on their way into the warehouse and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.warehouse.names import Warehouse, add_segment, segment_names, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from chalicelib.jobs.lock import Claim
    from chalicelib.store.repository import DuckDBWellProductionRepository
    from chalicelib.warehouse.names import SegmentRun


@dataclass(frozen=True, kw_only=True)
class Segments:
    """`directory` is on the worker's own disk. Every method raises WarehouseUnavailable."""

    warehouse: Warehouse
    directory: Path
    claim: Claim

    def load(self, repository: DuckDBWellProductionRepository, name: str) -> None:
        """Stage again what this segment holds."""
        self.warehouse.fetch(name, self._file)
        repository.load_segment(self._file)
        self._file.unlink()

    def store(self, repository: DuckDBWellProductionRepository, runs: list[SegmentRun]) -> tuple[list[SegmentRun], int]:
        """The rows staged since the last segment of these runs become one more, if there are any: the runs with it,
        and how many rows it holds.
        """
        if rows := repository.export_segment(self._file):
            runs = add_segment(runs, self.claim.job.job_id, self.claim.fence)
            self.warehouse.put(segment_names(runs)[-1], self._file, sha256=sha256_of(self._file))
        self._file.unlink(missing_ok=True)
        return runs, rows

    @property
    def _file(self) -> Path:
        return self.directory / "segment.parquet"
