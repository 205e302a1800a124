"""What a merge knows of its import, and what becomes of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .diff import Diff
from .settle import Settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .adopt import Adoption


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What `import_runs` keeps of an import besides its counts, and whether it `is_full`:
    asked for all rows of its source. Times are epoch seconds.
    """

    job_id: str
    fence: int
    source: str
    triggered_by: str
    started_at: float
    expected_records: int | None
    is_full: bool = True

    def to_columns(self) -> dict[str, Any]:
        """As `import_runs` keeps them."""
        columns = dict(vars(self))
        del columns["is_full"]
        return columns


@dataclass(frozen=True, kw_only=True)
class MergeResult:
    """What became, or would become, of the rows of an import.

    `rejects` counts what was wrong, as `REASON column`, the most frequent first: a row may have
    several faults.
    """

    new_records: int
    updated_records: int
    duplicate_records: int
    failed_records: int
    stored_records: int
    warnings: dict[str, int]
    diff: Diff = field(default_factory=Diff)
    settled: Settled = field(default_factory=Settled)
    rejects: dict[str, int] = field(default_factory=dict)
    adoption: Adoption | None = None
    skipped_records: int = 0
    withdrawn_records: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """What became of the rows that were staged."""
        return {
            "new_records": self.new_records,
            "updated_records": self.updated_records,
            "duplicate_records": self.duplicate_records,
            "failed_records": self.failed_records,
            "skipped_records": self.skipped_records,
        }


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What an import knows of itself when it is compared: the moment `now`, epoch seconds, the
    `warnings` that were counted before, the columns `without_field`, whether a field `is_renamed`,
    and whether stored rows that it did not bring are withdrawn with it.
    """

    now: float
    warnings: Mapping[str, int]
    without_field: Sequence[str] = ()
    is_renamed: bool = False
    withdraws: bool = False
