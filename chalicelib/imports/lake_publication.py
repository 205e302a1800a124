"""LakePublication: how the rows of an import become what is published in a lake.

The rows lie in the lake's tables. Which of their snapshots are published the pointer tells, and
beside it a small file in the warehouse: under its name readers find the state that they began with,
and as long as it is kept the lake keeps those snapshots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.jobs.lock import Claim, Snapshot
from chalicelib.lake.spark import SPARK_ROWS, SparkAsked
from chalicelib.lake.versions import Versions
from chalicelib.warehouse.names import Warehouse, delta_name, order_name, sha256_of, snapshot_name

from .publication import MERGE_ROWS_PER_SECOND, FilePublication, publish_seconds, remove_segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chalicelib.lake.compared import Compared
    from chalicelib.lake.repository import LakeRepository
    from chalicelib.store.outcome import Looks, MergeResult, RunFacts

# Of each commit, beside what grows with the rows: as long as an answer of the catalog may take.
COMMIT_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Move:
    """A file that an import was merged into, at `now`, on its way into the lake."""

    file: FilePublication
    facts: RunFacts
    now: float


@dataclass(kw_only=True)
class LakePublication:
    """`directory` is on the worker's own disk. `engine` says what merges:
    "duckdb", "spark", or "auto", which is Spark for `spark_rows` or more that change.
    """

    warehouse: Warehouse
    directory: Path
    claim: Claim
    engine: str = "duckdb"
    spark_rows: int = SPARK_ROWS
    _compared: Compared | None = None
    _move: Move | None = None

    def merge_seconds(self, base: Snapshot | None, *, rows: int) -> float:
        # As fast as into a file. Of a lake only the rows of the import count: its files are read
        # that have rows of the same periods.
        moved = base.rows if base and not base.is_lake else 0
        return (rows + moved) / MERGE_ROWS_PER_SECOND

    def merge(
        self,
        repository: LakeRepository,
        base: Snapshot | None,
        facts: RunFacts,
        looks: Looks,
        *,
        rows: int,
    ) -> MergeResult:
        """Nothing is written to the lake but what takes back an import that died. Where a file is
        published, the rows are merged into a copy of it, which then moves into the lake whole.
        Raises LeaseLost, LakeUnavailable, LakeMoved, LakeUnprepared, PeriodChanged, ScratchFull,
        OutOfMemory, WarehouseUnavailable, WarehouseCorrupt.
        """
        if base and not base.is_lake:
            file = FilePublication(
                warehouse=self.warehouse, directory=self.directory, claim=self.claim
            )
            merged = file.merge(repository, base, facts, looks, rows=rows)
            self._move = Move(file=file, facts=facts, now=looks.now)
            return merged
        self._compared = repository.compare(versions_of(base), facts, looks)
        return self._compared.result

    def publish_seconds(self) -> float:
        seconds = COMMIT_SECONDS
        if self._compared:
            result = self._compared.result
            seconds += (result.new_records + result.updated_records) / MERGE_ROWS_PER_SECOND
        if self._move:
            seconds += publish_seconds(self._move.file.store)
        return seconds

    def publish(
        self,
        repository: LakeRepository,
        merged: MergeResult,
        *,
        beat: Callable[[], object],
    ) -> Snapshot:
        """Raises what `beat` does, LeaseLost, LakeUnavailable, LakeMoved, PublishRefused,
        WarehouseUnavailable, and SparkAsked where Spark has to merge first.
        """
        if self._move:
            move = self._move
            move.file.read_back(repository, merged)
            versions = repository.take(move.file.store, move.facts, merged, now=move.now, beat=beat)
            return self.put(versions)
        if self._compared is None:
            raise RuntimeError("nothing was merged")
        staged = None
        if self._is_for_spark(self._compared.result):
            # None at the first attempt. The next worker compares once more when Spark is done, and
            # finds what it has staged.
            staged = repository.spark_snapshot(self._compared)
            if staged is None:
                beat()
                raise SparkAsked(self._ask_spark(repository, self._compared))
        versions = repository.commit(self._compared, beat=beat, staged=staged)
        repository.check(versions)
        return self.put(versions)

    def _is_for_spark(self, result: MergeResult) -> bool:
        """Of an import that changes nothing there is nothing to ask for."""
        changing = result.new_records + result.updated_records + result.withdrawn_records
        least_rows = {"duckdb": None, "spark": 1, "auto": self.spark_rows}
        least = least_rows[self.engine]
        if least is None:
            return False
        return changing >= least

    def _ask_spark(self, repository: LakeRepository, compared: Compared) -> str:
        """Where Spark reads what to do:
        the rows and the order lie in the warehouse, as segments do, until the job has ended.
        """
        job_id = self.claim.job.job_id
        fence = self.claim.fence
        name_of_rows = delta_name(job_id, fence)
        name_of_order = order_name(job_id, fence)
        rows = self.directory / "delta.parquet"
        order_file = self.directory / "order.json"

        order = repository.order(compared, rows, self.warehouse.location(name_of_rows))
        order_file.write_text(order.text(), "utf-8")
        self.warehouse.put(name_of_rows, rows, sha256=sha256_of(rows))
        self.warehouse.put(name_of_order, order_file, sha256=sha256_of(order_file))
        return self.warehouse.location(name_of_order)

    def put(self, versions: Versions) -> Snapshot:
        """Under a name with the claim's fence. Raises WarehouseUnavailable."""
        file = self.directory / "versions.json"
        file.write_text(versions.text(), "utf-8")
        snapshot = Snapshot(
            name=snapshot_name(self.claim.fence, self.claim.job.job_id, is_lake=True),
            fence=self.claim.fence,
            rows=versions.rows,
            bytes=file.stat().st_size,
            sha256=sha256_of(file),
            job_id=self.claim.job.job_id,
            versions=dict(versions.snapshots),
        )
        self.warehouse.put(snapshot.name, file, sha256=snapshot.sha256)
        return snapshot

    def follow(
        self,
        snapshot: Snapshot,  # noqa: ARG002  nothing in a lake bears a stable name
        *,
        segments: list[str],
    ) -> None:
        remove_segments(self.warehouse, segments)


def versions_of(snapshot: Snapshot | None) -> Versions:
    """What the pointer names; of no pointer, an empty lake."""
    if snapshot is None:
        return Versions(snapshots={})
    return Versions.from_attributes(snapshot.versions, rows=snapshot.rows)
