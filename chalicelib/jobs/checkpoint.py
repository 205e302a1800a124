"""Checkpoint: what an import goes on from, whoever runs it next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from chalicelib.warehouse.names import SegmentRun

if TYPE_CHECKING:
    from collections.abc import Mapping

StoredCursor = dict[str, Any]  # a place in the source, in the words of its reader; nobody else looks into it


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The cursor stands after the rows that the segments hold."""

    cursor: StoredCursor
    segments: list[SegmentRun] = field(default_factory=list)

    def to_attributes(self) -> dict[str, Any]:
        """As two attributes of the job's item."""
        return {"cursor": self.cursor, "segments": [run.to_attributes() for run in self.segments]}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> Self:
        segments = [SegmentRun.from_attributes(run) for run in attributes.get("segments", ())]
        return cls(cursor=attributes["cursor"], segments=segments)
