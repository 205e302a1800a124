"""Spark: what DuckDB has no memory to merge, Spark merges beside main. That main becomes
it is Wellhead's to say.

    Merge    compares, judges ── puts the delta and an order into the warehouse
    Spark    stages one snapshot upon main, which bears the order's mark
    Merge    compares again ── finds the mark ── main := that snapshot, if main stands as before
             ── moves the pointer

Nobody reads a staged snapshot: no branch names it. Spark may be started twice, die at any place, or
come when nobody waits for it any more. The mark is written with the rows, in one commit; who comes
next finds it, or merges anew. It tells the job, the moment that its rows bear, and what they are,
so that a delta that has become another one in the meantime is none that was merged.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from .catalog import Head

MARK = "wap.id"  # what Iceberg calls it in the summary of a snapshot
# Staging, and rows that are marked as deleted as DuckDB marks them: to write their files
# anew would leave marks behind that no row answers to, and the rows of a snapshot could no
# longer be told by its summary.
STAGING = {"write.wap.enabled": "true", "write.merge.mode": "merge-on-read"}
# that change: beyond them DuckDB's MERGE needs more memory than a function has
SPARK_ROWS = 20_000_000
_MARK = re.compile(r"wellhead (?P<job_id>\S+) (?P<moment>\d+) (?P<digest>\S+)")


class SparkAsked(Exception):
    """The import goes on when Spark has merged; `order` is where it reads what to do."""

    def __init__(self, order: str) -> None:
        super().__init__(order)
        self.order = order


@dataclass(frozen=True, kw_only=True)
class Mark:
    """`moment` is in milliseconds; `digest` of all that is merged."""

    job_id: str
    moment: int
    digest: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None of what is none of ours."""
        found = _MARK.fullmatch(text)
        return (
            cls(job_id=found["job_id"], moment=int(found["moment"]), digest=found["digest"])
            if found
            else None
        )

    def text(self) -> str:
        return f"wellhead {self.job_id} {self.moment} {self.digest}"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What spark/merge_job.py does: in `table`, if main is `base` there and nothing
    upon it bears the `mark` yet, the statement `merge`, for which the rows at the URL
    `delta` are the view `delta`.
    """

    table: str
    base: int | None
    mark: str
    delta: str
    merge: str

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


@dataclass(frozen=True, kw_only=True)
class Staged:
    snapshot: int
    mark: Mark


def staged_upon(head: Head, job_id: str) -> Staged | None:
    """The newest that Spark has made for the job of what main is now."""
    found = []
    for number, told in head.snapshots.items():
        mark = Mark.read(told.get("summary", {}).get(MARK, ""))
        if mark and mark.job_id == job_id and told.get("parent-snapshot-id") == head.snapshot:
            found.append((told["timestamp-ms"], number, mark))
    if not found:
        return None
    _, number, mark = max(found, key=lambda each: each[:2])
    return Staged(snapshot=number, mark=mark)
