"""Checkpoint: what an import goes on from, whoever runs it next."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from chalicelib.warehouse.names import SegmentRun

from .dynamodb_item import without_none

if TYPE_CHECKING:
    from collections.abc import Mapping

# A place in the source, in the words of its reader; nobody else looks into it.
StoredCursor = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """So many parts, whose items are called after the job that planned them."""

    job_id: str
    parts: int


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The cursor stands after the rows that the segments hold.

    `seal` proves these segments, as imports/seal.py tells; it is empty while there are none.
    `source` is the fingerprint of source and mapping that they were read with. Older checkpoints
    have neither.

    Of a job whose source is read in parts, the cursor stands before the first row of all, but for
    its counts, and the segments are none: `plan` tells where the checkpoints of the parts are.
    """

    cursor: StoredCursor
    segments: list[SegmentRun] = field(default_factory=list)
    seal: str | None = None
    source: dict[str, Any] | None = None
    plan: Plan | None = None

    def to_attributes(self) -> dict[str, Any]:
        """As attributes of the job's item, nothing for what is null."""
        values = {
            "cursor": self.cursor,
            "segments": [run.to_attributes() for run in self.segments],
            "seal": self.seal,
            "source": self.source,
            "plan": asdict(self.plan) if self.plan else None,
        }
        return without_none(values)

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        runs = attributes.get("segments", ())
        plan = attributes.get("plan")
        return cls(
            cursor=attributes["cursor"],
            segments=[SegmentRun.from_attributes(run) for run in runs],
            seal=attributes.get("seal"),
            source=attributes.get("source"),
            plan=Plan(**plan) if plan else None,
        )
