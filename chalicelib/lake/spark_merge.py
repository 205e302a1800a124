"""SparkMerge: what Wellhead does of a merge that Spark makes. spark.py says how the two agree."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import LakeMoved, LakeUnavailable, PublishRefused
from chalicelib.store.local_duckdb import sql_path

from .connection import lake_errors
from .delta import TARGET, delta_rows, merge_of
from .settling import FACTS, TRIES, commit_after, settle_table
from .spark import MILLISECONDS, STAGING, Mark, Order, staged_upon
from .versions import PRODUCTION

if TYPE_CHECKING:
    from pathlib import Path

    from .catalog import Catalog, Head
    from .compared import Compared
    from .lake_sql import LakeSql


@dataclass(frozen=True, kw_only=True)
class SparkMerge:
    catalog: Catalog
    sql: LakeSql

    def spark_snapshot(self, compared: Compared) -> int | None:
        """The snapshot that Spark has made of just these rows; None before it has. Raises
        PublishRefused where it holds others than it should, LeaseLost, LakeUnavailable, LakeMoved.
        """
        head = self._settle(compared)
        staged = staged_upon(head, compared.facts.job_id)
        if staged is None or staged.mark != self._mark(compared):
            return None
        rows = head.rows_of(staged.snapshot)
        if rows != compared.result.stored_records:
            raise PublishRefused(
                f"Spark's merge would leave {rows} rows in the lake instead of "
                f"{compared.result.stored_records:,}, so nothing was published. Start the import "
                "again."
            )
        return staged.snapshot

    def order(self, compared: Compared, delta: Path, place: str) -> Order:
        """What Spark is to do, after which `spark_snapshot` finds it. The rows are written to
        `delta`, which Spark will find at `place`, a URL. Raises LeaseLost, LakeUnavailable,
        LakeMoved, ScratchFull, OutOfMemory.
        """
        with lake_errors():
            self.sql.run("write_delta", path=sql_path(delta), **self._delta(compared))
        head = self._settle(compared)
        lacks_properties = bool(STAGING.items() - head.properties.items())
        if lacks_properties and not self.catalog.set_properties(PRODUCTION, head, STAGING):
            raise LakeMoved
        merge = merge_of("delta", self.sql.bounds())
        mark = self._mark(compared).text()
        return Order(table=TARGET, base=head.snapshot, mark=mark, delta=place, merge=merge)

    def _settle(self, compared: Compared) -> Head:
        return settle_table(
            self.catalog, PRODUCTION, compared.base.of(PRODUCTION), fence=compared.facts.fence
        )

    def _mark(self, compared: Compared) -> Mark:
        with lake_errors():
            count, total = self.sql.one("look_at_delta", **self._delta(compared))
        return Mark(
            job_id=compared.facts.job_id,
            moment=round(compared.now * MILLISECONDS),
            digest=f"{count}-{total}",
        )

    def _delta(self, compared: Compared) -> dict[str, Any]:
        return {"delta": delta_rows(compared.result), "now": compared.now}

    def take(self, compared: Compared, staged: int) -> int:
        """Main becomes the staged snapshot, if it still is what Spark began with. Its snapshot
        afterwards, which is known by the maker in the table's properties and by nothing else: an
        answer of the catalog may be lost where main was moved.
        """
        properties = compared.maker.to_properties() | {FACTS: compared.summary}
        for _ in range(TRIES):
            head = self._settle(compared)
            staged_facts = head.snapshots.get(staged)
            # Upon another main, the staged rows would undo what has come to the table since.
            if staged_facts is None or staged_facts.get("parent-snapshot-id") != head.snapshot:
                raise LakeMoved
            with suppress(LakeUnavailable):
                self.catalog.set_main(PRODUCTION, head, staged, properties)
            snapshot = commit_after(self.catalog, PRODUCTION, head, compared.maker)
            if snapshot is not None:
                return snapshot
        raise LakeMoved
