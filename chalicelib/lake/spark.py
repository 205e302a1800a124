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

MILLISECONDS = 1_000  # of a second
MARK = "wap.id"  # what Iceberg calls it in the summary of a snapshot
# Staging, and rows that are marked as deleted as DuckDB marks them: to write their files
# anew would leave marks behind that no row answers to, and the rows of a snapshot could no
# longer be told by its summary.
STAGING = {"write.wap.enabled": "true", "write.merge.mode": "merge-on-read"}
# Rows that change. Beyond them DuckDB's MERGE needs more memory than a function has.
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
        """None of a text that is no mark of ours."""
        match = _MARK.fullmatch(text)
        if match is None:
            return None
        return cls(job_id=match["job_id"], moment=int(match["moment"]), digest=match["digest"])

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
    newest: Staged | None = None
    newest_order = (0, 0)
    for number, facts in head.snapshots.items():
        summary = facts.get("summary", {})
        mark = Mark.read(summary.get(MARK, ""))
        is_upon_main = facts.get("parent-snapshot-id") == head.snapshot
        if not mark or mark.job_id != job_id or not is_upon_main:
            continue

        # Two of one millisecond: the larger number.
        order = (facts["timestamp-ms"], number)
        if order > newest_order:
            newest = Staged(snapshot=number, mark=mark)
            newest_order = order
    return newest
