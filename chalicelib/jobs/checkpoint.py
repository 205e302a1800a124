"""Checkpoint: what an import goes on from, whoever runs it next."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from chalicelib.warehouse.names import SegmentRun

if TYPE_CHECKING:
    from collections.abc import Mapping

StoredCursor = dict[str, Any]  # a place in the source, in the words of its reader; nobody else looks into it


@dataclass(frozen=True, kw_only=True)
class Plan:
    """So many parts, whose items are called after the job that planned them."""

    job_id: str
    parts: int


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The cursor stands after the rows that the segments hold.

    `seal` proves these segments, as imports/seal.py tells; it is empty while there are none. `source` is the
    fingerprint of source and mapping that they were read with. Older checkpoints have neither.

    Of a job whose source is read in parts, the cursor stands before the first row of all, but for its counts, and the
    segments are none: `plan` tells where the checkpoints of the parts are.
    """

    cursor: StoredCursor
    segments: list[SegmentRun] = field(default_factory=list)
    seal: str | None = None
    source: dict[str, Any] | None = None
    plan: Plan | None = None

    def to_attributes(self) -> dict[str, Any]:
        """As attributes of the job's item, nothing for what is null."""
        runs = [run.to_attributes() for run in self.segments]
        values = {"cursor": self.cursor, "segments": runs, "seal": self.seal, "source": self.source}
        values["plan"] = asdict(self.plan) if self.plan else None
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        segments = [SegmentRun.from_attributes(run) for run in attributes.get("segments", ())]
        return cls(
            cursor=attributes["cursor"],
            segments=segments,
            seal=attributes.get("seal"),
            source=attributes.get("source"),
            plan=Plan(**attributes["plan"]) if attributes.get("plan") else None,
        )
