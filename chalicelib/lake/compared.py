"""Compared: an import that is judged and not written yet, and what its commits must come to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.errors import PublishRefused

from .settling import Maker

if TYPE_CHECKING:
    from chalicelib.store.outcome import MergeResult, RunFacts

    from .versions import Versions


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What becomes of the rows of an import, upon the published state `base`."""

    base: Versions
    facts: RunFacts
    now: float
    result: MergeResult

    @property
    def maker(self) -> Maker:
        """Who makes the commits of this import."""
        return Maker(self.facts.job_id, self.facts.fence)

    @property
    def summary(self) -> str:
        """The facts that each commit leaves in its table's properties, for people."""
        facts = {
            "source": self.facts.source,
            **self.result.counts,
            "rows": self.result.stored_records,
        }
        return json.dumps(facts)


def refuse_other_count(rows: str, written: int, expected: int) -> int:
    """How many were written, before they are committed. Raises PublishRefused."""
    if written != expected:
        raise PublishRefused(
            f"The lake would have taken {written:,} {rows} instead of {expected:,}, so nothing was "
            "published. Start the import again."
        )
    return int(written)
